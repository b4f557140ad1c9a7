/**
 * Type inference: the type of a node's value from its operands' types and its attributes.
 *
 * One exhaustive table over all operators. What must stay true: inference depends on nothing else than the types and
 * attributes, so that the verifier can repeat it on any node; and what it accepts, the interpreter can evaluate (only
 * the bounds of slices and of `topk` with run-time sizes are left to the run).
 */
import { SizeOverflow } from "../../sizes/index.js";
import {
  binaryInference,
  inferCast,
  inferConstant,
  inferInput,
  inferSize,
  inferWeight,
  inferWhere,
  unaryInference,
} from "./infer-elementwise.js";
import { inferCumsum, inferEinsum, inferSoftmax, inferTopk, reductionInference } from "./infer-reductions.js";
import {
  inferBroadcast,
  inferConcat,
  inferElement,
  inferIota,
  inferReshape,
  inferSlice,
  inferTake,
  inferTranspose,
} from "./infer-shapes.js";
import type { Attributes, OperatorName } from "./operators.js";
import { GraphTypeError } from "./type-rules.js";
import type { TensorType } from "./types.js";

/** Infers the type of one operator's result. Throws GraphTypeError. */
export type Inference<K extends OperatorName> = (
  operands: readonly TensorType[],
  attributes: Attributes[K],
) => TensorType;

const table: { readonly [K in OperatorName]: Inference<K> } = {
  ...unaryInference,
  ...binaryInference,
  ...reductionInference,
  input: inferInput,
  weight: inferWeight,
  constant: inferConstant,
  size: inferSize,
  iota: inferIota,
  cast: inferCast,
  where: inferWhere,
  softmax: inferSoftmax,
  cumsum: inferCumsum,
  einsum: inferEinsum,
  transpose: inferTranspose,
  reshape: inferReshape,
  broadcast: inferBroadcast,
  slice: inferSlice,
  concat: inferConcat,
  take: inferTake,
  element: inferElement,
  topk: inferTopk,
};

/**
 * The type of `operator` applied to values of the given types.
 * @throws GraphTypeError with the types of the operands, where they do not fit the operator or each other.
 */
export function inferType<K extends OperatorName>(
  operator: K,
  operands: readonly TensorType[],
  attributes: Attributes[K],
): TensorType {
  try {
    return table[operator](operands, attributes);
  } catch (error) {
    if (error instanceof SizeOverflow) throw new GraphTypeError(`${operator}: ${error.message}`);
    throw error;
  }
}

/** All operators. */
export const operatorNames = Object.keys(table) as readonly OperatorName[];

/** Whether there is an operator of this name. */
export function isOperator(name: string): name is OperatorName {
  return Object.hasOwn(table, name);
}

export { GraphTypeError } from "./type-rules.js";
