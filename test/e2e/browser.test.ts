/**
 * A generated module in a real browser: loaded as a module from a page with a strict content security policy, with its
 * weights fetched from beside it, and compared with PyTorch's values. Left out where there is no Chromium.
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { compile } from "../../src/index.js";
import { nodeFiles } from "../../src/node.js";
import { parseSafetensors } from "../../src/runtime/host/safetensors.js";

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const browser = names.find((name) => spawnSync(name, ["--version"]).status === 0);
if (!browser) console.log(`skipped: no browser (${names.join(", ")}) to run a module in`);

const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-sync",
  "--disable-background-networking",
  "--disable-component-update",
];

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

/** Serves a page to the browser until it posts a result. */
async function inBrowser(
  files: Readonly<Record<string, { readonly type: string; readonly body: string | Uint8Array }>>,
): Promise<string> {
  const profile = mkdtempSync(join(tmpdir(), "trafo-browser-"));
  let resolve: (result: string) => void = () => {};
  const promise = new Promise<string>((done) => {
    resolve = done;
  });
  const server = createServer((request, response) => {
    if (request.url === "/result") {
      const parts: Buffer[] = [];
      request.on("data", (part: Buffer) => parts.push(part));
      request.on("end", () => {
        response.end();
        resolve(Buffer.concat(parts).toString());
      });
      return;
    }
    const file = files[request.url ?? ""];
    response.writeHead(file ? 200 : 404, {
      "content-type": file?.type ?? "text/plain",
      // WebAssembly is code of its own kind to a policy.
      "content-security-policy": "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:",
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-embedder-policy": "require-corp",
    });
    response.end(file?.body ?? "");
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const { port } = server.address() as AddressInfo;
  const child = spawn(browser!, [...flags, `--user-data-dir=${profile}`, `http://127.0.0.1:${port}/`], {
    stdio: "ignore",
  });
  const ended = new Promise<string>((gone) => {
    child.once("exit", (status) => gone(JSON.stringify({ error: `the browser ended with status ${status}` })));
  });
  try {
    return await Promise.race([promise, ended]);
  } finally {
    child.kill("SIGKILL");
    await ended;
    server.closeAllConnections();
    server.close();
    try {
      rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    } catch {
      // The browser's children may still write there for a moment; it is a temporary folder.
    }
  }
}

it.skipIf(!browser).each([
  { target: "typescript" as const, options: {} },
  { target: "wasm" as const, options: {} },
  { target: "wasm" as const, options: { threads: 2 } },
])("a module runs in a browser and agrees with PyTorch: %j", async ({ target, options }) => {
  const checkpoint = "examples/gpt2/checkpoint";
  const { javascript } = await compile({ path: "examples/gpt2/gpt2.trafo", files: nodeFiles(), checkpoint, target });
  const cases = readFileSync(`${checkpoint}/io.safetensors`);
  const { tensors } = parseSafetensors(cases, "io.safetensors");
  const bytes = (name: string) =>
    cases.buffer.slice(cases.byteOffset + tensors.get(name)!.start, cases.byteOffset + tensors.get(name)!.end);
  const [rows, columns] = tensors.get("case1.in.input_ids")!.shape as [number, number];
  const ids = [...new Int32Array(bytes("case1.in.input_ids"))];
  const result = JSON.parse(
    await inBrowser({
      "/": { type: "text/html", body: page },
      "/main.js": { type: "text/javascript", body: main },
      "/gpt2.js": { type: "text/javascript", body: javascript },
      "/options.json": { type: "application/json", body: JSON.stringify(options) },
      "/ids.json": {
        type: "application/json",
        body: JSON.stringify(Array.from({ length: rows }, (_, i) => ids.slice(i * columns, (i + 1) * columns))),
      },
      "/model.safetensors": { type: "application/octet-stream", body: readFileSync(`${checkpoint}/model.safetensors`) },
    }),
  ) as { error?: string; shape: number[]; data: number[] };
  expect(result.error).toBeUndefined();
  const expected = new Float32Array(bytes("case1.out.logits"));
  expect(result.shape).toEqual([...tensors.get("case1.out.logits")!.shape]);
  const largest = result.data.reduce((worst, value, i) => Math.max(worst, Math.abs(value - expected[i]!)), 0);
  expect(largest).toBeLessThan(1e-4);
});
