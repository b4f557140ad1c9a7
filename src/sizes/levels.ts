/**
 * The level of a variable: 0 if its bounds are numbers, otherwise one more than the variables that its bounds mention.
 * Eliminating from the highest level down replaces an index variable before the extents that bound it.
 */
import type { Atom, Size, SizeVariable } from "./form.js";

const levels = new WeakMap<SizeVariable, number>();

export function levelOf(variable: SizeVariable): number {
  let level = levels.get(variable);
  if (level === undefined) {
    const below = Math.max(deepestIn(variable.min), variable.max === null ? -1 : deepestIn(variable.max));
    level = below + 1;
    levels.set(variable, level);
  }
  return level;
}

/** The highest level in a size, -1 if it is a constant. */
function deepestIn(a: Size): number {
  let deepest = -1;
  for (const { monomial } of a.terms) {
    for (const atom of monomial.factors) deepest = Math.max(deepest, Math.floor(atomLevel(atom)));
  }
  return deepest;
}

/** A compound atom ranks between the variables in it and the next level: it goes before what it is made of. */
export function atomLevel(atom: Atom): number {
  if (atom.kind === "variable") return levelOf(atom.variable);
  if (atom.kind === "floorDiv") return Math.max(deepestIn(atom.dividend), deepestIn(atom.divisor)) + 0.5;
  return Math.max(...atom.operands.map(deepestIn)) + 0.5;
}
