/**
 * A few fixed assignments of values to variables, each within the declared ranges. A claim that fails at one of them
 * is false, which ends most hopeless proofs before their search begins.
 */
import { DivisionByZero, SizeOverflow } from "./errors.js";
import { evaluate, variablesOf } from "./evaluate.js";
import type { Size, SizeVariable } from "./form.js";
import { levelOf } from "./levels.js";

/** How a witness picks from 0..span; spans are capped so that values of unbounded variables stay small. */
const choices: readonly ((span: number, variable: SizeVariable) => number)[] = [
  () => 0,
  (span) => span,
  (span, variable) => (levelOf(variable) === 0 ? span : 0),
  (span) => Math.floor(span / 2),
  (span, variable) => ((variable.id * 7919 + 13) % 101) % (span + 1),
  (span, variable) => ((variable.id * 104729 + 57) % 89) % (span + 1),
];
const unboundedSpan = 1000;

const values = choices.map(() => new WeakMap<SizeVariable, number>());

/** The value of a variable in a witness; NaN if the choices for the variables in its bounds leave it no value. */
function valueIn(witness: number, variable: SizeVariable): number {
  let value = values[witness]!.get(variable);
  if (value === undefined) {
    value = chooseValue(witness, variable);
    values[witness]!.set(variable, value);
  }
  return value;
}

function chooseValue(witness: number, variable: SizeVariable): number {
  const low = evaluateAt(witness, variable.min);
  if (low === null) return Number.NaN;
  const { max, step } = variable;
  const choose = (span: number): number => low + step * choices[witness]!(Math.floor(span / step), variable);
  if (max === null) return choose(unboundedSpan * step);
  const high = evaluateAt(witness, max);
  return high === null || high < low ? Number.NaN : choose(high - low);
}

/** The value of a size in a witness, null where it has none. */
function evaluateAt(witness: number, a: Size): number | null {
  try {
    return evaluate(a, (variable) => valueIn(witness, variable));
  } catch (error) {
    // NaN, for a variable without a value, arrives here as an overflow.
    if (error instanceof SizeOverflow || error instanceof DivisionByZero) return null;
    throw error;
  }
}

/** Whether some witness makes all facts at least 0 and the claim negative. */
export function isRefuted(claim: Size, facts: readonly Size[], mentioned: readonly SizeVariable[]): boolean {
  return choices.some((_, witness) => {
    const value = evaluateAt(witness, claim);
    if (value === null || value >= 0) return false;
    if (mentioned.some((variable) => Number.isNaN(valueIn(witness, variable)))) return false;
    return facts.every((fact) => {
      const holds = evaluateAt(witness, fact);
      return holds !== null && holds >= 0;
    });
  });
}

/** The variables of some sizes and, transitively, of the bounds of those variables. */
export function variablesWithBounds(all: readonly Size[]): readonly SizeVariable[] {
  const found = new Set<SizeVariable>();
  const visit = (a: Size): void => {
    for (const variable of variablesOf(a)) {
      if (found.has(variable)) continue;
      found.add(variable);
      visit(variable.min);
      if (variable.max !== null) visit(variable.max);
    }
  };
  for (const a of all) visit(a);
  return [...found];
}
