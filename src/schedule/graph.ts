/**
 * Schedules the kernels of a lowered Graph: each distinct kernel once, so that equal kernels stay equal and shared.
 *
 * Guarantees: kernels keep their arguments, so that the calls and the buffers stay as they are.
 */
import { type Kernel, kernelKey } from "../ir/kernel/index.js";
import type { LoweredGraph } from "../lower/index.js";

/** @param schedule a kernel as its target should run it. */
export function scheduleGraph(lowered: LoweredGraph, schedule: (kernel: Kernel) => Kernel): LoweredGraph {
  const made = new Map<string, Kernel>();
  const calls = lowered.calls.map((call) => {
    const key = kernelKey(call.kernel);
    let kernel = made.get(key);
    if (kernel === undefined) {
      kernel = schedule(call.kernel);
      made.set(key, kernel);
    }
    return { ...call, kernel };
  });
  return { ...lowered, calls };
}
