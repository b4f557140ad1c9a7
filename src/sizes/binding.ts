/**
 * Sizes that are multiples of one variable: what the lengths of axes tell of it, by which every runtime binds the sizes
 * of a run, and what divides it.
 */
import { greatestCommonDivisor } from "./arithmetic.js";
import { type Size, type SizeVariable, unitMonomial } from "./form.js";

export interface AxisBinding {
  readonly variable: SizeVariable;
  /** How many times the variable the axis is long: 1 for T, 4 for 4*N. */
  readonly times: number;
}

/** The variable that an axis of this size gives its value: one that it is, or is a whole multiple of. Otherwise null. */
export function bindingOf(axis: Size): AxisBinding | null {
  const multiple = multipleOf(axis);
  if (multiple === null) return null;
  const times = multiple.coefficient / multiple.variable.step;
  return Number.isInteger(times) && times > 0 ? { variable: multiple.variable, times } : null;
}

/**
 * A variable and a step such that the divisor, a number above 0, divides the size if and only if the step divides the
 * variable; null where that is no matter of one variable.
 */
export function divisibleBy(a: Size, divisor: number): { variable: SizeVariable; step: number } | null {
  const multiple = multipleOf(a);
  if (multiple === null) return null;
  const { coefficient, variable } = multiple;
  return { variable, step: variable.step * (divisor / greatestCommonDivisor(coefficient, divisor)) };
}

/** The variable and the number that a size is a product of: of a variable divided by its step. */
function multipleOf(a: Size): { readonly coefficient: number; readonly variable: SizeVariable } | null {
  const [term, ...others] = a.terms;
  if (term === undefined || term.monomial === unitMonomial || others.length > 0) return null;
  const [atom, ...more] = term.monomial.factors;
  if (atom?.kind !== "variable" || more.length > 0) return null;
  return { coefficient: term.coefficient, variable: atom.variable };
}
