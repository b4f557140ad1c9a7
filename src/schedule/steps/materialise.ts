/**
 * materialise: computes once, in a loop of its own, what a loop updates a buffer with and what later loops compute too.
 *
 *   for s in 0..S: total += exp(x[s])        alloc p: f32[S]
 *   for c in 0..C                            for i in 0..S: p[i] = exp(x[i])
 *     for u in 0..S                    →     for s in 0..S: total += p[s]
 *       y[c] += exp(x[u]) * v[u, c]          for c in 0..C: for u in 0..S: y[c] += p[u] * v[u, c]
 *
 * Needs: a loop that updates the buffer once, directly, with a value that only it and loops around it change. Later loops
 * of the same block and the same extent share the array until something stores to what the value is made of.
 */
import {
  Buffer,
  distinctExpressions,
  index,
  type Kernel,
  load,
  type Statement,
  storedBuffers,
} from "../../ir/kernel/index.js";
import { size } from "../../sizes/index.js";
import { ScheduleError } from "../errors.js";
import { loopNamed, loopsIn, requireFree, requireMovable } from "../loops.js";
import { type Loop, loopOver, Rewriter, replaceInBlock, type Store, withStatementParts } from "../rewrite.js";
import type { Step } from "../step.js";
import { roomFor } from "./room.js";

export function materialise(kernel: Kernel, step: Extract<Step, { step: "materialise" }>): Kernel {
  const loop = loopNamed(kernel, step.loop, "materialise");
  requireMovable(loop, "materialise");
  const { value } = updateIn(loop, step.buffer);
  requireFree(kernel, [step.name], "materialise");
  const buffer = new Buffer(step.into, value.element, [roomFor(kernel, loop, value, "materialise")], "private");
  const reads = new Set<Buffer>();
  for (const each of distinctExpressions([value])) if (each.kind === "load") reads.add(each.buffer);
  if (reads.size === 0) throw new ScheduleError("materialise", `${step.buffer} is updated with what reads nothing`);
  const changes = (statement: Statement): boolean => [...storedBuffers([statement])].some((each) => reads.has(each));
  if (changes(loop))
    throw new ScheduleError("materialise", `${step.loop} stores to what the value for ${step.buffer} reads`);

  const body = replaceInBlock(kernel.body, loop, (block, at) => {
    const fill = loopOver(step.name, loop.extent, "serial", (here) => {
      const stored = new Rewriter().variable(loop.variable, here).expression(value);
      return [{ kind: "store", buffer, index: [index(here)], value: stored, update: null }];
    });
    let isLive = true;
    const rest = block.slice(at).map((statement): Statement => {
      if (changes(statement)) isLive = false;
      return isLive ? shared(statement) : statement;
    });
    return [...block.slice(0, at), { kind: "alloc", buffer }, fill, ...rest];
  });
  return { ...kernel, body };

  /** The statement with the array in place of the value, in every loop that runs over the same. */
  function shared(statement: Statement): Statement {
    const over = loopsIn([statement]).filter((each) => each.extent === loop.extent);
    const [made] = over.reduce(
      (body: readonly Statement[], { variable }) => {
        const same = new Rewriter().variable(loop.variable, size(variable)).expression(value);
        const read = load(buffer, [index(size(variable))]);
        return withStatementParts(body, (part) => (part === same ? read : null));
      },
      [statement],
    );
    return made!;
  }
}

/** The update of a buffer that is all that a loop does. */
function updateIn(loop: Loop, name: string): Store {
  const [only, ...others] = loop.body;
  if (only?.kind !== "store" || others.length > 0 || only.buffer.name !== name || only.update === null) {
    throw new ScheduleError("materialise", `${loop.variable.name} does more, or other, than to update ${name}`);
  }
  return only;
}
