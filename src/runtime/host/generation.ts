/** Generating tokens: the prompt is computed in one step, of which only the last position's scores, then token by token. */
import { type Chooser, type ChosenRow, HostChooser } from "./chooser.js";
import { InputError, readTokens, type Tokens } from "./elements.js";
import { checkNames } from "./options.js";
import { checkSampling, type SamplingOptions, seededRandom } from "./sampling.js";
import { type DecodingSpec, openSession, type Session, type StepTarget } from "./session.js";

export interface GenerateOptions extends SamplingOptions {
  /** The tokens to go on from: of one sequence, or of each sequence of a batch, of any lengths. */
  readonly prompt: Tokens | readonly Tokens[];
  /** The inputs without positions, such as what an encoder gave, with a row for each sequence. */
  readonly inputs?: object | undefined;
  /** The most tokens to generate for a sequence; as many as there is room for unless given. */
  readonly maxTokens?: number | undefined;
  /** A token that ends a sequence, or several, each a token or several one after the other. None of them is given. */
  readonly stop?: number | readonly (number | readonly number[])[] | undefined;
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
interface Sequence extends ChosenRow {
  readonly sequence: number;
  /** Tokens that were chosen, and may yet turn out to be the beginning of a stop. */
  readonly held: number[];
  position: number;
  /** How many tokens may yet be chosen. */
  left: number;
}

/** Sequences that are computed together. */
interface Group<Kept> {
  readonly session: Session<Kept>;
  readonly sequences: readonly Sequence[];
  readonly chooser: Chooser<Kept>;
  /** The tokens of a step that was begun, a row's after the other. */
  next: Promise<ArrayLike<number>> | null;
}

/** The prompts as a list for each sequence. @throws InputError */
export function promptsOf(prompt: GenerateOptions["prompt"], limit: number): readonly (readonly number[])[] {
  const isBatch = Array.isArray(prompt) && typeof prompt[0] === "object";
  return ((isBatch ? prompt : [prompt]) as readonly Tokens[]).map((given, i) => {
    const name = isBatch ? `prompt[${i}]` : "prompt";
    const each = readTokens(name, given);
    const at = each.findIndex((token) => !(Number.isInteger(token) && token >= 0 && token < limit));
    if (at < 0) return each;
    const known = limit === Infinity ? "whole numbers from 0" : `from 0 to ${limit - 1}`;
    throw new InputError(`${name}[${at}] is ${each[at]}, which is no token: they are ${known}`);
  });
}

/** What ends a sequence: lists of tokens. @throws InputError */
export function stopsOf(stop: GenerateOptions["stop"]): readonly (readonly number[])[] {
  const given: readonly (number | readonly number[])[] = Array.isArray(stop) ? stop : [stop ?? []].flat();
  const stops = given.map((each) => (typeof each === "number" ? [each] : each));
  for (const each of stops) {
    if (Array.isArray(each) && each.length > 0 && each.every((token) => Number.isInteger(token))) continue;
    throw new InputError(`stop has ${JSON.stringify(each)}, which is no token and no list of tokens`);
  }
  return stops;
}

/** The names of tokens and scores, and the number that tokens are less than. @throws InputError for an entry that has none. */
export function tokenNames(spec: DecodingSpec): {
  readonly tokens: string;
  readonly scores: string;
  readonly limit: number;
} {
  const { entry, tokens, scores, last } = spec;
  if (tokens === null || scores === null) {
    throw new InputError(
      `${entry} has no tokens to generate: it takes no i32[B, T], or gives no scores [B, T, vocabulary]`,
    );
  }
  const limit = last.inputs.find(({ name }) => name === tokens)?.limit;
  return { tokens, scores, limit: typeof limit === "number" ? limit : Infinity };
}

/** The room that sequences need. @throws InputError where a prompt is longer than the entry takes. */
export function roomFor(longest: number, maxTokens: number | undefined, most: number | null): number {
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
  options: GenerateOptions = { prompt: [] },
): AsyncGenerator<GeneratedToken, void, undefined> {
  checkNames("generate", "option", options, [
    "prompt",
    "inputs",
    "maxTokens",
    "stop",
    "signal",
    "temperature",
    "topK",
    "topP",
    "repetitionPenalty",
    "seed",
  ]);
  const { prompt, inputs, maxTokens, signal, seed = 0 } = options;
  checkSampling(options);
  const { tokens, limit } = tokenNames(spec);
  const prompts = promptsOf(prompt, limit);
  const capacity = roomFor(Math.max(...prompts.map(({ length }) => length)), maxTokens, spec.most);
  const stops = stopsOf(options.stop);
  if (maxTokens === 0) return;
  const lengths = [...new Set(prompts.map(({ length }) => length))];
  const whole = await openSession(spec, target, { inputs, capacity });
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
        // The last token is never read: it needs no room.
        const left = Math.min(maxTokens ?? Infinity, capacity - length + 1);
        return { sequence, occurred: new Set(prompts[sequence]), random, held: [], position: length, left };
      });
      const make = target.chooser ?? ((...given) => new HostChooser<Kept>(...given));
      const chooser = make(spec, options, sequences);
      const group: Group<Kept> = { session, sequences, chooser, next: null };
      groups.push(group);
      begin(group, { [tokens]: rows.map((row) => prompts[row]!) });
    }
    for (let running = groups; running.length > 0; running = running.filter(({ next }) => next !== null)) {
      for (const group of running) {
        const { sequences, chooser } = group;
        const chosen = await group.next!;
        signal?.throwIfAborted();
        group.next = null;
        for (const each of sequences) each.left--;
        const goesOn = () => sequences.some(({ left }) => left > 0);
        if (chooser.isAhead && goesOn()) begin(group, null);
        for (const [row, each] of sequences.entries()) {
          if (each.left < 0) continue;
          const token = chosen[row]!;
          if (token >= limit) throw new Error(`${token} was chosen, and tokens are from 0 to ${limit - 1}`);
          for (const given of released(each, token, stops)) {
            yield { token: given, sequence: each.sequence, position: each.position++ };
            signal?.throwIfAborted();
          }
        }
        // A step that was begun for nobody is not waited for.
        if (!goesOn()) group.next = null;
        else if (!chooser.isAhead) begin(group, { [tokens]: lastTokens(chosen) });
      }
    }
  } finally {
    for (const { session } of groups) session.dispose();
    whole.dispose();
  }
}

/** Begins a step. What it rejects with is heard where its tokens are awaited, if they are. */
function begin<Kept>(group: Group<Kept>, inputs: object | null): void {
  group.next = group.chooser.choose(group.session, inputs);
  group.next.catch(() => {});
}

/** Tokens as the input of a step, a row for each. */
function lastTokens(chosen: ArrayLike<number>): object {
  return { data: Int32Array.from(chosen), shape: [chosen.length, 1], type: "i32" };
}

/** The tokens of a sequence that can be given now that another was chosen; it is at its end where they lead to a stop. */
function released(sequence: Sequence, token: number, stops: readonly (readonly number[])[]): readonly number[] {
  const { held } = sequence;
  held.push(token);
  const endsWith = (part: readonly number[]): boolean =>
    part.length <= held.length && part.every((each, i) => held[held.length - part.length + i] === each);
  const stop = stops.find(endsWith);
  if (stop !== undefined) {
    sequence.left = 0;
    return held.splice(0, held.length - stop.length);
  }
  let kept = 0;
  for (const each of sequence.left > 0 ? stops : []) {
    for (let length = each.length - 1; length > kept; length--) if (endsWith(each.slice(0, length))) kept = length;
  }
  return held.splice(0, held.length - kept);
}
