/**
 * mark: says how loops of a name are run: one after another, unrolled, as a vector, in parallel, by a grid, by lanes, or
 * shared by the lanes of a subgroup.
 *
 * Needs: a constant extent to unroll or to make a vector of; independent iterations wherever they are not run one after
 * another; a grid stands at the top or directly in other grid loops; lanes of a subgroup would all compute the same.
 */
import {
  isInOrder,
  isShared,
  type Kernel,
  type LoopKind,
  type Statement,
  sharedLoopProblem,
} from "../../ir/kernel/index.js";
import { constantOf, render } from "../../sizes/index.js";
import { ScheduleError } from "../errors.js";
import { loopsNamed, replaceLoops, requireIndependent, requireMovable } from "../loops.js";
import type { Loop } from "../rewrite.js";
import type { Step } from "../step.js";

export function mark(kernel: Kernel, { loop: name, kind }: Extract<Step, { step: "mark" }>): Kernel {
  const loops = loopsNamed(kernel, name, "mark");
  for (const loop of loops) requireKind(kernel, loop, kind);
  return replaceLoops(kernel, loops, (loop) => [{ ...loop, loop: kind }]);
}

function requireKind(kernel: Kernel, loop: Loop, kind: LoopKind): void {
  const { name } = loop.variable;
  requireMovable(loop, "mark");
  if ((kind === "unroll" || kind === "vector") && constantOf(loop.extent) === null) {
    throw new ScheduleError("mark", `the extent ${render(loop.extent)} of ${name} is not constant`);
  }
  if (kind.startsWith("grid.") && !isInGrid(kernel.body, loop)) {
    throw new ScheduleError("mark", `${name} stands in a loop that is not of a grid`);
  }
  const problem = isShared(kind) ? sharedLoopProblem(kernel, loop, kind) : null;
  if (problem !== null) throw new ScheduleError("mark", problem);
  if (!isInOrder(kind)) requireIndependent(kernel, loop, "mark");
}

/** Whether only loops of a grid stand around a loop. */
function isInGrid(body: readonly Statement[], loop: Loop): boolean {
  return body.some(
    (each) => each === loop || (each.kind === "for" && each.loop.startsWith("grid.") && isInGrid(each.body, loop)),
  );
}
