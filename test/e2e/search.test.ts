/** The search of examples/minilm, in the terminal and as a page, with the tiny checkpoint and a file of passages. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compile } from "../../src/index.js";
import { nodeFiles } from "../../src/node.js";
import { browser, inBrowser } from "../support/browser.js";

const script = "examples/minilm/search.mjs";
const passages = [
  "The cat sat on the mat.",
  "To be or not to be, that is the question.",
  "The quick brown fox jumps over the lazy dog, ".repeat(6),
  "  A passage\n  of two lines. ",
  "你好,世界!",
];
let folder = "";
let words: string[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "trafo-search-"));
  writeFileSync(join(folder, "passages.txt"), passages.join("\n\n"));
  words = ["--checkpoint", "examples/minilm/checkpoint", "--passages", join(folder, "passages.txt")];
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the search of examples/minilm", () => {
  it("finds a passage by itself", () => {
    for (const [question, found] of [
      ["to be or not to be, that is THE question.", passages[1]],
      ["你好,世界!", passages[4]],
      ["A passage of two lines.", "A passage of two lines."],
    ] as const) {
      const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...words, question], {
        encoding: "utf8",
      });
      expect([status, stderr]).toEqual([0, ""]);
      expect(stdout.split("\n")[0]).toBe(`1.000  ${found}`);
      expect(stdout.match(/^-?\d\.\d{3} {2}/gm)).toHaveLength(3);
    }
  });

  it("says how to use it", () => {
    const { status, stdout } = spawnSync(process.execPath, [script], { encoding: "utf8" });
    expect(status).toBe(0);
    expect(stdout).toContain("--serve");
  });

  it.runIf(browser)("does the same in a page", async () => {
    const checkpoint = "examples/minilm/checkpoint";
    const files = nodeFiles();
    const { javascript } = await compile({ path: "examples/minilm/minilm.trafo", files, checkpoint, target: "wasm" });
    const html = readFileSync("examples/minilm/search.html", "utf8");
    const [whole, code] = /<script type="module">(.*?)<\/script>/s.exec(html) ?? [];
    const page = html.replace(whole!, '<script type="module" src="/page.js"></script><script src="/ask.js"></script>');
    const script = (body: string) => ({ type: "text/javascript", body });
    const served = (path: string, type: string) => ({ type, body: readFileSync(path) });
    const library = createRequire(import.meta.url).resolve("@huggingface/tokenizers");
    const result = await inBrowser({
      "/": { type: "text/html", body: page },
      "/page.js": script(code!),
      "/ask.js": script(asking),
      "/embedder.mjs": served("examples/minilm/embedder.mjs", "text/javascript"),
      "/minilm.js": script(javascript),
      "/tokenizers.mjs": served(join(dirname(library), "tokenizers.min.mjs"), "text/javascript"),
      ...Object.fromEntries(
        ["config.json", "tokenizer.json", "model.safetensors"].map((name) => [
          `/${name}`,
          served(join(checkpoint, name), "application/octet-stream"),
        ]),
      ),
      "/passages.json": script(JSON.stringify(passages.map((text) => ({ title: "", text })))),
    });
    expect(result.split("\n")[0]).toBe(`1.000${passages[0]}`);
    expect(result.match(/^-?\d\.\d{3}/gm)).toHaveLength(5);
  });
});

/** Asks when the page is ready, and reports what it finds. */
const asking = `
const question = document.getElementById("question");
const report = (text) => fetch("/result", { method: "POST", body: text });
addEventListener("error", ({ message }) => report(message));
addEventListener("unhandledrejection", ({ reason }) => report(String(reason)));
const found = document.getElementById("found");
new MutationObserver(() => {
  if (found.children.length > 0) report([...found.children].map((item) => item.textContent).join("\\n"));
}).observe(found, { childList: true });
const wait = setInterval(() => {
  if (question.disabled) return;
  clearInterval(wait);
  question.value = ${JSON.stringify(passages[0])};
  question.dispatchEvent(new Event("input"));
}, 20);
`;
