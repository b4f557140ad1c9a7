/**
 * A scheduled kernel as the TypeScript target runs it: no unrolled loops, tiles in variables, each element loaded once.
 *
 * Only what a schedule has changed is made legal: a naive kernel is printed as it is.
 */
import type { Kernel } from "../../ir/kernel/index.js";
import { expand } from "./expand.js";
import { shareLoads } from "./loads.js";
import { registers } from "./registers.js";

export function legaliseForTypeScript(kernel: Kernel): Kernel {
  return shareLoads(registers(expand(kernel)));
}
