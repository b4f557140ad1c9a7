/**
 * Tensors of the interpreters: dense, row-major, their shape in plain numbers.
 *
 * Floats lie in a Float32Array or, where an interpreter keeps more digits, in a Float64Array; f16 has no array of its
 * own and lies in one of these, rounded. Integers lie in an Int32Array, bool in a Uint8Array of 0 and 1. Tensors are never
 * changed once made, so that a reshape shares its data.
 */
import { type ElementType, isFloat } from "../ir/graph/types.js";

export type TensorData = Float64Array | Float32Array | Int32Array | Uint8Array;

export interface Tensor {
  readonly element: ElementType;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

/** The number of elements of a shape; 1 for rank 0. */
export function elementsOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** A tensor of the given numbers, in row-major order. Floats are held in f64 and not rounded. */
export function tensorOf(element: ElementType, shape: readonly number[], values: ArrayLike<number>): Tensor {
  if (values.length !== elementsOf(shape)) {
    throw new RangeError(`${values.length} numbers do not fill a tensor of shape [${shape.join(", ")}]`);
  }
  const data =
    !isFloat(element) && element !== "bool"
      ? Int32Array.from(values)
      : element === "bool"
        ? Uint8Array.from(values, (value) => (value === 0 ? 0 : 1))
        : Float64Array.from(values);
  return { element, shape, data };
}

/** Distances in elements between neighbours along each axis, in row-major order. */
export function rowMajorStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}

/** The strides with which an operand of shape `from` is read as one of shape `to`: 0 along axes that repeat. */
export function broadcastStrides(from: readonly number[], to: readonly number[]): number[] {
  const lead = to.length - from.length;
  const strides = rowMajorStrides(from);
  return to.map((_, axis) => (axis < lead || from[axis - lead] === 1 ? 0 : strides[axis - lead]!));
}

/**
 * Walks over a shape row by row, a row being its last axis (one element for rank 0).
 * @param strides for each of several operands its stride per axis of the shape.
 * @param row is called with the offset of the row in row-major order and the offset of its start in each operand (an
 * array that is reused), and walks the row itself.
 */
export function walkRows(
  shape: readonly number[],
  strides: readonly (readonly number[])[],
  row: (at: number, starts: readonly number[]) => void,
): void {
  const total = elementsOf(shape);
  const width = shape.at(-1) ?? 1;
  const counters = new Array<number>(Math.max(0, shape.length - 1)).fill(0);
  const starts = strides.map(() => 0);
  for (let at = 0; at < total; at += width) {
    row(at, starts);
    for (let axis = counters.length - 1; axis >= 0; axis--) {
      const wraps = ++counters[axis]! === shape[axis]!;
      const steps = wraps ? 1 - shape[axis]! : 1;
      for (let i = 0; i < starts.length; i++) starts[i]! += steps * strides[i]![axis]!;
      if (!wraps) break;
      counters[axis] = 0;
    }
  }
}

/** An array of the same kind as `data`, of another length, zero. */
export function arrayLike(data: TensorData, length: number): TensorData {
  if (data instanceof Float64Array) return new Float64Array(length);
  if (data instanceof Float32Array) return new Float32Array(length);
  return data instanceof Int32Array ? new Int32Array(length) : new Uint8Array(length);
}
