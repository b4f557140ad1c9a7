/** Facts of inputs, weights, numbers and positions. */

import type { Size, SizeVariable } from "../sizes/index.js";
import { affineConstant, affineIndex } from "./affine.js";
import type { FactsRule } from "./analysis.js";
import { mentions, offsetOf } from "./axes.js";
import { type Facts, nothingKnown, type TimeAxis } from "./facts.js";

/** The axes of a shape that are over positions, one row each. */
export function timeAxes(shape: readonly Size[], time: SizeVariable): Map<number, TimeAxis> {
  const axes = new Map<number, TimeAxis>();
  for (const [axis, each] of shape.entries()) if (offsetOf(each, time) === 0) axes.set(axis, { before: 0, after: 0 });
  return axes;
}

export const inputRule: FactsRule<"input"> = (context) => {
  const { type, time } = context;
  const axes = timeAxes(type.shape, time);
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

export const iotaRule: FactsRule<"iota"> = ({ attributes: { axis }, type, time }) => ({
  ...nothingKnown,
  time: timeAxes(type.shape, time),
  affine: affineIndex(axis),
});
