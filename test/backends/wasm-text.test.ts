/** The text of the kernels of small programs, to be read. `-u` rewrites it. */
import { expect, test } from "vitest";
import { moduleText } from "../../backends/wasm/index.js";
import { WasmKernels } from "../../backends/wasm/module.js";
import { Compilation } from "../../src/driver/pipeline.js";
import { memoryFiles } from "../../src/runtime/files.js";

const programs = {
  product: "x @ w + b",
  softmax: "softmax(x)",
};

test.each(Object.entries(programs))("%s", async (name, body) => {
  const weights = name === "product" ? "  param w: [24, 24]\n  param b: [24]\n" : "";
  const text = `model Small() {\n${weights}  entry forward(x: [M, 24]) -> (y: [M, 24]) { ${body} }\n}\n`;
  const compilation = new Compilation({ files: memoryFiles(), path: `${name}.trafo`, text, target: "wasm" });
  const { sourceLine } = compilation;
  const { module } = new WasmKernels({ name, plans: compilation.get("plan"), sourceLine });
  await expect(moduleText(module)).toMatchFileSnapshot(`../filetests/wasm/${name}.wat`);
});
