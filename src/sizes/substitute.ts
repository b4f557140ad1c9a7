/** Replaces variables by sizes and normalises again. */
import { add, mul } from "./arithmetic.js";
import { floorDiv } from "./division.js";
import { extreme } from "./extremes.js";
import { type Atom, type Size, type SizeVariable, size, sizeOfAtom } from "./form.js";

/**
 * `a` with each variable replaced by what `replacement` gives for it; null keeps the variable. Bounds of the variables
 * that stay are theirs and do not change. The caller sees to it that a replacement lies within the range of its
 * variable, and is a multiple of its step, because simplifications of `a` have used that range.
 */
export function substitute(a: Size, replacement: (variable: SizeVariable) => Size | null): Size {
  const done = new Map<Atom, Size>();
  const ofAtom = (atom: Atom): Size => {
    if (atom.kind === "variable") {
      const value = replacement(atom.variable);
      return value === null ? sizeOfAtom(atom) : floorDiv(value, atom.variable.step);
    }
    if (atom.kind === "floorDiv") return floorDiv(ofSize(atom.dividend), ofSize(atom.divisor));
    return extreme(atom.kind, atom.operands.map(ofSize));
  };
  const remembered = (atom: Atom): Size => {
    let result = done.get(atom);
    if (result === undefined) {
      result = ofAtom(atom);
      done.set(atom, result);
    }
    return result;
  };
  const ofSize = (whole: Size): Size => {
    let sum = size(0);
    for (const { coefficient, monomial } of whole.terms) {
      let product = size(coefficient);
      for (const atom of monomial.factors) product = mul(product, remembered(atom));
      sum = add(sum, product);
    }
    return sum;
  };
  return ofSize(a);
}
