/**
 * Sums of products of 16-bit numbers as code: one instruction multiplies two pairs for each of four lanes and adds them.
 *
 * Recognised are, for each lane, x[k] * w[k] + x[k + 1] * w[k + 1] of bytes w, and the same of four numbers that are the
 * halves of two bytes. x is the same for all lanes; the bytes of the lanes lie side by side.
 */
import type { Expression } from "../../../src/ir/kernel/index.js";
import { constantOf, sub } from "../../../src/sizes/index.js";
import { integerOf } from "../../common/integers.js";
import { type Code, i32, op } from "../code/tree.js";
import type { Addresses } from "./addresses.js";

type Load = Extract<Expression, { kind: "load" }>;

/** The numbers of x and of w that are multiplied: as many as have one sum. */
export interface Dot {
  readonly x: Load;
  readonly w: Load;
  /** Whether numbers are halves of bytes. */
  readonly isHalved: boolean;
}

/** The numbers that a sum of integers multiplies; null where it is another sum. */
export function dotOf(expression: Expression, addresses: Addresses, isWide: (each: Expression) => boolean): Dot | null {
  const terms = termsOf(expression);
  if (terms.length !== 2 && terms.length !== 4) return null;
  const isHalved = terms.length === 4;
  const factors = terms.map((term) => factorsOf(term, isWide));
  if (factors.some((each) => each === null)) return null;
  const [first] = factors;
  const isInOrder = factors.every((each, at) => {
    const byte = isHalved ? Math.floor(at / 2) : at;
    const part = isHalved ? (at % 2 === 0 ? "low" : "high") : "whole";
    return each!.part === part && isAfter(first!.x, each!.x, at) && isAfter(first!.w, each!.w, byte);
  });
  return isInOrder && addresses.strideOf(first!.w.buffer, first!.w.index) === 2
    ? { x: first!.x, w: first!.w, isHalved }
    : null;
}

/** The terms of a sum of i32, in their order. */
function termsOf(expression: Expression): readonly Expression[] {
  if (expression.kind !== "binary" || expression.operator !== "add" || expression.element !== "i32")
    return [expression];
  return [...termsOf(expression.left), expression.right];
}

interface Factors {
  readonly x: Load;
  readonly w: Load;
  readonly part: "whole" | "low" | "high";
}

/** A product of a number that is the same for all lanes and one, or half of one, that is not. */
function factorsOf(term: Expression, isWide: (each: Expression) => boolean): Factors | null {
  if (term.kind !== "binary" || term.operator !== "mul") return null;
  const [x, w] = isWide(term.left) ? [term.right, term.left] : [term.left, term.right];
  if (isWide(x) || !isWide(w)) return null;
  const number = elementOf(x, "i16");
  const whole = elementOf(w, "i8");
  const low = whole === null ? lowHalf(w) : null;
  const high = whole === null && low === null ? highHalf(w) : null;
  const byte = whole ?? low ?? high;
  if (number === null || byte === null) return null;
  return { x: number, w: byte, part: whole !== null ? "whole" : low !== null ? "low" : "high" };
}

/** An element of a type, as i32. */
function elementOf(expression: Expression, element: "i8" | "i16"): Load | null {
  if (expression.kind !== "cast" || expression.operand.kind !== "load") return null;
  return expression.operand.element === element ? expression.operand : null;
}

function operandOf(expression: Expression, operator: string, right: number): Expression | null {
  const isIt =
    expression.kind === "binary" && expression.operator === operator && integerOf(expression.right) === right;
  return isIt ? expression.left : null;
}

/** (byte + 8) mod 16 - 8 */
function lowHalf(expression: Expression): Load | null {
  const remainder = operandOf(expression, "sub", 8);
  const sum = remainder === null ? null : operandOf(remainder, "mod", 16);
  const byte = sum === null ? null : operandOf(sum, "add", 8);
  return byte === null ? null : elementOf(byte, "i8");
}

/** byte // 16 */
function highHalf(expression: Expression): Load | null {
  const byte = operandOf(expression, "floor_div", 16);
  return byte === null ? null : elementOf(byte, "i8");
}

/** Whether one element lies so many after another, in the last axis. */
function isAfter(first: Load, other: Load, count: number): boolean {
  if (first.buffer !== other.buffer) return false;
  return first.index.every((each, axis) => {
    const its = other.index[axis]!;
    if (each === its && (axis < first.index.length - 1 || count === 0)) return true;
    if (each.kind !== "index" || its.kind !== "index") return false;
    return axis === first.index.length - 1 && constantOf(sub(its.value, each.value)) === count;
  });
}

/** Bytes of the pairs of 16 bits that a lane of 64 bits holds, first and third, or second and fourth, for every lane. */
const pairs = (first: number): readonly number[] => {
  const numbers = [first, first + 2].flatMap((number) => [2 * number, 2 * number + 1]);
  return Array.from({ length: 16 }, (_, at) => numbers[at % 4]!);
};

/** The first and third of four numbers for every lane, or the second and fourth. */
export function alternate(quad: Code, first: 0 | 1): Code {
  return op("i8x16.shuffle", [quad, quad], { values: pairs(first) });
}

/** The lower halves of bytes that lie in words of 16 bits, with their signs; the upper ones. */
export function halvesOf(words: Code): readonly [Code, Code] {
  const low = op("i16x8.shr_s", [op("i16x8.shl", [words, i32(12)]), i32(12)]);
  return [low, op("i16x8.shr_s", [words, i32(4)])];
}
