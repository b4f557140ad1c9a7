/** Choosing a token by its score: greedily, or at random by temperature, the k likeliest, and the likeliest that make up p. */
import { InputError } from "./elements.js";

export interface SamplingOptions {
  /** What logits are divided by; 0, the default, takes the likeliest token. */
  readonly temperature?: number | undefined;
  /** Only the likeliest so many. */
  readonly topK?: number | undefined;
  /** Only the likeliest whose probabilities sum up to this (Holtzman et al. 2020). */
  readonly topP?: number | undefined;
  /** What the logits of tokens that have occurred are divided by, or multiplied if negative (Keskar et al. 2019). */
  readonly repetitionPenalty?: number | undefined;
  /** Decides the random choices. */
  readonly seed?: number | undefined;
}

/** Random numbers from 0 to below 1 that only the seed decides (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = (Math.imul(seed | 0, 0x9e3779b1) + 0x6d2b79f5) | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** @throws InputError for options that mean nothing. */
export function checkSampling({ temperature = 0, topK, topP, repetitionPenalty = 1, seed = 0 }: SamplingOptions): void {
  const fail = (name: string, value: number, what: string): never => {
    throw new InputError(`${name} is ${value}: it is ${what}`);
  };
  if (!(temperature >= 0 && temperature < Infinity)) fail("temperature", temperature, "a number from 0");
  if (topK !== undefined && !(Number.isInteger(topK) && topK >= 1)) fail("topK", topK, "a whole number from 1");
  if (topP !== undefined && !(topP > 0 && topP <= 1)) fail("topP", topP, "above 0 and at most 1");
  if (!(repetitionPenalty > 0 && repetitionPenalty < Infinity)) fail("repetitionPenalty", repetitionPenalty, "above 0");
  if (!Number.isInteger(seed)) fail("seed", seed, "a whole number");
}

/** Chooses tokens; its memory is used again for each. */
export class TokenSampler {
  readonly #options: SamplingOptions;
  readonly #logits: Float64Array;
  readonly #order: Int32Array;

  constructor(options: SamplingOptions, vocabulary: number) {
    checkSampling(options);
    this.#options = options;
    this.#logits = new Float64Array(vocabulary);
    this.#order = new Int32Array(vocabulary);
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
    const { temperature = 0, repetitionPenalty = 1 } = this.#options;
    const logits = this.#logits;
    for (let token = 0; token < logits.length; token++) {
      const score = scores[offset + token]!;
      if (Number.isNaN(score)) throw new Error(`the score of token ${token} is not a number`);
      logits[token] = areProbabilities ? Math.log(score) : score;
    }
    if (repetitionPenalty !== 1) {
      for (const token of occurred) {
        const logit = logits[token];
        if (logit !== undefined) logits[token] = logit > 0 ? logit / repetitionPenalty : logit * repetitionPenalty;
      }
    }
    return temperature === 0 ? largestOf(logits) : this.#drawn(temperature, random);
  }

  #drawn(temperature: number, random: () => number): number {
    const { topK, topP = 1 } = this.#options;
    const logits = this.#logits;
    const order = this.#order;
    for (let token = 0; token < order.length; token++) order[token] = token;
    // Without a limit the order does not matter.
    if (topK !== undefined || topP < 1) order.sort((a, b) => logits[b]! - logits[a]! || a - b);
    const count = Math.min(topK ?? order.length, order.length);
    const most = logits[largestOf(logits)]!;
    let total = 0;
    for (let i = 0; i < count; i++) total += weightOf(logits[order[i]!]!, most, temperature);
    let kept = count;
    let sum = total;
    if (topP < 1) {
      sum = 0;
      for (kept = 0; kept < count && sum < topP * total; kept++)
        sum += weightOf(logits[order[kept]!]!, most, temperature);
    }
    let rest = random() * sum;
    for (let i = 0; i < kept; i++) {
      rest -= weightOf(logits[order[i]!]!, most, temperature);
      if (rest < 0) return order[i]!;
    }
    return order[kept - 1]!;
  }
}

/** The probability of a token, as a multiple of the likeliest one's. */
function weightOf(logit: number, most: number, temperature: number): number {
  return logit === most ? 1 : Math.exp((logit - most) / temperature);
}

/** The index of the largest, the lowest among equals. */
export function largestOf(numbers: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < numbers.length; i++) if (numbers[i]! > numbers[best]!) best = i;
  return best;
}
