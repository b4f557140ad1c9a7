/** The types of the values of a Graph. */
import { InternalError } from "../../diagnostics/index.js";
import type { Size } from "../../sizes/index.js";

/**
 * The element types. `f32` is the default of the language; `bool` is stored as one byte. The types of `heldTypes` hold
 * numbers in little memory: operators move and cast them, and compute nothing with them. Programs have none of them; passes do.
 * `bf16` is the upper half of an f32. `f16f` is f16 with finite numbers only, as small integers are: what is larger becomes
 * the largest, NaN becomes 0.
 */
export const elementTypes = ["f32", "f16", "i32", "bool", "i8", "i16", "bf16", "f16f"] as const;
export type ElementType = (typeof elementTypes)[number];

/** The element types that only hold numbers. */
export const heldTypes = ["i8", "i16", "bf16", "f16f"] as const;
export type HeldType = (typeof heldTypes)[number];

export function isHeldType(element: ElementType): element is HeldType {
  return (heldTypes as readonly ElementType[]).includes(element);
}

/** The element types that programs have, and with them what callers give and get. */
export type GivenElement = Exclude<ElementType, HeldType>;

/** The element type of what a caller gives or gets. @throws InternalError where it is none of theirs */
export function givenElement(element: ElementType): GivenElement {
  if (isHeldType(element)) throw new InternalError(`callers have no tensors of ${element}`);
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
export const elementBytes: Readonly<Record<ElementType, number>> = {
  f32: 4,
  f16: 2,
  i32: 4,
  bool: 1,
  i8: 1,
  i16: 2,
  bf16: 2,
  f16f: 2,
};

export function isFloat(element: ElementType): boolean {
  return element === "f32" || isNarrowFloat(element);
}

/** The floats of 16 bits, every one of which is an f32. */
export type NarrowFloat = "f16" | "bf16" | "f16f";

export function isNarrowFloat(element: ElementType): element is NarrowFloat {
  return element === "f16" || element === "bf16" || element === "f16f";
}
