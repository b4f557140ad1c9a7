/** Operators that move elements, and those that read at indices. */
import { InternalError } from "../../src/diagnostics/index.js";
import type { ValueId } from "../../src/ir/graph/index.js";
import { elementCount } from "../../src/ir/graph/infer-shapes.js";
import { add, constantOf, maximum, mul, rangeOf, type Size, size, sub } from "../../src/sizes/index.js";
import type { Value } from "./messages.js";
import {
  type Context,
  expanded,
  isSame,
  mayBeEmpty,
  padded,
  type Rule,
  reshaped,
  sameShape,
  transposed,
  unsqueezed,
} from "./rules.js";

export const iota: Rule<"iota"> = (context) => {
  const { builder, sizes, node, type } = context;
  const { axis } = node.attributes;
  const { shape } = type;
  const [zero, one] = [builder.scalar(0, "i32"), builder.scalar(1, "i32")];
  const range = builder.node("Range", [zero, sizes.number(shape[axis]!), one]);
  const others = shape.map((_, at) => at).filter((at) => at !== axis);
  const line = unsqueezed(context, range, others);
  return others.every((at) => constantOf(shape[at]!) === 1) ? line : expanded(context, line, shape);
};

export const transpose: Rule<"transpose"> = (context) =>
  transposed(context, context.inputs[0]!, context.node.attributes.permutation);

export const reshape: Rule<"reshape"> = (context) =>
  reshaped(context, context.inputs[0]!, context.types[0]!.shape, context.type.shape);

export const broadcast: Rule<"broadcast"> = (context) => {
  const { inputs, types, type } = context;
  return sameShape(types[0]!.shape, type.shape) ? inputs[0]! : expanded(context, inputs[0]!, type.shape);
};

export const slice: Rule<"slice"> = ({ builder, sizes, inputs, types, node }) => {
  const { axis, start, length } = node.attributes;
  if (constantOf(start) === 0 && isSame(length, types[0]!.shape[axis]!)) return inputs[0]!;
  const bounds = [sizes.vector(start), sizes.vector(add(start, length)), builder.integers([axis])];
  return builder.node("Slice", [inputs[0]!, ...bounds]);
};

export const concat: Rule<"concat"> = ({ builder, inputs, node }) =>
  inputs.length === 1 ? inputs[0]! : builder.node("Concat", inputs, { axis: node.attributes.axis });

/** Whether the index is surely within an axis: one that counts it, or a constant. */
function isWithin({ graph }: Context, index: ValueId, extent: Size): boolean {
  const node = graph.nodes[index]!;
  if (node.operator === "iota") return isSame(node.attributes.shape[node.attributes.axis]!, extent);
  if (node.operator !== "constant") return false;
  return node.attributes.value >= 0 && rangeOf(extent).min > node.attributes.value;
}

/** The index, clamped to the axis. A negative index would count from the end in ONNX. */
function clamped(context: Context, index: Value, id: ValueId, extent: Size): Value {
  if (isWithin(context, id, extent)) return index;
  const { builder, sizes } = context;
  const last = maximum(sub(extent, size(1)), size(0));
  return builder.node("Clip", [index, builder.scalar(0, "i32"), sizes.number(last)]);
}

/** Whether a run may ask for an element along an axis that has none. */
function mayMiss(extent: Size, result: readonly Size[]): boolean {
  return mayBeEmpty(extent) && !result.some((each) => isSame(each, extent));
}

export const take: Rule<"take"> = (context) => {
  const { builder, inputs, types, node, type } = context;
  const { axis } = node.attributes;
  const { shape } = types[0]!;
  const extent = shape[axis]!;
  const from = mayMiss(extent, type.shape) ? padded(context, inputs[0]!, shape, axis, 0) : inputs[0]!;
  const index = clamped(context, inputs[1]!, node.operands[1]!, extent);
  return builder.node("Gather", [from, index], { axis });
};

/** One index for each axis: the element of the flat tensor at the sum of index times stride. */
export const element: Rule<"element"> = (context) => {
  const { builder, sizes, inputs, types, node, type } = context;
  const [x, ...indices] = inputs;
  if (x === undefined) throw new InternalError("element has no operand");
  const { shape } = types[0]!;
  if (shape.length === 0) return x;
  const total = elementCount(shape);
  const wide = rangeOf(total).max < 2 ** 31 ? "i32" : "i64";
  const empty = shape.some((extent) => mayMiss(extent, type.shape));
  let stride = size(1);
  let at: Value | null = null;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const index = builder.cast(clamped(context, indices[axis]!, node.operands[axis + 1]!, shape[axis]!), wide);
    const step = builder.cast(sizes.number(stride), wide);
    const offset = constantOf(stride) === 1 ? index : builder.node("Mul", [index, step]);
    at = at === null ? offset : builder.node("Add", [at, offset]);
    stride = mul(stride, shape[axis]!);
  }
  let flat = builder.node("Reshape", [x, sizes.shape([total])], { allowzero: 1 });
  if (empty) {
    // Where x has no elements, all that is asked for is the one behind its end.
    flat = padded(context, flat, [total], 0, 0);
    at = builder.node("Min", [at!, builder.cast(sizes.number(total), wide)]);
  }
  return builder.node("Gather", [flat, at!], { axis: 0 });
};
