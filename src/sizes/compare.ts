/** Comparison of two sizes with three answers, where only proven ones commit. */
import { contentOf, exactDivide, greatestCommonDivisor, sizeOfTerm, sub } from "./arithmetic.js";
import { attempt } from "./errors.js";
import { constantOf, constantPart, type Size, sizeOfAtom, toSize, unitMonomial } from "./form.js";
import { isAtMost, isLess } from "./proof.js";

export type Comparison = "equal" | "different" | "unknown";

/**
 * "equal" for sizes that are equal for all values of their variables, "different" for those that are equal for none,
 * "unknown" otherwise: because it depends on the values, or because nothing could be proven.
 */
export function compare(a: Size | number, b: Size | number): Comparison {
  const left = toSize(a);
  const right = toSize(b);
  if (left === right) return "equal";
  const difference = attempt(() => sub(left, right));
  if (difference === null) return "unknown";
  if (isNeverZero(difference) || isLess(left, right) || isLess(right, left)) return "different";
  return isAtMost(left, right) && isAtMost(right, left) ? "equal" : "unknown";
}

function isNeverZero(difference: Size): boolean {
  const constant = constantOf(difference);
  if (constant !== null) return constant !== 0;
  if (isLess(0, difference) || isLess(difference, 0)) return true;
  // 2*n - 2*m + 1 is odd.
  let divisor = 0;
  for (const { coefficient, monomial } of difference.terms) {
    if (monomial !== unitMonomial) divisor = greatestCommonDivisor(divisor, coefficient);
  }
  if (constantPart(difference) % divisor !== 0) return true;
  // A product is not zero if no factor is.
  const { monomial } = contentOf(difference);
  if (monomial === unitMonomial || difference.terms.length < 2) return false;
  const rest = exactDivide(difference, sizeOfTerm({ coefficient: 1, monomial }));
  return rest !== null && monomial.factors.every((atom) => isNeverZero(sizeOfAtom(atom))) && isNeverZero(rest);
}
