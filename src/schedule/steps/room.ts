/** How much room an array needs that has an element for each iteration of a loop. */
import { distinctExpressions, type Expression, type Kernel } from "../../ir/kernel/index.js";
import { isNonNegative, rangeOf, render, type Size, size, sub, variablesOf } from "../../sizes/index.js";
import { ScheduleError } from "../errors.js";
import type { Loop } from "../rewrite.js";
import type { Step } from "../step.js";

/**
 * The extent of the loop; where loops around it change that, the axis of a buffer that the value reads along it, or the
 * most that it may be.
 * @throws ScheduleError where there is no bound in sizes that the kernel is called with.
 */
export function roomFor(kernel: Kernel, { variable, extent }: Loop, value: Expression, step: Step["step"]): Size {
  const isFixed = (bound: Size): boolean => variablesOf(bound).every((each) => kernel.sizes.includes(each));
  if (isFixed(extent)) return extent;
  for (const each of distinctExpressions([value])) {
    if (each.kind !== "load") continue;
    for (const [axis, at] of each.index.entries()) {
      const bound = each.buffer.shape[axis]!;
      if (at.kind === "index" && isFixed(bound) && isNonNegative(sub(at.value, size(variable)))) return bound;
    }
  }
  const { max } = rangeOf(extent);
  if (Number.isFinite(max)) return size(max);
  throw new ScheduleError(step, `the extent ${render(extent)} of ${variable.name} has no bound`);
}
