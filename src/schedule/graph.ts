/**
 * Schedules the kernels of a lowered Graph: each distinct kernel once, so that equal kernels stay equal and shared.
 *
 * Guarantees: kernels keep their arguments, so that the calls and the buffers stay as they are; but an argument that a
 * schedule packs gets a buffer of its own, which is prepared (packing.ts).
 */
import { type Kernel, kernelKey } from "../ir/kernel/index.js";
import type { Call, LoweredGraph } from "../lower/index.js";
import { packBuffers } from "./packing.js";

/** @param schedule a kernel as its target should run it. */
export function scheduleGraph(lowered: LoweredGraph, schedule: (kernel: Kernel) => Kernel): LoweredGraph {
  const made = new Map<string, Kernel>();
  const scheduled = (call: Call): Call => {
    const key = kernelKey(call.kernel);
    let kernel = made.get(key);
    if (kernel === undefined) {
      kernel = schedule(call.kernel);
      made.set(key, kernel);
    }
    return { ...call, kernel };
  };
  return packBuffers({
    ...lowered,
    prepare: lowered.prepare.map(scheduled),
    calls: lowered.calls.map(scheduled),
  });
}
