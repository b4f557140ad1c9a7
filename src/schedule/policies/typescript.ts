/**
 * Which steps make kernels fast as JavaScript.
 *
 * Contractions get a register tile: a few rows by a few columns of results, whose sums are variables while the
 * summed-over loop runs, so that an element that is loaded serves a whole row or column of the tile. The column panel
 * is the outermost loop of the tile's two, since the weights of a model are larger than its rows: what a panel reads of
 * them stays near while all rows pass. Larger tiles than 3 by 4 need more registers than the engines have. Everything
 * else is fast enough as it is.
 */
import type { Kernel } from "../../ir/kernel/index.js";
import { constantOf, exactDivide, type Size, size } from "../../sizes/index.js";
import { loopsIn } from "../loops.js";
import type { Loop } from "../rewrite.js";
import type { Schedule, Step, Tail } from "../step.js";
import { type Contraction, contractionsOf } from "./contraction.js";
import { divisorOf, namesOf, rolesOf, workOf } from "./roles.js";
import type { AttentionTile } from "./typescript-attention.js";

export interface Tile {
  readonly rows: number;
  readonly columns: number;
}

export interface TypeScriptPolicy {
  readonly tile: Tile;
  readonly attention: AttentionTile;
  /** Contractions of fewer multiplications, where their number is known, stay as they are. */
  readonly leastWork: number;
}

export const typeScriptPolicy: TypeScriptPolicy = {
  tile: { rows: 3, columns: 4 },
  attention: { rows: 2, keys: 2, columns: 4 },
  leastWork: 2048,
};

/** Schedules for parts of a kernel, each of which can be taken without the others; none if it stays as it is. */
export function schedulesForTypeScript(kernel: Kernel, policy: TypeScriptPolicy): readonly Schedule[] {
  const taken = new Set(kernel.sizes.map((each) => each.name));
  for (const loop of loopsIn(kernel.body)) taken.add(loop.variable.name);
  return contractionsOf(kernel)
    .filter((contraction) => workOf(contraction) >= policy.leastWork)
    .map((contraction) => new Tiling(contraction, policy.tile, taken).steps())
    .filter((steps) => steps.length > 0);
}

class Tiling {
  readonly #steps: Step[] = [];

  constructor(
    readonly contraction: Contraction,
    readonly tile: Tile,
    /** The names of loops and sizes that there are. */
    readonly taken: Set<string>,
  ) {}

  steps(): Schedule {
    const { nest } = this.contraction;
    const { batch, rows, columns } = rolesOf(this.contraction);
    const column = columns.at(-1);
    if (column === undefined) return [];
    const reduction = this.#splitReductions();
    this.#reorder(namesOf(nest), namesOf([...batch, ...columns, ...rows]));
    const inner = namesOf(rows);
    const row = rows.at(-1) ?? null;
    const { names, copies } = this.#split(column.variable.name, column.extent, this.tile.columns, [
      ...inner,
      ...reduction,
    ]);
    const [outer, lanes, rest] = names;
    if (outer === undefined || lanes === undefined) {
      this.#block(inner, row, column.variable.name, reduction);
      return this.#steps;
    }
    this.#block(inner, row, lanes, reduction);
    if (rest !== undefined) {
      const left = constantOf(column.extent) === null ? null : rest;
      this.#block(copies.slice(0, inner.length), row, left, copies.slice(inner.length));
    }
    return this.#steps;
  }

  /** Tiles the rows of one panel, whose columns are the loop `lanes` around them; null for a single column. */
  #block(rows: readonly string[], row: Loop | null, lanes: string | null, reduction: readonly string[]): void {
    if (lanes !== null) this.#reorder([lanes, ...rows], [...rows, lanes]);
    const inner = lanes === null ? [] : [lanes];
    if (row === null) return this.#tileOf(inner, reduction);
    const name = rows.at(-1)!;
    const { names, copies } = this.#split(name, row.extent, this.tile.rows, [...inner, ...reduction]);
    const [, tiled = name, rest] = names;
    this.#tileOf([tiled, ...inner], reduction);
    if (rest === undefined) return;
    const left = constantOf(row.extent) === null ? [] : [rest];
    this.#tileOf([...left, ...copies.slice(0, inner.length)], copies.slice(inner.length));
  }

  /** Makes a tile of loops around the sum, and writes it out. */
  #tileOf(loops: readonly string[], reduction: readonly string[]): void {
    for (const loop of loops.toReversed()) this.#steps.push({ step: "sink", loop, into: reduction });
    for (const loop of loops) this.#steps.push({ step: "mark", loop, kind: "unroll" });
  }

  #reorder(now: readonly string[], wanted: readonly string[]): void {
    // Loops that stand where they should, at the outside, need not be named.
    const first = now.findIndex((name, at) => name !== wanted[at]);
    if (first >= 0) this.#steps.push({ step: "reorder", loops: wanted.slice(first) });
  }

  /**
   * Splits a loop, with a loop for the rest if there is one. What is not larger than the factor stays one loop.
   * @param inside the loops in it.
   */
  #split(
    loop: string,
    extent: Size,
    factor: number,
    inside: readonly string[],
  ): { names: readonly string[]; copies: readonly string[] } {
    const count = constantOf(extent);
    if (count !== null && count <= factor) return { names: [], copies: [] };
    const tail: Tail = exactDivide(extent, size(factor)) === null ? "peel" : "exact";
    const stem = loop.replace(/\d+$/, "");
    const names = ["o", "i", ...(tail === "peel" ? ["r"] : [])].map((letter) => this.#fresh(stem + letter));
    const copies = tail === "peel" ? inside.map((name) => this.#fresh(name.replace(/\d+$/, ""))) : [];
    this.#steps.push({ step: "split", loop, factor, tail, names, copies });
    return { names, copies };
  }

  /** Splits loops that are summed over where factors are read by quotient and remainder, as merged heads are. */
  #splitReductions(): readonly string[] {
    return this.contraction.sums.flatMap(({ reduction, factors }) =>
      reduction.flatMap((loop) => {
        const { name } = loop.variable;
        const factor = divisorOf(loop.variable, factors);
        if (factor === null || exactDivide(loop.extent, size(factor)) === null) return [name];
        const names = [this.#fresh(`${name}o`), this.#fresh(`${name}i`)];
        this.#steps.push({ step: "split", loop: name, factor, tail: "exact", names, copies: [] });
        return names;
      }),
    );
  }

  #fresh(wanted: string): string {
    let name = wanted;
    for (let number = 2; this.taken.has(name); number++) name = `${wanted}${number}`;
    this.taken.add(name);
    return name;
  }
}
