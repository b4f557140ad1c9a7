/** Evaluation of the operators that move elements. None changes a value, so that no rounding is needed. */
import { type Evaluation, InterpreterInputError } from "./graph-evaluation.js";
import {
  arrayLike,
  broadcastStrides,
  elementsOf,
  rowMajorStrides,
  type Tensor,
  type TensorData,
  walkRows,
} from "./tensor.js";

/** The elements of `shape`, read from `from` at `offset` with the given strides. */
function gather(
  from: TensorData,
  to: TensorData,
  shape: readonly number[],
  strides: readonly number[],
  offset = 0,
): TensorData {
  const width = shape.at(-1) ?? 1;
  const step = strides.at(-1) ?? 0;
  walkRows(shape, [strides], (at, starts) => {
    let i = offset + starts[0]!;
    for (let n = at; n < at + width; n++, i += step) to[n] = from[i]!;
  });
  return to;
}

/** The lengths before and after an axis: the tensor is [before, shape[axis], after]. */
export function around(shape: readonly number[], axis: number): { before: number; after: number } {
  return { before: elementsOf(shape.slice(0, axis)), after: elementsOf(shape.slice(axis + 1)) };
}

export const evaluateReshape: Evaluation<"reshape"> = ({ operands }) => operands[0]!.data;

export const evaluateTranspose: Evaluation<"transpose"> = ({ operands, attributes, shape }) => {
  const { data, shape: from } = operands[0]!;
  const strides = rowMajorStrides(from);
  const permuted = attributes.permutation.map((axis) => strides[axis]!);
  return gather(data, arrayLike(data, data.length), shape, permuted);
};

export const evaluateBroadcast: Evaluation<"broadcast"> = ({ operands, shape }) => {
  const { data, shape: from } = operands[0]!;
  return gather(data, arrayLike(data, elementsOf(shape)), shape, broadcastStrides(from, shape));
};

export const evaluateSlice: Evaluation<"slice"> = ({ operands, attributes, shape, sizeOf }) => {
  const { data, shape: from } = operands[0]!;
  const [start, length, extent] = [sizeOf(attributes.start), shape[attributes.axis]!, from[attributes.axis]!];
  if (start < 0 || start + length > extent) {
    throw new InterpreterInputError(`a slice from ${start} to ${start + length} leaves an axis of size ${extent}`);
  }
  const strides = rowMajorStrides(from);
  return gather(data, arrayLike(data, elementsOf(shape)), shape, strides, start * strides[attributes.axis]!);
};

export const evaluateConcat: Evaluation<"concat"> = ({ operands, attributes, shape, allocate }) => {
  const to = allocate();
  const { before, after } = around(shape, attributes.axis);
  const row = shape[attributes.axis]! * after;
  let offset = 0;
  for (const operand of operands) {
    const width = operand.shape[attributes.axis]! * after;
    for (let i = 0; i < before; i++) to.set(operand.data.subarray(i * width, (i + 1) * width), i * row + offset);
    offset += width;
  }
  return to;
};

/** An index within an axis; that of an empty axis, which has no element, is -1. */
function clamp(index: number, extent: number): number {
  return Math.min(Math.max(index, 0), extent - 1);
}

export const evaluateTake: Evaluation<"take"> = ({ operands, attributes, shape }) => {
  const [x, indices] = [operands[0]!, operands[1]!];
  const extent = x.shape[attributes.axis]!;
  const { before, after } = around(x.shape, attributes.axis);
  const to = arrayLike(x.data, elementsOf(shape));
  if (extent === 0) return to;
  let at = 0;
  for (let i = 0; i < before; i++) {
    for (const index of indices.data) {
      const from = (i * extent + clamp(index, extent)) * after;
      to.set(x.data.subarray(from, from + after), at);
      at += after;
    }
  }
  return to;
};

export const evaluateElement: Evaluation<"element"> = ({ operands, shape }) => {
  const [x, ...indices] = operands as [Tensor, ...Tensor[]];
  const to = arrayLike(x.data, elementsOf(shape));
  if (x.data.length === 0) return to;
  const own = rowMajorStrides(x.shape);
  const strides = indices.map((index) => broadcastStrides(index.shape, shape));
  const width = shape.at(-1) ?? 1;
  walkRows(shape, strides, (at, starts) => {
    for (let n = 0; n < width; n++) {
      let from = 0;
      for (let axis = 0; axis < indices.length; axis++) {
        const index = indices[axis]!.data[starts[axis]! + n * (strides[axis]!.at(-1) ?? 0)]!;
        from += clamp(index, x.shape[axis]!) * own[axis]!;
      }
      to[at + n] = x.data[from]!;
    }
  });
  return to;
};

export const evaluateIota: Evaluation<"iota"> = ({ attributes, shape, allocate }) => {
  const to = allocate();
  const { after } = around(shape, attributes.axis);
  const extent = shape[attributes.axis]!;
  for (let i = 0; i < to.length; i++) to[i] = Math.floor(i / after) % extent;
  return to;
};
