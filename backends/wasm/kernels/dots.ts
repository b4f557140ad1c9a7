/**
 * Sums of products of 16-bit numbers as code: one instruction multiplies two pairs for each of four lanes and adds them.
 *
 * Recognised are, for each lane, x[k] * w[k] + x[k + 1] * w[k + 1] of bytes w, and the same of eight numbers that are the
 * quarters of two integers of 16 bits, without signs: lowest first, in turn of one and the other. x is the same for all
 * lanes; the integers of the lanes lie side by side.
 */
import { cast, type Expression, index, load } from "../../../src/ir/kernel/index.js";
import { add, constantOf, sub } from "../../../src/sizes/index.js";
import { integerOf, powerOfTwo } from "../../common/integers.js";
import { type Code, i32, i32x4, Local, op } from "../code/tree.js";
import type { Addresses } from "./addresses.js";
import type { Blocks } from "./blocks.js";

type Load = Extract<Expression, { kind: "load" }>;

/** The numbers of x and of w that are multiplied: as many as have one sum. */
export interface Dot {
  readonly x: Load;
  readonly w: Load;
  /** Whether numbers are quarters of integers. */
  readonly isQuartered: boolean;
}

/** The numbers that a sum of integers multiplies; null where it is another sum. */
export function dotOf(expression: Expression, addresses: Addresses, isWide: (each: Expression) => boolean): Dot | null {
  const terms = termsOf(expression);
  if (terms.length !== 2 && terms.length !== 8) return null;
  const isQuartered = terms.length === 8;
  const factors = terms.map((term) => factorsOf(term, isWide));
  if (factors.some((each) => each === null)) return null;
  const [first] = factors;
  const isInOrder = factors.every((each, at) => {
    const quarter = isQuartered ? Math.floor(at / 2) : null;
    return each!.quarter === quarter && isAfter(first!.x, each!.x, at) && isAfter(first!.w, each!.w, at % 2);
  });
  return isInOrder && addresses.strideOf(first!.w.buffer, first!.w.index) === 2
    ? { x: first!.x, w: first!.w, isQuartered }
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
  /** Which quarter of its bits w is; null for all. */
  readonly quarter: number | null;
}

/** A product of a number that is the same for all lanes and one, or a quarter of one, that is not. */
function factorsOf(term: Expression, isWide: (each: Expression) => boolean): Factors | null {
  if (term.kind !== "binary" || term.operator !== "mul") return null;
  const [x, w] = isWide(term.left) ? [term.right, term.left] : [term.left, term.right];
  if (isWide(x) || !isWide(w)) return null;
  const number = elementOf(x, "i16");
  const whole = elementOf(w, "i8");
  const found = whole === null ? quarterOf(w) : { w: whole, quarter: null };
  return number === null || found === null ? null : { x: number, ...found };
}

/** An element of a type, as i32. */
function elementOf(expression: Expression, element: "i8" | "i16"): Load | null {
  if (expression.kind !== "cast" || expression.operand.kind !== "load") return null;
  return expression.operand.element === element ? expression.operand : null;
}

/** Four bits of an integer, without a sign. */
function quarterOf(expression: Expression): Pick<Factors, "w" | "quarter"> | null {
  if (expression.kind !== "binary" || expression.operator !== "mod" || integerOf(expression.right) !== 16) return null;
  const { left } = expression;
  const shift = left.kind === "binary" ? powerOfTwo(left) : 0;
  const w = elementOf(left.kind === "binary" ? left.left : left, "i16");
  return w === null || shift === null || shift % 4 !== 0 || shift > 12 ? null : { w, quarter: shift / 4 };
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

/** The lowest quarter of each 16 bits. */
const lowest = i32x4(0x000f000f);

/** Makes the code of sums; what several of a block load is loaded once. */
export class Dots {
  readonly #numbers = new Map<Load, number>();

  constructor(
    readonly blocks: Blocks,
    readonly addresses: Addresses,
  ) {}

  /** The sums of four lanes, for the block of a level. */
  code({ x, w, isQuartered }: Dot, level: number): Code {
    const sum = (a: Code, b: Code): Code => op("i32x4.dot_i16x8_s", [a, b]);
    if (!isQuartered) {
      const words = this.#loaded("v128.load8x8_s", w, level, this.#isShared(w, level));
      return sum(words, this.#loaded("v128.load32_splat", x, level, this.#isShared(x, level)));
    }
    const words = this.#loaded("v128.load", w, level, true);
    const bits = this.blocks.held("lowest") ?? this.blocks.hold("lowest", 0, new Local("lowest", "v128"), lowest, null);
    const quarters = [0, 4, 8, 12].map((shift) => {
      const shifted = shift === 0 ? words : op("i16x8.shr_u", [words, i32(shift)]);
      return shift === 12 ? shifted : op("v128.and", [shifted, bits]);
    });
    const sums = quarters.map((each, at) => sum(each, this.#pair(x, at, level)));
    return sums.reduce((a, b) => op("i32x4.add", [a, b]));
  }

  /** Two numbers behind others, for all lanes. */
  #pair(x: Load, at: number, level: number): Code {
    const last = x.index.at(-1)!;
    const place = last.kind === "index" ? index(add(last.value, 2 * at)) : last;
    return this.#loaded("v128.load32_splat", load(x.buffer, x.index.with(-1, place)) as Load, level, true);
  }

  #isShared(element: Load, level: number): boolean {
    return (this.blocks.all[level]!.uses.get(cast(element, "i32")) ?? 0) > 1;
  }

  /** A vector that one instruction loads, from where an element lies on. */
  #loaded(name: string, element: Load, level: number, isHeld: boolean): Code {
    const { pointer, offset } = this.addresses.of(element.buffer, element.index);
    const make = (): Code => op(name, [pointer], { offset });
    return isHeld ? this.#held(name, element, level, make) : make();
  }

  /** Code in a local, once for an element. */
  #held(what: string, element: Load, level: number, make: () => Code): Code {
    const number = this.#numbers.get(element) ?? this.#numbers.size;
    this.#numbers.set(element, number);
    const key = `${what} ${number}`;
    const known = this.blocks.held(key);
    if (known !== null) return known;
    const at = Math.min(level, this.blocks.levelOf(element));
    return this.blocks.hold(key, at, new Local(element.buffer.name, "v128"), make(), element);
  }
}
