/**
 * reorder: brings perfectly nested loops into another order.
 *
 * Needs: of two loops that change places, one has iterations that are proven to be independent: the outer one where it
 * stood, or the inner one where it will stand, so that whatever meets is in one iteration of it, and keeps its order.
 * The extent of the inner one does not mention the outer. Guarantees: each iteration of what stands inside happens once.
 */
import type { Kernel } from "../../ir/kernel/index.js";
import { variablesOf } from "../../sizes/index.js";
import { ScheduleError } from "../errors.js";
import { isIndependent, loopNamed, loopsIn, replaceLoops, requireIndependent, requireMovable } from "../loops.js";
import type { Loop } from "../rewrite.js";
import type { Step } from "../step.js";

export function reorder(kernel: Kernel, { loops: names }: Extract<Step, { step: "reorder" }>): Kernel {
  if (names.length < 2) throw new ScheduleError("reorder", "fewer than two loops are named");
  if (new Set(names).size < names.length)
    throw new ScheduleError("reorder", `a loop of ${names.join(", ")} is named twice`);
  const wanted = names.map((name) => loopNamed(kernel, name, "reorder"));
  for (const loop of wanted) requireMovable(loop, "reorder");
  const nest = nestOf(wanted);
  const [outermost] = wanted.reduceRight((body, loop) => [{ ...loop, body }], nest.at(-1)!.body);
  const made = replaceLoops(kernel, [nest[0]!], () => [outermost!]);
  for (const [from, loop] of nest.entries()) {
    const passed = nest.slice(from + 1).filter((inner) => wanted.indexOf(inner) < wanted.indexOf(loop));
    for (const inner of passed) {
      if (variablesOf(inner.extent).includes(loop.variable)) {
        const [a, b] = [inner.variable.name, loop.variable.name];
        throw new ScheduleError("reorder", `the extent of ${a} depends on ${b}, which stands around it`);
      }
    }
    if (passed.length === 0 || isIndependent(kernel, loop)) continue;
    for (const inner of passed) requireIndependent(made, loopNamed(made, inner.variable.name, "reorder"), "reorder");
  }
  return made;
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
