/** Kernels as the WGSL target runs them: scheduled by its policy and made legal for its printer. */
import type { Kernel } from "../ir/kernel/index.js";
import { applySchedule } from "./apply.js";
import { invocationsOf } from "./policies/invocations.js";
import { printSchedule } from "./text.js";

/** The scheduled kernel, or the kernel itself where it can only be run by one invocation. */
export function scheduledForWgsl(kernel: Kernel): Kernel {
  const steps = invocationsOf(kernel);
  return steps.length === 0 ? kernel : { ...applySchedule(kernel, steps), schedule: printSchedule(steps) };
}
