/**
 * Sums of products of 16-bit numbers as code: one instruction multiplies two pairs for each of four lanes and adds them.
 *
 * Recognised are, for each lane, x[k] * w[k] + x[k + 1] * w[k + 1] of bytes w, and the same of four numbers that are the
 * halves of two bytes. x is the same for all lanes; the bytes of the lanes lie side by side.
 */
import { cast, type Expression } from "../../../src/ir/kernel/index.js";
import { constantOf, sub } from "../../../src/sizes/index.js";
import { signedBitsOf } from "../../common/integers.js";
import { type Code, i32, Local, op } from "../code/tree.js";
import type { Addresses } from "./addresses.js";
import type { Blocks } from "./blocks.js";

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
  const found = whole === null ? halfOf(w) : { w: whole, part: "whole" as const };
  return number === null || found === null ? null : { x: number, ...found };
}

/** An element of a type, as i32. */
function elementOf(expression: Expression, element: "i8" | "i16"): Load | null {
  if (expression.kind !== "cast" || expression.operand.kind !== "load") return null;
  return expression.operand.element === element ? expression.operand : null;
}

/** Half of a byte, with its sign. */
function halfOf(expression: Expression): Pick<Factors, "w" | "part"> | null {
  const found = signedBitsOf(expression);
  const w = found?.bits === 4 ? elementOf(found.word, "i8") : null;
  if (w === null || (found?.offset !== 0 && found?.offset !== 4)) return null;
  return { w, part: found.offset === 0 ? "low" : "high" };
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
function alternate(quad: Code, first: 0 | 1): Code {
  return op("i8x16.shuffle", [quad, quad], { values: pairs(first) });
}

/** Makes the code of sums; what several of a block load is loaded once. */
export class Dots {
  readonly #numbers = new Map<Load, number>();

  constructor(
    readonly blocks: Blocks,
    readonly addresses: Addresses,
  ) {}

  /** The sums of four lanes, for the block of a level. */
  code({ x, w, isHalved }: Dot, level: number): Code {
    const words = this.#loaded("v128.load8x8_s", w, level, isHalved || this.#isShared(w, level));
    const sum = (a: Code, b: Code): Code => op("i32x4.dot_i16x8_s", [a, b]);
    if (!isHalved) return sum(words, this.#loaded("v128.load32_splat", x, level, this.#isShared(x, level)));
    const numbers = (first: 0 | 1): Code => {
      const make = (): Code => alternate(this.#loaded("v128.load64_splat", x, level, true), first);
      return this.#held(`pairs ${first}`, x, level, make);
    };
    const low = op("i16x8.shr_s", [op("i16x8.shl", [words, i32(12)]), i32(12)]);
    const high = op("i16x8.shr_s", [words, i32(4)]);
    return op("i32x4.add", [sum(low, numbers(0)), sum(high, numbers(1))]);
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
