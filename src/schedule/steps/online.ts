/**
 * online: tiles a softmax's row, so that only a tile of it exists at a time (Milakov & Gimelshein 2018; FlashAttention).
 *
 *   for s in 0..S: score[s] = …                          for so in 0..ceil(S / 32)
 *   for i in 0..S: largest max= score[i]                   for si: score[si] = …            (one tile)
 *   for j in 0..S: total += exp(score[j] - shift)          for si: largest max= score[si]
 *   for c in 0..C                                   →      scale = exp(shift before - shift now), 0 for nothing before
 *     for l in 0..S: sum += exp(score[l] - shift) * v[l, c]  total *= scale; for si: total += exp(score[si] - shift)
 *     y[c] = sum / total                                   for c: sum[c] *= scale; for si: sum[c] += exp(…) * v
 *                                                        for c: y[c] = sum[c] / total
 *
 * It rests on exp(x - m') = exp(x - m) * exp(m - m') and on nothing else: masks, biases, caps and further sums pass
 * through.
 *
 * Needs: a row as steps/rows.ts describes it; sums that begin with numbers that are 0 or have the factor exp(… - shift);
 * all of its loops in the row's block, directly or in one loop each. Guarantees: sums of floats in another order.
 */
import {
  Buffer,
  binary,
  distinctExpressions,
  type Expression,
  index,
  type Kernel,
  load,
  type Statement,
  unary,
} from "../../ir/kernel/index.js";
import { add, exactDivide, floorDiv, isAtMost, minimum, mul, type Size, size, sub } from "../../sizes/index.js";
import { ScheduleError } from "../errors.js";
import { loopNamed, requireFree, requireMovable } from "../loops.js";
import { type Loop, loopOver, Rewriter, replaceInBlock, type Store } from "../rewrite.js";
import type { Step } from "../step.js";
import { factorsOf, type Reader, type Row, rowOf } from "./rows.js";

export function online(kernel: Kernel, step: Extract<Step, { step: "online" }>): Kernel {
  const { factor } = step;
  const loop = loopNamed(kernel, step.loop, "online");
  requireMovable(loop, "online");
  if (!Number.isInteger(factor) || factor < 1) throw new ScheduleError("online", `${factor} is no factor`);
  const row = rowOf(kernel, loop, "online");
  const made = new Tiling(kernel, step, loop, row).block();
  return { ...kernel, body: replaceInBlock(kernel.body, loop, () => made) };
}

/** A sum over the row, which lies directly in the row's block or in one other loop of it. */
interface Sum extends Reader {
  /** The loop around it in the block, if it does not lie there directly. */
  readonly around: Loop | null;
  /** The sum over the row's tiles: the scalar itself, or an array with one for each iteration of `around`. */
  readonly kept: Buffer;
}

class Tiling {
  readonly #names: string[];
  readonly #sums: readonly Sum[];
  readonly #tile: Buffer;

  constructor(
    readonly kernel: Kernel,
    readonly step: Extract<Step, { step: "online" }>,
    readonly loop: Loop,
    readonly row: Row,
  ) {
    this.#names = [...step.names];
    this.#tile = new Buffer(row.row.name, row.row.element, [size(step.factor)], "private");
    this.#sums = row.sums.map((reader) => this.#sumOf(reader));
    const count = 2 + row.readers.length + 3 * this.#sums.filter(({ around }) => around !== null).length;
    if (step.names.length !== count) {
      throw new ScheduleError("online", `${step.names.length} names are given for ${count} loops`);
    }
    const leaving = [loop, ...row.readers].map(({ variable }) => variable.name);
    requireFree(kernel, step.names, "online", leaving);
  }

  /** The sums in a block: each keeps what it is updated with, and where. */
  #sumOf(reader: Reader): Sum {
    const { block } = this.row;
    const { store } = reader;
    if (store.index.length > 0) throw new ScheduleError("online", `${store.buffer.name} is no scalar`);
    if (block.includes(reader.loop)) return { ...reader, around: null, kept: store.buffer };
    const around = block.find((each): each is Loop => each.kind === "for" && each.body.includes(reader.loop));
    if (around === undefined) {
      throw new ScheduleError(
        "online",
        `${reader.loop.variable.name} does not stand in the block of ${this.row.row.name}`,
      );
    }
    const kept = new Buffer(store.buffer.name, store.buffer.element, [around.extent], "private");
    return { ...reader, around, kept };
  }

  block(): readonly Statement[] {
    const { row, loop, step } = this;
    const { block, largest, shift } = row;
    const at = block.indexOf(loop);
    const before = block.slice(0, at).filter((each) => each.kind !== "alloc" || each.buffer !== row.row);
    const [tiles, fill] = [this.#next(), this.#next()];
    const loops = new Map(row.readers.map((reader) => [reader, this.#next()]));
    const begun: Statement[] = [];
    const scaled: ((scale: Expression) => Statement)[] = [];
    const summed: ((tile: Tile) => Statement)[] = [];
    const ended: Statement[] = [];
    const sumOver = (statement: Statement): Sum | undefined =>
      this.#sums.find((sum) => statement === (sum.around ?? sum.loop));
    const last = block.findLastIndex((each) => sumOver(each) !== undefined);
    const maximum = row.maxima[0]!.loop;
    for (const [place, statement] of block.entries()) {
      if (place <= at || statement === maximum) continue;
      const sum = sumOver(statement);
      if (sum === undefined) {
        if (place < last) this.#requireBeginning(statement);
        (place < last ? begun : ended).push(statement);
      } else if (sum.around === null) {
        scaled.push((scale) => scaledBy(sum.kept, [], scale));
        summed.push((tile) => this.#tiled(sum.loop, loops.get(sum.loop)!, tile));
      } else {
        const parts = this.#nested(sum, sum.around, loops.get(sum.loop)!);
        begun.push(...parts.begun);
        scaled.push(parts.scaled);
        summed.push(parts.summed);
        ended.push(parts.ended);
      }
    }
    const scalar = (name: string): Buffer => new Buffer(`${row.row.name}_${name}`, shift.element, [], "private");
    const [previous, scale] = [scalar("previous"), scalar("scale")];
    const shiftStore = block.find((each): each is Store => each.kind === "store" && each.buffer === shift)!;
    const overTiles = loopOver(
      tiles,
      exactDivide(loop.extent, size(step.factor)) ?? ceilDiv(loop.extent, step.factor),
      loop.loop,
      (so) => {
        const tile: Tile = { start: mul(so, step.factor), extent: this.#extent(so) };
        return [
          { kind: "alloc", buffer: this.#tile },
          this.#tiled(loop, fill, tile),
          { kind: "alloc", buffer: previous },
          set(previous, load(largest, [])),
          this.#tiled(maximum, loops.get(maximum)!, tile),
          shiftStore,
          { kind: "alloc", buffer: scale },
          // 0 where there was nothing before, as the shift is never -inf.
          set(scale, unary("exp", binary("sub", load(previous, []), load(shift, [])))),
          ...scaled.map((each) => each(load(scale, []))),
          ...summed.map((each) => each(tile)),
        ];
      },
    );
    return [...before, ...begun, overTiles, ...ended];
  }

  #next(): string {
    return this.#names.shift()!;
  }

  #extent(so: Size): Size {
    const left = sub(this.loop.extent, mul(so, this.step.factor));
    return isAtMost(this.step.factor, left) ? size(this.step.factor) : minimum(this.step.factor, left);
  }

  /** A loop over the row as one over a tile. */
  #tiled(loop: Loop, name: string, { start, extent }: Tile, rewriter = new Rewriter()): Statement {
    const tile = this.#tile;
    return loopOver(name, extent, loop.loop, (at) =>
      rewriter
        .variable(loop.variable, add(start, at))
        .buffer(this.row.row, { buffer: tile, index: () => [index(at)] })
        .statements(loop.body),
    );
  }

  /** A sum in a loop of the block: it begins, is scaled, goes on and ends in loops of their own. */
  #nested(sum: Sum, around: Loop, name: string) {
    const { kept, store, loop } = sum;
    const at = around.body.indexOf(loop);
    const [first, last] = [around.body.slice(0, at), around.body.slice(at + 1)];
    const isBegun = first.every(
      (each) => (each.kind === "alloc" || each.kind === "store") && each.buffer === store.buffer,
    );
    if (!isBegun) {
      throw new ScheduleError(
        "online",
        `${around.variable.name} does more before ${loop.variable.name} than to begin its sum`,
      );
    }
    const [begins, scales, ends] = [this.#next(), this.#next(), this.#next()];
    const inLoop = (name: string, body: (rewriter: Rewriter, here: Expression) => readonly Statement[]): Statement =>
      loopOver(name, around.extent, around.loop, (here) => {
        const place = index(here);
        const rewriter = new Rewriter()
          .variable(around.variable, here)
          .buffer(store.buffer, { buffer: kept, index: () => [place] });
        return body(rewriter, place);
      });
    const starts = first.filter((each): each is Store => each.kind === "store");
    if (starts.some(({ value }) => !isScalable(value, this.row.shift))) {
      throw new ScheduleError("online", `${store.buffer.name} begins with what is not scaled by its exponentials`);
    }
    return {
      begun: [
        { kind: "alloc", buffer: kept } satisfies Statement,
        inLoop(begins, (rewriter) => starts.flatMap((each) => rewriter.statement(each))),
      ],
      scaled: (scale: Expression) => inLoop(scales, (_, here) => [scaledBy(kept, [here], scale)]),
      summed: (tile: Tile) => inLoop(around.variable.name, (rewriter) => [this.#tiled(loop, name, tile, rewriter)]),
      ended: inLoop(ends, (rewriter) => last.flatMap((each) => rewriter.statement(each))),
    };
  }

  /** What stands between the loops of the row is done before all tiles: it begins sums, and knows no results. */
  #requireBeginning(statement: Statement): void {
    const { row, shift, largest } = this.row;
    const fail = (message: string): never => {
      throw new ScheduleError("online", message);
    };
    if (statement.kind === "alloc") return;
    if (statement.kind !== "store") return fail(`between the loops of ${row.name} stands a ${statement.kind}`);
    const { buffer, value } = statement;
    if (buffer === shift || buffer === largest) return;
    const sums = this.#sums.filter(({ around }) => around === null).map(({ store }) => store.buffer);
    const reads = [...distinctExpressions([value])].flatMap((each) => (each.kind === "load" ? [each.buffer] : []));
    const known = reads.find((each) => each === largest || this.#sums.some(({ store }) => store.buffer === each));
    if (known !== undefined) return fail(`${buffer.name} is made of ${known.name} before all of it is known`);
    if (!sums.includes(buffer)) {
      return reads.includes(shift)
        ? fail(`${buffer.name} is made of ${shift.name} before all of it is known`)
        : undefined;
    }
    if (!isScalable(value, shift)) fail(`${buffer.name} begins with what is not scaled by its exponentials`);
  }
}

/** Whether a sum that begins with a value is scaled as its terms are: 0, or a product with one factor exp(x - shift). */
function isScalable(value: Expression, shift: Buffer): boolean {
  if (value.kind === "constant") return value.value === 0;
  const shifted = factorsOf(value).filter((each) => mentions(each, shift));
  const [only] = shifted;
  if (shifted.length !== 1 || only?.kind !== "unary" || only.operator !== "exp") return false;
  const { operand } = only;
  const isShifted = operand.kind === "binary" && operand.operator === "sub" && operand.right === load(shift, []);
  return isShifted && !mentions(operand.left, shift);
}

function mentions(value: Expression, buffer: Buffer): boolean {
  return [...distinctExpressions([value])].some((each) => each.kind === "load" && each.buffer === buffer);
}

function ceilDiv(extent: Size, factor: number): Size {
  return floorDiv(add(extent, factor - 1), factor);
}

interface Tile {
  readonly start: Size;
  readonly extent: Size;
}

function set(buffer: Buffer, value: Expression): Statement {
  return { kind: "store", buffer, index: [], value, update: null };
}

function scaledBy(buffer: Buffer, at: readonly Expression[], scale: Expression): Statement {
  return { kind: "store", buffer, index: at, value: binary("mul", load(buffer, at), scale), update: null };
}
