/**
 * The memory of a buffer while a kernel is interpreted: its elements, which of them have been written, and, where loops
 * run in parallel, by whom.
 *
 * What must stay true: every element is checked to be in bounds and written before it is read. Elements are numbers in
 * f64, rounded when they are stored unless the memory is wide.
 */
import { roundTo } from "../ir/graph/rounding.js";
import { isFloat } from "../ir/graph/types.js";
import type { KernelElement } from "../ir/kernel/index.js";
import { type Agent, areConcurrent } from "./kernel-agents.js";
import { elementsOf, type Tensor } from "./tensor.js";

/** Something that is wrong with an access; the interpreter adds where it happens. */
export class AccessError extends Error {}

export class Memory {
  readonly data: Float64Array;
  /** 1 for each element that has been written. */
  readonly written: Uint8Array;
  readonly #strides: readonly number[];
  readonly #writers: (Agent | null | undefined)[] = [];
  readonly #readers: (Agent | null | undefined)[] = [];
  /** What lies in the same bytes, whose elements go one by one as those here are written. */
  replaces: Memory | null = null;

  /**
   * @param wide floats keep the digits of f64.
   * @param of another memory whose elements it is; new ones if not given.
   */
  constructor(
    readonly element: KernelElement,
    readonly shape: readonly number[],
    readonly wide: boolean,
    of: Pick<Memory, "data" | "written"> | null = null,
  ) {
    const count = elementsOf(shape);
    this.data = of?.data ?? new Float64Array(count);
    this.written = of?.written ?? new Uint8Array(count);
    let stride = 1;
    const strides: number[] = [];
    for (const extent of [...shape].reverse()) {
      strides.unshift(stride);
      stride *= extent;
    }
    this.#strides = strides;
  }

  /** A memory that holds a tensor. */
  static of({ element, shape, data }: Tensor, wide: boolean): Memory {
    const memory = new Memory(element, shape, wide);
    for (let i = 0; i < data.length; i++) memory.data[i] = memory.rounded(data[i]!);
    memory.written.fill(1);
    return memory;
  }

  /** The same elements in another shape. */
  in(shape: readonly number[]): Memory {
    const memory = new Memory(this.element, shape, this.wide, this);
    memory.replaces = this.replaces;
    return memory;
  }

  /** Where the element at an index lies. */
  offset(index: ArrayLike<number>): number {
    let offset = 0;
    for (let axis = 0; axis < this.shape.length; axis++) {
      const at = index[axis]!;
      if (!(at >= 0 && at < this.shape[axis]!)) {
        throw new AccessError(`out of bounds: axis ${axis} has ${this.shape[axis]} elements`);
      }
      offset += at * this.#strides[axis]!;
    }
    return offset;
  }

  /** @param agent who reads, where loops run in parallel. */
  read(offset: number, agent: Agent | null): number {
    if (this.written[offset] === 0) throw new AccessError("before it is written");
    if (agent !== null) {
      if (areConcurrent(this.#writers[offset], agent)) throw new AccessError("which another iteration writes");
      // Of concurrent readers one is remembered beside the first: one of the two conflicts with whoever writes.
      const [first, second] = [2 * offset, 2 * offset + 1];
      this.#readers[areConcurrent(this.#readers[first], agent) ? second : first] = agent;
    }
    return this.data[offset]!;
  }

  write(offset: number, value: number, agent: Agent | null): void {
    if (agent !== null) {
      if (areConcurrent(this.#writers[offset], agent)) throw new AccessError("which another iteration writes too");
      if (areConcurrent(this.#readers[2 * offset], agent) || areConcurrent(this.#readers[2 * offset + 1], agent)) {
        throw new AccessError("which another iteration reads");
      }
      this.#writers[offset] = agent;
    }
    this.data[offset] = this.rounded(value);
    this.written[offset] = 1;
    if (this.replaces !== null) this.replaces.written[offset] = 0;
  }

  /** What was there is gone, as where other bytes were written over it. */
  forget(): void {
    this.written.fill(0);
  }

  /** The index of the first element that was not written, or null. */
  get firstUnwritten(): readonly number[] | null {
    const offset = this.written.indexOf(0);
    return offset < 0 ? null : this.#strides.map((stride, axis) => Math.floor(offset / stride) % this.shape[axis]!);
  }

  rounded(value: number): number {
    if (this.element === "i32") return value | 0;
    return this.wide ? value : roundTo(this.element, value);
  }

  /** The elements as a tensor. */
  tensor(): Tensor {
    const { element, shape, data } = this;
    if (!isFloat(element) && element !== "bool") return { element, shape, data: Int32Array.from(data) };
    if (element === "bool") return { element, shape, data: Uint8Array.from(data) };
    return { element, shape, data: this.wide ? data.slice() : Float32Array.from(data) };
  }
}
