/** Generating tokens: the prompt is computed in one step, of which only the last position's scores, then token by token. */
import { InputError } from "./elements.js";
import { type SamplingOptions, seededRandom, TokenSampler } from "./sampling.js";
import { type DecodingSpec, openSession, type Session, type StepOutputs, type StepTarget } from "./session.js";

export interface GenerateOptions extends SamplingOptions {
  /** The tokens to go on from: of one sequence, or of each sequence of a batch, of any lengths. */
  readonly prompt: readonly number[] | readonly (readonly number[])[];
  /** The inputs without positions, such as what an encoder gave, with a row for each sequence. */
  readonly inputs?: object | undefined;
  /** The most tokens to generate for a sequence; as many as there is room for unless given. */
  readonly maxTokens?: number | undefined;
  /** A token, or one of several, that ends a sequence. It is not given. */
  readonly stop?: number | readonly number[] | undefined;
  /** Ends the generation. */
  readonly signal?: AbortSignal | undefined;
}

/** A token that was generated. */
export interface GeneratedToken {
  readonly token: number;
  /** Which sequence of the batch it continues; 0 for a single prompt. */
  readonly sequence: number;
  /** Its position in the sequence, the prompt counted. */
  readonly position: number;
}

/** How many tokens are generated where neither the entry nor the caller says how many. */
const usualTokens = 256;

/** A sequence that is being generated. */
interface Sequence {
  readonly sequence: number;
  readonly occurred: Set<number>;
  readonly random: () => number;
  position: number;
  token: number;
  isDone: boolean;
}

/** Sequences of one length, which are computed together. */
interface Group<Kept> {
  readonly session: Session<Kept>;
  readonly sequences: readonly Sequence[];
}

/** The prompts as a list for each sequence. @throws InputError */
function promptsOf(prompt: GenerateOptions["prompt"]): readonly (readonly number[])[] {
  const isBatch = Array.isArray(prompt[0]);
  const prompts = (isBatch ? prompt : [prompt]) as readonly (readonly number[])[];
  for (const [i, each] of prompts.entries()) {
    const name = isBatch ? `prompt[${i}]` : "prompt";
    if (!Array.isArray(each) || each.length === 0) throw new InputError(`${name} has no tokens: give at least one`);
    const at = each.findIndex((token) => !Number.isInteger(token) || token < 0);
    if (at >= 0) throw new InputError(`${name}[${at}] is ${each[at]}, which is no token`);
  }
  return prompts;
}

/** The names of tokens and scores. @throws InputError for an entry that has none. */
function tokenNames({ entry, tokens, scores }: DecodingSpec): { readonly tokens: string; readonly scores: string } {
  if (tokens === null || scores === null) {
    throw new InputError(
      `${entry} has no tokens to generate: it takes no i32[B, T], or gives no scores [B, T, vocabulary]`,
    );
  }
  return { tokens, scores };
}

/** The room that sequences need. @throws InputError where a prompt is longer than the entry takes. */
function roomFor(longest: number, maxTokens: number | undefined, most: number | null): number {
  if (maxTokens !== undefined && !(Number.isInteger(maxTokens) && maxTokens >= 0))
    throw new InputError(`maxTokens is ${maxTokens}: it is a whole number from 0`);
  if (most !== null && longest > most) throw new InputError(`a prompt has ${longest} tokens, and ${most} are taken`);
  const wanted = longest + (maxTokens ?? (most === null ? usualTokens : most));
  return most === null ? wanted : Math.min(wanted, most);
}

/**
 * Generates tokens for each sequence until it stops, `maxTokens` are there, or there is no room left. The tokens of the
 * sequences of a batch come in turn. What one sequence gets does not depend on the others.
 * @throws InputError where options do not fit
 */
export async function* generateTokens<Kept>(
  spec: DecodingSpec,
  target: StepTarget<Kept>,
  options: GenerateOptions,
): AsyncGenerator<GeneratedToken, void, undefined> {
  const { prompt, inputs, maxTokens, stop, signal, seed = 0 } = options;
  const names = tokenNames(spec);
  const prompts = promptsOf(prompt);
  const capacity = roomFor(Math.max(...prompts.map(({ length }) => length)), maxTokens, spec.most);
  const stops = new Set(typeof stop === "number" ? [stop] : stop);
  const lengths = [...new Set(prompts.map(({ length }) => length))];
  const whole = await openSession(spec, target, { inputs, capacity });
  const sampler: { made: TokenSampler | null } = { made: null };
  const groups: Group<Kept>[] = [];
  try {
    for (const length of lengths) {
      signal?.throwIfAborted();
      const rows = prompts.flatMap((each, row) => (each.length === length ? [row] : []));
      const session =
        lengths.length === 1
          ? whole
          : spec.begin === null
            ? await openSession(spec, target, { capacity })
            : whole.fork(rows);
      const sequences = rows.map((sequence): Sequence => {
        const random = seededRandom(seed + sequence);
        return {
          sequence,
          occurred: new Set(prompts[sequence]),
          random,
          position: length,
          token: -1,
          isDone: maxTokens === 0,
        };
      });
      const group = { session, sequences };
      groups.push(group);
      const outputs = await session.run({ [names.tokens]: rows.map((row) => prompts[row]!) }, true);
      chooseNext(spec, names.scores, outputs, group, sampler, options);
    }
    while (groups.some(isRunning)) {
      for (const group of groups) {
        if (!isRunning(group)) continue;
        signal?.throwIfAborted();
        for (const each of group.sequences) {
          if (each.isDone) continue;
          if (stops.has(each.token)) {
            each.isDone = true;
            continue;
          }
          yield { token: each.token, sequence: each.sequence, position: each.position++ };
          signal?.throwIfAborted();
          if (each.position - prompts[each.sequence]!.length >= (maxTokens ?? Infinity)) each.isDone = true;
        }
        if (group.session.past >= capacity) for (const each of group.sequences) each.isDone = true;
        if (!isRunning(group)) continue;
        const outputs = await group.session.run({ [names.tokens]: group.sequences.map(({ token }) => [token]) }, true);
        chooseNext(spec, names.scores, outputs, group, sampler, options);
      }
    }
  } finally {
    for (const { session } of groups) session.dispose();
    whole.dispose();
  }
}

function isRunning<Kept>({ sequences }: Group<Kept>): boolean {
  return sequences.some(({ isDone }) => !isDone);
}

/** Chooses the next token of each sequence that goes on. */
function chooseNext<Kept>(
  { areProbabilities }: DecodingSpec,
  name: string,
  outputs: StepOutputs,
  { sequences }: Group<Kept>,
  sampler: { made: TokenSampler | null },
  options: GenerateOptions,
): void {
  const scores = outputs[name]!;
  const vocabulary = scores.shape[2] ?? 0;
  sampler.made ??= new TokenSampler(options, vocabulary);
  for (const [row, each] of sequences.entries()) {
    if (each.isDone) continue;
    each.token = sampler.made.choose(scores.data, row * vocabulary, areProbabilities, each.occurred, each.random);
    each.occurred.add(each.token);
  }
}
