/**
 * Attention of few queries on a GPU, as in a step of one position: a workgroup for each query of each head, whose lanes share
 * the keys. Of a tile of keys each lane computes scores and exponentials for some, and then sums values for some columns.
 *
 *   for b, i grid.x
 *     query[k], where the kernel computes it: lanes share its elements, and the norm before
 *     for so: score[si] of a tile, by lanes along keys; its maximum and its total, where lanes meet; share[si] = exp(…)
 *             sum[j] += share[si] * v[si, j], by lanes along columns
 *     y[j] = sum[j] / total
 *
 * Elsewhere lanes are queries; here there would be nothing for them to do but to walk along all keys alone.
 */
import type { Kernel } from "../../ir/kernel/index.js";
import { Draft } from "../draft.js";
import { ScheduleError } from "../errors.js";
import type { Loop } from "../rewrite.js";
import type { Schedule } from "../step.js";
import { type AttentionLoops, attentionsIn } from "./attention.js";
import { contractionsOf } from "./contraction.js";
import { namesOf, runsAlong } from "./roles.js";
import { materialiseShares, queryOf, takeOnline } from "./wgsl-attention.js";
import { inVectors, shareRows, spreadTile, sumInVectors } from "./wgsl-prologues.js";

/** Keys whose values are added at a time. */
const unrolled = 4;

export interface FewQueriesPolicy {
  /** Keys whose scores exist at a time. */
  readonly keys: number;
  /** Lanes of a workgroup. */
  readonly lanes: number;
  /** Bytes that a row may take which queries are made of. */
  readonly sharedBytes: number;
}

/** The steps; null where a kernel has no attention of few queries, or they cannot be taken. */
export function fewQueriesForWgsl(kernel: Kernel, policy: FewQueriesPolicy, isMeeting = false): Schedule | null {
  const [attention, ...others] = attentionsIn(kernel);
  if (attention === undefined || others.length > 0) return null;
  const queries = queryLoopIn(attention);
  if (queries === null && hasManyQueries(attention)) return null;
  const { nest, keys, scores } = attention;
  const row = nest.at(-1);
  if (row === undefined) return null;
  const draft = new Draft(kernel);
  const isTaken = draft.try(() => {
    if (queries !== null) computeQueries(draft, queries, row, policy);
    const { tiles, filled } = takeOnline(draft, keys.variable.name, policy.keys, true);
    materialiseShares(draft, filled);
    for (const { loop, left, right } of scores) {
      if ([left, right].every((each) => runsAlong(each, loop.variable))) inVectors(draft, loop.variable.name, "unroll");
    }
    sumInRegisters(draft, tiles);
    spreadTile(draft, namesOf(nest), 0, policy.lanes, [tiles], { sharedBytes: policy.sharedBytes, isMeeting });
  }, true);
  return isTaken ? draft.steps : null;
}

/** The loop that computes the queries of a row of scores, if the kernel does. */
export function queryLoopIn({ keys, row, scores }: AttentionLoops): Loop | null {
  const factors = scores.flatMap(({ left, right }) => [left, right]);
  const filled = new Set(factors.flatMap((each) => (each.kind === "load" ? [each.buffer] : [])));
  const before = row.block.slice(0, row.block.indexOf(keys));
  const loops = before.filter((each): each is Loop => each.kind === "for");
  return (
    loops.find(({ body }) => {
      const last = body.at(-1);
      return last?.kind === "store" && last.buffer.scope === "private" && filled.has(last.buffer);
    }) ?? null
  );
}

function hasManyQueries(attention: AttentionLoops): boolean {
  try {
    return queryOf(attention) !== null;
  } catch (error) {
    if (error instanceof ScheduleError) return false;
    throw error;
  }
}

/** The rows that queries are made of lie in memory that lanes share; lanes share the elements of a query. */
function computeQueries(draft: Draft, queries: Loop, row: Loop, { sharedBytes }: FewQueriesPolicy): void {
  const contraction = contractionsOf(draft.kernel).find(({ nest }) => nest.includes(queries));
  if (contraction === undefined) return;
  sumInVectors(draft, contraction);
  shareRows(draft, contraction.sums, row.variable.name, { sharedBytes, isMeeting: false });
  for (const { reduction } of contraction.sums) inVectors(draft, reduction.at(-1)!.variable.name, "unroll");
}

/** Sums over a tile of keys are kept in registers meanwhile, of several keys at a time. */
function sumInRegisters(draft: Draft, tiles: string): void {
  for (const loop of draft.inside(tiles)) {
    const [only, ...others] = loop.body;
    if (only?.kind !== "store" || others.length > 0 || only.update !== "add" || only.index.length === 0) continue;
    const { name } = loop.variable;
    draft.take({ step: "accumulate", buffer: only.buffer.name, loop: name, names: [] });
    const names = ["o", "i", "r"].map((end) => draft.fresh(name + end));
    draft.take({ step: "split", loop: name, factor: unrolled, tail: "peel", names, copies: [] });
    draft.take({ step: "mark", loop: names[1]!, kind: "unroll" });
  }
}
