/** Type inference of the operators that work along an axis or over labels: reductions, softmax, einsum, topk. */
import { rangeOf, type Size, size } from "../../sizes/index.js";
import type { Inference } from "./infer.js";
import type { ReductionOperator } from "./operators.js";
import {
  booleans,
  broadcastSize,
  expectAxis,
  expectElement,
  expectOneElement,
  floats,
  GraphTypeError,
  numbers,
  only,
  typesText,
} from "./type-rules.js";
import { typeText } from "./type-text.js";
import type { ElementType } from "./types.js";

/** The axis stays with size 1; `result` is the element type of the result where it is another. */
function reduction(
  operator: ReductionOperator,
  allowed: readonly ElementType[],
  result: ElementType | null = null,
): Inference<ReductionOperator> {
  return (operands, { axis }) => {
    const operand = only(operator, operands);
    expectElement(operator, operand, allowed);
    expectAxis(operator, operand, axis);
    return { element: result ?? operand.element, shape: operand.shape.with(axis, size(1)) };
  };
}

export const reductionInference: { readonly [K in ReductionOperator]: Inference<K> } = {
  sum: reduction("sum", numbers),
  mean: reduction("mean", floats),
  max: reduction("max", numbers),
  min: reduction("min", numbers),
  any: reduction("any", booleans),
  all: reduction("all", booleans),
  argmax: reduction("argmax", numbers, "i32"),
};

export const inferSoftmax: Inference<"softmax"> = (operands, { axis }) => {
  const operand = only("softmax", operands);
  expectElement("softmax", operand, floats);
  expectAxis("softmax", operand, axis);
  return operand;
};

export const inferCumsum: Inference<"cumsum"> = (operands, { axis }) => {
  const operand = only("cumsum", operands);
  expectElement("cumsum", operand, numbers);
  expectAxis("cumsum", operand, axis);
  return operand;
};

/** `[[0, 1], [1, 2]] -> [0, 2]`, as dumps and messages show the labels of an einsum. */
export function labelsText(inputs: readonly (readonly number[])[], output: readonly number[]): string {
  return `[${inputs.map((labels) => `[${labels.join(", ")}]`).join(", ")}] -> [${output.join(", ")}]`;
}

export const inferEinsum: Inference<"einsum"> = (operands, { inputs, output }) => {
  const what = `einsum ${labelsText(inputs, output)}`;
  if (operands.length === 0) throw new GraphTypeError("einsum takes at least one operand");
  const fits = inputs.length === operands.length && inputs.every((l, i) => l.length === operands[i]!.shape.length);
  if (!fits) throw new GraphTypeError(`${what}: the labels do not fit ${typesText(operands)}`);
  for (const labels of [...inputs, output]) {
    if (new Set(labels).size !== labels.length || !labels.every((label) => Number.isInteger(label) && label >= 0)) {
      throw new GraphTypeError(
        `${what}: a label is a whole number and stands once in an operand and once in the output`,
      );
    }
  }
  expectOneElement("einsum", operands);
  expectElement("einsum", operands[0]!, numbers);

  const sizes = new Map<number, Size>();
  for (const [i, labels] of inputs.entries()) {
    for (const [axis, label] of labels.entries()) {
      const here = operands[i]!.shape[axis]!;
      const known = sizes.get(label);
      const joined = known === undefined ? here : broadcastSize(known, here);
      if (joined === null) {
        throw new GraphTypeError(`${what}: the sizes of label ${label} differ in ${typesText(operands)}`);
      }
      sizes.set(label, joined);
    }
  }
  const shape = output.map((label) => {
    const found = sizes.get(label);
    if (found === undefined) throw new GraphTypeError(`${what}: no operand has label ${label}`);
    return found;
  });
  return { element: operands[0]!.element, shape };
};

/** [..., n] -> i32[..., k]. An axis that surely has fewer than k elements is an error. */
export const inferTopk: Inference<"topk"> = (operands, { k }) => {
  const operand = only("topk", operands);
  expectElement("topk", operand, numbers);
  if (!Number.isInteger(k) || k < 0) throw new GraphTypeError(`topk: k is ${k}, not a whole number of at least 0`);
  const last = operand.shape.length - 1;
  const extent = expectAxis("topk", operand, last);
  if (rangeOf(extent).max < k)
    throw new GraphTypeError(`topk: the last axis of ${typeText(operand)} has less than ${k}`);
  return { element: "i32", shape: operand.shape.with(last, size(k)) };
};
