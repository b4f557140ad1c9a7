/**
 * stage: computes a factor of what a buffer is updated with once for all iterations that use it, ahead of them.
 *
 *   for h in 0..H                        for h in 0..H
 *     for t in 0..T                        alloc key: f32[S, D]
 *       for s in 0..S                      for j in 0..S: for l in 0..D: key[j, l] = 2 * k[h, j, l]
 *         for d in 0..D             →      for t in 0..T: for s in 0..S
 *           sum += q[t, d] * (2 * k[h, s, d])   for d in 0..D: sum += q[t, d] * key[s, d]
 *
 * The axes of the new buffer are the loops inside of the given one that the factor depends on, outer ones first.
 *
 * Needs: one update of the buffer by a product under the loop, under no condition; a factor made of what nothing under the
 * loop stores; extents of its loops that no other loop inside changes. Guarantees: what is computed is what was.
 */
import {
  allStatements,
  Buffer,
  type BufferScope,
  distinctExpressions,
  type Expression,
  index,
  type Kernel,
  load,
  type Statement,
  storedBuffers,
} from "../../ir/kernel/index.js";
import { constantOf, render, type Size, size, variablesOf } from "../../sizes/index.js";
import { ScheduleError } from "../errors.js";
import { loopNamed, loopsIn, replaceLoops, requireFree } from "../loops.js";
import { type Loop, loopOver, Rewriter, type Store, withStatementParts } from "../rewrite.js";
import type { Step } from "../step.js";
import { roomFor } from "./room.js";

/** The memory that a stage may lie in. */
export const stageScopes = ["private", "workgroup"] as const satisfies readonly BufferScope[];

export function stage(kernel: Kernel, step: Extract<Step, { step: "stage" }>): Kernel {
  const loop = loopNamed(kernel, step.loop, "stage");
  const { store, loops } = updateOf(loop, step.buffer);
  const { value } = store;
  if (value.kind !== "binary" || value.operator !== "mul") {
    throw new ScheduleError("stage", `${step.buffer} is not updated with a product`);
  }
  const factor = step.side === "left" ? value.left : value.right;
  requireConstant(loop, factor, step.buffer);
  const used = variablesIn(factor);
  const axes = loops.filter(({ variable }) => used.has(variable));
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
  return replaceLoops(kernel, [loop], () => [
    {
      ...loop,
      body: [
        { kind: "alloc", buffer },
        fill(0, [], new Rewriter()),
        ...withStatementParts(loop.body, (part) => (part === factor ? read : null)),
      ],
    },
  ]);
}

function variablesIn(expression: Expression): ReadonlySet<Loop["variable"]> {
  const found = new Set<Loop["variable"]>();
  for (const each of distinctExpressions([expression])) {
    if (each.kind === "index") for (const variable of variablesOf(each.value)) found.add(variable);
  }
  return found;
}

/** The only update of a buffer under a loop, with the loops in between, outer ones first. */
function updateOf(outer: Loop, name: string): { store: Store; loops: readonly Loop[] } {
  const found: { store: Store; loops: readonly Loop[]; isGuarded: boolean }[] = [];
  const visit = (body: readonly Statement[], loops: readonly Loop[], isGuarded: boolean): void => {
    for (const each of body) {
      if (each.kind === "store" && each.buffer.name === name && each.update !== null) {
        found.push({ store: each, loops, isGuarded });
      }
      if (each.kind === "for") visit(each.body, [...loops, each], isGuarded);
      if (each.kind === "if") visit(each.body, loops, true);
    }
  };
  visit(outer.body, [], false);
  const [only, ...others] = found;
  if (only === undefined || others.length > 0) {
    throw new ScheduleError("stage", `${outer.variable.name} updates ${name} at ${found.length} places, not at one`);
  }
  if (only.isGuarded) throw new ScheduleError("stage", `${name} is updated under a condition`);
  return only;
}

/** @throws ScheduleError if what an expression reads is written or allocated in a loop. */
function requireConstant(loop: Loop, expression: Expression, name: string): void {
  const changing = new Set<Buffer>(storedBuffers(loop.body));
  for (const each of allStatements(loop.body)) if (each.kind === "alloc") changing.add(each.buffer);
  for (const each of distinctExpressions([expression])) {
    if (each.kind !== "load" || !changing.has(each.buffer)) continue;
    throw new ScheduleError(
      "stage",
      `the factor of ${name} reads ${each.buffer.name}, which ${loop.variable.name} writes`,
    );
  }
  if (constantOf(loop.extent) === 0) throw new ScheduleError("stage", `${loop.variable.name} never runs`);
  if (loopsIn(loop.body).length === 0) throw new ScheduleError("stage", `${loop.variable.name} holds no loop`);
}
