/** `trafo bench`: how fast a program runs on a target, and on WebGPU where the time goes. */
import type { Command } from "commander";
import { UserError } from "../../diagnostics/index.js";
import { type BenchFigures, bench, type EntryFigures, median } from "../../driver/bench.js";
import { checkGiven } from "../../driver/run.js";
import { targetOf } from "../../driver/targets.js";
import { readWeights } from "../../runtime/weights.js";
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
import { json, short, table } from "../print.js";
import { showDiagnostics } from "../report.js";
import { givenInputs } from "./run.js";

interface BenchOptions extends CommonOptions {
  readonly inputs?: string;
  readonly input?: readonly string[];
  readonly rounds: string;
}

export function declareBench(program: Command, host: Host, finish: (status: number) => void): void {
  const command = program
    .command("bench")
    .summary("measure how fast a program runs")
    .description(
      "Runs the entries of a program again and again on one target, and says how long that takes: the median with the least and the largest, and operations in a second. On WebGPU also with outputs left on the device, the pipelines, and the time of each kernel on the device with its source line.",
    )
    .argument("<FILE>", "the program")
    .option("--inputs <FILE>", "a .safetensors file with a tensor for every input")
    .option("--input <NAME=VALUE>", "an input as nested lists of numbers; repeatable", collect)
    .option("--rounds <N>", "how often each entry runs after its first time", "5");
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
        "Examples:",
        "  trafo bench gpt2.trafo --random-weights --size B=1,T=128 --target wasm",
        "  trafo bench gpt2.trafo --checkpoint models/gpt2 --size B=1,T=128 --target wgsl",
      ].join("\n"),
    )
    .action(async (path: string, options: BenchOptions) => finish(await run(host, path, options)));
}

async function run(host: Host, path: string, options: BenchOptions): Promise<number> {
  const target = targetOf(options.target ?? "typescript");
  const rounds = parseCount("--rounds", options.rounds);
  if (rounds === 0) throw UserError.of("E0607", "--rounds takes a whole number from 1, but is 0");
  const compilation = compilationOf(host, path, options);
  const { program } = compilation.elaborated;
  showDiagnostics(host, compilation.diagnostics.sorted);
  const weights = weightsOf(compilation, options);
  const given = givenInputs(host, program, options, new Map());
  checkGiven(program, given);
  const figures = await Progress.during(host, async (progress) => {
    progress.say("reading weights");
    const tensors = readWeights(program.entries, weights, (done, of) => progress.count("reading weights", done, of));
    progress.say(`measuring on ${target}`);
    return bench(target, compilation, tensors, given, rounds);
  });
  if (options.json) host.out(json({ model: program.name, ...figures }));
  else host.out([summary(figures), ...figures.entries.map(entryText)].join("\n"));
  return 0;
}

const milliseconds = (value: number): string => `${short(value)} ms`;

function summary({ target, device, compile, load, pipelines }: BenchFigures): string {
  const made =
    pipelines === null ? "" : `, of it ${pipelines.count} pipelines in ${milliseconds(pipelines.milliseconds)}`;
  const rows = [
    ["target", device === null ? target : `${target} on ${device}`],
    ...(compile === null ? [] : [["compile", milliseconds(compile)]]),
    ["load", `${milliseconds(load)}${made}`],
  ];
  return table(rows, "ll");
}

function entryText({ entry, flops, first, times, left, dispatches, kernels }: EntryFigures): string {
  const spread = (sorted: readonly number[]): string =>
    `${milliseconds(median(sorted))} (${short(sorted[0]!)} – ${short(sorted.at(-1)!)}), ${short(flops / median(sorted) / 1e6)} GFLOP/s`;
  const rows = [
    ["entry", `${entry}, ${short(flops / 1e9)} GFLOP`],
    ["first run", milliseconds(first)],
    ["run", spread(times)],
    ...(left === null ? [] : [["outputs left on the device", spread(left)]]),
    ...(dispatches === null ? [] : [["dispatches", String(dispatches)]]),
  ];
  if (kernels === null) return table(rows, "ll");
  const total = kernels.reduce((sum, each) => sum + each.milliseconds, 0);
  const costs = kernels.map((each) => [
    short(each.milliseconds),
    `${(total === 0 ? 0 : (100 * each.milliseconds) / total).toFixed(1)} %`,
    String(each.runs),
    each.about,
  ]);
  return `${table(rows, "ll")}\n${table([["on the device, ms", "share", "runs", "kernel"], ...costs], "rrrl")}`;
}
