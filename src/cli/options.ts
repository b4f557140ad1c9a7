/** The options that commands share: how they are declared, read and turned into a compilation. */
import { type Command, Option } from "commander";
import { UserError } from "../diagnostics/index.js";
import { nearest } from "../diagnostics/nearest.js";
import { backendNames } from "../driver/backends.js";
import { Compilation } from "../driver/pipeline.js";
import { precisionNames, precisionOf } from "../driver/precision.js";
import { targetNames } from "../driver/targets.js";
import type { Program } from "../ir/graph/index.js";
import { type OptimizeOptions, passes, type WeightsFormat, weightsFormats } from "../passes/index.js";
import { Checkpoint, readConfig } from "../runtime/checkpoint.js";
import { checkpointWeights, randomWeights, type Weights } from "../runtime/weights.js";
import { type TypeScriptPolicy, typeScriptPolicy } from "../schedule/index.js";
import type { Host } from "./host.js";

/** The values of the common options as commander gives them. */
export interface CommonOptions {
  readonly entry?: string;
  readonly set?: readonly string[];
  readonly size?: readonly string[];
  readonly config?: string;
  readonly checkpoint?: string;
  readonly randomWeights?: string;
  readonly target?: string;
  readonly json?: boolean;
  readonly tile?: string;
  readonly schedule?: boolean;
  readonly fuse?: boolean;
  readonly disable?: readonly string[];
  readonly weights?: string;
  readonly precision?: string;
}

type CommonName = keyof CommonOptions;

/** For options that may be given several times. */
export const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];

const declarations: { readonly [K in CommonName]: () => Option } = {
  entry: () => new Option("--entry <NAME>", "the entry; all that the model has if not given"),
  set: () => new Option("--set <NAME=VALUE...>", "a static argument of the model").argParser(collect),
  size: () => new Option("--size <NAME=N,...>", "sizes of the entry, such as B=1,T=128").argParser(collect),
  config: () => new Option("--config <FILE>", "a configuration, in place of the checkpoint's config.json"),
  checkpoint: () =>
    new Option(
      "--checkpoint <DIR>",
      "a folder with config.json and model.safetensors, a .safetensors file, or a .gguf",
    ),
  randomWeights: () => new Option("--random-weights [SEED]", "made-up weights, the same for the same seed (0)"),
  target: () => new Option("--target <TARGET>", `what to compile for or run on: ${targetNames.join(", ")}`),
  json: () => new Option("--json", "print the answer as JSON"),
  tile: () =>
    new Option("--tile <ROWSxCOLUMNS>", "the tile of matrix products, such as 3x4; the target's own if not given"),
  schedule: () => new Option("--no-schedule", "leave loops in the order in which operators are defined"),
  fuse: () => new Option("--no-fuse", "compute every operator in a kernel of its own"),
  disable: () =>
    new Option("--disable <PASS>", `leave out passes: ${passes.map(({ name }) => name).join(", ")}`).argParser(collect),
  weights: () =>
    new Option("--weights <FORMAT>", `how large weights are held: ${weightsFormats.join(", ")}; f32 if not given`),
  precision: () =>
    new Option(
      "--precision <TYPE>",
      `wgsl: what lies between kernels is kept in: ${precisionNames.join(", ")}; f32 if not given`,
    ),
};

/** The options that say how a program is compiled. */
export const compileOptions = [
  "tile",
  "schedule",
  "fuse",
  "disable",
  "weights",
  "precision",
] as const satisfies readonly CommonName[];

/** Declares common options on a command. */
export function withOptions(command: Command, ...names: readonly CommonName[]): Command {
  for (const name of names) command.addOption(declarations[name]());
  return command;
}

/** Options of which several values may follow one flag. */
const listed = new Set(["--set", "--size"]);

/**
 * Brings arguments into the form in which every flag has at most one value, and knows it: `--set a=1 b=2` becomes
 * `--set=a=1 --set=b=2`, and a bare `--random-weights` takes seed 0. So a list never swallows the file that follows it.
 */
export function normalized(argv: readonly string[]): string[] {
  // What people try first: nothing, and `trafo help run`.
  if (argv.length === 0) return ["--help"];
  if (argv[0] === "help") return argv[1] === undefined ? ["--help"] : [argv[1], "--help"];
  const out: string[] = [];
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at]!;
    if (word === "--") return [...out, ...argv.slice(at)];
    if (word === "--random-weights") out.push("--random-weights=0");
    else if (!listed.has(word)) out.push(word);
    else {
      const first = argv[at + 1];
      if (first === undefined || first.startsWith("-")) {
        out.push(word);
        continue;
      }
      out.push(`${word}=${first}`);
      for (at++; /^[A-Za-z_]\w*=/.test(argv[at + 1] ?? ""); at++) out.push(`${word}=${argv[at + 1]}`);
    }
  }
  return out;
}

/** `NAME=VALUE` of --set. @throws UserError E0607 */
export function parseSettings(words: readonly string[]): Map<string, string> {
  const settings = new Map<string, string>();
  for (const word of words) {
    const match = /^([A-Za-z_]\w*)=(.+)$/s.exec(word.trim());
    if (!match?.[1] || match[2] === undefined) {
      throw UserError.of("E0607", `--set takes NAME=VALUE, but is ${word}`, { help: ["write --set width=64"] });
    }
    settings.set(match[1], match[2]);
  }
  return settings;
}

/** `B=1,T=16` of --size. @throws UserError E0607 */
export function parseSizes(words: readonly string[]): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const part of words.flatMap((word) => word.split(",")).filter((word) => word.trim() !== "")) {
    const match = /^\s*([A-Za-z_]\w*)\s*=\s*(\d+)\s*$/.exec(part);
    if (!match?.[1]) {
      throw UserError.of("E0607", `--size takes sizes, but holds ${part}`, { help: ["write --size B=1,T=128"] });
    }
    sizes.set(match[1], Number(match[2]));
  }
  return sizes;
}

/** Checks that every named size is one of the program. @throws UserError E0611 */
export function checkSizeNames(program: Program, sizes: ReadonlyMap<string, number>): void {
  const known = new Set(program.entries.flatMap((entry) => entry.sizes.map(({ name }) => name)));
  for (const name of sizes.keys()) {
    if (known.has(name)) continue;
    const near = nearest(name, known);
    throw UserError.of("E0611", `the program has no size ${name}`, {
      notes: [
        known.size > 0 ? `its sizes are ${[...known].join(", ")}` : "it has no sizes that are known only when running",
      ],
      help: near === null ? [] : [`the nearest is ${near}`],
    });
  }
}

/** A whole number from 0 for an option. @throws UserError E0607 */
export function parseCount(option: string, word: string): number {
  if (/^\d{1,15}$/.test(word)) return Number(word);
  throw UserError.of("E0607", `${option} takes a whole number from 0, but is ${word}`);
}

/** How kernels are made fast: `--tile 3x4`, `--no-schedule`; undefined for the target's own. @throws UserError E0607, E0610 */
function policyOf({ tile, schedule }: CommonOptions): TypeScriptPolicy | null | undefined {
  if (schedule === false && tile !== undefined) {
    throw UserError.of("E0610", "--tile and --no-schedule exclude each other");
  }
  if (schedule === false) return null;
  if (tile === undefined) return undefined;
  const match = /^([1-8])x([1-8])$/.exec(tile.trim());
  if (!match) {
    throw UserError.of("E0607", `--tile takes rows and columns from 1 to 8, but is ${tile}`, {
      help: ["write --tile 3x4"],
    });
  }
  return { ...typeScriptPolicy, tile: { rows: Number(match[1]), columns: Number(match[2]) } };
}

/** The passes that are left out: `--no-fuse`, `--disable algebra,movement`. @throws UserError E0607 */
function disabledOf({ fuse, disable }: CommonOptions): readonly string[] {
  const names = passes.map(({ name }) => name);
  const words = (disable ?? []).flatMap((word) => word.split(",")).map((word) => word.trim());
  for (const word of words) {
    if (names.includes(word)) continue;
    const near = nearest(word, names);
    throw UserError.of("E0607", `--disable takes ${names.join(", ")}, but holds ${word}`, {
      help: near === null ? [] : [`the nearest is ${near}`],
    });
  }
  return fuse === false ? [...words, "fusion"] : words;
}

/** How large weights are held. @throws UserError E0607 */
function weightsFormatOf(word: string): WeightsFormat {
  const found = weightsFormats.find((each) => each === word);
  if (found !== undefined) return found;
  const near = nearest(word, weightsFormats);
  throw UserError.of("E0607", `--weights takes ${weightsFormats.join(", ")}, but is ${word}`, {
    help: near === null ? [] : [`the nearest is ${near}`],
  });
}

/** The compilation that a file and the common options ask for. @throws UserError of the families E06 and E07 */
export function compilationOf(
  host: Host,
  path: string,
  options: CommonOptions,
  optimize: OptimizeOptions = {},
): Compilation {
  const { files } = host;
  if (options.checkpoint !== undefined && options.randomWeights !== undefined) {
    throw UserError.of("E0610", "--checkpoint and --random-weights exclude each other", {
      help: ["for the sizes of a checkpoint with made-up weights, give its configuration: --config DIR/config.json"],
    });
  }
  const config = options.config ?? null;
  const checkpoint = options.checkpoint === undefined ? null : Checkpoint.open(files, options.checkpoint, config);
  const policy = policyOf(options);
  const target = backendNames.find((name) => name === options.target);
  return new Compilation({
    files,
    path,
    checkpoint,
    config: checkpoint || config === null ? null : readConfig(files, config),
    settings: parseSettings(options.set ?? []),
    ...(options.entry === undefined ? {} : { entries: [options.entry] }),
    ...(target === undefined ? {} : { target }),
    ...(policy === undefined ? {} : { policy }),
    ...(options.weights === undefined ? {} : { weights: weightsFormatOf(options.weights) }),
    ...(options.precision === undefined ? {} : { precision: precisionOf(options.precision, options.target) }),
    optimize: { ...optimize, without: disabledOf(options) },
  });
}

/** The weights that the options name. @throws UserError E0610 if they name none, E0607 */
export function weightsOf(compilation: Compilation, options: CommonOptions): Weights {
  const { checkpoint } = compilation.request;
  if (checkpoint) return checkpointWeights(checkpoint);
  if (options.randomWeights !== undefined) return randomWeights(parseCount("--random-weights", options.randomWeights));
  throw UserError.of("E0610", "running needs weights", {
    help: ["give --checkpoint DIR, or --random-weights where the values do not matter"],
  });
}
