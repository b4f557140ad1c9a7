/**
 * Sessions: an entry that is computed step by step. A session keeps what later positions need of earlier ones, in memory
 * with room for `capacity` positions, and takes only new positions.
 */
import type { MakeChooser } from "./chooser.js";
import { InputError } from "./elements.js";
import { type CheckedInputs, checkInputs, type Dimension, type EntrySpec, type Sizes } from "./inputs.js";
import { checkNames } from "./options.js";
import { readSession, sessionBytes } from "./session-bytes.js";
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
  /**
   * Begins a step. It is called again before the outputs of the one before are there, if the caller does not wait for them.
   * Outputs that are given at once may be overwritten by the next step. @param last whether only the last position's are wanted
   */
  step(kept: Kept, inputs: CheckedInputs, last: boolean): StepOutputs | Promise<StepOutputs>;
  /** A copy with these rows of the batch, which may repeat. @param sizes of `kept` */
  select(kept: Kept, sizes: Sizes, rows: readonly number[]): Kept;
  read(kept: Kept): KeptArrays | Promise<KeptArrays>;
  write(kept: Kept, arrays: KeptArrays): void;
  dispose(kept: Kept): void;
  /** @throws Error where the model was disposed of. */
  requireOpen(): void;
  /** Makes what chooses tokens where the scores are; if there is none, they are chosen of the outputs. */
  readonly chooser?: MakeChooser<Kept>;
}

export interface SessionOptions {
  /** The inputs without positions, such as what an encoder gave; read once. */
  readonly inputs?: object | undefined;
  /** The positions that there is room for; if not given as many as before it was saved, or the most that the entry takes. */
  readonly capacity?: number | undefined;
  /** Goes on from where this was saved. */
  readonly saved?: Uint8Array | undefined;
}

/** A sequence, or a batch of them, of which some positions are computed. */
export class Session<Kept = unknown> {
  readonly #spec: DecodingSpec;
  readonly #target: StepTarget<Kept>;
  #kept: Kept | null;
  #sizes: Sizes;
  #past: number;
  #isDisposed = false;

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
    return this.run(inputs, false, copiedOutputs);
  }

  /** Computes new positions and gives the outputs of the last of them. */
  async next(inputs: object): Promise<StepOutputs> {
    return this.run(inputs, true, copiedOutputs);
  }

  /**
   * As `step` or `next`, with what `read` makes of the outputs. The next run, of any session of the model, may overwrite them:
   * they are read before anything else can happen.
   */
  async run<Result>(inputs: object, last: boolean, read: (outputs: StepOutputs) => Result): Promise<Result> {
    const outputs = this.take(inputs, last, (kept, checked) => this.#target.step(kept, checked, last));
    return read(outputs instanceof Promise ? await outputs : outputs);
  }

  /** Checks the inputs of a step and has it run by `act`, which may only begin it: the next one goes on from there. */
  take<Result>(inputs: object, last: boolean, act: (kept: Kept, checked: CheckedInputs) => Result): Result {
    this.#requireOpen();
    const { past, count, capacity } = this.#spec;
    const entry = last ? this.#spec.last : this.#spec.step;
    const known = { ...this.#sizes, [past]: this.#past };
    const checked = checkInputs(entry, inputs, known, (name, value) => (name === count ? this.#full(value) : null));
    if (this.#kept === null) this.#kept = this.#target.create(checked.sizes);
    const result = act(this.#kept, checked);
    const { [past]: _past, [count]: added, ...sizes } = checked.sizes;
    this.#sizes = { ...sizes, [capacity]: this.capacity };
    this.#past += added!;
    return result;
  }

  /**
   * Another session that goes on from here by itself. @param rows of the batch, in any order and number; all if not given
   */
  fork(rows?: readonly number[]): Session<Kept> {
    this.#requireOpen();
    const { batch, entry } = this.#spec;
    if (batch === null && rows !== undefined) throw new InputError(`${entry} has no batch to choose rows of`);
    if (this.#kept === null && rows === undefined)
      return new Session(this.#spec, this.#target, null, this.#sizes, this.#past);
    const count = batch === null ? 1 : (this.#sizes[batch] ?? 0);
    const chosen = rows ?? Array.from({ length: count }, (_, row) => row);
    for (const row of chosen) {
      if (Number.isInteger(row) && row >= 0 && row < count) continue;
      throw new InputError(`the session has ${count} row${count === 1 ? "" : "s"}, and row ${row} is none of them`);
    }
    const kept = this.#target.select(this.#kept!, this.#sizes, chosen);
    const sizes = batch === null ? this.#sizes : { ...this.#sizes, [batch]: chosen.length };
    return new Session(this.#spec, this.#target, kept, sizes, this.#past);
  }

  /** What is kept of the positions so far, as the bytes of a safetensors file, for `saved`. */
  async save(): Promise<Uint8Array<ArrayBuffer>> {
    this.#requireOpen();
    const arrays = this.#kept === null ? null : await this.#target.read(this.#kept);
    return sessionBytes(this.#spec, this.#sizes, this.#past, arrays);
  }

  #full(added: number): string {
    return `the session has room for ${this.capacity} positions, and holds ${this.#past}: ${added} more do not fit`;
  }

  #requireOpen(): void {
    this.#target.requireOpen();
    if (this.#isDisposed) throw new Error("the session was disposed of");
  }

  /** Frees what is kept. */
  dispose(): void {
    if (this.#kept !== null) this.#target.dispose(this.#kept);
    this.#kept = null;
    this.#isDisposed = true;
  }
}

/** Opens a session, and computes what is computed once. @throws InputError */
export async function openSession<Kept>(
  spec: DecodingSpec,
  target: StepTarget<Kept>,
  options: SessionOptions = {},
): Promise<Session<Kept>> {
  checkNames("the session", "option", options, ["inputs", "capacity", "saved"]);
  const { inputs, capacity, saved } = options;
  target.requireOpen();
  if (capacity !== undefined || saved === undefined) requireRoom(spec, capacity);
  if (saved !== undefined) {
    const { sizes, past, arrays } = readSession(spec, saved, capacity);
    if (arrays === null) return new Session(spec, target, null, sizes, past);
    const kept = target.create(sizes);
    target.write(kept, arrays);
    return new Session(spec, target, kept, sizes, past);
  }
  const sizes = { [spec.capacity]: capacity ?? spec.most! };
  if (spec.begin === null) return new Session(spec, target, null, sizes, 0);
  const checked = checkInputs(spec.begin, inputs ?? {}, {});
  const kept = target.create({ ...checked.sizes, ...sizes });
  try {
    await target.begin(kept, checked);
  } catch (error) {
    target.dispose(kept);
    throw error;
  }
  return new Session(spec, target, kept, { ...checked.sizes, ...sizes }, 0);
}

function requireRoom({ entry, most }: DecodingSpec, capacity: number | undefined): void {
  const room = capacity ?? most;
  if (room === null) throw new InputError(`${entry} takes any length: say with capacity how many positions to keep`);
  if (Number.isInteger(room) && room >= 1 && (most === null || room <= most)) return;
  throw new InputError(`the capacity is ${room}: it is a whole number from 1${most === null ? "" : ` to ${most}`}`);
}

function copiedOutputs(outputs: StepOutputs): StepOutputs {
  return Object.fromEntries(
    Object.entries(outputs).map(([name, tensor]) => [name, { ...tensor, data: tensor.data.slice() }]),
  );
}
