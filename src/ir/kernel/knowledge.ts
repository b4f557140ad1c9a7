/**
 * What is known of sizes where a statement stands: it runs at all, so that the loops around it are not empty and the
 * conditions around it hold.
 *
 * Such facts matter most where a run-time size may be 0: inside a loop over B*T elements neither B nor T is. A proof
 * that fails without facts is tried again with variables whose least value the facts raise, so that T // T is 1 and
 * indices simplify. Sound, and no more complete than the proofs of sizes.
 */
import {
  add,
  constantOf,
  exactDivide,
  floorDiv,
  greatestCommonDivisor,
  isNonNegative,
  mul,
  rangeOf,
  type Size,
  SizeVariable,
  size,
  sizeOfAtom,
  sub,
  substitute,
  variablesOf,
} from "../../sizes/index.js";

export class Knowledge {
  /** The facts and how to write a goal, in variables whose ranges the facts have narrowed. */
  #narrowed: { readonly facts: readonly Size[]; readonly rename: (value: Size) => Size } | null = null;

  /** @param facts sizes that are at least 0. */
  private constructor(readonly facts: readonly Size[]) {}

  static of(facts: readonly Size[]): Knowledge {
    const found = new Set<Size>();
    const visit = (fact: Size): void => {
      // What holds without being told is no news.
      if (found.has(fact) || isNonNegative(fact)) return;
      found.add(fact);
      consequences(fact).forEach(visit);
    };
    facts.forEach(visit);
    return new Knowledge([...found]);
  }

  and(facts: readonly Size[]): Knowledge {
    return facts.length === 0 ? this : Knowledge.of([...this.facts, ...facts]);
  }

  /** Whether what is known cannot be, so that statements here never run. */
  get isContradiction(): boolean {
    return this.facts.some((fact) => rangeOf(fact).max < 0);
  }

  /** Proves that a size is at least 0. */
  proves(goal: Size): boolean {
    if (isNonNegative(goal)) return true;
    if (this.facts.length === 0) return false;
    this.#narrowed ??= narrow(this.facts);
    const { facts, rename } = this.#narrowed;
    const narrowed = rename(goal);
    return isNonNegative(narrowed, facts) || provenByCases(narrowed, facts);
  }
}

export const nothingKnown = Knowledge.of([]);

/** Simpler sizes that are at least 0 where this one is. */
function consequences(fact: Size): readonly Size[] {
  return [tightened(fact), ...ofExtremes(fact), ...ofProduct(fact), ...ofQuotient(fact)];
}

/** 2*T - 1 >= 0 says T - 1 >= 0: a common divisor is divided out, and the constant rounded down. */
function tightened(fact: Size): Size {
  let divisor = 0;
  for (const { coefficient, monomial } of fact.terms) {
    if (monomial.factors.length > 0) divisor = greatestCommonDivisor(divisor, coefficient);
  }
  return divisor > 1 ? floorDiv(fact, divisor) : fact;
}

/**
 * min(T, 3) - 1 >= 0 says T - 1 >= 0 and 3 - 1 >= 0: all operands of a minimum may stand in its place. Of the operands of
 * a maximum one must, and if only one can, it does.
 */
function ofExtremes(fact: Size): readonly Size[] {
  return fact.terms.flatMap(({ coefficient, monomial }) => {
    const [atom, ...others] = monomial.factors;
    if (atom === undefined || others.length > 0 || (atom.kind !== "min" && atom.kind !== "max")) return [];
    const whole = sizeOfAtom(atom);
    const replaced = atom.operands.map((operand) => addMultiple(fact, coefficient, sub(operand, whole)));
    if ((atom.kind === "min") === coefficient > 0) return replaced;
    const possible = replaced.filter((each) => rangeOf(each).max >= 0);
    return possible.length === 1 ? possible : [];
  });
}

function addMultiple(to: Size, factor: number, value: Size): Size {
  let sum = to;
  for (let i = 0; i < Math.abs(factor); i++) sum = factor > 0 ? add(sum, value) : sub(sum, value);
  return sum;
}

/** B*T + 5*T - 1 >= 0 says T - 1 >= 0 and B + 5 - 1 >= 0: no factor of what is not 0 is 0. */
function ofProduct(fact: Size): readonly Size[] {
  const constant = fact.terms.find((term) => term.monomial.factors.length === 0)?.coefficient ?? 0;
  if (constant >= 0) return [];
  const product = sub(fact, constant);
  return [...new Set(product.terms.flatMap((term) => term.monomial.factors))].flatMap((atom) => {
    const factor = sizeOfAtom(atom);
    const rest = rangeOf(factor).min >= 0 ? exactDivide(product, factor) : null;
    return rest === null ? [] : [sub(factor, 1), sub(rest, 1)];
  });
}

/** (T + 7) // 8 - 1 >= 0 says T + 7 - 8 >= 0. */
function ofQuotient(fact: Size): readonly Size[] {
  const moving = fact.terms.filter(({ monomial }) => monomial.factors.length > 0);
  const constant = fact.terms.find(({ monomial }) => monomial.factors.length === 0)?.coefficient ?? 0;
  const [only, ...others] = moving;
  const [atom, ...more] = only?.monomial.factors ?? [];
  if (only?.coefficient !== 1 || others.length > 0 || atom?.kind !== "floorDiv" || more.length > 0) return [];
  const divisor = constantOf(atom.divisor);
  return divisor === null || divisor < 1 ? [] : [add(atom.dividend, divisor * constant)];
}

/** Proves a goal with a minimum for each operand in its place, any of which may be the least. */
function provenByCases(goal: Size, facts: readonly Size[]): boolean {
  return goal.terms.some(({ coefficient, monomial }) => {
    const [atom, ...others] = monomial.factors;
    if (atom === undefined || others.length > 0 || (atom.kind !== "min" && atom.kind !== "max")) return false;
    if ((atom.kind === "min") !== coefficient > 0) return false;
    const whole = sizeOfAtom(atom);
    return atom.operands.every((each) => isNonNegative(addMultiple(goal, coefficient, sub(each, whole)), facts));
  });
}

/** Replaces variables that facts bound from below by ones with that bound, and those whose bounds mention them. */
function narrow(facts: readonly Size[]): { facts: readonly Size[]; rename: (value: Size) => Size } {
  const least = new Map<SizeVariable, number>();
  for (const fact of facts) {
    const [variable, ...others] = variablesOf(fact);
    if (variable === undefined || others.length > 0) continue;
    const bound = constantOf(sub(size(variable), mul(fact, variable.step)));
    if (bound !== null && bound > rangeOf(size(variable)).min) {
      least.set(variable, Math.max(bound, least.get(variable) ?? bound));
    }
  }
  const renamed = new Map<SizeVariable, Size>();
  const rename = (value: Size): Size => substitute(value, ofVariable);
  const ofVariable = (variable: SizeVariable): Size => {
    let result = renamed.get(variable);
    if (result === undefined) {
      const [min, max] = [least.get(variable) ?? rename(variable.min), variable.max && rename(variable.max)];
      const isSame = min === variable.min && max === variable.max;
      result = size(isSame ? variable : new SizeVariable(variable.name, min, max, variable.step));
      renamed.set(variable, result);
    }
    return result;
  };
  return { facts: facts.map(rename), rename };
}
