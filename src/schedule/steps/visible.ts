/**
 * Which indices a mask lets through: bounds of a loop's variable outside of which a condition is proven not to hold.
 *
 * Conditions are conjunctions and disjunctions of comparisons of sizes, brought to `form >= 0` first, so that t - s
 * cancels. A form that is linear in the variable with a constant factor, or in a quotient of it, bounds it; anything else
 * (an element that is loaded, say) bounds nothing. Both directions are sound: what is outside is masked.
 */
import type { Expression } from "../../ir/kernel/index.js";
import {
  add,
  constantOf,
  floorDiv,
  isAtMost,
  maximum,
  minimum,
  mul,
  neg,
  rangeOf,
  type Size,
  type SizeVariable,
  size,
  sizeOfAtom,
  sub,
  substitute,
  variablesOf,
} from "../../sizes/index.js";

/** The first index that may be visible and the last; null where there is no bound. */
export interface Bounds {
  readonly first: Size | null;
  readonly last: Size | null;
}

const everything: Bounds = { first: null, last: null };
const nothing: Bounds = { first: null, last: size(-1) };

/**
 * @param over variables of loops that the bounds must hold for all iterations of.
 */
export function visibleBounds(mask: Expression, variable: SizeVariable, over: readonly SizeVariable[]): Bounds {
  return boundsOf(mask, true, variable, over);
}

function boundsOf(mask: Expression, holds: boolean, variable: SizeVariable, over: readonly SizeVariable[]): Bounds {
  const of = (each: Expression, wanted = holds): Bounds => boundsOf(each, wanted, variable, over);
  if (mask.kind === "constant") return (mask.value !== 0) === holds ? everything : nothing;
  if (mask.kind === "unary" && mask.operator === "not") return of(mask.operand, !holds);
  if (mask.kind === "binary" && (mask.operator === "and" || mask.operator === "or")) {
    const [a, b] = [of(mask.left), of(mask.right)];
    return (mask.operator === "and") === holds ? both(a, b) : either(a, b);
  }
  return factsIn(mask, holds)
    .map((fact) => boundsOfFact(fact, variable, over))
    .reduce(both, everything);
}

/** Sizes that are at least 0 where a comparison holds, or does not. */
function factsIn(mask: Expression, holds: boolean): readonly Size[] {
  if (mask.kind !== "binary") return [];
  const { operator, left, right } = mask;
  if (operator === "eq" || operator === "ne") {
    const [a, b] = [sizeOf(left), sizeOf(right)];
    return a === null || b === null || (operator === "eq") !== holds ? [] : [sub(a, b), sub(b, a)];
  }
  if (operator !== "le" && operator !== "lt") return [];
  // Not (a <= b) is b < a, and not (a < b) is b <= a.
  const [low, high] = holds ? [left, right] : [right, left];
  const gap = (operator === "le") === holds ? 0 : 1;
  const most = sizeOf(high);
  if (most === null) return [];
  const distance = low.kind === "unary" && low.operator === "abs" ? sizeOf(low.operand) : null;
  if (distance !== null) return [sub(sub(most, distance), gap), sub(add(most, distance), gap)];
  const least = sizeOf(low);
  return least === null ? [] : [sub(sub(most, least), gap)];
}

/** An i32 expression of indices as a size, where it cannot wrap around; null for anything else. */
function sizeOf(expression: Expression): Size | null {
  if (expression.kind === "index") return expression.value;
  if (expression.kind === "unary" && expression.operator === "neg") return word(map(sizeOf(expression.operand), neg));
  if (expression.kind !== "binary") return null;
  const [a, b] = [sizeOf(expression.left), sizeOf(expression.right)];
  if (a === null || b === null) return null;
  const divisor = constantOf(b);
  switch (expression.operator) {
    case "add":
      return word(add(a, b));
    case "sub":
      return word(sub(a, b));
    case "mul":
      return word(mul(a, b));
    case "floor_div":
      return divisor !== null && divisor > 0 ? floorDiv(a, divisor) : null;
    default:
      return null;
  }
}

function map(value: Size | null, f: (value: Size) => Size): Size | null {
  return value === null ? null : f(value);
}

/**
 * The value if it is a number of i32: by its range, or because it lies between what is one, as t + S - T does for t < T.
 * Sizes and indices are numbers of i32, since buffers have fewer than 2^31 elements.
 */
function word(value: Size | null): Size | null {
  if (value === null) return null;
  const { min, max } = rangeOf(value);
  const own = variablesOf(value);
  const variables = new Set([...own, ...own.flatMap((each) => (each.max === null ? [] : variablesOf(each.max)))]);
  const all = [...variables].map((each) => size(each));
  const isLow = max < 2 ** 31 || all.some((each) => isAtMost(value, each));
  const isHigh = min >= -(2 ** 31) || all.some((each) => isAtMost(neg(each), value));
  return isLow && isHigh ? value : null;
}

function both(a: Bounds, b: Bounds): Bounds {
  const joined = (x: Size | null, y: Size | null, join: (x: Size, y: Size) => Size): Size | null =>
    x === null ? y : y === null ? x : join(x, y);
  return { first: joined(a.first, b.first, maximum), last: joined(a.last, b.last, minimum) };
}

function either(a: Bounds, b: Bounds): Bounds {
  return {
    first: a.first === null || b.first === null ? null : minimum(a.first, b.first),
    last: a.last === null || b.last === null ? null : maximum(a.last, b.last),
  };
}

/** From fact >= 0. */
function boundsOfFact(fact: Size, variable: SizeVariable, over: readonly SizeVariable[]): Bounds {
  const term = fact.terms.find(({ monomial }) => monomial.factors.some((atom) => mentions(sizeOfAtom(atom), variable)));
  if (term === undefined) return everything;
  const [atom, ...others] = term.monomial.factors;
  if (atom === undefined || others.length > 0) return everything;
  const whole = sizeOfAtom(atom);
  const rest = sub(fact, mul(whole, term.coefficient));
  if (mentions(rest, variable)) return everything;
  const most = extremeOver(rest, over);
  if (most === null) return everything;
  // coefficient * atom + rest >= 0, whatever rest is up to its most.
  const bounds =
    term.coefficient < 0
      ? { first: null, last: floorDiv(most, -term.coefficient) }
      : { first: neg(floorDiv(most, term.coefficient)), last: null };
  if (atom.kind === "variable") return bounds;
  const divisor = atom.kind === "floorDiv" ? constantOf(atom.divisor) : null;
  if (atom.kind !== "floorDiv" || divisor === null || divisor <= 0) return everything;
  // v + shift, divided by a constant: a quotient of at most q is a dividend of at most divisor * q + divisor - 1.
  const shift = sub(atom.dividend, size(variable));
  if (mentions(shift, variable) || over.some((each) => mentions(shift, each))) return everything;
  return {
    first: bounds.first && sub(mul(bounds.first, divisor), shift),
    last: bounds.last && sub(add(mul(bounds.last, divisor), divisor - 1), shift),
  };
}

function mentions(value: Size, variable: SizeVariable): boolean {
  return variablesOf(value).includes(variable);
}

/** The most that a value is over all iterations of loops: each variable at the end that makes it largest. */
export function extremeOver(value: Size, over: readonly SizeVariable[]): Size | null {
  let most: Size | null = value;
  for (const variable of over.toReversed()) {
    if (most === null || !mentions(most, variable)) continue;
    const growth = growthOf(most, variable);
    const end: Size | null = growth === null ? null : growth > 0 ? variable.max : variable.min;
    most = end === null ? null : substitute(most, (each) => (each === variable ? end : null));
  }
  return most;
}

/** The sign of the change of a value with a variable: 1 or -1 where it is monotone, by its terms; null where not known. */
function growthOf(value: Size, variable: SizeVariable): 1 | -1 | null {
  const signs = new Set<number | null>();
  for (const { coefficient, monomial } of value.terms) {
    const [atom, ...others] = monomial.factors;
    if (!monomial.factors.some((each) => mentions(sizeOfAtom(each), variable))) continue;
    if (atom === undefined || others.length > 0) return null;
    const inner =
      atom.kind === "variable"
        ? 1
        : atom.kind === "floorDiv"
          ? growthOfQuotient(atom, variable)
          : growthOfExtreme(atom.operands, variable);
    signs.add(inner === null ? null : Math.sign(coefficient) * inner);
  }
  const [only = null, ...more] = signs;
  return more.length === 0 ? (only as 1 | -1 | null) : null;
}

/** A minimum or a maximum changes as its operands do, where they all do alike. */
function growthOfExtreme(operands: readonly Size[], variable: SizeVariable): 1 | -1 | null {
  const signs = operands.filter((each) => mentions(each, variable)).map((each) => growthOf(each, variable));
  const [only = null, ...more] = new Set(signs);
  return more.length === 0 ? only : null;
}

function growthOfQuotient(
  { dividend, divisor }: { readonly dividend: Size; readonly divisor: Size },
  variable: SizeVariable,
): 1 | -1 | null {
  const by = constantOf(divisor);
  return by !== null && by > 0 ? growthOf(dividend, variable) : null;
}
