/**
 * Computes what a model prepares of its weights: each part as soon as the last weight that it is made of has arrived.
 *
 * What must stay true: a weight or a part that no run reads is let go when the last part that is made of it is computed,
 * so that while weights arrive, little more is held than what runs need.
 */
import { arrayOf, elementCount, type HeldArrayOf, type HeldElement } from "./tensors.js";

/** What is computed of weights once, when they have arrived. */
export interface PreparedSpec {
  readonly type: HeldElement;
  readonly shape: readonly number[];
  /** The weights, and what was prepared before, that it is made of. */
  readonly of: readonly string[];
  /** Writes it, from arrays in the order of `of`. */
  readonly compute: (of: readonly HeldArrayOf[HeldElement][], result: HeldArrayOf[HeldElement]) => void;
  /** Runs do not read it: it is let go when all that is made of it is computed. */
  readonly passing?: boolean;
}

/** What a run reads, by name, and what it is made of as long as it is needed. */
export class Preparation {
  readonly arrays: Record<string, HeldArrayOf[HeldElement]> = Object.create(null);
  readonly #prepared: ReadonlyMap<string, PreparedSpec>;
  /** How many arrays each part still waits for. */
  readonly #missing = new Map<string, number>();
  /** The parts that are made of an array and not computed yet. */
  readonly #readers = new Map<string, string[]>();
  readonly #passing: ReadonlySet<string>;

  /** @param weights which of the weights are passing */
  constructor(
    weights: Readonly<Record<string, { readonly passing?: boolean }>>,
    prepared: Readonly<Record<string, PreparedSpec>>,
  ) {
    this.#prepared = new Map(Object.entries(prepared));
    const held = [...Object.entries(weights), ...this.#prepared];
    this.#passing = new Set(held.flatMap(([name, { passing }]) => (passing ? [name] : [])));
    for (const [name, { of }] of this.#prepared) {
      this.#missing.set(name, of.length);
      for (const each of of) this.#readers.set(each, [...(this.#readers.get(each) ?? []), name]);
    }
    for (const [name, { of }] of this.#prepared) if (of.length === 0) this.#compute(name);
  }

  /** Takes an array, and computes what was waiting for it. */
  take(name: string, array: HeldArrayOf[HeldElement]): void {
    this.arrays[name] = array;
    const ready = (this.#readers.get(name) ?? []).filter((reader) => {
      const missing = this.#missing.get(reader)! - 1;
      this.#missing.set(reader, missing);
      return missing === 0;
    });
    for (const reader of ready) this.#compute(reader);
  }

  #compute(name: string): void {
    const { type, shape, of, compute } = this.#prepared.get(name)!;
    const result = arrayOf(type, elementCount(shape));
    compute(
      of.map((each) => this.arrays[each]!),
      result,
    );
    for (const each of of) {
      const left = this.#readers.get(each)!.filter((reader) => reader !== name);
      this.#readers.set(each, left);
      if (left.length === 0 && this.#passing.has(each)) delete this.arrays[each];
    }
    this.take(name, result);
  }
}
