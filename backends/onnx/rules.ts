/** What the rule of one operator is given, and small compositions that several rules share. */
import type { Graph, NodeOf, OperatorName, TensorType } from "../../src/ir/graph/index.js";
import { compare, constantOf, rangeOf, type Size, size } from "../../src/sizes/index.js";
import type { OnnxBuilder } from "./builder.js";
import type { DataType, Value } from "./messages.js";
import type { SizeValues } from "./sizes.js";

/** What is the same for all nodes of a graph. */
export interface Context {
  readonly graph: Graph;
  readonly builder: OnnxBuilder;
  readonly sizes: SizeValues;
}

export interface RuleContext<K extends OperatorName> extends Context {
  readonly node: NodeOf<K>;
  /** The operands as ONNX has them. */
  readonly inputs: readonly Value[];
  readonly types: readonly TensorType[];
  /** The type of the result. */
  readonly type: TensorType;
}

/** Emits what computes a node, and gives its value. */
export type Rule<K extends OperatorName> = (context: RuleContext<K>) => Value;

/** Whether a run may have no element along an axis of this size. */
export function mayBeEmpty(extent: Size): boolean {
  return rangeOf(extent).min <= 0;
}

export function isSame(a: Size, b: Size): boolean {
  return compare(a, b) === "equal";
}

export function sameShape(a: readonly Size[], b: readonly Size[]): boolean {
  return a.length === b.length && a.every((each, axis) => isSame(each, b[axis]!));
}

/** The value with this shape, which has the same elements. */
export function reshaped({ builder, sizes }: Context, value: Value, from: readonly Size[], to: readonly Size[]): Value {
  if (sameShape(from, to)) return value;
  const dynamic = to.filter((each) => constantOf(each) === null);
  const kept = to.map((each, axis) => axis < from.length && isSame(each, from[axis]!));
  // 0 stands for the size of the operand's axis, and one -1 for what is left: then nothing is computed.
  const unknown = to.filter((each, axis) => constantOf(each) === null && !kept[axis]);
  const hasZero = to.some((each) => constantOf(each) === 0);
  const known = to.every((each, axis) => constantOf(each) !== null || kept[axis] || unknown.includes(each));
  if (dynamic.length > 0 && unknown.length <= 1 && known && !hasZero && unknownFits(to, kept, unknown)) {
    const shape = to.map((each, axis) => constantOf(each) ?? (kept[axis] ? 0 : -1));
    return builder.node("Reshape", [value, builder.integers(shape)]);
  }
  return builder.node("Reshape", [value, sizes.shape(to)], { allowzero: 1 });
}

/** What -1 stands for is a quotient, and 0 / 0 is not known: all other sizes must be above 0. */
function unknownFits(to: readonly Size[], kept: readonly boolean[], unknown: readonly Size[]): boolean {
  return unknown.length === 0 || to.every((each, axis) => !kept[axis] || !mayBeEmpty(each));
}

/** The value with axes of size 1 where `axes` says, in the numbering of the result. */
export function unsqueezed({ builder }: Context, value: Value, axes: readonly number[]): Value {
  return axes.length === 0 ? value : builder.node("Unsqueeze", [value, builder.integers(axes)]);
}

export function squeezed({ builder }: Context, value: Value, axes: readonly number[]): Value {
  return axes.length === 0 ? value : builder.node("Squeeze", [value, builder.integers(axes)]);
}

export function transposed({ builder }: Context, value: Value, permutation: readonly number[]): Value {
  if (permutation.every((axis, at) => axis === at)) return value;
  return builder.node("Transpose", [value], { perm: permutation });
}

/** A tensor of a type with zeros, or nothing. */
export function zeros({ builder, sizes }: Context, element: DataType, shape: readonly Size[]): Value {
  return builder.cast(builder.node("ConstantOfShape", [sizes.shape(shape)], {}, "f32"), element);
}

/** The value repeated to a shape; to nothing, which runtimes overlook where it is constant, as a constant. */
export function expanded(context: Context, value: Value, to: readonly Size[]): Value {
  const { builder, sizes } = context;
  if (to.some((each) => constantOf(each) === 0)) return zeros(context, value.element, to);
  return builder.node("Expand", [value, sizes.shape(to)]);
}

/** The tensor with one more element of this value at the end of an axis, so that the axis is not empty. */
export function padded(context: Context, value: Value, shape: readonly Size[], axis: number, fill: number): Value {
  const { builder } = context;
  const one = expanded(context, builder.scalar(fill, value.element, shape.length), shape.with(axis, size(1)));
  return builder.node("Concat", [value, one], { axis });
}
