/** How `trafo generate` shows what comes: text or tokens on stdout as they come, how fast they came on stderr. */
import type { Generator } from "../driver/generate.js";
import type { SamplingOptions } from "../runtime/host/sampling.js";
import { Detokenizer, StopStrings } from "../runtime/text/detokenizer.js";
import type { ModelText } from "../runtime/text/model-text.js";
import type { Host } from "./host.js";
import { plural } from "./print.js";
import { printJson } from "./report.js";

/** What decides how tokens are shown and where they end. */
export interface Generation {
  /** Null where prompts are tokens in numbers, and tokens are shown so. */
  readonly text: ModelText | null;
  /** Whether what is generated goes on from the prompt's text, rather than answers it. */
  readonly goesOn: boolean;
  /** Tokens, and texts, that end a sequence. */
  readonly stop: readonly number[];
  readonly stopTexts: readonly string[];
}

export interface About {
  readonly model: string;
  readonly target: string;
  readonly json: boolean;
}

type Prompts = readonly (readonly number[])[];

/** A sequence as it is shown. */
class Shown {
  readonly tokens: number[] = [];
  text = "";
  readonly #detokenizer: Detokenizer | null;
  readonly #stops: StopStrings;

  constructor({ text, goesOn, stopTexts }: Generation, prompt: readonly number[]) {
    this.#detokenizer = text && new Detokenizer(text.tokenizer, goesOn ? prompt : []);
    this.#stops = new StopStrings(stopTexts);
  }

  get isStopped(): boolean {
    return this.#stops.isFound;
  }

  /** What a token adds to what is shown. */
  push(token: number): string {
    const first = this.tokens.length === 0;
    this.tokens.push(token);
    if (this.#detokenizer === null) return this.#add(`${first ? "" : " "}${token}`);
    return this.#add(this.#stops.push(this.#detokenizer.push(token)));
  }

  /** What is left at the end. */
  flush(): string {
    if (this.#detokenizer === null) return "";
    const rest = this.#stops.push(this.#detokenizer.flush());
    return this.#add(rest + this.#stops.flush());
  }

  #add(text: string): string {
    this.text += text;
    return text;
  }
}

/** How long the prompt took, which gives the first token, and the steps after it. */
class Clock {
  readonly #start = performance.now();
  #first = this.#start;
  #last = this.#start;
  count = 0;

  tick(): void {
    this.#last = performance.now();
    if (this.count++ === 0) this.#first = this.#last;
  }

  /** @param prompted the tokens of the prompts. @param sequences how many come at once: each has its first by the prompt */
  speeds(prompted: number, sequences: number) {
    const [prompt, steps] = [this.#first - this.#start, this.#last - this.#first];
    const per = (tokens: number, milliseconds: number) =>
      tokens <= 0 ? null : tokens / Math.max(milliseconds / 1000, 1e-9);
    return {
      prompt: { tokens: prompted, seconds: prompt / 1000, tokensPerSecond: per(prompted, prompt) },
      generated: {
        tokens: this.count,
        seconds: steps / 1000,
        tokensPerSecond: per(this.count - sequences, steps),
      },
    };
  }
}

/** @param goesOn whether the decoder read the prompt; an encoder has done so before */
function speedText({ prompt, generated }: ReturnType<Clock["speeds"]>, goesOn: boolean): string {
  const part = (what: string, { tokens, seconds, tokensPerSecond }: typeof prompt) => {
    const speed = tokensPerSecond === null ? "" : `, ${tokensPerSecond.toFixed(1)} tokens per second`;
    return `${what} ${plural(tokens, "token")} in ${seconds.toFixed(2)} s${speed}`;
  };
  const read = goesOn ? `${part("read", prompt)}; ` : "";
  return `${read}${part("generated", generated)}\n`;
}

/**
 * Generates, and shows one sequence as it comes if that is asked for.
 * @returns the sequences
 */
export async function streamed(
  host: Host,
  generator: Generator,
  prompts: Prompts,
  options: SamplingOptions & { readonly maxTokens: number },
  generation: Generation,
  live: boolean,
  clock = new Clock(),
): Promise<readonly Shown[]> {
  const sequences = prompts.map((prompt) => new Shown(generation, prompt));
  for await (const { token, sequence } of generator.generate({ prompt: prompts, stop: generation.stop, ...options })) {
    const shown = sequences[sequence]!;
    if (shown.isStopped) continue;
    clock.tick();
    const text = shown.push(token);
    if (live) host.out(text);
    if (sequences.every(({ isStopped }) => isStopped)) break;
  }
  for (const shown of sequences) {
    const rest = shown.flush();
    if (live) host.out(rest);
  }
  return sequences;
}

/** Shows tokens as they come, or several sequences when all are done, and how fast they came. */
export async function stream(
  host: Host,
  generator: Generator,
  prompts: Prompts,
  options: SamplingOptions & { readonly maxTokens: number },
  generation: Generation,
  { model, target, json }: About,
): Promise<void> {
  const live = !json && prompts.length === 1;
  const clock = new Clock();
  const sequences = await streamed(host, generator, prompts, options, generation, live, clock);
  const speeds = clock.speeds(
    prompts.reduce((sum, { length }) => sum + length, 0),
    sequences.length,
  );
  if (json) {
    const texts = generation.text === null ? {} : { texts: sequences.map(({ text }) => text) };
    printJson(host, { model, target, ...texts, sequences: sequences.map(({ tokens }) => tokens), speeds }, []);
    return;
  }
  if (live) host.out("\n");
  else host.out(`${sequences.map(({ text }) => text).join(generation.text === null ? "\n" : "\n\n")}\n`);
  host.err(speedText(speeds, generation.goesOn));
}

/** Shows the likeliest sequences with their scores. */
export async function search(
  host: Host,
  generator: Generator,
  prompt: readonly number[],
  options: { readonly beams: number; readonly maxTokens: number },
  generation: Generation,
  { model, target, json }: About,
): Promise<void> {
  const found = await generator.search({ prompt, ...options, stop: generation.stop });
  const textOf = (tokens: readonly number[]) => {
    const shown = new Shown(generation, prompt);
    for (const token of tokens) shown.push(token);
    shown.flush();
    return shown.text;
  };
  if (json) {
    const sequences = found.map((each) => ({
      ...each,
      ...(generation.text === null ? {} : { text: textOf(each.tokens) }),
    }));
    printJson(host, { model, target, sequences }, []);
  } else for (const { tokens, score } of found) host.out(`${score.toFixed(4)}  ${textOf(tokens)}\n`);
}
