/**
 * Attention on a GPU, an invocation for each query and head: keys that the mask hides are left out of its loops, scores
 * exist for a few keys at a time, in registers, and each exponential is computed once for all columns of the values.
 *
 * Where lanes share fast memory, those of a workgroup are queries of one head, and keys and values come through it, a tile
 * of them for all. Elsewhere each invocation reads what it needs, in vectors.
 */
import type { Kernel, Statement } from "../../ir/kernel/index.js";
import { constantOf, exactDivide, rangeOf, size } from "../../sizes/index.js";
import { applySchedule } from "../apply.js";
import { Draft } from "../draft.js";
import { ScheduleError } from "../errors.js";
import { loopsIn } from "../loops.js";
import type { Loop } from "../rewrite.js";
import type { Schedule } from "../step.js";
import { type AttentionLoops, attentionsIn, dependsOn } from "./attention.js";
import { invocationsOf } from "./invocations.js";
import { runsAlong } from "./roles.js";

export interface AttentionPolicy {
  /** Keys whose scores exist at a time. */
  readonly keys: number;
  /** Of how many keys a workgroup has keys and values at a time, a multiple of `keys`; and how many queries it has. */
  readonly shared: { readonly keys: number; readonly queries: number };
}

/** Bytes that workgroups of every device share. */
const leastShared = 16384;
/** Columns of values whose sums a lane has in registers. */
const mostColumns = 64;
/** Numbers in a vector. */
const width = 4;

/** The steps without memory that lanes share; none where a kernel has no attention. */
export function attentionForWgsl(kernel: Kernel, { keys }: AttentionPolicy): Schedule {
  const draft = new Draft(kernel);
  const [attention, ...others] = attentionsIn(kernel);
  if (attention === undefined || others.length > 0) return [];
  const loop = attention.keys.variable.name;
  draft.try(() => draft.take({ step: "skipTiles", loop, over: [] }));
  if (!draft.try(() => tileRow(draft, loop, { keys, whole: keys }), true)) tileLoosely(draft, loop, keys);
  return draft.steps;
}

/** As `attentionForWgsl`, and each query of each head an invocation; for other kernels, each result. */
export function plainAttentionForWgsl(kernel: Kernel, policy: AttentionPolicy): Schedule {
  const steps = attentionForWgsl(kernel, policy);
  return [...steps, ...invocationsOf(applySchedule(kernel, steps))];
}

/** The steps with keys and values in memory that lanes share; null where they cannot be taken. */
export function sharedAttentionForWgsl(kernel: Kernel, policy: AttentionPolicy): Schedule | null {
  const { keys, shared } = policy;
  const draft = new Draft(kernel);
  const [attention, ...others] = attentionsIn(kernel);
  if (attention === undefined || others.length > 0 || kernel.body[0] !== attention.nest[0]) return null;
  const isTaken = draft.try(() => {
    const loop = attention.keys.variable.name;
    const query = queryOf(attention);
    const whole = sharedKeys(attention, policy);
    const order = [...attention.nest.filter((each) => each !== query), query].map(({ variable }) => variable.name);
    if (attention.nest.at(-1) !== query) draft.take({ step: "reorder", loops: order });
    const names = [draft.fresh(`${query.variable.name}o`), draft.fresh(`${query.variable.name}i`)] as const;
    const tail = exactDivide(query.extent, size(shared.queries)) === null ? "clamp" : "exact";
    const { name } = query.variable;
    draft.take({ step: "split", loop: name, factor: shared.queries, tail, names, copies: [] });
    for (const each of [...order.slice(0, -1), names[0]]) draft.take({ step: "mark", loop: each, kind: "grid.x" });
    draft.try(() => draft.take({ step: "skipTiles", loop, over: [names[1]] }));
    const tiled = tileRow(draft, loop, { keys, whole });
    draft.take({ step: "mark", loop: names[1], kind: "lane.x" });
    shareFactors(draft, tiled, whole / keys);
  }, true);
  return isTaken ? draft.steps : null;
}

/** The innermost loop that no key and no value depends on. @throws ScheduleError where there is none. */
export function queryOf({ nest, keys, scores }: AttentionLoops): Loop {
  const query = nest.findLast((loop) =>
    scores.every(({ left, right }) =>
      [left, right].every((factor) => !dependsOn(factor, keys) || !dependsOn(factor, loop)),
    ),
  );
  const isFew = query === undefined || rangeOf(query.extent).max < 8;
  if (isFew) throw new ScheduleError("split", "there are too few queries to share keys");
  return query;
}

/** What a row's loops have become. */
interface TiledRow {
  /** The loop over tiles of keys, and the one that fills a tile. */
  readonly tiles: string;
  readonly filled: string;
  /** The names of the sums that scores are made of. */
  readonly scores: readonly string[];
}

/** Cuts the row into whole tiles, whose scores are registers. @throws ScheduleError where it cannot be cut. */
function tileRow(draft: Draft, loop: string, { keys, whole }: { keys: number; whole: number }): TiledRow {
  draft.try(() => draft.take({ step: "pad", loop, factor: whole }));
  const tiled = takeOnline(draft, loop, keys);
  const attention = attentionFilledBy(draft, tiled.filled);
  if (attention === undefined) throw new ScheduleError("online", "the tile is no row of an attention");
  materialiseShares(draft, tiled.filled);
  for (const { loop: sum, left, right } of attention.scores) {
    const entered = splitInner(
      draft,
      sum,
      [left, right].every((factor) => runsAlong(factor, sum.variable)),
    );
    draft.take({ step: "sink", loop: tiled.filled, into: entered });
  }
  if (attention.scores.length === 0) throw new ScheduleError("online", "scores are no sums");
  tileColumns(draft, tiled.tiles);
  markRest(draft, tiled.tiles, keys);
  return { ...tiled, scores: attention.scores.map(({ buffer }) => buffer) };
}

/** What is left of loops over a tile of keys is written out. */
function markRest(draft: Draft, tiles: string, keys: number): void {
  const names = draft
    .inside(tiles)
    .filter(({ extent, loop }) => loop === "serial" && constantOf(extent) === keys)
    .map(({ variable }) => variable.name);
  for (const loop of new Set(names)) draft.try(() => draft.take({ step: "mark", loop, kind: "unroll" }));
}

/** Splits a loop that is summed over into vectors where its elements lie side by side. */
function splitInner(draft: Draft, loop: Loop, isAlong: boolean): readonly string[] {
  const { name } = loop.variable;
  if (!isAlong || exactDivide(loop.extent, size(width)) === null || constantOf(loop.extent) === width) return [name];
  const names = [draft.fresh(`${name}o`), draft.fresh(`${name}i`)];
  draft.take({ step: "split", loop: name, factor: width, tail: "exact", names, copies: [] });
  draft.take({ step: "mark", loop: names[1]!, kind: "unroll" });
  return names;
}

/** Loops over columns of values, which begin, scale, go on and end sums, as vectors. */
function tileColumns(draft: Draft, tiles: string): void {
  const tilesLoop = draft.loop(tiles)!;
  const block = loopsIn(draft.kernel.body).find(({ body }) => body.includes(tilesLoop))?.body ?? [];
  const inside = draft.inside(tiles).filter(({ body }) => body.some((each) => each.kind === "for"));
  const going = inside.filter((loop) => {
    const [only, ...others] = loop.body;
    if (only?.kind !== "for" || others.length > 0) return false;
    return only.body.every((each) => each.kind === "store" && each.index.some((at) => dependsOn(at, loop)));
  });
  const extents = new Set(going.map(({ extent }) => extent));
  const flat = [...block, ...tilesLoop.body].filter(
    (each): each is Loop =>
      each.kind === "for" && each !== tilesLoop && extents.has(each.extent) && !going.includes(each),
  );
  for (const each of going) splitColumns(draft, each, [(each.body[0] as Loop).variable.name]);
  for (const each of flat) splitColumns(draft, each, null);
}

function splitColumns(draft: Draft, loop: Loop, into: readonly string[] | null): void {
  const { name } = loop.variable;
  const count = constantOf(loop.extent);
  if (count === null || count % width !== 0) return;
  draft.try(() => {
    const names = [draft.fresh(`${name}o`), draft.fresh(`${name}i`)];
    draft.take({ step: "split", loop: name, factor: width, tail: "exact", names, copies: [] });
    if (into !== null) draft.take({ step: "sink", loop: names[1]!, into });
    draft.take({ step: "mark", loop: names[1]!, kind: "vector" });
    if (count <= mostColumns) draft.take({ step: "mark", loop: names[0]!, kind: "unroll" });
  });
}

/** How many keys, with their values, fit the memory that lanes share, by halves of what is wanted. */
function sharedKeys({ scores, row }: AttentionLoops, { keys, shared }: AttentionPolicy): number {
  const columns = row.sums.flatMap(({ loop }) => row.block.filter((each) => each.kind === "for" && each !== loop));
  const around = columns.filter(
    (each): each is Loop => each.kind === "for" && row.sums.some(({ loop }) => each.body.includes(loop)),
  );
  const extents = [...scores.map(({ loop }) => loop), ...new Set(around)].map(({ extent }) => constantOf(extent));
  const numbers = extents.reduce<number>((sum, each) => sum + (each ?? Number.POSITIVE_INFINITY), 0);
  let count = shared.keys;
  while (4 * numbers * count > leastShared && count > keys) count /= 2;
  if (4 * numbers * count > leastShared) throw new ScheduleError("share", "keys do not fit the memory of a workgroup");
  return count;
}

/** Computes keys and values in memory that lanes share, ahead of the tiles that read them. @throws ScheduleError */
function shareFactors(draft: Draft, { tiles, scores }: TiledRow, count: number): void {
  const names = [draft.fresh(`${tiles}o`), draft.fresh(`${tiles}i`)] as const;
  if (count > 1) draft.take({ step: "split", loop: tiles, factor: count, tail: "exact", names, copies: [] });
  const loop = count > 1 ? names[0] : tiles;
  const outer = draft.loop(loop)!;
  for (const { store, loops } of updatesIn(outer.body, [])) {
    const { value, buffer } = store;
    if (value.kind !== "binary" || value.operator !== "mul") continue;
    const [side, factor] = dependsOn(value.right, outer)
      ? (["right", value.right] as const)
      : (["left", value.left] as const);
    if (factor.kind !== "load" || factor.buffer.scope !== "global") continue;
    const axes = factor.index
      .map((at) => loops.filter((each) => dependsOn(at, each)).map(({ variable }) => variable.name))
      .filter((group) => group.length > 0);
    const inner = loops.filter((each) => dependsOn(factor.index.at(-1)!, each));
    const length = inner.reduce((product, { extent }) => product * (constantOf(extent) ?? 1), 1);
    const isOfVectors = axes.length > 1 && length % width === 0;
    const into = scores.includes(buffer.name) ? "key_tile" : "value_tile";
    const fill = isOfVectors ? [draft.fresh("fill"), draft.fresh("part")] : [draft.fresh("fill")];
    const shape = { axes, across: false, pad: 0, width: isOfVectors ? width : 1, names: fill } as const;
    draft.take({ step: "share", buffer: buffer.name, side, loop, into, ...shape });
  }
}

type Store = Extract<Statement, { kind: "store" }>;

/** The sums in a loop, with the loops around each. */
function updatesIn(body: readonly Statement[], loops: readonly Loop[]): { store: Store; loops: readonly Loop[] }[] {
  return body.flatMap((each) => {
    if (each.kind === "for") return updatesIn(each.body, [...loops, each]);
    return each.kind === "store" && each.update === "add" ? [{ store: each, loops }] : [];
  });
}

/** Tiles a row whose length is not filled up: tiles have a loop for as many keys as there are left. */
function tileLoosely(draft: Draft, loop: string, keys: number): void {
  let filled = loop;
  draft.try(() => {
    filled = takeOnline(draft, loop, 4 * keys).filled;
  }, true);
  materialiseShares(draft, draft.loop(filled) === null ? loop : filled);
}

/** @throws ScheduleError where the row stays whole, or is short, unless that is taken as well. */
export function takeOnline(draft: Draft, keys: string, factor: number, isShort = false): Omit<TiledRow, "scores"> {
  const attention = attentionFilledBy(draft, keys);
  const most = attention?.row.row.shape.map(constantOf) ?? [];
  if (attention === undefined || (!isShort && most.every((each) => each !== null && each <= factor))) {
    throw new ScheduleError("online", "the row is short");
  }
  const { row, keys: loop } = attention;
  const outer = draft.fresh(`${keys}o`);
  const inner = [loop, ...row.readers].map(({ variable }) => draft.fresh(`${variable.name}i`));
  const nested = row.sums.filter((each) => !row.block.includes(each.loop));
  const rest = nested.flatMap(() => ["begin", "scale", "end"].map((name) => draft.fresh(name)));
  draft.take({ step: "online", loop: keys, factor, names: [outer, ...inner, ...rest] });
  return { tiles: outer, filled: inner[0]! };
}

/** Each exponential is computed once. */
export function materialiseShares(draft: Draft, filled: string): void {
  const total = attentionFilledBy(draft, filled)?.row.sums[0];
  if (total === undefined) return;
  const buffer = total.store.buffer.name;
  const loop = total.loop.variable.name;
  const [into, name] = [draft.fresh("share"), draft.fresh(loop)];
  draft.try(() => draft.take({ step: "materialise", buffer, loop, into, name }));
}

function attentionFilledBy(draft: Draft, keys: string): AttentionLoops | undefined {
  return attentionsIn(draft.kernel).find((each) => each.keys.variable.name === keys);
}
