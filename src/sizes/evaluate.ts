/** The value of a size for given values of its variables, and which variables it has. */
import { DivisionByZero, exact, NotAMultiple } from "./errors.js";
import { type Atom, compareAtoms, type Size, type SizeVariable } from "./form.js";
import { floorQuotient } from "./numbers.js";

/**
 * Throws DivisionByZero where a divisor is zero, SizeOverflow where a number is not exact, and NotAMultiple for a value
 * that a variable does not take.
 */
export function evaluate(a: Size, valueFor: (variable: SizeVariable) => number): number {
  let sum = 0;
  for (const { coefficient, monomial } of a.terms) {
    let product = coefficient;
    for (const factor of monomial.factors) product = exact(product * evaluateAtom(factor, valueFor));
    sum = exact(sum + product);
  }
  return sum;
}

function evaluateAtom(atom: Atom, valueFor: (variable: SizeVariable) => number): number {
  if (atom.kind === "variable") return quotientOf(atom.variable, exact(valueFor(atom.variable)));
  if (atom.kind === "floorDiv") {
    const divisor = evaluate(atom.divisor, valueFor);
    if (divisor === 0) throw new DivisionByZero();
    return floorQuotient(evaluate(atom.dividend, valueFor), divisor);
  }
  const choose = atom.kind === "min" ? Math.min : Math.max;
  return choose(...atom.operands.map((operand) => evaluate(operand, valueFor)));
}

/** What the atom of a variable is for a value of the variable. */
export function quotientOf(variable: SizeVariable, value: number): number {
  const { name, step } = variable;
  if (value % step !== 0) throw new NotAMultiple(name, value, step);
  return value / step;
}

/** The variables that occur anywhere in a size, sorted by name. Those that occur only in their bounds are not in it. */
export function variablesOf(a: Size): readonly SizeVariable[] {
  a.cache.variables ??= collectVariables(a);
  return a.cache.variables;
}

function collectVariables(a: Size): readonly SizeVariable[] {
  const found = new Set<SizeVariable>();
  for (const { monomial } of a.terms) {
    for (const atom of monomial.factors) {
      if (atom.kind === "variable") found.add(atom.variable);
      else for (const operand of operandsOf(atom)) for (const variable of variablesOf(operand)) found.add(variable);
    }
  }
  return [...found].sort((x, y) => compareAtoms(x.atom, y.atom));
}

/** What a compound atom is made of. */
export function operandsOf(atom: Atom): readonly Size[] {
  if (atom.kind === "variable") return [];
  return atom.kind === "floorDiv" ? [atom.dividend, atom.divisor] : atom.operands;
}
