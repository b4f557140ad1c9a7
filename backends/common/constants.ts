/** Which parts of an expression get a name of their own, and which name. */
import {
  type Buffer,
  type Expression,
  type KernelBinary,
  type KernelUnary,
  operandsOf,
  slowFunctions,
} from "../../src/ir/kernel/index.js";
import { camelCase } from "./names.js";

/** What is as cheap and as short as a name. */
export function isLeaf(expression: Expression): boolean {
  if (expression.kind === "load") return expression.buffer.scope !== "global" && expression.buffer.shape.length === 0;
  return expression.kind === "constant" || expression.kind === "index";
}

const costly: ReadonlySet<KernelUnary | KernelBinary> = new Set([...slowFunctions, "div", "floor_div", "mod"] as const);

/** Whether computing it outside of a loop is worth a line: something costly, an element, or several operators. */
export function isWorthMoving(expression: Expression): boolean {
  return weight(expression) >= 3;
}

function weight(expression: Expression): number {
  if (isLeaf(expression)) return 0;
  if (expression.kind === "load") return 3;
  const own = "operator" in expression && costly.has(expression.operator) ? 3 : 1;
  return operandsOf(expression).reduce((sum, operand) => sum + weight(operand), own);
}

/** Whether an expression that a statement uses twice gets a name. */
export function isWorthNaming(expression: Expression): boolean {
  if (isLeaf(expression) || expression.kind === "cast") return false;
  return expression.kind !== "unary" || (expression.operator !== "neg" && expression.operator !== "not");
}

/** A square or a cube, which is a product of its base with itself. */
export function smallPower(expression: Expression): { base: Expression; exponent: number } | null {
  if (expression.kind !== "binary" || expression.operator !== "pow" || expression.element === "i32") return null;
  const { left: base, right } = expression;
  if (right.kind !== "constant" || (right.value !== 2 && right.value !== 3)) return null;
  return { base, exponent: right.value };
}

/** How often statements use each expression, those beneath a name left out; what uses an expression comes before it. */
export function countUses(
  roots: readonly Expression[],
  isNamed: (expression: Expression) => boolean,
): Map<Expression, number> {
  const uses = new Map<Expression, number>();
  const order: Expression[] = [];
  const visit = (expression: Expression): unknown => {
    const count = uses.get(expression) ?? 0;
    uses.set(expression, count + 1);
    if (count > 0) return 0;
    if (isNamed(expression)) return order.push(expression);
    for (const operand of operandsOf(expression)) visit(operand);
    const power = smallPower(expression);
    if (power !== null) visit(power.base);
    return order.push(expression);
  };
  for (const root of roots) visit(root);
  return new Map(order.reverse().map((expression) => [expression, uses.get(expression)!]));
}

const unaryNames: { readonly [K in KernelUnary]: string } = {
  neg: "negated",
  abs: "magnitude",
  exp: "exponential",
  log: "logarithm",
  log2: "logarithm",
  sqrt: "root",
  rsqrt: "scale",
  sin: "sine",
  cos: "cosine",
  tanh: "tanh",
  erf: "erfValue",
  floor: "whole",
  ceil: "whole",
  not: "isNot",
};

const binaryNames: { readonly [K in KernelBinary]: string } = {
  add: "sum",
  sub: "difference",
  mul: "product",
  div: "quotient",
  floor_div: "quotient",
  mod: "remainder",
  pow: "power",
  max: "larger",
  min: "smaller",
  lt: "isLess",
  le: "isAtMost",
  eq: "isEqual",
  ne: "isOther",
  and: "areBoth",
  or: "isEither",
};

/** The name that a constant of this value should have. */
export function constantName(expression: Expression, nameOf: (buffer: Buffer) => string): string {
  if (expression.kind === "unary") return unaryNames[expression.operator];
  if (expression.kind === "load") return camelCase(nameOf(expression.buffer), "value");
  if (expression.kind === "select") return "chosen";
  if (expression.kind !== "binary") return "value";
  // What is clamped to an axis is an index.
  const isIndex = expression.element === "i32" && (expression.operator === "min" || expression.operator === "max");
  return isIndex ? "index" : binaryNames[expression.operator];
}
