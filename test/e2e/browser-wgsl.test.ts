/**
 * Models compiled for WebGPU in a real browser, on its own SwiftShader, from a page that is served on loopback: compared
 * with PyTorch's values. Left out where there is no Chromium, or where it has no WebGPU.
 */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { type Case, readCases } from "../../src/driver/cases.js";
import { compareTensors } from "../../src/driver/compare.js";
import { Compilation } from "../../src/driver/pipeline.js";
import { canRun, runEntries } from "../../src/driver/run.js";
import { nodeFiles } from "../../src/node.js";
import { Checkpoint } from "../../src/runtime/checkpoint.js";
import type { Tensor } from "../../src/runtime/host/tensors.js";
import { browser, inBrowser, webGpuFlags } from "../support/browser.js";

const models = ["gpt2", "bert", "vaswani", "llama", "t5", "minilm"];
const files = nodeFiles();

const page = '<!doctype html><meta charset="utf-8"><script type="module" src="/main.js"></script>';
const main = `
const answers = [];
let failure = null;
try {
  if ((await navigator.gpu?.requestAdapter()) == null) failure = "no adapter";
  else for (const { model, entry, inputs } of await (await fetch("/runs.json")).json()) {
    const { load } = await import("/" + model + ".js");
    const loaded = await load({ weights: new URL("/" + model + ".safetensors", location.href) });
    const outputs = await loaded[entry](inputs);
    answers.push(Object.fromEntries(Object.entries(outputs).map(([name, { data, shape }]) => [name, { data: [...data], shape }])));
    loaded.dispose();
  }
} catch (error) {
  failure = String(error) + (error.stack ?? "");
}
await fetch("/result", { method: "POST", body: JSON.stringify({ answers, failure }) });
`;

interface Run {
  readonly model: string;
  readonly entry: string;
  readonly inputs: Readonly<Record<string, { readonly data: readonly number[]; readonly shape: readonly number[] }>>;
}

it.skipIf(!browser)("models run in a browser on WebGPU and agree with PyTorch", async ({ skip }) => {
  const served: Record<string, { type: string; body: string | Uint8Array }> = {
    "/": { type: "text/html", body: page },
    "/main.js": { type: "text/javascript", body: main },
  };
  const runs: Run[] = [];
  const expected: { model: string; outputs: ReadonlyMap<string, Tensor> }[] = [];
  for (const model of models) {
    const folder = `examples/${model}`;
    const checkpoint = Checkpoint.open(files, `${folder}/checkpoint`);
    const compilation = new Compilation({ files, path: `${folder}/${model}.trafo`, checkpoint, target: "wgsl" });
    served[`/${model}.js`] = { type: "text/javascript", body: (await compilation.get("emit")).javascript };
    const weights = readFileSync(`${folder}/checkpoint/model.safetensors`);
    served[`/${model}.safetensors`] = { type: "application/octet-stream", body: weights };
    const [first] = readCases(files, `${folder}/checkpoint/io.safetensors`) as [Case];
    const program = compilation.get("graph");
    // Each entry gets what a run would feed it: what an earlier one gave, where it takes that.
    const recorder = {
      run: async (entry: string, { inputs }: { readonly inputs: ReadonlyMap<string, Tensor> }) => {
        const plain = [...inputs].map(([name, { data, shape }]) => [name, { data: [...data], shape }]);
        runs.push({ model, entry, inputs: Object.fromEntries(plain) });
        expected.push({ model, outputs: first.outputs });
        const graph = program.entries.find(({ name }) => name === entry)!;
        return new Map(
          graph.outputs.flatMap(({ name }) => (first.outputs.has(name) ? [[name, first.outputs.get(name)!]] : [])),
        );
      },
      dispose: () => {},
    };
    expect(program.entries.some((entry) => canRun(entry, first.inputs))).toBe(true);
    await runEntries(recorder, program, first.inputs);
  }
  served["/runs.json"] = { type: "application/json", body: JSON.stringify(runs) };
  const { answers, failure } = JSON.parse(await inBrowser(served, webGpuFlags));
  if (failure === "no adapter" && !process.env.CI) skip("the browser has no adapter for WebGPU");
  expect(failure).toBeNull();
  expect(answers).toHaveLength(runs.length);
  let compared = 0;
  for (const [at, answer] of answers.entries()) {
    for (const [name, { data, shape }] of Object.entries<{ data: number[]; shape: number[] }>(answer)) {
      const wanted = expected[at]!.outputs.get(name);
      if (wanted === undefined) continue;
      const { passed, absolute } = compareTensors({ data: Float32Array.from(data), shape, type: "f32" }, wanted, 1e-4);
      expect({ model: expected[at]!.model, name, passed }, `differs by ${absolute}`).toMatchObject({ passed: true });
      compared++;
    }
  }
  expect(compared).toBeGreaterThanOrEqual(models.length);
});
