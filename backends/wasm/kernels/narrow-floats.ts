/**
 * Floats of 16 bits as code: vectors of f32 from their bits, and which function rounds to them.
 *
 * Where two that are added to the same sum lie side by side, the first numbers of eight are the lower halves of a vector's
 * lanes and the second ones the upper halves: one load serves both.
 */
import type { ElementType, NarrowFloat } from "../../../src/ir/graph/types.js";
import { type Expression, index, load } from "../../../src/ir/kernel/index.js";
import { constantOf, size } from "../../../src/sizes/index.js";
import { type Code, call, f32x4, i32, i32x4, Local, op } from "../code/tree.js";
import type { Addresses } from "./addresses.js";
import type { Blocks } from "./blocks.js";

type Load = Extract<Expression, { kind: "load" }>;

/** The function that rounds vectors to an element type; null where f32 is one. */
export function roundingOf(element: ElementType): string | null {
  switch (element) {
    case "f16":
      return "half4";
    case "f16f":
      return "finiteHalf4";
    case "bf16":
      return "brainFloat4";
    default:
      return null;
  }
}

/** Where f32 has the sign, and f16 thirteen places further up its exponent and fraction. */
const signAndHalf = 0x8fffe000 | 0;

/** Makes vectors of numbers; of lanes that are two numbers each, what several read is loaded once. */
export class WordsOfFloats {
  readonly #numbers = new Map<Expression, number>();

  constructor(
    readonly blocks: Blocks,
    readonly addresses: Addresses,
  ) {}

  /** The four lanes of an element of a pair that is the last axis of its buffer; null where it is none of a pair. */
  lanes({ buffer, index: at }: Load, narrow: NarrowFloat, level: number): Code | null {
    const last = at.at(-1);
    const part = last?.kind === "index" ? constantOf(last.value) : null;
    if (narrow === "f16" || part === null || constantOf(buffer.shape.at(-1)!) !== 2) return null;
    const words = this.#words(load(buffer, at.with(-1, index(size(0)))) as Load, level);
    if (narrow === "bf16") {
      if (part === 0) return op("i32x4.shl", [words, i32(16)]);
      return op("v128.and", [words, this.#constant("upper halves", i32x4(0xffff0000 | 0))]);
    }
    const upper = part === 0 ? op("i32x4.shl", [words, i32(16)]) : words;
    return this.#scaled(op("i32x4.shr_s", [upper, i32(3)]));
  }

  /** Four numbers from bits in the lower halves of lanes, whose upper halves are copies of the sign. */
  numbers(narrow: NarrowFloat, bits: Code, helper: (callee: string) => string): Code {
    if (narrow === "bf16") return op("i32x4.shl", [bits, i32(16)]);
    return narrow === "f16f" ? this.#scaled(op("i32x4.shl", [bits, i32(13)])) : call(helper("fromHalf4"), bits);
  }

  /** Sign, exponent and fraction of f16 at these places are the number divided by 2^112, whether it is normal or not. */
  #scaled(bits: Code): Code {
    const own = op("v128.and", [bits, this.#constant("sign and half", i32x4(signAndHalf))]);
    return op("f32x4.mul", [own, this.#constant("by 2^112", f32x4(2 ** 112))]);
  }

  /** A constant in a local: V8 13 makes it anew wherever it stands. */
  #constant(what: string, value: Code): Code {
    return this.blocks.held(what) ?? this.blocks.hold(what, 0, new Local("constant", "v128"), value, null);
  }

  #words(first: Load, level: number): Code {
    const number = this.#numbers.get(first) ?? this.#numbers.size;
    this.#numbers.set(first, number);
    const key = `words ${number}`;
    const known = this.blocks.held(key);
    if (known !== null) return known;
    const { pointer, offset } = this.addresses.of(first.buffer, first.index);
    const at = Math.min(level, this.blocks.levelOf(first));
    const code = op("v128.load", [pointer], { offset });
    return this.blocks.hold(key, at, new Local(first.buffer.name, "v128"), code, first);
  }
}
