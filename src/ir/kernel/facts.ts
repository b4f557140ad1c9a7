/**
 * Bounds of indices, and what conditions say about sizes. Used to prove that accesses are in bounds.
 */
import { add, floorDiv, maximum, minimum, mul, type Size, SizeOverflow, size, sub } from "../../sizes/index.js";
import type { Expression } from "./kernel.js";
import { type Knowledge, nothingKnown } from "./knowledge.js";

/** Sizes that are at least 0 where the condition holds; what is not about sizes says nothing. */
export function factsOf(condition: Expression, holds = true): readonly Size[] {
  if (condition.kind === "unary" && condition.operator === "not") return factsOf(condition.operand, !holds);
  if (condition.kind !== "binary") return [];
  const { operator, left, right } = condition;
  if (operator === (holds ? "and" : "or")) return [...factsOf(left, holds), ...factsOf(right, holds)];
  if (left.kind !== "index" || right.kind !== "index") return [];
  const [a, b] = [left.value, right.value];
  switch (operator) {
    case "le":
      return [holds ? sub(b, a) : sub(sub(a, b), 1)];
    case "lt":
      return [holds ? sub(sub(b, a), 1) : sub(a, b)];
    case "eq":
      return holds ? [sub(a, b), sub(b, a)] : [];
    case "ne":
      return holds ? [] : [sub(a, b), sub(b, a)];
    default:
      return [];
  }
}

/** Sizes that an i32 expression is never below, and never above. None where nothing is known. */
export interface Bounds {
  readonly low: readonly Size[];
  readonly high: readonly Size[];
}

const unknown: Bounds = { low: [], high: [] };

/**
 * Bounds of an index. What is read from data has none, so that an index made of it must be clamped by `max` and `min`
 * (or be a remainder). Sums of indices do not wrap around: buffers have fewer than 2^31 elements.
 */
export function boundsOf(expression: Expression, knowledge: Knowledge = nothingKnown): Bounds {
  switch (expression.kind) {
    case "index":
      return { low: [expression.value], high: [expression.value] };
    case "select": {
      const [yes, no] = [boundsOf(expression.yes, knowledge), boundsOf(expression.no, knowledge)];
      return { low: both(yes.low, no.low, minimum), high: both(yes.high, no.high, maximum) };
    }
    case "cast":
      return expression.operand.element === "bool" ? { low: [size(0)], high: [size(1)] } : unknown;
    case "binary":
      return boundsOfBinary(expression, knowledge);
    default:
      return unknown;
  }
}

function boundsOfBinary(
  { operator, left, right }: Extract<Expression, { kind: "binary" }>,
  knowledge: Knowledge,
): Bounds {
  const [a, b] = [boundsOf(left, knowledge), boundsOf(right, knowledge)];
  const factor = right.kind === "index" ? right.value : null;
  const isAtLeast = (least: number): boolean => factor !== null && knowledge.proves(sub(factor, least));
  switch (operator) {
    case "add":
      return { low: both(a.low, b.low, add), high: both(a.high, b.high, add) };
    case "sub":
      return { low: both(a.low, b.high, sub), high: both(a.high, b.low, sub) };
    case "max":
      return { low: [...a.low, ...b.low], high: both(a.high, b.high, maximum) };
    case "min":
      return { low: both(a.low, b.low, minimum), high: [...a.high, ...b.high] };
    case "mul":
      if (factor === null || !isAtLeast(0)) return unknown;
      return { low: each(a.low, (low) => mul(low, factor)), high: each(a.high, (high) => mul(high, factor)) };
    case "floor_div":
      if (factor === null || !isAtLeast(1)) return unknown;
      return { low: each(a.low, (low) => floorDiv(low, factor)), high: each(a.high, (high) => floorDiv(high, factor)) };
    case "mod":
      return factor !== null && isAtLeast(1) ? { low: [size(0)], high: [sub(factor, 1)] } : unknown;
    default:
      return unknown;
  }
}

function both(a: readonly Size[], b: readonly Size[], combine: (a: Size, b: Size) => Size): readonly Size[] {
  return a.flatMap((left) => each(b, (right) => combine(left, right)));
}

/** What can be computed with exact numbers. */
function each(sizes: readonly Size[], compute: (size: Size) => Size): readonly Size[] {
  return sizes.flatMap((one) => {
    try {
      return [compute(one)];
    } catch (error) {
      if (error instanceof SizeOverflow) return [];
      throw error;
    }
  });
}

/** Whether an index is proven to lie in 0 … extent - 1. */
export function isInBounds(index: Expression, extent: Size, knowledge: Knowledge): boolean {
  const { low, high } = boundsOf(index, knowledge);
  const last = sub(extent, 1);
  return low.some((value) => knowledge.proves(value)) && high.some((value) => knowledge.proves(sub(last, value)));
}
