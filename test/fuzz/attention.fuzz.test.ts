/**
 * Random attention layers: fused into one kernel or not, naive, scheduled with tiles of any shape, and online, they
 * compute what the graph's interpreter does, for sizes of 0, 1 and primes and for numbers large, infinite and NaN.
 *
 * FUZZ_GRAPHS sets how many, FUZZ_SEED the first seed; a failure names its seed.
 */
import { expect, test } from "vitest";
import type { Graph } from "../../src/ir/graph/index.js";
import { type Kernel, printKernel, verifyKernel } from "../../src/ir/kernel/index.js";
import { lowerGraph } from "../../src/lower/index.js";
import { planGraph } from "../../src/memory/index.js";
import { optimizeGraph, passes } from "../../src/passes/index.js";
import {
  applyStep,
  parseSchedule,
  printSchedule,
  ScheduleError,
  type Step,
  scheduledForTypeScript,
  scheduleGraph,
  typeScriptPolicy,
} from "../../src/schedule/index.js";
import { program } from "../support/program.js";
import { Random } from "../support/random.js";
import { randomAttention } from "../support/random-attention.js";
import { randomRun } from "../support/random-graph-run.js";
import { randomAttentionStep, randomStep } from "../support/random-schedule.js";
import { randomPlanDifference } from "./lower-comparison.js";

const first = Number(process.env.FUZZ_SEED ?? 1);
const count = Number(process.env.FUZZ_GRAPHS ?? 40);
const seeds = Array.from({ length: count }, (_, i) => first + i);
const timeout = 600_000 + 2000 * count;

const sizes = [
  { B: 1, T: 1, S: 1 },
  { B: 2, T: 5, S: 7 },
  { B: 1, T: 7, S: 3 },
  { B: 1, T: 0, S: 4 },
  { B: 1, T: 4, S: 0 },
  { B: 1, T: 12, S: 13 },
];

function graphOf(seed: number): { graph: Graph; optimized: Graph; text: string } {
  const { text } = randomAttention(seed);
  const graph = program(text).program.entries[0]!;
  return { graph, optimized: optimizeGraph(graph, passes, { verify: true }).graph, text };
}

function scheduled(kernel: Kernel, seed: number): Kernel {
  const attention = { rows: 1 + (seed % 3), keys: 1 + (seed % 4), columns: 1 + (seed % 5) };
  return scheduledForTypeScript(kernel, { ...typeScriptPolicy, attention, leastWork: 0 });
}

test("attention computes what its operators do", { timeout }, () => {
  let fused = 0;
  for (const seed of seeds) {
    const { graph, optimized, text } = graphOf(seed);
    const lowered = lowerGraph(optimized);
    const made = scheduleGraph(lowered, (kernel) => scheduled(kernel, seed));
    if (lowered.calls.some(({ kernel }) => /alloc score/.test(printKernel(kernel)))) fused++;
    for (const { kernel } of [...lowered.calls, ...made.calls]) {
      expect(verifyKernel(kernel), `seed ${seed}\n${text}\n${printKernel(kernel)}`).toEqual([]);
    }
    for (const [at, given] of sizes.entries()) {
      const run = randomRun(graph, seed + at, { sizes: given, special: at % 2 === 1 });
      const where = `seed ${seed}, ${JSON.stringify(run.sizes)}\n${text}`;
      expect(randomPlanDifference(graph, planGraph(lowered), run), where).toBeNull();
      expect(randomPlanDifference(graph, planGraph(made), run), `${where}, scheduled`).toBeNull();
    }
  }
  if (count >= 40) expect(fused / count).toBeGreaterThan(0.7);
});

test("random steps do not change what attention computes", { timeout }, () => {
  const taken = new Map<string, number>();
  for (const seed of seeds) {
    const { graph, optimized, text } = graphOf(seed);
    const random = new Random(seed);
    const lowered = lowerGraph(optimized);
    const made = scheduleGraph(lowered, (kernel) => {
      const steps: Step[] = [];
      let current = kernel;
      for (let attempt = 0; attempt < 30; attempt++) {
        const step = random.chance(0.7) ? randomAttentionStep(current, random) : randomStep(current, random);
        // Values that are no numbers are hidden from the kernel here: see whenFinite.
        if (step === null) break;
        try {
          current = applyStep(current, step);
        } catch (error) {
          if (error instanceof ScheduleError) continue;
          throw new Error(`seed ${seed}: ${printSchedule([...steps, step])}\n${printKernel(current)}`, {
            cause: error,
          });
        }
        steps.push(step);
        taken.set(step.step, (taken.get(step.step) ?? 0) + 1);
      }
      expect(parseSchedule(printSchedule(steps))).toEqual(steps);
      return { ...current, schedule: printSchedule(steps) };
    });
    for (const [at, given] of sizes.entries()) {
      const run = randomRun(graph, seed + at, { sizes: given });
      const where = `seed ${seed}, ${JSON.stringify(run.sizes)}\n${text}\n${made.calls.map(({ kernel }) => printKernel(kernel)).join("\n")}`;
      expect(randomPlanDifference(graph, planGraph(made), run), where).toBeNull();
    }
  }
  const wanted = ["layout", "materialise", "online", "skipTiles", "stage", "whenFinite"];
  if (count >= 40) expect(wanted.filter((step) => !taken.has(step))).toEqual([]);
});
