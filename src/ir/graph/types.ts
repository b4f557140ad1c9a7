/** The types of the values of a Graph. */
import { InternalError } from "../../diagnostics/index.js";
import type { Size } from "../../sizes/index.js";

/**
 * The element types. `f32` is the default of the language; `bool` is stored as one byte. `i8` and `i16` hold whole numbers
 * in little memory: operators move and cast them, and compute nothing with them. Programs have none of them; passes do.
 */
export const elementTypes = ["f32", "f16", "i32", "bool", "i8", "i16"] as const;
export type ElementType = (typeof elementTypes)[number];

/** The element types that programs have, and with them what callers give and get. */
export type GivenElement = Exclude<ElementType, "i8" | "i16">;

/** The element type of what a caller gives or gets. @throws InternalError where it is none of theirs */
export function givenElement(element: ElementType): GivenElement {
  if (element === "i8" || element === "i16") throw new InternalError(`callers have no tensors of ${element}`);
  return element;
}

/** A tensor: its elements and one size per axis. Rank 0 is one element. */
export interface TensorType {
  readonly element: ElementType;
  readonly shape: readonly Size[];
}

/** The bits of the integers that are only held. */
const smallBits: Partial<Record<ElementType, number>> = { i8: 8, i16: 16 };

/** The least and the greatest whole number of an integer type. */
export function integerLimits(element: ElementType): { readonly min: number; readonly max: number } {
  const half = 2 ** ((smallBits[element] ?? 32) - 1);
  return { min: -half, max: half - 1 };
}

/** The bytes of an element, as arrays of numbers hold it. */
export const elementBytes: Readonly<Record<ElementType, number>> = { f32: 4, f16: 2, i32: 4, bool: 1, i8: 1, i16: 2 };

export function isFloat(element: ElementType): boolean {
  return element === "f32" || element === "f16";
}
