/** Kernels as the WebAssembly target runs them: scheduled by its policies. */
import { type Buffer, type Kernel, layoutText } from "../ir/kernel/index.js";
import { Draft } from "./draft.js";
import { type Contraction, contractionsOf } from "./policies/contraction.js";
import { workOf } from "./policies/roles.js";
import { type AttentionTile, attentionForTypeScript } from "./policies/typescript-attention.js";
import { fillsTile, tileForWasm, type VectorTile } from "./policies/wasm-contraction.js";
import { integerContractionsOf, tileIntegersForWasm } from "./policies/wasm-integers.js";
import { shareForWasm } from "./policies/wasm-parallel.js";
import { isInnermost, markVectors, splitForVectors, vectorsForWasm } from "./policies/wasm-rows.js";
import { type Loop, Rewriter } from "./rewrite.js";
import { printSchedule } from "./text.js";

export interface WasmPolicy {
  readonly tile: VectorTile;
  /** Where one instruction multiplies and adds; of the same panels. */
  readonly relaxedTile: VectorTile;
  readonly attention: AttentionTile;
  /** Contractions of fewer multiplications, where their number is known, stay as they are. */
  readonly leastWork: number;
}

export const wasmPolicy: WasmPolicy = {
  tile: { rows: 2, columns: 16 },
  relaxedTile: { rows: 6, columns: 8, panel: 16 },
  attention: { rows: 4, keys: 8, columns: 8, keysOfRow: 1, tiles: "vector", alongRow: vectorsAlongRow },
  leastWork: 512,
};

/** The loops over keys that find the largest score and the sum of exponentials, and those that divide by it. */
function vectorsAlongRow(draft: Draft, loops: readonly Loop[]): () => void {
  const names = loops.filter((each) => isInnermost(each)).map(({ variable }) => variable.name);
  const marks = names.flatMap((name) => {
    const loop = draft.loop(name);
    const made = loop === null ? null : splitForVectors(draft, loop);
    return made === null ? [] : [made];
  });
  return () => {
    for (const each of marks) markVectors(draft, each);
  };
}

/**
 * The scheduled kernel, or the kernel itself where the policies have nothing for it. What is not proven to be legal is
 * left out: a part of the kernel then stays as it was.
 */
export function scheduledForWasm(kernel: Kernel, policy: WasmPolicy = wasmPolicy): Kernel {
  const made = scheduledWith(kernel, policy, () => policy.tile);
  if (!contractionsOf(kernel).some((each) => fillsTile(each, policy.relaxedTile))) return made;
  const relaxed = scheduledWith(kernel, policy, (each) =>
    fillsTile(each, policy.relaxedTile) ? policy.relaxedTile : policy.tile,
  );
  const { schedule } = relaxed;
  if (schedule === undefined || schedule === made.schedule || !haveSameLayouts(made, relaxed)) return made;
  const rewriter = new Rewriter();
  for (const [position, buffer] of relaxed.reads.entries()) {
    rewriter.buffer(buffer, { buffer: made.reads[position]!, index: (at) => at });
  }
  const body = rewriter.statements(relaxed.body);
  return { ...made, variants: [{ name: "relaxed", device: "relaxed", few: null, body, schedule }] };
}

function scheduledWith(kernel: Kernel, policy: WasmPolicy, tileOf: (contraction: Contraction) => VectorTile): Kernel {
  const draft = new Draft(kernel);
  draft.try(() => draft.take(...attentionForTypeScript(kernel, policy.attention)), true);
  for (const each of contractionsOf(kernel)) {
    if (workOf(each) >= policy.leastWork) draft.try(() => tileForWasm(draft, each, tileOf(each)), true);
  }
  for (const contraction of integerContractionsOf(kernel)) {
    if (workOf(contraction) >= policy.leastWork) {
      draft.try(() => tileIntegersForWasm(draft, contraction, policy.tile), true);
    }
  }
  vectorsForWasm(draft);
  shareForWasm(draft);
  const { steps } = draft;
  return steps.length === 0 ? kernel : { ...draft.kernel, schedule: printSchedule(steps) };
}

/** Whether both read all arguments in the same layout. */
function haveSameLayouts(a: Kernel, b: Kernel): boolean {
  const layout = ({ facts }: Buffer): string => (facts.packed === undefined ? "" : layoutText(facts.packed.layout));
  return a.reads.every((each, position) => layout(each) === layout(b.reads[position]!));
}
