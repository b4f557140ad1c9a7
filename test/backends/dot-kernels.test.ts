/** Pictures of kernels: what is computed together, before and after passes, costs, and the Graphs that chance makes. */
import { describe, expect, it, vi } from "vitest";
import { dotOfPicture, type Picture, viewOf } from "../../backends/dot/index.js";
import { boxesOf, clustersOf } from "../../backends/dot/picture/picture.js";
import { type PictureOptions, picturesOf } from "../../src/driver/picture/pictures.js";
import { Compilation } from "../../src/driver/pipeline.js";
import type { Graph } from "../../src/ir/graph/index.js";
import { nodeFiles } from "../../src/node.js";
import { randomGraph } from "../support/random-graph.js";
import { gpt2 } from "./dot-gpt2.js";
import { drawn, parsed, titles } from "./dot-support.js";

/** Graphviz is a process, and a machine that tests has others. */
vi.setConfig({ testTimeout: 60_000 });

function pictureOf(graph: Graph, options: PictureOptions): Picture {
  return picturesOf(Compilation.ofGraphs("m", [graph]), options)[0]!.picture;
}

/** The operators in each kernel, by the kernel's id. */
function kernelsIn(picture: Picture): ReadonlyMap<string, readonly string[]> {
  const kernels = [...clustersOf(picture.items)].filter(({ kind }) => kind === "kernel");
  return new Map(
    kernels.map(({ id, items }) => {
      const operators = [...boxesOf(items)].filter(({ node }) => node.kind !== "weight" && node.kind !== "index");
      return [id, operators.filter(({ node }) => !node.isPlumbing).map(({ node }) => node.title)];
    }),
  );
}

describe("kernels of GPT-2", () => {
  const optimized = pictureOf(gpt2({ layers: 3 }), { stage: "optimized" });
  const kernels = [...kernelsIn(optimized).values()];

  it("hold the operators that went into them", () => {
    const attention = kernels.find((operators) => operators.includes("softmax"));
    expect(attention).toEqual(expect.arrayContaining(["\u00d7 0.125", "where, else \u2212inf", "softmax"]));
    expect(kernels.some((operators) => operators.includes("matmul") && operators.includes("tanh"))).toBe(true);
  });

  it("are drawn once for equal layers, in the layers of the source", () => {
    const { clusters } = parsed(dotOfPicture(optimized));
    expect(titles(clusters)[1]).toBe("h \u00d7 3 : Block");
    expect(titles(clusters).filter((title) => title.startsWith("h."))).toEqual([]);
    expect(clusters.filter(({ class: kind }) => kind === "kernel").length).toBeGreaterThan(6);
  });

  it("are one box each at the stage of kernels, with loops and tiles", () => {
    const dot = dotOfPicture(pictureOf(gpt2({ layers: 3 }), { stage: "kernels" }));
    const { clusters, nodes } = parsed(dot);
    expect(clusters.filter(({ class: kind }) => kind === "kernel")).toEqual([]);
    const boxes = nodes.filter(({ class: kind }) => kind.includes("kernel"));
    expect(boxes.length).toBeGreaterThan(6);
    for (const { label } of boxes) expect(label).toMatch(/for \w+ in /);
    expect(boxes.some(({ label }) => /tile \d+ \u00d7 \d+ unrolled/.test(label))).toBe(true);
  });

  it("keep their ids when a layer is added", () => {
    for (const stage of ["optimized", "kernels"] as const) {
      const ids = (layers: number) => {
        const view = viewOf(pictureOf(gpt2({ layers }), { stage, expand: true }));
        const clusters = [...clustersOf(view.items)].map(({ id }) => id);
        return [...clusters, ...[...boxesOf(view.items)].map(({ node }) => node.id)];
      };
      const after = new Set(ids(3));
      expect(ids(2).filter((id) => !after.has(id))).toEqual([]);
    }
  });

  it("that a layer shares with what is around it are drawn with the layer in focus", () => {
    const { nodes } = drawn(viewOf(pictureOf(gpt2({ layers: 3 }), { stage: "optimized", focus: "h.1.attn" })));
    expect(titles(nodes)).toEqual(expect.arrayContaining(["softmax", "c_proj : Conv1D"]));
    expect(titles(nodes)).not.toContain("gelu_tanh");
  });
});

it("what is made of weights alone is drawn as what runs at load, with the weights that it takes", () => {
  const compilation = new Compilation({ files: nodeFiles(), path: "examples/llama/llama.trafo" });
  const { picture } = picturesOf(compilation, { stage: "optimized" })[0]!;
  const loading = [...clustersOf(picture.items)].filter(({ kind }) => kind === "loading");
  const [lowered] = compilation.get("kernels");
  expect(loading.length > 0).toBe(lowered!.prepare.length > 0);
  for (const { title, items } of loading) {
    expect(title).toMatch(/^at load \u00b7 /);
    expect([...boxesOf(items)].some(({ node }) => node.kind === "weight")).toBe(true);
  }
  const inside = new Set(loading.flatMap(({ items }) => [...boxesOf(items)].map(({ node }) => node.id)));
  const leaving = viewOf(picture).edges.filter(({ from, to }) => inside.has(from) && !inside.has(to));
  expect(leaving.every(({ kind }) => kind === "side")).toBe(true);
});

describe("before and after", () => {
  const options = { diff: "all", focus: "h.0.attn" };
  const picture = pictureOf(gpt2({ layers: 2 }), options);
  const marks = new Map([...boxesOf(picture.items)].map(({ node }) => [node.id, node.mark]));

  it("stand side by side", () => {
    const { clusters } = parsed(dotOfPicture(picture));
    expect(titles(clusters)).toEqual(expect.arrayContaining(["before optimizing", "after optimizing"]));
  });

  it("what becomes one kernel has its colour before", () => {
    const scale = marks.get("before h.0.attn.attention/mul");
    expect(scale).toEqual(expect.any(Number));
    expect(marks.get("before h.0.attn.attention/where")).toBe(scale);
    expect(marks.get("before h.0.attn.attention/softmax")).toBe(scale);
    expect(marks.get("before h.0.attn.c_proj/einsum")).not.toBe(scale);
    const kernel = [...clustersOf(picture.items)].find(
      ({ kind, items }) => kind === "kernel" && [...boxesOf(items)].some(({ node }) => node.title === "softmax"),
    );
    expect(kernel?.mark).toBe(scale);
  });

  it("of a pass that changes operators, those are marked as gone and new", () => {
    const changed = pictureOf(gpt2({ layers: 1 }), { diff: "algebra" });
    const all = [...boxesOf(changed.items)].map(({ node }) => node.mark);
    expect(all.filter((mark) => mark === "gone" || mark === "new").length).toBeLessThan(all.length / 2);
    expect(all.some((mark) => typeof mark === "number")).toBe(false);
  });

  it("name the passes where there is none of a name", () => {
    expect(() => pictureOf(gpt2({ layers: 1 }), { diff: "fuson" })).toThrow(/E0607/);
  });
});

describe("costs", () => {
  const sizes = new Map([
    ["B", 2],
    ["T", 8],
  ]);
  const graph = gpt2({ layers: 2, width: 64, heads: 4, vocabulary: 100, context: 32 });
  const boxes = (options: PictureOptions) =>
    new Map([...boxesOf(viewOf(pictureOf(graph, { ...options, sizes })).items)].map(({ node }) => [node.id, node]));

  it("of operators are counted for the given sizes", () => {
    const source = boxes({ colour: "flops" });
    // [16, 64] by [64, 100], two for each product.
    expect(source.get("einsum")?.cost).toBe(2 * 2 * 8 * 64 * 100);
    expect(source.get("h.0.mlp.c_fc")?.cost).toBe(2 * 2 * 8 * 64 * 256 + 2 * 8 * 256);
    const memory = boxes({ colour: "memory" });
    expect(memory.get("einsum")?.cost).toBe(4 * 2 * 8 * 100);
  });

  it("of kernels are the bytes that they read and write", () => {
    const kernels = boxes({ stage: "kernels", colour: "bytes" });
    const head = [...kernels.values()].find(({ id }) => id === "kernel einsum");
    expect(head?.cost).toBe(4 * (2 * 8 * 64 + 100 * 64 + 2 * 8 * 100));
  });

  it("of equal layers are those of all of them", () => {
    const whole = boxes({ colour: "flops", collapse: 1 });
    const one = boxes({ colour: "flops", collapse: 1, focus: "h.0" });
    const sum = [...one.values()].reduce((total, { cost }) => total + (cost ?? 0), 0);
    expect(whole.get("h.0")?.cost).toBe(2 * sum);
  });

  it("give the most costly box the strongest colour, and say for which sizes", () => {
    const dot = dotOfPicture(pictureOf(graph, { colour: "flops", sizes }));
    expect(dot).toContain("FLOPs at B = 2, T = 8");
    expect(dot.split("\n").find((line) => line.includes('"h.0.mlp.c_fc" ['))).toContain('fillcolor="#fa9450"');
  });
});

describe("graphs that chance makes", () => {
  it("are whole at every stage, with whatever is closed", () => {
    for (let seed = 0; seed < 60; seed++) {
      const graph = randomGraph(seed, { nodes: 8 + (seed % 30) });
      for (const options of [
        {},
        { expand: true },
        { stage: "optimized" },
        { stage: "kernels" },
        { diff: "all" },
      ] as const) {
        const picture = pictureOf(graph, options);
        const ids = [...clustersOf(picture.items)].map(({ id }) => id);
        for (const closed of [null, true, false]) {
          const view = viewOf(picture, (id) => (closed === null ? null : ids.indexOf(id) % 2 === 0 ? closed : !closed));
          const where = `seed ${seed}, ${JSON.stringify(options)}, ${closed}`;
          const nodes = [...boxesOf(view.items)].map(({ node }) => node.id);
          const known = new Set(nodes);
          expect(known.size, where).toBe(nodes.length);
          expect(
            view.edges.filter(({ from, to }) => !known.has(from) || !known.has(to) || from === to),
            where,
          ).toEqual([]);
        }
      }
    }
  });

  it("are read by Graphviz as they are written", () => {
    for (let seed = 100; seed < 106; seed++) {
      const picture = pictureOf(randomGraph(seed, { nodes: 25 }), { stage: "optimized" });
      const view = drawn(viewOf(picture));
      const read = parsed(dotOfPicture(picture));
      expect(new Set(read.nodes.map(({ name }) => name))).toEqual(new Set(view.nodes.map(({ name }) => name)));
      expect(read.edges.length).toBe(view.edges.length);
      expect(read.clusters.length).toBe(view.clusters.length);
    }
  });
});
