/**
 * repeat: brings a loop around all that stands before it, which is then computed anew in each of its iterations.
 *
 *   for t in 0..T                            for t in 0..T
 *     alloc sum                                for j in 0..N
 *     for k in 0..K: sum += x[t, k]              alloc sum
 *     for j in 0..N                        →     for k in 0..K: sum += x[t, k]
 *       y[t, j] = x[t, j] / sum                  y[t, j] = x[t, j] / sum
 *
 * Needs: what stands before the loop only stores to what it allocates itself, nothing stands behind the loop, and the loop
 * stores to nothing that is allocated or read before it. Guarantees: what is computed is what was, more often.
 */
import {
  allStatements,
  type Buffer,
  type Kernel,
  loadedBuffers,
  type Statement,
  storedBuffers,
} from "../../ir/kernel/index.js";
import { ScheduleError } from "../errors.js";
import { loopNamed, requireMovable } from "../loops.js";
import { replaceInBlock } from "../rewrite.js";
import type { Step } from "../step.js";

export function repeat(kernel: Kernel, { loop: name }: Extract<Step, { step: "repeat" }>): Kernel {
  const loop = loopNamed(kernel, name, "repeat");
  requireMovable(loop, "repeat");
  const body = replaceInBlock(kernel.body, loop, (block, at): readonly Statement[] => {
    if (at < block.length - 1) throw new ScheduleError("repeat", `something stands behind ${name}`);
    const before = block.slice(0, at);
    const own = new Set<Buffer>();
    for (const each of allStatements(before)) if (each.kind === "alloc") own.add(each.buffer);
    const kept = [...storedBuffers(before)].find((buffer) => !own.has(buffer));
    if (kept !== undefined) throw new ScheduleError("repeat", `${kept.name}, which is stored to before ${name}, stays`);
    const read = loadedBuffers(before);
    const changed = [...storedBuffers(loop.body)].find((buffer) => own.has(buffer) || read.has(buffer));
    if (changed !== undefined) throw new ScheduleError("repeat", `${name} stores to ${changed.name}`);
    return [{ ...loop, body: [...before, ...loop.body] }];
  });
  return { ...kernel, body };
}
