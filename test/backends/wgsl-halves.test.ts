/**
 * Programs computed in f16 on WebGPU: what lies between kernels and large weights in two bytes, products of them as such.
 *
 * Examples are held to PyTorch's values in f32, random programs to their own narrowed kernels, interpreted: those round where
 * shaders do, but that WGSL leaves to devices in which direction, and they add up in another order.
 */
import { describe, expect, it } from "vitest";
import { emitWgsl } from "../../backends/wgsl/index.js";
import { backends } from "../../src/driver/backends.js";
import { readCases } from "../../src/driver/cases.js";
import { Compilation } from "../../src/driver/pipeline.js";
import { withPrecision } from "../../src/driver/precision.js";
import { roundedDifference } from "../../src/driver/rounded-weights.js";
import { canRun, runEntries } from "../../src/driver/run.js";
import { interpretPlan } from "../../src/interpreter/kernel-plan.js";
import type { Graph } from "../../src/ir/graph/index.js";
import { kernelsOf, printKernel, verifyKernel } from "../../src/ir/kernel/index.js";
import type { Plan } from "../../src/ir/plan/index.js";
import { lowerGraph } from "../../src/lower/index.js";
import { planGraph } from "../../src/memory/index.js";
import { nodeFiles } from "../../src/node.js";
import { Checkpoint } from "../../src/runtime/checkpoint.js";
import { memoryFiles } from "../../src/runtime/files.js";
import { randomGraph } from "../support/random-graph.js";
import { randomRun } from "../support/random-graph-run.js";
import { fromTensor, importText, toTensor, weightsOf } from "./typescript-support.js";
import {
  adapterFlag,
  limitedDevice,
  nullDevice,
  softwareDevice,
  softwareDrivers,
  variantPlans,
} from "./wgsl-support.js";

const files = nodeFiles();
const halves = withPrecision(backends.wgsl, "f16");

function planOf(graph: Graph): Plan {
  return planGraph(halves.scheduler(undefined)(lowerGraph(graph)), halves.planning);
}

function graphOf(text: string): Graph {
  return new Compilation({ files: memoryFiles(), path: "m.trafo", text }).get("optimize").entries[0]!;
}

/** The root mean square of the errors over that of the values, of outputs of f32. */
function deviation(actual: Readonly<Record<string, ArrayLike<number>>>, expected: typeof actual): number {
  let [errors, squares] = [0, 0];
  for (const [name, values] of Object.entries(expected)) {
    for (let i = 0; i < values.length; i++) {
      errors += (actual[name]![i]! - values[i]!) ** 2;
      squares += values[i]! ** 2;
    }
  }
  return errors === 0 ? 0 : Math.sqrt(errors / squares);
}

const numbersOf = (of: Readonly<Record<string, { data: ArrayLike<number> }>>) =>
  Object.fromEntries(Object.entries(of).map(([name, { data }]) => [name, data]));

/** What the kernels of a plan give, interpreted. */
function interpretedBy(plan: Plan, graph: Graph, run: ReturnType<typeof randomRun>) {
  const buffers = plan.buffers.map((each) => (each.place.kind === "arena" ? each : { ...each, name: each.place.name }));
  const weights = (name: string) => {
    const node = graph.nodes.find((each) => each.operator === "weight" && each.attributes.name === name)!;
    if (node.operator !== "weight") throw new Error(`${name} is no weight`);
    return run.weights(name, node.attributes);
  };
  return numbersOf(interpretPlan({ ...plan, buffers }, { inputs: run.inputs, weights, precision: "f32" }));
}

const layer = `model M() {
  param w: [96, 64] as "w"
  param v: [64, 80] as "v"
  entry run(x: [B, T, 96]) -> (y: [B, T, 80]) { maximum(x @ w, 0) @ v }
}
`;

describe("kernels in f16", () => {
  const plan = planOf(graphOf(layer));

  it("keep what lies between them, and large weights, in two bytes, and multiply as such", () => {
    expect(plan.buffers.map(({ element, place }) => `${place.kind} ${element}`).sort()).toEqual([
      "arena f16",
      "input f32",
      "output f32",
      "prepared f16",
      "prepared f16",
      "weight f32",
      "weight f32",
    ]);
    for (const kernel of plan.kernels.flatMap(kernelsOf)) expect(verifyKernel(kernel)).toEqual([]);
    const { javascript } = emitWgsl({ name: "m", plans: [plan], halves: true });
    expect(javascript).toContain("enable f16;");
    expect(javascript).toContain('needs: ["shader-f16"]');
    expect(javascript).toMatch(/array<vec4h>/);
    // The second product has two factors of f16, and is summed in f32.
    expect(plan.kernels.some((kernel) => /\+= f32\(.* \* .*\)/.test(printKernel(kernel)))).toBe(true);
  });

  it("are refused by a device without shader-f16, which is told", async () => {
    const device = await limitedDevice("backend=null");
    const { load } = await importText(emitWgsl({ name: "m", plans: [plan], halves: true }).javascript);
    const weights = new Map(weightsOf(graphOf(layer), randomRun(graphOf(layer), 1)));
    await expect(load({ weights, device })).rejects.toThrow(/needs the feature shader-f16, .*compile without/);
    device.destroy();
  });

  it.runIf(softwareDrivers.includes("lavapipe"))("hold what fits f16, and infinities for what does not", async () => {
    const { load } = await importText(emitWgsl({ name: "m", plans: [plan], halves: true }).javascript);
    const ones = (shape: readonly number[]) => {
      return { data: new Float32Array(shape[0]! * shape[1]!).fill(1), shape, type: "f32" as const };
    };
    const weights = new Map([
      ["w", ones([96, 64])],
      ["v", ones([64, 80])],
    ]);
    const model = await load({ weights, device: await softwareDevice("lavapipe") });
    for (const rows of [1, 5]) {
      const values = async (each: number) => {
        const x = { data: new Float32Array(rows * 96).fill(each), shape: [1, rows, 96], type: "f32" as const };
        return [...(await model.run!({ x })).y!.data];
      };
      expect(new Set(await values(0.5))).toEqual(new Set([48 * 64]));
      expect(new Set(await values(600))).toEqual(new Set([57600 * 64]));
      expect((await values(1000)).some((each) => Number.isFinite(each))).toBe(false);
    }
    model.dispose();
  });
});

it.runIf(softwareDrivers.includes("lavapipe"))("tiles of f16 give what their kernels do, in all variants", async () => {
  const graph = graphOf(layer);
  const device = await softwareDevice("lavapipe");
  const weights = new Map(weightsOf(graph, randomRun(graph, 1)));
  const chosen = variantPlans(planOf(graph));
  expect(chosen.size).toBeGreaterThan(2);
  for (const [variant, plan] of chosen) {
    const { load } = await importText(emitWgsl({ name: "m", plans: [plan], halves: true }).javascript);
    const model = await load({ weights, device });
    for (const T of [0, 1, 5, 17, 67]) {
      const run = randomRun(graph, 1, { sizes: { B: 1, T }, special: false });
      const inputs = Object.fromEntries([...run.inputs].map(([name, tensor]) => [name, toTensor(tensor)]));
      const { y } = await model.run!(inputs);
      const expected = interpretedBy(plan, graph, run);
      expect(deviation({ y: y!.data }, expected), `${variant}, ${T} rows`).toBeLessThan(1e-3);
    }
    model.dispose();
  }
});

describe.each(["gpt2", "bert", "vaswani"])("%s in f16", (name) => {
  const folder = `examples/${name}`;
  const checkpoint = Checkpoint.open(files, `${folder}/checkpoint`);
  const compilation = new Compilation({
    files,
    path: `${folder}/${name}.trafo`,
    checkpoint,
    target: "wgsl",
    precision: "f16",
  });
  const cases = readCases(files, `${folder}/checkpoint/io.safetensors`);

  it("is valid: shaders, pipelines, bindings", async () => {
    const device = await nullDevice();
    const { load } = await importText((await compilation.get("emit")).javascript);
    const model = await load({ weights: `${folder}/checkpoint/model.safetensors`, device });
    model.dispose();
    device.destroy();
  });

  it.runIf(softwareDrivers.includes("lavapipe"))("deviates from PyTorch's f32 by at most a hundredth", async () => {
    const { load } = await importText((await compilation.get("emit")).javascript);
    const device = await softwareDevice("lavapipe");
    const model = await load({ weights: `${folder}/checkpoint/model.safetensors`, device });
    const runner = {
      run: async (entry: string, { inputs }: { inputs: ReadonlyMap<string, unknown> }) =>
        new Map(Object.entries(await model[entry]!(Object.fromEntries(inputs) as never))),
      dispose: () => {},
    };
    let compared = 0;
    for (const { inputs, outputs } of cases) {
      if (!compilation.get("graph").entries.some((entry) => canRun(entry, inputs))) continue;
      for (const run of await runEntries(runner as never, compilation.get("graph"), inputs)) {
        for (const [output, tensor] of run.outputs) {
          const expected = outputs.get(output);
          if (expected === undefined) continue;
          compared++;
          expect(roundedDifference(tensor, expected).deviation, output).toBeLessThan(1e-2);
        }
      }
    }
    expect(compared).toBeGreaterThan(2);
    model.dispose();
  });

  it.runIf(softwareDrivers.includes("swiftshader"))("is refused on SwiftShader, which has no f16", async () => {
    const { load } = await importText((await compilation.get("emit")).javascript);
    const device = await limitedDevice(adapterFlag("swiftshader"));
    const weights = `${folder}/checkpoint/model.safetensors`;
    await expect(load({ weights, device })).rejects.toThrow("needs the feature shader-f16");
    device.destroy();
  });
});

it("random programs in f16 are valid, and give on lavapipe what their kernels do", async () => {
  const [nulls, device] = [
    await nullDevice(),
    softwareDrivers.includes("lavapipe") ? await softwareDevice("lavapipe") : null,
  ];
  let compared = 0;
  for (let seed = 1; seed <= 12; seed++) {
    const graph = randomGraph(seed, { smooth: true, step: 1, nodes: 6 + (seed % 20), elements: ["i32", "bool"] });
    const plan = planOf(graph);
    for (const kernel of plan.kernels.flatMap(kernelsOf)) expect(verifyKernel(kernel), `seed ${seed}`).toEqual([]);
    for (const [variant, chosen] of variantPlans(plan)) {
      const { load } = await importText(emitWgsl({ name: "m", plans: [chosen], halves: true }).javascript);
      const run = randomRun(graph, seed, { special: false });
      const weights = new Map(weightsOf(graph, run));
      (await load({ weights, device: nulls })).dispose();
      if (device === null) continue;
      const model = await load({ weights, device });
      const inputs = Object.fromEntries([...run.inputs].map(([name, tensor]) => [name, toTensor(tensor)]));
      const outputs = await model[graph.name]!(inputs).catch(() => null);
      model.dispose();
      if (outputs === null) continue;
      const actual = Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, fromTensor(tensor)]));
      expect(deviation(numbersOf(actual), interpretedBy(chosen, graph, run)), `seed ${seed}, ${variant}`).toBeLessThan(
        2e-3,
      );
      compared++;
    }
  }
  expect(compared).toBeGreaterThan(device === null ? -1 : 5);
});
