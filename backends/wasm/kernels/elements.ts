/** Elements of kernels as WebAssembly has them: f16 is held as f32 with the values of f16, bool as 0 and 1 of i32. */
import type { KernelElement } from "../../../src/ir/kernel/index.js";
import type { ValueType } from "../code/operators.js";

export function isFloat(element: KernelElement): boolean {
  return element === "f32" || element === "f16";
}

export function valueType(element: KernelElement): ValueType {
  return isFloat(element) ? "f32" : "i32";
}

/** The bytes of an element in memory. */
export { bytesOf as elementBytes } from "../../../src/memory/index.js";

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
};

const stores: { readonly [K in KernelElement]: string } = {
  f32: "f32.store",
  f16: "f32.store",
  i32: "i32.store",
  bool: "i32.store8",
  i8: "i32.store8",
  i16: "i32.store16",
};
