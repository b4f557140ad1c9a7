/** How each operator becomes part of a step: one exhaustive table. A new operator makes the compiler ask for its rule. */
import {
  type BinaryOperator,
  binaryOperators,
  type OperatorName,
  type ReductionOperator,
  reductionOperators,
  type UnaryOperator,
  unaryOperators,
} from "../ir/graph/index.js";
import { add, size, sub } from "../sizes/index.js";
import { broadcastMap, labelExtents, labelMap, reshapeMap, transposeMap } from "./axes.js";
import { type Band, identityMap } from "./facts.js";
import { refuse, rowNumbersOf, type StepRule, shapeOf, viewsThrough, type Wanted } from "./step-context.js";
import { elementStep, takeStep } from "./step-indexing.js";
import { cumsumStep } from "./step-scans.js";
import { isNew, rowsOf, type View } from "./views.js";

/** An operator that is the same on other rows. */
function same<K extends OperatorName>(
  map: (wanted: Wanted<K>, operand: number) => ReadonlyMap<number, number>,
): StepRule<K> {
  return {
    operands: (wanted) => wanted.operands.map((operand, i) => viewsThrough(operand, map(wanted, i), wanted.views)),
    emit: ({ operator, attributes }, { builder }, operands) =>
      builder.emit(
        operator,
        operands.map((each) => each!),
        attributes,
      ),
  };
}

const elementwise: StepRule<UnaryOperator & BinaryOperator & "where" & "cast"> = same((wanted, i) =>
  broadcastMap(wanted.operands[i]!.type.shape, wanted.type.shape),
);

/**
 * The rows that a reduction over positions reads: a window, counted from a new row, or all. An old row would need rows that
 * are older still.
 */
function reductionView(
  reads: readonly (readonly Band[])[],
  viewOf: (axis: number) => View | null | undefined,
): "all" | number {
  const width = (bands: readonly Band[]): number =>
    Math.min(Infinity, ...bands.filter(({ of }) => isNew(viewOf(of))).map((each) => each.width));
  const widest = Math.max(1, ...reads.map(width));
  return widest === Infinity ? "all" : widest;
}

/** Whether a view has all rows of another one. */
function covers(view: View, needed: "all" | number): boolean {
  if (view === "all") return true;
  if (needed === "all") return false;
  return typeof view === "number" ? view >= needed : view === "new" && needed === 1;
}

/** A row operator: its axis is read as far as the analysis says. */
function alongAxis<K extends ReductionOperator | "softmax">(): StepRule<K> {
  return {
    operands: (wanted) => {
      const { axis } = wanted.attributes as { readonly axis: number };
      const [operand] = wanted.operands;
      const own = viewsThrough(operand!, identityMap(wanted.type.shape.length), wanted.views);
      const reads = wanted.reads.get(axis);
      if (reads === undefined) return [own];
      const needed = reductionView(reads, (of) => wanted.views[of]);
      const view = wanted.views[axis] ?? needed;
      // A softmax keeps its axis: who reads it may not want fewer keys than it compares.
      if (!covers(view, needed)) refuse(wanted.id, "layout", "new rows of this softmax are read across queries");
      return [own.with(axis, view)];
    },
    emit: ({ operator, attributes }, { builder }, [operand]) => builder.emit(operator, [operand!], attributes),
  };
}

const einsumStep: StepRule<"einsum"> = {
  operands: (wanted) => {
    const { inputs, output } = wanted.attributes;
    const extents = labelExtents(
      inputs,
      wanted.operands.map(({ type }) => type),
    );
    const views = new Map<number, View | null>(output.map((label, axis) => [label, wanted.views[axis] ?? null]));
    // A window is counted from a row that stays, never from one that another sum takes away.
    const ofOutput = new Map(views);
    for (const [label, reads] of wanted.reads)
      views.set(
        label,
        reductionView(reads, (of) => ofOutput.get(of)),
      );
    return wanted.operands.map(({ facts, type }, i) => {
      const map = labelMap(inputs[i]!, type, extents);
      return type.shape.map((_, axis) => (facts.time.has(axis) ? (views.get(map.get(axis)!) ?? null) : null));
    });
  },
  emit: ({ attributes }, { builder }, operands) =>
    builder.emit(
      "einsum",
      operands.map((each) => each!),
      attributes,
    ),
};

const reshapeStep: StepRule<"reshape"> = {
  operands: ({ operands, type, views, time }) => [
    viewsThrough(operands[0]!, reshapeMap(operands[0]!.type.shape, type.shape, time)!, views),
  ],
  emit: (wanted, { builder, sizes }, [operand]) =>
    builder.emit("reshape", [operand!], { shape: shapeOf(wanted, wanted.views, sizes) }),
};

const broadcastStep: StepRule<"broadcast"> = {
  ...same((wanted) => broadcastMap(wanted.operands[0]!.type.shape, wanted.type.shape)),
  emit: (wanted, { builder, sizes }, [operand]) =>
    builder.emit("broadcast", [operand!], { shape: shapeOf(wanted, wanted.views, sizes) }),
};

const inputStep: StepRule<"input"> = {
  operands: () => [],
  emit: (wanted, { builder, sizes }) =>
    builder.emit("input", [], { ...wanted.attributes, shape: shapeOf(wanted, wanted.views, sizes) }),
};

const iotaStep: StepRule<"iota"> = {
  operands: () => [],
  emit: (wanted, emitter) => {
    const { axis } = wanted.attributes;
    const shape = shapeOf(wanted, wanted.views, emitter.sizes);
    const before = wanted.facts.time.get(axis)?.before ?? 0;
    return rowNumbersOf(emitter, wanted.views[axis] ?? "all", axis, shape, before);
  },
};

/** Rows of positions out of static ones, or a table cut to the length: row p is at start + p. */
const sliceStep: StepRule<"slice"> = {
  operands: ({ operands, type, views }) => [viewsThrough(operands[0]!, identityMap(type.shape.length), views)],
  emit: (wanted, emitter, [operand]) => {
    const { attributes, views, facts } = wanted;
    const { axis, start } = attributes;
    const { builder, sizes } = emitter;
    const view = views[axis] ?? null;
    if (view === null) return builder.emit("slice", [operand!], attributes);
    const length = rowsOf(view, facts.time.get(axis)!, sizes);
    if (wanted.operands[0]!.facts.time.has(axis)) return builder.emit("slice", [operand!], { axis, start, length });
    const from = { new: size(sizes.past), last: sub(sizes.length, 1), all: size(0) };
    if (typeof view === "string")
      return builder.emit("slice", [operand!], { axis, start: add(start, from[view]), length });
    const rows = rowNumbersOf(emitter, view, 0, [length]);
    const offset = builder.emit("size", [], { value: start });
    return builder.emit("take", [operand!, builder.emit("add", [rows, offset], {})], { axis });
  },
};

function leaf<K extends "weight" | "constant" | "size">(): StepRule<K> {
  return {
    operands: () => [],
    emit: ({ operator, attributes }, { builder }) => builder.emit(operator, [], attributes),
  };
}

const all = <K extends OperatorName>(names: readonly K[], rule: StepRule<never>): { readonly [N in K]: StepRule<N> } =>
  Object.fromEntries(names.map((name) => [name, rule])) as unknown as { readonly [N in K]: StepRule<N> };

export const stepRules: { readonly [K in OperatorName]: StepRule<K> } = {
  ...all(unaryOperators, elementwise),
  ...all(binaryOperators, elementwise),
  ...all(reductionOperators, alongAxis<"sum">()),
  input: inputStep,
  weight: leaf(),
  constant: leaf(),
  size: leaf(),
  iota: iotaStep,
  cast: same((wanted, i) => broadcastMap(wanted.operands[i]!.type.shape, wanted.type.shape)),
  where: same((wanted, i) => broadcastMap(wanted.operands[i]!.type.shape, wanted.type.shape)),
  softmax: alongAxis(),
  cumsum: cumsumStep,
  einsum: einsumStep,
  transpose: same((wanted) => transposeMap(wanted.attributes.permutation)),
  reshape: reshapeStep,
  broadcast: broadcastStep,
  slice: sliceStep,
  concat: same(({ type }) => identityMap(type.shape.length)),
  take: takeStep,
  element: elementStep,
  topk: same(({ type }) => identityMap(type.shape.length - 1)),
};
