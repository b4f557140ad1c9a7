/**
 * Weights in floats of 16 bits as every device can hold them: two in a word, lowest first. They are f32 where they are loaded,
 * and written one by one, at load, into words that others write to as well.
 */
import type { Buffer, KernelElement } from "../../src/ir/kernel/index.js";
import { type Code, call, inside, level } from "../common/code.js";
import type { ExpressionContext } from "./expressions.js";
import type { HelperName } from "./helpers.js";

type Helper = ExpressionContext["helper"];

/** Whether two elements lie in a word of memory. f16 of the program itself is an element of its own, or f32. */
export function isPacked({ scope, element }: Pick<Buffer, "scope" | "element">): boolean {
  return scope === "global" && (element === "bf16" || element === "f16f");
}

/** Whether elements of what lives between kernels take two bytes. @param halves whether f16 of the program does */
export function takesTwoBytes({ element }: Pick<Buffer, "element">, halves = false): boolean {
  return isPacked({ scope: "global", element }) || (halves && element === "f16");
}

/** The type of what lies in memory: two elements, or four. */
export function packedType(isWide: boolean, isWritten: boolean): string {
  if (isWritten) return "atomic<u32>";
  return isWide ? "vec2<u32>" : "u32";
}

const loads: { readonly [K in KernelElement]?: { readonly one: HelperName; readonly four: HelperName } } = {
  bf16: { one: "brain_float", four: "brain_floats" },
  f16f: { one: "half", four: "halves" },
};

/** An element at an offset. @param word the code of what lies at an offset of words */
export function packedElement({ element }: Buffer, offset: Code, word: (at: Code) => Code, helper: Helper): Code {
  return call(helper(loads[element]!.one), word(halfOf(offset)), offset);
}

/** Four neighbours, from their two words. */
export function packedVector({ element }: Buffer, words: Code, helper: Helper): Code {
  return call(helper(loads[element]!.four), words);
}

/** The statements that write a number, which its element type has, at an offset of an array of this name. */
export function packedStore({ element }: Buffer, name: string, offset: Code, value: Code, helper: Helper): string[] {
  const bits = element === "bf16" ? "brain_float_bits" : "half_bits";
  const place = `&${name}[${halfOf(offset).text}]`;
  const shift = `16u * (u32(${offset.text}) & 1u)`;
  return [
    `atomicAnd(${place}, 0xffff0000u >> (${shift}));`,
    `atomicOr(${place}, ${call(helper(bits), value).text} << (${shift}));`,
  ];
}

const halfOf = (offset: Code): Code => ({
  text: `${inside(offset, level.power)} / 2`,
  level: level.additive,
});
