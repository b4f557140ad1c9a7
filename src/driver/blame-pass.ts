/**
 * Finds the pass without which a target agrees with the interpreter: a mistake that only fusion or a schedule makes shows
 * in no single operator, as the search for one compiles every value as an output.
 *
 * The entries that departed are compiled again without one pass after another, and run on the same inputs.
 */
import { type Graph, isFloat } from "../ir/graph/index.js";
import { passes } from "../passes/index.js";
import type { Tensor } from "../runtime/host/tensors.js";
import { compareValues, largestMagnitude, numbersOf } from "./compare.js";
import type { Compilation, How } from "./pipeline.js";
import type { EntryRun } from "./run.js";
import { evaluateGraph, type Start } from "./targets.js";

/** As for single operators: far more than rounding adds up to. */
const TOLERANCE = 1e-3;

/** What is left out, as the command line has it, and how. */
interface Attempt {
  readonly option: string;
  readonly how: How;
}

/** Each pass that runs, and the schedules, last ones first: what is made of kernels is looked at before kernels are. */
function attemptsOf(compilation: Compilation): readonly Attempt[] {
  const { optimize = {}, policy } = compilation.request;
  const { without = [] } = optimize;
  const attempts = passes
    .filter(({ name }) => !without.includes(name))
    .map(
      ({ name }): Attempt => ({
        option: `--disable ${name}`,
        how: { optimize: { ...optimize, without: [...without, name] } },
      }),
    );
  return [...(policy === null ? [] : [{ option: "--no-schedule", how: { policy: null } }]), ...attempts.reverse()];
}

/**
 * The option without whose pass the target gives what the interpreter gives in f64, for runs in which it does not.
 * Null where the target agrees as it is (then the program, weights or expected values differ), or no one pass helps.
 */
export async function blamedPass(
  start: Start,
  compilation: Compilation,
  runs: readonly EntryRun[],
  weights: ReadonlyMap<string, Tensor>,
): Promise<string | null> {
  const agrees = async (how: How): Promise<boolean> => {
    const runner = await start(compilation.again(how, compilation.get("graph").entries), weights);
    try {
      for (const { entry, ready } of runs) {
        const outputs = await runner.run(entry.name, ready);
        if (!areClose(entry, outputs, evaluateGraph(entry, ready, weights, "f64"))) return false;
      }
      return true;
    } finally {
      runner.dispose();
    }
  };
  if (await agrees({})) return null;
  for (const { option, how } of attemptsOf(compilation)) if (await agrees(how)) return option;
  return null;
}

/** Floats within the tolerance. Integers that come from floats may differ by a near tie, and decide nothing here. */
function areClose(
  graph: Graph,
  found: ReadonlyMap<string, Tensor>,
  expected: ReturnType<typeof evaluateGraph>,
): boolean {
  return graph.outputs.every(({ name, value }) => {
    const [tensor, wanted] = [found.get(name), expected.get(name)];
    if (!tensor || !wanted || !isFloat(graph.types[value]!.element)) return true;
    const scale = Math.max(largestMagnitude(wanted.data, Infinity), Number.MIN_VALUE);
    return compareValues(numbersOf(tensor), wanted.data, TOLERANCE, false, scale).passed;
  });
}
