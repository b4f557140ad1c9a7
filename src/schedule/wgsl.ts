/** Kernels as the WGSL target runs them: scheduled by its policy and made legal for its printer. */
import { allStatements, type Kernel, type KernelVariant } from "../ir/kernel/index.js";
import type { LoweredGraph } from "../lower/index.js";
import { constantOf } from "../sizes/index.js";
import { applySchedule } from "./apply.js";
import { chained } from "./chains.js";
import { legaliseForWgsl } from "./legalise/wgsl.js";
import { invocationsOf } from "./policies/invocations.js";
import { behindPrologue, schedulesForWgsl, type WgslPolicy } from "./policies/wgsl.js";
import { plainAttentionForWgsl, sharedAttentionForWgsl } from "./policies/wgsl-attention.js";
import { fewQueriesForWgsl } from "./policies/wgsl-few-queries.js";
import { prologueProductOf } from "./policies/wgsl-prologues.js";
import { type VariantSchedule, variantsForWgsl } from "./policies/wgsl-variants.js";
import type { Schedule } from "./step.js";
import { printSchedule } from "./text.js";

/**
 * The scheduled kernel, or the kernel itself where it can only be run by one invocation.
 * @param policy null for an invocation for each result, whatever the kernel does.
 */
export function scheduledForWgsl(kernel: Kernel, policy: WgslPolicy | null): Kernel {
  const steps = policy === null ? invocationsOf(kernel) : firstChoice(kernel, policy);
  if (steps.length === 0) return kernel;
  const variants = policy === null ? [] : variantsForWgsl(kernel, policy).flatMap((each) => variant(kernel, each));
  return { ...legalised(kernel, steps), ...(variants.length === 0 ? {} : { variants }) };
}

function firstChoice(kernel: Kernel, policy: WgslPolicy): Schedule {
  const tiled = schedulesForWgsl(kernel, policy);
  if (tiled.length > 0) return tiled;
  const few = fewQueriesForWgsl(kernel, policy.fewQueries);
  if (few !== null) return few;
  return sharedAttentionForWgsl(kernel, policy.attention) ?? plainAttentionForWgsl(kernel, policy.attention);
}

function legalised(kernel: Kernel, steps: Schedule): Kernel {
  return { ...legaliseForWgsl(applySchedule(kernel, steps)), schedule: printSchedule(steps) };
}

/** The variant, unless it needs private arrays whose length is not known. */
function variant(kernel: Kernel, { steps, ...use }: VariantSchedule): readonly KernelVariant[] {
  const { body, schedule = "" } = legalised(kernel, steps);
  const isConstant = allStatements(body).every(
    (each) => each.kind !== "alloc" || each.buffer.shape.every((extent) => constantOf(extent) !== null),
  );
  return isConstant ? [{ ...use, body, schedule }] : [];
}

/** The kernels of short steps, small ones one after another as one. @param mostArguments the buffers of a kernel */
export function chainedForWgsl(lowered: LoweredGraph, policy: WgslPolicy, mostArguments: number): LoweredGraph {
  return chained(lowered, {
    mostArguments,
    lanes: lowered.areApart ? null : policy.rowLanes,
    isShared: (kernel) => {
      const prologue = prologueProductOf(kernel);
      return prologue !== null && behindPrologue(kernel, prologue, policy) !== null;
    },
  });
}
