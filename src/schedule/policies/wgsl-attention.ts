/**
 * Attention on a GPU, an invocation for each query and head: keys that the mask hides are left out of its loops, and each
 * exponential is computed once for all columns of the values.
 */
import type { Kernel } from "../../ir/kernel/index.js";
import { Draft } from "../draft.js";
import type { Schedule } from "../step.js";
import { attentionsIn } from "./attention.js";

/** The steps; none where a kernel has no attention. */
export function attentionForWgsl(kernel: Kernel): Schedule {
  const draft = new Draft(kernel);
  const [attention, ...others] = attentionsIn(kernel);
  if (attention === undefined || others.length > 0) return [];
  const keys = attention.keys.variable.name;
  draft.try(() => draft.take({ step: "skipTiles", loop: keys, over: [] }));
  const total = attentionsIn(draft.kernel).find((each) => each.keys.variable.name === keys)?.row.sums[0];
  if (total !== undefined) {
    const buffer = total.store.buffer.name;
    const loop = total.loop.variable.name;
    const [into, name] = [draft.fresh("share"), draft.fresh(loop)];
    draft.try(() => draft.take({ step: "materialise", buffer, loop, into, name }));
  }
  return draft.steps;
}
