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
export function elementBytes(element: KernelElement): number {
  return element === "bool" ? 1 : 4;
}
