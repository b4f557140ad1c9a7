/** Pictures as SVG and PNG. */
import { beforeAll, describe, expect, it, vi } from "vitest";
import { dotOfGraph } from "../../backends/dot/index.js";
import { renderDot } from "../../backends/dot/render.js";
import { UserError } from "../../src/diagnostics/index.js";
import { GraphBuilder } from "../../src/ir/graph/index.js";
import { gpt2 } from "./dot-gpt2.js";
import { Sketchpad } from "./dot-support.js";

/** Graphviz is a process, and a machine that tests has others. */
vi.setConfig({ testTimeout: 60_000 });

/** The names of elements in order, or throws where tags do not nest or a character stands where XML has none. */
function elementsOf(xml: string): string[] {
  const names: string[] = [];
  const open: string[] = [];
  const token = /<\?.*?\?>|<!DOCTYPE[^>]*>|<!--[\s\S]*?-->|<(\/?)([\w:]+)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>|[^<]+/gy;
  let end = 0;
  for (const { 0: text, 1: closing, 2: name, 4: empty } of xml.matchAll(token)) {
    end += text.length;
    const entities = text.replace(/&(amp|lt|gt|quot|apos|#\d+|#x[\da-f]+);/gi, "");
    if (!text.startsWith("<!--") && entities.includes("&")) throw new Error(`a bare ampersand in ${text}`);
    if (name === undefined) continue;
    if (closing) {
      if (open.pop() !== name) throw new Error(`</${name}> closes nothing`);
    } else {
      names.push(name);
      if (!empty) open.push(name);
    }
  }
  if (end !== xml.length || open.length > 0) throw new Error(`not well-formed at ${end}: ${xml.slice(end, end + 80)}`);
  return names;
}

function sizeOf(png: Uint8Array): { width: number; height: number } {
  const view = new DataView(png.buffer, png.byteOffset);
  return { width: view.getUint32(16), height: view.getUint32(20) };
}

/** The size of an SVG in the pixels of a browser. */
function pixelsOf(svg: string): [number, number] {
  const [, width, height] = /<svg width="(\d+)pt" height="(\d+)pt"/.exec(svg)!;
  return [(Number(width) * 4) / 3, (Number(height) * 4) / 3];
}

describe("SVG", () => {
  const dot = dotOfGraph(gpt2({ layers: 2 }));
  let svg = "";
  beforeAll(async () => {
    svg = await renderDot(dot, "svg");
  }, 60_000);

  it("is well-formed and holds every box and arrow", () => {
    const names = elementsOf(svg);
    expect(names[0]).toBe("svg");
    expect(svg.match(/class="node /g)?.length).toBe(dot.match(/^ *"[^"]*" \[label=/gm)?.length);
    expect(svg.match(/class="edge/g)?.length).toBe(dot.match(/ -> /g)?.length);
  });

  it("names fonts of one width that every system has one of", () => {
    const families = new Set([...svg.matchAll(/font-family="([^"]*)"/g)].map(([, family]) => family));
    expect([...families]).toEqual(["Arimo, Arial, 'Liberation Sans', Helvetica, sans-serif"]);
  });

  it("draws titles of clusters last, over the arrows", () => {
    const titles = [...svg.matchAll(/<text [^>]*font-weight="bold"[^>]*>([^<]*)<\/text>/g)];
    expect(titles.map(([, title]) => title!.replace(/(?: |&#160;)+$/, ""))).toContain("attn : Attention");
    expect(titles[0]!.index).toBeGreaterThan(svg.lastIndexOf('class="edge'));
  });

  it("is well-formed whatever things are called", async () => {
    const pad = new Sketchpad();
    const name = `"<&>'\\ ]]> --> &amp; <!-- \u0001 \u00e9\u4e2d {|} ${"%".repeat(3)}`;
    const y = pad.inside(name, name, "layer", () => pad.linear("b", pad.product(pad.input(name), name)));
    const drawn = await renderDot(dotOfGraph(pad.builder.finish([{ name, value: y }])), "svg");
    elementsOf(drawn);
    expect(drawn).toContain("&quot;&lt;&amp;&gt;");
  });

  it("of nothing is a picture too", async () => {
    elementsOf(await renderDot(dotOfGraph(new GraphBuilder("empty", []).finish([])), "svg"));
  });
});

describe("PNG", () => {
  it("has its signature and twice the pixels of the SVG", async () => {
    const dot = dotOfGraph(gpt2(), { collapse: 1 });
    const png = await renderDot(dot, "png");
    expect([...png.slice(0, 8)]).toEqual([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
    const [width, height] = pixelsOf(await renderDot(dot, "svg"));
    expect(Math.abs(sizeOf(png).width - 2 * width)).toBeLessThanOrEqual(2);
    expect(Math.abs(sizeOf(png).height - 2 * height)).toBeLessThanOrEqual(2);
  });

  it("stays within its limits where the picture is long", async () => {
    const nodes = Array.from({ length: 300 }, (_, index) => `n${index} -> n${index + 1};`).join("");
    const { width, height } = sizeOf(await renderDot(`digraph { ${nodes} }`, "png"));
    expect(height).toBeLessThanOrEqual(16_384);
    expect(height).toBeGreaterThan(16_000);
    expect(width).toBeGreaterThan(0);
  });
});

describe("text that Graphviz cannot read", () => {
  it.each(["", "  \n", "digraph {", "graph { a -> b }", "hello"])("%j is the user's error", async (dot) => {
    for (const format of ["svg", "png"] as const) {
      const drawn = renderDot(dot, format);
      await expect(drawn).rejects.toBeInstanceOf(UserError);
      await expect(drawn).rejects.toThrow(/^E0612: /);
    }
  });
});

it("DOT is the text itself", async () => {
  const dot = dotOfGraph(gpt2());
  expect(await renderDot(dot, "dot")).toBe(dot);
});
