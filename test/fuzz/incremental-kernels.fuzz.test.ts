/**
 * The kernels of steps of random graphs, run in the memory of a session: they give what the whole graph gives, and every
 * plan of theirs is right for the sizes of the run.
 *
 * FUZZ_GRAPHS sets how many graphs are tried, FUZZ_SEED the first seed; a failure names its seed.
 */
import { expect, test } from "vitest";
import { type Derived, derive, NotIncremental, oneStep } from "../../src/incremental/index.js";
import { interpret } from "../../src/interpreter/graph.js";
import { interpretPlan } from "../../src/interpreter/kernel-plan.js";
import type { Tensor } from "../../src/interpreter/tensor.js";
import type { Graph } from "../../src/ir/graph/index.js";
import { verifyKernel } from "../../src/ir/kernel/index.js";
import { type LoweredGraph, lowerGraph } from "../../src/lower/index.js";
import { checkPlan, planGraph } from "../../src/memory/index.js";
import { optimizeGraph, passes } from "../../src/passes/index.js";
import {
  scattered,
  scheduledForWgsl,
  scheduleGraph,
  sideBySide,
  spilled,
  wgslPolicy,
} from "../../src/schedule/index.js";
import { constantOf } from "../../src/sizes/index.js";
import { rowsOfTensor, type Weights } from "../support/incremental.js";
import { Random } from "../support/random.js";
import { randomCausalGraph } from "../support/random-causal-graph.js";
import { randomTensor } from "../support/random-graph-run.js";

const first = Number(process.env.FUZZ_SEED ?? 1);
const count = Number(process.env.FUZZ_GRAPHS ?? 250);
const length = 9;

function derivedOf(graph: Graph) {
  try {
    return derive(graph, "T");
  } catch (error) {
    if (error instanceof NotIncremental) return null;
    throw error;
  }
}

/** The step of one position as WebGPU runs it. */
function singleOf(derived: Derived, areApart: boolean): LoweredGraph {
  const { graph, states, most } = oneStep(derived, "one", 4);
  const optimized = optimizeGraph(graph, passes, { verify: true, mostBuffers: 8, fewRows: { most, areApart } }).graph;
  const lowered = lowerGraph(optimized, { ...derived.sizes, states });
  const scheduled = scheduleGraph(lowered, (kernel) => scheduledForWgsl(kernel, wgslPolicy));
  return sideBySide(scattered(spilled(scheduled), 8), 8);
}

/** What the whole graph gives, or null where numbers get too large to compare. */
function wholeOf(graph: Graph, x: Tensor, weights: Weights): Tensor | null {
  let sane = true;
  const trace = (_: unknown, value: Tensor): void => {
    if (value.element !== "f32") return;
    sane &&= value.data.every((each: number) => each === -Infinity || each === -1e9 || Math.abs(each) < 1e4);
  };
  const whole = interpret(graph, { inputs: { x }, weights, precision: "f32", trace }).outputs.y!;
  return sane ? whole : null;
}

test("kernels of a step give what the whole graph gives", { timeout: 600_000 + 200 * count }, () => {
  let compared = 0;
  for (let seed = first; seed < first + count; seed++) {
    const graph = randomCausalGraph(seed);
    const derived = derivedOf(graph);
    if (derived === null || derived.states.length === 0 || derived.assumptions.length > 0) continue;
    const weights: Weights = (name, { element, shape }) =>
      randomTensor(
        new Random(seed + Number(name.slice(1))),
        element,
        shape.map((each) => constantOf(each)!),
      );
    const x = randomTensor(new Random(seed), "f32", [2, length, 3]);
    const whole = wholeOf(graph, x, weights);
    if (whole === null) continue;
    const optimize = seed % 2 === 0;
    const step = optimize ? optimizeGraph(derived.step, passes, { verify: true }).graph : derived.step;
    const lowered = lowerGraph(step, { states: derived.states, ...derived.sizes });
    const single = optimize ? singleOf(derived, seed % 4 === 0) : lowered;
    for (const { kernel } of [...lowered.calls, ...single.calls])
      expect(verifyKernel(kernel), `seed ${seed}`).toEqual([]);
    const plans = [planGraph(lowered), planGraph(single)] as const;
    const states = new Map<string, Tensor>();
    let past = 0;
    for (const [at, rows] of [4, 1, 1, 1, 2].entries()) {
      const plan = plans[rows === 1 && at !== 2 ? 1 : 0];
      const sizes: Readonly<Record<string, number>> = { B: 2, C: length, P: past, N: rows };
      expect(
        checkPlan(plan, ({ name }) => sizes[name]!),
        `seed ${seed}`,
      ).toEqual([]);
      const inputs = new Map([["x", rowsOfTensor(x, 1, past, past + rows)]]);
      const { y } = interpretPlan(plan, { inputs, weights, sizes, precision: "f32", states });
      const expected = rowsOfTensor(whole, 1, past, past + rows);
      for (let i = 0; i < y!.data.length; i++) {
        const difference = Math.abs(y!.data[i]! - expected.data[i]!);
        expect(difference, `seed ${seed}, element ${i} after ${past}`).toBeLessThan(
          1e-3 * (1 + Math.abs(expected.data[i]!)),
        );
      }
      past += rows;
    }
    compared++;
  }
  expect(compared).toBeGreaterThan(count / 40);
});
