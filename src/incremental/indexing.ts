/**
 * Indexing with tensors (`element`, `take`): which axes of what is indexed stay as they are, which are shifted, and which
 * are looked up. The analysis and the step read the same answer.
 */
import type { NodeOf, TensorType } from "../ir/graph/index.js";
import { compare, constantOf } from "../sizes/index.js";
import { constantForm } from "./affine.js";
import { broadcastMap } from "./axes.js";
import { type AxisMap, type Facts, movedFacts } from "./facts.js";

/** An axis of what is indexed. */
export type IndexedAxis =
  /** Row i of the result's axis is row i. */
  | { readonly kind: "same"; readonly to: number }
  /** Row i of the result's axis is one of the rows i - most to i - least, clamped at 0: which one, other axes say. */
  | { readonly kind: "shifted"; readonly to: number; readonly least: number; readonly most: number }
  /** One row. */
  | { readonly kind: "fixed"; readonly row: number }
  /** Row numbers that are computed. */
  | { readonly kind: "computed" };

export interface Indexing {
  /** For each axis of what is indexed. */
  readonly axes: readonly IndexedAxis[];
  /** The operands that are indices, each with the axes of the result that its axes are. */
  readonly indices: readonly { readonly operand: number; readonly map: AxisMap }[];
}

/** @param facts of the operands. @param types their types. @param type of the result. */
export function indexingOf(
  node: Pick<NodeOf<"element"> | NodeOf<"take">, "operator" | "attributes">,
  facts: readonly Facts[],
  types: readonly TensorType[],
  type: TensorType,
): Indexing {
  return node.operator === "take"
    ? takeIndexing((node.attributes as NodeOf<"take">["attributes"]).axis, facts, types, type)
    : elementIndexing(facts, types, type);
}

function elementIndexing(facts: readonly Facts[], types: readonly TensorType[], type: TensorType): Indexing {
  const indices = types.slice(1).map(({ shape }, i) => ({ operand: i + 1, map: broadcastMap(shape, type.shape) }));
  const axes = indices.map(({ operand, map }, axis) => indexedAxis(facts[operand]!, map, types[0]!, axis, type));
  return { axes, indices };
}

function takeIndexing(axis: number, facts: readonly Facts[], types: readonly TensorType[], type: TensorType): Indexing {
  const rank = types[1]!.shape.length;
  const map = new Map(types[1]!.shape.map((_, i) => [i, axis + i]));
  const axes = types[0]!.shape.map((_, at): IndexedAxis => {
    if (at !== axis) return { kind: "same", to: at < axis ? at : at + rank - 1 };
    return indexedAxis(facts[1]!, map, types[0]!, axis, type);
  });
  return { axes, indices: [{ operand: 1, map }] };
}

function indexedAxis(index: Facts, map: AxisMap, from: TensorType, axis: number, to: TensorType): IndexedAxis {
  const facts = movedFacts(index, map);
  const row = constantForm(facts.affine) ?? index.constant;
  if (row !== null) return { kind: "fixed", row };
  return followed(facts, from, axis, to) ?? { kind: "computed" };
}

/** Row numbers that follow those of an axis of the result, and are at most moved by known numbers: by t - 2, or t + k - 2. */
function followed({ affine, time }: Facts, from: TensorType, axis: number, to: TensorType): IndexedAxis | null {
  // Only along an axis of the same length is a row number a position of it.
  const isAlong = (each: number) => compare(from.shape[axis]!, to.shape[each]!) === "equal";
  const along = [...(affine?.coefficients ?? [])].find(([each, by]) => by === 1 && isAlong(each))?.[0];
  if (affine === null || along === undefined) return null;
  let least = (time.get(along)?.before ?? 0) - affine.constant;
  let most = least;
  for (const [each, by] of affine.coefficients) {
    if (each === along) continue;
    const extent = constantOf(to.shape[each]!);
    if (extent === null) return null;
    const farthest = by * Math.max(0, extent - 1);
    least -= Math.max(0, farthest);
    most -= Math.min(0, farthest);
  }
  return least === 0 && most === 0 ? { kind: "same", to: along } : { kind: "shifted", to: along, least, most };
}

/** Axis to axis for those that stay. An axis of the result is the image of one. */
export function keptAxes({ axes }: Indexing): AxisMap {
  const map = new Map<number, number>();
  const taken = new Set<number>();
  for (const [axis, each] of axes.entries()) {
    if (each.kind !== "same" || taken.has(each.to)) continue;
    map.set(axis, each.to);
    taken.add(each.to);
  }
  return map;
}

/** An axis over positions that is read some rows back. */
export interface Shift {
  readonly axis: number;
  /** The axis of the result. */
  readonly to: number;
  /** At most so many. */
  readonly by: number;
}

/** The axis of what is indexed that is read some rows back, if there is one. */
export function shiftIn({ axes }: Indexing, { time }: Facts): Shift | null {
  for (const [axis, each] of axes.entries()) {
    if (each.kind === "shifted" && time.has(axis)) return { axis, to: each.to, by: each.most };
  }
  return null;
}
