/**
 * What is sent of models for WebAssembly, at their published sizes: one file that holds kernels, tables and host code,
 * compressed as servers do.
 */
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { EmittedWasm } from "../../backends/wasm/index.js";
import type { Setting } from "../../dsl/index.js";
import { nodeFiles } from "../../src/driver/node-files.js";
import { Compilation } from "../../src/driver/pipeline.js";

const mostBytes = 40_000;
type Settings = Readonly<Record<string, Setting>>;

async function emitted(name: string, settings: Settings = {}): Promise<EmittedWasm> {
  const path = `examples/${name}/${name}.trafo`;
  const compilation = new Compilation({
    files: nodeFiles(),
    path,
    target: "wasm",
    settings: new Map(Object.entries(settings)),
  });
  return (await compilation.get("emit")) as EmittedWasm;
}

const t5Base = { width: 768, heads: 12, hidden: 3072, layers: 12 };
const t5Gated = { width: 768, heads: 12, hidden: 2048, layers: 12, act: "gated-gelu", tied: false };
const transformerBig = { width: 1024, heads: 16, hidden: 4096 };

test.each<[string, string, Settings]>([
  ["GPT-2 small", "gpt2", {}],
  ["BERT base", "bert", {}],
  ["Llama", "llama", {}],
  ["MiniLM", "minilm", {}],
  ["T5 small", "t5", {}],
  ["T5 base", "t5", t5Base],
  ["T5 1.1 base", "t5", t5Gated],
  ["the Transformer of 2017", "vaswani", {}],
  ["its big configuration", "vaswani", transformerBig],
])("%s takes at most 40 KB", async (_, name, settings) => {
  const { javascript } = await emitted(name, settings);
  expect(gzipSync(javascript, { level: 9 }).length).toBeLessThanOrEqual(mostBytes);
});

describe("more layers", () => {
  test.each(["gpt2", "llama"])("of %s take no more kernels", async (name) => {
    const [few, many] = [await emitted(name, { layers: 3 }), await emitted(name, { layers: 12 })];
    expect(many.wasm.length).toBe(few.wasm.length);
    expect(many.javascript.length / few.javascript.length).toBeLessThan(1.02);
  });

  // One kernel joins the projections of what the encoder gives, of all layers: it has a part for each.
  test.each(["t5", "vaswani"])("of %s take little more", async (name) => {
    const bytesOf = async (layers: number): Promise<number> =>
      gzipSync((await emitted(name, { layers })).javascript, { level: 9 }).length;
    expect((await bytesOf(12)) / (await bytesOf(3))).toBeLessThan(1.03);
  });
});
