/**
 * Where an element lies in its array: row-major, `x[(b * T + t) * 768 + d]`.
 *
 * In a loop along a row, the offset of the row is a constant outside of the loop, `const row = (b * T + t) * 768`, which
 * accesses of one shape share. Where a block has several neighbours, as tiles do, the offset of the first is a constant.
 *
 * A kernel is printed twice with the same result but for these constants: what is used how often is known afterwards.
 */
import type { Buffer, Expression } from "../../src/ir/kernel/index.js";
import { constantOf, type Size, size, sub, substitute, variablesOf } from "../../src/sizes/index.js";
import { type Code, level, plus, primary, times } from "../common/code.js";
import { camelCase } from "../common/names.js";
import { type SizeDialect, sizeCode } from "../common/sizes.js";
import type { Scopes } from "./scopes.js";

interface Axis {
  readonly position: Expression;
  readonly extent: Size;
  readonly level: number;
}

/** What the first printing of a kernel finds out for the second. */
export class AddressUses {
  /** The rows, by level and code, whose offsets serve more than one buffer. */
  readonly shared = new Set<string>();
  /** The distances from a start at which a block has elements, by block, buffer and code. */
  readonly distances = new Map<string, Set<string>>();

  isNeighbourhood(start: string): boolean {
    return (this.distances.get(start)?.size ?? 0) >= 3;
  }
}

export class Addresses {
  readonly uses = new AddressUses();
  readonly #users = new Map<string, Buffer>();

  constructor(
    readonly scopes: Scopes,
    readonly sizes: SizeDialect,
    /** The code of an index, which does not wrap around. */
    readonly position: (expression: Expression) => Code,
    readonly nameOf: (buffer: Buffer) => string,
    readonly before: AddressUses,
  ) {}

  /** The offset of an element, as code for the block of level `at`. */
  offset(buffer: Buffer, index: readonly Expression[], at: number): Code {
    const axes = index
      .map((position, axis): Axis => ({ position, extent: buffer.shape[axis]!, level: this.scopes.levelOf(position) }))
      .filter(({ position, extent }) => constantOf(extent) !== 1 || position.kind !== "index");
    const innermost = axes.reduce((level, axis) => Math.max(level, axis.level), 0);
    const moving = axes.findIndex((axis) => axis.level === innermost);
    const isAlong = innermost > 0 && innermost <= at && this.scopes.isInnermost(innermost);
    const row = isAlong ? this.#row(buffer, axes, moving, innermost) : null;
    let offset = row ?? primary("0");
    for (const axis of row ? axes.slice(moving + 1) : axes) offset = this.#step(offset, axis);
    return this.#fromStart(buffer, offset, at);
  }

  /** The offset as a distance from a constant, where the block has several such. */
  #fromStart(buffer: Buffer, offset: Code, at: number): Code {
    const [, start, sign = "+", distance = "0"] = /^(.*?)(?: ([+-]) (\d+))?$/.exec(offset.text)!;
    if (start === undefined || !start.includes("*") || start.includes("[")) return offset;
    const key = `${this.scopes.blockNumber(at)} ${this.nameOf(buffer)} ${start}`;
    const distances = this.uses.distances.get(key);
    if (distances) distances.add(sign + distance);
    else this.uses.distances.set(key, new Set([sign + distance]));
    if (!this.before.isNeighbourhood(key)) return offset;
    const name = this.scopes.row(start, at, () => camelCase(this.nameOf(buffer), "start"));
    return distance === "0" ? primary(name) : { text: `${name} ${sign} ${distance}`, level: level.additive };
  }

  /** The offset up to and with the axis that the innermost loop moves along, or null if no part of it is worth a name. */
  #row(buffer: Buffer, axes: readonly Axis[], moving: number, innermost: number): Code | null {
    const { position, extent } = axes[moving]!;
    const outer = axes.slice(0, moving);
    const { fixed, varying } = this.#split(position, innermost);
    let row = outer.reduce((offset, axis) => this.#step(offset, axis), primary("0"));
    row = times(row, sizeCode(extent, this.sizes));
    if (fixed !== null) row = plus(row, sizeCode(fixed, this.sizes));
    if (!/[*%/]/.test(row.text)) return null;
    const levels = [...outer.map((axis) => axis.level), fixed === null ? 0 : this.scopes.sizeLevel(fixed)];
    return plus(primary(this.#constant(buffer, row, Math.max(...levels))), varying);
  }

  #step(offset: Code, { position, extent }: Axis): Code {
    return plus(times(offset, sizeCode(extent, this.sizes)), this.position(position));
  }

  /** A position as a sum of what the loops of a level leave alone, or null, and what moves with them. */
  #split(position: Expression, innermost: number): { fixed: Size | null; varying: Code } {
    const whole = { fixed: null, varying: this.position(position) };
    if (position.kind !== "index") return whole;
    const { value } = position;
    const moving = variablesOf(value).filter((variable) => this.scopes.sizeLevel(size(variable)) === innermost);
    const fixed = substitute(value, (variable) => (moving.includes(variable) ? size(0) : null));
    const varying = sub(value, fixed);
    const isClean = fixed.terms.length + varying.terms.length === value.terms.length;
    if (!isClean || constantOf(fixed) !== null) return whole;
    return { fixed, varying: sizeCode(varying, this.sizes) };
  }

  #constant(buffer: Buffer, row: Code, level: number): string {
    const key = `${level} ${row.text}`;
    const user = this.#users.get(key);
    if (user === undefined) this.#users.set(key, buffer);
    else if (user !== buffer) this.uses.shared.add(key);
    return this.scopes.row(row.text, level, () =>
      this.before.shared.has(key) ? "row" : camelCase(this.nameOf(buffer), "row"),
    );
  }
}
