/** Facts of inputs, weights, numbers and positions. */

import type { Size, SizeVariable } from "../sizes/index.js";
import { affineConstant, affineIndex, scaled } from "./affine.js";
import type { FactsRule } from "./analysis.js";
import { mentions, offsetOf } from "./axes.js";
import { type Facts, nothingKnown, type TimeAxis } from "./facts.js";

/**
 * The axes of a shape that are over positions. Those of size T + c have c static rows before the positions: their numbers are
 * known, as those of rows behind all positions are not.
 */
export function rowsAlong(shape: readonly Size[], time: SizeVariable): Map<number, TimeAxis> {
  const axes = new Map<number, TimeAxis>();
  for (const [axis, each] of shape.entries()) {
    const before = offsetOf(each, time);
    if (before !== null && before >= 0) axes.set(axis, { before, after: 0 });
  }
  return axes;
}

export const inputRule: FactsRule<"input"> = (context) => {
  const { type, time } = context;
  const axes = new Map([...rowsAlong(type.shape, time)].filter(([, { before }]) => before === 0));
  const depends = type.shape.some((each) => mentions(each, time));
  if (axes.size > 1 || (depends && axes.size === 0)) {
    const { name } = context.attributes;
    context.refuse(
      "input",
      axes.size > 1
        ? `the input ${name} has ${axes.size} axes over ${time.name}: a step could not add a row to it`
        : `the input ${name} has an axis that is made of ${time.name}, and not one row for each position`,
    );
  }
  const diagonal = type.element === "bool" ? "unknown" : "ordinary";
  return { ...nothingKnown, time: axes, level: depends ? 2 : 1, diagonal };
};

export const weightRule: FactsRule<"weight"> = () => nothingKnown;

export const constantRule: FactsRule<"constant"> = ({ attributes: { value, element } }): Facts => ({
  ...nothingKnown,
  constant: value,
  diagonal: Number.isNaN(value) ? "unknown" : value,
  affine: element === "i32" ? affineConstant(value) : null,
});

export const sizeRule: FactsRule<"size"> = (context) => {
  const { time } = context;
  if (mentions(context.attributes.value, time)) {
    context.refuse("length", `${time.name} is used as a number: a step does not know the final length`);
  }
  return nothingKnown;
};

/** The number of a row is its position and the number of static rows before. */
export const iotaRule: FactsRule<"iota"> = ({ attributes: { axis }, type, time }) => {
  const rows = rowsAlong(type.shape, time);
  return { ...nothingKnown, time: rows, affine: scaled(affineIndex(axis), 1, rows.get(axis)?.before ?? 0) };
};
