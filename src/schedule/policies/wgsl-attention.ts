/**
 * Attention on a GPU, an invocation for each query and head: keys that the mask hides are left out of its loops, scores
 * exist for a tile of keys at a time, and each exponential is computed once for all columns of the values.
 */
import type { Kernel } from "../../ir/kernel/index.js";
import { constantOf } from "../../sizes/index.js";
import { Draft } from "../draft.js";
import type { Schedule } from "../step.js";
import { type AttentionLoops, attentionsIn } from "./attention.js";

/**
 * The steps; none where a kernel has no attention.
 * @param tile the number of keys whose scores an invocation has in its private memory.
 */
export function attentionForWgsl(kernel: Kernel, tile: number): Schedule {
  const draft = new Draft(kernel);
  const [attention, ...others] = attentionsIn(kernel);
  if (attention === undefined || others.length > 0) return [];
  const keys = attention.keys.variable.name;
  draft.try(() => draft.take({ step: "skipTiles", loop: keys, over: [] }));
  const filled = tileRow(draft, keys, tile) ?? keys;
  const total = attentionFilledBy(draft, filled)?.row.sums[0];
  if (total !== undefined) {
    const buffer = total.store.buffer.name;
    const loop = total.loop.variable.name;
    const [into, name] = [draft.fresh("share"), draft.fresh(loop)];
    draft.try(() => draft.take({ step: "materialise", buffer, loop, into, name }));
  }
  return draft.steps;
}

/** Tiles the row of scores; the loop that fills a tile, or null where the row is short or stays whole. */
function tileRow(draft: Draft, keys: string, tile: number): string | null {
  const attention = attentionFilledBy(draft, keys);
  if (attention === undefined) return null;
  const { row, keys: loop } = attention;
  const most = row.row.shape.map(constantOf);
  if (most.every((each) => each !== null && each <= tile)) return null;
  const outer = draft.fresh(`${keys}o`);
  const inner = [loop, ...row.readers].map(({ variable }) => draft.fresh(`${variable.name}i`));
  const nested = row.sums.filter((each) => !row.block.includes(each.loop));
  const rest = nested.flatMap(() => ["begin", "scale", "end"].map((name) => draft.fresh(name)));
  const step = { step: "online", loop: keys, factor: tile, names: [outer, ...inner, ...rest] } as const;
  return draft.try(() => draft.take(step), true) ? inner[0]! : null;
}

function attentionFilledBy(draft: Draft, keys: string): AttentionLoops | undefined {
  return attentionsIn(draft.kernel).find((each) => each.keys.variable.name === keys);
}
