/**
 * Random graphs as ONNX models: onnxruntime gives what the interpreter does, for sizes from 0 on, also where numbers are
 * NaN, infinite or large.
 *
 * FUZZ_GRAPHS sets how many, FUZZ_SEED the first seed; a failure names its seed. The first 500 agree; beyond, a few meet
 * mistakes of onnxruntime 1.30 itself on tensors without elements (seed 525: its fused product of an empty batch).
 */
import { describe, expect, test } from "vitest";
import { interpret } from "../../src/interpreter/graph.js";
import type { Tensor } from "../../src/interpreter/tensor.js";
import type { Graph } from "../../src/ir/graph/index.js";
import { variablesOf } from "../../src/sizes/index.js";
import { noRuntime, runModel } from "../backends/onnx-support.js";
import { randomGraph } from "../support/random-graph.js";
import { randomRun } from "../support/random-graph-run.js";
import { difference } from "./lower-comparison.js";

const first = Number(process.env.FUZZ_SEED ?? 1);
const count = Number(process.env.FUZZ_GRAPHS ?? 60);
const seeds = Array.from({ length: count }, (_, i) => first + i);
const timeout = 600_000 + 500 * count;

/** The graph without outputs that depend on a size which no input shows. */
function shown(graph: Graph): boolean {
  const inputs = graph.nodes.flatMap((node, id) => (node.operator === "input" ? [graph.types[id]!] : []));
  const known = new Set(inputs.flatMap(({ shape }) => shape.flatMap((each) => variablesOf(each))));
  return graph.types.every(({ shape }) => shape.every((each) => variablesOf(each).every((of) => known.has(of))));
}

/** Whether a sum of products is computed by factors, which differs where a number is not finite: 0 * NaN is no 0. */
function hasFactors({ nodes }: Graph): boolean {
  return nodes.some(({ operator, attributes }) => {
    if (operator !== "einsum") return false;
    const { inputs, output } = attributes;
    const alone = inputs
      .flat()
      .some((label, _, all) => all.filter((each) => each === label).length === 1 && !output.includes(label));
    return inputs.length > 2 || alone;
  });
}

describe.runIf(noRuntime === null)("random graphs", () => {
  test.each([false, true])("special numbers: %s", { timeout }, async (special) => {
    let compared = 0;
    for (const seed of seeds) {
      const graph = randomGraph(seed, { smooth: true, nodes: 6 + (seed % 30), elements: ["i32", "bool"] });
      if (!shown(graph)) continue;
      const run = randomRun(graph, seed, { special });
      const where = `seed ${seed}, ${JSON.stringify(run.sizes)}`;
      let finite = true;
      const trace = (_: number, { data }: Tensor) => {
        finite &&= data.every(Number.isFinite);
      };
      const expected = interpret(graph, { ...run, precision: "f32", trace }).outputs;
      if (!finite && hasFactors(graph)) continue;
      const found = await runModel(graph, run).catch((error: unknown) => expect.fail(`${where}: ${error}`));
      expect(difference(found, expected, 1e-3), where).toBeNull();
      compared++;
    }
    expect(compared).toBeGreaterThan(seeds.length / 2);
  });
});
