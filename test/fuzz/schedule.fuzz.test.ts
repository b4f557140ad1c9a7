/**
 * Random sequences of steps on the kernels of random graphs: each step that is taken leaves a kernel that keeps the
 * rules, and in the end the graph's results are the same, before and after loops are unrolled and tiles made scalars.
 * The text of every sequence parses back and replays to the same kernel.
 *
 * FUZZ_GRAPHS sets how many, FUZZ_SEED the first seed; a failure names its seed.
 */
import { expect, test } from "vitest";
import { type Kernel, kernelViolations, printKernel, verifyKernel } from "../../src/ir/kernel/index.js";
import { lowerGraph } from "../../src/lower/index.js";
import { planGraph } from "../../src/memory/index.js";
import {
  applySchedule,
  applyStep,
  legaliseForTypeScript,
  parseSchedule,
  printSchedule,
  ScheduleError,
  type Step,
  scheduledForTypeScript,
  scheduleGraph,
} from "../../src/schedule/index.js";
import { Random } from "../support/random.js";
import { randomGraph } from "../support/random-graph.js";
import { randomRun } from "../support/random-graph-run.js";
import { randomStep } from "../support/random-schedule.js";
import { kernelAgain, loweredAgain } from "../support/round-trip.js";
import { randomPlanDifference } from "./lower-comparison.js";

const first = Number(process.env.FUZZ_SEED ?? 1);
const count = Number(process.env.FUZZ_GRAPHS ?? 40);
const seeds = Array.from({ length: count }, (_, i) => first + i);
const timeout = 600_000 + 2000 * count;

const verified = { proven: 0, unproven: 0 };

/**
 * The rules that a kernel breaks, but for those that are proofs (bounds, independent iterations): odd sequences of steps
 * make indices that are right and not proven, and the interpreter judges them.
 */
function brokenRules(kernel: Kernel): readonly string[] {
  const found = kernelViolations(kernel);
  const isUnproven = found.some(({ rule }) => rule === 8 || rule === 11);
  verified[isUnproven ? "unproven" : "proven"]++;
  return found.filter(({ rule }) => rule !== 8 && rule !== 11).map(({ message }) => message);
}

const taken = new Map<string, number>();

function randomly(kernel: Kernel, random: Random, where: string): Kernel {
  const steps: Step[] = [];
  let current = kernel;
  for (let attempt = 0; attempt < 14; attempt++) {
    const step = randomStep(current, random);
    if (step === null) break;
    let next: Kernel;
    try {
      next = applyStep(current, step);
    } catch (error) {
      if (error instanceof ScheduleError) continue;
      throw new Error(`${where}: ${printSchedule([...steps, step])}\n${printKernel(current)}`, { cause: error });
    }
    steps.push(step);
    taken.set(step.step, (taken.get(step.step) ?? 0) + 1);
    expect(brokenRules(next), `${where}: ${printSchedule(steps)}\n${printKernel(kernel)}`).toEqual([]);
    current = next;
  }
  const text = printSchedule(steps);
  expect(parseSchedule(text)).toEqual(steps);
  expect(printKernel(applySchedule(kernel, parseSchedule(text)))).toBe(printKernel(current));
  // What is not proven is not read.
  if (kernelViolations(current).length === 0) kernelAgain(current, where);
  return current;
}

test("random steps do not change what random graphs compute", { timeout }, () => {
  for (const seed of seeds) {
    const graph = randomGraph(seed, { smooth: true, nodes: 4 + (seed % 12) });
    const lowered = lowerGraph(graph);
    const random = new Random(seed);
    const scheduled = scheduleGraph(lowered, (kernel) => randomly(kernel, random, `seed ${seed}`));
    const legal = scheduleGraph(scheduled, legaliseForTypeScript);
    for (const { kernel } of legal.calls) expect(brokenRules(kernel), `seed ${seed}`).toEqual([]);
    for (const [variant, sizes] of [{}, { B: 1, T: 1 }, { B: 2, T: 5 }, { B: 0, T: 3 }].entries()) {
      const run = randomRun(graph, seed + variant, { sizes });
      const where = `seed ${seed}, run ${variant}, ${JSON.stringify(run.sizes)}`;
      expect(randomPlanDifference(graph, planGraph(scheduled), run), where).toBeNull();
      expect(randomPlanDifference(graph, planGraph(legal), run), `${where}, legal`).toBeNull();
    }
  }
  // Every step was taken now and then, and little was not proven.
  if (count >= 40) expect([...taken.keys()].sort()).toHaveLength(8);
  expect(verified.unproven / (verified.proven + verified.unproven), JSON.stringify(verified)).toBeLessThan(0.05);
});

test("tiles do not change what random graphs compute", { timeout }, () => {
  let tiled = 0;
  for (const seed of seeds) {
    const graph = randomGraph(seed, { smooth: true, nodes: 6 + (seed % 30) });
    const attention = { rows: 1 + (seed % 3), keys: 1 + (seed % 4), columns: 1 + (seed % 5) };
    const policy = { tile: { rows: 1 + (seed % 4), columns: 1 + (seed % 5) }, attention, leastWork: 0 };
    const scheduled = scheduleGraph(lowerGraph(graph), (kernel) => scheduledForTypeScript(kernel, policy));
    for (const { kernel } of scheduled.calls) {
      expect(verifyKernel(kernel), `seed ${seed}`).toEqual([]);
      if (kernel.schedule !== undefined) tiled++;
    }
    loweredAgain(scheduled, `seed ${seed}`);
    for (const [variant, sizes] of [{}, { B: 1, T: 1 }, { B: 2, T: 5 }, { B: 0, T: 3 }].entries()) {
      const run = randomRun(graph, seed + variant, { sizes });
      const where = `seed ${seed}, run ${variant}, ${JSON.stringify(run.sizes)}`;
      expect(randomPlanDifference(graph, planGraph(scheduled), run), where).toBeNull();
    }
  }
  if (count >= 40) expect(tiled).toBeGreaterThan(count / 40);
});
