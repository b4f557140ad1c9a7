/** Every example on WebAssembly against PyTorch's values, and the text of its module against its bytes. */
import { expect, test } from "vitest";
import wabt from "wabt";
import { encodeModule, moduleText } from "../../backends/wasm/index.js";
import { WasmKernels } from "../../backends/wasm/module.js";
import { readCases } from "../../src/driver/cases.js";
import { nodeFiles } from "../../src/driver/node-files.js";
import { Compilation } from "../../src/driver/pipeline.js";
import { verify } from "../../src/driver/verify.js";
import { Checkpoint } from "../../src/runtime/checkpoint.js";
import { checkpointWeights, readWeights } from "../../src/runtime/weights.js";

const files = nodeFiles();
const examples = ["gpt2", "bert", "llama", "minilm", "t5", "vaswani"];

function compilationOf(name: string): Compilation {
  const checkpoint = Checkpoint.open(files, `examples/${name}/checkpoint`);
  return new Compilation({ files, path: `examples/${name}/${name}.trafo`, checkpoint, target: "wasm" });
}

test.each(examples)("%s gives PyTorch's values", async (name) => {
  const compilation = compilationOf(name);
  const { program } = compilation;
  const { rows, failures } = await verify({
    compilation,
    weights: readWeights(program.entries, checkpointWeights(compilation.request.checkpoint!)),
    cases: readCases(files, `examples/${name}/checkpoint/io.safetensors`),
    targets: ["wasm"],
    tolerance: 1e-4,
  });
  expect(failures).toEqual([]);
  expect(rows.length).toBeGreaterThan(0);
});

/** The sections of a module without those of names. */
function contentOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

test.each(examples)("the text of %s assembles to its bytes", async (name) => {
  const { module } = new WasmKernels({ name, plans: compilationOf(name).get("plan") });
  const tools = await wabt();
  const parsed = tools.parseWat(`${name}.wat`, moduleText(module), { simd: true, threads: true, bulk_memory: true });
  const assembled = parsed.toBinary({ canonicalize_lebs: true }).buffer;
  parsed.destroy();
  expect(contentOf(assembled)).toBe(contentOf(encodeModule(module, { isVerbatim: true })));
});
