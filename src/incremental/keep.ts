/** The states of values of which earlier rows are read: appended to, or the last rows in a ring. */
import type { TensorType, ValueId } from "../ir/graph/index.js";
import { scalar } from "../ir/graph/index.js";
import { add, size } from "../sizes/index.js";
import type { StepEmitter } from "./step-context.js";
import { slotsOf } from "./views.js";

/** All rows: those kept and the new ones. */
export function append(emitter: StepEmitter, value: ValueId, rows: ValueId, axis: number): ValueId {
  const { builder, sizes } = emitter;
  const { element, shape } = builder.typeOf(rows);
  const before = shape.with(axis, size(sizes.past));
  const state = emitter.state({ kind: "append", element, shape: before, axis, window: null, value });
  const all = builder.emit("concat", [state.before, rows], { axis });
  state.keep(all);
  return all;
}

/** The slots of a window, then the new rows; or the slots with the new row in its own. */
export function ring(emitter: StepEmitter, value: ValueId, rows: ValueId, axis: number, window: number): ValueId {
  const { builder, sizes } = emitter;
  const slots = slotsOf(window);
  if (slots === 0) return rows;
  const type = builder.typeOf(rows);
  const shape = type.shape.with(axis, size(slots));
  const state = emitter.state({ kind: "ring", element: type.element, shape, axis, window, value });
  const after = written(emitter, state.before, rows, { element: type.element, shape }, axis, slots);
  state.keep(after);
  return sizes.isOne ? after : builder.emit("concat", [state.before, rows], { axis });
}

/** The ring after the step: slot j holds the latest position that is j modulo the number of slots. */
function written(
  emitter: StepEmitter,
  before: ValueId,
  rows: ValueId,
  type: TensorType,
  axis: number,
  slots: number,
): ValueId {
  const { builder, sizes } = emitter;
  const along = type.shape.map((_, at) => size(at === axis ? slots : 1));
  const slot = builder.emit("iota", [], { axis, shape: along });
  const last = builder.emit("size", [], { value: add(sizes.length, -1) });
  const distance = builder.emit("mod", [builder.emit("sub", [last, slot], {}), scalar(builder, slots, "i32")], {});
  const position = builder.emit("sub", [last, distance], {});
  const past = builder.emit("size", [], { value: size(sizes.past) });
  const isNew = builder.emit("le", [past, position], {});
  const row = builder.emit("reshape", [builder.emit("sub", [position, past], {})], { shape: [size(slots)] });
  // A row that is not new is clamped to the first, and not taken.
  const taken = builder.emit("take", [rows, row], { axis });
  return builder.emit("where", [isNew, taken, before], {});
}
