/**
 * stage: computes a factor of what a buffer is updated with once for all iterations that use it, ahead of them.
 *
 *   for h in 0..H                        for h in 0..H
 *     for t in 0..T                        alloc key: f32[S, D]
 *       for s in 0..S                      for j in 0..S: for l in 0..D: key[j, l] = 2 * k[h, j, l]
 *         for d in 0..D             →      for t in 0..T: for s in 0..S
 *           sum += q[t, d] * (2 * k[h, s, d])   for d in 0..D: sum += q[t, d] * key[s, d]
 *
 * The axes of the new buffer are the loops inside of the given one that the factor depends on, outer ones first. Where it is
 * one loop, other loops of that extent read the same factor there too.
 *
 * Needs: one update of the buffer by a product under the loop, under no condition; a factor made of what nothing under the
 * loop stores; extents of its loops that no other loop inside changes. Guarantees: what is computed is what was.
 */
import { Buffer, type BufferScope, index, type Kernel, load, type Statement } from "../../ir/kernel/index.js";
import { render, type Size, size, variablesOf } from "../../sizes/index.js";
import { ScheduleError } from "../errors.js";
import { loopNamed, loopsIn, replaceLoops, requireFree } from "../loops.js";
import { loopOver, Rewriter, withStatementParts } from "../rewrite.js";

import type { Step } from "../step.js";
import { axesOf, factorOf } from "./factors.js";
import { roomFor } from "./room.js";

/** The memory that a stage may lie in. */
export const stageScopes = ["private", "workgroup"] as const satisfies readonly BufferScope[];

export function stage(kernel: Kernel, step: Extract<Step, { step: "stage" }>): Kernel {
  const loop = loopNamed(kernel, step.loop, "stage");
  const { factor, loops } = factorOf(kernel, loop, step);
  const axes = axesOf(factor, loops);
  for (const { variable, extent } of axes) {
    const moving = variablesOf(extent).find((each) => loops.some((inner) => inner.variable === each));
    if (moving === undefined) continue;
    throw new ScheduleError("stage", `the extent ${render(extent)} of ${variable.name} depends on ${moving.name}`);
  }
  if (step.names.length !== axes.length) {
    const which = axes.map((each) => each.variable.name).join(", ") || "no loops";
    throw new ScheduleError("stage", `${step.names.length} names are given to fill ${step.into} along ${which}`);
  }
  requireFree(kernel, step.names, "stage");
  const shape = axes.map((each) => roomFor(kernel, each, factor, "stage"));
  const buffer = new Buffer(step.into, factor.element, shape, step.scope);
  const fill = (axis: number, at: readonly Size[], rewriter: Rewriter): Statement => {
    const each = axes[axis];
    if (each === undefined) {
      return { kind: "store", buffer, index: at.map(index), value: rewriter.expression(factor), update: null };
    }
    return loopOver(step.names[axis]!, each.extent, "serial", (here) => [
      fill(axis + 1, [...at, here], rewriter.variable(each.variable, here)),
    ]);
  };
  const place = axes.map(({ variable }) => index(size(variable)));
  const read = load(buffer, place);
  const others = (body: readonly Statement[]): readonly Statement[] => {
    const [axis, ...more] = axes;
    if (axis === undefined || more.length > 0) return body;
    return loopsIn(body)
      .filter(({ variable, extent }) => variable !== axis.variable && extent === axis.extent)
      .reduce((made, { variable }) => {
        const same = new Rewriter().variable(axis.variable, size(variable)).expression(factor);
        return withStatementParts(made, (part) => (part === same ? load(buffer, [index(size(variable))]) : null));
      }, body);
  };
  return replaceLoops(kernel, [loop], () => [
    {
      ...loop,
      body: [
        { kind: "alloc", buffer },
        fill(0, [], new Rewriter()),
        ...others(withStatementParts(loop.body, (part) => (part === factor ? read : null))),
      ],
    },
  ]);
}
