/** Formulas and large numbers as people read them. */
import { constantOf, render, type Size } from "../../sizes/index.js";

const superscripts = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** `1,769,472·B·T + 16·B·T²`: separators in numbers, dots for products, powers. */
export function formulaText(value: Size): string {
  return render(value)
    .replace(/\b([A-Za-z_]\w*)(?:\*\1\b)+/g, (power, name: string) => {
      const exponent = String(power.split("*").length);
      return name + [...exponent].map((digit) => superscripts[Number(digit)]).join("");
    })
    .replaceAll("*", "·")
    .replace(/(?<![\w.])\d{4,}/g, (digits) => digits.replace(/\B(?=(\d{3})+$)/g, ","));
}

/** A number with a prefix: `32.2 G`; a formula as it is. */
export function amountText(value: Size, unit: string): string {
  const number = constantOf(value);
  return number === null ? formulaText(value) : `${prefixed(number)}${unit}`;
}

function prefixed(value: number): string {
  const prefixes = ["", "k", "M", "G", "T", "P", "E"];
  let at = 0;
  let rest = value;
  while (rest >= 999.5 && at < prefixes.length - 1) {
    rest /= 1000;
    at++;
  }
  return `${at === 0 ? rest : rest.toPrecision(3)} ${prefixes[at]}`;
}
