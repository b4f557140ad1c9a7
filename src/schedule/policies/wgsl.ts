/**
 * Which steps make kernels fast on a GPU.
 *
 * A product gets a tile of rows and columns for each workgroup, whose factors lie in memory that its lanes share while a
 * piece of the summed-over axis passes, and in it a tile of results for each lane, in registers. A row (a norm, a softmax)
 * is shared by the lanes of a workgroup. Everything else is computed by an invocation for each result.
 */
import type { Kernel } from "../../ir/kernel/index.js";
import { constantOf, exactDivide, rangeOf, type Size, type SizeVariable, size } from "../../sizes/index.js";
import { Draft } from "../draft.js";
import { ScheduleError } from "../errors.js";
import type { Loop } from "../rewrite.js";
import type { Schedule } from "../step.js";
import { type Contraction, dependenciesOf, onlyContraction } from "./contraction.js";
import { invocationsOf } from "./invocations.js";
import { namesOf, rolesOf, runsAlong } from "./roles.js";
import type { AttentionPolicy } from "./wgsl-attention.js";
import type { FewQueriesPolicy } from "./wgsl-few-queries.js";
import {
  columnsBehindPrologue,
  isAcross,
  type PrologueProduct,
  prologueProductOf,
  sumsBehindPrologue,
} from "./wgsl-prologues.js";
import type { RegisterTile } from "./wgsl-registers.js";
import { rowsForWgsl, sharedBytesOf } from "./wgsl-rows.js";

export interface WgslPolicy {
  /** Rows and columns of a workgroup's tile, and of a lane's. */
  readonly tile: { readonly rows: number; readonly columns: number };
  readonly lane: { readonly rows: number; readonly columns: number };
  /** How much of the summed-over axis is shared at a time. */
  readonly depth: number;
  /** Lanes that share a row. */
  readonly rowLanes: number;
  readonly attention: AttentionPolicy;
  readonly fewQueries: FewQueriesPolicy;
  /** A product of at most so many rows: the tile of columns that lie side by side. */
  readonly row: { readonly most: number; readonly tile: RegisterTile };
  /** Columns of a workgroup whose lanes share sums, where it computes the row itself; and the bytes that a row may take. */
  readonly prologue: { readonly columns: number; readonly sharedBytes: number };
  /** Tiles for devices without fast memory of workgroups: of few rows, and of more than those. */
  readonly registers: {
    readonly fewRows: number;
    readonly few: RegisterTile;
    readonly many: RegisterTile;
    /** Where a workgroup computes the row itself. */
    readonly behind: RegisterTile;
  };
}

export const wgslPolicy: WgslPolicy = {
  tile: { rows: 64, columns: 64 },
  lane: { rows: 8, columns: 4 },
  depth: 16,
  rowLanes: 64,
  attention: { keys: 8, shared: { keys: 32, queries: 64 } },
  fewQueries: { keys: 256, lanes: 64, sharedBytes: 8192 },
  row: { most: 4, tile: { rows: 1, columns: 4, lanes: { rows: 1, columns: 32 } } },
  prologue: { columns: 16, sharedBytes: 14336 },
  registers: {
    fewRows: 16,
    few: { rows: 1, columns: 4, lanes: { rows: 1, columns: 64 } },
    many: { rows: 4, columns: 8, lanes: { rows: 8, columns: 8 } },
    behind: { rows: 1, columns: 8, lanes: { rows: 1, columns: 32 } },
  },
};

/** The schedule of a kernel's products or rows; none if it has none that is worth it. */
export function schedulesForWgsl(kernel: Kernel, policy: WgslPolicy): Schedule {
  const prologue = prologueProductOf(kernel);
  if (prologue !== null) return behindPrologue(kernel, prologue, policy) ?? [];
  const products = productsOf(kernel, policy);
  return products.length > 0 ? products : rowsForWgsl(kernel, policy);
}

/** The schedule of a product that computes its rows itself; null where it cannot be had. */
export function behindPrologue(
  kernel: Kernel,
  prologue: PrologueProduct,
  policy: WgslPolicy,
  isMeeting = false,
): Schedule | null {
  const { rowLanes: lanes, prologue: most } = policy;
  const draft = new Draft(kernel);
  const taken = sharedBytesOf(kernel);
  const tile = { sharedBytes: most.sharedBytes - taken, isMeeting };
  const isTaken = draft.try(() => {
    if (!isAcross(prologue)) return columnsBehindPrologue(draft, prologue, policy.row.tile, tile);
    sumsBehindPrologue(draft, prologue, { columns: most.columns, lanes }, tile);
  }, true);
  if (isTaken) return draft.steps;
  // Where lanes cannot share the row, each computes what it needs of it.
  const apart = new Draft(kernel);
  const names = namesOf(prologue.contraction.nest);
  const isApart =
    !isMeeting &&
    taken === 0 &&
    apart.try(() => apart.take(...names.map((loop) => ({ step: "repeat", loop }) as const)));
  return isApart ? [...apart.steps, ...invocationsOf(apart.kernel)] : null;
}

function productsOf(kernel: Kernel, policy: WgslPolicy): Schedule {
  const contraction = onlyContraction(kernel);
  if (contraction === null) return [];
  const draft = new Draft(kernel);
  const isTiled = draft.try(() => tileProduct(draft, contraction, policy));
  return isTiled ? draft.steps : [];
}

/** The largest tile that is not much larger than an extent. */
function fitting(most: number, extent: Size, least: number): number {
  const { max } = rangeOf(extent);
  let factor = most;
  while (factor > least && factor / 2 >= max) factor /= 2;
  for (let half = factor; half >= least && constantOf(extent) !== null; half /= 2) {
    // A smaller tile without a tail, if it is not much smaller.
    if (half >= factor / 2 && exactDivide(extent, size(half)) !== null) return half;
  }
  return factor;
}

/** @throws ScheduleError where a step must not be taken. */
function tileProduct(draft: Draft, contraction: Contraction, policy: WgslPolicy): void {
  const { nest, sums } = contraction;
  const { batch, rows, columns } = rolesOf(contraction);
  const [row, column] = [rows.at(-1), columns.at(-1)];
  if (row === undefined || column === undefined) throw new ScheduleError("split", "there are no rows or no columns");
  const across = policy.tile.columns / policy.lane.columns;
  const width = fitting(policy.tile.columns, column.extent, across);
  const height = fitting(policy.tile.rows, row.extent, policy.lane.rows);
  if (rangeOf(column.extent).max < across) throw new ScheduleError("split", "there are too few columns");

  const split = (loop: Loop, factor: number): readonly [string, string] => {
    const names = [draft.fresh(`${loop.variable.name}o`), draft.fresh(`${loop.variable.name}i`)] as const;
    const tail = exactDivide(loop.extent, size(factor)) === null ? "clamp" : "exact";
    draft.take({ step: "split", loop: loop.variable.name, factor, tail, names, copies: [] });
    return names;
  };
  const [rowTile, rowIn] = split(row, height);
  const [columnTile, columnIn] = split(column, width);
  const otherRows = rows.filter((each) => each !== row);
  const otherColumns = columns.filter((each) => each !== column);
  const grid = [...namesOf([...batch, ...otherRows, ...otherColumns]), rowTile, columnTile];
  const order = [...grid, rowIn, columnIn];
  const now = nest.flatMap((each) =>
    each === row ? [rowTile, rowIn] : each === column ? [columnTile, columnIn] : [each.variable.name],
  );
  if (now.some((name, at) => name !== order[at])) draft.take({ step: "reorder", loops: order });

  const [rowLane, rowTurn, columnTurn, columnLane] = [rowIn, rowIn, columnIn, columnIn].map((name) =>
    draft.fresh(name),
  );
  const [ry, rm, cn, cx] = [rowLane!, rowTurn!, columnTurn!, columnLane!];
  draft.take({ step: "split", loop: rowIn, factor: policy.lane.rows, tail: "exact", names: [ry, rm], copies: [] });
  draft.take({ step: "split", loop: columnIn, factor: across, tail: "exact", names: [cn, cx], copies: [] });
  draft.take({ step: "reorder", loops: [ry, cx, rm, cn] });

  // The tiles of all sums lie in the memory of a workgroup, of which every device has 16 KiB.
  if (sums.length > 2) throw new ScheduleError("split", "there are too many sums to share their factors");
  const depth = policy.depth / sums.length;
  const reductions = sums.map(({ reduction }) => splitReduction(draft, reduction, depth));
  const entered = reductions.flatMap(({ names }) => names);
  for (const loop of [cn, rm]) draft.take({ step: "sink", loop, into: entered });
  for (const loop of grid) draft.take({ step: "mark", loop, kind: "grid.x" });
  draft.take({ step: "mark", loop: ry, kind: "lane.y" }, { step: "mark", loop: cx, kind: "lane.x" });
  for (const [at, { buffer, variable, shared, inner }] of reductions.entries()) {
    for (const [number, side] of (["left", "right"] as const).entries()) {
      const factor = sums[at]!.factors[number]!;
      const isRow = dependenciesOf(factor).has(row.variable);
      const across = runsAlong(factor, variable);
      draft.take({
        step: "share",
        buffer,
        side,
        loop: shared,
        into: isRow ? "row_tile" : "column_tile",
        axes: [[inner], isRow ? [ry, rm] : [cn, cx]],
        across,
        pad: across ? 1 : 0,
        width: 1,
        names: [draft.fresh("fill")],
      });
    }
  }
  for (const loop of [rm, cn]) draft.take({ step: "mark", loop, kind: "unroll" });
}

/** A sum's loops after its innermost one was split into pieces that are shared. */
interface Reduction {
  /** The scalar that is summed in. */
  readonly buffer: string;
  /** The variable of the innermost loop as it was. */
  readonly variable: SizeVariable;
  /** All loops. */
  readonly names: readonly string[];
  readonly shared: string;
  readonly inner: string;
}

function splitReduction(draft: Draft, reduction: readonly Loop[], depth: number): Reduction {
  const innermost = reduction.at(-1)!;
  const [store] = innermost.body;
  const { variable, extent } = innermost;
  const count = constantOf(extent);
  if (count !== null && count < depth / 2) throw new ScheduleError("split", "too little is summed to share it");
  const factor = dividing(extent, count !== null && count < depth ? depth / 2 : depth);
  const tail = exactDivide(extent, size(factor)) === null ? "peel" : "exact";
  const names = ["o", "i", ...(tail === "peel" ? ["r"] : [])].map((end) => draft.fresh(variable.name + end));
  draft.take({ step: "split", loop: variable.name, factor, tail, names, copies: [] });
  return {
    buffer: store?.kind === "store" ? store.buffer.name : "",
    variable,
    names: [...namesOf(reduction.slice(0, -1)), ...names],
    shared: names[0]!,
    inner: names[1]!,
  };
}

/** A factor or its half, whichever divides an extent; the factor itself where none does. */
function dividing(extent: Size, most: number): number {
  return [most, most / 2].find((factor) => exactDivide(extent, size(factor)) !== null) ?? most;
}
