/** Bounds of i32 expressions, which tell where arithmetic could wrap around and where a division is of what sign. */
import { integerLimits } from "../../src/ir/graph/types.js";
import type { Expression, KernelBinary, KernelElement } from "../../src/ir/kernel/index.js";
import { constantOf, rangeOf, type SizeRange } from "../../src/sizes/index.js";

const all: SizeRange = { min: -(2 ** 31), max: 2 ** 31 - 1 };

/** Bounds of the value as it is after wrapping. */
export function integerRange(expression: Expression): SizeRange {
  const { min, max } = exactRange(expression);
  return fitsInt32({ min, max }) ? { min, max } : all;
}

/** Bounds of the value before wrapping, from operands that did wrap. */
export function exactRange(expression: Expression): SizeRange {
  switch (expression.kind) {
    case "index": {
      // Indices and sizes are less than 2^31, whatever their ranges say.
      const { min, max } = rangeOf(expression.value);
      return { min: Math.max(min, all.min), max: Math.min(max, all.max) };
    }
    case "cast":
      return rangeOfElement(expression.operand.element);
    case "select":
      return union(integerRange(expression.yes), integerRange(expression.no));
    case "unary": {
      const { min, max } = integerRange(expression.operand);
      if (expression.operator === "neg") return { min: -max, max: -min };
      return { min: 0, max: Math.max(Math.abs(min), Math.abs(max)) };
    }
    case "binary":
      return binaryRange(expression);
    default:
      return all;
  }
}

/** What an i32 can be that is made of an element of a type. */
function rangeOfElement(element: KernelElement): SizeRange {
  if (element === "bool") return { min: 0, max: 1 };
  return element === "i8" || element === "i16" ? integerLimits(element) : all;
}

function binaryRange({ operator, left, right }: Extract<Expression, { kind: "binary" }>): SizeRange {
  const [a, b] = [integerRange(left), integerRange(right)];
  switch (operator) {
    case "add":
      return { min: a.min + b.min, max: a.max + b.max };
    case "sub":
      return { min: a.min - b.max, max: a.max - b.min };
    case "mul": {
      const corners = [a.min * b.min, a.min * b.max, a.max * b.min, a.max * b.max];
      return { min: Math.min(...corners), max: Math.max(...corners) };
    }
    case "max":
      return { min: Math.max(a.min, b.min), max: Math.max(a.max, b.max) };
    case "min":
      return { min: Math.min(a.min, b.min), max: Math.min(a.max, b.max) };
    case "floor_div":
      return b.min >= 1 ? { min: Math.min(a.min, 0), max: Math.max(a.max, 0) } : all;
    case "mod":
      return b.min >= 1 ? { min: 0, max: b.max - 1 } : all;
    default:
      return all;
  }
}

function union(a: SizeRange, b: SizeRange): SizeRange {
  return { min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) };
}

export function fitsInt32({ min, max }: SizeRange): boolean {
  return min >= all.min && max <= all.max;
}

/** Whether the expression is a size that is known to be at least 1. */
export function isPositive(expression: Expression): boolean {
  return integerRange(expression).min >= 1;
}

/**
 * For a quotient or remainder of i32 by a power of two, the exponent: rounded down, they are a shift and some bits, whatever
 * the sign. Null for anything else.
 */
export function powerOfTwo({ operator, left, right }: Extract<Expression, { kind: "binary" }>): number | null {
  if ((operator !== "floor_div" && operator !== "mod") || left.element !== "i32") return null;
  const exponent = Math.log2(integerOf(right) ?? 0);
  return Number.isInteger(exponent) && exponent > 0 && exponent < 31 ? exponent : null;
}

/** By how many bits a word is shifted: `each` times the index, or a known number. */
export type Shift = number | { readonly each: number; readonly index: Expression };

/**
 * The shift that a quotient of i32 is, rounded down, whatever the sign of what is divided: by 2^n, or by (2^each)^index. Null
 * for anything else.
 */
export function shiftOf(expression: Extract<Expression, { kind: "binary" }>): Shift | null {
  if (expression.operator !== "floor_div" || expression.element !== "i32") return null;
  const known = powerOfTwo(expression);
  const { right: divisor } = expression;
  if (known !== null || divisor.kind !== "binary" || divisor.operator !== "pow") return known;
  const each = Math.log2(integerOf(divisor.left) ?? 0);
  const { min, max } = integerRange(divisor.right);
  return Number.isInteger(each) && each >= 1 && min >= 0 && each * max <= 30 ? { each, index: divisor.right } : null;
}

/** Some bits of a word, with their sign. */
export interface SignedBits {
  readonly word: Expression;
  readonly bits: number;
  /** Where they begin. */
  readonly offset: Shift;
}

/** The bits that (word // 2^offset + half) mod 2^bits - half is, whatever the word; null for anything else. */
export function signedBitsOf(expression: Expression): SignedBits | null {
  const half = right(expression, "sub");
  const remainder = half === null ? null : left(expression);
  const bits = Math.log2(2 * (half ?? 0));
  if (remainder === null || !Number.isInteger(bits) || bits < 2 || right(remainder, "mod") !== 2 ** bits) return null;
  const sum = left(remainder);
  if (right(sum, "add") !== half || sum.element !== "i32") return null;
  const shifted = left(sum);
  const offset = shifted.kind === "binary" ? shiftOf(shifted) : null;
  if (shifted.kind !== "binary" || offset === null) return { word: shifted, bits, offset: 0 };
  return { word: shifted.left, bits, offset };
}

/** The known number on the right of an operator on i32; null for anything else. */
function right(expression: Expression, operator: KernelBinary): number | null {
  const isIt = expression.kind === "binary" && expression.operator === operator && expression.element === "i32";
  return isIt ? integerOf(expression.right) : null;
}

function left(expression: Expression): Expression {
  return expression.kind === "binary" ? expression.left : expression;
}

/** The value of an i32 that is a known number. */
export function integerOf(expression: Expression): number | null {
  return expression.kind === "index" ? constantOf(expression.value) : null;
}
