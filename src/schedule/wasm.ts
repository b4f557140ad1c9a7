/** Kernels as the WebAssembly target runs them: scheduled by its policies. */
import type { Kernel } from "../ir/kernel/index.js";
import { Draft } from "./draft.js";
import { contractionsOf } from "./policies/contraction.js";
import { workOf } from "./policies/roles.js";
import { tileForWasm, type VectorTile } from "./policies/wasm-contraction.js";
import { shareForWasm } from "./policies/wasm-parallel.js";
import { vectorsForWasm } from "./policies/wasm-rows.js";
import { printSchedule } from "./text.js";

export interface WasmPolicy {
  readonly tile: VectorTile;
  /** Contractions of fewer multiplications, where their number is known, stay as they are. */
  readonly leastWork: number;
}

export const wasmPolicy: WasmPolicy = { tile: { rows: 2, columns: 16 }, leastWork: 512 };

/**
 * The scheduled kernel, or the kernel itself where the policies have nothing for it. What is not proven to be legal is
 * left out: a part of the kernel then stays as it was.
 */
export function scheduledForWasm(kernel: Kernel, policy: WasmPolicy = wasmPolicy): Kernel {
  const draft = new Draft(kernel);
  for (const contraction of contractionsOf(kernel)) {
    if (workOf(contraction) >= policy.leastWork) draft.try(() => tileForWasm(draft, contraction, policy.tile), true);
  }
  vectorsForWasm(draft);
  shareForWasm(draft);
  const { steps } = draft;
  return steps.length === 0 ? kernel : { ...draft.kernel, schedule: printSchedule(steps) };
}
