/**
 * Makes expressions of kernels: typed, and shared, so that equal expressions are one object.
 *
 * Sharing makes common subexpressions visible by identity, and keeps the text that a kernel prints small. What must
 * stay true:
 * 1. Only these functions make expressions. They are pure and never change.
 * 2. An i32 number is an `index` of a constant size, never a `constant`, so that i32 arithmetic has one normal form.
 * 3. Folding (fold.ts) gives the same value for every operand.
 */
import { InternalError } from "../../diagnostics/index.js";
import { foldBinary, foldCast, foldSelect, foldUnary } from "./fold.js";
import type { Buffer, Expression, KernelBinary, KernelElement, KernelUnary } from "./kernel.js";
import { shareAt, shareOf } from "./sharing.js";

export { constant, falsehood, index, truth } from "./sharing.js";

const floats: readonly KernelElement[] = ["f32", "f16"];
const numbers: readonly KernelElement[] = ["f32", "f16", "i32"];
const booleans: readonly KernelElement[] = ["bool"];
const all: readonly KernelElement[] = ["f32", "f16", "i32", "bool"];
// What only holds numbers is in none of these: it is loaded, cast and chosen between.

/** What each function of one value may be applied to; the result has the same element type. */
const unaryElements: { readonly [K in KernelUnary]: readonly KernelElement[] } = {
  neg: numbers,
  abs: numbers,
  exp: floats,
  log: floats,
  log2: floats,
  sqrt: floats,
  rsqrt: floats,
  sin: floats,
  cos: floats,
  tanh: floats,
  erf: floats,
  floor: floats,
  ceil: floats,
  not: booleans,
};

/** What each function of two values of one element type may be applied to. */
const binaryElements: { readonly [K in KernelBinary]: readonly KernelElement[] } = {
  add: numbers,
  sub: numbers,
  mul: numbers,
  div: floats,
  floor_div: numbers,
  mod: numbers,
  pow: numbers,
  max: numbers,
  min: numbers,
  lt: numbers,
  le: numbers,
  eq: all,
  ne: all,
  and: booleans,
  or: booleans,
};

const comparisons: ReadonlySet<KernelBinary> = new Set(["lt", "le", "eq", "ne"]);

/** The element type of a unary expression, or null where the operator does not take this operand. */
export function unaryElement(operator: KernelUnary, operand: KernelElement): KernelElement | null {
  return unaryElements[operator].includes(operand) ? operand : null;
}

/** The element type of a binary expression, or null where the operator does not take these operands. */
export function binaryElement(operator: KernelBinary, left: KernelElement, right: KernelElement): KernelElement | null {
  if (left !== right || !binaryElements[operator].includes(left)) return null;
  return comparisons.has(operator) ? "bool" : left;
}

export function unary(operator: KernelUnary, operand: Expression): Expression {
  const element = unaryElement(operator, operand.element);
  if (element === null) throw new InternalError(`${operator} does not take ${operand.element}`);
  const folded = foldUnary(operator, operand);
  return folded ?? shareOf(operator, [operand], () => ({ kind: "unary", operator, operand, element }));
}

export function binary(operator: KernelBinary, left: Expression, right: Expression): Expression {
  const element = binaryElement(operator, left.element, right.element);
  if (element === null) throw new InternalError(`${operator} does not take ${left.element} and ${right.element}`);
  const folded = foldBinary(operator, left, right);
  return folded ?? shareOf(operator, [left, right], () => ({ kind: "binary", operator, left, right, element }));
}

/** `yes` where the condition holds, else `no`. Both are evaluated. */
export function select(condition: Expression, yes: Expression, no: Expression): Expression {
  const { element } = yes;
  if (condition.element !== "bool" || element !== no.element) {
    throw new InternalError(`select does not take ${condition.element}, ${element} and ${no.element}`);
  }
  const folded = foldSelect(condition, yes, no);
  return folded ?? shareOf("select", [condition, yes, no], () => ({ kind: "select", condition, yes, no, element }));
}

/** To another element type. To i32: truncates, saturates, NaN gives 0. To bool: not equal to 0. */
export function cast(operand: Expression, element: KernelElement): Expression {
  const folded = foldCast(operand, element);
  return folded ?? shareOf(`to ${element}`, [operand], () => ({ kind: "cast", operand, element }));
}

/** An element of a buffer, at one i32 index for each axis. */
export function load(buffer: Buffer, indices: readonly Expression[]): Expression {
  if (indices.length !== buffer.shape.length || indices.some((each) => each.element !== "i32")) {
    const given = indices.map((each) => each.element).join(", ");
    throw new InternalError(`${buffer.name} has ${buffer.shape.length} axes and is read at [${given}]`);
  }
  const { element } = buffer;
  return shareAt(buffer, indices, () => ({ kind: "load", buffer, index: [...indices], element }));
}
