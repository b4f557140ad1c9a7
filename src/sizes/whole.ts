/** How quotients are written so that variables stand undivided in them: half of T // 4 is T // 8. */
import { greatestCommonDivisor, leastCommonMultiple, mul } from "./arithmetic.js";
import { floorDiv } from "./division.js";
import { attempt } from "./errors.js";
import { type FloorDivAtom, type Size, sizeOfAtom } from "./form.js";

/**
 * A dividend and divisor of the same quotient: both times what makes the atoms of the dividend whole multiples of
 * variables, where normalisation finds the atom back.
 */
export function withWholeVariables(atom: FloorDivAtom): { readonly dividend: Size; readonly divisor: Size } {
  const factor = wholeFactor(atom.dividend);
  if (factor === 1) return atom;
  const whole = attempt(() => ({ dividend: mul(atom.dividend, factor), divisor: mul(atom.divisor, factor) }));
  const isSame = whole && attempt(() => floorDiv(whole.dividend, whole.divisor)) === sizeOfAtom(atom);
  return isSame ? whole : atom;
}

/** The least number that makes each coefficient a multiple of the steps of its variables. */
function wholeFactor(a: Size): number {
  return a.terms.reduce((all, { coefficient, monomial }) => {
    const steps = monomial.factors.reduce(
      (step, atom) => (atom.kind === "variable" ? step * atom.variable.step : step),
      1,
    );
    return leastCommonMultiple(all, steps / greatestCommonDivisor(coefficient, steps));
  }, 1);
}
