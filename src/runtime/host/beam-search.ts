/** Beam search: the likeliest sequences, of several that are followed at once. */
import { InputError, type Tokens } from "./elements.js";
import { promptsOf, roomFor, stopsOf, tokenNames } from "./generation.js";
import { checkNames } from "./options.js";
import { ScoreError } from "./sampling.js";
import { type DecodingSpec, openSession, type StepOutputs, type StepTarget } from "./session.js";

export interface BeamOptions {
  /** The tokens to go on from: for a decoder behind an encoder, its start token. */
  readonly prompt: Tokens;
  /** The inputs without positions, such as what an encoder gave, of one sequence. */
  readonly inputs?: object | undefined;
  /** How many sequences are followed, and given; 4 unless given. */
  readonly beams?: number | undefined;
  /** The most tokens to generate. */
  readonly maxTokens: number;
  /** A sequence of n tokens counts its log probability divided by n to this power; 1 unless given. */
  readonly lengthPenalty?: number | undefined;
  /** A token, or one of several, that ends a sequence. It is not given. */
  readonly stop?: number | readonly number[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A sequence that was found. */
export interface FoundSequence {
  /** The generated tokens. */
  readonly tokens: readonly number[];
  /** Its log probability, divided as `lengthPenalty` says. */
  readonly score: number;
}

interface Beam {
  readonly tokens: readonly number[];
  readonly sum: number;
}

/** A way to go on. */
interface Candidate {
  readonly from: number;
  readonly token: number;
  readonly sum: number;
}

/** The likeliest sequences, best first. @throws InputError where options do not fit */
export async function searchBeams<Kept>(
  spec: DecodingSpec,
  target: StepTarget<Kept>,
  options: BeamOptions = { prompt: [], maxTokens: 1 },
): Promise<readonly FoundSequence[]> {
  checkNames("beamSearch", "option", options, [
    "prompt",
    "inputs",
    "maxTokens",
    "stop",
    "signal",
    "beams",
    "lengthPenalty",
  ]);
  const { prompt, inputs, beams = 4, maxTokens, lengthPenalty = 1, stop, signal } = options;
  const { tokens, scores, limit } = tokenNames(spec);
  for (const [name, value] of Object.entries({ beams, maxTokens })) {
    if (!Number.isInteger(value) || value < 1) throw new InputError(`${name} is ${value}: it is a whole number from 1`);
  }
  if (!Number.isFinite(lengthPenalty)) throw new InputError(`lengthPenalty is ${lengthPenalty}: it is a number`);
  const [read = []] = promptsOf(prompt, limit);
  const stops = new Set(
    stopsOf(stop).map((each) => {
      if (each.length === 1) return each[0]!;
      throw new InputError(`stop has ${JSON.stringify(each)}: a search ends at single tokens`);
    }),
  );
  const capacity = roomFor(read.length, maxTokens, spec.most);
  const scoreOf = (sum: number, length: number): number => sum / length ** lengthPenalty;
  const found: FoundSequence[] = [];
  const keep = (sequence: readonly number[], sum: number, length: number): void => {
    found.push({ tokens: sequence, score: scoreOf(sum, length) });
    found.sort((a, b) => b.score - a.score).splice(beams);
  };
  let session = await openSession(spec, target, { inputs, capacity });
  let running: readonly Beam[] = [{ tokens: [], sum: 0 }];
  try {
    const goOn = (given: readonly (readonly number[])[]) =>
      session.run({ [tokens]: given }, true, (outputs) =>
        candidatesOf(spec, scores, outputs, running, beams + stops.size * beams),
      );
    let candidates = await goOn([read]);
    for (;;) {
      signal?.throwIfAborted();
      const next: Candidate[] = [];
      for (const [rank, candidate] of candidates.entries()) {
        const { tokens: before } = running[candidate.from]!;
        // A sequence ends where that is among the likeliest ways to go on, as in the library transformers.
        if (stops.has(candidate.token)) {
          if (rank < beams) keep(before, candidate.sum, before.length + 1);
        } else if (next.length < beams) next.push(candidate);
      }
      const from = running;
      running = next.map(({ from: at, token, sum }) => ({ tokens: [...from[at]!.tokens, token], sum }));
      const length = running[0]?.tokens.length ?? maxTokens;
      const isFull = session.past >= capacity || length >= maxTokens;
      if (isFull || running.length === 0) {
        for (const beam of running) keep(beam.tokens, beam.sum, beam.tokens.length);
        return found;
      }
      // A sum only falls; divided by the most that its length can become it bounds what a beam may reach.
      const reach = Math.max(...running.map(({ sum }) => scoreOf(sum, lengthPenalty > 0 ? maxTokens : length + 1)));
      if (found.length === beams && reach <= found.at(-1)!.score) return found;
      const chosen = session.fork(next.map(({ from: at }) => at));
      session.dispose();
      session = chosen;
      candidates = await goOn(running.map((beam) => [beam.tokens.at(-1)!]));
    }
  } finally {
    session.dispose();
  }
}

/** The likeliest ways in which any beam goes on, best first. */
function candidatesOf(
  { areProbabilities }: DecodingSpec,
  name: string,
  outputs: StepOutputs,
  running: readonly Beam[],
  count: number,
): readonly Candidate[] {
  const { data, shape } = outputs[name]!;
  const vocabulary = shape[2] ?? 0;
  const all: Candidate[] = [];
  for (const [from, { sum }] of running.entries()) {
    const start = from * vocabulary;
    const norm = areProbabilities ? 0 : logOfSum(data, start, vocabulary);
    for (let token = 0; token < vocabulary; token++) {
      const score = data[start + token]!;
      if (Number.isNaN(score)) throw new ScoreError(token);
      const total = sum + (areProbabilities ? Math.log(score) : score - norm);
      if (total === -Infinity || (all.length === count && total <= all.at(-1)!.sum)) continue;
      let at = all.length;
      while (at > 0 && all[at - 1]!.sum < total) at--;
      all.splice(at, 0, { from, token, sum: total });
      if (all.length > count) all.pop();
    }
  }
  return all;
}

/** The logarithm of the sum of the exponentials. */
function logOfSum(numbers: ArrayLike<number>, start: number, count: number): number {
  let most = -Infinity;
  for (let i = start; i < start + count; i++) most = Math.max(most, numbers[i]!);
  let sum = 0;
  for (let i = start; i < start + count; i++) sum += Math.exp(numbers[i]! - most);
  return most + Math.log(sum);
}
