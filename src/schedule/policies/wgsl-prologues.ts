/**
 * Products of few rows that compute what their rows are made of themselves, as a norm: each workgroup computes the sums that a
 * row needs, and the row, in memory that its lanes share; then as many columns of the product as make that worth it.
 *
 *   for b: mean, variance of x[b]; for j: sum over k of ((x[b, k] - mean) * …) * w[k, j]
 *     → for b, jo grid.x: mean and variance by all lanes; row[k] by all lanes; for ji: sum over k of row[k] * w[k, 32 jo + ji]
 */
import { allStatements, type Kernel, type Statement } from "../../ir/kernel/index.js";
import { constantOf, exactDivide, size } from "../../sizes/index.js";
import type { Draft } from "../draft.js";
import { ScheduleError } from "../errors.js";
import { loopsIn } from "../loops.js";
import type { Loop } from "../rewrite.js";
import { type Contraction, contractionsOf, dependenciesOf, type Sum } from "./contraction.js";
import { namesOf, runsAlong } from "./roles.js";
import { type RegisterTile, splitDepth, splitTwice } from "./wgsl-registers.js";
import { rowUpdatesIn } from "./wgsl-rows.js";

/** Numbers in a vector. */
const width = 4;

/** A product, and the loops around it and around what stands before it. */
export interface PrologueProduct {
  readonly rows: readonly Loop[];
  readonly contraction: Contraction;
}

/** What a kernel does if that is, for each row, to compute something and then a product. */
export function prologueProductOf(kernel: Kernel): PrologueProduct | null {
  const [contraction, ...others] = contractionsOf(kernel);
  if (contraction === undefined || others.length > 0) return null;
  const rows: Loop[] = [];
  let block: readonly Statement[] = kernel.body;
  for (;;) {
    if (block.at(-1) === contraction.nest[0]) return block.length > 1 ? { rows, contraction } : null;
    const [only, ...more] = block;
    if (only?.kind !== "for" || only.loop !== "serial" || more.length > 0) return null;
    rows.push(only);
    block = only.body;
  }
}

/** Whether what is summed lies side by side in all factors. */
export function isAcross({ contraction }: PrologueProduct): boolean {
  return contraction.sums.every(({ reduction, factors }) =>
    factors.every((factor) => runsAlong(factor, reduction.at(-1)!.variable)),
  );
}

export interface PrologueTile {
  /** Bytes of a row that lanes may share; rows that take more are computed by each lane where it needs them. */
  readonly sharedBytes: number;
  /** Whether lanes meet in subgroups. */
  readonly isMeeting: boolean;
}

/** Lanes along the columns. @throws ScheduleError where a step must not be taken. */
export function columnsBehindPrologue(
  draft: Draft,
  { rows, contraction }: PrologueProduct,
  { columns, lanes: { columns: lanes } }: RegisterTile,
  tile: PrologueTile,
): void {
  const { nest, sums } = contraction;
  const column = nest.at(-1)!;
  const isAlong = sums.every(({ factors }) => factors.some((each) => runsAlong(each, column.variable)));
  const isOfVectors = isAlong && exactDivide(column.extent, size(columns)) !== null;
  sumInVectors(draft, contraction);
  const names = splitTwice(draft, column, lanes, columns);
  shareRows(draft, sums, names.tile, tile);
  const entered = sums.flatMap(({ reduction }) => [
    ...namesOf(reduction.slice(0, -1)),
    ...splitDepth(draft, reduction.at(-1)!),
  ]);
  // The lanes stand around the turns, of which each has a sum of its own.
  draft.take({ step: "sink", loop: names.turn, into: entered });
  spreadTile(draft, [...namesOf(rows), ...namesOf(nest.slice(0, -1)), names.tile], rows.length, lanes, [], tile);
  draft.take({ step: "mark", loop: names.turn, kind: isOfVectors ? "vector" : "unroll" });
}

/**
 * Lanes along the columns that wait for nobody. Each computes the row as well, for as many columns as it has, or shares that
 * with those that run together: sums with its subgroup, and what is normalised with its quad.
 * @throws ScheduleError where a step must not be taken.
 */
export function columnsApart(
  draft: Draft,
  { rows, contraction }: PrologueProduct,
  { columns, lanes: { columns: lanes } }: RegisterTile,
  isTogether: boolean,
): void {
  const { nest, sums } = contraction;
  const column = nest.at(-1)!;
  const isAlong = sums.every(({ factors }) => factors.some((each) => runsAlong(each, column.variable)));
  const isOfVectors = isAlong && exactDivide(column.extent, size(columns)) !== null;
  const before = isTogether ? sumsBefore(draft, contraction) : [];
  if (!isTogether) sumInVectors(draft, contraction, true);
  const names = splitTwice(draft, column, lanes, columns);
  const depths = sums.map(({ reduction }) => splitDepth(draft, reduction.at(-1)!));
  const entered = sums.flatMap(({ reduction }, at) => [...namesOf(reduction.slice(0, -1)), ...depths[at]!]);
  draft.take({ step: "sink", loop: names.turn, into: entered });
  const fills = isTogether ? sums.flatMap((sum, at) => ofQuads(draft, sum, depths[at]!, column)) : [];
  const around = [...namesOf(nest.slice(0, -1)), names.tile, names.lane];
  for (const loop of around) draft.take({ step: "repeat", loop });
  for (const loop of [...namesOf(rows), ...around.slice(0, -1)]) draft.take({ step: "mark", loop, kind: "grid.x" });
  draft.take({ step: "mark", loop: names.lane, kind: "lane.x" });
  for (const loop of before) draft.take({ step: "mark", loop, kind: "subgroup" });
  for (const loop of fills) draft.take({ step: "mark", loop, kind: "quad" });
  draft.take({ step: "mark", loop: names.turn, kind: isOfVectors ? "vector" : "unroll" });
}

/** Computes four elements of a row ahead of the products with them. @returns the loop over those, if it can be had */
function ofQuads(
  draft: Draft,
  { reduction, factors }: Sum,
  [loop, ...inner]: readonly string[],
  column: Loop,
): string[] {
  if (loop === undefined || inner.length === 0) return [];
  const side = factors.findIndex((each) => each.kind !== "load" && !dependenciesOf(each).has(column.variable));
  if (side < 0) return [];
  const [buffer, name] = [scalarOf(reduction), draft.fresh("fill")];
  const isTaken = draft.try(() =>
    draft.take({
      step: "stage",
      buffer,
      side: side === 0 ? "left" : "right",
      loop,
      scope: "private",
      into: "row",
      names: [name],
    }),
  );
  return isTaken ? [name] : [];
}

/** Lanes along what is summed, column by column. @throws ScheduleError where a step must not be taken. */
export function sumsBehindPrologue(
  draft: Draft,
  { rows, contraction }: PrologueProduct,
  { columns, lanes }: { readonly columns: number; readonly lanes: number },
  tile: PrologueTile,
): void {
  const { nest, sums } = contraction;
  const { name } = nest.at(-1)!.variable;
  sumInVectors(draft, contraction);
  const names = [draft.fresh(`${name}o`), draft.fresh(`${name}i`)] as const;
  const { extent } = nest.at(-1)!;
  const factor = Math.min(columns, constantOf(extent) ?? columns);
  const tail = exactDivide(extent, size(factor)) === null ? "clamp" : "exact";
  draft.take({ step: "split", loop: name, factor, tail, names, copies: [] });
  shareRows(draft, sums, names[0], tile);
  for (const { reduction } of sums) inVectors(draft, reduction.at(-1)!.variable.name, "unroll");
  const grid = [...namesOf(rows), ...namesOf(nest.slice(0, -1)), names[0]];
  const over = [names[1], ...sums.flatMap(({ reduction }) => namesOf(reduction.slice(0, -1)))];
  spreadTile(draft, grid, rows.length, lanes, over, tile);
}

/** Splits a loop into vectors where they divide it. */
export function inVectors(draft: Draft, loop: string, kind: "unroll" | "vector", arePartial = false): void {
  const { extent } = draft.loop(loop)!;
  if (exactDivide(extent, size(width)) === null || constantOf(extent) === width) return;
  const names = [draft.fresh(`${loop}o`), draft.fresh(`${loop}i`)] as const;
  draft.take({ step: "split", loop, factor: width, tail: "exact", names, copies: [] });
  if (arePartial) {
    const [begin, combine] = [draft.fresh("begin"), draft.fresh("combine")];
    draft.take({ step: "rfactor", loop: names[1], under: names[0], names: [begin, combine] });
    for (const each of [begin, combine]) draft.take({ step: "mark", loop: each, kind: "unroll" });
  }
  draft.take({ step: "mark", loop: names[1], kind });
}

/** Reads what the sums of rows are made of in vectors. */
export function sumInVectors(draft: Draft, contraction: Contraction, arePartial = false): void {
  for (const loop of sumsBefore(draft, contraction)) inVectors(draft, loop, "unroll", arePartial);
}

/** The loops of the sums that a row needs: those before the products. */
function sumsBefore(draft: Draft, { nest }: Contraction): readonly string[] {
  const names = loopsIn(draft.kernel.body).map(({ variable }) => variable.name);
  const before = loopsIn(draft.kernel.body).slice(0, names.indexOf(nest[0]!.variable.name));
  const isSum = ({ body }: Loop): boolean => body.every((each) => each.kind === "store" && each.update !== null);
  return before.filter(isSum).map(({ variable }) => variable.name);
}

/** Computes the factors that are rows ahead of a tile of columns, once for each row. */
export function shareRows(draft: Draft, sums: readonly Sum[], tile: string, { sharedBytes }: PrologueTile): void {
  for (const [at, { reduction, factors }] of sums.entries()) {
    const count = reduction.length === 1 ? constantOf(reduction[0]!.extent) : null;
    if (count === null || 4 * count > sharedBytes) continue;
    const buffer = scalarOf(reduction);
    const side = (["left", "right"] as const).find((_, number) => {
      const factor = factors[number]!;
      const others = [...dependenciesOf(factor)].filter((each) => each !== reduction[0]!.variable);
      return factor.kind !== "load" && others.every((each) => !isInside(draft, tile, each.name));
    });
    const isKnown = at > 0 && readsShared(draft, tile, buffer);
    if (side === undefined || isKnown) continue;
    const name = draft.fresh("fill");
    draft.take({ step: "stage", buffer, side, loop: tile, scope: "workgroup", into: "row", names: [name] });
    inVectors(draft, name, "vector");
  }
}

function isInside(draft: Draft, loop: string, name: string): boolean {
  return draft.inside(loop).some(({ variable }) => variable.name === name);
}

/** Whether a factor of what a scalar sums up is a row that lanes share. */
function readsShared(draft: Draft, tile: string, buffer: string): boolean {
  return [...allStatements(draft.loop(tile)?.body ?? [])].some((each) => {
    if (each.kind !== "store" || each.buffer.name !== buffer || each.value.kind !== "binary") return false;
    const factors = [each.value.left, each.value.right];
    return factors.some((factor) => factor.kind === "load" && factor.buffer.scope === "workgroup");
  });
}

function scalarOf(reduction: readonly Loop[]): string {
  const [store] = reduction.at(-1)!.body;
  if (store?.kind !== "store") throw new ScheduleError("stage", "nothing is summed");
  return store.buffer.name;
}

/** Brings loops around all that is computed for a row, a workgroup for each tile, which lanes share. */
export function spreadTile(
  draft: Draft,
  grid: readonly string[],
  rows: number,
  lanes: number,
  over: readonly string[],
  { isMeeting }: PrologueTile,
): void {
  for (const loop of grid.slice(rows)) draft.take({ step: "repeat", loop });
  for (const loop of grid) draft.take({ step: "mark", loop, kind: "grid.x" });
  const tile = grid.at(-1)!;
  const shared = sharedLoops(draft.loop(tile)!.body, over);
  const names = [
    draft.fresh("lane"),
    ...shared.flatMap((loop) => [
      draft.fresh(loop.variable.name),
      ...Array.from({ length: isMeeting ? 0 : 2 * rowUpdatesIn(loop) }, () => draft.fresh("part")),
    ]),
  ];
  draft.take({ step: "spread", loop: tile, lanes, isMeeting, over, names });
}

/** The loops of a block that lanes share, those in loops that all lanes run included, in their order. */
function sharedLoops(block: readonly Statement[], over: readonly string[]): readonly Loop[] {
  return block.flatMap((each): readonly Loop[] => {
    if (each.kind !== "for") return [];
    return over.includes(each.variable.name) ? sharedLoops(each.body, over) : [each];
  });
}
