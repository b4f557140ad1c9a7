/**
 * Compares a program with values that were computed elsewhere, on every target asked for.
 *
 * What must stay true: nothing passes that was not compared. An output that no entry returns, an input that no entry
 * takes and an entry that could not run are all named, and a file with nothing to compare is an error.
 */
import { InternalError, UserError } from "../diagnostics/index.js";
import type { Derived } from "../incremental/index.js";
import { isFloat, type Program } from "../ir/graph/index.js";
import { showShape, type Tensor } from "../runtime/host/tensors.js";
import { type Departure, firstDeparture } from "./blame.js";
import { blamedPass } from "./blame-pass.js";
import type { Case } from "./cases.js";
import { compareTensors, type Difference, numbersOf, sameShape } from "./compare.js";
import { type Decoding, decodeGreedily, decodingOf } from "./greedy.js";
import { inputsOf, place } from "./inputs.js";
import type { Compilation } from "./pipeline.js";
import { type Allowed, allowedOf, type RoundedDifference, roundedDifference } from "./rounded-weights.js";
import { canRun, type EntryRun, runEntries } from "./run.js";
import { steppedOutputs } from "./stepping.js";
import { type Runner, type TargetName, targets } from "./targets.js";

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

/** One output of one case on one target. */
export interface Row {
  readonly target: TargetName;
  readonly case: string;
  readonly output: string;
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
  /** The first operator that departs from the interpreter in f64; null where none does. */
  readonly departure: Departure | null;
  /** The option that leaves out the one pass without which the target agrees, such as `--disable fusion`. */
  readonly pass: string | null;
}

export interface Verification {
  readonly passed: boolean;
  /** The largest error that passes. */
  readonly tolerance: number;
  readonly rows: readonly Row[];
  readonly failures: readonly Failure[];
  /** Expected outputs that no entry returns: `case0.out.hidden.0`. */
  readonly notCompared: readonly string[];
  /** Inputs of cases that no entry takes. */
  readonly notUsed: readonly string[];
}

/** What is allowed, and what computes with weights as they are where they are not held so. */
interface Checking {
  readonly allowed: Allowed;
  readonly exact: Runner | null;
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
  for (const target of options.targets) {
    const mismatches: Mismatch[] = [];
    const steps: Row[] = [];
    options.onProgress?.(`${target}: compiling`);
    const runner = await targets[target].start(compilation, options.weights);
    const exact = allowed.isRounded
      ? await targets[target].start(compilation.again({ weights: "f32", precision: "f32" }), options.weights)
      : null;
    const checking: Checking = { allowed, exact };
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
    exact?.dispose();
    if (mismatches.length > 0) failures.push(await blame(target, mismatches, options));
    // The whole entry is right there, so that no operator of it is to blame.
    const [departed] = steps;
    if (departed && mismatches.length === 0) {
      const outputs = [...new Set(steps.map(({ output }) => output))];
      failures.push({ target, case: departed.case, outputs, departure: null, pass: null });
    }
  }
  if (rows.length === 0) {
    throw UserError.of("E0713", "no expected output is one that the program returns", {
      notes: [`expected: ${notCompared.join(", ") || "nothing"}`, `returned: ${[...returned].join(", ")}`],
    });
  }
  const { tolerance } = allowed;
  return { passed: failures.length === 0, tolerance, rows, failures, notCompared, notUsed };
}

async function verifyCase(
  runner: Runner,
  target: TargetName,
  each: Case,
  decoding: Decoding | null,
  { program, decoders }: Compilation,
  { allowed, exact }: Checking,
): Promise<{ found: Row[]; stepped: readonly Row[]; runs: readonly EntryRun[] }> {
  const found: Row[] = [];
  const greedy = each.outputs.get("greedy");
  const isDecoded = greedy !== undefined && decoding !== null && !returns(program, "greedy");
  // A case of decoding alone may lack the inputs of a whole run.
  const others = [...each.outputs].filter(([name]) => returns(program, name));
  const runs = others.some(() => program.entries.some((entry) => canRun(entry, each.inputs)))
    ? await runEntries(runner, program, each.inputs)
    : [];
  const outputs = new Map(runs.flatMap((run) => [...run.outputs]));
  const exactly = exact === null || runs.length === 0 ? [] : await runEntries(exact, program, each.inputs);
  const unrounded = new Map(exactly.flatMap((run) => [...run.outputs]));
  for (const [name, expected] of others) {
    const value = outputs.get(name);
    if (value) {
      found.push({ target, case: each.name, output: name, ...compareOutput(name, value, expected, allowed) });
      const own = unrounded.get(name);
      const output = `${name}, from f32`;
      if (own) found.push({ target, case: each.name, output, ...compareOutput(output, value, own, allowed) });
    } else {
      const detail = `the case does not give the inputs of the entry that returns ${name}`;
      found.push({
        target,
        case: each.name,
        output: name,
        passed: false,
        absolute: null,
        relative: null,
        rounded: null,
        detail,
      });
    }
  }
  const stepped = await compareSteps(runner, target, each, runs, decoders, allowed);
  if (!isDecoded) return { found, stepped, runs };
  const decoded = await decodeGreedily(runner, program, decoding, each, greedy, decoders);
  found.push({ target, case: each.name, output: "greedy", ...compareTokens(decoded.tokens, greedy, allowed) });
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
      const label = `${output}, by steps`;
      const whole = run.outputs.get(output)!;
      rows.push({ target, case: name, output: label, ...compareOutput(label, value, whole, allowed) });
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

type Compared = Pick<Row, "passed" | "absolute" | "relative" | "rounded" | "detail">;

function compareOutput(name: string, value: Tensor, expected: Tensor, allowed: Allowed): Compared {
  if (!sameShape(value.shape, expected.shape)) {
    const detail = `${name} is ${showShape(value.shape)}, and ${showShape(expected.shape)} is expected`;
    return { passed: false, absolute: null, relative: null, rounded: null, detail };
  }
  const difference = compareTensors(value, expected, allowed.tolerance);
  const { absolute, relative } = difference;
  const rounded = allowed.isRounded && isFloat(expected.type) ? roundedDifference(value, expected) : null;
  const passed = rounded === null ? difference.passed : rounded.deviation <= allowed.tolerance;
  return { passed, absolute, relative, rounded, detail: passed ? null : worst(name, value, expected, difference) };
}

function worst(name: string, value: Tensor, expected: Tensor, difference: Difference): string {
  const at = difference.worst;
  const [found, wanted] = [numbersOf(value)[at] ?? Number.NaN, numbersOf(expected)[at] ?? Number.NaN];
  const where = `${name}${place(at, value.shape)}`;
  if (Number.isNaN(found) && Number.isNaN(wanted)) return `${where} is NaN on both sides, which shows nothing`;
  return `${where} is ${found}, and ${wanted} is expected`;
}

/**
 * Compares decoded tokens. `absolute` counts those that differ: one is a failure, unless weights are rounded: one near tie
 * decides otherwise, and all that follows is another text.
 */
function compareTokens(found: Tensor, expected: Tensor, allowed: Allowed): Compared {
  if (!sameShape(found.shape, expected.shape)) {
    const detail = `greedy is ${showShape(found.shape)}, and ${showShape(expected.shape)} is expected`;
    return { passed: false, absolute: null, relative: null, rounded: null, detail };
  }
  let differ = 0;
  let first = -1;
  for (let i = 0; i < expected.data.length; i++) {
    if (found.data[i] === expected.data[i]) continue;
    differ++;
    if (first < 0) first = i;
  }
  if (first < 0) return { passed: true, absolute: 0, relative: 0, rounded: null, detail: null };
  const token = found.data[first] === -1 ? "not a number in its scores" : found.data[first];
  const detail = `greedy${place(first, expected.shape)} is ${token}, and ${expected.data[first]} is expected`;
  const passed = allowed.isRounded;
  return { passed, absolute: differ, relative: differ / expected.data.length, rounded: null, detail };
}

/** Looks for the pass and the operator that depart in the first case that fails, entry by entry. */
async function blame(target: TargetName, mismatches: readonly Mismatch[], options: VerifyOptions): Promise<Failure> {
  const [first] = mismatches;
  if (!first) throw new InternalError("nothing departs");
  const { compilation, weights } = options;
  const outputs = [...new Set(mismatches.map(({ row }) => row.output))];
  const failure = { target, case: first.row.case, outputs, departure: null, pass: null };
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
