/**
 * Choosing a token by its score: greedily, or at random by temperature, the k likeliest, and the likeliest that make up p.
 *
 * What is kept are the tokens whose logit is at least some number, which is found bit by bit; of equal ones the first. One of
 * them is drawn in the order of their numbers. Logits and weights are f32, so that a GPU that does the same chooses the
 * same token but where the last bit decides.
 */
import { InputError } from "./elements.js";

export interface SamplingOptions {
  /** What logits are divided by; 0 takes the likeliest token. 1 unless given where topK or topP is, else 0. */
  readonly temperature?: number | undefined;
  /** Only the likeliest so many. */
  readonly topK?: number | undefined;
  /** Only the likeliest whose probabilities sum up to this (Holtzman et al. 2020). */
  readonly topP?: number | undefined;
  /** What the logits of tokens that have occurred are divided by, or multiplied if negative (Keskar et al. 2019). */
  readonly repetitionPenalty?: number | undefined;
  /** Decides the random choices: sequence i of a batch draws from `seededRandom(seed + i)`, once for each token. */
  readonly seed?: number | undefined;
}

/** That a model gives a token a score that is not a number: its weights hold some, or what it computes of them. */
export class ScoreError extends Error {
  override name = "ScoreError";

  constructor(token: number) {
    super(`the score of token ${token} is not a number`);
  }
}

/** Random multiples of 2^-24 from 0 to below 1 that only the seed decides: the upper bits of mulberry32. */
export function seededRandom(seed: number): () => number {
  let state = (Math.imul(seed | 0, 0x9e3779b1) + 0x6d2b79f5) | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 8) / 2 ** 24;
  };
}

/** The temperature of options; to ask for some of the likeliest is to ask that one of them be drawn. */
export function temperatureOf({ temperature, topK, topP }: SamplingOptions): number {
  return temperature ?? (topK === undefined && topP === undefined ? 0 : 1);
}

/** @throws InputError for options that mean nothing. */
export function checkSampling({ temperature = 0, topK, topP, repetitionPenalty = 1, seed = 0 }: SamplingOptions): void {
  const fail = (name: string, value: number, what: string): never => {
    throw new InputError(`${name} is ${value}: it is ${what}`);
  };
  if (!(Number.isFinite(temperature) && temperature >= 0)) fail("temperature", temperature, "a number from 0");
  if (topK !== undefined && !(Number.isInteger(topK) && topK >= 1)) fail("topK", topK, "a whole number from 1");
  if (topP !== undefined && !(Number.isFinite(topP) && topP > 0 && topP <= 1))
    fail("topP", topP, "above 0 and at most 1");
  if (!(Number.isFinite(repetitionPenalty) && repetitionPenalty > 0))
    fail("repetitionPenalty", repetitionPenalty, "above 0");
  if (!Number.isInteger(seed)) fail("seed", seed, "a whole number");
}

/** Chooses tokens; its memory is used again for each. */
export class TokenSampler {
  readonly #options: SamplingOptions;
  readonly #logits: Float32Array;
  readonly #bits: Uint32Array;
  /** Numbers that are ordered as the logits are. */
  readonly #keys: Uint32Array;
  readonly #weights: Float32Array;

  constructor(options: SamplingOptions, vocabulary: number) {
    checkSampling(options);
    this.#options = options;
    this.#logits = new Float32Array(vocabulary);
    this.#bits = new Uint32Array(this.#logits.buffer);
    this.#keys = new Uint32Array(temperatureOf(options) > 0 ? vocabulary : 0);
    this.#weights = new Float32Array(this.#keys.length);
  }

  /**
   * The token chosen from the scores at an offset.
   * @param occurred tokens of the sequence so far
   */
  choose(
    scores: ArrayLike<number>,
    offset: number,
    areProbabilities: boolean,
    occurred: ReadonlySet<number>,
    random: () => number,
  ): number {
    const { repetitionPenalty = 1 } = this.#options;
    const temperature = temperatureOf(this.#options);
    const logits = this.#logits;
    // The likeliest token needs no logarithms, which may make two scores equal.
    const isLog = areProbabilities && (temperature > 0 || repetitionPenalty !== 1);
    for (let token = 0; token < logits.length; token++) {
      const score = scores[offset + token]!;
      if (Number.isNaN(score)) throw new ScoreError(token);
      logits[token] = isLog ? Math.log(score) : score;
    }
    if (repetitionPenalty !== 1) {
      const inverse = Math.fround(1 / repetitionPenalty);
      for (const token of occurred) {
        const logit = logits[token];
        if (logit !== undefined) logits[token] = logit * (logit > 0 ? inverse : Math.fround(repetitionPenalty));
      }
    }
    return temperature === 0 ? largestOf(logits) : this.#drawn(temperature, random());
  }

  #drawn(temperature: number, random: number): number {
    const { topK, topP = 1 } = this.#options;
    const logits = this.#logits;
    const [keys, weights, bits] = [this.#keys, this.#weights, this.#bits];
    const count = keys.length;
    const most = logits[largestOf(logits)]!;
    let sum = 0;
    for (let token = 0; token < count; token++) {
      const logit = logits[token]!;
      weights[token] = logit === most ? 1 : Math.exp((logit - most) / temperature);
      sum += weights[token]!;
      const pattern = logit === 0 ? 0 : bits[token]!;
      keys[token] = pattern >= 0x80000000 ? ~pattern : pattern + 0x80000000;
    }
    // Tokens are kept whose key is above `least`, and of those whose key it is the ones before `end`.
    let [least, end] = [0, count];
    const keep = (mass: (key: number) => number, wanted: number, of: (token: number) => number): void => {
      let found = 0;
      for (let bit = 2 ** 31; bit >= 1; bit /= 2) if (mass(found + bit) >= wanted) found += bit;
      let missing = wanted - mass(found + 1);
      for (let token = 0; token < (found === least ? end : count); token++) {
        if (keys[token] !== found) continue;
        missing -= of(token);
        if (missing > 0) continue;
        [least, end] = [found, token + 1];
        return;
      }
      if (found > least) [least, end] = [found, count];
    };
    const isKept = (token: number): boolean => keys[token]! > least || (keys[token] === least && token < end);
    const massOf =
      (of: (token: number) => number) =>
      (key: number): number => {
        let all = 0;
        for (let token = 0; token < count; token++) if (keys[token]! >= key && isKept(token)) all += of(token);
        return all;
      };
    const [one, weight] = [() => 1, (token: number) => weights[token]!];
    if (topK !== undefined && topK < count) {
      keep(massOf(one), topK, one);
      sum = massOf(weight)(0);
    }
    if (topP < 1) {
      keep(massOf(weight), topP * sum, weight);
      sum = massOf(weight)(0);
    }
    let rest = random * sum;
    let last = 0;
    for (let token = 0; token < count; token++) {
      if (!isKept(token)) continue;
      last = token;
      rest -= weights[token]!;
      if (rest < 0) break;
    }
    return last;
  }
}

/** The index of the largest, the lowest among equals. */
export function largestOf(numbers: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < numbers.length; i++) if (numbers[i]! > numbers[best]!) best = i;
  return best;
}
