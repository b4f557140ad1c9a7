/** Folding: what is made of constant numbers alone is the number that the interpreter gives for it. */
import { interpret } from "../interpreter/graph.js";
import {
  binaryOperators,
  emitNode,
  GraphBuilder,
  type Node,
  scalar,
  type TensorType,
  unaryOperators,
  type ValueId,
} from "../ir/graph/index.js";
import { constantOf } from "../sizes/index.js";
import { numberOf, splat } from "./facts.js";
import type { Rule } from "./rewrite.js";

/** A function of numbers, each the same wherever it is read. */
const computedNumber: Rule = {
  name: "numbers computed now",
  operators: [...unaryOperators, ...binaryOperators, "cast", "where"],
  apply: ({ builder, node, type }) => {
    const numbers = node.operands.map((operand) => numberOf(builder, operand));
    if (numbers.includes(null)) return null;
    const types = node.operands.map((operand) => builder.typeOf(operand));
    return splat(builder, evaluated(node, numbers as readonly number[], types), type);
  },
};

/** A size that is a number. */
const knownSize: Rule = {
  name: "size that is known",
  operators: ["size"],
  apply: ({ builder, node }) => {
    const value = node.operator === "size" ? constantOf(node.attributes.value) : null;
    return value === null ? null : scalar(builder, value, "i32");
  },
};

function evaluated(node: Node, numbers: readonly number[], types: readonly TensorType[]): number {
  const own = new GraphBuilder("number", []);
  const operands = numbers.map((number, i): ValueId => scalar(own, number, types[i]!.element));
  const graph = own.finish([{ name: "y", value: emitNode(own, node, operands) }]);
  const weights = (): never => {
    throw new RangeError("numbers are made of no weights");
  };
  return interpret(graph, { inputs: {}, weights, precision: "f32" }).outputs.y!.data[0]!;
}

export const constantRules: readonly Rule[] = [computedNumber, knownSize];
