/**
 * Sums of products as products of matrices, which every runtime computes well.
 *
 * Operands are multiplied from left to right. Of two, a label that both have and that is wanted later is a batch, one
 * that both have and nobody wants any more is summed over in the product, and one that a single operand has and nobody
 * wants is summed over before.
 */
import { constantOf, mul, type Size, size } from "../../src/sizes/index.js";
import type { Value } from "./messages.js";
import {
  type Context,
  isSame,
  mayBeEmpty,
  padded,
  type Rule,
  reshaped,
  squeezed,
  transposed,
  unsqueezed,
} from "./rules.js";

/** A tensor whose axes have labels, each once. */
interface Labelled {
  readonly value: Value;
  readonly labels: readonly number[];
}

export const einsum: Rule<"einsum"> = (context) => {
  const { inputs, types, node } = context;
  const { output } = node.attributes;
  const extents = extentsOf(
    node.attributes.inputs,
    types.map(({ shape }) => shape),
  );
  const operands = inputs.map((value, i) =>
    withoutRepeated(context, value, node.attributes.inputs[i]!, types[i]!.shape, extents),
  );
  let result = operands[0]!;
  for (const [i, operand] of operands.entries()) {
    if (i === 0) continue;
    const wanted = new Set([...output, ...operands.slice(i + 1).flatMap(({ labels }) => labels)]);
    result = product(
      context,
      summed(context, result, [operand], wanted, extents),
      summed(context, operand, [result], wanted, extents),
      wanted,
      extents,
    );
  }
  result = summed(context, result, [], new Set(output), extents);
  return laidOut(context, result, output);
};

/** The size of each label; an axis of size 1 repeats along the others. */
function extentsOf(inputs: readonly (readonly number[])[], shapes: readonly (readonly Size[])[]): Map<number, Size> {
  const extents = new Map<number, Size>();
  for (const [i, labels] of inputs.entries()) {
    for (const [axis, label] of labels.entries()) {
      const here = shapes[i]![axis]!;
      const known = extents.get(label);
      if (known === undefined || constantOf(known) === 1) extents.set(label, here);
    }
  }
  return extents;
}

/** The operand without axes of size 1 that repeat along a label of another size. */
function withoutRepeated(
  context: Context,
  value: Value,
  labels: readonly number[],
  shape: readonly Size[],
  extents: ReadonlyMap<number, Size>,
): Labelled {
  const repeats = (label: number, axis: number): boolean =>
    constantOf(shape[axis]!) === 1 && constantOf(extents.get(label)!) !== 1;
  const axes = labels.flatMap((label, axis) => (repeats(label, axis) ? [axis] : []));
  return { value: squeezed(context, value, axes), labels: labels.filter((_, axis) => !axes.includes(axis)) };
}

/** The tensor summed over the labels that nobody wants. */
function summed(
  context: Context,
  tensor: Labelled,
  others: readonly Labelled[],
  wanted: ReadonlySet<number>,
  extents: ReadonlyMap<number, Size>,
): Labelled {
  const isKept = (label: number): boolean => wanted.has(label) || others.some(({ labels }) => labels.includes(label));
  const axes = tensor.labels.flatMap((label, axis) => (isKept(label) ? [] : [axis]));
  if (axes.length === 0) return tensor;
  const { builder } = context;
  const kept = tensor.labels.filter(isKept);
  if (!axes.some((axis) => mayBeEmpty(extents.get(tensor.labels[axis]!)!))) {
    return { value: builder.node("ReduceSum", [tensor.value, builder.integers(axes)], { keepdims: 0 }), labels: kept };
  }
  // Over several axes of which one is empty, some runtimes give what they find in memory.
  const one = (value: Value, axis: number): Value =>
    builder.node("ReduceSum", [value, builder.integers([axis])], { keepdims: 1 });
  return { value: squeezed(context, axes.reduce(one, tensor.value), axes), labels: kept };
}

function product(
  context: Context,
  a: Labelled,
  b: Labelled,
  wanted: ReadonlySet<number>,
  extents: ReadonlyMap<number, Size>,
): Labelled {
  const both = a.labels.filter((label) => b.labels.includes(label));
  const inner = both.filter((label) => !wanted.has(label));
  const batch = both.filter((label) => wanted.has(label));
  const rows = a.labels.filter((label) => !both.includes(label));
  const columns = b.labels.filter((label) => !both.includes(label));
  const labels = [...batch, ...rows, ...columns];
  const { builder } = context;
  if (inner.length === 0) {
    const left = unsqueezed(
      context,
      laidOut(context, a, [...batch, ...rows]),
      range(batch.length + rows.length, columns.length),
    );
    const right = unsqueezed(context, laidOut(context, b, [...batch, ...columns]), range(batch.length, rows.length));
    return { value: builder.node("Mul", [left, right]), labels };
  }
  const sizesOf = (of: readonly number[]): Size[] => of.map((label) => extents.get(label)!);
  const flat = (of: readonly number[]): Size => sizesOf(of).reduce((total, each) => mul(total, each), size(1));
  // Some runtimes stop at a product whose sums are of nothing: then there is one product of zeros more.
  const depth = flat(inner);
  const isPadded = mayBeEmpty(depth) && !sizesOf(labels).some((each) => isSame(each, depth));
  const matrix = (tensor: Labelled, first: readonly number[], second: readonly number[]): Value => {
    const order = [...batch, ...first, ...second];
    const shape = [...sizesOf(batch), flat(first), flat(second)];
    const value = reshaped(context, laidOut(context, tensor, order), sizesOf(order), shape);
    return isPadded ? padded(context, value, shape, batch.length + (second === inner ? 1 : 0), 0) : value;
  };
  // A product of a tensor of any rank with one matrix needs no flat rows.
  const isPlain = batch.length === 0 && inner.length === 1 && rows.length > 0 && columns.length === 1;
  const keepsRows = isPlain && !isPadded;
  const left = keepsRows ? laidOut(context, a, [...rows, ...inner]) : matrix(a, rows, inner);
  const value = builder.node("MatMul", [left, matrix(b, inner, columns)]);
  if (keepsRows) return { value, labels };
  const from = [...sizesOf(batch), flat(rows), flat(columns)];
  return { value: reshaped(context, value, from, sizesOf(labels)), labels };
}

/** The tensor with its axes in this order. */
function laidOut(context: Context, { value, labels }: Labelled, order: readonly number[]): Value {
  return transposed(
    context,
    value,
    order.map((label) => labels.indexOf(label)),
  );
}

function range(start: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => start + i);
}
