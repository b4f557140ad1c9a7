/**
 * Attention as JavaScript: a few rows at a time, so that a key and a value that are loaded serve all of them.
 *
 * Scores are a tile of rows by keys, results one of rows by columns, as in a matrix product. A row of scores stays whole:
 * it is small beside the keys, and tiles of it would only add work. Keys that the mask hides are left out of the loops;
 * exponentials are computed once. What is computed of queries and keys (a rotation, say) is computed ahead.
 */
import type { Kernel } from "../../ir/kernel/index.js";
import { constantOf, exactDivide, size, variablesOf } from "../../sizes/index.js";
import { Draft } from "../draft.js";
import { loopsIn } from "../loops.js";
import type { Loop } from "../rewrite.js";
import type { Schedule } from "../step.js";
import { visibleBounds } from "../steps/visible.js";
import { type AttentionLoops, attentionsIn, dependsOn } from "./attention.js";

/** Rows, keys and columns of the tiles. */
export interface AttentionTile {
  readonly rows: number;
  readonly keys: number;
  readonly columns: number;
  /** The keys of a tile of a single row, if other than those of several; with one, its scores are sums along a key. */
  readonly keysOfRow?: number;
  /** How tiles of keys and columns are run; written out if not given. */
  readonly tiles?: "unroll" | "vector";
  /** Makes the rest of the loops along a row ready before rows are taken together, and marks them after it. */
  readonly alongRow?: (draft: Draft, loops: readonly Loop[]) => () => void;
}

/** The steps for the attention of a kernel; none if it has none. */
export function attentionForTypeScript(kernel: Kernel, tile: AttentionTile): Schedule {
  const draft = new Draft(kernel);
  const [attention, ...others] = attentionsIn(kernel);
  if (attention === undefined || others.length > 0) return [];
  const keys = attention.keys.variable.name;
  const query = queriesLast(draft, attention);
  stageFactors(draft, keys, query);
  if (query !== null) askForFinite(draft, keys, query);
  if (query === null) scheduleRow(draft, keys, null, tile);
  else splitRows(draft, keys, query, tile);
  return draft.steps;
}

/**
 * Brings the loop over queries to the inside of the nest: the innermost one that no key depends on. Null if there is no
 * loop over queries.
 */
function queriesLast(draft: Draft, { nest, keys, scores }: AttentionLoops): string | null {
  const isQuery = (loop: Loop): boolean =>
    scores.every(({ left, right }) =>
      [left, right].every((factor) => !dependsOn(factor, keys) || !dependsOn(factor, loop)),
    );
  const query = nest.findLast(isQuery);
  const innermost = nest.at(-1);
  if (query === undefined || innermost === undefined) return null;
  if (query === innermost) return query.variable.name;
  const others = nest.slice(nest.indexOf(query) + 1);
  const order = [...others, query].map(({ variable }) => variable.name);
  return draft.try(() => draft.take({ step: "reorder", loops: order })) ? query.variable.name : null;
}

/** Computes what queries and keys are made of ahead of the loops that do not change it, unless they are elements. */
function stageFactors(draft: Draft, keys: string, query: string | null): void {
  for (const { buffer, left, right } of attentionsIn(draft.kernel)[0]?.scores ?? []) {
    for (const [side, factor] of [["left", left] as const, ["right", right] as const]) {
      const loop = draft.loop(keys);
      if (factor.kind === "load" || loop === null) continue;
      const ofKeys = dependsOn(factor, loop);
      const nest = attentionsIn(draft.kernel)[0]!.nest.map(({ variable }) => variable.name);
      const under = ofKeys ? nest[nest.indexOf(query ?? "") - 1] : nest.at(-1);
      if (under === undefined) continue;
      const axes = draft.inside(under).filter((each) => dependsOn(factor, each));
      const names = axes.map((each) => draft.fresh(each.variable.name));
      const into = ofKeys ? `key_${buffer}` : `query_${buffer}`;
      draft.try(() => draft.take({ step: "stage", buffer, side, loop: under, scope: "private", into, names }));
    }
  }
}

/**
 * Keys that are hidden may only be left out where their values are finite: elsewhere the rows stay as they are.
 */
function askForFinite(draft: Draft, keys: string, query: string): void {
  const row = rowIn(draft, keys)?.row;
  const loop = draft.loop(query);
  if (row?.mask == null || loop === null) return;
  const { first, last } = visibleBounds(row.mask, draft.loop(keys)!.variable, []);
  if (first === null && last === null) return;
  for (const { store, exponential } of row.sums) {
    const { value } = store;
    if (value.kind !== "binary" || value.operator !== "mul") continue;
    const side = value.left === exponential ? "right" : "left";
    const factor = side === "left" ? value.left : value.right;
    const inner = [loop, ...draft.inside(query)];
    const axes = inner.filter((each) => dependsOn(factor, each)).toReversed();
    const names = axes.map(({ variable }) => draft.fresh(variable.name));
    const copies = inner.map(({ variable }) => draft.fresh(variable.name));
    draft.take({ step: "whenFinite", buffer: store.buffer.name, side, loop: query, names, copies });
  }
}

function splitRows(draft: Draft, keys: string, query: string, tile: AttentionTile): void {
  const { extent } = draft.loop(query)!;
  const count = constantOf(extent);
  if (count !== null && count <= tile.rows) return scheduleRow(draft, keys, query, tile);
  const inner = draft.inside(query).map(({ variable }) => variable.name);
  const isExact = exactDivide(extent, size(tile.rows)) !== null;
  const names = [`${query}o`, `${query}i`, ...(isExact ? [] : [`${query}r`])].map((name) => draft.fresh(name));
  const copies = isExact ? [] : inner.map((name) => draft.fresh(name));
  const tail = isExact ? "exact" : "peel";
  if (!draft.try(() => draft.take({ step: "split", loop: query, factor: tile.rows, tail, names, copies }))) {
    return scheduleRow(draft, keys, null, tile);
  }
  scheduleRow(draft, keys, names[1]!, tile);
  if (!isExact) scheduleRow(draft, copies[inner.indexOf(keys)]!, null, tile);
}

/** @param rows the loop over the rows of a tile; null for a single row. */
function scheduleRow(draft: Draft, keys: string, rows: string | null, tile: AttentionTile): void {
  draft.try(() => draft.take({ step: "skipTiles", loop: keys, over: rows === null ? [] : [rows] }));
  const total = rowIn(draft, keys)?.row.sums[0];
  if (total !== undefined) {
    const { buffer } = total.store;
    const loop = total.loop.variable.name;
    const into = draft.fresh("share");
    draft.try(() => draft.take({ step: "materialise", buffer: buffer.name, loop, into, name: draft.fresh(loop) }));
  }
  const columns = columnsOf(draft, keys);
  const keysAtOnce = rows === null ? (tile.keysOfRow ?? tile.keys) : tile.keys;
  const tiledKeys = keysAtOnce === 1 ? [] : tileOf(draft, keys, keysAtOnce);
  const tiled = [...tiledKeys, ...columns.flatMap((each) => tileOf(draft, each, tile.columns))];
  const isTiled = ({ variable }: Loop): boolean => tiled.includes(variable.name);
  const holdsTiles = (each: Loop): boolean => isTiled(each) || loopsIn(each.body).some(isTiled);
  const along = rows === null ? [] : draft.inside(rows).filter((each) => !holdsTiles(each));
  const finish = tile.alongRow?.(draft, along);
  const unrolled = [...tiled];
  if (rows !== null) {
    const variable = draft.loop(rows)?.variable;
    // What goes along a row by itself keeps its rows apart: more at once would only be more code.
    const alone = new Set(finish === undefined ? [] : draft.inside(rows).filter((each) => !holdsTiles(each)));
    const into = draft
      .inside(rows)
      .filter(
        (each) =>
          !unrolled.includes(each.variable.name) &&
          !alone.has(each) &&
          variable !== undefined &&
          !variablesOf(each.extent).includes(variable),
      )
      .map(({ variable: own }) => own.name);
    const apart = alone.size === 0 ? {} : { apart: draft.fresh(rows) };
    const isSunk = draft.try(() => draft.take({ step: "sink", loop: rows, into: [...new Set(into)], ...apart }));
    if (isSunk) unrolled.push(rows);
  }
  for (const loop of unrolled) {
    const kind = loop === rows ? "unroll" : (tile.tiles ?? "unroll");
    draft.try(() => draft.take({ step: "mark", loop, kind }));
  }
  finish?.();
}

function rowIn(draft: Draft, keys: string): AttentionLoops | undefined {
  return attentionsIn(draft.kernel).find((each) => each.keys.variable.name === keys);
}

/** The loops beside that of the keys that sums over keys stand in. */
function columnsOf(draft: Draft, keys: string): readonly string[] {
  const loop = draft.loop(keys);
  const block = loopsIn(draft.kernel.body).find(({ body }) => loop !== null && body.includes(loop))?.body ?? [];
  return block.flatMap((each) =>
    each.kind === "for" && each !== loop && loopsIn(each.body).length > 0 ? [each.variable.name] : [],
  );
}

/** Splits a loop and sinks its tile into the sums in it; the loops that are to be unrolled. */
function tileOf(draft: Draft, name: string, factor: number): readonly string[] {
  const loop = draft.loop(name);
  if (loop === null) return [];
  const inner = draft.inside(name).map(({ variable }) => variable.name);
  const count = constantOf(loop.extent);
  let tile = name;
  if (count === null || count > factor) {
    const isExact = exactDivide(loop.extent, size(factor)) !== null;
    const names = [`${name}o`, `${name}i`, ...(isExact ? [] : [`${name}r`])].map((each) => draft.fresh(each));
    const copies = isExact ? [] : inner.map((each) => draft.fresh(each));
    const tail = isExact ? "exact" : "peel";
    const isProven = constantOf(loop.extent) === null;
    if (!draft.try(() => draft.take({ step: "split", loop: name, factor, tail, names, copies }), isProven)) return [];
    tile = names[1]!;
  }
  return draft.try(() => draft.take({ step: "sink", loop: tile, into: inner })) ? [tile] : [];
}
