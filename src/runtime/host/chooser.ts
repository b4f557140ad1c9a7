/** Runs steps and chooses a token of each row: here from scores that are given; a target may do it where they are. */
import { type SamplingOptions, TokenSampler } from "./sampling.js";
import type { DecodingSpec, Session, StepOutputs } from "./session.js";

/** A row of a batch of which tokens are chosen. */
export interface ChosenRow {
  /** The tokens that the row has had: those of the prompt, and those that were chosen. */
  readonly occurred: Set<number>;
  readonly random: () => number;
}

export interface Chooser<Kept> {
  /** Whether a step can be begun with the tokens chosen last while they are not known yet. */
  readonly isAhead: boolean;
  /**
   * Runs a step and chooses by the scores of its last position.
   * @param inputs of the step; null for the tokens chosen last, where `isAhead`
   * @returns a token for each row, which the next choice may write over
   */
  choose(session: Session<Kept>, inputs: object | null): Promise<ArrayLike<number>>;
}

/** Makes what chooses for some rows. */
export type MakeChooser<Kept> = (
  spec: DecodingSpec,
  options: SamplingOptions,
  rows: readonly ChosenRow[],
) => Chooser<Kept>;

/** Chooses by scores that steps give. */
export class HostChooser<Kept> implements Chooser<Kept> {
  readonly isAhead = false;
  readonly #spec: DecodingSpec;
  readonly #options: SamplingOptions;
  readonly #rows: readonly ChosenRow[];
  readonly #chosen: Int32Array;
  #sampler: TokenSampler | null = null;

  constructor(spec: DecodingSpec, options: SamplingOptions, rows: readonly ChosenRow[]) {
    this.#spec = spec;
    this.#options = options;
    this.#rows = rows;
    this.#chosen = new Int32Array(rows.length);
  }

  async choose(session: Session<Kept>, inputs: object | null): Promise<ArrayLike<number>> {
    return session.run(inputs!, true, (outputs) => this.#chosenOf(outputs));
  }

  #chosenOf(outputs: StepOutputs): ArrayLike<number> {
    const { scores, areProbabilities } = this.#spec;
    const { data, shape } = outputs[scores!]!;
    const vocabulary = shape[2] ?? 0;
    this.#sampler ??= new TokenSampler(this.#options, vocabulary);
    for (const [row, { occurred, random }] of this.#rows.entries()) {
      const token = this.#sampler.choose(data, row * vocabulary, areProbabilities, occurred, random);
      this.#chosen[row] = token;
      occurred.add(token);
    }
    return this.#chosen;
  }
}
