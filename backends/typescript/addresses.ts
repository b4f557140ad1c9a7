/**
 * Where an element lies in its array: row-major, `x[(b * T + t) * 768 + d]`.
 *
 * In a loop along a row, the offset of the row is a constant outside of the loop, `const row = (b * T + t) * 768`, which
 * accesses of one shape share.
 */
import type { Buffer, Expression } from "../../src/ir/kernel/index.js";
import { constantOf, type Size, size, sub, substitute, variablesOf } from "../../src/sizes/index.js";
import { type Code, plus, primary, times } from "../common/code.js";
import { camelCase } from "../common/names.js";
import { type SizeDialect, sizeCode } from "../common/sizes.js";
import type { Scopes } from "./scopes.js";

interface Axis {
  readonly position: Expression;
  readonly extent: Size;
  readonly level: number;
}

export class Addresses {
  /** The rows, by level and code, whose offsets serve more than one buffer. */
  readonly shared = new Set<string>();
  readonly #users = new Map<string, Buffer>();

  constructor(
    readonly scopes: Scopes,
    readonly sizes: SizeDialect,
    /** The code of an index, which does not wrap around. */
    readonly position: (expression: Expression) => Code,
    readonly nameOf: (buffer: Buffer) => string,
    readonly sharedBefore: ReadonlySet<string>,
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
    return offset;
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
    else if (user !== buffer) this.shared.add(key);
    return this.scopes.row(row.text, level, () =>
      this.sharedBefore.has(key) ? "row" : camelCase(this.nameOf(buffer), "row"),
    );
  }
}
