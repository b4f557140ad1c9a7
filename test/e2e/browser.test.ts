/**
 * A generated module in a real browser: loaded as a module from a page with a strict content security policy, with its
 * weights fetched from beside it, and compared with PyTorch's values. Left out where there is no Chromium.
 */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { compile } from "../../src/index.js";
import { nodeFiles } from "../../src/node.js";
import { parseSafetensors } from "../../src/runtime/host/safetensors.js";
import { browser, inBrowser } from "../support/browser.js";

const page = '<!doctype html><meta charset="utf-8"><script type="module" src="/main.js"></script>';
const main = `
import { load } from "/gpt2.js";
const options = await (await fetch("/options.json")).json();
let result;
try {
  const model = await load({ weights: new URL("/model.safetensors", location.href), ...options });
  const ids = await (await fetch("/ids.json")).json();
  const { logits } = await model.forward({ input_ids: ids });
  result = { shape: logits.shape, data: [...logits.data] };
} catch (error) {
  result = { error: String(error) };
}
await fetch("/result", { method: "POST", body: JSON.stringify(result) });
`;

it.skipIf(!browser).each([
  { target: "typescript" as const, options: {} },
  { target: "wasm" as const, options: {} },
  { target: "wasm" as const, options: { threads: 2 } },
  // A policy that forbids WebAssembly: the module for such hosts computes.
  { target: "wasm" as const, options: {}, scripts: "'self'" },
])("a module runs in a browser and agrees with PyTorch: %j", async ({ target, options, scripts }) => {
  const checkpoint = "examples/gpt2/checkpoint";
  const program = { path: "examples/gpt2/gpt2.trafo", files: nodeFiles(), checkpoint };
  const { javascript } = await compile({ ...program, target });
  const fallback = scripts === undefined ? "" : (await compile(program)).javascript;
  const cases = readFileSync(`${checkpoint}/io.safetensors`);
  const { tensors } = parseSafetensors(cases, "io.safetensors");
  const bytes = (name: string) =>
    cases.buffer.slice(cases.byteOffset + tensors.get(name)!.start, cases.byteOffset + tensors.get(name)!.end);
  const [rows, columns] = tensors.get("case1.in.input_ids")!.shape as [number, number];
  const ids = [...new Int32Array(bytes("case1.in.input_ids"))];
  const result = JSON.parse(
    await inBrowser(
      {
        "/": { type: "text/html", body: page },
        "/gpt2.fallback.js": { type: "text/javascript", body: fallback },
        "/main.js": { type: "text/javascript", body: main },
        "/gpt2.js": { type: "text/javascript", body: javascript },
        "/options.json": { type: "application/json", body: JSON.stringify(options) },
        "/ids.json": {
          type: "application/json",
          body: JSON.stringify(Array.from({ length: rows }, (_, i) => ids.slice(i * columns, (i + 1) * columns))),
        },
        "/model.safetensors": {
          type: "application/octet-stream",
          body: readFileSync(`${checkpoint}/model.safetensors`),
        },
      },
      undefined,
      undefined,
      scripts,
    ),
  ) as { error?: string; shape: number[]; data: number[] };
  expect(result.error).toBeUndefined();
  const expected = new Float32Array(bytes("case1.out.logits"));
  expect(result.shape).toEqual([...tensors.get("case1.out.logits")!.shape]);
  const largest = result.data.reduce((worst, value, i) => Math.max(worst, Math.abs(value - expected[i]!)), 0);
  expect(largest).toBeLessThan(1e-4);
});
