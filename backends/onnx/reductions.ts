/** What works along one axis: reductions, softmax, running sums, topk. NaN and empty axes are as Trafo defines them. */
import { isFloat, type ReductionOperator } from "../../src/ir/graph/index.js";
import { elementCount } from "../../src/ir/graph/infer-shapes.js";
import { size } from "../../src/sizes/index.js";
import type { OnnxBuilder } from "./builder.js";
import type { Value } from "./messages.js";
import { mayBeEmpty, padded, type Rule, type RuleContext, reshaped, zeros } from "./rules.js";

type Reduction = (context: RuleContext<ReductionOperator>) => Value;

/** Applies an operator of ONNX along the axis, which stays with size 1. */
function along({ builder, node }: RuleContext<ReductionOperator | "softmax">, operator: string, x: Value): Value {
  return builder.node(operator, [x, builder.integers([node.attributes.axis])], { keepdims: 1 });
}

/** The operand with at least one element along the axis. */
function notEmpty(context: RuleContext<ReductionOperator>, fill: number): Value {
  const { inputs, types, node } = context;
  const { shape } = types[0]!;
  const { axis } = node.attributes;
  return mayBeEmpty(shape[axis]!) ? padded(context, inputs[0]!, shape, axis, fill) : inputs[0]!;
}

/** Whether a row holds a NaN, as bool. */
function hasNaN(context: RuleContext<ReductionOperator>, x: Value): Value {
  const { builder } = context;
  const marks = builder.cast(builder.node("IsNaN", [x], {}, "bool"), "f32");
  return builder.cast(along(context, "ReduceMax", marks), "bool");
}

/** The largest or smallest, which ONNX leaves open where there is a NaN. */
const extreme =
  (operator: string, ofNothing: number, integerOfNothing: number): Reduction =>
  (context) => {
    const { builder, types } = context;
    const floats = isFloat(types[0]!.element);
    const x = notEmpty(context, floats ? ofNothing : integerOfNothing);
    const result = along(context, operator, x);
    if (!floats) return result;
    const notANumber = builder.scalar(Number.NaN, x.element);
    return builder.node("Where", [hasNaN(context, x), notANumber, result], {}, x.element);
  };

const sum: Reduction = (context) => along(context, "ReduceSum", context.inputs[0]!);

const mean: Reduction = (context) => {
  const { builder, sizes, inputs, types, node } = context;
  const extent = types[0]!.shape[node.attributes.axis]!;
  if (!mayBeEmpty(extent)) return along(context, "ReduceMean", inputs[0]!);
  // The mean of nothing is 0 / 0.
  return builder.node("Div", [sum(context), builder.cast(sizes.number(extent), inputs[0]!.element)]);
};

/** Whether some element is true, counted. */
function any(context: RuleContext<ReductionOperator>, x: Value): Value {
  const { builder } = context;
  return builder.cast(along(context, "ReduceSum", builder.cast(x, "i32")), "bool");
}

/** The first index of the largest, where a NaN counts as larger than all. */
const argmax: Reduction = (context) => {
  const { builder, types, node } = context;
  const floats = isFloat(types[0]!.element);
  const x = notEmpty(context, floats ? -Infinity : -(2 ** 31));
  const indexIn = (value: Value): Value =>
    builder.node("ArgMax", [value], { axis: node.attributes.axis, keepdims: 1, select_last_index: 0 }, "i64");
  if (!floats) return builder.cast(indexIn(x), "i32");
  const marks = builder.cast(builder.node("IsNaN", [x], {}, "bool"), "f32");
  const isThere = builder.cast(along(context, "ReduceMax", marks), "bool");
  return builder.cast(builder.node("Where", [isThere, indexIn(marks), indexIn(x)], {}, "i64"), "i32");
};

export const reductionRules: { readonly [K in ReductionOperator]: Rule<K> } = {
  sum,
  mean,
  max: extreme("ReduceMax", -Infinity, -(2 ** 31)),
  min: extreme("ReduceMin", Infinity, 2 ** 31 - 1),
  any: (context) => any(context, context.inputs[0]!),
  all: (context) => {
    const { builder, inputs } = context;
    return builder.node("Not", [any(context, builder.node("Not", inputs))]);
  },
  argmax,
};

/**
 * A row of -inf only gives zeros, where ONNX gives NaN. Such a row has -inf as its largest element and as its sum; the
 * sum is NaN where an element is, whatever a runtime makes of NaN when it looks for the largest.
 */
export const softmax: Rule<"softmax"> = (context) => {
  const { builder, inputs, node } = context;
  const x = inputs[0]!;
  const result = builder.node("Softmax", [x], { axis: node.attributes.axis });
  const bound = builder.node("Max", [along(context, "ReduceMax", x), along(context, "ReduceSum", x)]);
  const isHidden = builder.node("Equal", [bound, builder.scalar(-Infinity, x.element)], {}, "bool");
  return builder.node("Where", [isHidden, builder.scalar(0, x.element), result], {}, x.element);
};

export const cumsum: Rule<"cumsum"> = ({ builder, inputs, node }) =>
  builder.node("CumSum", [inputs[0]!, builder.scalar(node.attributes.axis, "i64")]);

/**
 * NaN counts as largest, which ONNX leaves open: infinity stands for it, and the largest finite number for infinity.
 * A tensor without rows, or a k of 0, stops some runtimes, so that one row is added where there may be none, and taken away after.
 */
export const topk: Rule<"topk"> = (context) => {
  const { builder, sizes, inputs, types, type, node } = context;
  const x = inputs[0]!;
  const { shape } = types[0]!;
  const { k } = node.attributes;
  const extent = shape.at(-1)!;
  if (k === 0) return zeros(context, "i32", type.shape);
  let keys = x;
  if (isFloat(types[0]!.element)) {
    const largest = x.element === "f16" ? 65504 : 3.4028234663852886e38;
    const finite = builder.node("Min", [x, builder.scalar(largest, x.element)]);
    const missing = builder.node("IsNaN", [x], {}, "bool");
    keys = builder.node("Where", [missing, builder.scalar(Infinity, x.element), finite], {}, x.element);
  }
  if (!shape.slice(0, -1).some(mayBeEmpty)) return largestIndices(builder, keys, k);
  const rows = elementCount(shape.slice(0, -1));
  const table = [rows, extent];
  const indices = largestIndices(builder, padded(context, reshaped(context, keys, shape, table), table, 0, 0), k);
  const start = builder.integers([0]);
  const own = builder.node("Slice", [indices, start, sizes.vector(rows), start]);
  return reshaped(context, own, [rows, size(k)], type.shape);
};

/** The indices of the k largest along the last axis. */
function largestIndices(builder: OnnxBuilder, keys: Value, k: number): Value {
  const values = builder.value(`${builder.origin.path}/values`, keys.element);
  const indices = builder.value(`${builder.origin.path}/indices`, "i64");
  builder.add("TopK", [keys, builder.integers([k])], [values, indices], { axis: -1, largest: 1, sorted: 1 });
  return builder.cast(indices, "i32");
}
