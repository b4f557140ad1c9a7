/**
 * GGUF files that the package gguf wrote (test/fixtures/make_gguf.py): values as that package decodes them, names and
 * values as transformers reads them, and logits as transformers computes them from the same file.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { nodeFiles } from "../../src/driver/node-files.js";
import { Checkpoint, run } from "../../src/index.js";
import { TensorFile } from "../../src/runtime/tensor-file.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = join(root, "test/fixtures/gguf");
const files = nodeFiles();
const open = (name: string) => Checkpoint.open(files, join(folder, name));
const expectedIn = (name: string) => new TensorFile(files, join(folder, name));

describe("elements are decoded exactly as the package gguf decodes them", () => {
  const expected = expectedIn("blocks.safetensors");
  test.each([...expected.tensors.keys()])("%s", (name) => {
    const tensor = open("blocks.gguf").read(name, "f32");
    const { data, shape } = expected.read(name, "f32");
    expect(tensor.shape).toEqual(shape);
    expect(new Uint32Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.length)).toEqual(
      new Uint32Array(data.buffer, data.byteOffset, data.length),
    );
  });
});

describe("names and values are those of the published model", () => {
  test.each(["qwen2", "qwen3", "gemma2", "gemma3", "phi3", "gpt2"])("%s", (architecture) => {
    const checkpoint = open(`names-${architecture}.gguf`);
    const expected = expectedIn(`names-${architecture}.safetensors`);
    expect(expected.tensors.size).toBeGreaterThan(12);
    for (const [name, { shape }] of expected.tensors) {
      expect(checkpoint.tensors.get(name)?.shape, name).toEqual(shape);
      const tensor = checkpoint.read(name, "f32");
      expect(tensor.shape, name).toEqual(shape);
      expect(tensor.data, name).toEqual(expected.read(name, "f32").data);
    }
    // Every tensor of the file has a published name.
    const named = new Set([...checkpoint.tensors.values()].map(({ stored }) => stored));
    expect([...checkpoint.tensors].filter(([name, { stored }]) => !stored && !named.has(name))).toEqual([]);
  });
});

describe("logits are those that transformers computes from the same file", () => {
  const expected = expectedIn("llama.safetensors");
  test.each(["f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "k"])("llama-%s.gguf", async (type) => {
    const ids = expected.read(type === "k" ? "k.input_ids" : "input_ids", "i32");
    const { logits } = await run({
      files,
      path: join(root, "examples/llama/llama.trafo"),
      checkpoint: open(`llama-${type}.gguf`),
      inputs: { input_ids: ids },
    });
    const { data, shape } = expected.read(`logits.${type}`, "f32");
    expect(logits?.shape).toEqual(shape);
    const most = data.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    const error = data.reduce((max, value, i) => Math.max(max, Math.abs(value - (logits?.data[i] ?? Number.NaN))), 0);
    expect(error).toBeLessThan(1e-4 * Math.max(1, most));
  });
  test("the types differ by what they round", () => {
    const [exact, ...others] = ["f32", "q8_0", "q4_0"].map((type) => expected.read(`logits.${type}`, "f32").data);
    const errors = others.map((data) => Math.max(...data.map((value, i) => Math.abs(value - exact![i]!))));
    expect(errors[0]).toBeGreaterThan(1e-3);
    expect(errors[1]).toBeGreaterThan(errors[0]!);
  });
});
