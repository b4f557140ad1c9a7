/** Weights held as words of whole numbers on WebGPU: what its shaders compute of them is what the interpreter computes. */
import { describe, expect, test } from "vitest";
import { givenTensor } from "../../src/driver/inputs.js";
import { moduleRunner } from "../../src/driver/module-runner.js";
import { Compilation } from "../../src/driver/pipeline.js";
import { runEntries } from "../../src/driver/run.js";
import { interpreterRunner, type Runner } from "../../src/driver/targets.js";
import { lacksDevice, sharedDevice } from "../../src/driver/webgpu.js";
import type { WeightsFormat } from "../../src/passes/index.js";
import { memoryFiles } from "../../src/runtime/files.js";
import type { Tensor } from "../../src/runtime/host/tensors.js";
import { randomWeights, readWeights } from "../../src/runtime/weights.js";

const text = `model M() {
  param table: [37, 64]
  param w: [64, 40]
  param back: [56, 40]
  entry forward(ids: i32[B, T]) -> (y: [B, T, 56], z: [B, T, 37]) {
    let x = table[ids]
    (tanh(x @ w) @ back.T, x @ table.T)
  }
}
`;
const ids: Tensor = { data: Int32Array.of(0, 36, 5, 17, 5, 1), shape: [2, 3], type: "i32" };

async function outputsOf(runner: Runner, compilation: Compilation): Promise<Map<string, Tensor>> {
  const runs = await runEntries(runner, compilation.program, new Map([["ids", givenTensor(ids, "ids")]]));
  runner.dispose();
  return new Map(runs.flatMap(({ outputs }) => [...outputs]));
}

function compiled(program: string, weights: WeightsFormat): Compilation {
  return new Compilation({ files: memoryFiles(), path: "m.trafo", text: program, weights, target: "wgsl" });
}

describe.runIf((await lacksDevice()) === null)("weights on WebGPU", () => {
  test.each(["int8", "int4", "f16", "bf16"] as const)("in %s", async (weights) => {
    const compilation = compiled(text, weights);
    const held = readWeights(compilation.program.entries, randomWeights(4));
    const graphs = compilation.get("optimize").entries;
    const wanted = await outputsOf(interpreterRunner(graphs, held, "f32"), compilation);
    const found = await outputsOf(await moduleRunner("wgsl", compilation, held), compilation);
    for (const [name, { data }] of wanted) {
      const errors = Array.from(data, (value, at) => Math.abs(value - found.get(name)!.data[at]!));
      const largest = Math.max(...Array.from(data, Math.abs));
      expect(Math.max(...errors) / largest, name).toBeLessThan(1e-4);
    }
  });

  test.each([
    ["int8", 1],
    ["int4", 0.5],
    ["f16", 2],
    ["bf16", 2],
  ] as const)("in %s take %d bytes each, and scales", async (weights, bytes) => {
    const program = `model M() {
  param w: [256, 192]
  param back: [101, 192]
  entry forward(x: [T, 256]) -> (y: [T, 101]) { x @ w @ back.T }
}
`;
    const count = 256 * 192 + 101 * 192;
    const compilation = compiled(program, weights);
    const device = await sharedDevice();
    const live = new Map<GPUBuffer, number>();
    const { createBuffer } = device;
    device.createBuffer = (descriptor) => {
      const buffer = createBuffer.call(device, descriptor);
      live.set(buffer, descriptor.size);
      const { destroy } = buffer;
      buffer.destroy = () => {
        live.delete(buffer);
        return destroy.call(buffer);
      };
      return buffer;
    };
    try {
      const held = readWeights(compilation.program.entries, randomWeights(4));
      const runner = await moduleRunner("wgsl", compilation, held);
      const total = [...live.values()].reduce((sum, each) => sum + each, 0);
      // A scale for each column, or for 32 numbers.
      const scales = weights === "int4" ? (4 * count) / 32 : weights === "bf16" ? 0 : 4 * (192 + 101);
      expect(total).toBeGreaterThanOrEqual(bytes * count);
      expect(total).toBeLessThanOrEqual(bytes * count + scales + 64);
      runner.dispose();
    } finally {
      device.createBuffer = createBuffer;
    }
  });

  // Odd numbers of elements share words with nothing; each is written by an invocation of its own.
  test.each(["f16", "bf16"] as const)("in %s are what they are, whatever numbers they are", async (weights) => {
    const odd = [0, -0, 65504, 65519, -1e30, 6e-8, -1e-7, 5.9e-5, -6.2e-5, 1 + 2 ** -9, 1 + 2 ** -11, -3.25];
    for (const width of [17, 20, 33]) {
      const program = `model M() {\n  param w: [19, ${width}]\n  entry forward(ids: i32[T]) -> (y: [T, ${width}]) { w[ids] }\n}\n`;
      const compilation = compiled(program, weights);
      const data = Float32Array.from(
        { length: 19 * width },
        (_, at) => odd[at % odd.length]! * (at % 3 === 0 ? 1 : 0.5),
      );
      const held = new Map<string, Tensor>([["w", { data, shape: [19, width], type: "f32" }]]);
      const rows: Tensor = { data: Int32Array.from({ length: 19 }, (_, at) => 18 - at), shape: [19], type: "i32" };
      const given = new Map([["ids", givenTensor(rows, "ids")]]);
      const outputOf = async (runner: Runner) => {
        const [run] = await runEntries(runner, compilation.program, given);
        runner.dispose();
        return run!.outputs.get("y")!.data;
      };
      const graphs = compilation.get("optimize").entries;
      const wanted = await outputOf(interpreterRunner(graphs, held, "f32"));
      const found = await outputOf(await moduleRunner("wgsl", compilation, held));
      for (const [at, value] of wanted.entries()) {
        // A device may take the smallest numbers of f16 for 0.
        const error = Math.abs(found[at]! - value);
        expect(error, `${at} of ${width}: ${found[at]} for ${value}`).toBeLessThanOrEqual(
          Math.max(2 ** -14, 1e-6 * Math.abs(value)),
        );
      }
    }
  });
});
