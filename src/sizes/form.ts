/**
 * The normal form of sizes: a sum of integer multiples of monomials, a monomial being a product of atoms.
 *
 * An atom is a variable, or a floor division, minimum or maximum that could not be simplified away. The atom of a
 * variable that only takes multiples of a step is the variable divided by it: if 4 divides T, then T is 4 times the
 * atom, T // 4 is the atom, and that T // 4 windows of 4 are T needs no rule. A remainder is no atom: `a % b` is held as `a - b*(a // b)`, so that `b*(a // b) + a % b` is `a`, `a - a % b` is `b*(a // b)` and a
 * remainder of a remainder simplifies without a rule of its own. `modulo.ts` recognises remainders again for printing
 * and for ranges.
 *
 * What must stay true:
 * 1. Sizes, monomials and atoms are interned: equal contents are one object, so that equality is identity.
 * 2. Terms are sorted by `compareMonomials`, no two have one monomial, and no coefficient is zero.
 * 3. Monomials are ordered by degree, then lexicographically. Polynomial division terminates because of it.
 * 4. The order depends on names and structure, not on the order of creation (except among variables of one name), so
 *    that printing is reproducible.
 * 5. Only the constructors in `arithmetic.ts`, `division.ts` and `extremes.ts` build atoms and sums.
 * 6. A variable with a step above 1 has constant bounds, which are multiples of the step.
 *
 * An intern table hangs on the newest part of what is in it: products on an atom, sums on a monomial, quotients and extremes
 * on a size. So sizes go when their variables go, and what is computed again and again in one process does not add up.
 */
import { exact } from "./errors.js";

/** Sound numeric bounds; infinite where nothing is known. */
export interface SizeRange {
  readonly min: number;
  readonly max: number;
}

/** What has been computed about a size so far; never part of its value. */
export interface SizeCache {
  range?: SizeRange;
  text?: string;
  variables?: readonly SizeVariable[];
  nonNegative?: boolean;
  /** Atoms, and results of divisions and extremes, of which this is the newest operand. */
  atoms?: Map<string, Atom>;
  results?: Map<string, Size>;
}

/** A whole number that may depend on variables. Immutable and interned: equal normal forms are one object. */
export interface Size {
  readonly id: number;
  readonly terms: readonly Term[];
  readonly cache: SizeCache;
}

export interface Term {
  readonly coefficient: number;
  readonly monomial: Monomial;
}

/** A product of atoms, sorted, with repetition for powers; the empty product is 1. */
export interface Monomial {
  readonly id: number;
  readonly factors: readonly Atom[];
  /** The sizes of which this is the newest monomial; multiples of it by their factor. */
  readonly sums: Map<string | number, Size>;
}

/** A variable divided by its step. */
export interface VariableAtom {
  readonly kind: "variable";
  readonly id: number;
  /** The monomials of which this is the newest factor. */
  readonly products: Map<string, Monomial>;
  readonly variable: SizeVariable;
  /** The bounds of the quotient. */
  readonly min: Size;
  readonly max: Size | null;
}

export interface FloorDivAtom {
  readonly kind: "floorDiv";
  readonly id: number;
  readonly products: Map<string, Monomial>;
  readonly dividend: Size;
  readonly divisor: Size;
}

export interface ExtremeAtom {
  readonly kind: "min" | "max";
  readonly id: number;
  readonly products: Map<string, Monomial>;
  /** Two or more, sorted, none provably superfluous. */
  readonly operands: readonly Size[];
}

export type Atom = VariableAtom | FloorDivAtom | ExtremeAtom;

let nextId = 1;
const constants = new Map<number, Size>();

export const unitMonomial: Monomial = { id: nextId++, factors: [], sums: new Map() };

/** The one that was made last. */
function newestOf<T extends { readonly id: number }>(first: T, others: Iterable<T>): T {
  let newest = first;
  for (const each of others) if (each.id > newest.id) newest = each;
  return newest;
}

/** The operand that was made last; a number, which never goes, only where there is nothing else. */
function newestOperand(operands: readonly Size[]): Size {
  const [first, ...others] = operands.filter((each) => constantOf(each) === null);
  return first === undefined ? operands[0]! : newestOf(first, others);
}

/**
 * A named size. Variables are objects: two variables of one name are different variables. Bounds are inclusive and may
 * mention other variables (an index variable `s` runs over 0..S-1); no upper bound is null. That a variable has a value
 * at all implies that its range is not empty, which proofs about it use. With a step it has only multiples of the step
 * as values, and bounds are rounded to such.
 */
export class SizeVariable {
  readonly id: number = nextId++;
  readonly min: Size;
  readonly max: Size | null;
  readonly atom: VariableAtom;

  constructor(
    readonly name: string,
    min: Size | number,
    max: Size | number | null,
    readonly step: number = 1,
  ) {
    const [low, high] = [toSize(min), max === null ? null : toSize(max)];
    if (step === 1) {
      this.min = low;
      this.max = high;
      this.atom = { kind: "variable", id: this.id, products: new Map(), variable: this, min: low, max: high };
      return;
    }
    const [least, most] = [constantOf(low), high === null ? null : constantOf(high)];
    if (least === null || (high !== null && most === null) || !Number.isSafeInteger(step) || step < 1)
      throw new RangeError(`${name} has a step of ${step}, and bounds that are no numbers`);
    const atomMin = size(Math.ceil(least / step));
    const atomMax = most === null ? null : size(Math.floor(most / step));
    this.min = size(constantOf(atomMin)! * step);
    this.max = atomMax === null ? null : size(constantOf(atomMax)! * step);
    this.atom = { kind: "variable", id: this.id, products: new Map(), variable: this, min: atomMin, max: atomMax };
  }
}

/** The size that is this number, or this variable. */
export function size(value: number | SizeVariable): Size {
  if (typeof value !== "number") return internSize([{ coefficient: value.step, monomial: monomialOf([value.atom]) }]);
  const known = constants.get(value);
  if (known !== undefined) return known;
  const constant = exact(value);
  const created = internSize(constant === 0 ? [] : [{ coefficient: constant, monomial: unitMonomial }]);
  constants.set(constant, created);
  return created;
}

export function toSize(value: Size | number): Size {
  return typeof value === "number" ? size(value) : value;
}

/** The value of a size that mentions no variable; null for all others. */
export function constantOf(value: Size): number | null {
  if (value.terms.length === 0) return 0;
  const [first] = value.terms;
  return value.terms.length === 1 && first!.monomial === unitMonomial ? first!.coefficient : null;
}

/** The constant summand. It is the last term, because the unit monomial has the lowest degree. */
export function constantPart(value: Size): number {
  const last = value.terms.at(-1);
  return last !== undefined && last.monomial === unitMonomial ? last.coefficient : 0;
}

/** The size with these terms, which must satisfy rule 2 of the file header. */
export function internSize(terms: readonly Term[]): Size {
  const [first, second] = terms;
  let key: string | number = "";
  let newest = unitMonomial;
  if (first !== undefined && second === undefined) {
    key = first.coefficient;
    newest = first.monomial;
  } else {
    for (const { coefficient, monomial } of terms) {
      key += `${coefficient}*${monomial.id},`;
      if (monomial.id > newest.id) newest = monomial;
    }
  }
  let found = newest.sums.get(key);
  if (found === undefined) {
    found = { id: nextId++, terms, cache: {} };
    newest.sums.set(key, found);
  }
  return found;
}

export function sizeOfAtom(atom: Atom): Size {
  return internSize([{ coefficient: 1, monomial: monomialOf([atom]) }]);
}

/** The interned product of these atoms, which must be sorted. */
export function monomialOf(factors: readonly Atom[]): Monomial {
  const [first] = factors;
  if (first === undefined) return unitMonomial;
  let key = "";
  for (const factor of factors) key += `${factor.id},`;
  const { products } = newestOf(first, factors);
  let found = products.get(key);
  if (found === undefined) {
    found = { id: nextId++, factors, sums: new Map() };
    products.set(key, found);
  }
  return found;
}

function atomsOf({ cache }: Size): Map<string, Atom> {
  cache.atoms ??= new Map();
  return cache.atoms;
}

/** The result of an operation on sizes that was computed before, or now. */
export function computedOnce(key: string, operands: readonly Size[], compute: () => Size): Size {
  const { cache } = newestOperand(operands);
  cache.results ??= new Map();
  let result = cache.results.get(key);
  if (result === undefined) {
    result = compute();
    cache.results.set(key, result);
  }
  return result;
}

/** An atom for a division that does not simplify. Call `floorDiv` instead. */
export function floorDivAtom(dividend: Size, divisor: Size): FloorDivAtom {
  const key = `div:${dividend.id}:${divisor.id}`;
  const atoms = atomsOf(newestOperand([dividend, divisor]));
  const found = atoms.get(key);
  if (found?.kind === "floorDiv") return found;
  const created: FloorDivAtom = { kind: "floorDiv", id: nextId++, products: new Map(), dividend, divisor };
  atoms.set(key, created);
  return created;
}

/** An atom for a minimum or maximum that does not simplify. Call `minimum` or `maximum` instead. */
export function extremeAtom(kind: "min" | "max", operands: readonly Size[]): ExtremeAtom {
  const key = `${kind}:${operands.map((operand) => operand.id).join(":")}`;
  const atoms = atomsOf(newestOperand(operands));
  const found = atoms.get(key);
  if (found?.kind === kind) return found;
  const created: ExtremeAtom = { kind, id: nextId++, products: new Map(), operands };
  atoms.set(key, created);
  return created;
}

const kindOrder: { readonly [K in Atom["kind"]]: number } = { variable: 0, floorDiv: 1, min: 2, max: 3 };

/** Variables by name, then compound atoms by structure. */
export function compareAtoms(a: Atom, b: Atom): number {
  if (a === b) return 0;
  if (a.kind === "variable" && b.kind === "variable") {
    if (a.variable.name !== b.variable.name) return a.variable.name < b.variable.name ? -1 : 1;
    return a.id - b.id;
  }
  if (a.kind === "floorDiv" && b.kind === "floorDiv") {
    return compareStructure(a.dividend, b.dividend) || compareStructure(a.divisor, b.divisor);
  }
  if ((a.kind === "min" && b.kind === "min") || (a.kind === "max" && b.kind === "max")) {
    for (let i = 0; i < Math.min(a.operands.length, b.operands.length); i++) {
      const order = compareStructure(a.operands[i]!, b.operands[i]!);
      if (order !== 0) return order;
    }
    return b.operands.length - a.operands.length;
  }
  return kindOrder[a.kind] - kindOrder[b.kind];
}

/** Higher degree first, then lexicographic. Compatible with multiplication (rule 3 of the file header). */
export function compareMonomials(a: Monomial, b: Monomial): number {
  if (a === b) return 0;
  if (a.factors.length !== b.factors.length) return b.factors.length - a.factors.length;
  for (let i = 0; i < a.factors.length; i++) {
    const order = compareAtoms(a.factors[i]!, b.factors[i]!);
    if (order !== 0) return order;
  }
  return 0;
}

/** A total order of sizes for sorting operands: leading terms first, constants last. It says nothing about values. */
export function compareStructure(a: Size, b: Size): number {
  if (a === b) return 0;
  for (let i = 0; i < Math.min(a.terms.length, b.terms.length); i++) {
    const left = a.terms[i]!;
    const right = b.terms[i]!;
    const order = compareMonomials(left.monomial, right.monomial) || right.coefficient - left.coefficient;
    if (order !== 0) return order;
  }
  return b.terms.length - a.terms.length;
}
