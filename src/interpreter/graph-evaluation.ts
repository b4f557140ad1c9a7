/** What the evaluation of one node is given; see graph.ts for how it is called. */
import type { Attributes, OperatorName } from "../ir/graph/operators.js";
import type { ElementType } from "../ir/graph/types.js";
import type { Size } from "../sizes/index.js";
import type { Tensor, TensorData } from "./tensor.js";

/** Inputs, weights or sizes do not fit the graph. */
export class InterpreterInputError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "InterpreterInputError";
  }
}

/** What every operator needs to know about its node in this run. */
export interface EvaluationContext {
  readonly operands: readonly Tensor[];
  /** The type of the result, its sizes in numbers. */
  readonly element: ElementType;
  readonly shape: readonly number[];
  /** The result's elements, zero. Storing an f32 result in it rounds; an f16 one is rounded after the evaluation. */
  readonly allocate: () => TensorData;
  /** The value of a size in this run. */
  readonly sizeOf: (size: Size) => number;
}

export interface Evaluated<K extends OperatorName> extends EvaluationContext {
  readonly attributes: Attributes[K];
}

/** Computes the elements of the result. The data of an operand may be given back where nothing changes. */
export type Evaluation<K extends OperatorName> = (node: Evaluated<K>) => TensorData;
