/**
 * What expressions fold to when they are made: only what gives the same value for every operand, NaN, infinities, the
 * sign of zero and the wrapping of i32 included.
 *
 * i32 arithmetic on sizes stays a size, the normal form that proofs and schedule steps work on, but only where it cannot
 * wrap around (words.ts). Floats are left alone: the Graph's passes fold them, with rounding.
 */
import {
  add,
  compare,
  constantOf,
  floorDiv,
  isAtMost,
  isLess,
  maximum,
  minimum,
  mod,
  mul,
  neg,
  rangeOf,
  type Size,
  SizeOverflow,
  sub,
} from "../../sizes/index.js";
import type { Expression, KernelBinary, KernelElement, KernelUnary } from "./kernel.js";
import { constant, falsehood, index, truth } from "./sharing.js";
import { fitsWord } from "./words.js";

/** The size of an i32 that is known as one. */
function sizeOf(expression: Expression): Size | null {
  return expression.kind === "index" ? expression.value : null;
}

/** The computed size as an expression, or null where it may leave i32. */
function word(compute: () => Size): Expression | null {
  try {
    const value = compute();
    return fitsWord(value) ? index(value) : null;
  } catch (error) {
    if (error instanceof SizeOverflow) return null;
    throw error;
  }
}

function decided(value: boolean | null): Expression | null {
  return value === null ? null : value ? truth : falsehood;
}

/** Whether a <= b or a < b always holds, never holds, or neither is proven. */
function atMost(a: Size, b: Size): boolean | null {
  return isAtMost(a, b) ? true : isLess(b, a) ? false : null;
}

function equal(a: Size, b: Size): boolean | null {
  const relation = compare(a, b);
  return relation === "unknown" ? null : relation === "equal";
}

function not(value: boolean | null): boolean | null {
  return value === null ? null : !value;
}

/** A power of known numbers that surely fits. */
function powerOf(base: number | null, exponent: number | null): Expression | null {
  if (base === null || exponent === null || exponent < 0) return null;
  const power = base ** exponent;
  return Math.abs(power) < 2 ** 31 ? index(power) : null;
}

/** Operators on two sizes; null where the result is not a size or may wrap around. */
function foldSizes(operator: KernelBinary, a: Size, b: Size): Expression | null {
  switch (operator) {
    case "add":
      return word(() => add(a, b));
    case "sub":
      return word(() => sub(a, b));
    case "mul":
      return word(() => mul(a, b));
    case "floor_div":
      return rangeOf(b).min > 0 ? word(() => floorDiv(a, b)) : null;
    case "mod":
      return rangeOf(b).min > 0 ? word(() => mod(a, b)) : null;
    case "pow":
      return powerOf(constantOf(a), constantOf(b));
    case "max":
      return word(() => maximum(a, b));
    case "min":
      return word(() => minimum(a, b));
    case "le":
      return decided(atMost(a, b));
    case "lt":
      return decided(not(atMost(b, a)));
    case "eq":
      return decided(equal(a, b));
    case "ne":
      return decided(not(equal(a, b)));
    default:
      return null;
  }
}

/** `and`, `or` with a known side. */
function foldLogic(operator: "and" | "or", left: Expression, right: Expression): Expression | null {
  const [neutral, absorbing] = operator === "and" ? [truth, falsehood] : [falsehood, truth];
  if (left === neutral || left === right) return right;
  if (right === neutral) return left;
  return left === absorbing || right === absorbing ? absorbing : null;
}

/** A number if the expression is that number, of any element type. */
export function numberOf(expression: Expression): number | null {
  if (expression.kind === "constant") return expression.value;
  return expression.kind === "index" ? constantOf(expression.value) : null;
}

/** x + 0 of i32, x - 0, x * 1, x / 1, x // 1 of i32. A float plus 0 is left alone: -0 + 0 is 0. */
function foldNeutral(operator: KernelBinary, left: Expression, right: Expression): Expression | null {
  const whole = left.element === "i32";
  const [a, b] = [numberOf(left), numberOf(right)];
  const zero = Object.is(b, 0);
  switch (operator) {
    case "add":
      return whole && zero ? left : whole && a === 0 ? right : null;
    case "sub":
      return zero ? left : null;
    case "mul":
      return b === 1 ? left : a === 1 ? right : null;
    case "div":
      return b === 1 ? left : null;
    case "floor_div":
      return whole && b === 1 ? left : null;
    default:
      return null;
  }
}

export function foldBinary(operator: KernelBinary, left: Expression, right: Expression): Expression | null {
  if (operator === "and" || operator === "or") return foldLogic(operator, left, right);
  if ((operator === "max" || operator === "min") && left === right) return left;
  const [a, b] = [sizeOf(left), sizeOf(right)];
  return (a !== null && b !== null ? foldSizes(operator, a, b) : null) ?? foldNeutral(operator, left, right);
}

export function foldUnary(operator: KernelUnary, operand: Expression): Expression | null {
  const value = sizeOf(operand);
  if (operator === "neg" && value !== null) return word(() => neg(value));
  if (operator === "abs" && value !== null && rangeOf(value).min >= 0) return operand;
  if (operator !== "not") return null;
  if (operand === truth) return falsehood;
  if (operand === falsehood) return truth;
  return operand.kind === "unary" && operand.operator === "not" ? operand.operand : null;
}

export function foldSelect(condition: Expression, yes: Expression, no: Expression): Expression | null {
  if (yes === no || condition === truth) return yes;
  return condition === falsehood ? no : null;
}

/** Of one type, of truth values, of whole numbers. Other rounding is left to where it is computed. */
export function foldCast(operand: Expression, element: KernelElement): Expression | null {
  if (operand.element === element) return operand;
  if (operand.kind === "constant" && operand.element === "bool") return constant(operand.value, element);
  const value = sizeOf(operand);
  if (value === null) return null;
  const whole = constantOf(value);
  if (element === "f32" && whole !== null && Math.fround(whole) === whole) return constant(whole, element);
  if (element !== "bool") return null;
  const { min, max } = rangeOf(value);
  return min > 0 || max < 0 ? truth : whole === 0 ? falsehood : null;
}
