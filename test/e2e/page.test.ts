/**
 * Pages with pictures in a real browser, opened from files: what they show, that they ask nothing of any network, and that
 * clusters open and close. Left out where there is no Chromium.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Host } from "../../src/cli/host.js";
import { main } from "../../src/cli/main.js";
import { nodeFiles } from "../../src/node.js";
import { chromium, Page } from "../support/chromium.js";

if (!chromium) console.log("skipped: no browser to open pages in");

const folder = mkdtempSync(join(tmpdir(), "trafo-pages-"));
const gpt2 = "examples/gpt2/gpt2.trafo";

/** Draws a program to a page; gives its address. */
async function draw(name: string, program: string, ...options: string[]): Promise<string> {
  const file = join(folder, name);
  const said: string[] = [];
  const host: Host = {
    files: nodeFiles(),
    out: () => {},
    err: (text) => void said.push(text),
    colour: false,
    width: 120,
    watched: false,
  };
  expect([await main(["graph", program, ...options, "-o", file], host), said]).toEqual([0, []]);
  return pathToFileURL(file).href;
}

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.runIf(chromium)("a page", () => {
  let optimized = "";
  let chart = "";
  let page: Page | null = null;
  beforeAll(async () => {
    optimized = await draw("optimized.html", gpt2, "--stage", "optimized");
    chart = await draw("plan.html", gpt2, "--stage", "plan");
  });
  afterEach(async () => {
    await page?.close();
    page = null;
  });
  const open = async (url: string): Promise<Page> => {
    page = await Page.open(url);
    return page;
  };
  const click = (selector: string, kind = "click"): string =>
    `document.querySelector(${JSON.stringify(selector)}).dispatchEvent(new MouseEvent("${kind}", { bubbles: true }))`;
  const count = async (in_: Page, selector: string): Promise<number> =>
    (await in_.evaluate(`document.querySelectorAll(${JSON.stringify(selector)}).length`)) as number;

  it("opens from a file, asks nothing of a network, and shows every box", async () => {
    const shown = await open(optimized);
    expect(await count(shown, "g.node[data-id]")).toBeGreaterThan(30);
    expect(await count(shown, "g.cluster[data-id]")).toBeGreaterThan(8);
    expect(shown.requests.filter((url) => !/^(file|blob|data):/.test(url))).toEqual([]);
  });

  it("closes a kernel and opens it again, with a new layout", async () => {
    const shown = await open(optimized);
    const kernel = '[data-id="kernel h.0.attn.attention/einsum"]';
    const before = await count(shown, "g.node");
    await shown.evaluate(click(kernel, "dblclick"));
    await shown.until(`document.querySelector('g.node${kernel}')`);
    expect(await count(shown, "g.node")).toBeLessThan(before);
    await shown.evaluate(click(kernel, "dblclick"));
    await shown.until(`document.querySelector('g.cluster${kernel}')`);
    expect(await count(shown, "g.node")).toBe(before);
    expect(shown.requests.filter((url) => !/^(file|blob|data):/.test(url))).toEqual([]);
  });

  it("shows shapes, source and code of what is chosen", async () => {
    const shown = await open(optimized);
    await shown.evaluate(click('[data-id="kernel h.0.attn.attention/einsum"]'));
    expect(await shown.evaluate('document.getElementById("panel-title").textContent')).toMatch(/attention/);
    expect(await shown.evaluate('document.getElementById("code").textContent')).toMatch(
      /^kernel \w+[\s\S]*for \w+ in 0\.\./,
    );
    await shown.evaluate(click('[data-id="h.0.attn.attention/softmax"]'));
    expect(await shown.evaluate('document.getElementById("panel-lines").textContent')).toMatch(
      /\[B, 12, T, T\].*attention\.trafo:\d+/,
    );
    expect(await count(shown, ".near")).toBeGreaterThan(1);
  });

  it("finds words, also in what is closed", async () => {
    const shown = await open(optimized);
    await shown.evaluate(
      'const field = document.getElementById("search"); field.value = "tanh"; field.dispatchEvent(new Event("input"))',
    );
    expect(await shown.evaluate('document.getElementById("found").textContent')).toMatch(/^[1-9]\d* found$/);
    expect(await count(shown, ".match")).toBeGreaterThan(0);
  });

  it("is worked by keys alone", async () => {
    const shown = await open(optimized);
    const transform = 'document.querySelector("#stage svg").style.transform';
    const first = await shown.evaluate(transform);
    await shown.key("+");
    const larger = await shown.evaluate(transform);
    expect(larger).not.toBe(first);
    await shown.key("ArrowDown");
    expect(await shown.evaluate(transform)).not.toBe(larger);
    await shown.key("/");
    expect(await shown.evaluate("document.activeElement.id")).toBe("search");
    await shown.key("Escape");
    await shown.evaluate('document.querySelector("[data-id=\\"h.0.ln_1/mean\\"]").focus()');
    await shown.key("Enter", "\r");
    expect(await shown.evaluate('document.getElementById("panel").hidden')).toBe(false);
    await shown.key("Escape");
    expect(await shown.evaluate('document.getElementById("panel").hidden')).toBe(true);
  });

  it("moves and scales by pointer and wheel", async () => {
    const shown = await open(optimized);
    const transform = 'document.querySelector("#stage svg").style.transform';
    const first = await shown.evaluate(transform);
    const at = { x: 700, y: 500, button: "left" };
    await shown.send("Input.dispatchMouseEvent", { type: "mousePressed", clickCount: 1, ...at });
    await shown.send("Input.dispatchMouseEvent", { type: "mouseMoved", ...at, x: 760, y: 540, buttons: 1 });
    await shown.send("Input.dispatchMouseEvent", { type: "mouseMoved", ...at, x: 800, y: 560, buttons: 1 });
    await shown.send("Input.dispatchMouseEvent", { type: "mouseReleased", clickCount: 1, ...at, x: 800, y: 560 });
    const moved = await shown.evaluate(transform);
    expect(moved).not.toBe(first);
    await shown.send("Input.dispatchMouseEvent", { type: "mouseWheel", x: 700, y: 500, deltaX: 0, deltaY: -240 });
    await shown.until(`${transform} !== ${JSON.stringify(moved)}`);
  });

  it("says what lives when in a chart of memory", async () => {
    const shown = await open(chart);
    expect(await count(shown, "g.buffer[data-id]")).toBeGreaterThan(20);
    await shown.evaluate(click("g.buffer"));
    expect(await shown.evaluate('document.getElementById("panel-lines").textContent')).toMatch(/KiB.*lives/);
  });

  it("stays whole whatever names hold", async () => {
    const name = join(folder, "hostile.trafo");
    const lines = [
      "# </script><!-- &",
      "block Head()(x: [B, 4]) -> [B, 4] {",
      '  param w: [4, 4] as "</script><script>document.title=1</script>&<!--"',
      "  x @ w",
      "}",
      "model Hostile() {",
      "  layer head = Head()",
      "  entry forward(x: [B, 4]) -> (y: [B, 4]) {",
      "    head(x)",
      "  }",
      "}",
    ];
    writeFileSync(name, `${lines.join("\n")}\n`);
    const shown = await open(await draw("hostile.html", name));
    expect(await shown.evaluate("document.title")).toMatch(/^Hostile\.forward/);
    expect(await count(shown, "g.node[data-id]")).toBeGreaterThan(2);
  });
});
