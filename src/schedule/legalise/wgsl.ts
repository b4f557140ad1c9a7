/** A scheduled kernel as a GPU runs it: no unrolled loops, vectors, tiles in registers, barriers between lanes. */
import type { Kernel } from "../../ir/kernel/index.js";
import { barriers } from "./barriers.js";
import { mergedConditions } from "./conditions.js";
import { expand } from "./expand.js";
import { shareLoads } from "./loads.js";
import { registers } from "./registers.js";
import { lanes, plainVectors } from "./vectors.js";

export function legaliseForWgsl(kernel: Kernel): Kernel {
  return barriers(shareLoads(registers(mergedConditions(plainVectors(expand(kernel, lanes))))));
}
