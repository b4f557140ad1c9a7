/**
 * Schedules the kernels of lowered Graphs: each distinct kernel once, so that equal kernels stay equal and shared. What is
 * equal up to the names of its sizes, as a layer over all positions and over those of a step, is scheduled once too.
 *
 * Guarantees: kernels keep their arguments, so that the calls and the buffers stay as they are; but an argument that a
 * schedule packs gets a buffer of its own, which is prepared (packing.ts).
 */
import { Buffer, type Kernel, KernelMemo, type KernelVariant, kernelsOf } from "../ir/kernel/index.js";
import type { Call, LoweredGraph } from "../lower/index.js";
import { size } from "../sizes/index.js";
import { loopsIn } from "./loops.js";
import { packBuffers } from "./packing.js";
import { Rewriter } from "./rewrite.js";

/** Schedules the graphs of one module, one after another. */
export type GraphScheduler = (lowered: LoweredGraph) => LoweredGraph;

/** @param schedule a kernel as its target should run it. */
export function graphScheduler(schedule: (kernel: Kernel) => Kernel): GraphScheduler {
  const made = new KernelMemo<Kernel>();
  const scheduled = (call: Call): Call => {
    const { kernel } = call;
    const find = (): Kernel => schedule(kernel);
    return { ...call, kernel: made.of(kernel, find, (found, of) => overSizesOf(kernel, found, of) ?? find()) };
  };
  return (lowered) =>
    packBuffers({
      ...lowered,
      prepare: lowered.prepare.map(scheduled),
      calls: lowered.calls.map(scheduled),
    });
}

/** @param schedule a kernel as its target should run it. */
export function scheduleGraph(lowered: LoweredGraph, schedule: (kernel: Kernel) => Kernel): LoweredGraph {
  return graphScheduler(schedule)(lowered);
}

/**
 * The schedule of `other`, a kernel that equals this one up to the names of sizes, over this one's sizes and arguments.
 * Null where a loop of it has the name of a size.
 */
function overSizesOf(kernel: Kernel, scheduled: Kernel, other: Kernel): Kernel | null {
  if (scheduled === other) return kernel;
  const names = new Set(kernel.sizes.map(({ name }) => name));
  const bodies = kernelsOf(scheduled).flatMap(({ body }) => body);
  if (loopsIn(bodies).some(({ variable }) => names.has(variable.name))) return null;
  const rewriter = new Rewriter();
  for (const [position, variable] of other.sizes.entries()) rewriter.variable(variable, size(kernel.sizes[position]!));
  const argument = (own: Buffer, buffer: Buffer): Buffer => {
    const { packed, ...facts } = buffer.facts;
    const shape = buffer.shape.map((each) => rewriter.size(each));
    const from = packed === undefined ? {} : { packed: { ...packed, from: own.shape } };
    const made = new Buffer(own.name, own.element, shape, own.scope, { ...facts, ...from });
    rewriter.buffer(buffer, { buffer: made, index: (at) => at });
    return made;
  };
  const reads = scheduled.reads.map((buffer, position) => argument(kernel.reads[position]!, buffer));
  const writes = scheduled.writes.map((buffer, position) => argument(kernel.writes[position]!, buffer));
  return {
    ...kernel,
    reads,
    writes,
    sizes: scheduled.sizes.map((variable) => kernel.sizes[other.sizes.indexOf(variable)]!),
    body: rewriter.statements(scheduled.body),
    ...(scheduled.variants === undefined
      ? {}
      : { variants: scheduled.variants.map((variant) => variantOver(rewriter, variant)) }),
    ...(scheduled.schedule === undefined ? {} : { schedule: scheduled.schedule }),
  };
}

function variantOver(rewriter: Rewriter, variant: KernelVariant): KernelVariant {
  const { few } = variant;
  const body = rewriter.statements(variant.body);
  return { ...variant, body, few: few === null ? null : { ...few, size: rewriter.size(few.size) } };
}
