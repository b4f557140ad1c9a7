/** The example models on WebGPU, on Vulkan drivers that run on the CPU, against PyTorch's values. */
import { describe, expect, it } from "vitest";
import { readCases } from "../../src/driver/cases.js";
import { compareTensors } from "../../src/driver/compare.js";
import { Compilation } from "../../src/driver/pipeline.js";
import { canRun, runEntries } from "../../src/driver/run.js";
import type { Runner } from "../../src/driver/targets.js";
import { nodeFiles } from "../../src/node.js";
import { Checkpoint } from "../../src/runtime/checkpoint.js";
import { importText, type LoadedModel } from "./typescript-support.js";
import { softwareDevice, softwareDrivers } from "./wgsl-support.js";

const examples = ["gpt2", "bert", "llama", "minilm", "t5", "vaswani"];
const files = nodeFiles();

function compilationOf(name: string): Compilation {
  const folder = `examples/${name}`;
  const checkpoint = Checkpoint.open(files, `${folder}/checkpoint`);
  return new Compilation({ files, path: `${folder}/${name}.trafo`, checkpoint, target: "wgsl" });
}

async function loadOn(device: GPUDevice, name: string, compilation: Compilation): Promise<LoadedModel> {
  const { load } = await importText((await compilation.get("emit")).javascript);
  return load({ weights: `examples/${name}/checkpoint/model.safetensors`, device });
}

function runnerOf(model: LoadedModel): Runner {
  return {
    run: async (entry, { inputs }) => new Map(Object.entries(await model[entry]!(Object.fromEntries(inputs)))),
    dispose: () => model.dispose(),
  };
}

describe.each(examples)("%s", (name) => {
  const compilation = compilationOf(name);
  const cases = readCases(files, `examples/${name}/checkpoint/io.safetensors`);

  it.runIf(softwareDrivers.length > 0).each(softwareDrivers)("computes on %s what PyTorch does", async (driver) => {
    const model = await loadOn(await softwareDevice(driver), name, compilation);
    let compared = 0;
    for (const { inputs, outputs } of cases) {
      if (!compilation.get("graph").entries.some((entry) => canRun(entry, inputs))) continue;
      const runs = await runEntries(runnerOf(model), compilation.get("graph"), inputs);
      for (const [output, tensor] of runs.flatMap((run) => [...run.outputs])) {
        const expected = outputs.get(output);
        if (expected === undefined) continue;
        compared++;
        const { passed, absolute } = compareTensors(tensor, expected, 1e-4);
        expect({ output, passed }, `differs by ${absolute}`).toEqual({ output, passed: true });
      }
    }
    expect(compared).toBeGreaterThan(2);
    model.dispose();
  });
});
