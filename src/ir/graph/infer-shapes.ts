/** Type inference of the operators that move elements: transpose, reshape, slice, concat, indexing and their kin. */
import { add, constantOf, mul, rangeOf, type Size, size, sub } from "../../sizes/index.js";
import type { Inference } from "./infer.js";
import {
  expectArity,
  expectAxis,
  expectBroadcast,
  expectElement,
  expectOneElement,
  GraphTypeError,
  isOne,
  only,
  same,
  typesText,
} from "./type-rules.js";
import { shapeText, typeText } from "./type-text.js";
import type { TensorType } from "./types.js";

/** The number of elements of a shape. */
export function elementCount(shape: readonly Size[]): Size {
  return shape.reduce((product, each) => mul(product, each), size(1));
}

export const inferIota: Inference<"iota"> = (operands, { axis, shape }) => {
  expectArity("iota", operands, 0);
  const type: TensorType = { element: "i32", shape };
  expectAxis("iota", type, axis);
  return type;
};

export const inferTranspose: Inference<"transpose"> = (operands, { permutation }) => {
  const operand = only("transpose", operands);
  const valid =
    permutation.length === operand.shape.length && operand.shape.every((_, axis) => permutation.includes(axis));
  if (!valid) {
    throw new GraphTypeError(
      `transpose: [${permutation.join(", ")}] does not permute the axes of ${typeText(operand)}`,
    );
  }
  return { element: operand.element, shape: permutation.map((axis) => operand.shape[axis]!) };
};

export const inferReshape: Inference<"reshape"> = (operands, { shape }) => {
  const operand = only("reshape", operands);
  const result: TensorType = { element: operand.element, shape };
  if (!same(elementCount(operand.shape), elementCount(shape))) {
    throw new GraphTypeError(
      `reshape: ${typeText(operand)} and ${typeText(result)} differ in their number of elements`,
    );
  }
  return result;
};

export const inferBroadcast: Inference<"broadcast"> = (operands, { shape }) => {
  const operand = only("broadcast", operands);
  const lead = shape.length - operand.shape.length;
  const fits = lead >= 0 && operand.shape.every((each, axis) => isOne(each) || same(each, shape[axis + lead]!));
  if (!fits) throw new GraphTypeError(`broadcast: ${typeText(operand)} does not broadcast to ${shapeText(shape)}`);
  return { element: operand.element, shape };
};

/**
 * A slice that surely leaves the axis is an error; one that only may leave it passes, since the ranges of start and end
 * are often less exact than what the checker of the language has proven.
 */
export const inferSlice: Inference<"slice"> = (operands, { axis, start, length }) => {
  const operand = only("slice", operands);
  const extent = expectAxis("slice", operand, axis);
  const rest = sub(extent, add(start, length));
  if ([start, length, rest].some((each) => rangeOf(each).max < 0)) {
    const span = `${shapeText([start])} with length ${shapeText([length])}`;
    throw new GraphTypeError(`slice from ${span} leaves axis ${axis} of ${typeText(operand)}`);
  }
  return { element: operand.element, shape: operand.shape.with(axis, length) };
};

export const inferConcat: Inference<"concat"> = (operands, { axis }) => {
  const first = operands[0];
  if (first === undefined) throw new GraphTypeError("concat takes at least one operand");
  const element = expectOneElement("concat", operands);
  let extent = expectAxis("concat", first, axis);
  for (const operand of operands.slice(1)) {
    const fits =
      operand.shape.length === first.shape.length &&
      operand.shape.every((each, at) => at === axis || same(each, first.shape[at]!));
    if (!fits) {
      const both = typesText([first, operand]);
      throw new GraphTypeError(`concat along axis ${axis}: ${both} differ in another axis`);
    }
    extent = add(extent, operand.shape[axis]!);
  }
  return { element, shape: first.shape.with(axis, extent) };
};

/** (x, i: i32): the axis of x gives way to the axes of i. */
export const inferTake: Inference<"take"> = (operands, { axis }) => {
  expectArity("take", operands, 2);
  const [x, indices] = [operands[0]!, operands[1]!];
  expectAxis("take", x, axis);
  expectElement("the indices of take", indices, ["i32"]);
  return {
    element: x.element,
    shape: [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)],
  };
};

/** (x, i_0: i32, …, i_{r-1}: i32): the shape of the indices, broadcast together. */
export const inferElement: Inference<"element"> = (operands) => {
  const [x, ...indices] = operands;
  if (x === undefined) throw new GraphTypeError("element takes a tensor and an index for each of its axes");
  if (indices.length !== x.shape.length) {
    throw new GraphTypeError(
      `element takes ${x.shape.length} indices for ${typeText(x)} and has ${indices.length}: ${typesText(indices)}`,
    );
  }
  for (const index of indices) expectElement("the indices of element", index, ["i32"]);
  return { element: x.element, shape: expectBroadcast("the indices of element", indices) };
};

/** Whether the size surely is the constant 0. */
export function isZero(each: Size): boolean {
  return constantOf(each) === 0;
}
