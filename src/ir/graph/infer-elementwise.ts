/** Type inference of leaves (inputs, weights, constants) and of element-wise operators. */
import type { Inference } from "./infer.js";
import type { BinaryOperator, UnaryOperator } from "./operators.js";
import {
  booleans,
  expectArity,
  expectBroadcast,
  expectElement,
  expectOneElement,
  floats,
  GraphTypeError,
  numbers,
  only,
} from "./type-rules.js";
import type { ElementType } from "./types.js";

const comparable = [...numbers, ...booleans];

/** Same shape and element; the element must be among the allowed ones. */
function unary(operator: UnaryOperator, allowed: readonly ElementType[]): Inference<UnaryOperator> {
  return (operands) => {
    const operand = only(operator, operands);
    expectElement(operator, operand, allowed);
    return operand;
  };
}

/** Two of one element type, broadcast; `result` is the element type of the result where it is another. */
function binary(
  operator: BinaryOperator,
  allowed: readonly ElementType[],
  result: ElementType | null = null,
): Inference<BinaryOperator> {
  return (operands) => {
    expectArity(operator, operands, 2);
    const element = expectOneElement(operator, operands);
    expectElement(operator, operands[0]!, allowed);
    return { element: result ?? element, shape: expectBroadcast(operator, operands) };
  };
}

export const unaryInference: { readonly [K in UnaryOperator]: Inference<K> } = {
  neg: unary("neg", numbers),
  abs: unary("abs", numbers),
  exp: unary("exp", floats),
  log: unary("log", floats),
  log2: unary("log2", floats),
  sqrt: unary("sqrt", floats),
  rsqrt: unary("rsqrt", floats),
  sin: unary("sin", floats),
  cos: unary("cos", floats),
  tanh: unary("tanh", floats),
  erf: unary("erf", floats),
  floor: unary("floor", floats),
  ceil: unary("ceil", floats),
  not: unary("not", booleans),
};

export const binaryInference: { readonly [K in BinaryOperator]: Inference<K> } = {
  add: binary("add", numbers),
  sub: binary("sub", numbers),
  mul: binary("mul", numbers),
  div: binary("div", floats),
  floor_div: binary("floor_div", numbers),
  mod: binary("mod", numbers),
  pow: binary("pow", numbers),
  maximum: binary("maximum", numbers),
  minimum: binary("minimum", numbers),
  lt: binary("lt", numbers, "bool"),
  le: binary("le", numbers, "bool"),
  eq: binary("eq", comparable, "bool"),
  ne: binary("ne", comparable, "bool"),
  and: binary("and", booleans),
  or: binary("or", booleans),
};

export const inferInput: Inference<"input"> = (operands, { name, element, shape, fill }) => {
  expectArity("input", operands, 0);
  if (fill !== null) expectNumber(`the fill of input ${name}`, fill, element);
  return { element, shape };
};

export const inferWeight: Inference<"weight"> = (operands, { element, shape }) => {
  expectArity("weight", operands, 0);
  return { element, shape };
};

export const inferConstant: Inference<"constant"> = (operands, { value, element }) => {
  expectArity("constant", operands, 0);
  expectNumber("constant", value, element);
  return { element, shape: [] };
};

export const inferSize: Inference<"size"> = (operands) => {
  expectArity("size", operands, 0);
  return { element: "i32", shape: [] };
};

export const inferCast: Inference<"cast"> = (operands, { to }) => ({
  element: to,
  shape: only("cast", operands).shape,
});

/** (condition: bool, yes: e, no: e), broadcast together. */
export const inferWhere: Inference<"where"> = (operands) => {
  expectArity("where", operands, 3);
  const [condition, ...branches] = operands;
  if (condition!.element !== "bool" || branches[0]!.element !== branches[1]!.element) {
    expectElement("the condition of where", condition!, booleans);
    expectOneElement("where", branches);
  }
  return { element: branches[0]!.element, shape: expectBroadcast("where", operands) };
};

/** Throws unless the value is one of the element type: whole and in range for i32, 0 or 1 for bool. */
function expectNumber(what: string, value: number, element: ElementType): void {
  const fits =
    element === "i32" ? Object.is(value, value | 0) : element === "bool" ? Object.is(value, 0) || value === 1 : true;
  if (!fits) throw new GraphTypeError(`${what}: ${value} is not a number of type ${element}`);
}
