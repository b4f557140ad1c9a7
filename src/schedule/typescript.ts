/** Kernels as the TypeScript target runs them: scheduled by its policy and made legal for its printer. */
import type { Kernel } from "../ir/kernel/index.js";
import { applySchedule } from "./apply.js";
import { ScheduleError } from "./errors.js";
import { legaliseForTypeScript } from "./legalise/typescript.js";
import { scheduleForTypeScript, type TypeScriptPolicy } from "./policies/typescript.js";
import { printSchedule } from "./text.js";

/** The scheduled kernel, or the kernel itself where the policy has nothing for it, or a step is not proven to be legal. */
export function scheduledForTypeScript(kernel: Kernel, policy: TypeScriptPolicy): Kernel {
  const steps = scheduleForTypeScript(kernel, policy);
  if (steps.length === 0) return kernel;
  try {
    return { ...legaliseForTypeScript(applySchedule(kernel, steps)), schedule: printSchedule(steps) };
  } catch (error) {
    if (error instanceof ScheduleError) return kernel;
    throw error;
  }
}
