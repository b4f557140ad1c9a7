/**
 * What a model that is loaded holds: its weights, one arena for all that lives within a run, and the arrays on it.
 *
 * The arena grows when a run needs more than any before. The arrays of the latest sizes are kept, so that a repeated
 * run allocates nothing but its outputs.
 */

import { InputError } from "./elements.js";
import { checkRanges, type EntrySpec, type Sizes } from "./inputs.js";
import { nearestHint } from "./names.js";

/** For how many bindings of sizes the arrays are kept. */
const keptBindings = 16;

export class Instance<Weights> {
  #weights: Weights | null;
  #arena = new ArrayBuffer(0);
  #kept = new Map<string, unknown>();

  constructor(weights: Weights) {
    this.#weights = weights;
  }

  get weights(): Weights {
    this.requireOpen();
    return this.#weights!;
  }

  /** @throws Error where the model was disposed of. */
  requireOpen(): void {
    if (this.#weights === null) throw new Error("the model was disposed of: load it again to run it");
  }

  /** The bytes of the arena. */
  get bytes(): number {
    return this.#arena.byteLength;
  }

  /** Makes the arena at least as large as this. */
  reserve(bytes: number): void {
    if (bytes <= this.#arena.byteLength) return;
    this.#kept.clear();
    // The old arena is let go before the new one is made: both at once may not fit.
    this.#arena = new ArrayBuffer(0);
    try {
      this.#arena = new ArrayBuffer(bytes);
    } catch {
      throw new RangeError(`a run of these sizes needs ${bytes} bytes of memory, which this machine does not give`);
    }
  }

  /** The arrays of an entry for its sizes, made by `make` unless they are kept. */
  arrays<Arrays>(
    entry: EntrySpec,
    sizes: Sizes,
    bytes: number,
    make: (arena: ArrayBuffer, sizes: Sizes) => Arrays,
  ): Arrays {
    this.reserve(bytes);
    const key = [entry.name, ...entry.sizes.map((size) => (size.grows ? "" : sizes[size.name]))].join(" ");
    const kept = this.#kept.get(key) as Arrays | undefined;
    const arrays = kept ?? make(this.#arena, sizes);
    // A Map lists its keys in the order of insertion, so that the first is the one that was not used for longest.
    this.#kept.delete(key);
    this.#kept.set(key, arrays);
    if (this.#kept.size > keptBindings) this.#kept.delete(this.#kept.keys().next().value!);
    return arrays;
  }

  /** Lets go of everything. */
  dispose(): void {
    this.#weights = null;
    this.#kept.clear();
    this.#arena = new ArrayBuffer(0);
  }
}

/** Makes room for runs of the given sizes: for every entry all of whose sizes are given. Disposes where there is none. */
export async function reserveSizes(
  instance: { reserve(bytes: number): void | Promise<void>; dispose(): void },
  given: Sizes | undefined,
  entries: readonly { readonly spec: EntrySpec; readonly arenaBytes: (sizes: Sizes) => number }[],
): Promise<void> {
  if (given === undefined) return;
  const names = new Set(entries.flatMap(({ spec }) => spec.sizes.map((size) => size.name)));
  try {
    for (const [name, value] of Object.entries(given)) {
      if (!names.has(name)) throw new InputError(`the model has no size "${name}"${nearestHint(name, names)}`);
      if (!Number.isSafeInteger(value) || value < 0)
        throw new InputError(`the size ${name} is ${value}, which is no whole number from 0`);
    }
    for (const { spec, arenaBytes } of entries) {
      if (!spec.sizes.every((size) => given[size.name] !== undefined)) continue;
      checkRanges(spec, given);
      await instance.reserve(arenaBytes(given));
    }
  } catch (error) {
    instance.dispose();
    throw error;
  }
}
