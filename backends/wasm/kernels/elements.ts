/**
 * Elements of kernels as WebAssembly has them: in registers all floats are f32, bool is 0 and 1 of i32, and all other whole
 * numbers are i32. What a kernel keeps for itself of floats of 16 bits lies in memory as f32 too.
 */
import { isFloat as isFloatElement, isNarrowFloat, type NarrowFloat } from "../../../src/ir/graph/types.js";
import type { Buffer, KernelElement } from "../../../src/ir/kernel/index.js";
import { bytesOf } from "../../../src/memory/index.js";
import type { ValueType } from "../code/operators.js";

export function isFloat(element: KernelElement): boolean {
  return isFloatElement(element);
}

export function valueType(element: KernelElement): ValueType {
  return isFloat(element) ? "f32" : "i32";
}

/** The type of a buffer's elements where they are the bits of floats of 16 bits; else null. */
export function narrowFloatIn({ element, scope }: Buffer): NarrowFloat | null {
  return scope === "global" && isNarrowFloat(element) ? element : null;
}

/** The bytes of an element in memory. */
export function elementBytes(buffer: Buffer): number {
  return isFloat(buffer.element) && narrowFloatIn(buffer) === null ? 4 : bytesOf(buffer.element);
}

/** Whether elements are less in memory than they are in a register: vectors of them are not stored as they are. */
export function isNarrow(element: KernelElement): boolean {
  return element === "bool" || element === "i8" || element === "i16";
}

/** The instruction that loads one element. */
export function loadOf(element: KernelElement): string {
  return loads[element];
}

/** The instruction that stores one element. */
export function storeOf(element: KernelElement): string {
  return stores[element];
}

const loads: { readonly [K in KernelElement]: string } = {
  f32: "f32.load",
  f16: "f32.load",
  i32: "i32.load",
  bool: "i32.load8_u",
  i8: "i32.load8_s",
  i16: "i32.load16_s",
  bf16: "f32.load",
  f16f: "f32.load",
};

const stores: { readonly [K in KernelElement]: string } = {
  f32: "f32.store",
  f16: "f32.store",
  i32: "i32.store",
  bool: "i32.store8",
  i8: "i32.store8",
  i16: "i32.store16",
  bf16: "f32.store",
  f16f: "f32.store",
};
