/**
 * Threads in pages of a real browser: an isolated page has workers that compute, whose main thread never sleeps; one that
 * is not, or whose policy forbids workers, computes on one thread. Left out where there is no Chromium.
 */
import { expect, it } from "vitest";
import { compile } from "../../src/index.js";
import { memoryFiles } from "../../src/runtime/files.js";
import { browser, inBrowser } from "../support/browser.js";

const program = "model Rows() {\n  entry forward(x: [B, T, 48]) -> (y: [B, T, 48]) { softmax(x * 3.0) }\n}\n";
const main = `
import { load } from "/rows.js";
const options = await (await fetch("/options.json")).json();
const started = [];
class Watched extends Worker {
  constructor(url) {
    if (options.forbidden) throw new Error("no workers");
    super(url);
    started.push(this);
  }
}
window.Worker = Watched;
const report = (result) => fetch("/result", { method: "POST", body: JSON.stringify(result) });
try {
  const models = [await load({ threads: options.threads }), await load()];
  let agree = true;
  for (let turn = 0; turn < 30; turn++) {
    const [B, T] = [1 + (turn % 3), 1 + ((turn * 37) % 200)];
    const data = Float32Array.from({ length: B * T * 48 }, (_, i) => Math.sin(i * 12.9898 + turn));
    const [several, one] = await Promise.all(models.map((model) => model.forward({ x: { data, shape: [B, T, 48], type: "f32" } })));
    agree &&= several.y.data.length === data.length && several.y.data.every((value, i) => value === one.y.data[i]);
    // Some runs find the workers asleep.
    if (turn % 5 === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  if (options.killed) {
    started[0].terminate();
    const x = { data: new Float32Array(48), shape: [1, 1, 48], type: "f32" };
    agree &&= (await models[0].forward({ x })).y.data.every((value) => Math.abs(value - 1 / 48) < 1e-6);
  }
  for (const model of models) model.dispose();
  await report({ agree, isolated: self.crossOriginIsolated, started: started.length });
} catch (error) {
  await report({ error: String(error) });
}
`;

it.skipIf(!browser).each([
  { isIsolated: true, options: { threads: 2 }, started: 1 },
  { isIsolated: true, options: { threads: 5 }, started: 4 },
  { isIsolated: true, options: { threads: 3, killed: true }, started: 2 },
  { isIsolated: true, options: { threads: 2, forbidden: true }, started: 0 },
  { isIsolated: false, options: { threads: 2 }, started: 0 },
])("threads in a page: %j", async ({ isIsolated, options, started }) => {
  const files = memoryFiles([["rows.trafo", program]]);
  const { javascript } = await compile({ path: "rows.trafo", files, target: "wasm" });
  const result = JSON.parse(
    await inBrowser(
      {
        "/": {
          type: "text/html",
          body: '<!doctype html><meta charset="utf-8"><script type="module" src="/main.js"></script>',
        },
        "/main.js": { type: "text/javascript", body: main },
        "/rows.js": { type: "text/javascript", body: javascript },
        "/options.json": { type: "application/json", body: JSON.stringify(options) },
      },
      ["--disable-gpu"],
      isIsolated,
    ),
  ) as object;
  expect(result).toEqual({ agree: true, isolated: isIsolated, started });
});
