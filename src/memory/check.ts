/**
 * Checks a plan for given sizes, independently of how it was made: from the dispatches, the kernels and the places alone.
 *
 * 1. A dispatch names a kernel, and its buffers have the element types and shapes of the kernel's arguments; or as many
 *    elements, where it says what the kernel's sizes are.
 * 2. A buffer that a dispatch reads is an input, a weight, a state, or was written by an earlier dispatch.
 *    What is prepared reads weights and what was prepared before it, mentions no run-time size, and writes prepared
 *    buffers alone; a run writes none of them.
 * 3. Inputs and weights are never written, every other buffer is written once. Every output is, or else holds a buffer in
 *    its memory that is, with as many elements of the same type.
 * 4. In the arena, offsets and lengths are multiples of 16, the length holds the elements, the end is in the arena.
 * 5. Two buffers that live at one time (from the dispatch that writes to the last that reads, an output to the end) share
 *    no byte of the arena or of an output, but where a dispatch that reads one for the last time writes the other, both
 *    begin at one byte, and the kernel is proven to read no element after its place was written.
 */
import type { Kernel } from "../ir/kernel/index.js";
import { type BufferId, type Dispatch, type Plan, type PlanBuffer, sizeWhere } from "../ir/plan/plan.js";
import { evaluate, type Size, type SizeVariable, substitute } from "../sizes/index.js";
import { bytesOf } from "./bytes.js";
import { haveSameLayout, mayReplace } from "./in-place.js";

type ElementsOf = Pick<PlanBuffer, "element" | "shape">;

/** A buffer in the arena or an output, from which dispatch to which, and where. */
interface Life {
  readonly id: BufferId;
  /** The memory that its bytes are counted in. */
  readonly space: string;
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
    const { prepare, dispatches } = this.plan;
    // What is prepared comes before all runs: its dispatches have negative numbers.
    for (const [at, dispatch] of prepare.entries()) {
      this.#dispatch(at - prepare.length, dispatch);
      this.#preparation(at - prepare.length, dispatch);
    }
    for (const [at, dispatch] of dispatches.entries()) this.#dispatch(at, dispatch);
    for (const id of this.plan.outputs) this.#output(id);
    this.#overlaps();
    return this.#problems;
  }

  #dispatch(at: number, dispatch: Dispatch): void {
    const kernel = this.plan.kernels[dispatch.kernel];
    if (kernel === undefined) {
      this.#problems.push(`dispatch ${at} is of kernel ${dispatch.kernel}, which there is not`);
      return;
    }
    this.#arguments(at, dispatch, kernel, "reads");
    this.#arguments(at, dispatch, kernel, "writes");
    for (const id of dispatch.reads) this.#read(at, id);
    for (const id of dispatch.writes) this.#write(at, id);
  }

  #preparation(at: number, { kernel, reads }: Dispatch): void {
    const { sizes = [] } = this.plan.kernels[kernel] ?? {};
    for (const { name } of sizes) this.#problems.push(`dispatch ${at} prepares, and mentions the size ${name}`);
    for (const id of reads) {
      const kind = this.plan.buffers[id]?.place.kind;
      if (kind === "weight" || kind === "prepared") continue;
      this.#problems.push(`dispatch ${at} prepares, and reads ${this.#name(id)}, which only a run has`);
    }
  }

  #name(id: BufferId): string {
    return `${this.plan.buffers[id]?.name} (${id})`;
  }

  #value(size: Size): number {
    return evaluate(size, this.sizeOf);
  }

  #arguments(at: number, dispatch: Dispatch, kernel: Kernel, verb: "reads" | "writes"): void {
    const [parameters, given] = [kernel[verb], dispatch[verb]];
    const inKernel = (each: Size): Size => substitute(each, (variable) => sizeWhere(dispatch, kernel, variable));
    if (parameters.length !== given.length) {
      this.#problems.push(`dispatch ${at} ${verb} ${given.length} buffers, its kernel ${parameters.length}`);
    }
    for (const [i, id] of given.entries()) {
      const [buffer, argument] = [this.plan.buffers[id], parameters[i]];
      if (argument === undefined) continue;
      const parameter = { element: argument.element, shape: argument.shape.map(inKernel) };
      const isWhole = dispatch.sizes === undefined || buffer?.shape.length === argument.shape.length;
      const fits = isWhole ? this.#type : this.#room;
      if (buffer !== undefined && fits(buffer) === fits(parameter)) continue;
      const is = buffer === undefined ? "no buffer" : this.#type(buffer);
      this.#problems.push(`dispatch ${at} ${verb} ${this.#name(id)}, ${is}, as ${this.#type(parameter)}`);
    }
  }

  readonly #room = (array: ElementsOf): string => `${array.element} ${this.#dataBytes(array)}`;

  readonly #type = ({ element, shape }: ElementsOf): string =>
    `${element}[${shape.map((each) => this.#value(each)).join(", ")}]`;

  #read(at: number, id: BufferId): void {
    const kind = this.plan.buffers[id]?.place.kind;
    if (kind !== "input" && kind !== "weight" && kind !== "state" && !this.#written.has(id)) {
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
    if ((place.kind === "prepared") !== at < 0) {
      this.#problems.push(`dispatch ${at} writes ${this.#name(id)}, which ${at < 0 ? "a run writes" : "is prepared"}`);
    }
    if (this.#written.has(id)) this.#problems.push(`dispatch ${at} writes ${this.#name(id)} a second time`);
    this.#written.add(id);
    if (place.kind === "output") this.#begin(id, at, `output ${place.name}`, 0, this.#dataBytes(buffer));
    if (place.kind !== "arena") return;
    const [start, bytes] = [this.#value(place.offset), this.#value(place.bytes)];
    if (start % 16 !== 0 || bytes % 16 !== 0)
      this.#problems.push(`${this.#name(id)} is not aligned: ${start}, ${bytes}`);
    const needed = this.#dataBytes(buffer);
    if (bytes < needed) this.#problems.push(`${this.#name(id)} has ${bytes} bytes and needs ${needed}`);
    const arena = this.#value(this.plan.arenaBytes);
    if (start < 0 || start + bytes > arena) {
      this.#problems.push(`${this.#name(id)} lies at ${start} to ${start + bytes}, the arena has ${arena} bytes`);
    }
    this.#begin(id, at, "arena", start, start + bytes);
  }

  #dataBytes({ element, shape }: ElementsOf): number {
    return shape.reduce((product, extent) => product * this.#value(extent), bytesOf(element));
  }

  #begin(id: BufferId, at: number, space: string, start: number, end: number): void {
    if (!this.#lives.has(id)) this.#lives.set(id, { id, space, first: at, last: at, start, end });
  }

  /** An output lives to the end, or what it holds does in its place. */
  #output(id: BufferId): void {
    const output = this.plan.buffers[id]!;
    const { place } = output;
    const held = place.kind === "output" ? (place.holds ?? id) : id;
    const [written, life] = [this.plan.buffers[held], this.#lives.get(held)];
    if (place.kind !== "output" || life === undefined || written === undefined) {
      this.#problems.push(`output ${this.#name(held)} is never written`);
      return;
    }
    if (held !== id && this.#written.has(id)) this.#problems.push(`output ${this.#name(id)} is written, and held`);
    const isSame = written.element === output.element && this.#dataBytes(written) === this.#dataBytes(output);
    if (!isSame || life.space !== `output ${place.name}`) {
      this.#problems.push(`output ${this.#name(id)} does not lie where ${this.#name(held)} does`);
    }
    life.last = this.plan.dispatches.length;
  }

  #overlaps(): void {
    const lives = [...this.#lives.values()];
    for (const [i, a] of lives.entries()) {
      for (const b of lives.slice(i + 1)) {
        const [first, last] = [Math.max(a.first, b.first), Math.min(a.last, b.last)];
        if (a.space !== b.space || first > last || Math.max(a.start, b.start) >= Math.min(a.end, b.end)) continue;
        if (this.#isReplacement(a, b) || this.#isReplacement(b, a)) continue;
        this.#problems.push(`${this.#name(a.id)} and ${this.#name(b.id)} overlap at dispatch ${first}`);
      }
    }
  }

  /** Whether `late` takes the place of `early` in the one dispatch that both live in. */
  #isReplacement(early: Life, late: Life): boolean {
    if (early.last !== late.first || early.first >= late.first || early.start !== late.start) return false;
    const dispatch = this.plan.dispatches[late.first]!;
    const kernel = this.plan.kernels[dispatch.kernel];
    const write = dispatch.writes.indexOf(late.id);
    const reads = dispatch.reads.flatMap((id, i) => (id === early.id ? [i] : []));
    if (kernel === undefined || write < 0 || reads.length === 0) return false;
    const [from, to] = [this.plan.buffers[early.id]!, this.plan.buffers[late.id]!];
    return haveSameLayout(from, to) && reads.every((read) => mayReplace(kernel, read, write));
  }
}
