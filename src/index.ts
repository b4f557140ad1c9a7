/**
 * Trafo as a library: parse, check, compile, explain, draw, run and verify Transformer programs. Everything here also runs in a
 * browser; files come from memory, or under Node from `nodeFiles()` of `trafo/node`.
 *
 * Each function throws a UserError whose `diagnostics` say what is wrong with the program, the checkpoint or the inputs;
 * `renderDiagnostics` shows them to people.
 *
 * ```ts
 * import { compile, memoryFiles } from "trafo";
 * const { javascript } = await compile({ path: "gpt2.trafo", files: memoryFiles([["gpt2.trafo", text]]) });
 * ```
 */
import { dotOfPicture } from "../backends/dot/index.js";
import { type File, parse as parseSource } from "../dsl/index.js";
import { type Diagnostic, Diagnostics, SourceFile } from "./diagnostics/index.js";
import { backendNames } from "./driver/backends.js";
import { type Case, readCases } from "./driver/cases.js";
import type { EntryCost } from "./driver/cost/costs.js";
import { costsOf } from "./driver/cost/program.js";
import { describeProgram, type ProgramFacts } from "./driver/describe.js";
import { type Given, givenNumbers, givenTensor } from "./driver/inputs.js";
import { type PictureOptions, picturesOf } from "./driver/picture/pictures.js";
import { Compilation, type Emitted, type Request, type StageName } from "./driver/pipeline.js";
import { checkNames, runEntries } from "./driver/run.js";
import { type TargetName, targets, targetsOf } from "./driver/targets.js";
import { type Verification, verify as verifyProgram } from "./driver/verify.js";
import type { Graph } from "./ir/graph/index.js";
import type { WeightsFormat } from "./passes/index.js";
import { Checkpoint } from "./runtime/checkpoint.js";
import { type FileParts, type Files, memoryFiles } from "./runtime/files.js";
import type { Tensor } from "./runtime/host/tensors.js";
import { checkpointWeights, randomWeights, readWeights, type Weights } from "./runtime/weights.js";

export {
  type Diagnostic,
  type Fix,
  InternalError,
  type Label,
  reference,
  type Severity,
  SourceFile,
  type Span,
  UserError,
} from "./diagnostics/index.js";
export {
  diagnosticToJson,
  type JsonDiagnostic,
  type RenderOptions,
  renderDiagnostic,
  renderDiagnostics,
  renderLine,
} from "./diagnostics/render.js";
export { type Case, readCases } from "./driver/cases.js";
export { type Cost, type EntryCost, kernelsPerLayer, type LayerCost, type LineCost } from "./driver/cost/costs.js";

export type { EntryFacts, ProgramFacts, SizeFacts } from "./driver/describe.js";
export { type StageName, stageNames } from "./driver/pipeline.js";
export { type TargetName, targetNames } from "./driver/targets.js";
export type { Failure, Row, Verification } from "./driver/verify.js";
export { Checkpoint } from "./runtime/checkpoint.js";
export { type FileParts, type Files, memoryFiles } from "./runtime/files.js";
export type { Tensor } from "./runtime/host/tensors.js";
export { ChatTemplate, type Message } from "./runtime/text/chat.js";
export { Detokenizer } from "./runtime/text/detokenizer.js";
export { type ModelText, openModelText } from "./runtime/text/model-text.js";
export { type Encoded, Tokenizer } from "./runtime/text/tokenizer.js";
export { constantOf, render, type Size } from "./sizes/index.js";
export type { Emitted, Graph, PictureOptions, WeightsFormat };

/** A program, and what its sizes and weights come from. */
export interface ProgramOptions {
  /** The program's path, which imports count from and diagnostics name. */
  readonly path: string;
  /** Its text, where it is not one of the files. */
  readonly text?: string;
  /** Where the program, its imports and checkpoints are; none if not given. */
  readonly files?: Files;
  /** A checkpoint: its folder or file, or one that is open. Its configuration sets sizes, its header is checked. */
  readonly checkpoint?: string | Checkpoint;
  /** The parsed config.json, in place of the checkpoint's own. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Static arguments of the model, as `--set` gives them. */
  readonly settings?: Request["settings"];
  /** Only these entries. */
  readonly entries?: readonly string[];
  /** How large weights are held and computed with: `f32` if not given. */
  readonly weights?: WeightsFormat;
}

function compilationOf(
  options: Omit<CompileOptions, "target"> & { readonly target?: TargetName | undefined },
): Compilation {
  const files = options.files ?? memoryFiles();
  const { checkpoint, config, settings, entries, text, policy, weights } = options;
  const target = backendNames.find((name) => name === options.target);
  return new Compilation({
    files,
    path: options.path,
    checkpoint: typeof checkpoint === "string" ? Checkpoint.open(files, checkpoint) : (checkpoint ?? null),
    config: config ? { path: "config", value: config } : null,
    ...(text === undefined ? {} : { text }),
    ...(settings ? { settings } : {}),
    ...(entries ? { entries } : {}),
    ...(policy === undefined ? {} : { policy }),
    ...(weights === undefined ? {} : { weights }),
    ...(target === undefined ? {} : { target }),
  });
}

/** The syntax tree of a text, and what is wrong with its syntax. Never throws for a mistake in the text. */
export function parse(path: string, text: string): { file: File; diagnostics: readonly Diagnostic[] } {
  const diagnostics = new Diagnostics();
  const file = parseSource(new SourceFile(path, text), diagnostics);
  return { file, diagnostics: diagnostics.sorted };
}

/** What a check finds: facts about the program if it is sound and declares a model. */
export interface Checked {
  readonly program: ProgramFacts | null;
  /** Warnings and notes. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Checks a program: names, types, every size, and with a checkpoint every weight from the header alone.
 * @throws UserError with everything that is wrong.
 */
export function check(options: ProgramOptions): Checked {
  const compilation = compilationOf(options);
  const elaborated = compilation.check();
  return { program: elaborated && describeProgram(elaborated), diagnostics: compilation.diagnostics.sorted };
}

/** How to compile. */
export interface CompileOptions extends ProgramOptions {
  /** How kernels are made fast; the target's own policy if not given, null to leave them as lowering gives them. */
  readonly policy?: Request["policy"];
  /** What the module's kernels are: `typescript` if not given, `wasm` or `wgsl`. */
  readonly target?: Request["target"];
}

/** A compiled program: the texts of its module, and facts about it. */
export interface Compiled extends Emitted {
  readonly program: ProgramFacts;
  /** Distinct kernels over all entries. */
  readonly kernels: number;
  /** How long each stage took. */
  readonly milliseconds: ReadonlyMap<StageName, number>;
  /** Warnings and notes. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Compiles a program to the text of an ES module, in TypeScript and JavaScript, with declarations and a source map.
 * @throws UserError if the program is wrong.
 */
export async function compile(options: CompileOptions): Promise<Compiled> {
  const compilation = compilationOf(options);
  const module = await compilation.get("emit");
  return {
    ...module,
    program: describeProgram(compilation.elaborated),
    kernels: compilation.get("plan").reduce((sum, { kernels }) => sum + kernels.length, 0),
    milliseconds: compilation.times,
    diagnostics: compilation.diagnostics.sorted,
  };
}

/** What a program costs. */
export interface Explained {
  readonly program: ProgramFacts;
  /** One per entry: by layer, by source line, and its memory; formulas in the sizes that were not given. */
  readonly entries: readonly EntryCost[];
  /** Warnings and notes. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * What a program costs: parameters, kernels, floating-point operations, bytes and memory, as `trafo explain` shows it.
 * @param sizes numbers for run-time sizes, such as `{ B: 1, T: 128 }`; what depends on others is a formula
 * @throws UserError if the program is wrong, or has no such size.
 */
export function explain(options: CompileOptions, sizes: Readonly<Record<string, number>> = {}): Explained {
  const compilation = compilationOf(options);
  const entries = costsOf(compilation, new Map(Object.entries(sizes)));
  return { program: describeProgram(compilation.elaborated), entries, diagnostics: compilation.diagnostics.sorted };
}

/** How to write ONNX models. */
export interface OnnxModelsOptions extends ProgramOptions {
  /** Made-up weights of this seed, where there is no checkpoint. */
  readonly randomWeights?: number;
  /** Whether the weights lie in a file beside the models; they do in any case where a model would pass 2 GiB. */
  readonly weightsBeside?: boolean;
}

/**
 * A program as ONNX models, one for each entry, from its graphs before any pass.
 * @returns the files by name: NAME-ENTRY.onnx, and NAME.onnx.data where the weights lie beside. A weight is read when its
 * part of a file is asked for.
 * @throws UserError if the program is wrong, or ONNX cannot express an entry.
 */
export async function onnx(options: OnnxModelsOptions): Promise<[name: string, contents: FileParts][]> {
  const compilation = compilationOf(options);
  const program = compilation.get("graph");
  const { onnxFiles } = await import("./driver/onnx-files.js");
  return onnxFiles({
    program,
    name: compilation.name,
    weights: weightsOf(compilation, options.randomWeights),
    beside: options.weightsBeside ?? false,
    documentation: compilation.documentation,
    sourceLine: compilation.sourceLine,
  });
}

/** The graphs of a program, one per entry. @throws UserError if the program is wrong. */
export function graphs(options: ProgramOptions): readonly Graph[] {
  return compilationOf(options).get("graph").entries;
}

/**
 * A picture of each entry as text for Graphviz: the program as written, or at a later stage.
 * @throws UserError if the program is wrong, or an option names what there is not.
 */
export function graph(options: ProgramOptions, drawing: PictureOptions = {}): { entry: string; dot: string }[] {
  const compilation = compilationOf(options);
  const { entries } = compilation.get("graph");
  return picturesOf(compilation, drawing).map(({ picture }, i) => ({
    entry: entries[i]!.name,
    dot: dotOfPicture(picture),
  }));
}

/** What to run on. */
export interface RunOptions extends ProgramOptions {
  /** Inputs by name: tensors, or nested arrays of numbers. */
  readonly inputs: Readonly<Record<string, Tensor | readonly unknown[] | number | boolean>>;
  /** Made-up weights of this seed, where there is no checkpoint. */
  readonly randomWeights?: number;
  /** `typescript` if not given. */
  readonly target?: TargetName;
}

/**
 * Runs every entry whose inputs are given, one after another; outputs feed later entries by their names.
 * @returns the outputs by name
 * @throws UserError if the program, the weights or the inputs are wrong.
 */
export async function run(options: RunOptions): Promise<Record<string, Tensor>> {
  const compilation = compilationOf(options);
  const { program } = compilation;
  const given = new Map<string, Given>();
  for (const [name, value] of Object.entries(options.inputs)) {
    const isTensor = typeof value === "object" && "data" in value;
    given.set(name, isTensor ? givenTensor(value, `input ${name}`) : givenNumbers(value, `input ${name}`));
  }
  checkNames(program, given.keys());
  const weights = readWeights(program.entries, weightsOf(compilation, options.randomWeights));
  const runner = await targets[options.target ?? "typescript"].start(compilation, weights);
  try {
    const runs = await runEntries(runner, program, given);
    return Object.fromEntries(runs.flatMap(({ outputs }) => [...outputs]));
  } finally {
    runner.dispose();
  }
}

function weightsOf(compilation: Compilation, seed: number | undefined): Weights {
  const { checkpoint } = compilation.request;
  return checkpoint ? checkpointWeights(checkpoint) : randomWeights(seed ?? 0);
}

/** What to verify against. */
export interface VerifyOptions extends ProgramOptions {
  /** A file of cases, or the cases themselves. */
  readonly expect: string | readonly Case[];
  /** All targets if not given. */
  readonly targets?: readonly TargetName[];
  /** The largest error that passes; 1e-4, or what is usual for the format of weights, if not given. */
  readonly tolerance?: number;
}

/**
 * Compares a program with values that were computed elsewhere.
 * @returns the errors of every output, and where it fails the operator that departs
 * @throws UserError if the program, the weights or the cases cannot be read.
 */
export async function verify(options: VerifyOptions): Promise<Verification> {
  const compilation = compilationOf(options);
  const { program } = compilation;
  const { expect, tolerance } = options;
  const cases = typeof expect === "string" ? readCases(compilation.request.files, expect) : expect;
  return verifyProgram({
    compilation,
    weights: readWeights(program.entries, weightsOf(compilation, undefined)),
    cases,
    targets: options.targets ?? (await targetsOf("all", options.weights)).chosen,
    ...(tolerance === undefined ? {} : { tolerance }),
  });
}
