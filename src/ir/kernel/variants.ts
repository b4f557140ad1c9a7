/** Kernels with other bodies for some devices or sizes. */
import type { Kernel, KernelVariant } from "./kernel.js";

/** The kernel that a variant of one is. */
export function variantOf({ variants, ...kernel }: Kernel, { body, schedule }: KernelVariant): Kernel {
  return { ...kernel, body, schedule };
}

/** All kernels that a kernel may be run as: itself first. */
export function kernelsOf(kernel: Kernel): readonly Kernel[] {
  return [kernel, ...(kernel.variants ?? []).map((variant) => variantOf(kernel, variant))];
}

/** A kernel whose bodies are all rewritten. */
export function withBodies(kernel: Kernel, rewrite: (body: Kernel["body"]) => Kernel["body"]): Kernel {
  const { variants } = kernel;
  const made = variants?.map((variant) => ({ ...variant, body: rewrite(variant.body) }));
  return { ...kernel, body: rewrite(kernel.body), ...(made === undefined ? {} : { variants: made }) };
}
