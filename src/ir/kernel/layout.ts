/**
 * Layouts: in which order the elements of an array lie in memory, other than row by row.
 *
 * A layout lists the axes of the array in memory, outermost first. Each is a whole axis of the array, or its outer or
 * inner part by a factor: [1 outer 8, 0 all, 1 inner 8] are the panels of 8 columns of a matrix, row by row within a
 * panel. Where the factor does not divide an axis, its last panel is filled up with zeros.
 */
import { add, constantOf, floorDiv, mod, type Size, size } from "../../sizes/index.js";
import { binary, index } from "./expressions.js";
import type { Expression, Layout, LayoutPart } from "./kernel.js";

/**
 * What is wrong with a layout for an array of this shape, or null.
 * @param isFilled whether last panels are filled up, for which axes that are cut must have a constant size.
 */
export function layoutProblem(layout: Layout, shape: readonly Size[], isFilled = true): string | null {
  for (const [axis, extent] of shape.entries()) {
    const parts = layout.filter((each) => each.axis === axis);
    const [first, second] = parts;
    const isWhole = parts.length === 1 && first?.part === "all";
    const isSplit =
      parts.length === 2 &&
      first?.part === "outer" &&
      second?.part === "inner" &&
      first.factor === second.factor &&
      Number.isSafeInteger(first.factor) &&
      first.factor >= 1;
    if (!isWhole && !isSplit) return `axis ${axis} does not lie there once, whole or as outer and inner part`;
    if (isSplit && isFilled && constantOf(extent) === null) return `the size of axis ${axis} is not constant`;
  }
  return layout.some(({ axis }) => shape[axis] === undefined) ? `there are only ${shape.length} axes` : null;
}

/** The shape in memory of an array of this shape. */
export function layoutShape(layout: Layout, shape: readonly Size[]): readonly Size[] {
  return layout.map(({ axis, part, factor }) => {
    if (part === "all") return shape[axis]!;
    return part === "inner" ? size(factor) : floorDiv(add(shape[axis]!, factor - 1), factor);
  });
}

/** Where the element at an index of the array lies in memory. */
export function layoutIndex(layout: Layout, at: readonly Expression[]): readonly Expression[] {
  return layout.map((part) => partOf(part, at[part.axis]!));
}

function partOf({ part, factor }: LayoutPart, at: Expression): Expression {
  if (part === "all") return at;
  if (at.kind !== "index") return binary(part === "outer" ? "floor_div" : "mod", at, index(factor));
  return part === "outer" ? index(floorDiv(at.value, factor)) : index(mod(at.value, factor));
}

/** `1/8 0 1%8`: the outer part of axis 1, axis 0, the inner part of axis 1. */
export function layoutText(layout: Layout): string {
  return layout
    .map(({ axis, part, factor }) => (part === "all" ? `${axis}` : `${axis}${part === "outer" ? "/" : "%"}${factor}`))
    .join(" ");
}

/** The part that a word of `layoutText` says, or null. */
export function parseLayoutPart(word: string): LayoutPart | null {
  const [, axis, sign, factor] = /^(\d+)(?:([/%])(\d+))?$/.exec(word) ?? [];
  if (axis === undefined) return null;
  if (sign === undefined) return { axis: Number(axis), part: "all", factor: 1 };
  return { axis: Number(axis), part: sign === "/" ? "outer" : "inner", factor: Number(factor) };
}
