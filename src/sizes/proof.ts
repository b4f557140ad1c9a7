/**
 * Proofs that a size is not negative, by search. A goal `coefficient*atom + rest >= 0` is replaced by a stronger one
 * without that atom, or without that fact, until its numeric range shows it:
 *
 * - a variable becomes its lower or upper bound, by the sign of its coefficient;
 * - for q = a // b with b >= 1, the goal is multiplied by b: `b*goal + b - 1 >= 0` says the same (goals are whole
 *   numbers), and b*q lies in a - b + 1 .. a. With a >= 0, also q >= 0;
 * - a minimum or maximum becomes any operand if that only lowers the goal, otherwise all operands must do;
 * - a fact (a size known to be at least 0), times something that is not negative, is subtracted.
 *
 * Each step is sound at every assignment of values, so that the order and the limits of the search only decide what is
 * found, never whether it is true. The range of a variable that occurs is not empty: that is a fact too.
 */
import {
  add,
  contentOf,
  directAtoms,
  divideMonomials,
  exactDivide,
  greatestCommonDivisor,
  mul,
  neg,
  sizeOfTerm,
  splitByAtom,
  sub,
} from "./arithmetic.js";
import { attempt } from "./errors.js";
import {
  type Atom,
  constantOf,
  constantPart,
  type FloorDivAtom,
  type Size,
  size,
  toSize,
  unitMonomial,
} from "./form.js";
import { atomLevel } from "./levels.js";
import { floorQuotient } from "./numbers.js";
import { rangeOf } from "./range.js";
import { isRefuted, variablesWithBounds } from "./witness.js";

/** Limits of a search: how many goals it tries in all, on the side for one sign, and how large they may grow. */
const goalsWithoutFacts = 60;
const goalsWithFacts = 60;
const goalsForSigns = 20;
const termsInGoal = 16;
const factUses = 3;

/** How many more goals may be tried; a search on the side takes from it. */
interface Budget {
  goals: number;
}

/** Proves a >= 0, given that each fact is >= 0. False means only that no proof was found. */
export function isNonNegative(a: Size | number, facts: readonly Size[] = []): boolean {
  const goal = toSize(a);
  if (facts.length > 0) return prove(goal, facts, []);
  goal.cache.nonNegative ??= prove(goal, [], []);
  return goal.cache.nonNegative;
}

/** Proves a <= b. */
export function isAtMost(a: Size | number, b: Size | number, facts: readonly Size[] = []): boolean {
  return provesDifference(toSize(b), toSize(a), 0, facts);
}

/** Proves a < b. */
export function isLess(a: Size | number, b: Size | number, facts: readonly Size[] = []): boolean {
  return provesDifference(toSize(b), toSize(a), 1, facts);
}

/** Proves high - low >= gap. Variables that cancel still say that their ranges are not empty. */
function provesDifference(high: Size, low: Size, gap: number, facts: readonly Size[]): boolean {
  const goal = attempt(() => sub(sub(high, low), gap));
  if (goal === null) return false;
  if (isNonNegative(goal, facts)) return true;
  const kept = new Set(variablesWithBounds([goal, ...facts]));
  const cancelled = variablesWithBounds([high, low]).some((variable) => !kept.has(variable));
  return cancelled && prove(goal, facts, [high, low]);
}

function prove(goal: Size, facts: readonly Size[], mentioned: readonly Size[]): boolean {
  const range = rangeOf(goal);
  if (range.min >= 0) return true;
  const variables = variablesWithBounds([goal, ...facts, ...mentioned]);
  const all = [...facts, ...nonEmptyRanges(variables)];
  if (range.max < 0 && facts.length === 0) return false;
  if (isRefuted(goal, all, variables)) return false;
  const budget = { goals: facts.length > 0 ? goalsWithFacts : goalsWithoutFacts };
  return new Search(all, budget).proves(goal, factUses);
}

/** For each variable, max - min >= 0, unless numeric ranges say so already. */
function nonEmptyRanges(variables: ReturnType<typeof variablesWithBounds>): Size[] {
  const facts = new Set<Size>();
  for (const { min, max } of variables) {
    if (max === null) continue;
    const width = attempt(() => sub(max, min));
    if (width !== null && rangeOf(width).min < 0) facts.add(width);
  }
  return [...facts];
}

/** One search under one set of facts. It never throws: a step whose numbers overflow is not taken. */
class Search {
  /** The goals tried so far, each with the number of fact uses that it had left. */
  private readonly tried = new Map<Size, number>();

  constructor(
    private readonly facts: readonly Size[],
    private readonly budget: Budget,
    private readonly depth = 0,
  ) {}

  proves(goal: Size, uses: number): boolean {
    goal = withoutContent(goal);
    if (rangeOf(goal).min >= 0) return true;
    if (goal.terms.length > termsInGoal || this.budget.goals <= 0) return false;
    if ((this.tried.get(goal) ?? -1) >= uses) return false;
    this.tried.set(goal, uses);
    this.budget.goals--;
    const remainders = uses > 0 ? this.subtractions(goal) : [];
    if (remainders.some((next) => rangeOf(next).min >= 0)) return true;
    const atoms = [...directAtoms(goal)].sort((x, y) => atomLevel(y) - atomLevel(x));
    return (
      atoms.some((atom) => this.provesWithout(goal, atom, uses)) ||
      remainders.some((next) => this.proves(next, uses - 1))
    );
  }

  /** Replaces one atom. */
  private provesWithout(goal: Size, atom: Atom, uses: number): boolean {
    const { coefficient, rest } = splitByAtom(goal, atom);
    const rising = this.signOf(coefficient);
    if (rising === null) return false;
    const continues = (value: Size | null): boolean => {
      const next = value && attempt(() => add(rest, mul(coefficient, value)));
      return next !== null && this.proves(next, uses);
    };
    if (atom.kind === "variable") return continues(rising ? atom.min : atom.max);
    if (atom.kind === "floorDiv") {
      const aboveZero = attempt(() => sub(atom.divisor, 1));
      if (aboveZero === null || !this.isNonNegative(aboveZero)) return false;
      const next = attempt(() => multipliedOut(atom, coefficient, rest, rising));
      if (next !== null && this.proves(next, uses)) return true;
      return rising && this.isNonNegative(atom.dividend) && continues(size(0));
    }
    const anyWillDo = (atom.kind === "max") === rising;
    return anyWillDo ? atom.operands.some(continues) : atom.operands.every(continues);
  }

  /** The goal less multiples of each fact: once, and as often as makes one of its terms vanish. */
  private subtractions(goal: Size): Size[] {
    const found = new Set<Size>();
    for (const fact of this.facts) {
      for (const multiple of this.multiples(goal, fact)) {
        const next = attempt(() => sub(goal, mul(multiple, fact)));
        if (next !== null) found.add(next);
      }
    }
    return [...found];
  }

  private multiples(goal: Size, fact: Size): Set<Size> {
    const found = new Set<Size>([size(1)]);
    for (const ours of goal.terms) {
      for (const theirs of fact.terms) {
        if (theirs.monomial === unitMonomial) continue;
        const monomial = divideMonomials(ours.monomial, theirs.monomial);
        const coefficient = Math.floor(ours.coefficient / theirs.coefficient);
        if (monomial === null || coefficient < 1) continue;
        const multiple = sizeOfTerm({ coefficient, monomial });
        if (rangeOf(multiple).min >= 0) found.add(multiple);
      }
    }
    return found;
  }

  /** True for a coefficient proven not negative, false for one proven not positive, null for neither. */
  private signOf(coefficient: Size): boolean | null {
    if (this.isNonNegative(coefficient)) return true;
    return this.isNonNegative(neg(coefficient)) ? false : null;
  }

  /** A small proof on the side, under the same facts. */
  private isNonNegative(a: Size): boolean {
    const range = rangeOf(a);
    if (range.min >= 0) return true;
    if (range.max < 0 || constantOf(a) !== null || this.depth >= 2) return false;
    const allowed = Math.min(goalsForSigns, this.budget.goals);
    const budget: Budget = { goals: allowed };
    const proven = new Search(this.facts, budget, this.depth + 1).proves(a, 1);
    this.budget.goals -= allowed - budget.goals;
    return proven;
  }
}

/** b*(coefficient*q + rest) + b - 1 with b*q replaced by its bound, for q = a // b. */
function multipliedOut(atom: FloorDivAtom, coefficient: Size, rest: Size, rising: boolean): Size {
  const { dividend, divisor } = atom;
  const bound = rising ? add(sub(dividend, divisor), 1) : dividend;
  return add(add(mul(divisor, rest), sub(divisor, 1)), mul(coefficient, bound));
}

/**
 * A simpler goal that implies this one: the greatest common divisor g of the coefficients is divided out (the constant
 * rounded down, which loses nothing, as g*u + c >= 0 says u + c // g >= 0), then any monomial that is not negative.
 */
function withoutContent(goal: Size): Size {
  let divisor = 0;
  for (const term of goal.terms) {
    if (term.monomial !== unitMonomial) divisor = greatestCommonDivisor(divisor, term.coefficient);
  }
  if (divisor > 1) {
    const constant = constantPart(goal);
    goal = add(exactDivide(sub(goal, constant), divisor)!, floorQuotient(constant, divisor));
  }
  if (goal.terms.length < 2) return goal;
  const { monomial } = contentOf(goal);
  if (monomial === unitMonomial || rangeOf(sizeOfTerm({ coefficient: 1, monomial })).min < 0) return goal;
  return exactDivide(goal, sizeOfTerm({ coefficient: 1, monomial }))!;
}
