/** `trafo generate`: text in, text out, or tokens as numbers, one after the other. */
import type { Command } from "commander";
import { UserError } from "../../diagnostics/index.js";
import { backendNames } from "../../driver/backends.js";
import { checkPrompts, startGenerating } from "../../driver/generate.js";
import { type Given, parseInput } from "../../driver/inputs.js";
import type { Compilation } from "../../driver/pipeline.js";
import { checkNames } from "../../driver/run.js";
import { targetOf } from "../../driver/targets.js";
import { promptsOfTexts } from "../../driver/text.js";
import { readText } from "../../runtime/files.js";
import { InputError } from "../../runtime/host/elements.js";
import { checkSampling, type SamplingOptions } from "../../runtime/host/sampling.js";
import { type ModelText, openModelText } from "../../runtime/text/model-text.js";
import { readWeights } from "../../runtime/weights.js";
import { chatOf, converse } from "../chatting.js";
import { type Generation, search, stream } from "../generating.js";
import { type Host, Progress } from "../host.js";
import {
  type CommonOptions,
  collect,
  compilationOf,
  compileOptions,
  parseCount,
  weightsOf,
  withOptions,
} from "../options.js";
import { showDiagnostics } from "../report.js";

interface GenerateCommandOptions extends CommonOptions {
  readonly prompt?: readonly string[];
  readonly promptFile?: string;
  readonly chat?: boolean;
  readonly system?: string;
  readonly interactive?: boolean;
  readonly tokenizer?: string;
  readonly promptIds?: readonly string[];
  readonly input?: readonly string[];
  readonly maxTokens: string;
  readonly temperature?: string;
  readonly topK?: string;
  readonly topP?: string;
  readonly repetitionPenalty?: string;
  readonly seed?: string;
  readonly stop?: readonly string[];
  readonly stopIds?: string;
  readonly ignoreEnd?: boolean;
  readonly beams?: string;
}

export function declareGenerate(program: Command, host: Host, finish: (status: number) => void): void {
  const command = program
    .command("generate")
    .summary("generate text")
    .description(
      "Goes on from a text, one token after the other, by the step that is derived from an incremental entry. The text goes to stdout as it comes, how fast it came to stderr. Runs on WebAssembly unless --target says otherwise. The tokenizer is that of the checkpoint: its tokenizer.json, or the one inside a .gguf.",
    )
    .argument("<FILE>", "the program")
    .option("--prompt <TEXT>", "what to go on from, or what an encoder reads; repeatable, for a batch", collect)
    .option("--prompt-file <FILE>", "a file with the prompt")
    .option("--chat", "the prompt is a message of a user, written by the model's chat template")
    .option("--system <TEXT>", "with --chat or --interactive: what the model is told before")
    .option("--interactive", "a conversation: each line of stdin is a message, answered by the model")
    .option("--tokenizer <PATH>", "a tokenizer.json, a folder with one, or a .gguf, in place of the checkpoint's own")
    .option("--prompt-ids <IDS>", "tokens to go on from in place of a text, such as 1,2,3; repeatable", collect)
    .option("--input <NAME=VALUE>", "an input of an encoder, as nested lists of numbers; repeatable", collect)
    .option("--max-tokens <N>", "the most tokens for a sequence", "128")
    .option(
      "--temperature <T>",
      "what logits are divided by; 0 takes the likeliest token. 1 with --top-k or --top-p, else 0",
    )
    .option("--top-k <K>", "draw from the likeliest so many only")
    .option("--top-p <P>", "draw from the likeliest whose probabilities sum up to this only")
    .option("--repetition-penalty <R>", "what logits of tokens that have occurred are divided by")
    .option("--seed <N>", "decides the random choices")
    .option("--stop <TEXT>", "a text that ends what is generated, and is left out; repeatable", collect)
    .option("--stop-ids <IDS>", "tokens that end a sequence, beside those of the checkpoint")
    .option("--ignore-end", "go on past the tokens that end a text")
    .option("--beams <N>", "the likeliest sequences, of so many that are followed at once");
  withOptions(command, "checkpoint", "randomWeights", "target", "entry", "set", "config", "json", ...compileOptions)
    .addHelpText(
      "after",
      [
        "",
        "Examples:",
        '  trafo generate gpt2.trafo --checkpoint models/gpt2 --prompt "Once upon a time"',
        '  trafo generate llama.trafo --checkpoint smollm2.gguf --chat --prompt "What is a compiler?"',
        "  trafo generate llama.trafo --checkpoint smollm2.gguf --interactive",
        '  trafo generate t5.trafo --checkpoint models/t5 --prompt "translate English to German: Good morning."',
        "  trafo generate gpt2.trafo --checkpoint models/gpt2 --prompt-ids 464,3290 --max-tokens 20",
      ].join("\n"),
    )
    .action(async (path: string, options: GenerateCommandOptions) => finish(await run(host, path, options)));
}

/** `1,2,3`. @throws UserError E0607 */
function idsOf(flag: string, word: string): number[] {
  if (/^\s*\d+(\s*[,\s]\s*\d+)*\s*$/.test(word))
    return word
      .trim()
      .split(/[,\s]+/)
      .map(Number);
  throw UserError.of("E0607", `${flag} takes tokens, but is ${word}`, { help: [`write ${flag} 1,2,3`] });
}

/** @throws UserError E0607 */
function numberOf(flag: string, word: string): number {
  const value = Number(word);
  if (word.trim() !== "" && Number.isFinite(value)) return value;
  throw UserError.of("E0607", `${flag} takes a number, but is ${word}`, { help: [`write ${flag} 1`] });
}

/** @throws UserError E0607 */
function samplingOf(options: GenerateCommandOptions): SamplingOptions {
  const names = ["temperature", "topK", "topP", "repetitionPenalty", "seed"] as const;
  const flagOf = (name: string) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  const given = names.flatMap((name) => {
    const word = options[name];
    return word === undefined ? [] : [[name, numberOf(flagOf(name), word)] as const];
  });
  const sampling: SamplingOptions = Object.fromEntries(given);
  try {
    checkSampling(sampling);
  } catch (error) {
    if (error instanceof InputError) throw UserError.of("E0607", error.message.replace(/^\w+/, flagOf));
    throw error;
  }
  return sampling;
}

/** The sequences to follow; null where none are searched for. @throws UserError E0607 */
function beamsOf({ beams, maxTokens }: GenerateCommandOptions): number | null {
  if (beams === undefined) return null;
  for (const [flag, word] of Object.entries({ "--beams": beams, "--max-tokens": maxTokens }))
    if (parseCount(flag, word) === 0) throw UserError.of("E0607", `${flag} is 0: it is a whole number from 1`);
  return parseCount("--beams", beams);
}

/** What a search for the likeliest sequences has no use for. @throws UserError E0610 */
function checkSearch(options: GenerateCommandOptions): void {
  const { beams, prompt = [], promptIds = [], temperature, topK, topP, repetitionPenalty, seed, stop } = options;
  if (beams === undefined) return;
  const wrong = (message: string, help: string) => UserError.of("E0610", message, { help: [help] });
  if (prompt.length + promptIds.length > 1) throw wrong("--beams goes on from one prompt", "give one");
  if ([temperature, topK, topP, repetitionPenalty, seed].some((each) => each !== undefined))
    throw wrong(
      "--beams follows the likeliest sequences, and draws none at random",
      "leave out what decides how they are drawn",
    );
  if (stop !== undefined) throw wrong("--beams ends sequences at tokens, not at texts", "write --stop-ids 1,2");
}

/** The prompts as texts; empty where they are given as tokens. @throws UserError E0610, E0601 */
function textsOf(host: Host, options: GenerateCommandOptions): readonly string[] {
  const { prompt = [], promptFile, promptIds, chat = false, system, interactive = false } = options;
  const texts = promptFile === undefined ? prompt : [...prompt, readText(host.files, promptFile, "the prompt")];
  const wrong = (message: string, help: string) => UserError.of("E0610", message, { help: [help] });
  if (interactive && (texts.length > 0 || promptIds !== undefined || options.json || options.beams !== undefined))
    throw wrong(
      "--interactive takes its messages from stdin, and answers each",
      "leave out prompts, --json and --beams",
    );
  if (system !== undefined && !chat && !interactive) throw wrong("--system needs --chat", "add --chat");
  if (interactive) return [];
  if (texts.length === 0 && promptIds === undefined)
    throw wrong("generating needs a prompt", 'give --prompt "…", or tokens: --prompt-ids 1,2,3');
  if (texts.length > 0 && promptIds !== undefined)
    throw wrong("--prompt and --prompt-ids exclude each other", "give one of them");
  if (texts.length === 0 && (chat || (options.stop ?? []).length > 0))
    throw wrong(`--${chat ? "chat" : "stop"} needs a prompt that is a text`, 'give --prompt "…"');
  return texts;
}

/** Prompts as the model was taught to read messages. @throws UserError E0725 */
async function chatted(text: ModelText, prompts: readonly string[], system: string | undefined): Promise<string[]> {
  const chat = chatOf(text);
  const before = system === undefined ? [] : [{ role: "system", content: system }];
  return Promise.all(prompts.map((content) => chat.render([...before, { role: "user", content }])));
}

/** What is generated from, before any weights are read. */
async function prompted(
  host: Host,
  compilation: Compilation,
  options: GenerateCommandOptions,
): Promise<{ prompts: readonly (readonly number[])[]; given: Map<string, Given>; generation: Generation }> {
  const given = new Map<string, Given>((options.input ?? []).map(parseInput).map(({ name, given }) => [name, given]));
  checkNames(compilation.program, given.keys());
  const named = options.stopIds === undefined ? [] : idsOf("--stop-ids", options.stopIds);
  const texts = textsOf(host, options);
  const inNumbers = { text: null, goesOn: true, stop: named, stopTexts: [] };
  if (texts.length === 0 && !options.interactive) {
    const prompts = (options.promptIds ?? []).map((word) => idsOf("--prompt-ids", word));
    return { prompts, given, generation: inNumbers };
  }
  const text = await openModelText(host.files, compilation.request.checkpoint ?? null, options.tokenizer);
  const stop = options.ignoreEnd ? named : [...text.stops, ...named];
  const generation = { text, goesOn: true, stop, stopTexts: (options.stop ?? []).filter((each) => each !== "") };
  if (options.interactive) {
    chatOf(text);
    return { prompts: [], given, generation };
  }
  const written = options.chat ? await chatted(text, texts, options.system) : texts;
  const read = promptsOfTexts(compilation, text, written, options.chat !== true);
  const { prompts, given: made, goesOn } = read;
  showDiagnostics(host, read.warnings);
  return { prompts, given: new Map([...made, ...given]), generation: { ...generation, goesOn } };
}

async function run(host: Host, path: string, options: GenerateCommandOptions): Promise<number> {
  const target = targetOf(options.target ?? "wasm");
  const backend = backendNames.find((name) => name === target);
  if (backend === undefined) {
    throw UserError.of("E0606", `the target ${target} makes no module that generates`, {
      notes: [`these do: ${backendNames.join(", ")}`],
    });
  }
  checkSearch(options);
  const sampling = samplingOf(options);
  const maxTokens = parseCount("--max-tokens", options.maxTokens);
  const beams = beamsOf(options);
  const compilation = compilationOf(host, path, { ...options, target });
  const { program } = compilation.elaborated;
  showDiagnostics(host, compilation.diagnostics.sorted);
  const { prompts, given, generation } = await prompted(host, compilation, options);
  checkPrompts(compilation, prompts);
  const weights = weightsOf(compilation, options);
  const generator = await Progress.during(host, async (progress) => {
    const count = (done: number, of: number) => progress.count("reading weights", done, of);
    const tensors = readWeights(program.entries, weights, count);
    progress.say(`compiling for ${target}`);
    return startGenerating(backend, compilation, tensors, given);
  });
  try {
    const about = { model: program.name, target, json: options.json === true };
    const { text } = generation;
    if (options.interactive && text !== null) {
      const sampled = { ...sampling, maxTokens };
      await converse(host, generator, compilation, sampled, { ...generation, text }, options.system);
    } else if (beams === null) await stream(host, generator, prompts, { ...sampling, maxTokens }, generation, about);
    else await search(host, generator, prompts[0]!, { beams, maxTokens }, generation, about);
  } finally {
    generator.dispose();
  }
  return 0;
}
