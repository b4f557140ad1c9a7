/** How the axes of an operand become those of a result, for operators that move elements. */
import type { TensorType } from "../ir/graph/index.js";
import { compare, constantOf, mul, type Size, type SizeVariable, size, sub, variablesOf } from "../sizes/index.js";
import type { AxisMap } from "./facts.js";

/** Whether a size depends on a variable. */
export function mentions(each: Size, variable: SizeVariable): boolean {
  return variablesOf(each).includes(variable);
}

/** The c of a size T + c, or null for any other. */
export function offsetOf(each: Size, time: SizeVariable): number | null {
  return mentions(each, time) ? constantOf(sub(each, size(time))) : null;
}

/** Right-aligned, as in NumPy; an axis of size 1 that is repeated has no image. */
export function broadcastMap(from: readonly Size[], to: readonly Size[]): AxisMap {
  const lead = to.length - from.length;
  const map = new Map<number, number>();
  for (const [axis, each] of from.entries()) {
    if (constantOf(each) === 1 && constantOf(to[axis + lead]!) !== 1) continue;
    map.set(axis, axis + lead);
  }
  return map;
}

/**
 * The axes of a reshape that stay: those over positions, and others between them that are as they were. Null if an axis
 * over positions is merged or split.
 */
export function reshapeMap(from: readonly Size[], to: readonly Size[], time: SizeVariable): AxisMap | null {
  const [ours, theirs] = [from, to].map((shape) => shape.flatMap((each, axis) => (mentions(each, time) ? [axis] : [])));
  if (ours!.length !== theirs!.length) return null;
  const map = new Map<number, number>();
  let [i, j] = [0, 0];
  for (let at = 0; at <= ours!.length; at++) {
    const [a, b] = [ours![at] ?? from.length, theirs![at] ?? to.length];
    if (at < ours!.length) {
      if (compare(from[a]!, to[b]!) !== "equal") return null;
      map.set(a, b);
    }
    if (!mapBetween(from, i, a, to, j, b, map)) return null;
    [i, j] = [a + 1, b + 1];
  }
  return map;
}

/** Static axes between two others: the same number of elements; those that match from the left and right are mapped. */
function mapBetween(
  from: readonly Size[],
  i: number,
  a: number,
  to: readonly Size[],
  j: number,
  b: number,
  map: Map<number, number>,
): boolean {
  const count = (shape: readonly Size[]): Size => shape.reduce((product, each) => mul(product, each), size(1));
  if (compare(count(from.slice(i, a)), count(to.slice(j, b))) !== "equal") return false;
  while (i < a && j < b && compare(from[i]!, to[j]!) === "equal") map.set(i++, j++);
  while (a > i && b > j && compare(from[a - 1]!, to[b - 1]!) === "equal") map.set(--a, --b);
  return true;
}

export function transposeMap(permutation: readonly number[]): AxisMap {
  return new Map(permutation.map((from, to) => [from, to]));
}

/** The axes of an operand of an einsum as labels; a repeated axis of size 1 has none. */
export function labelMap(labels: readonly number[], type: TensorType, extents: ReadonlyMap<number, Size>): AxisMap {
  const map = new Map<number, number>();
  for (const [axis, label] of labels.entries()) {
    const repeated = constantOf(type.shape[axis]!) === 1 && constantOf(extents.get(label)!) !== 1;
    if (!repeated) map.set(axis, label);
  }
  return map;
}

/** The size of each label of an einsum. */
export function labelExtents(inputs: readonly (readonly number[])[], types: readonly TensorType[]): Map<number, Size> {
  const extents = new Map<number, Size>();
  for (const [i, labels] of inputs.entries()) {
    for (const [axis, label] of labels.entries()) {
      const each = types[i]!.shape[axis]!;
      const known = extents.get(label);
      if (known === undefined || constantOf(known) === 1) extents.set(label, each);
    }
  }
  return extents;
}
