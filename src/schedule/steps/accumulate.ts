/**
 * accumulate: keeps the elements of a buffer that a loop updates in private memory while it runs.
 *
 *   for k in 0..K                        alloc y_tile: f32[4]
 *     for i in 0..4                      for in in 0..4: y_tile[in] = y[in]
 *       y[i] += x[k, i]           →      for k in 0..K: for i in 0..4: y_tile[i] += x[k, i]
 *                                        for out in 0..4: y[out] = y_tile[out]
 *
 * Needs: under the loop the buffer is only updated, at one place for each iteration of inner loops of constant extents,
 * different for different ones, under no condition. Guarantees: the updates meet in the same order as before.
 */
import {
  allExpressions,
  Buffer,
  distinctExpressions,
  type Expression,
  index,
  type Kernel,
  load,
  type Statement,
} from "../../ir/kernel/index.js";
import { constantOf, render, type Size, size, variablesOf } from "../../sizes/index.js";
import { ScheduleError } from "../errors.js";
import { loopNamed, replaceLoops, requireFree, requireIndependent } from "../loops.js";
import { type Loop, loopOver, Rewriter, type Store } from "../rewrite.js";
import type { Step } from "../step.js";

export function accumulate(kernel: Kernel, step: Extract<Step, { step: "accumulate" }>): Kernel {
  const loop = loopNamed(kernel, step.loop, "accumulate");
  const { store, loops } = updateOf(loop, step.buffer);
  const axes = loops.filter(({ variable }) => store.index.some((each) => mentions(each, variable)));
  for (const { variable, extent } of axes) {
    if (constantOf(extent) !== null) continue;
    throw new ScheduleError("accumulate", `the extent ${render(extent)} of ${variable.name} is not constant`);
  }
  if (store.index.some((each) => mentions(each, loop.variable))) {
    throw new ScheduleError("accumulate", `the place in ${step.buffer} depends on ${step.loop}`);
  }
  if (step.names.length !== 2 * axes.length) {
    const which = axes.map((each) => each.variable.name).join(", ") || "no loops";
    throw new ScheduleError("accumulate", `${step.names.length} names are given to copy in and out along ${which}`);
  }
  requireFree(kernel, step.names, "accumulate");
  const { buffer } = store;
  const shape = axes.map((each) => each.extent);
  const tile = new Buffer(`${buffer.name}_tile`, buffer.element, shape, "private");

  const copy = (
    names: readonly string[],
    statement: (at: readonly Size[], place: readonly Expression[]) => Statement,
  ) => {
    const nest = (axis: number, at: readonly Size[]): Statement => {
      const loopAt = axes[axis];
      if (loopAt !== undefined)
        return loopOver(names[axis]!, loopAt.extent, "serial", (each) => [nest(axis + 1, [...at, each])]);
      const rewriter = new Rewriter();
      for (const [number, each] of axes.entries()) rewriter.variable(each.variable, at[number]!);
      return statement(
        at,
        store.index.map((each) => rewriter.expression(each)),
      );
    };
    return nest(0, []);
  };
  const copyIn = copy(step.names.slice(0, axes.length), (at, place) => {
    return { kind: "store", buffer: tile, index: at.map(index), value: load(buffer, place), update: null };
  });
  const copyOut = copy(step.names.slice(axes.length), (at, place) => {
    return { kind: "store", buffer, index: place, value: load(tile, at.map(index)), update: null };
  });
  const places = axes.map((each) => index(size(each.variable)));
  const inside = new Rewriter().buffer(buffer, { buffer: tile, index: () => places }).statements([loop]);
  const made = replaceLoops(kernel, [loop], () => [{ kind: "alloc", buffer: tile }, copyIn, ...inside, copyOut]);
  for (const name of step.names.slice(axes.length))
    requireIndependent(made, loopNamed(made, name, "accumulate"), "accumulate");
  return made;
}

function mentions(expression: Expression, variable: Loop["variable"]): boolean {
  return [...distinctExpressions([expression])].some(
    (each) => each.kind === "index" && variablesOf(each.value).includes(variable),
  );
}

/** The only statement under a loop that touches a buffer, which updates it, with the loops around it. */
function updateOf(loop: Loop, name: string): { store: Store; loops: readonly Loop[] } {
  const found: { store: Store; loops: readonly Loop[]; isGuarded: boolean }[] = [];
  const visit = (body: readonly Statement[], loops: readonly Loop[], isGuarded: boolean): void => {
    for (const each of body) {
      if (each.kind === "store" && each.buffer.name === name) found.push({ store: each, loops, isGuarded });
      if (each.kind === "alloc" && each.buffer.name === name) {
        throw new ScheduleError("accumulate", `${name} is allocated in ${loop.variable.name}`);
      }
      if (each.kind === "for") visit(each.body, [...loops, each], isGuarded);
      if (each.kind === "if") visit(each.body, loops, true);
    }
  };
  visit(loop.body, [], false);
  const reads = [...allExpressions(loop.body)].some((each) => each.kind === "load" && each.buffer.name === name);
  const [only, ...others] = found;
  if (only === undefined) throw new ScheduleError("accumulate", `${loop.variable.name} does not update ${name}`);
  if (others.length > 0 || reads || only.store.update === null) {
    throw new ScheduleError(
      "accumulate",
      `${loop.variable.name} does more with ${name} than to update it at one place`,
    );
  }
  if (only.isGuarded) throw new ScheduleError("accumulate", `${name} is updated under a condition`);
  return only;
}
