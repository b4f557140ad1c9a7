/** Turns sizes into functions that compute them for the current iteration. */
import { type Atom, quotientOf, type Size, type SizeVariable } from "../sizes/index.js";

export type SizeFunction = () => number;

/**
 * @param variableValue the number that a variable is for the whole run, or how to find it in an iteration.
 */
export function sizeFunction(
  value: Size,
  variableValue: (variable: SizeVariable) => number | SizeFunction,
): SizeFunction {
  let constant = 0;
  const terms: SizeFunction[] = [];
  for (const { coefficient, monomial } of value.terms) {
    let factor = coefficient;
    const factors: SizeFunction[] = [];
    for (const atom of monomial.factors) {
      const part = atomValue(atom, variableValue);
      if (typeof part === "number") factor *= part;
      else factors.push(part);
    }
    if (factors.length === 0) constant += factor;
    else terms.push(productOf(factor, factors));
  }
  if (terms.length === 0) return () => constant;
  const [first, second] = terms;
  if (second === undefined) return constant === 0 ? first! : () => first!() + constant;
  if (terms.length === 2) return () => first!() + second() + constant;
  return () => terms.reduce((sum, term) => sum + term(), constant);
}

function productOf(factor: number, factors: readonly SizeFunction[]): SizeFunction {
  const [only] = factors;
  if (factors.length > 1) return () => factors.reduce((product, each) => product * each(), factor);
  return factor === 1 ? only! : () => factor * only!();
}

/** A number where the atom does not change while the kernel runs. */
function atomValue(
  atom: Atom,
  variableValue: (variable: SizeVariable) => number | SizeFunction,
): number | SizeFunction {
  if (atom.kind === "variable") {
    const { variable } = atom;
    const value = variableValue(variable);
    if (variable.step === 1) return value;
    return typeof value === "number" ? quotientOf(variable, value) : () => quotientOf(variable, value());
  }
  if (atom.kind === "floorDiv") {
    const [a, b] = [sizeFunction(atom.dividend, variableValue), sizeFunction(atom.divisor, variableValue)];
    return () => {
      const divisor = b();
      if (divisor === 0) throw new RangeError("an index is divided by 0");
      return Math.floor(a() / divisor);
    };
  }
  const operands = atom.operands.map((each) => sizeFunction(each, variableValue));
  return atom.kind === "min"
    ? () => Math.min(...operands.map((each) => each()))
    : () => Math.max(...operands.map((each) => each()));
}
