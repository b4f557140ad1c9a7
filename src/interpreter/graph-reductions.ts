/** Evaluation of what works along one axis: reductions, softmax, running sums, topk. Sums are kept in f64. */
import type { ReductionOperator } from "../ir/graph/operators.js";
import { type ElementType, isFloat } from "../ir/graph/types.js";
import { type Evaluation, InterpreterInputError } from "./graph-evaluation.js";
import { compareDescending } from "./graph-functions.js";
import { around } from "./graph-movement.js";
import type { Tensor, TensorData } from "./tensor.js";

/** One row along an axis: `count` elements of `data`, from `start`, `step` apart. */
interface Row {
  readonly data: TensorData;
  readonly start: number;
  readonly step: number;
  readonly count: number;
}

/** Calls `visit` with each row of a tensor along an axis, in row-major order of the other axes. */
function eachRow({ data, shape }: Tensor, axis: number, visit: (row: Row, index: number) => void): void {
  const { before, after } = around(shape, axis);
  const count = shape[axis]!;
  for (let i = 0, index = 0; i < before; i++) {
    for (let j = 0; j < after; j++, index++) visit({ data, start: i * count * after + j, step: after, count }, index);
  }
}

function fold(row: Row, start: number, f: (sum: number, x: number) => number): number {
  let result = start;
  for (let k = 0, i = row.start; k < row.count; k++, i += row.step) result = f(result, row.data[i]!);
  return result;
}

const sum = (row: Row): number => fold(row, 0, (a, b) => a + b);
const wrappingSum = (row: Row): number => fold(row, 0, (a, b) => (a + b) | 0);

type RowFunction = (row: Row, element: ElementType) => number;

const rowFunctions: { readonly [K in ReductionOperator]: RowFunction } = {
  sum: (row, element) => (isFloat(element) ? sum(row) : wrappingSum(row)),
  mean: (row) => sum(row) / row.count,
  max: (row, element) => fold(row, isFloat(element) ? -Infinity : -(2 ** 31), Math.max),
  min: (row, element) => fold(row, isFloat(element) ? Infinity : 2 ** 31 - 1, Math.min),
  any: (row) => fold(row, 0, (a, b) => (b === 0 ? a : 1)),
  all: (row) => fold(row, 1, (a, b) => (b === 0 ? 0 : a)),
  argmax: ({ data, start, step, count }) => {
    let best = 0;
    for (let k = 1; k < count; k++) {
      if (compareDescending(data[start + k * step]!, data[start + best * step]!) < 0) best = k;
    }
    return best;
  },
};

function reduction(operator: ReductionOperator): Evaluation<ReductionOperator> {
  return ({ operands, attributes, allocate }) => {
    const to = allocate();
    const operand = operands[0]!;
    eachRow(operand, attributes.axis, (row, index) => {
      to[index] = rowFunctions[operator](row, operand.element);
    });
    return to;
  };
}

export const reductionEvaluation: { readonly [K in ReductionOperator]: Evaluation<K> } = {
  sum: reduction("sum"),
  mean: reduction("mean"),
  max: reduction("max"),
  min: reduction("min"),
  any: reduction("any"),
  all: reduction("all"),
  argmax: reduction("argmax"),
};

export const evaluateSoftmax: Evaluation<"softmax"> = ({ operands, attributes, allocate }) => {
  const to = allocate();
  eachRow(operands[0]!, attributes.axis, (row) => {
    const largest = fold(row, -Infinity, Math.max);
    if (largest === -Infinity) return;
    // A NaN makes the largest NaN, and all that follows; so does +inf, by inf - inf.
    const total = fold(row, 0, (a, x) => a + Math.exp(x - largest));
    for (let k = 0, i = row.start; k < row.count; k++, i += row.step) {
      to[i] = Math.exp(row.data[i]! - largest) / total;
    }
  });
  return to;
};

export const evaluateCumsum: Evaluation<"cumsum"> = ({ operands, attributes, element, allocate }) => {
  const to = allocate();
  const wraps = !isFloat(element);
  eachRow(operands[0]!, attributes.axis, ({ data, start, step, count }) => {
    let running = 0;
    for (let k = 0, i = start; k < count; k++, i += step) {
      running = wraps ? (running + data[i]!) | 0 : running + data[i]!;
      to[i] = running;
    }
  });
  return to;
};

export const evaluateTopk: Evaluation<"topk"> = ({ operands, attributes: { k }, allocate }) => {
  const to = allocate();
  const x = operands[0]!;
  const last = x.shape.length - 1;
  if (x.shape[last]! < k) throw new InterpreterInputError(`topk of ${k} from an axis of size ${x.shape[last]}`);
  eachRow(x, last, ({ data, start, count }, index) => {
    const order = Array.from({ length: count }, (_, i) => i);
    order.sort((a, b) => compareDescending(data[start + a]!, data[start + b]!) || a - b);
    for (let i = 0; i < k; i++) to[index * k + i] = order[i]!;
  });
  return to;
};
