/**
 * Multiplications and additions that hosts with relaxed SIMD do at once.
 *
 * Both variants of a module are as long as each other, so that one carries the other: a product's instruction becomes
 * three that do nothing, and the addition behind it `f32x4.relaxed_madd`, which takes the same operands in this order.
 * A loop must have enough sums for it to pay: a sum waits longer for the one before it. Kernels that have another version
 * for such hosts have it behind them, so that in the table of kernels the next number stands instead.
 */
import type { Code, FunctionCode, PlainCode } from "./tree.js";

/** Sums of a loop that hide the time that each takes. */
const fewest = 8;

/** The function with `x * y + sum` for `sum + x * y` where a loop has many such sums. */
export function withSumsLast(code: FunctionCode): FunctionCode {
  return { ...code, body: code.body.map(sumsLast) };
}

function sumsLast(code: Code): Code {
  if (code.kind === "if") {
    return { ...code, body: code.body.map(sumsLast), otherwise: code.otherwise.map(sumsLast) };
  }
  if (code.kind !== "loop") return code;
  const turned = code.body.map(turnedSum);
  const count = turned.filter((each) => each !== null).length;
  return { ...code, body: code.body.map((each, at) => (count >= fewest ? turned[at] : null) ?? sumsLast(each)) };
}

/** `sum = x * y + sum` of `sum = sum + x * y`; null of anything else. */
function turnedSum(code: Code): Code | null {
  if (code.kind !== "plain" || code.name !== "local.set") return null;
  const [value] = code.operands;
  if (value?.kind !== "plain" || value.name !== "f32x4.add") return null;
  const [sum, product] = value.operands;
  const isSum = sum?.kind === "plain" && sum.name === "local.get" && sum.local === code.local;
  if (!isSum || product?.kind !== "plain" || product.name !== "f32x4.mul") return null;
  return { ...code, operands: [{ ...value, operands: [product, sum] }] };
}

/** The product of a sum that `withSumsLast` has turned, or of a polynomial's step: a product and a constant. */
export function productOfSum({ name, operands: [product, sum] }: PlainCode): PlainCode | null {
  if (name !== "f32x4.add" || product?.kind !== "plain" || product.name !== "f32x4.mul") return null;
  return sum?.kind === "plain" && (sum.name === "local.get" || sum.name === "v128.const") ? product : null;
}

/** Where bytes of one variant differ from the other's, each counted from the place before. */
export function changedPlaces(plain: Uint8Array, relaxed: Uint8Array): readonly number[] {
  const places: number[] = [];
  for (const [at, byte] of plain.entries()) if (byte !== relaxed[at]) places.push(at);
  return places.map((at, number) => at - (places[number - 1] ?? 0));
}
