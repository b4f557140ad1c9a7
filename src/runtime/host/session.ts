/**
 * Sessions: an entry that is computed step by step. A session keeps what later positions need of earlier ones, in memory
 * with room for `capacity` positions, and takes only new positions.
 */
import { InputError } from "./elements.js";
import { type CheckedInputs, checkInputs, type Dimension, type EntrySpec, type Sizes } from "./inputs.js";
import type { ArrayOf, ElementName, Tensor } from "./tensors.js";

/** Something that a session keeps. */
export interface StateSpec {
  readonly name: string;
  readonly type: ElementName;
  readonly shape: readonly Dimension[];
}

/** What a module knows of an entry that is computed step by step. */
export interface DecodingSpec {
  /** The entry's name. */
  readonly entry: string;
  /** What is computed once for a sequence, from the inputs without positions; null if nothing is. */
  readonly begin: EntrySpec | null;
  /** A step that gives the outputs of all new positions, and one that gives those of the last. */
  readonly step: EntrySpec;
  readonly last: EntrySpec;
  /** The names of the sizes of a step: the room, the positions before, the new ones; and the rows of a batch. */
  readonly capacity: string;
  readonly past: string;
  readonly count: string;
  readonly batch: string | null;
  /** The most positions that the entry takes, or null where there is no bound. */
  readonly most: number | null;
  readonly states: readonly StateSpec[];
  /** The input with the tokens and the output with a score for each token of the vocabulary, if it has such. */
  readonly tokens: string | null;
  readonly scores: string | null;
  /** Whether the scores are probabilities; else they are logits. */
  readonly areProbabilities: boolean;
}

/** The outputs of a step, by name. */
export type StepOutputs = Readonly<Record<string, Tensor>>;

/** The elements of all that a session keeps, by name. */
export type KeptArrays = Readonly<Record<string, ArrayOf[ElementName]>>;

/** What runs the steps of an entry, and holds what is kept: arrays, memory of WebAssembly, buffers of a GPU. */
export interface StepTarget<Kept> {
  /** Memory for all states, zero. */
  create(sizes: Sizes): Kept;
  begin(kept: Kept, inputs: CheckedInputs): void | Promise<void>;
  /** The outputs may be overwritten by the next step. @param last whether only the last position's are wanted */
  step(kept: Kept, inputs: CheckedInputs, last: boolean): StepOutputs | Promise<StepOutputs>;
  /** A copy with these rows of the batch, which may repeat. @param sizes of `kept` */
  select(kept: Kept, sizes: Sizes, rows: readonly number[]): Kept;
  read(kept: Kept): KeptArrays | Promise<KeptArrays>;
  write(kept: Kept, arrays: KeptArrays): void;
  dispose(kept: Kept): void;
}

/** A session as plain data, which can be stored and restored. */
export interface SavedSession {
  readonly entry: string;
  readonly past: number;
  readonly sizes: Sizes;
  readonly states: KeptArrays;
}

export interface SessionOptions {
  /** The inputs without positions, such as what an encoder gave; read once. */
  readonly inputs?: object | undefined;
  /** The positions that there is room for; the most that the entry takes unless given. */
  readonly capacity?: number | undefined;
  /** Goes on from where this was saved. */
  readonly saved?: SavedSession | undefined;
}

/** A sequence, or a batch of them, of which some positions are computed. */
export class Session<Kept = unknown> {
  readonly #spec: DecodingSpec;
  readonly #target: StepTarget<Kept>;
  #kept: Kept | null;
  #sizes: Sizes;
  #past: number;

  /** For `openSession` and `fork`. */
  constructor(spec: DecodingSpec, target: StepTarget<Kept>, kept: Kept | null, sizes: Sizes, past: number) {
    this.#spec = spec;
    this.#target = target;
    this.#kept = kept;
    this.#sizes = sizes;
    this.#past = past;
  }

  /** The positions that are computed. */
  get past(): number {
    return this.#past;
  }

  /** The positions that there is room for. */
  get capacity(): number {
    return this.#sizes[this.#spec.capacity]!;
  }

  /**
   * Computes new positions and gives their outputs.
   * @param inputs those over positions, with the new positions only
   */
  async step(inputs: object): Promise<StepOutputs> {
    return copiedOutputs(await this.run(inputs, false));
  }

  /** Computes new positions and gives the outputs of the last of them. */
  async next(inputs: object): Promise<StepOutputs> {
    return copiedOutputs(await this.run(inputs, true));
  }

  /** As `step` or `next`, with outputs that the next run may overwrite. */
  async run(inputs: object, last: boolean): Promise<StepOutputs> {
    const { past, count, capacity } = this.#spec;
    const entry = last ? this.#spec.last : this.#spec.step;
    const checked = checkInputs(entry, inputs, { ...this.#sizes, [past]: this.#past });
    if (this.#kept === null) this.#kept = this.#target.create(checked.sizes);
    const outputs = await this.#target.step(this.#kept, checked, last);
    const { [past]: _past, [count]: added, ...sizes } = checked.sizes;
    this.#sizes = { ...sizes, [capacity]: this.capacity };
    this.#past += added!;
    return outputs;
  }

  /**
   * Another session that goes on from here by itself. @param rows of the batch, in any order and number; all if not given
   */
  fork(rows?: readonly number[]): Session<Kept> {
    const { batch, entry } = this.#spec;
    if (this.#kept === null) return new Session(this.#spec, this.#target, null, this.#sizes, this.#past);
    const count = batch === null ? 1 : this.#sizes[batch]!;
    const chosen = rows ?? Array.from({ length: count }, (_, row) => row);
    if (batch === null && rows !== undefined) throw new InputError(`${entry} has no batch to choose rows of`);
    for (const row of chosen) {
      if (Number.isInteger(row) && row >= 0 && row < count) continue;
      throw new InputError(`the session has ${count} row${count === 1 ? "" : "s"}, and row ${row} is none of them`);
    }
    const kept = this.#target.select(this.#kept, this.#sizes, chosen);
    const sizes = batch === null ? this.#sizes : { ...this.#sizes, [batch]: chosen.length };
    return new Session(this.#spec, this.#target, kept, sizes, this.#past);
  }

  /** What is kept, as data for `saved`. */
  async save(): Promise<SavedSession> {
    const { entry } = this.#spec;
    if (this.#kept === null) return { entry, past: 0, sizes: this.#sizes, states: {} };
    const arrays = await this.#target.read(this.#kept);
    const states = Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, array.slice()]));
    return { entry, past: this.#past, sizes: this.#sizes, states };
  }

  /** Frees what is kept. */
  dispose(): void {
    if (this.#kept !== null) this.#target.dispose(this.#kept);
    this.#kept = null;
    this.#past = 0;
  }
}

/** Opens a session, and computes what is computed once. @throws InputError */
export async function openSession<Kept>(
  spec: DecodingSpec,
  target: StepTarget<Kept>,
  options: SessionOptions = {},
): Promise<Session<Kept>> {
  const { inputs, capacity, saved } = options;
  if (saved !== undefined) return restoredSession(spec, target, saved);
  const room = capacity ?? spec.most;
  if (room === null)
    throw new InputError(`${spec.entry} takes any length: say with capacity how many positions to keep`);
  if (!Number.isInteger(room) || room < 1 || (spec.most !== null && room > spec.most)) {
    throw new InputError(
      `the capacity is ${room}: it is a whole number from 1${spec.most === null ? "" : ` to ${spec.most}`}`,
    );
  }
  const sizes = { [spec.capacity]: room };
  if (spec.begin === null) return new Session(spec, target, null, sizes, 0);
  const checked = checkInputs(spec.begin, inputs ?? {}, {});
  const kept = target.create({ ...checked.sizes, ...sizes });
  await target.begin(kept, checked);
  return new Session(spec, target, kept, { ...checked.sizes, ...sizes }, 0);
}

function restoredSession<Kept>(spec: DecodingSpec, target: StepTarget<Kept>, saved: SavedSession): Session<Kept> {
  const { entry, past, sizes, states } = saved;
  if (entry !== spec.entry) throw new InputError(`the saved session is of ${entry}, and not of ${spec.entry}`);
  if (past === 0 && spec.begin === null) return new Session(spec, target, null, sizes, 0);
  const kept = target.create(sizes);
  for (const { name } of spec.states) {
    if (states[name] === undefined) throw new InputError(`the saved session has no ${name}`);
  }
  target.write(kept, states);
  return new Session(spec, target, kept, sizes, past);
}

function copiedOutputs(outputs: StepOutputs): StepOutputs {
  return Object.fromEntries(
    Object.entries(outputs).map(([name, tensor]) => [name, { ...tensor, data: tensor.data.slice() }]),
  );
}
