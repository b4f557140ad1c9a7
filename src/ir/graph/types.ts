/** The types of the values of a Graph. */
import type { Size } from "../../sizes/index.js";

/** The element types. `f32` is the default of the language; `bool` is stored as one byte. */
export const elementTypes = ["f32", "f16", "i32", "bool"] as const;
export type ElementType = (typeof elementTypes)[number];

/** A tensor: its elements and one size per axis. Rank 0 is one element. */
export interface TensorType {
  readonly element: ElementType;
  readonly shape: readonly Size[];
}

export function isFloat(element: ElementType): boolean {
  return element === "f32" || element === "f16";
}
