/** Evaluation of element-wise operators, with broadcasting. */
import { type BinaryOperator, binaryOperators, type UnaryOperator, unaryOperators } from "../ir/graph/operators.js";
import type { Evaluation } from "./graph-evaluation.js";
import { binaryFunction, castFunction, unaryFunctions } from "./graph-functions.js";
import { broadcastStrides, type TensorData, walkRows } from "./tensor.js";

function map(from: TensorData, to: TensorData, f: (x: number) => number): TensorData {
  for (let i = 0; i < to.length; i++) to[i] = f(from[i]!);
  return to;
}

function unary(operator: UnaryOperator): Evaluation<UnaryOperator> {
  return ({ operands, allocate }) => map(operands[0]!.data, allocate(), unaryFunctions[operator]);
}

function binary(operator: BinaryOperator): Evaluation<BinaryOperator> {
  return ({ operands, shape, allocate }) => {
    const [a, b] = [operands[0]!, operands[1]!];
    const f = binaryFunction(operator, a.element);
    const strides = [broadcastStrides(a.shape, shape), broadcastStrides(b.shape, shape)];
    const width = shape.at(-1) ?? 1;
    const [stepA, stepB] = [strides[0]!.at(-1) ?? 0, strides[1]!.at(-1) ?? 0];
    const [dataA, dataB, to] = [a.data, b.data, allocate()];
    walkRows(shape, strides, (at, starts) => {
      let [i, j] = [starts[0]!, starts[1]!];
      for (let n = at; n < at + width; n++, i += stepA, j += stepB) to[n] = f(dataA[i]!, dataB[j]!);
    });
    return to;
  };
}

function tableOf<K extends string, V>(names: readonly K[], entry: (name: K) => V): { readonly [name in K]: V } {
  return Object.fromEntries(names.map((name) => [name, entry(name)])) as { [name in K]: V };
}

export const unaryEvaluation: { readonly [K in UnaryOperator]: Evaluation<K> } = tableOf(unaryOperators, unary);
export const binaryEvaluation: { readonly [K in BinaryOperator]: Evaluation<K> } = tableOf(binaryOperators, binary);

export const evaluateCast: Evaluation<"cast"> = ({ operands, attributes, allocate }) =>
  map(operands[0]!.data, allocate(), castFunction(attributes.to));

export const evaluateWhere: Evaluation<"where"> = ({ operands, shape, allocate }) => {
  const [condition, yes, no] = [operands[0]!.data, operands[1]!.data, operands[2]!.data];
  const strides = operands.map((operand) => broadcastStrides(operand.shape, shape));
  const width = shape.at(-1) ?? 1;
  const [stepC, stepY, stepN] = strides.map((each) => each.at(-1) ?? 0) as [number, number, number];
  const to = allocate();
  walkRows(shape, strides, (at, starts) => {
    let [c, y, n] = [starts[0]!, starts[1]!, starts[2]!];
    for (let i = at; i < at + width; i++, c += stepC, y += stepY, n += stepN) {
      to[i] = condition[c] === 0 ? no[n]! : yes[y]!;
    }
  });
  return to;
};
