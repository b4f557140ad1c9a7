/** The limits of devices: what does not fit is bound in parts, or refused with an error that names the limit. */
import { describe, expect, it } from "vitest";
import { emitWgsl } from "../../backends/wgsl/index.js";
import { namedTensors } from "../../src/driver/module-runner.js";
import { Compilation } from "../../src/driver/pipeline.js";
import { interpret } from "../../src/interpreter/graph.js";
import type { Graph } from "../../src/ir/graph/index.js";
import { nodeFiles } from "../../src/node.js";
import { Checkpoint, readConfig } from "../../src/runtime/checkpoint.js";
import { memoryFiles, readText } from "../../src/runtime/files.js";
import type { Tensor } from "../../src/runtime/host/tensors.js";
import { randomWeights, readWeights } from "../../src/runtime/weights.js";
import { difference } from "../fuzz/lower-comparison.js";
import type { DecodingModel } from "../support/decoding-module.js";
import { randomRun } from "../support/random-graph-run.js";
import { fromTensor, importText, type LoadedModel, toTensor, weightsOf } from "./typescript-support.js";
import { adapterFlag, limitedDevice, softwareDrivers, wgslPlan } from "./wgsl-support.js";

const flags = ["backend=null", ...softwareDrivers.map(adapterFlag)];

function graphOf(text: string): Graph {
  return new Compilation({ files: memoryFiles(), path: "m.trafo", text }).get("optimize").entries[0]!;
}

async function loaded(
  graph: Graph,
  device: GPUDevice,
  weights: ReadonlyMap<string, Tensor>,
  whole?: number,
): Promise<LoadedModel> {
  const { load } = await importText(emitWgsl({ name: "m", plans: [wgslPlan(graph)] }, whole).javascript);
  return load({ weights, device });
}

/** A table that is looked up, and multiplied by: as that of words often is. */
const tied = (words: number, width: number) => `
model M() {
  param table: [${words}, ${width}]
  entry forward(ids: i32[T]) -> (scores: [T, ${words}]) { table[ids] @ table.T }
}
`;

/** Loads go to every part, whose bounds fall within rows. */
it.each(flags)("reads weights in parts on %s", async (flag) => {
  for (const [words, width, bytes] of [
    [97, 13, 1024],
    [64, 64, 4096],
    [5, 3, 256],
    [120, 1, 256],
  ] as const) {
    const graph = graphOf(tied(words, width));
    const device = await limitedDevice(flag, { maxStorageBufferBindingSize: bytes + 255, maxBufferSize: 2 ** 20 });
    const run = randomRun(graph, 3, { sizes: { T: 1 }, special: false });
    const model = await loaded(graph, device, new Map(weightsOf(graph, run)), 0);
    const inputs = Object.fromEntries([...run.inputs].map(([name, tensor]) => [name, toTensor(tensor)]));
    const outputs = await model.forward!(inputs);
    if (flag !== "backend=null") {
      const actual = Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, fromTensor(tensor)]));
      expect(difference(actual, interpret(graph, { ...run, precision: "f64" }).outputs, 1e-4)).toBeNull();
    }
    model.dispose();
    device.destroy();
  }
});

/** A table of GPT-2's size, which the default limits do not bind as a whole: its last row is in the second part. */
it.each(flags.slice(0, 2))("runs the table of GPT-2 within the default limits on %s", async (flag) => {
  const [words, width] = [50257, 768];
  const graph = graphOf(tied(words, width));
  const device = await limitedDevice(flag);
  expect(device.limits.maxStorageBufferBindingSize).toBeLessThan(4 * words * width);
  const data = new Float32Array(words * width);
  for (const [row, value] of [
    [0, 1],
    [43690, 2],
    [43691, 3],
    [words - 1, 5],
  ] as const)
    data.fill(value, row * width, (row + 1) * width);
  const model = await loaded(graph, device, new Map([["table", { data, shape: [words, width], type: "f32" }]]));
  const { scores } = await model.forward!({ ids: [words - 1, 43691] });
  if (flag !== "backend=null") {
    const at = (row: number, word: number) => scores!.data[row * words + word]! / width;
    expect([0, 1, 43690, 43691, words - 1].map((word) => at(0, word))).toEqual([5, 0, 10, 15, 25]);
    expect([0, 1, 43690, 43691, words - 1].map((word) => at(1, word))).toEqual([3, 0, 6, 9, 15]);
  }
  model.dispose();
  device.destroy();
});

/** Keys and values of all layers are of one value, and so of one product, whose weights are joined. */
it("runs decoders of more layers than a shader has buffers", async () => {
  const files = nodeFiles();
  const text = readText(files, "examples/t5/checkpoint/config.json");
  const changed = memoryFiles([["config.json", JSON.stringify({ ...JSON.parse(text), num_decoder_layers: 5 })]]);
  const config = readConfig(changed, "config.json");
  const compilation = new Compilation({ files, path: "examples/t5/t5.trafo", config, target: "wgsl" });
  const { load } = await importText((await compilation.get("emit")).javascript);
  const device = await limitedDevice("backend=null");
  const { entries } = compilation.program;
  const weights = namedTensors(entries, readWeights(entries, randomWeights(1)));
  const model = await load({ weights, device });
  expect((await model.encode!({ input_ids: [[1, 2]] })).encoder!.shape.slice(0, 2)).toEqual([1, 2]);
  model.dispose();
  device.destroy();
});

const product = "model M() {\n  param w: [64, 64]\n  entry forward(x: [T, 64]) -> (y: [T, 64]) { x @ w }\n}\n";

describe("what does not fit is refused, with the limit, the need and the way out", () => {
  const refusal = async (limits: Readonly<Record<string, number>>, rows: number, text = product): Promise<string> => {
    const device = await limitedDevice("backend=null", limits);
    const graph = graphOf(text);
    const weights = new Map([["w", { data: new Float32Array(64 * 64), shape: [64, 64], type: "f32" as const }]]);
    try {
      const model = await loaded(graph, device, weights);
      await model.forward!({ x: { data: new Float32Array(rows * 64), shape: [rows, 64], type: "f32" } });
      return "it ran";
    } catch (error) {
      expect((error as Error).name).toBe("DeviceError");
      return (error as Error).message;
    } finally {
      device.destroy();
    }
  };

  it.each<[string, number, number, RegExp, string?]>([
    ["maxStorageBuffersPerShaderStage", 2, 1, /^the kernel matmul\w* needs 3 buffers, and the device allows 2/],
    [
      "maxComputeInvocationsPerWorkgroup",
      16,
      1,
      /^the kernel matmul\w* needs \d+ invocations, and the device allows 16/,
    ],
    [
      "maxComputeWorkgroupSizeX",
      16,
      1,
      /^the kernel matmul\w* needs \d+ invocations in a row, and the device allows 16/,
    ],
    [
      "maxComputeWorkgroupStorageSize",
      64,
      1,
      /^the kernel softmax\w* needs \d+ shared bytes, and the device allows 64/,
      "model M() {\n  entry forward(x: [T, 64]) -> (y: [T, 64]) { softmax(x) }\n}\n",
    ],
    ["maxStorageBufferBindingSize", 16384, 65, /needs 16640 bytes, and the device allows 16384/],
    ["maxBufferSize", 16384, 65, /needs 16640 bytes, and the device allows 16384/],
    [
      "maxComputeWorkgroupsPerDimension",
      1,
      1000,
      /^the kernel matmul\w* needs \d+ workgroups, and the device allows 1 by 1/,
    ],
  ])("%s", async (limit, value, rows, message, text = product) => {
    const found = await refusal({ [limit]: value }, rows, text);
    expect(found).toMatch(message);
    expect(found).toContain(`(${limit})`);
    expect(found).toMatch(/smaller sizes|compile with --no-fuse/);
  });

  it("weights in few bits that are too large to be written", async () => {
    const compilation = new Compilation({
      files: memoryFiles(),
      path: "m.trafo",
      text: product,
      weights: "f16",
      target: "wgsl",
    });
    const { load } = await importText((await compilation.get("emit")).javascript);
    const device = await limitedDevice("backend=null", { maxStorageBufferBindingSize: 4096 });
    const weights = readWeights(compilation.program.entries, randomWeights(1));
    await expect(load({ weights, device })).rejects.toThrow(
      /^w.f16, which is made of weights, needs 8192 bytes, .* \(maxStorageBufferBindingSize\): give load a device .*, or hold weights in fewer bits, or as f32, which are bound in parts$/,
    );
    device.destroy();
  });

  it("but not what fits, or has a variant that does", async () => {
    expect(await refusal({}, 1000)).toBe("it ran");
    expect(await refusal({ maxComputeWorkgroupStorageSize: 64 }, 1000)).toBe("it ran");
  });
});

/** On a device without 256 invocations tokens are chosen by the host: the same. */
it.runIf(softwareDrivers.length > 0)("generates on a device with the least limits what others do", async () => {
  const files = nodeFiles();
  const checkpoint = Checkpoint.open(files, "examples/gpt2/checkpoint");
  const compilation = new Compilation({ files, path: "examples/gpt2/gpt2.trafo", checkpoint, target: "wgsl" });
  const { load } = await importText((await compilation.get("emit")).javascript);
  const found: number[][] = [];
  for (const limits of [
    {},
    { maxComputeInvocationsPerWorkgroup: 128, maxComputeWorkgroupSizeX: 128 },
    { maxComputeInvocationsPerWorkgroup: 64, maxComputeWorkgroupStorageSize: 1024 },
  ]) {
    const device = await limitedDevice(adapterFlag(softwareDrivers[0]!), limits);
    const loaded: unknown = await load({ weights: "examples/gpt2/checkpoint/model.safetensors", device });
    const model = loaded as DecodingModel;
    const tokens: number[] = [];
    const options = { prompt: [1, 2, 3], maxTokens: 8, temperature: 0.8, seed: 4 };
    for await (const { token } of model.generate(options)) tokens.push(token);
    found.push(tokens);
    model.dispose();
    device.destroy();
  }
  expect(found[0]).toHaveLength(8);
  expect(found).toEqual([found[0], found[0], found[0]]);
});
