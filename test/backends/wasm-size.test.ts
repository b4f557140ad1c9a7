/** What is sent of the examples for WebAssembly, at their published sizes: one file, compressed as servers do. */
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { nodeFiles } from "../../src/driver/node-files.js";
import { Compilation } from "../../src/driver/pipeline.js";

const target = 40_000;

/** The encoder-decoders are above the target: six kernels of attention and two tiles of each product are too many. */
const limits: Readonly<Record<string, number>> = {
  gpt2: target,
  bert: target,
  llama: target,
  t5: 45_000,
  vaswani: 48_500,
};

test.each(Object.entries(limits))("%s", { timeout: 60_000 }, async (name, limit) => {
  const compilation = new Compilation({ files: nodeFiles(), path: `examples/${name}/${name}.trafo`, target: "wasm" });
  const { javascript } = await compilation.get("emit");
  expect(gzipSync(javascript, { level: 9 }).length).toBeLessThanOrEqual(limit);
});

test("96 layers take little more than 12", { timeout: 60_000 }, async () => {
  const sizeOf = async (layers: number): Promise<number> => {
    const path = "examples/gpt2/gpt2.trafo";
    const settings = new Map([["layers", layers]]);
    const compilation = new Compilation({ files: nodeFiles(), path, target: "wasm", settings });
    return (await compilation.get("emit")).javascript.length;
  };
  expect((await sizeOf(96)) / (await sizeOf(12))).toBeLessThan(1.15);
});
