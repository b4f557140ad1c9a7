/** Lowering of leaves and of element-wise operators: what an element of the result is. */
import {
  type Attributes,
  type BinaryOperator,
  binaryOperators,
  type OperatorName,
  type UnaryOperator,
  unaryOperators,
} from "../ir/graph/index.js";
import {
  binary,
  cast,
  constant,
  type Expression,
  index,
  type KernelBinary,
  select,
  unary,
} from "../ir/kernel/index.js";
import { broadcastIndex, type Index } from "./addresses.js";
import type { ElementRule, Operation } from "./rules.js";

/** The kernels' names of the Graph's binary operators. */
const kernelBinary: { readonly [K in BinaryOperator]: KernelBinary } = {
  add: "add",
  sub: "sub",
  mul: "mul",
  div: "div",
  floor_div: "floor_div",
  mod: "mod",
  pow: "pow",
  maximum: "max",
  minimum: "min",
  lt: "lt",
  le: "le",
  eq: "eq",
  ne: "ne",
  and: "and",
  or: "or",
};

/** The element of an operand that is broadcast to the result. */
function broadcasted<K extends OperatorName>(operation: Operation<K>, operand: number, at: Index): Expression {
  return operation.at(operand, broadcastIndex(at, operation.operands[operand]!.shape));
}

type Maps<K extends OperatorName> = {
  readonly [Name in K]: { readonly kind: "map"; readonly element: ElementRule<Name> };
};

export const unaryRules = Object.fromEntries(
  unaryOperators.map((operator) => {
    const element: ElementRule<UnaryOperator> = (operation, at) => unary(operator, operation.at(0, at));
    return [operator, { kind: "map", element }];
  }),
) as Maps<UnaryOperator>;

export const binaryRules = Object.fromEntries(
  binaryOperators.map((operator) => {
    const element: ElementRule<BinaryOperator> = (operation, at) =>
      binary(kernelBinary[operator], broadcasted(operation, 0, at), broadcasted(operation, 1, at));
    return [operator, { kind: "map", element }];
  }),
) as Maps<BinaryOperator>;

export const castElement: ElementRule<"cast"> = (operation, at) => cast(operation.at(0, at), operation.attributes.to);

export const whereElement: ElementRule<"where"> = (operation, at) =>
  select(broadcasted(operation, 0, at), broadcasted(operation, 1, at), broadcasted(operation, 2, at));

export const constantElement = ({ attributes }: { attributes: Attributes["constant"] }): Expression =>
  constant(attributes.value, attributes.element);

export const sizeElement: ElementRule<"size"> = ({ attributes }) => index(attributes.value);

export const iotaElement: ElementRule<"iota"> = ({ attributes }, at) => at[attributes.axis]!;
