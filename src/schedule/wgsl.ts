/** Kernels as the WGSL target runs them: scheduled by its policy and made legal for its printer. */
import type { Kernel } from "../ir/kernel/index.js";
import { applySchedule } from "./apply.js";
import { legaliseForWgsl } from "./legalise/wgsl.js";
import { invocationsOf } from "./policies/invocations.js";
import { schedulesForWgsl, type WgslPolicy } from "./policies/wgsl.js";
import { attentionForWgsl } from "./policies/wgsl-attention.js";
import { printSchedule } from "./text.js";

/**
 * The scheduled kernel, or the kernel itself where it can only be run by one invocation.
 * @param policy null for an invocation for each result, whatever the kernel does.
 */
export function scheduledForWgsl(kernel: Kernel, policy: WgslPolicy | null): Kernel {
  const tiled = policy === null ? [] : schedulesForWgsl(kernel, policy);
  const attention = policy === null || tiled.length > 0 ? [] : attentionForWgsl(kernel, policy.keys);
  const steps = tiled.length > 0 ? tiled : [...attention, ...invocationsOf(applySchedule(kernel, attention))];
  if (steps.length === 0) return kernel;
  return { ...legaliseForWgsl(applySchedule(kernel, steps)), schedule: printSchedule(steps) };
}
