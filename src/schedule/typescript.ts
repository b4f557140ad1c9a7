/** Kernels as the TypeScript target runs them: scheduled by its policy and made legal for its printer. */
import type { Kernel } from "../ir/kernel/index.js";
import { applySchedule } from "./apply.js";
import { ScheduleError } from "./errors.js";
import { legaliseForTypeScript } from "./legalise/typescript.js";
import { schedulesForTypeScript, type TypeScriptPolicy } from "./policies/typescript.js";
import { attentionForTypeScript } from "./policies/typescript-attention.js";
import { softmaxForTypeScript } from "./policies/typescript-softmax.js";
import type { Step } from "./step.js";
import { printSchedule } from "./text.js";

/**
 * The scheduled kernel, or the kernel itself where the policy has nothing for it. What is not proven to be legal is left
 * out: a part of the kernel then stays as it was.
 */
export function scheduledForTypeScript(kernel: Kernel, policy: TypeScriptPolicy): Kernel {
  const attention = attentionForTypeScript(kernel, policy.attention);
  if (attention.length > 0) return finished(applySchedule(kernel, attention), attention);
  const taken: Step[] = [...softmaxForTypeScript(kernel)];
  let made = applySchedule(kernel, taken);
  for (const steps of schedulesForTypeScript(made, policy)) {
    try {
      made = applySchedule(made, steps);
      taken.push(...steps);
    } catch (error) {
      if (!(error instanceof ScheduleError)) throw error;
    }
  }
  return taken.length === 0 ? kernel : finished(made, taken);
}

function finished(kernel: Kernel, steps: readonly Step[]): Kernel {
  return { ...legaliseForTypeScript(kernel), schedule: printSchedule(steps) };
}
