/** Rows whose lanes meet in subgroups, where a device has them, and in memory that lanes share where it has not. */
import { describe, expect, it } from "vitest";
import { emitWgsl } from "../../backends/wgsl/index.js";
import { Compilation } from "../../src/driver/pipeline.js";
import { interpret } from "../../src/interpreter/graph.js";
import type { Graph } from "../../src/ir/graph/index.js";
import type { Plan } from "../../src/ir/plan/index.js";
import { memoryFiles } from "../../src/runtime/files.js";
import { wgslPolicy } from "../../src/schedule/index.js";
import { difference } from "../fuzz/lower-comparison.js";
import { randomRun } from "../support/random-graph-run.js";
import { fromTensor, importText, type LoadedModel, toTensor, weightsOf } from "./typescript-support.js";
import {
  adapterFlag,
  limitedDevice,
  nullDevice,
  softwareDevice,
  softwareDrivers,
  variantPlans,
  wgslPlan,
} from "./wgsl-support.js";

const text = `model M() {
  entry run(x: [B, N], i: i32[B, N]) -> (soft: [B, N], norm: [B, N], top: [B], least: [B], count: i32[B]) {
    let m = x - mean(x)
    (softmax(x), m / sqrt(mean(m * m) + 0.001), max(x, axis=-1, keep=false), min(x * 2, axis=-1, keep=false), sum(i, axis=-1, keep=false))
  }
}
`;

function graphOf(text: string): Graph {
  return new Compilation({ files: memoryFiles(), path: "m.trafo", text }).get("optimize").entries[0]!;
}

const graph = graphOf(text);

async function loaded(plan: Plan, device: GPUDevice): Promise<{ code: string; model: LoadedModel }> {
  const { javascript } = emitWgsl({ name: "m", plans: [plan] });
  const { load } = await importText(javascript);
  return { code: javascript, model: await load({ weights: new Map(weightsOf(graph, randomRun(graph, 1))), device }) };
}

async function differences(model: LoadedModel, lengths: readonly number[]): Promise<readonly (string | null)[]> {
  const found: (string | null)[] = [];
  for (const N of lengths) {
    const run = randomRun(graph, N, { sizes: { B: 3, N }, special: false });
    const inputs = Object.fromEntries([...run.inputs].map(([name, tensor]) => [name, toTensor(tensor)]));
    const outputs = await model.run!(inputs);
    const actual = Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, fromTensor(tensor)]));
    found.push(difference(actual, interpret(graph, { ...run, precision: "f64" }).outputs, 1e-4));
  }
  return found;
}

const lengths = [1, 2, 7, 63, 64, 65, 127, 1000];
const none = lengths.map(() => null);

describe("rows in subgroups", () => {
  // Workgroups of one lane more than subgroups hold, of a part of one, and of several.
  it.each([2, 9, 64, 100])("of %s lanes are valid", async (rowLanes) => {
    const plan = variantPlans(wgslPlan(graph, { ...wgslPolicy, rowLanes })).get("subgroups")!;
    const { code, model } = await loaded(plan, await nullDevice());
    expect(code).toContain("enable subgroups;");
    model.dispose();
  });

  it.runIf(softwareDrivers.length > 0).each(softwareDrivers)(
    "give what the interpreter gives on %s",
    async (driver) => {
      const device = await softwareDevice(driver);
      expect(device.features.has("subgroups" as never)).toBe(true);
      for (const rowLanes of [9, 64, 100]) {
        const plan = variantPlans(wgslPlan(graph, { ...wgslPolicy, rowLanes })).get("subgroups")!;
        const { model } = await loaded(plan, device);
        expect(await differences(model, lengths), `${rowLanes} lanes`).toEqual(none);
        model.dispose();
      }
    },
  );

  it.runIf(softwareDrivers.length > 0).each(softwareDrivers)("are left out on %s without them", async (driver) => {
    const device = await limitedDevice(adapterFlag(driver));
    expect(device.features.has("subgroups" as never)).toBe(false);
    const plan = wgslPlan(graph);
    const { model } = await loaded(plan, device);
    expect(await differences(model, lengths)).toEqual(none);
    model.dispose();
    const forced = variantPlans(plan).get("subgroups")!;
    await expect(loaded(forced, device)).rejects.toThrow(/needs the feature subgroups, .*requiredFeatures/);
    device.destroy();
  });
});
