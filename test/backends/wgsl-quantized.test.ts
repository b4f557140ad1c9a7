/** Weights held as words of whole numbers on WebGPU: what its shaders compute of them is what the interpreter computes. */
import { describe, expect, test } from "vitest";
import { givenTensor } from "../../src/driver/inputs.js";
import { moduleRunner } from "../../src/driver/module-runner.js";
import { Compilation } from "../../src/driver/pipeline.js";
import { runEntries } from "../../src/driver/run.js";
import { interpreterRunner, type Runner } from "../../src/driver/targets.js";
import { lacksDevice } from "../../src/driver/webgpu.js";
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

describe.runIf((await lacksDevice()) === null)("weights on WebGPU", { timeout: 120_000 }, () => {
  test.each(["int8", "int4", "f16", "bf16"] as const)("in %s", async (weights) => {
    const compilation = new Compilation({ files: memoryFiles(), path: "m.trafo", text, weights, target: "wgsl" });
    const held = readWeights(compilation.program.entries, randomWeights(4));
    const graphs = compilation.get("optimize").entries;
    const wanted = await outputsOf(interpreterRunner(graphs, held, "f32"), compilation);
    const found = await outputsOf(await moduleRunner("wgsl", compilation, held), compilation);
    for (const [name, { data }] of wanted) {
      const errors = Array.from(data, (value, at) => Math.abs(value - found.get(name)!.data[at]!));
      const largest = Math.max(...Array.from(data, Math.abs));
      expect(Math.max(...errors) / largest, name).toBeLessThan(1e-4);
    }
    const { javascript } = await compilation.get("emit");
    if (weights === "int8" || weights === "int4") expect(javascript).toContain("extractBits(");
  });
});
