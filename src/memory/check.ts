/**
 * Checks a plan for given sizes, independently of how it was made: from the dispatches and the places alone.
 *
 * 1. A dispatch names a kernel, and its buffers have the element types and shapes of the kernel's arguments.
 * 2. A buffer that a dispatch reads is an input, a weight, or was written by an earlier dispatch.
 * 3. Inputs and weights are never written, every other buffer is written once, and every output is.
 * 4. In the arena, offsets and lengths are multiples of 16, the length holds the elements, the end is in the arena.
 * 5. Two buffers that live at one time (from the dispatch that writes to the last that reads) share no byte.
 */
import type { Buffer } from "../ir/kernel/index.js";
import type { BufferId, Plan, PlanBuffer } from "../ir/plan/plan.js";
import { evaluate, type Size, type SizeVariable } from "../sizes/index.js";

/** A buffer in the arena, from which dispatch to which, and where. */
interface Life {
  readonly id: BufferId;
  readonly first: number;
  last: number;
  readonly start: number;
  readonly end: number;
}

/** What is wrong with the plan for these sizes; nothing for a correct plan. */
export function checkPlan(plan: Plan, sizeOf: (variable: SizeVariable) => number): readonly string[] {
  return new Checker(plan, sizeOf).check();
}

class Checker {
  readonly #problems: string[] = [];
  readonly #lives = new Map<BufferId, Life>();
  readonly #written = new Set<BufferId>();

  constructor(
    readonly plan: Plan,
    readonly sizeOf: (variable: SizeVariable) => number,
  ) {}

  check(): readonly string[] {
    for (const [at, dispatch] of this.plan.dispatches.entries()) {
      const kernel = this.plan.kernels[dispatch.kernel];
      if (kernel === undefined) {
        this.#problems.push(`dispatch ${at} is of kernel ${dispatch.kernel}, which there is not`);
        continue;
      }
      this.#arguments(at, "reads", kernel.reads, dispatch.reads);
      this.#arguments(at, "writes", kernel.writes, dispatch.writes);
      for (const id of dispatch.reads) this.#read(at, id);
      for (const id of dispatch.writes) this.#write(at, id);
    }
    for (const id of this.plan.outputs) {
      if (!this.#written.has(id)) this.#problems.push(`output ${this.#name(id)} is never written`);
    }
    this.#overlaps();
    return this.#problems;
  }

  #name(id: BufferId): string {
    return `${this.plan.buffers[id]?.name} (${id})`;
  }

  #value(size: Size): number {
    return evaluate(size, this.sizeOf);
  }

  #arguments(at: number, verb: string, parameters: readonly Buffer[], given: readonly BufferId[]): void {
    if (parameters.length !== given.length) {
      this.#problems.push(`dispatch ${at} ${verb} ${given.length} buffers, its kernel ${parameters.length}`);
    }
    for (const [i, id] of given.entries()) {
      const [buffer, parameter] = [this.plan.buffers[id], parameters[i]];
      if (parameter !== undefined && (buffer === undefined || this.#type(buffer) !== this.#type(parameter))) {
        const is = buffer === undefined ? "no buffer" : this.#type(buffer);
        this.#problems.push(`dispatch ${at} ${verb} ${this.#name(id)}, ${is}, as ${this.#type(parameter)}`);
      }
    }
  }

  #type({ element, shape }: Pick<PlanBuffer, "element" | "shape">): string {
    return `${element}[${shape.map((each) => this.#value(each)).join(", ")}]`;
  }

  #read(at: number, id: BufferId): void {
    const kind = this.plan.buffers[id]?.place.kind;
    if (kind !== "input" && kind !== "weight" && !this.#written.has(id)) {
      this.#problems.push(`dispatch ${at} reads ${this.#name(id)} before it is written`);
    }
    const life = this.#lives.get(id);
    if (life !== undefined) life.last = at;
  }

  #write(at: number, id: BufferId): void {
    const buffer = this.plan.buffers[id];
    if (buffer === undefined) return;
    const { place } = buffer;
    if (place.kind === "input" || place.kind === "weight") {
      this.#problems.push(`dispatch ${at} writes ${this.#name(id)}, which is the caller's`);
    }
    if (this.#written.has(id)) this.#problems.push(`dispatch ${at} writes ${this.#name(id)} a second time`);
    this.#written.add(id);
    if (place.kind !== "arena") return;
    const [start, bytes] = [this.#value(place.offset), this.#value(place.bytes)];
    if (start % 16 !== 0 || bytes % 16 !== 0)
      this.#problems.push(`${this.#name(id)} is not aligned: ${start}, ${bytes}`);
    const elements = buffer.shape.reduce((product, extent) => product * this.#value(extent), 1);
    const needed = elements * (buffer.element === "bool" ? 1 : 4);
    if (bytes < needed) this.#problems.push(`${this.#name(id)} has ${bytes} bytes and needs ${needed}`);
    const arena = this.#value(this.plan.arenaBytes);
    if (start < 0 || start + bytes > arena) {
      this.#problems.push(`${this.#name(id)} lies at ${start} to ${start + bytes}, the arena has ${arena} bytes`);
    }
    if (!this.#lives.has(id)) this.#lives.set(id, { id, first: at, last: at, start, end: start + bytes });
  }

  #overlaps(): void {
    const lives = [...this.#lives.values()];
    for (const [i, a] of lives.entries()) {
      for (const b of lives.slice(i + 1)) {
        const [first, last] = [Math.max(a.first, b.first), Math.min(a.last, b.last)];
        if (first > last || Math.max(a.start, b.start) >= Math.min(a.end, b.end)) continue;
        this.#problems.push(`${this.#name(a.id)} and ${this.#name(b.id)} overlap at dispatch ${first}`);
      }
    }
  }
}
