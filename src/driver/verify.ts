/**
 * Compares a program with values that were computed elsewhere, on every target asked for.
 *
 * What must stay true: nothing passes that was not compared. An output that no entry returns, an input that no entry
 * takes and an entry that could not run are all named, and a file with nothing to compare is an error.
 */
import { InternalError, UserError } from "../diagnostics/index.js";
import type { Derived } from "../incremental/index.js";
import type { Program } from "../ir/graph/index.js";
import type { Tensor } from "../runtime/host/tensors.js";
import { backendNames } from "./backends.js";
import { type Departure, firstDeparture } from "./blame.js";
import { blamedPass } from "./blame-pass.js";
import type { Case } from "./cases.js";
import { type Decoding, decodeGreedily, decodingOf } from "./greedy.js";
import { inputsOf } from "./inputs.js";
import type { Compilation } from "./pipeline.js";
import { roundedReference } from "./rounded-reference.js";
import { type Allowed, allowedOf, allowedOfSame, type RoundedDifference } from "./rounded-weights.js";
import { canRun, type EntryRun, runEntries } from "./run.js";
import { steppedOutputs } from "./stepping.js";
import { type Runner, type TargetName, targets } from "./targets.js";
import { compareOutput, compareTokens } from "./verify-outputs.js";

export interface VerifyOptions {
  readonly compilation: Compilation;
  /** Every weight that the program reads, by name. */
  readonly weights: ReadonlyMap<string, Tensor>;
  readonly cases: readonly Case[];
  readonly targets: readonly TargetName[];
  /** The largest error that passes; the usual one of the format of weights if not given. */
  readonly tolerance?: number;
  /** Called before each step, for a progress line. */
  readonly onProgress?: (what: string) => void;
}

/**
 * What an output is compared with: the expected values; what the target gives with weights as they are; what f32 gives of the
 * very numbers that weights are rounded to; what the target gives of all positions at once.
 */
export type Against = "expected" | "f32" | "rounded" | "whole";

const labels: { readonly [K in Against]: string } = {
  expected: "",
  f32: ", from f32",
  rounded: ", from the same rounded weights",
  whole: ", by steps",
};

/** From a mistake of a target to what rounding does, both of which also show in what is expected. */
const telling: readonly Against[] = ["rounded", "f32"];

/** One output of one case on one target. */
export interface Row {
  readonly target: TargetName;
  readonly case: string;
  /** Its name, and with a comma what it is compared with but the expected values. */
  readonly output: string;
  readonly against: Against;
  readonly passed: boolean;
  /** The largest errors; null where the shapes differ. For `greedy`, the number of tokens that differ. */
  readonly absolute: number | null;
  readonly relative: number | null;
  /** What counts where weights are not held as f32. */
  readonly rounded: RoundedDifference | null;
  /** What departs, in words, where it does. */
  readonly detail: string | null;
}

/** A target that departs, and where. */
export interface Failure {
  readonly target: TargetName;
  readonly case: string;
  /** The outputs that depart, over all cases. */
  readonly outputs: readonly string[];
  /** What they depart from; where from several, the most telling. */
  readonly against: Against;
  /** The first operator that departs from the interpreter in f64; null where none does. */
  readonly departure: Departure | null;
  /** The option that leaves out the one pass without which the target agrees, such as `--disable fusion`. */
  readonly pass: string | null;
}

export interface Verification {
  readonly passed: boolean;
  /** The largest error that passes. */
  readonly tolerance: number;
  /** Of each target, the largest deviation that passes from what f32 gives of the same rounded weights; empty for f32. */
  readonly tolerances: Readonly<Partial<Record<TargetName, number>>>;
  readonly rows: readonly Row[];
  readonly failures: readonly Failure[];
  /** Expected outputs that no entry returns: `case0.out.hidden.0`. */
  readonly notCompared: readonly string[];
  /** Inputs of cases that no entry takes. */
  readonly notUsed: readonly string[];
}

/** The outputs by name. */
type Outputs = ReadonlyMap<string, Tensor>;

/** Something else that the program is computed by, to compare with. */
interface Witness {
  readonly against: Against;
  readonly allowed: Allowed;
  /** What it gives of each case that runs, by the name of the case. */
  readonly outputs: ReadonlyMap<string, Outputs>;
}

/** What is allowed, and what there is to compare with besides what is expected. */
interface Checking {
  readonly allowed: Allowed;
  /** Of what is computed of the same rounded weights. */
  readonly ofSame: Allowed;
  readonly witnesses: readonly Witness[];
}

/** Something that departs, with what its case ran. */
interface Mismatch {
  readonly row: Row;
  readonly runs: readonly EntryRun[];
}

/**
 * Verifies a program.
 * @throws UserError E0713 if there is nothing to compare, E0710 to E0712 where the inputs of a case do not fit.
 */
export async function verify(options: VerifyOptions): Promise<Verification> {
  const { compilation, cases } = options;
  const { program } = compilation;
  const returned = new Set(program.entries.flatMap((entry) => entry.outputs.map(({ name }) => name)));
  const taken = new Set(program.entries.flatMap((entry) => inputsOf(entry).map(({ name }) => name)));
  const decoding = decodingOf(program);
  const compared = (name: string) => returned.has(name) || (name === "greedy" && decoding !== null);
  const notCompared = cases.flatMap(({ name, outputs }) =>
    [...outputs.keys()].filter((output) => !compared(output)).map((output) => `${name}.out.${output}`),
  );
  const notUsed = cases.flatMap(({ name, inputs }) =>
    [...inputs.keys()].filter((input) => !taken.has(input)).map((input) => `${name}.in.${input}`),
  );
  const { weights = "f32", precision = "f32" } = compilation.request;
  const allowed = allowedOf(weights, precision, options.tolerance);
  const rows: Row[] = [];
  const failures: Failure[] = [];
  const tolerances: Partial<Record<TargetName, number>> = {};
  for (const target of options.targets) {
    const mismatches: Mismatch[] = [];
    const steps: Row[] = [];
    const checking = await checkingOf(target, allowed, options);
    if (weights !== "f32") tolerances[target] = checking.ofSame.tolerance;
    options.onProgress?.(`${target}: compiling`);
    const runner = await targets[target].start(compilation, options.weights);
    for (const each of cases) {
      options.onProgress?.(`${target}: ${each.name}`);
      const { found, stepped, runs } = await naming(each, () =>
        verifyCase(runner, target, each, decoding, compilation, checking),
      );
      rows.push(...found, ...stepped);
      steps.push(...stepped.filter((row) => !row.passed));
      mismatches.push(...found.filter((row) => !row.passed).map((row) => ({ row, runs })));
    }
    runner.dispose();
    if (mismatches.length > 0) failures.push(await blame(target, mismatches, options));
    // The whole entry is right there, so that no operator of it is to blame.
    const [departed] = steps;
    if (departed && mismatches.length === 0) {
      const outputs = [...new Set(steps.map(({ output }) => output))];
      failures.push({ target, case: departed.case, outputs, against: "whole", departure: null, pass: null });
    }
  }
  if (rows.length === 0) {
    throw UserError.of("E0713", "no expected output is one that the program returns", {
      notes: [`expected: ${notCompared.join(", ") || "nothing"}`, `returned: ${[...returned].join(", ")}`],
    });
  }
  const { tolerance } = allowed;
  return { passed: failures.length === 0, tolerance, tolerances, rows, failures, notCompared, notUsed };
}

/** Computes what there is to compare with, one after the other: each has its weights in memory only while it runs. */
async function checkingOf(target: TargetName, allowed: Allowed, options: VerifyOptions): Promise<Checking> {
  const { compilation, cases, weights } = options;
  const { weights: format = "f32", precision = "f32" } = compilation.request;
  const witnesses: Witness[] = [];
  const witness = async (against: Against, what: Allowed, runner: Runner): Promise<void> => {
    const outputs = new Map<string, Outputs>();
    for (const each of cases) {
      options.onProgress?.(`${target}: ${each.name}${labels[against]}`);
      outputs.set(each.name, outputsOf(await naming(each, () => runsOf(runner, each, compilation.program))));
    }
    runner.dispose();
    witnesses.push({ against, allowed: what, outputs });
  };
  if (allowed.isRounded) {
    const asTheyAre = compilation.again({ weights: "f32", precision: "f32" });
    await witness("f32", allowed, await targets[target].start(asTheyAre, weights));
  }
  if (format === "f32") return { allowed, ofSame: allowed, witnesses };
  const { runner, rows } = await roundedReference(compilationFor(target, compilation), weights);
  const ofSame = allowedOfSame(precision, rows);
  await witness("rounded", ofSame, runner);
  return { allowed, ofSame, witnesses };
}

/** The program for the target, or where it is none that makes modules, for what its graphs are compiled for. */
function compilationFor(target: TargetName, compilation: Compilation): Compilation {
  const backend = backendNames.find((name) => name === target);
  return backend === undefined ? compilation : compilation.compiledFor(backend);
}

/** Runs a case, if it expects what entries return and has their inputs: one of decoding alone may lack them. */
async function runsOf(runner: Runner, { inputs, outputs }: Case, program: Program): Promise<readonly EntryRun[]> {
  const isRun = [...outputs.keys()].some((name) => returns(program, name));
  return isRun && program.entries.some((entry) => canRun(entry, inputs)) ? runEntries(runner, program, inputs) : [];
}

function outputsOf(runs: readonly EntryRun[]): Outputs {
  return new Map(runs.flatMap((run) => [...run.outputs]));
}

async function verifyCase(
  runner: Runner,
  target: TargetName,
  each: Case,
  decoding: Decoding | null,
  { program, decoders }: Compilation,
  { allowed, ofSame, witnesses }: Checking,
): Promise<{ found: Row[]; stepped: readonly Row[]; runs: readonly EntryRun[] }> {
  const found: Row[] = [];
  const greedy = each.outputs.get("greedy");
  const isDecoded = greedy !== undefined && decoding !== null && !returns(program, "greedy");
  const runs = await runsOf(runner, each, program);
  const outputs = outputsOf(runs);
  const told = { target, case: each.name };
  const compare = (name: string, value: Tensor, wanted: Tensor, against: Against, what: Allowed): void => {
    const output = `${name}${labels[against]}`;
    found.push({ ...told, output, against, ...compareOutput(output, value, wanted, what) });
  };
  for (const [name, expected] of each.outputs) {
    if (!returns(program, name)) continue;
    const value = outputs.get(name);
    if (value) {
      compare(name, value, expected, "expected", allowed);
      for (const { against, allowed: what, outputs: computed } of witnesses) {
        const own = computed.get(each.name)?.get(name);
        if (own) compare(name, value, own, against, what);
      }
    } else {
      const detail = `the case does not give the inputs of the entry that returns ${name}`;
      const nothing = { passed: false, absolute: null, relative: null, rounded: null };
      found.push({ ...told, output: name, against: "expected", ...nothing, detail });
    }
  }
  const stepped = await compareSteps(runner, target, each, runs, decoders, ofSame);
  if (!isDecoded) return { found, stepped, runs };
  const decoded = await decodeGreedily(runner, program, decoding, each, greedy, decoders);
  const compared = compareTokens(decoded.tokens, greedy, allowed);
  found.push({ ...told, output: "greedy", against: "expected", ...compared });
  return { found, stepped, runs: runs.length > 0 ? runs : decoded.runs };
}

/** Computes entries that ran once more, step by step, and compares with what they gave as a whole. */
async function compareSteps(
  runner: Runner,
  target: TargetName,
  { name }: Case,
  runs: readonly EntryRun[],
  decoders: readonly Derived[],
  allowed: Allowed,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const run of runs) {
    const derived = decoders.find(({ entry }) => entry.name === run.entry.name);
    if (derived === undefined || runner.open === undefined) continue;
    for (const [output, value] of await steppedOutputs(runner.open, derived, run)) {
      const label = `${output}${labels.whole}`;
      const whole = run.outputs.get(output)!;
      const compared = compareOutput(label, value, whole, allowed);
      rows.push({ target, case: name, output: label, against: "whole", ...compared });
    }
  }
  return rows;
}

/** Runs a case; what is wrong with its inputs is told with its name. */
async function naming<T>({ name }: Case, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(error.diagnostics.map((d) => ({ ...d, message: `${name}: ${d.message}` })));
  }
}

function returns(program: Program, output: string): boolean {
  return program.entries.some((entry) => entry.outputs.some(({ name }) => name === output));
}

/** Looks for the pass and the operator that depart in the first case that fails, entry by entry. */
async function blame(target: TargetName, mismatches: readonly Mismatch[], options: VerifyOptions): Promise<Failure> {
  const [first] = mismatches;
  if (!first) throw new InternalError("nothing departs");
  const { compilation, weights } = options;
  const outputs = [...new Set(mismatches.map(({ row }) => row.output))];
  const departs = (of: Against): boolean => mismatches.some(({ row }) => row.against === of);
  const against = telling.find(departs) ?? first.row.against;
  const failure = { target, case: first.row.case, outputs, against, departure: null, pass: null };
  // Without graphs there is nothing to compile in another way; rounded weights depart everywhere.
  if (!compilation.hasGraphs || (compilation.request.weights ?? "f32") !== "f32") return failure;
  const { start } = targets[target];
  let departure: Departure | null = null;
  for (const { entry, ready } of first.runs) {
    options.onProgress?.(`${target}: looking for the operator that departs in ${entry.name}`);
    departure ??= await firstDeparture(start, compilation, entry, ready, weights);
  }
  if (target === "interpreter") return { ...failure, departure };
  options.onProgress?.(`${target}: looking for the pass without which it agrees`);
  return { ...failure, departure, pass: await blamedPass(start, compilation, first.runs, weights) };
}
