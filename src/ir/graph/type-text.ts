/**
 * How types and sizes are written for people: in messages, in dumps and in pictures. One place, so that all agree.
 */
import { render, type Size } from "../../sizes/index.js";
import type { TensorType } from "./types.js";

/** `[B, T, 4*D]`, or `[]` for one element. */
export function shapeText(shape: readonly Size[]): string {
  return `[${shape.map((size) => render(size)).join(", ")}]`;
}

/** `f32[B, T, 4*D]`. */
export function typeText(type: TensorType): string {
  return `${type.element}${shapeText(type.shape)}`;
}
