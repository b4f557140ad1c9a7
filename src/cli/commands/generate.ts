/** `trafo generate`: goes on from tokens, one after the other. */
import type { Command } from "commander";
import { UserError } from "../../diagnostics/index.js";
import { backendNames } from "../../driver/backends.js";
import { type Generator, startGenerating } from "../../driver/generate.js";
import { type Given, parseInput } from "../../driver/inputs.js";
import { checkNames } from "../../driver/run.js";
import { targetOf } from "../../driver/targets.js";
import type { SamplingOptions } from "../../runtime/host/sampling.js";
import { readWeights } from "../../runtime/weights.js";
import { type Host, Progress } from "../host.js";
import { type CommonOptions, compilationOf, compileOptions, weightsOf, withOptions } from "../options.js";
import { printJson, showDiagnostics } from "../report.js";

interface GenerateCommandOptions extends CommonOptions {
  readonly promptIds?: readonly string[];
  readonly input?: readonly string[];
  readonly maxTokens: string;
  readonly temperature?: string;
  readonly topK?: string;
  readonly topP?: string;
  readonly repetitionPenalty?: string;
  readonly seed?: string;
  readonly stop?: string;
  readonly beams?: string;
}

const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];

export function declareGenerate(program: Command, host: Host, finish: (status: number) => void): void {
  const command = program
    .command("generate")
    .summary("generate tokens")
    .description(
      "Goes on from a prompt, one token after the other, by the step that is derived from an incremental entry.",
    )
    .argument("<FILE>", "the program")
    .option("--prompt-ids <IDS>", "the tokens to go on from, such as 1,2,3; repeatable, for a batch", collect)
    .option("--input <NAME=VALUE>", "an input of an encoder, as nested lists of numbers; repeatable", collect)
    .option("--max-tokens <N>", "the most tokens for a sequence", "32")
    .option("--temperature <T>", "what logits are divided by; 0, the default, takes the likeliest token")
    .option("--top-k <K>", "only the likeliest so many")
    .option("--top-p <P>", "only the likeliest whose probabilities sum up to this")
    .option("--repetition-penalty <R>", "what logits of tokens that have occurred are divided by")
    .option("--seed <N>", "decides the random choices")
    .option("--stop <IDS>", "tokens that end a sequence")
    .option("--beams <N>", "the likeliest sequences, of so many that are followed at once");
  withOptions(command, "checkpoint", "randomWeights", "target", "set", "config", "json", ...compileOptions)
    .addHelpText(
      "after",
      [
        "",
        "Examples:",
        "  trafo generate gpt2.trafo --checkpoint models/gpt2 --prompt-ids 464,3290 --max-tokens 20",
        "  trafo generate t5.trafo --checkpoint models/t5 --input 'input_ids=[[8,9,1]]' --prompt-ids 0 --beams 4",
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

function samplingOf(options: GenerateCommandOptions): SamplingOptions {
  const flags = ["temperature", "topK", "topP", "repetitionPenalty", "seed"] as const;
  const given = flags.flatMap((name) => {
    const word = options[name];
    const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    return word === undefined ? [] : [[name, numberOf(flag, word)] as const];
  });
  return Object.fromEntries(given);
}

async function run(host: Host, path: string, options: GenerateCommandOptions): Promise<number> {
  const target = targetOf(options.target ?? "typescript");
  const backend = backendNames.find((name) => name === target);
  if (backend === undefined) {
    throw UserError.of("E0606", `the target ${target} makes no module that generates`, {
      notes: [`these do: ${backendNames.join(", ")}`],
    });
  }
  const prompts = (options.promptIds ?? []).map((word) => idsOf("--prompt-ids", word));
  if (prompts.length === 0) {
    throw UserError.of("E0610", "generating needs a prompt", { help: ["give --prompt-ids 1,2,3"] });
  }
  const sampling = samplingOf(options);
  const maxTokens = numberOf("--max-tokens", options.maxTokens);
  const stop = options.stop === undefined ? [] : idsOf("--stop", options.stop);
  const compilation = compilationOf(host, path, options);
  const { program } = compilation.elaborated;
  showDiagnostics(host, compilation.diagnostics.sorted);
  const given = new Map<string, Given>((options.input ?? []).map(parseInput).map(({ name, given }) => [name, given]));
  checkNames(program, given.keys());
  const weights = weightsOf(compilation, options);
  const generator = await Progress.during(host, async (progress) => {
    const count = (done: number, of: number) => progress.count("reading weights", done, of);
    const tensors = readWeights(program.entries, weights, count);
    progress.say(`compiling for ${target}`);
    return startGenerating(backend, compilation, tensors, given);
  });
  try {
    if (options.beams !== undefined) {
      const beams = numberOf("--beams", options.beams);
      const found = await generator.search({ prompt: prompts[0]!, beams, maxTokens, stop });
      if (options.json) printJson(host, { model: program.name, target, sequences: found }, []);
      else for (const { tokens, score } of found) host.out(`${score.toFixed(4)}  ${tokens.join(" ")}\n`);
    } else await stream(host, generator, prompts, { ...sampling, maxTokens, stop }, options.json === true);
  } finally {
    generator.dispose();
  }
  return 0;
}

/** Prints tokens as they come, and at the end how fast they came. */
async function stream(
  host: Host,
  generator: Generator,
  prompts: readonly number[][],
  options: SamplingOptions & { readonly maxTokens: number; readonly stop: readonly number[] },
  json: boolean,
): Promise<void> {
  const sequences: number[][] = prompts.map(() => []);
  const start = performance.now();
  let count = 0;
  for await (const { token, sequence } of generator.generate({ prompt: prompts, ...options })) {
    sequences[sequence]!.push(token);
    count++;
    if (!json && prompts.length === 1) host.out(`${count === 1 ? "" : " "}${token}`);
  }
  const tokensPerSecond = count / Math.max((performance.now() - start) / 1000, 1e-9);
  if (json) return printJson(host, { sequences, tokensPerSecond }, []);
  if (prompts.length > 1) for (const tokens of sequences) host.out(`${tokens.join(" ")}\n`);
  else host.out("\n");
  host.err(`${count} tokens, ${tokensPerSecond.toFixed(1)} tokens per second\n`);
}
