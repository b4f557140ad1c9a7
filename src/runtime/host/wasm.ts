/**
 * A model whose kernels are WebAssembly: compiles them, takes the weights, and runs lists of calls.
 *
 * A run writes its inputs and a list of calls into memory, and calls the module once. The lists of the latest sizes are
 * kept, so that a repeated run allocates nothing but its outputs. A size that grows from step to step changes nothing but
 * the words of the list that hold it.
 */
import { type CheckedInputs, dimensionValue, type EntrySpec, type SizeSpec, type Sizes } from "./inputs.js";
import type { ElementName, Tensor } from "./tensors.js";
import { elementCount } from "./tensors.js";
import { WasmHolding } from "./wasm-holding.js";
import { aligned, type ComputedSpec, callBytes, changedWords, type HeldSpec, WasmMemory } from "./wasm-memory.js";
import { Threads } from "./wasm-threads.js";
import { takeWeights, type WeightSpec, type WeightsOptions } from "./weights.js";

/** Where the inputs and outputs of a run lie, and its calls: each a kernel's number and its arguments. */
export interface WasmRun {
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly calls: readonly (readonly number[])[];
}

export interface OutputSpec {
  readonly name: string;
  readonly type: ElementName;
  readonly shape: (sizes: Sizes) => readonly number[];
}

/** An entry: what it takes and gives, and where everything lies for some sizes. */
export interface WasmEntry {
  readonly spec: EntrySpec;
  readonly outputs: readonly OutputSpec[];
  /** The bytes of the arena, inputs, outputs and private arrays of so many parts. */
  readonly bytes: (sizes: Sizes, parts?: number) => number;
  /** @param at the first byte of the arena. @param states where a session keeps what, for a step */
  readonly run: (
    sizes: Sizes,
    at: number,
    weights: Readonly<Record<string, number>>,
    states: Readonly<Record<string, number>>,
  ) => WasmRun;
}

export interface WasmOptions extends WeightsOptions {
  readonly threads?: number | undefined;
}

/** What `items` gives for each number below a count. */
export function repeated<Item>(count: number, items: (i: number) => readonly Item[]): readonly Item[] {
  return Array.from({ length: count }, (_, i) => items(i)).flat();
}

/** The same of fields. */
export function repeatedFields<Value>(
  count: number,
  fields: (i: number) => Readonly<Record<string, Value>>,
): Readonly<Record<string, Value>> {
  return Object.assign({}, ...repeated(count, (i) => [fields(i)]));
}

/** For how many bindings of sizes the calls are kept. */
const keptRuns = 16;

interface KeptRun extends WasmRun {
  /** The first byte of the list of calls, and the first one behind all that the run needs. */
  readonly start: number;
  readonly end: number;
  /** Words of the list of calls that hold the size that grows from run to run. */
  readonly grown: readonly number[];
}

export class WasmInstance {
  #memory: WasmMemory | null;
  readonly #kept = new Map<string, KeptRun>();
  /** The memory of sessions: where each begins and ends. */
  readonly #sessions = new Map<number, number>();
  /** The run whose calls lie in memory. */
  #current: KeptRun | null = null;

  readonly threads: Threads;

  constructor(memory: WasmMemory, threads: Threads) {
    this.threads = threads;
    this.#memory = memory;
  }

  /** Compiles the module, reads the weights and computes what is made of them. */
  static async load(
    code: Uint8Array<ArrayBuffer>,
    weights: Readonly<Record<string, WeightSpec>>,
    computed: Readonly<Record<string, ComputedSpec>>,
    options: WasmOptions,
  ): Promise<WasmInstance> {
    const threads = await Threads.start(code, (options as WasmOptions | undefined)?.threads ?? 1);
    try {
      const memory = new WasmMemory(threads.memory, { ...weights, ...computed } as Record<string, HeldSpec>);
      const holding = new WasmHolding(memory, weights, computed, (calls) => threads.run(calls));
      await takeWeights(weights, options, holding);
      await threads.allStarted();
      return new WasmInstance(memory, threads);
    } catch (error) {
      threads.stop();
      throw error;
    }
  }

  get memory(): WasmMemory {
    this.requireOpen();
    return this.#memory!;
  }

  /** @throws Error where the model was disposed of. */
  requireOpen(): void {
    if (this.#memory === null) throw new Error("the model was disposed of: load it again to run it");
  }

  /** The bytes of the whole memory. */
  get bytes(): number {
    return this.#memory === null ? 0 : this.#memory.memory.buffer.byteLength;
  }

  /** Makes room for a run that needs so many bytes. */
  reserve(bytes: number): void {
    this.memory.reserve(this.#top + bytes);
  }

  /** The first byte behind the weights and what sessions keep. */
  get #top(): number {
    return Math.max(this.memory.end, ...this.#sessions.values());
  }

  /** Memory for a session, between runs' and the weights'. Returns its first byte. */
  keep(bytes: number): number {
    let base = aligned(this.memory.end);
    // The first gap that is large enough.
    for (const [from, to] of [...this.#sessions].sort((a, b) => a[0] - b[0])) {
      if (base + bytes <= from) break;
      base = Math.max(base, aligned(to));
    }
    this.memory.reserve(base + bytes);
    this.#sessions.set(base, base + Math.max(bytes, 16));
    // Runs lie behind it from now on.
    this.#forgetRuns();
    return base;
  }

  /** Frees the memory of a session. */
  release(base: number): void {
    this.#sessions.delete(base);
    this.#forgetRuns();
  }

  #forgetRuns(): void {
    this.#kept.clear();
    this.#current = null;
  }

  /** @param states where a session keeps what; the outputs of a step are overwritten by the next run */
  run(
    entry: WasmEntry,
    { sizes, arrays }: CheckedInputs,
    states?: Readonly<Record<string, number>>,
  ): Readonly<Record<string, Tensor>> {
    const { memory } = this;
    const grows = entry.spec.sizes.find((size) => size.grows);
    const run = this.#runOf(entry, sizes, grows, states ?? {});
    for (const [position, input] of entry.spec.inputs.entries()) {
      const address = run.inputs[position]!;
      const array = arrays[position];
      if (array) memory.write(address, input.type, array);
      else {
        const count = elementCount(input.shape.map((each) => dimensionValue(each, sizes)));
        memory.fill(address, input.type, count, input.fill ?? 0);
      }
    }
    if (this.#current !== run) memory.writeCalls(run.start, run.calls);
    this.#current = run;
    if (grows !== undefined) memory.writeWords(run.grown, sizes[grows.name]!);
    this.threads.run(run.start);
    let outputs: Readonly<Record<string, Tensor>> = {};
    for (const [position, { name, type, shape }] of entry.outputs.entries()) {
      const extents = shape(sizes);
      const count = elementCount(extents);
      const data = memory[states === undefined ? "read" : "view"](run.outputs[position]!, type, count);
      outputs = { ...outputs, [name]: { data, shape: extents, type } };
    }
    return outputs;
  }

  /** The calls of an entry for its sizes, which are made anew only for sizes that were not met lately. */
  #runOf(
    { spec, run: make, bytes }: WasmEntry,
    sizes: Sizes,
    grows: SizeSpec | undefined,
    states: Readonly<Record<string, number>>,
  ): KeptRun {
    const { memory } = this;
    let key = `${spec.name} ${Object.values(states)[0] ?? ""}`;
    for (const size of spec.sizes) if (size !== grows) key += ` ${sizes[size.name]}`;
    let run = this.#kept.get(key);
    if (run === undefined) {
      const start = aligned(this.#top);
      const { calls } = make(sizes, 0, memory.addresses, states);
      const arena = aligned(start + callBytes(calls));
      run = {
        ...make(sizes, arena, memory.addresses, states),
        start,
        end: arena + bytes(sizes, this.threads.count),
        grown: [],
      };
      if (grows !== undefined) {
        const others = make({ ...sizes, [grows.name]: sizes[grows.name]! + 1 }, arena, memory.addresses, states);
        run = { ...run, grown: changedWords(start / 4, run.calls, others.calls) };
      }
    }
    if (run === this.#current) return run;
    memory.reserve(run.end);
    // A Map lists its keys in the order of insertion, so that the first is the one that was not used for longest.
    this.#kept.delete(key);
    this.#kept.set(key, run);
    if (this.#kept.size > keptRuns) this.#kept.delete(this.#kept.keys().next().value!);
    return run;
  }

  /** Lets go of everything, and ends the threads. */
  dispose(): void {
    this.threads.stop();
    this.#memory = null;
    this.#current = null;
    this.#kept.clear();
  }
}
