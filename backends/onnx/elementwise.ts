/** Element-wise operators. What ONNX defines otherwise is mended here; see the README for what stays different. */
import type { BinaryOperator, UnaryOperator } from "../../src/ir/graph/index.js";
import { isFloat } from "../../src/ir/graph/index.js";
import type { OnnxBuilder } from "./builder.js";
import { integerFloorDivision, integerModulo, integerPower } from "./integers.js";
import type { Value } from "./messages.js";
import type { Rule, RuleContext } from "./rules.js";

type Binary = (context: RuleContext<BinaryOperator>) => Value;

const plain =
  (operator: string) =>
  ({ builder, inputs }: RuleContext<UnaryOperator>): Value =>
    builder.node(operator, inputs);

/** ln x in f64, scaled, so that the result is rounded once: tables of positions compare it with whole numbers. */
const logarithm =
  (scale: number) =>
  ({ builder, inputs }: RuleContext<UnaryOperator>): Value => {
    const x = inputs[0]!;
    const log = builder.node("Log", [builder.cast(x, "f64")]);
    return builder.cast(scale === 1 ? log : builder.node("Mul", [log, builder.scalar(scale, "f64")]), x.element);
  };

export const unaryRules: { readonly [K in UnaryOperator]: Rule<K> } = {
  neg: plain("Neg"),
  abs: plain("Abs"),
  exp: plain("Exp"),
  log: logarithm(1),
  log2: logarithm(Math.LOG2E),
  sqrt: plain("Sqrt"),
  rsqrt: ({ builder, inputs }) => builder.node("Reciprocal", [builder.node("Sqrt", inputs)]),
  sin: plain("Sin"),
  cos: plain("Cos"),
  tanh: plain("Tanh"),
  erf: plain("Erf"),
  floor: plain("Floor"),
  ceil: plain("Ceil"),
  not: plain("Not"),
};

const binary =
  (operator: string): Binary =>
  ({ builder, inputs, type }) =>
    builder.node(operator, inputs, {}, type.element);

/** One rule for floats, another for i32. */
const byElement =
  (onFloats: Binary, onIntegers: Binary): Binary =>
  (context) =>
    (isFloat(context.types[0]!.element) ? onFloats : onIntegers)(context);

/** Whether two values lie on different sides of 0. */
function signsDiffer(builder: OnnxBuilder, a: Value, b: Value): Value {
  const zero = builder.scalar(0, a.element);
  return builder.node("Xor", [
    builder.node("Less", [a, zero], {}, "bool"),
    builder.node("Less", [b, zero], {}, "bool"),
  ]);
}

/** The remainder as C has it, and whether it must move by one divisor to have the divisor's sign. */
function floatRemainder({ builder, inputs }: RuleContext<BinaryOperator>): { rest: Value; moves: Value } {
  const [a, b] = [inputs[0]!, inputs[1]!];
  const rest = builder.node("Mod", [a, b], { fmod: 1 });
  const isWhole = builder.node("Equal", [rest, builder.scalar(0, rest.element)], {}, "bool");
  const moves = builder.node("And", [builder.node("Not", [isWhole]), signsDiffer(builder, rest, b)]);
  return { rest, moves };
}

const floatModulo: Binary = (context) => {
  const { builder, inputs } = context;
  const { rest, moves } = floatRemainder(context);
  return builder.node("Where", [moves, builder.node("Add", [rest, inputs[1]!]), rest], {}, rest.element);
};

/** As PyTorch's floor_divide: the quotient of what the remainder leaves, which is whole up to rounding. */
const floatFloorDivision: Binary = (context) => {
  const { builder, inputs } = context;
  const [a, b] = [inputs[0]!, inputs[1]!];
  const { element } = a;
  const { rest, moves } = floatRemainder(context);
  const number = (value: number) => builder.scalar(value, element);
  const exact = builder.node("Div", [builder.node("Sub", [a, rest]), b]);
  const quotient = builder.node("Sub", [exact, builder.node("Where", [moves, number(1), number(0)], {}, element)]);
  const whole = builder.node("Floor", [quotient]);
  const isBelow = builder.node("Less", [number(0.5), builder.node("Sub", [quotient, whole])], {}, "bool");
  const rounded = builder.node("Where", [isBelow, builder.node("Add", [whole, number(1)]), whole], {}, element);
  const byZero = builder.node("Equal", [b, number(0)], {}, "bool");
  return builder.node("Where", [byZero, builder.node("Div", [a, b]), rounded], {}, element);
};

/** 1 ** NaN and (-1) ** inf are NaN in Trafo, and 1 in ONNX; an exponent that is a finite constant is neither. */
const floatPower: Binary = ({ builder, inputs, graph, node }) => {
  const [a, b] = [inputs[0]!, inputs[1]!];
  const power = builder.node("Pow", [a, b]);
  const exponent = graph.nodes[node.operands[1]!]!;
  if (exponent.operator === "constant" && Number.isFinite(exponent.attributes.value)) return power;
  const { element } = a;
  const isOne = builder.node("Equal", [builder.node("Abs", [a]), builder.scalar(1, element)], {}, "bool");
  // x - x is NaN for an infinite x, and for NaN.
  const rest = builder.node("Sub", [b, b]);
  const isOdd = builder.node("And", [isOne, builder.node("IsNaN", [rest], {}, "bool")]);
  return builder.node("Where", [isOdd, rest, power], {}, element);
};

const notOf =
  (rule: Binary): Binary =>
  (context) =>
    context.builder.node("Not", [rule(context)]);

/** x * rsqrt(y) is written as x / sqrt(y), the form in which runtimes look for norms. */
const product: Binary = (context) => {
  const { builder, graph, node, inputs } = context;
  for (const at of [1, 0] as const) {
    const root = graph.nodes[node.operands[at]!]!;
    if (root.operator !== "rsqrt") continue;
    // The square root stands where the rule of `rsqrt` has put it.
    const reciprocal = builder.producerOf(inputs[at]!);
    if (reciprocal?.operator === "Reciprocal") return builder.node("Div", [inputs[1 - at]!, reciprocal.inputs[0]!]);
  }
  return builder.node("Mul", inputs);
};

export const binaryRules: { readonly [K in BinaryOperator]: Rule<K> } = {
  add: binary("Add"),
  sub: binary("Sub"),
  mul: product,
  div: binary("Div"),
  floor_div: byElement(floatFloorDivision, integerFloorDivision),
  mod: byElement(floatModulo, integerModulo),
  pow: byElement(floatPower, integerPower),
  maximum: binary("Max"),
  minimum: binary("Min"),
  lt: binary("Less"),
  le: binary("LessOrEqual"),
  eq: binary("Equal"),
  ne: notOf(binary("Equal")),
  and: binary("And"),
  or: binary("Or"),
};

/** ONNX has no choice among booleans in all runtimes, so that it is put together from and, or, not. */
export const where: Rule<"where"> = ({ builder, inputs, type }) => {
  if (type.element !== "bool") return builder.node("Where", inputs, {}, type.element);
  const [condition, yes, no] = [inputs[0]!, inputs[1]!, inputs[2]!];
  const otherwise = builder.node("And", [builder.node("Not", [condition]), no]);
  return builder.node("Or", [builder.node("And", [condition, yes]), otherwise]);
};

const least = -(2 ** 31);

/** To i32: what is too large or NaN, of which ONNX says nothing, is mended. */
export const cast: Rule<"cast"> = ({ builder, inputs, types, type, node }) => {
  const x = inputs[0]!;
  const from = types[0]!.element;
  const { to } = node.attributes;
  if (to === "i32" && isFloat(from)) {
    const number = (value: number) => builder.scalar(value, "f32");
    const wide = builder.cast(x, "f32");
    const isNumber = builder.node("Where", [builder.node("IsNaN", [wide], {}, "bool"), number(0), wide], {}, "f32");
    // The largest f32 below 2^31; from there on the result is the largest i32.
    const inside = builder.node("Clip", [isNumber, number(least), number(2 ** 31 - 128)]);
    const tooLarge = builder.node("LessOrEqual", [number(2 ** 31), isNumber], {}, "bool");
    const whole = builder.cast(inside, "i32");
    return builder.node("Where", [tooLarge, builder.scalar(2 ** 31 - 1, "i32"), whole], {}, "i32");
  }
  return builder.cast(x, type.element);
};
