/**
 * Symbolic whole-number sizes as an interned normal form: equality is identity, comparison has three answers, and
 * proofs are sound. `form.ts` states the normal form, `division.ts` and `extremes.ts` the simplifications, `proof.ts`
 * the method of proof.
 */
export {
  add,
  exactDivide,
  greatestCommonDivisor,
  leastCommonMultiple,
  mul,
  neg,
  sizeOfTerm,
  sub,
} from "./arithmetic.js";
export { type AxisBinding, bindingOf, divisibleBy } from "./binding.js";
export { type Comparison, compare } from "./compare.js";
export { floorDiv, mod } from "./division.js";
export { attempt, DivisionByZero, NotAMultiple, SizeOverflow, SizeSyntaxError } from "./errors.js";
export { evaluate, quotientOf, variablesOf } from "./evaluate.js";
export { absolute, extreme, maximum, minimum } from "./extremes.js";
export {
  type Atom,
  constantOf,
  type ExtremeAtom,
  type FloorDivAtom,
  type Monomial,
  type Size,
  type SizeRange,
  SizeVariable,
  size,
  sizeOfAtom,
  type Term,
  type VariableAtom,
} from "./form.js";
export { type ModuloSplit, splitModulo } from "./modulo.js";
export { parseSize } from "./parse.js";
export { isAtMost, isLess, isNonNegative } from "./proof.js";
export { rangeOf } from "./range.js";
export { render } from "./render.js";
export { substitute } from "./substitute.js";
export { withWholeVariables } from "./whole.js";
