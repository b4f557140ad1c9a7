/**
 * whenFinite: makes two of a loop, of which the first runs where all elements of a factor are finite, and the other else.
 *
 *                                          finite = 0
 *   for t in 0..T                          for j in 0..S: for l in 0..C: finite += v[j, l] * 0
 *     for c in 0..C                   →    if finite == 0: for t in 0..T: …
 *       for s in 0..S                      if not (finite == 0): for t2 in 0..T: …
 *         sum += p[t, s] * v[s, c]
 *
 * Both compute the same. But in the first a term whose other factor is 0 is 0, so that `skipTiles` leaves nothing out
 * there: 0 * NaN is NaN, as PyTorch has it, though the key is hidden.
 *
 * Needs: as `stage`, of a factor that the loop itself does not change.
 */
import { Buffer, binary, constant, type Kernel, load, type Statement, unary } from "../../ir/kernel/index.js";
import { render, type Size, variablesOf } from "../../sizes/index.js";
import { ScheduleError } from "../errors.js";
import { loopNamed, loopsIn, replaceLoops, requireFree } from "../loops.js";
import { loopOver, Rewriter } from "../rewrite.js";
import type { Step } from "../step.js";
import { axesOf, factorOf } from "./factors.js";

export function whenFinite(kernel: Kernel, step: Extract<Step, { step: "whenFinite" }>): Kernel {
  const loop = loopNamed(kernel, step.loop, "whenFinite");
  const { factor, loops } = factorOf(kernel, loop, step);
  const { element } = factor;
  if (element !== "f32" && element !== "f16") throw new ScheduleError("whenFinite", `${element} is always finite`);
  // Keys before columns, as values lie in memory.
  const axes = axesOf(factor, [loop, ...loops]).toReversed();
  for (const { variable, extent } of axes) {
    const moving = variablesOf(extent).find((each) => [loop, ...loops].some((inner) => inner.variable === each));
    if (moving === undefined) continue;
    throw new ScheduleError("whenFinite", `the extent ${render(extent)} of ${variable.name} depends on ${moving.name}`);
  }
  requireNames(
    step.names,
    axes.map(({ variable }) => variable.name),
    "the test along",
  );
  const inner = [loop, ...loopsIn(loop.body)].map(({ variable }) => variable.name);
  requireNames(step.copies, inner, "the copies of");
  requireFree(kernel, [...step.names, ...step.copies], "whenFinite");
  const finite = new Buffer(`${step.buffer}_finite`, element, [], "private");
  const test = (axis: number, rewriter: Rewriter): Statement => {
    const each = axes[axis];
    if (each === undefined) {
      const value = binary("mul", rewriter.expression(factor), constant(0, element));
      return { kind: "store", buffer: finite, index: [], value, update: "add" };
    }
    return loopOver(step.names[axis]!, each.extent, "serial", (at: Size) => [
      test(axis + 1, rewriter.variable(each.variable, at)),
    ]);
  };
  const areFinite = binary("eq", load(finite, []), constant(0, element));
  const copy = new Rewriter().copying(step.copies).statement(loop);
  return replaceLoops(kernel, [loop], () => [
    { kind: "alloc", buffer: finite },
    { kind: "store", buffer: finite, index: [], value: constant(0, element), update: null },
    test(0, new Rewriter()),
    { kind: "if", condition: areFinite, body: [loop] },
    { kind: "if", condition: unary("not", areFinite), body: copy },
  ]);
}

function requireNames(given: readonly string[], loops: readonly string[], what: string): void {
  if (given.length === loops.length) return;
  throw new ScheduleError(
    "whenFinite",
    `${given.length} names are given for ${what} ${loops.join(", ") || "no loops"}`,
  );
}
