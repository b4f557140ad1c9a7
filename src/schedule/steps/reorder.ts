/**
 * reorder: brings perfectly nested loops into another order.
 *
 * Needs: each loop that moves inwards past another has iterations that are proven to be independent, and the extent of
 * the other does not mention it. Guarantees: each iteration of what stands inside happens once, as before.
 */
import type { Kernel } from "../../ir/kernel/index.js";
import { variablesOf } from "../../sizes/index.js";
import { ScheduleError } from "../errors.js";
import { loopNamed, loopsIn, replaceLoops, requireIndependent, requireMovable } from "../loops.js";
import type { Loop } from "../rewrite.js";
import type { Step } from "../step.js";

export function reorder(kernel: Kernel, { loops: names }: Extract<Step, { step: "reorder" }>): Kernel {
  if (names.length < 2) throw new ScheduleError("reorder", "fewer than two loops are named");
  if (new Set(names).size < names.length)
    throw new ScheduleError("reorder", `a loop of ${names.join(", ")} is named twice`);
  const wanted = names.map((name) => loopNamed(kernel, name, "reorder"));
  for (const loop of wanted) requireMovable(loop, "reorder");
  const nest = nestOf(wanted);
  for (const [from, loop] of nest.entries()) {
    const passed = nest.slice(from + 1).filter((inner) => wanted.indexOf(inner) < wanted.indexOf(loop));
    for (const inner of passed) {
      if (variablesOf(inner.extent).includes(loop.variable)) {
        const [a, b] = [inner.variable.name, loop.variable.name];
        throw new ScheduleError("reorder", `the extent of ${a} depends on ${b}, which stands around it`);
      }
    }
    if (passed.length > 0) requireIndependent(kernel, loop, "reorder");
  }
  const innermost = nest.at(-1)!.body;
  const [made] = wanted.reduceRight((body, loop) => [{ ...loop, body }], innermost);
  return replaceLoops(kernel, [nest[0]!], () => [made!]);
}

/** The loops as they stand, outermost first. @throws ScheduleError unless each is all that the one around it holds. */
function nestOf(loops: readonly Loop[]): readonly Loop[] {
  const outermost = loops.find((loop) => loops.every((each) => !holds(each, loop)))!;
  const nest = [outermost];
  while (nest.length < loops.length) {
    const last = nest.at(-1)!;
    const [only, ...others] = last.body;
    const isLoop = only?.kind === "for" && others.length === 0 && loops.includes(only);
    if (!isLoop) {
      const left = loops.filter((each) => !nest.includes(each)).map((each) => each.variable.name);
      throw new ScheduleError(
        "reorder",
        `${left.join(", ")} and nothing else must stand directly in ${last.variable.name}`,
      );
    }
    nest.push(only);
  }
  return nest;
}

function holds(outer: Loop, inner: Loop): boolean {
  return loopsIn(outer.body).includes(inner);
}
