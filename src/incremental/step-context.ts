/** What the rules of a step are given: a node of the whole entry, the rows that are wanted of it, and a builder. */
import type { Attributes, GraphBuilder, OperatorName, TensorType, ValueId } from "../ir/graph/index.js";
import { scalar } from "../ir/graph/index.js";
import { add, neg, type Size, type SizeVariable, size } from "../sizes/index.js";
import type { Reads } from "./analysis.js";
import type { Facts, Refusal, RefusalReason } from "./facts.js";
import { NotIncremental } from "./refusal.js";
import type { State } from "./states.js";
import { rowsOf, type StepSizes, slotsOf, type View, type Views } from "./views.js";

/** A node, and the rows wanted of it. */
export interface Wanted<K extends OperatorName> {
  readonly id: ValueId;
  readonly operator: K;
  readonly attributes: Attributes[K];
  readonly views: Views;
  readonly type: TensorType;
  readonly facts: Facts;
  readonly operands: readonly { readonly id: ValueId; readonly facts: Facts; readonly type: TensorType }[];
  readonly reads: Reads;
  readonly time: SizeVariable;
}

/** What a rule emits with. */
export interface StepEmitter {
  readonly builder: GraphBuilder;
  readonly sizes: StepSizes;
  /** Declares a state and gives the value that it has before the step. */
  state(state: Omit<State, "name">): { readonly before: ValueId; readonly keep: (next: ValueId) => void };
}

/** How one operator becomes part of a step. */
export interface StepRule<K extends OperatorName> {
  /** The rows wanted of each operand; null for one that the step does not read. */
  readonly operands: (wanted: Wanted<K>) => readonly (Views | null)[];
  readonly emit: (wanted: Wanted<K>, emitter: StepEmitter, operands: readonly (ValueId | null)[]) => ValueId;
}

export function refuse(
  node: ValueId,
  reason: RefusalReason,
  message: string,
  parts: Partial<Pick<Refusal, "notes" | "help">> = {},
): never {
  const { notes = [], help = [] } = parts;
  throw new NotIncremental({ reason, node, message, notes, help, related: null });
}

/** The views of an operand whose axes become those of the result; an axis of positions without an image is not read. */
export function viewsThrough(
  operand: { readonly facts: Facts; readonly type: TensorType },
  map: ReadonlyMap<number, number>,
  views: Views,
): Views {
  return operand.type.shape.map((_, axis) => {
    const to = map.get(axis);
    return operand.facts.time.has(axis) && to !== undefined ? (views[to] ?? null) : null;
  });
}

/** The shape of a value of the given views. */
export function shapeOf(
  { type, facts }: { readonly type: TensorType; readonly facts: Facts },
  views: Views,
  sizes: StepSizes,
): Size[] {
  return type.shape.map((each, axis) => {
    const view = views[axis] ?? null;
    return view === null ? each : rowsOf(view, facts.time.get(axis)!, sizes);
  });
}

/**
 * The numbers that a view's rows along an axis of a shape have in the whole entry, as i32: positions, behind `before` static
 * rows. A slot of a window that is not written yet reports P + N, which is later than any query, so that every accepted mask
 * removes it.
 */
export function rowNumbersOf(
  emitter: StepEmitter,
  view: View,
  axis: number,
  shape: readonly Size[],
  before = 0,
): ValueId {
  const { builder } = emitter;
  const rows = builder.emit("iota", [], { axis, shape });
  if (view === "all") return rows;
  if (before === 0) return positionsOf(emitter, view, rows);
  const fixed = scalar(builder, before, "i32");
  const positions = positionsOf(emitter, view, builder.emit("sub", [rows, fixed], {}));
  const isFixed = builder.emit("lt", [rows, fixed], {});
  return builder.emit("where", [isFixed, rows, builder.emit("add", [positions, fixed], {})], {});
}

/** @param local the numbers of the rows within the view */
function positionsOf({ builder, sizes }: StepEmitter, view: Exclude<View, "all">, local: ValueId): ValueId {
  const sizeValue = (value: Size): ValueId => builder.emit("size", [], { value });
  const plus = (value: ValueId, by: ValueId): ValueId => builder.emit("add", [value, by], {});
  const { past, length, isOne } = sizes;
  if (view === "new") return plus(local, sizeValue(size(past)));
  if (view === "last") return plus(local, sizeValue(add(length, -1)));
  const slots = slotsOf(view);
  if (slots === 0) return plus(local, sizeValue(size(past)));
  const last = sizeValue(add(size(past), isOne ? 0 : -1));
  const distance = builder.emit("mod", [builder.emit("sub", [last, local], {}), scalar(builder, slots, "i32")], {});
  const held = builder.emit("sub", [last, distance], {});
  const isWritten = builder.emit("le", [scalar(builder, 0, "i32"), held], {});
  const old = builder.emit("where", [isWritten, held, sizeValue(length)], {});
  if (isOne) return old;
  const isOld = builder.emit("lt", [local, scalar(builder, slots, "i32")], {});
  return builder.emit("where", [isOld, old, plus(local, sizeValue(add(size(past), neg(size(slots)))))], {});
}
