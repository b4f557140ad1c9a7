/**
 * What a `peel` leaves over, gathered: the first of every so many iterations of a loop around does it for all of them, in
 * a loop that can be written out.
 *
 *   for i in 0..8                     for i in 0..8
 *     for t in 0..T / 6 …       →       for t in 0..T / 6 …
 *     for r in 0..T % 6                 if i % 2 < 1
 *       y[r, i] = …                       for g in 0..2
 *                                           for r in 0..T % 6
 *                                             y[r, i + g] = …
 *
 * Needs: iterations of both loops that are proven to be independent, so that all of the nest can be done in any order;
 * nothing but loops between them, of extents that are free of the one around; a factor that divides its extent.
 */
import { binary, index, type Kernel, type Statement } from "../../ir/kernel/index.js";
import { add, exactDivide, mod, render, size, variablesOf } from "../../sizes/index.js";
import { ScheduleError } from "../errors.js";
import { loopNamed, requireIndependent, requireMovable } from "../loops.js";
import { type Loop, loopOver, Rewriter } from "../rewrite.js";
import type { Gather } from "../step.js";

/** @param rest what is left over of `loop`, within it */
export function gathered(kernel: Kernel, loop: Loop, rest: Loop, { loop: name, factor, as }: Gather): Statement {
  const around = loopNamed(kernel, name, "split");
  requireMovable(around, "split");
  if (!Number.isInteger(factor) || factor < 1) throw new ScheduleError("split", `${factor} is no factor for ${name}`);
  if (exactDivide(around.extent, size(factor)) === null) {
    const extent = render(around.extent);
    throw new ScheduleError("split", `${factor} does not divide the extent ${extent} of ${name}, which gathers`);
  }
  for (let each = around; each !== loop; ) {
    const [only, ...others] = each.body;
    if (only?.kind !== "for" || others.length > 0 || variablesOf(only.extent).includes(around.variable)) {
      const needs = "must stand in nothing but loops whose extents are free of it";
      throw new ScheduleError("split", `${loop.variable.name} ${needs} to be gathered in ${name}`);
    }
    each = only;
  }
  for (const each of [around, loop]) requireIndependent(kernel, each, "split");
  const body = loopOver(as, size(factor), "serial", (at) =>
    new Rewriter().variable(around.variable, add(size(around.variable), at)).statement(rest),
  );
  const isFirst = binary("lt", index(mod(size(around.variable), factor)), index(size(1)));
  return { kind: "if", condition: isFirst, body: [body] };
}
