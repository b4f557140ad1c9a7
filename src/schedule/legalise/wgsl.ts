/** A scheduled kernel as a GPU runs it: no unrolled loops, tiles in registers, barriers between lanes. */
import type { Kernel } from "../../ir/kernel/index.js";
import { barriers } from "./barriers.js";
import { expand } from "./expand.js";
import { shareLoads } from "./loads.js";
import { registers } from "./registers.js";

export function legaliseForWgsl(kernel: Kernel): Kernel {
  return barriers(shareLoads(registers(expand(kernel))));
}
