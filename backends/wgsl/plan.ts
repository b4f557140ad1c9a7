/**
 * Brings a plan into the form that WebGPU can bind: a buffer that a call reads twice is one argument of its kernel.
 *
 * All that lives between kernels lies in one buffer of the device, whose parts are bound for reading and writing alike,
 * since a buffer must not be bound for reading only while another part of it is written. Two such bindings of one
 * dispatch must not overlap, which they would if they were the same part.
 */
import { type Kernel, withBodies } from "../../src/ir/kernel/index.js";
import type { BufferId, Dispatch, Plan } from "../../src/ir/plan/plan.js";
import { Rewriter } from "../../src/schedule/rewrite.js";

export function withDistinctArguments(plan: Plan): Plan {
  const kernels = [...plan.kernels];
  const made = new Map<string, number>();
  const dispatches = plan.dispatches.map((dispatch): Dispatch => {
    const { reads } = dispatch;
    if (new Set(reads).size === reads.length) return dispatch;
    const first = reads.map((id) => reads.indexOf(id));
    const key = `${dispatch.kernel} ${first.join()}`;
    let number = made.get(key);
    if (number === undefined) {
      number = kernels.push(merged(plan.kernels[dispatch.kernel]!, first)) - 1;
      made.set(key, number);
    }
    return { ...dispatch, kernel: number, reads: [...new Set(reads)] as BufferId[] };
  });
  return { ...plan, kernels, dispatches };
}

/** The kernel with the argument at `first[i]` in place of its argument i. */
function merged(kernel: Kernel, first: readonly number[]): Kernel {
  const rewriter = new Rewriter();
  for (const [at, buffer] of kernel.reads.entries()) {
    const kept = kernel.reads[first[at]!]!;
    if (kept !== buffer) rewriter.buffer(buffer, { buffer: kept, index: (index) => index });
  }
  const reads = kernel.reads.filter((_, at) => first[at] === at);
  return { ...withBodies(kernel, (body) => rewriter.statements(body)), reads };
}
