/** A browser of this machine, if it has one (with CI set it must), and pages that are served to it on loopback. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removeFolder } from "./remove-folder.js";

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
/** Its command; undefined where there is none. */
export const browser = names.find((name) => spawnSync(name, ["--version"]).status === 0);
if (!browser) {
  const missing = `no browser (${names.join(", ")}) to run a module in`;
  if (process.env.CI) throw new Error(missing);
  console.log(`skipped: ${missing}`);
}

/** Flags of a browser without a window, without WebGPU. */
const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-quic",
  "--no-first-run",
  "--disable-sync",
  "--disable-background-networking",
  "--disable-component-update",
];

/** What lets a browser without a GPU have WebGPU, on SwiftShader. */
export const webGpuFlags = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];

/**
 * Serves a page to the browser until it posts a result.
 * @param isIsolated whether the page may share memory with its workers
 * @param scripts what the page's policy lets run: WebAssembly is code of its own kind to it
 */
export async function inBrowser(
  files: Readonly<Record<string, { readonly type: string; readonly body: string | Uint8Array }>>,
  more: readonly string[] = ["--disable-gpu"],
  isIsolated = true,
  scripts = "'self' 'wasm-unsafe-eval'",
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
      "content-security-policy": `default-src 'self'; script-src ${scripts}; worker-src 'self' blob:`,
      ...(isIsolated
        ? { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" }
        : {}),
    });
    response.end(file?.body ?? "");
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const { port } = server.address() as AddressInfo;
  const child = spawn(browser!, [...flags, ...more, `--user-data-dir=${profile}`, `http://127.0.0.1:${port}/`], {
    // What it leaves in the folder for such things goes with the profile.
    env: { ...process.env, TMPDIR: profile },
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
    await removeFolder(profile);
  }
}
