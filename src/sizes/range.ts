/**
 * Sound numeric bounds of a size. Three estimates are intersected: term by term, with remainders recognised, and after
 * replacing variables that have symbolic bounds (so that S - 1 - s is at least 0 for s in 0..S-1 although neither has
 * an upper bound). All hold for every value of the variables within their declared ranges.
 */
import { add, mul, neg, splitByAtom } from "./arithmetic.js";
import { attempt } from "./errors.js";
import {
  type Atom,
  constantOf,
  type ExtremeAtom,
  type Monomial,
  type Size,
  type SizeRange,
  type SizeVariable,
  toSize,
} from "./form.js";
import { levelOf } from "./levels.js";
import { splitModulo } from "./modulo.js";
import {
  addRanges,
  floorDivRange,
  intersectRanges,
  multiplyRanges,
  outward,
  powerRange,
  unbounded,
} from "./numbers.js";

/** Bounds such that min <= a <= max for all values of the variables; infinite where nothing is known. */
export function rangeOf(a: Size | number): SizeRange {
  const value = toSize(a);
  value.cache.range ??= computeRange(value);
  return value.cache.range;
}

function computeRange(a: Size): SizeRange {
  let range = plainRange(a);
  if (a.terms.length < 2) return range;
  range = intersectRanges(range, moduloRange(a));
  const lower = eliminateForLower(a);
  if (lower !== a) range = intersectRanges(range, { min: plainRange(lower).min, max: Infinity });
  const negated = neg(a);
  const upper = eliminateForLower(negated);
  if (upper !== negated) range = intersectRanges(range, { min: -Infinity, max: -plainRange(upper).min });
  return range;
}

function plainRange(a: Size): SizeRange {
  let sum: SizeRange = { min: 0, max: 0 };
  for (const { coefficient, monomial } of a.terms) {
    sum = addRanges(sum, multiplyRanges({ min: coefficient, max: coefficient }, monomialRange(monomial)));
  }
  return sum;
}

function monomialRange(monomial: Monomial): SizeRange {
  let range: SizeRange = { min: 1, max: 1 };
  const { factors } = monomial;
  for (let i = 0; i < factors.length; ) {
    let exponent = 1;
    while (factors[i + exponent] === factors[i]) exponent++;
    range = multiplyRanges(range, powerRange(atomRange(factors[i]!), exponent));
    i += exponent;
  }
  return range;
}

function atomRange(atom: Atom): SizeRange {
  if (atom.kind === "variable") {
    const { min, max } = atom;
    return { min: rangeOf(min).min, max: max === null ? Infinity : rangeOf(max).max };
  }
  if (atom.kind === "floorDiv") {
    const divisor = rangeOf(atom.divisor);
    return divisor.min >= 1 ? floorDivRange(rangeOf(atom.dividend), divisor) : unbounded;
  }
  const ranges = atom.operands.map(rangeOf);
  const choose = atom.kind === "min" ? Math.min : Math.max;
  const range = { min: choose(...ranges.map((each) => each.min)), max: choose(...ranges.map((each) => each.max)) };
  return intersectRanges(range, meanRange(atom));
}

/** A maximum is at least the mean of any two operands, a minimum at most that. It shows that max(a, -a) >= 0. */
function meanRange({ kind, operands }: ExtremeAtom): SizeRange {
  let range = unbounded;
  for (const [i, first] of operands.entries()) {
    for (const second of operands.slice(i + 1)) {
      const sum = attempt(() => rangeOf(add(first, second))) ?? unbounded;
      const mean =
        kind === "max"
          ? { min: Math.ceil(sum.min / 2), max: Infinity }
          : { min: -Infinity, max: Math.floor(sum.max / 2) };
      range = intersectRanges(range, mean);
    }
  }
  return range;
}

/** With each remainder x % m bounded by [0, m - 1], and by x where x is not negative. */
function moduloRange(a: Size): SizeRange {
  const split = splitModulo(a);
  if (split === null) return unbounded;
  const modulus = rangeOf(split.modulus);
  if (modulus.min < 1) return unbounded;
  const dividend = rangeOf(split.dividend);
  const max = dividend.min >= 0 ? Math.min(modulus.max - 1, dividend.max) : modulus.max - 1;
  return addRanges(multiplyRanges(rangeOf(split.factor), outward(0, max)), rangeOf(split.rest));
}

/**
 * A size that is at most a, made by replacing each variable that has a symbolic bound by that bound where the sign of
 * its coefficient is known. Variables whose bounds mention others go first. It terminates because a replacement lowers
 * the degree in the variables of its level and brings in only variables of lower levels.
 */
function eliminateForLower(a: Size): Size {
  let current = a;
  for (;;) {
    const next = attempt(() => eliminateOne(current));
    if (next === null) return current;
    current = next;
  }
}

function eliminateOne(a: Size): Size | null {
  const candidates = new Set<SizeVariable>();
  for (const { monomial } of a.terms) {
    for (const atom of monomial.factors) {
      if (atom.kind === "variable" && levelOf(atom.variable) > 0) candidates.add(atom.variable);
    }
  }
  for (const variable of [...candidates].sort((x, y) => levelOf(y) - levelOf(x))) {
    const { coefficient, rest } = splitByAtom(a, variable.atom);
    const sign = constantOf(coefficient) === null ? plainRange(coefficient) : rangeOf(coefficient);
    if (sign.min >= 0) return add(rest, mul(coefficient, variable.min));
    if (sign.max <= 0 && variable.max !== null) return add(rest, mul(coefficient, variable.max));
  }
  return null;
}
