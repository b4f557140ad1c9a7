/** How many bytes things take in the arena. */
import { elementBytes } from "../ir/graph/types.js";
import type { KernelElement } from "../ir/kernel/index.js";
import type { PlanBuffer } from "../ir/plan/plan.js";
import type { LoweredGraph } from "../lower/index.js";
import { add, floorDiv, mul, type Size, size, substitute } from "../sizes/index.js";

/** What offsets and lengths in an arena are multiples of, and how many bytes elements take there. */
export interface MemoryUnits {
  readonly alignment: number;
  readonly bytesOf: (element: KernelElement) => number;
}

/** Offsets and lengths in the arena of a host are multiples of this. */
export const alignment = 16;

/** Bytes of one element in memory. */
export function bytesOf(element: KernelElement): number {
  return elementBytes[element];
}

export const hostMemory: MemoryUnits = { alignment, bytesOf };

/** How many elements a shape has. */
export function elementsOf(shape: readonly Size[]): Size {
  return shape.reduce((product, extent) => mul(product, extent), size(1));
}

/** The bytes of a buffer's elements. */
export function dataBytesOf({ element, shape }: Pick<PlanBuffer, "element" | "shape">): Size {
  return mul(elementsOf(shape), bytesOf(element));
}

/** What a number of bytes is at most, where a size in it grows from run to run. */
export function roomOf({ grows }: Pick<LoweredGraph, "grows">, bytes: Size): Size {
  return grows === undefined ? bytes : substitute(bytes, (variable) => (variable === grows.size ? grows.to : null));
}

/** The bytes that a buffer takes in the arena. */
export function arenaBytesOf(
  { element, shape }: Pick<PlanBuffer, "element" | "shape">,
  { alignment, bytesOf }: MemoryUnits = hostMemory,
): Size {
  const bytes = mul(elementsOf(shape), bytesOf(element));
  return mul(floorDiv(add(bytes, alignment - 1), alignment), alignment);
}
