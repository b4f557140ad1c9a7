/**
 * Shaders stay in the bounds of their buffers by themselves: on devices that check no access (Dawn's disable_robustness) they
 * give bit for bit what they give where accesses are clamped, and do not crash.
 */
import { expect, it } from "vitest";
import { emitWgsl } from "../../backends/wgsl/index.js";
import { Compilation } from "../../src/driver/pipeline.js";
import type { Graph } from "../../src/ir/graph/index.js";
import { nodeFiles } from "../../src/node.js";
import { randomGraph } from "../support/random-graph.js";
import { randomRun } from "../support/random-graph-run.js";
import { importText, toTensor, weightsOf } from "./typescript-support.js";
import { softwareDevice, softwareDrivers, uncheckedDevice, wgslPlan } from "./wgsl-support.js";

async function outputsOn(
  device: GPUDevice,
  graph: Graph,
  javascript: string,
  runs: readonly ReturnType<typeof randomRun>[],
): Promise<readonly unknown[]> {
  const { load } = await importText(javascript);
  const model = await load({ weights: new Map(weightsOf(graph, runs[0]!)), device });
  const found: unknown[] = [];
  for (const run of runs) {
    const inputs = Object.fromEntries([...run.inputs].map(([name, tensor]) => [name, toTensor(tensor)]));
    // What is refused has no outputs on either.
    const outputs = await model[graph.name]!(inputs).catch((error: Error) => ({ refused: error.message }));
    found.push(outputs);
  }
  model.dispose();
  return found;
}

async function expectSame(
  driver: (typeof softwareDrivers)[number],
  graph: Graph,
  sizes: readonly Record<string, number>[],
) {
  const { javascript } = emitWgsl({ name: "m", plans: [wgslPlan(graph)] });
  const runs = sizes.map((given, seed) => randomRun(graph, seed + 1, { sizes: given, special: false }));
  const checked = await outputsOn(await softwareDevice(driver), graph, javascript, runs);
  const unchecked = await outputsOn(await uncheckedDevice(driver), graph, javascript, runs);
  expect(unchecked).toEqual(checked);
}

it.runIf(softwareDrivers.length > 0).each(softwareDrivers)("random programs on %s", async (driver) => {
  for (let seed = 101; seed <= 110; seed++) {
    const graph = randomGraph(seed, { smooth: true, step: 1, nodes: 6 + (seed % 30) });
    await expectSame(driver, graph, [{}, { B: 1, T: 1 }, { B: 2, T: 5 }]);
  }
});

it.runIf(softwareDrivers.length > 0).each(softwareDrivers)("a layer of GPT-2 on %s", async (driver) => {
  const settings = new Map<string, number>([
    ["layers", 1],
    ["width", 192],
    ["heads", 3],
    ["vocab", 1001],
    ["context", 160],
  ]);
  const request = { files: nodeFiles(), path: "examples/gpt2/gpt2.trafo", settings, entries: ["forward"] };
  const graph = new Compilation(request).get("optimize").entries[0]!;
  await expectSame(driver, graph, [
    { B: 1, T: 1 },
    { B: 2, T: 17 },
    { B: 1, T: 131 },
  ]);
});
