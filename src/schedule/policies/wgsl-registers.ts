/**
 * Products on devices without fast memory for workgroups: adapters that compute on the CPU keep it where all memory is,
 * and what their lanes wait for at a barrier costs more than what it saves.
 *
 * Each lane has a tile of results in registers and reads vectors of four: of rows along the summed-over axis, of columns
 * along whichever of the two lies side by side. A few rows get lanes along columns only.
 */
import { distinctExpressions, type Expression } from "../../ir/kernel/index.js";
import { constantOf, exactDivide, type Size, size } from "../../sizes/index.js";
import type { Draft } from "../draft.js";
import { ScheduleError } from "../errors.js";
import type { Loop } from "../rewrite.js";
import type { Contraction } from "./contraction.js";
import { namesOf, rolesOf, runsAlong } from "./roles.js";

export interface RegisterTile {
  /** Rows and columns of a lane's tile; more rows where columns do not lie side by side in whole tiles. */
  readonly rows: number;
  readonly columns: number;
  /** Lanes of a workgroup along rows and along columns. */
  readonly lanes: { readonly rows: number; readonly columns: number };
}

/** Numbers in a vector. */
const width = 4;

/** @throws ScheduleError where a step must not be taken. */
export function tileInRegisters(draft: Draft, contraction: Contraction, tile: RegisterTile): void {
  const { nest, sums } = contraction;
  const { batch, rows, columns } = rolesOf(contraction);
  const [row, column] = [rows.at(-1), columns.at(-1)];
  if (column === undefined) throw new ScheduleError("split", "there are no columns");
  const arePlain = sums.every(({ factors }) => factors.every((factor) => factor.kind === "load" || isHeld(factor)));
  if (!arePlain) throw new ScheduleError("split", "factors would be computed again for every result");
  const isAlong = sums.every(({ factors }) => factors.some((each) => runsAlong(each, column.variable)));
  const isOfVectors = isAlong && exactDivide(column.extent, size(width)) !== null;
  const isWide = isOfVectors && sums.length === 1 && exactDivide(column.extent, size(tile.columns)) !== null;
  const own = isWide ? tile.columns : Math.min(tile.columns, width);

  // What a narrow tile saves in columns it gets in rows, so that as much is summed for what is loaded.
  const growth = Math.max(1, Math.floor(tile.columns / (own * sums.length)));
  const lanesOfRows = Math.max(1, Math.floor(tile.lanes.rows / growth));
  const rowNames = row === undefined ? null : splitTwice(draft, row, lanesOfRows, tile.rows * growth);
  const columnNames = splitTwice(draft, column, tile.lanes.columns, own);
  const others = [...batch, ...rows, ...columns].filter((each) => each !== row && each !== column);
  const grid = [...namesOf(others), ...(rowNames ? [rowNames.tile] : []), columnNames.tile];
  const lanes = [...(rowNames ? [rowNames.lane] : []), columnNames.lane];
  const turns = [...(rowNames ? [rowNames.turn] : []), columnNames.turn];
  const now = nest.flatMap((each) => {
    const names = each === row ? rowNames! : each === column ? columnNames : null;
    return names === null ? [each.variable.name] : [names.tile, names.lane, names.turn];
  });
  const order = [...grid, ...lanes, ...turns];
  if (now.some((name, at) => name !== order[at])) draft.take({ step: "reorder", loops: order });

  const entered = sums.flatMap(({ reduction }) => [
    ...namesOf(reduction.slice(0, -1)),
    ...splitDepth(draft, reduction.at(-1)!),
  ]);
  for (const turn of turns.toReversed()) draft.take({ step: "sink", loop: turn, into: entered.flat() });
  for (const loop of grid) draft.take({ step: "mark", loop, kind: "grid.x" });
  if (rowNames) draft.take({ step: "mark", loop: rowNames.lane, kind: "lane.y" });
  draft.take({ step: "mark", loop: columnNames.lane, kind: "lane.x" });
  if (rowNames) draft.take({ step: "mark", loop: rowNames.turn, kind: "unroll" });
  draft.take({ step: "mark", loop: columnNames.turn, kind: isOfVectors ? "vector" : "unroll" });
}

/** Whether a factor is only what is known at load, made of fewer bits: arithmetic of its numbers, with their scales. */
function isHeld(factor: Expression): boolean {
  const loads = [...distinctExpressions([factor])].filter((each) => each.kind === "load");
  return loads.length > 0 && loads.every(({ buffer }) => buffer.facts.constant === true);
}

interface TileNames {
  readonly tile: string;
  readonly lane: string;
  readonly turn: string;
}

/** A loop as tiles of lanes, and what each lane does of a tile. */
export function splitTwice(draft: Draft, loop: Loop, lanes: number, turns: number): TileNames {
  const { name } = loop.variable;
  const [tile, inner, lane, turn] = ["o", "i", "i", "i"].map((end) => draft.fresh(name + end)) as [
    string,
    string,
    string,
    string,
  ];
  const tail = (extent: Size, factor: number) => (exactDivide(extent, size(factor)) === null ? "clamp" : "exact");
  const whole = exactDivide(loop.extent, size(turns));
  if (whole === null) {
    const factor = lanes * turns;
    const split = { step: "split", loop: name, factor, tail: tail(loop.extent, factor) } as const;
    draft.take({ ...split, names: [tile, inner], copies: [] });
    draft.take({ step: "split", loop: inner, factor: turns, tail: "exact", names: [lane, turn], copies: [] });
  } else {
    // Tiles stay whole where lanes are left over, so that they begin at places that their extents divide.
    draft.take({ step: "split", loop: name, factor: turns, tail: "exact", names: [inner, turn], copies: [] });
    const split = { step: "split", loop: inner, factor: lanes, tail: tail(whole, lanes) } as const;
    draft.take({ ...split, names: [tile, lane], copies: [] });
  }
  return { tile, lane, turn };
}

/** Splits what is summed over into vectors, which are written out, where they divide it. */
export function splitDepth(draft: Draft, loop: Loop): readonly string[] {
  const { name } = loop.variable;
  if (exactDivide(loop.extent, size(width)) === null || constantOf(loop.extent) === width) return [name];
  const names = [draft.fresh(`${name}o`), draft.fresh(`${name}i`)];
  draft.take({ step: "split", loop: name, factor: width, tail: "exact", names, copies: [] });
  draft.take({ step: "mark", loop: names[1]!, kind: "unroll" });
  return names;
}
