/**
 * Arithmetic of indices into buffers. Indices never wrap around, since buffers have fewer than 2^31 elements, so that
 * what is known as a size stays one, whatever its range; indices that come from data are i32 expressions.
 */
import { binary, type Expression, index, type KernelBinary } from "../ir/kernel/index.js";
import {
  add,
  attempt,
  constantOf,
  floorDiv,
  isAtMost,
  isLess,
  isNonNegative,
  maximum,
  minimum,
  mod,
  mul,
  type Size,
  size,
  sub,
} from "../sizes/index.js";

export type Index = readonly Expression[];

export const zero = index(0);

export function plus(a: Expression, b: Expression | Size): Expression {
  const right = asExpression(b);
  return a.kind === "index" && right.kind === "index" ? index(add(a.value, right.value)) : binary("add", a, right);
}

export function times(a: Expression, b: Size): Expression {
  return a.kind === "index" ? index(mul(a.value, b)) : binary("mul", a, index(b));
}

export function quotient(a: Expression, b: Size): Expression {
  if (constantOf(b) === 1) return a;
  return a.kind === "index" ? index(floorDiv(a.value, b)) : binary("floor_div", a, index(b));
}

export function remainder(a: Expression, b: Size): Expression {
  if (constantOf(b) === 1) return zero;
  return a.kind === "index" ? index(mod(a.value, b)) : binary("mod", a, index(b));
}

/** The index within 0 … extent - 1 that is nearest. The axis must not be empty. */
export function clamped(a: Expression, extent: Size): Expression {
  const last = sub(extent, 1);
  const value = exactOf(a);
  // What lies in the axis fits into i32, and so is what is computed, wrapping around on the way or not.
  if (value !== null && isNonNegative(value) && isLess(value, extent)) return index(value);
  if (a.kind !== "index") return binary("min", binary("max", a, zero), index(last));
  return index(minimum(maximum(a.value, 0), last));
}

/** What sums, differences and products of sizes are if nothing wraps around; null for other expressions. */
function exactOf(a: Expression): Size | null {
  if (a.kind === "index") return a.value;
  const compute = a.kind === "binary" ? wholeNumbers.get(a.operator) : undefined;
  if (a.kind !== "binary" || compute === undefined) return null;
  const left = exactOf(a.left);
  const right = left === null ? null : exactOf(a.right);
  return left === null || right === null ? null : attempt(() => compute(left, right));
}

const wholeNumbers: ReadonlyMap<KernelBinary, (a: Size, b: Size) => Size> = new Map([
  ["add", add],
  ["sub", sub],
  ["mul", mul],
]);

/** Whether the size is proven to be at least 1. */
export function isPopulated(extent: Size): boolean {
  return isAtMost(size(1), extent);
}

/** Whether the axis is surely one element long, so that its only index is 0. */
export function isSingle(extent: Size): boolean {
  return constantOf(extent) === 1;
}

/** The index into an operand that is broadcast to the shape that `at` indexes: aligned at the right, 0 along size 1. */
export function broadcastIndex(at: Index, shape: readonly Size[]): Index {
  const lead = at.length - shape.length;
  return shape.map((extent, axis) => (isSingle(extent) ? zero : at[axis + lead]!));
}

function asExpression(value: Expression | Size): Expression {
  return "kind" in value ? value : index(value);
}
