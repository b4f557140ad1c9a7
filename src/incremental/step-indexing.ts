/** Indexing with tensors in a step: rows that stay are counted within the view, and rows a few positions back are kept. */
import type { OperatorName, ValueId } from "../ir/graph/index.js";
import { scalar } from "../ir/graph/index.js";
import { add, neg, size } from "../sizes/index.js";
import { type Indexing, indexingOf, keptAxes, shiftIn } from "./indexing.js";
import { refuse, type StepEmitter, type StepRule, viewsThrough, type Wanted } from "./step-context.js";
import { rowsOf, type Views } from "./views.js";

type Indexed = "element" | "take";

/** Which axes of what is indexed stay, are read back, or looked up. */
function indexingOfWanted({ operator, attributes, operands, type }: Wanted<Indexed>): Indexing {
  const facts = operands.map((each) => each.facts);
  const types = operands.map((each) => each.type);
  return indexingOf({ operator, attributes } as Parameters<typeof indexingOf>[0], facts, types, type);
}

/** The number of an index operand for an axis: of `element` each axis has one, of `take` one axis. */
function operandOfAxis(operator: OperatorName, axis: number): number {
  return operator === "take" ? 1 : axis + 1;
}

/** The axes of positions that stay, whose rows are counted within the view, by the operand that indexes them. */
function localRows(wanted: Wanted<Indexed>, indexing: Indexing): Map<number, number> {
  const rows = new Map<number, number>();
  const { time } = wanted.operands[0]!.facts;
  for (const [axis, to] of keptAxes(indexing)) {
    const isIndexed = wanted.operator === "element" || (wanted.attributes as { axis: number }).axis === axis;
    if (time.has(axis) && isIndexed) rows.set(operandOfAxis(wanted.operator, axis), to);
  }
  return rows;
}

function operandViews(wanted: Wanted<Indexed>): readonly (Views | null)[] {
  const indexing = indexingOfWanted(wanted);
  const shift = shiftIn(indexing, wanted.operands[0]!.facts);
  const local = localRows(wanted, indexing);
  const [from] = wanted.operands;
  let own = viewsThrough(from!, keptAxes(indexing), wanted.views);
  if (shift !== null) {
    if (own.some((each) => each !== null)) {
      refuse(wanted.id, "square", "rows a few positions back are read for every key");
    }
    if (wanted.views[shift.to] !== "new")
      refuse(wanted.id, "layout", "rows a few positions back are read of past rows");
    own = own.with(shift.axis, "new");
  }
  const indices = indexing.indices.map(({ operand, map }) =>
    local.has(operand) ? null : viewsThrough(wanted.operands[operand]!, map, wanted.views),
  );
  return [own, ...indices];
}

function emit(wanted: Wanted<Indexed>, emitter: StepEmitter, operands: readonly (ValueId | null)[]): ValueId {
  const { builder, sizes } = emitter;
  const indexing = indexingOfWanted(wanted);
  const local = localRows(wanted, indexing);
  const shift = shiftIn(indexing, wanted.operands[0]!.facts);
  const emitted = operands.map((each, operand) => {
    if (each !== null) return each;
    const to = local.get(operand)!;
    const rows = rowsOf(wanted.views[to]!, wanted.facts.time.get(to)!, sizes);
    const own = wanted.operator === "take" ? to - (wanted.attributes as { axis: number }).axis : to;
    const rank = (wanted.operator === "take" ? wanted.operands[operand]!.type : wanted.type).shape.length;
    const shape = Array.from({ length: rank }, (_, axis) => (axis === own ? rows : size(1)));
    return builder.emit("iota", [], { axis: own, shape });
  });
  if (shift !== null) {
    const [rows] = emitted;
    const { axis, by } = shift;
    const { element, shape } = builder.typeOf(rows!);
    const value = wanted.operands[0]!.id;
    const tail = shape.with(axis, size(by));
    const state = emitter.state({ kind: "tail", element, shape: tail, axis, window: null, value });
    const joined = builder.emit("concat", [state.before, rows!], { axis });
    state.keep(builder.emit("slice", [joined], { axis, start: size(sizes.count), length: size(by) }));
    emitted[0] = joined;
    const at = operandOfAxis(wanted.operator, axis);
    // Row 0 stands for what would be before it, as in the whole entry.
    const position = builder.emit("maximum", [emitted[at]!, scalar(builder, 0, "i32")], {});
    const first = builder.emit("size", [], { value: add(size(by), neg(size(sizes.past))) });
    emitted[at] = builder.emit("add", [position, first], {});
  }
  return wanted.operator === "take"
    ? builder.emit("take", emitted, wanted.attributes as { readonly axis: number })
    : builder.emit("element", emitted, {});
}

export const elementStep: StepRule<"element"> = { operands: operandViews, emit };
export const takeStep: StepRule<"take"> = { operands: operandViews, emit };

/** Whether some rows are read a few positions back, which a step has beside its new rows. */
export function readsBack(wanted: Wanted<OperatorName>): boolean {
  if (wanted.operator !== "element" && wanted.operator !== "take") return false;
  return shiftIn(indexingOfWanted(wanted as Wanted<Indexed>), wanted.operands[0]!.facts) !== null;
}
