/**
 * Division and powers of i32, which are total in Trafo. A division by 0, and that of the least number by -1, may stop a
 * runtime, so that divisors that could be such are replaced first.
 */
import type { BinaryOperator } from "../../src/ir/graph/index.js";
import type { OnnxBuilder } from "./builder.js";
import type { Value } from "./messages.js";
import type { RuleContext } from "./rules.js";

/** The constant that an operand is, or null. */
function constantOperand({ graph, node }: RuleContext<BinaryOperator>, at: number): number | null {
  const operand = graph.nodes[node.operands[at]!]!;
  return operand.operator === "constant" ? operand.attributes.value : null;
}

const isEqual = (builder: OnnxBuilder, a: Value, value: number): Value =>
  builder.node("Equal", [a, builder.scalar(value, "i32")], {}, "bool");

const choose = (builder: OnnxBuilder, condition: Value, yes: Value, no: Value): Value =>
  builder.node("Where", [condition, yes, no], {}, yes.element);

/** A divisor that nothing goes wrong with: 1 in place of 0 and -1. */
function safeDivisor(context: RuleContext<BinaryOperator>): Value {
  const { builder, inputs } = context;
  const divisor = inputs[1]!;
  const constant = constantOperand(context, 1);
  if (constant !== null && constant !== 0 && constant !== -1) return divisor;
  const isOdd = builder.node("Or", [isEqual(builder, divisor, 0), isEqual(builder, divisor, -1)]);
  return choose(builder, isOdd, builder.scalar(1, "i32"), divisor);
}

/** The remainder with the sign of the divisor; by 1 and -1 it is 0, and by 0 it is defined so. */
export function integerModulo(context: RuleContext<BinaryOperator>): Value {
  return context.builder.node("Mod", [context.inputs[0]!, safeDivisor(context)]);
}

/** The quotient rounded down; by 0 it is 0. ONNX rounds towards 0. */
export function integerFloorDivision(context: RuleContext<BinaryOperator>): Value {
  const { builder, inputs } = context;
  const [a, b] = [inputs[0]!, inputs[1]!];
  const divisor = safeDivisor(context);
  const quotient = builder.node("Div", [a, divisor]);
  const rest = builder.node("Sub", [a, builder.node("Mul", [quotient, divisor])]);
  const zero = builder.scalar(0, "i32");
  const signs = builder.node("Xor", [
    builder.node("Less", [rest, zero], {}, "bool"),
    builder.node("Less", [divisor, zero], {}, "bool"),
  ]);
  const moves = builder.node("And", [builder.node("Not", [isEqual(builder, rest, 0)]), signs]);
  const floor = builder.node("Sub", [quotient, builder.cast(moves, "i32")]);
  if (divisor === b) return floor;
  const negated = choose(builder, isEqual(builder, b, -1), builder.node("Sub", [zero, a]), floor);
  return choose(builder, isEqual(builder, b, 0), zero, negated);
}

/**
 * x^n modulo 2^32 by repeated squaring, one round for each bit of n; a negative n gives 1 / x^|n| rounded towards 0, and
 * 0 for x = 0. A constant n needs as many rounds as it has bits.
 */
export function integerPower(context: RuleContext<BinaryOperator>): Value {
  const { builder, inputs } = context;
  const [x, n] = [inputs[0]!, inputs[1]!];
  const number = (value: number) => builder.scalar(value, "i32");
  const constant = constantOperand(context, 1);
  const rounds = constant === null ? 31 : constant > 0 ? Math.floor(Math.log2(constant)) + 1 : constant === 0 ? 0 : 1;
  const isOdd = (value: Value) => isEqual(builder, builder.node("Mod", [value, number(2)]), 1);
  // A result of the shape of both from the start.
  const zeros = builder.node("Mul", [builder.node("Add", [x, n]), number(0)]);
  let result = builder.node("Add", [zeros, number(1)]);
  let square = x;
  let rest = builder.node("Max", [n, number(0)]);
  for (let round = 0; round < rounds; round++) {
    result = choose(builder, isOdd(rest), builder.node("Mul", [result, square]), result);
    if (round === rounds - 1) break;
    square = builder.node("Mul", [square, square]);
    rest = builder.node("Div", [rest, number(2)]);
  }
  if (constant !== null && constant >= 0) return result;
  const ofMinusOne = choose(builder, isOdd(n), number(-1), number(1));
  const inverse = choose(
    builder,
    isEqual(builder, x, 1),
    number(1),
    choose(builder, isEqual(builder, x, -1), ofMinusOne, number(0)),
  );
  return choose(builder, builder.node("Less", [n, number(0)], {}, "bool"), inverse, result);
}
