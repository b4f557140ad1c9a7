/** Kernels as the WebAssembly target runs them: scheduled by its policies. */
import type { Kernel } from "../ir/kernel/index.js";

export function scheduledForWasm(kernel: Kernel): Kernel {
  return kernel;
}
