/** `trafo run`: runs entries on given or made-up inputs and says what comes out. */
import type { Command } from "commander";
import { UserError } from "../../diagnostics/index.js";
import { givenFromFile } from "../../driver/cases.js";
import { numbersOf } from "../../driver/compare.js";
import { type Given, inputsOf, makeInputs, parseInput } from "../../driver/inputs.js";
import type { Compilation } from "../../driver/pipeline.js";
import { checkGiven, checkNames, type EntryRun, runEntries } from "../../driver/run.js";
import { targetOf, targets } from "../../driver/targets.js";
import { inputsOfTexts, readerOf } from "../../driver/text.js";
import type { Program } from "../../ir/graph/index.js";
import { writeSafetensors } from "../../runtime/host/safetensors-writer.js";
import { showShape, type Tensor } from "../../runtime/host/tensors.js";
import { TensorFile } from "../../runtime/tensor-file.js";
import { openModelText } from "../../runtime/text/model-text.js";
import { readWeights } from "../../runtime/weights.js";
import { type Host, Progress } from "../host.js";
import {
  type CommonOptions,
  checkSizeNames,
  collect,
  compilationOf,
  compileOptions,
  parseCount,
  parseSizes,
  weightsOf,
  withOptions,
} from "../options.js";
import { json, plural, short, table } from "../print.js";
import { showDiagnostics } from "../report.js";

interface RunOptions extends CommonOptions {
  readonly inputs?: string;
  readonly input?: readonly string[];
  readonly text?: readonly string[];
  readonly textPair?: readonly string[];
  readonly tokenizer?: string;
  readonly outputs?: string;
}

export function declareRun(program: Command, host: Host, finish: (status: number) => void): void {
  const command = program
    .command("run")
    .summary("run a program")
    .description(
      "Runs the entries of a program, one after another, on inputs from a file, from the command line, or made up.",
    )
    .argument("<FILE>", "the program")
    .option("--inputs <FILE>", "a .safetensors file with a tensor for every input")
    .option("--input <NAME=VALUE>", "an input as nested lists of numbers; repeatable", collect)
    .option("--text <TEXT>", "a text, by the checkpoint's tokenizer; repeatable, for a batch", collect)
    .option("--text-pair <TEXT>", "a second text that is read with a --text as one; repeatable", collect)
    .option("--tokenizer <PATH>", "a tokenizer.json, a folder with one, or a .gguf, in place of the checkpoint's own")
    .option("--outputs <FILE>", "write the outputs to a .safetensors file");
  withOptions(
    command,
    "checkpoint",
    "randomWeights",
    "target",
    "entry",
    "size",
    "set",
    "config",
    "json",
    ...compileOptions,
  )
    .addHelpText(
      "after",
      [
        "",
        "With --size and without inputs, they are made up. Outputs feed later entries by their names.",
        "",
        "Examples:",
        "  trafo run gpt2.trafo --checkpoint models/gpt2 --input 'input_ids=[[1,2,3]]'",
        '  trafo run minilm.trafo --checkpoint models/minilm --text "A cat sat." --text "Dogs ran."',
        "  trafo run gpt2.trafo --set layers=2 --random-weights --size B=1,T=16",
      ].join("\n"),
    )
    .action(async (path: string, options: RunOptions) => finish(await run(host, path, options)));
}

/** The inputs that the options give. @throws UserError of the families E06 and E07 */
export function givenInputs(
  host: Host,
  program: Program,
  options: Pick<RunOptions, "inputs" | "input" | "size" | "randomWeights">,
  texts: ReadonlyMap<string, Given>,
): Map<string, Given> {
  const given = new Map<string, Given>(texts);
  if (options.inputs !== undefined) {
    const file = new TensorFile(host.files, options.inputs);
    for (const name of file.tensors.keys()) given.set(name, givenFromFile(file, name));
  }
  for (const word of options.input ?? []) {
    const { name, given: value } = parseInput(word);
    given.set(name, value);
  }
  checkNames(program, given.keys());
  const sizes = parseSizes(options.size ?? []);
  checkSizeNames(program, sizes);
  if (given.size > 0 && sizes.size === 0) return given;
  const needsNone = program.entries.every((entry) => inputsOf(entry).length === 0);
  if (sizes.size === 0 && !needsNone) {
    throw UserError.of("E0610", "running needs inputs", {
      help: ["give --text, --inputs FILE or --input 'NAME=[[1,2,3]]', or --size B=1,T=16 for made-up ones"],
    });
  }
  const seed = parseCount("--random-weights", options.randomWeights ?? "0");
  const returned = new Set<string>();
  for (const entry of program.entries) {
    // What is given, and what an earlier entry returns, is not made up.
    for (const [name, value] of makeInputs(entry, sizes, seed))
      if (!returned.has(name) && !given.has(name)) given.set(name, value);
    for (const { name } of entry.outputs) returned.add(name);
  }
  return given;
}

/** The inputs that texts give. @throws UserError E0610, E0723, E0726 */
async function textInputs(
  host: Host,
  compilation: Compilation,
  { text: firsts = [], textPair: seconds = [], tokenizer }: RunOptions,
): Promise<ReadonlyMap<string, Given>> {
  if (seconds.length > 0 && seconds.length !== firsts.length) {
    const counts = `${plural(firsts.length, "text")} and ${plural(seconds.length, "second")}`;
    throw UserError.of("E0610", `each --text-pair belongs to a --text, and there are ${counts}`, {
      help: ["give as many of one as of the other"],
    });
  }
  if (firsts.length === 0) return new Map();
  const entry = readerOf(compilation.program);
  const text = await openModelText(host.files, compilation.request.checkpoint ?? null, tokenizer);
  const pairs = firsts.map((first, at) => ({ first, second: seconds[at] ?? null }));
  const { given, warnings } = inputsOfTexts(entry, text, pairs);
  showDiagnostics(host, warnings);
  return given;
}

async function run(host: Host, path: string, options: RunOptions): Promise<number> {
  const target = targetOf(options.target ?? "typescript");
  const compilation = compilationOf(host, path, options);
  const { program } = compilation.elaborated;
  showDiagnostics(host, compilation.diagnostics.sorted);
  const weights = weightsOf(compilation, options);
  const given = givenInputs(host, program, options, await textInputs(host, compilation, options));
  checkGiven(program, given);
  const { entries } = program;
  const runs = await Progress.during(host, async (progress) => {
    progress.say("reading weights");
    const tensors = readWeights(entries, weights, (done, of) => progress.count("reading weights", done, of));
    progress.say(`compiling for ${target}`);
    const runner = await targets[target].start(compilation, tensors);
    progress.say("running");
    try {
      return await runEntries(runner, program, given);
    } finally {
      runner.dispose();
    }
  });
  if (options.outputs !== undefined) host.files.write(options.outputs, writeSafetensors(outputsOf(runs)));
  if (options.json) host.out(json({ model: program.name, target, outputs: runs.flatMap(summaries) }));
  else {
    const heads = ["entry", "output", "type", "min", "max", "mean", "first values"];
    const rows = runs
      .flatMap(summaries)
      .map((each) => [
        each.entry,
        each.name,
        `${each.type}${showShape(each.shape)}`,
        ...[each.min, each.max, each.mean].map((value) => (value === null ? "–" : short(value))),
        `${each.first.map((value) => short(value)).join(", ")}${each.more ? ", …" : ""}${each.notFinite > 0 ? `  (${each.notFinite} not finite)` : ""}`,
      ]);
    host.out(table([heads, ...rows], "lllrrrl"));
    if (options.outputs !== undefined) host.out(`wrote ${options.outputs}\n`);
  }
  return 0;
}

/** Every output by name; with the entry's name before it where two entries return one name. */
function outputsOf(runs: readonly EntryRun[]): Map<string, Tensor> {
  const outputs = new Map<string, Tensor>();
  for (const { entry, outputs: of } of runs)
    for (const [name, tensor] of of) outputs.set(outputs.has(name) ? `${entry.name}.${name}` : name, tensor);
  return outputs;
}

interface Summary {
  readonly entry: string;
  readonly name: string;
  readonly type: string;
  readonly shape: readonly number[];
  /** Of the finite elements; null if there are none. */
  readonly min: number | null;
  readonly max: number | null;
  readonly mean: number | null;
  readonly notFinite: number;
  readonly first: readonly number[];
  readonly more: boolean;
}

const FIRST = 5;

function summaries({ entry, outputs }: EntryRun): Summary[] {
  return [...outputs].map(([name, tensor]) => {
    const numbers = numbersOf(tensor);
    let [min, max, sum, finite] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0];
    for (let i = 0; i < numbers.length; i++) {
      const value = numbers[i]!;
      if (!Number.isFinite(value)) continue;
      min = Math.min(min, value);
      max = Math.max(max, value);
      sum += value;
      finite++;
    }
    return {
      entry: entry.name,
      name,
      type: tensor.type,
      shape: tensor.shape,
      min: finite > 0 ? min : null,
      max: finite > 0 ? max : null,
      mean: finite > 0 ? sum / finite : null,
      notFinite: numbers.length - finite,
      first: Array.from({ length: Math.min(FIRST, numbers.length) }, (_, i) => numbers[i]!),
      more: numbers.length > FIRST,
    };
  });
}
