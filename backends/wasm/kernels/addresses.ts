/**
 * Where an element lies: a pointer and a constant offset in bytes.
 *
 * The pointer is that of the outermost loop whose variable the address depends on. It is set before the loop, from the
 * pointer of the loop around, and moves at the end of every iteration; what is not a multiple of the loop's variable is
 * computed at the start of the iteration instead.
 */
import type { Buffer, Expression } from "../../../src/ir/kernel/index.js";
import {
  add,
  constantOf,
  isNonNegative,
  mul,
  type Size,
  type SizeVariable,
  size,
  sub,
  substitute,
  variablesOf,
} from "../../../src/sizes/index.js";
import { type Code, get, i32, Local, plus, set, times } from "../code/tree.js";
import type { Blocks } from "./blocks.js";
import { elementBytes } from "./elements.js";
import { constantTerm, linearIndex } from "./shifts.js";
import type { SizeCode } from "./sizes.js";

export interface Address {
  readonly pointer: Code;
  readonly offset: number;
}

export class Addresses {
  readonly #bases = new Map<Buffer, Code>();
  readonly #shifts = new Map<Buffer, number>();

  constructor(
    readonly blocks: Blocks,
    readonly sizes: SizeCode,
    /** The code of an index that comes from data, for the block of a level. */
    readonly value: (expression: Expression, level: number) => Code,
    /** The variable of vector loops, whose lane 0 an address is that of. */
    readonly lane: SizeVariable,
  ) {}

  /** Where the buffer begins, or the element of it that is so many behind. */
  base(buffer: Buffer, code: Code, shift = 0): void {
    this.#bases.set(buffer, code);
    this.#shifts.set(buffer, shift);
  }

  /** How many elements apart two neighbouring lanes are, or null where that is no number. */
  strideOf(buffer: Buffer, index: readonly Expression[]): number | null {
    if (index.some((each) => each.kind !== "index")) return null;
    const { linear } = this.#linear(buffer, index);
    const at = (lane: number): Size => substitute(linear, (each) => (each === this.lane ? size(lane) : null));
    const stride = constantOf(sub(at(1), at(0)));
    return stride !== null && sub(at(3), at(0)) === size(3 * stride) && sub(at(2), at(0)) === size(2 * stride)
      ? stride
      : null;
  }

  #linear(buffer: Buffer, index: readonly Expression[]): ReturnType<typeof linearIndex> {
    const { linear, data } = linearIndex(buffer, index);
    return { linear: sub(linear, this.#shifts.get(buffer) ?? 0), data };
  }

  /** The address of an element, or of that of lane 0. */
  of(buffer: Buffer, index: readonly Expression[]): Address {
    const { linear, data } = this.#linear(buffer, index);
    const first = substitute(linear, (each) => (each === this.lane ? size(0) : null));
    const bytes = elementBytes(buffer);
    const constant = constantTerm(first);
    const distance = sub(first, constant);
    let pointer = this.#pointer(buffer, distance);
    const level = this.blocks.current;
    for (const [expression, stride] of data) {
      const step = this.sizes.at(mul(stride, bytes), level);
      pointer = plus(pointer, times(this.value(expression, level), step));
    }
    const offset = constant * bytes;
    // An instruction adds its offset without wrapping, so that its pointer must not lie below address 0.
    const isOffset = offset === 0 || (offset > 0 && isNonNegative(distance));
    return isOffset ? { pointer, offset } : { pointer: plus(pointer, i32(offset)), offset: 0 };
  }

  /** A pointer to the element at a distance that has no constant term. */
  #pointer(buffer: Buffer, distance: Size): Code {
    const base = this.#bases.get(buffer)!;
    if (constantOf(distance) === 0) return base;
    const key = `pointer ${this.#number(buffer)} ${distance.id}`;
    const known = this.blocks.held(key);
    if (known !== null) return known;
    const level = this.blocks.levelOfSize(distance);
    const block = this.blocks.all[level]!;
    const local = new Local(buffer.name, "i32");
    const bytes = elementBytes(buffer);
    const step = block.variable === null ? null : stepOf(distance, block.variable);
    if (block.variable === null || step === null) {
      const code = plus(base, this.sizes.at(mul(distance, bytes), level));
      return this.blocks.hold(key, level, local, code, null);
    }
    const start = substitute(distance, (each) => (each === block.variable ? size(0) : null));
    const constant = constantTerm(start);
    const by = this.sizes.at(mul(step, bytes), level - 1);
    const outer = plus(this.#pointer(buffer, sub(start, constant)), i32(constant * bytes));
    const initial = block.start === null ? outer : plus(outer, times(block.start, by));
    this.blocks.all[level - 1]!.out.push(set(local, initial));
    block.values.set(key, { local, loads: new Set() });
    block.moving.push({ local, by });
    return get(local);
  }

  readonly #numbers = new Map<Buffer, number>();

  #number(buffer: Buffer): number {
    const number = this.#numbers.get(buffer) ?? this.#numbers.size;
    this.#numbers.set(buffer, number);
    return number;
  }
}

/** How far a distance moves with a variable, if that is the same everywhere; else null. */
function stepOf(distance: Size, variable: SizeVariable): Size | null {
  const at = (value: Size): Size => substitute(distance, (each) => (each === variable ? value : null));
  const start = at(size(0));
  const step = sub(at(size(1)), start);
  if (variablesOf(step).includes(variable)) return null;
  return add(start, mul(step, size(variable))) === distance ? step : null;
}
