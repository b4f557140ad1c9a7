/**
 * Random graphs before and after the passes, each alone and all together: the interpreter gives the same for both, and the
 * fused kernels compute what the interpreter does.
 *
 * FUZZ_GRAPHS sets how many, FUZZ_SEED the first seed; a failure names its seed.
 */
import { describe, expect, test } from "vitest";
import { SourceFile } from "../../src/diagnostics/index.js";
import { interpret } from "../../src/interpreter/graph.js";
import { type Graph, parseGraph, printGraph, verifyGraph } from "../../src/ir/graph/index.js";
import { verifyKernel } from "../../src/ir/kernel/index.js";
import { lowerGraph } from "../../src/lower/index.js";
import { checkPlan, planGraph } from "../../src/memory/index.js";
import { optimizeGraph, passes } from "../../src/passes/index.js";
import { randomGraph } from "../support/random-graph.js";
import { type RandomRun, randomRun } from "../support/random-graph-run.js";
import { difference, randomPlanDifference } from "./lower-comparison.js";

const first = Number(process.env.FUZZ_SEED ?? 1);
const count = Number(process.env.FUZZ_GRAPHS ?? 120);
const seeds = Array.from({ length: count }, (_, i) => first + i);
const timeout = 600_000 + 200 * count;

function runs(graph: Graph, seed: number): readonly RandomRun[] {
  return [0, 1, 2].map((variant) => randomRun(graph, seed + variant, { special: variant === 1 }));
}

describe.each([...passes.map(({ name }) => name), "all"])("%s", (name) => {
  const chosen = passes.filter((pass) => name === "all" || pass.name === name);

  test("computes the same", { timeout }, () => {
    for (const seed of seeds) {
      const graph = randomGraph(seed, { smooth: true, nodes: 6 + (seed % 40) });
      const { graph: optimized } = optimizeGraph(graph, chosen, { verify: true });
      expect(verifyGraph(optimized), `seed ${seed}`).toEqual([]);
      for (const run of runs(graph, seed)) {
        const [before, after] = [graph, optimized].map((each) => interpret(each, { ...run, precision: "f32" }).outputs);
        const where = `seed ${seed}, ${JSON.stringify(run.sizes)}`;
        expect(difference(after!, before!, 1e-3), where).toBeNull();
      }
    }
  });

  // What one pass makes may be work for another, so that only each alone is at rest.
  if (name !== "all")
    test("is at rest: a second time changes nothing", { timeout }, () => {
      for (const seed of seeds) {
        const { graph } = optimizeGraph(randomGraph(seed, { nodes: 30 }), chosen);
        const again = optimizeGraph(graph, chosen).graph;
        expect(printGraph(again), `seed ${seed}`).toBe(printGraph(graph));
        const text = printGraph(graph);
        expect(printGraph(parseGraph(new SourceFile("text", text)))).toBe(text);
      }
    });
});

describe.each([true, false])("fused kernels, smooth: %s", (smooth) => {
  const fusion = passes.filter(({ name }) => smooth || name === "fusion");

  test("compute what the interpreter does", { timeout }, () => {
    for (const seed of seeds) {
      const graph = randomGraph(seed, { smooth, nodes: 6 + (seed % 40) });
      const plan = planGraph(lowerGraph(optimizeGraph(graph, fusion).graph));
      for (const kernel of plan.kernels) expect(verifyKernel(kernel), `seed ${seed}`).toEqual([]);
      for (const run of runs(graph, seed).slice(0, smooth ? 3 : 2)) {
        const where = `seed ${seed}, ${JSON.stringify(run.sizes)}`;
        expect(
          checkPlan(plan, (variable) => run.sizes[variable.name]!),
          where,
        ).toEqual([]);
        expect(randomPlanDifference(graph, plan, run), where).toBeNull();
      }
    }
  });
});
