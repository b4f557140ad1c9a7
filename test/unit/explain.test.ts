/** What programs cost: the count of operations, the sums over layers and lines, the command. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import {
  type Cost,
  costOf,
  type EntryCost,
  kernelsPerLayer,
  type LayerCost,
  mapCost,
} from "../../src/driver/cost/costs.js";
import { flopsOf } from "../../src/driver/cost/flops.js";
import { amountText, formulaText } from "../../src/driver/cost/formula.js";
import { nodeFiles } from "../../src/driver/node-files.js";
import { Compilation } from "../../src/driver/pipeline.js";
import { type Graph, GraphBuilder, type ValueId } from "../../src/ir/graph/index.js";
import { lowerGraph } from "../../src/lower/index.js";
import { planGraph } from "../../src/memory/index.js";
import { Checkpoint } from "../../src/runtime/checkpoint.js";
import {
  add,
  evaluate,
  maximum,
  mul,
  parseSize,
  render,
  type Size,
  SizeVariable,
  size,
} from "../../src/sizes/index.js";
import { randomGraph } from "../support/random-graph.js";
import { tinyFiles, trafo } from "./support/cli.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const [B, T] = [new SizeVariable("B", 0, null), new SizeVariable("T", 0, 1024)];
const [b, t] = [size(B), size(T)];

function compiled(name: string, small = true): Compilation {
  const files = nodeFiles();
  const folder = join(root, "examples", name);
  const checkpoint = small ? Checkpoint.open(files, join(folder, "checkpoint"), null) : null;
  return new Compilation({ files, path: join(folder, `${name}.trafo`), checkpoint });
}

function costsOf(compilation: Compilation): EntryCost[] {
  const plans = compilation.get("plan");
  return compilation.get("graph").entries.map((graph, i) => costOf(graph, plans[i]!));
}

const einsums = (graph: Graph): Size =>
  graph.nodes.reduce((sum, { operator }, id) => (operator === "einsum" ? add(sum, flopsOf(graph, id)) : sum), size(0));

/** As text, so that differences show. */
const texts = (cost: Cost) => Object.values(mapCost(cost, (value) => value)).map((value) => render(value));

const added = (costs: readonly Cost[]): Cost =>
  costs.reduce((sum, cost) => ({
    parameters: add(sum.parameters, cost.parameters),
    kernels: add(sum.kernels, cost.kernels),
    flops: add(sum.flops, cost.flops),
    read: add(sum.read, cost.read),
    written: add(sum.written, cost.written),
  }));

describe("operations", () => {
  const count = (build: (g: GraphBuilder) => ValueId): string => {
    const g = new GraphBuilder("f", [B, T]);
    const graph = g.finish([{ name: "y", value: build(g) }]);
    return render(graph.nodes.reduce((sum, _, id) => add(sum, flopsOf(graph, id)), size(0)));
  };
  const x = (g: GraphBuilder, ...shape: Size[]) =>
    g.emit("input", [], { name: `x${shape.map(render).join()}`, element: "f32", shape, fill: null });

  it("of a product of matrices are 2 for each multiplication and addition", () => {
    const labels = {
      inputs: [
        [0, 1],
        [1, 2],
      ],
      output: [0, 2],
    };
    expect(count((g) => g.emit("einsum", [x(g, t, size(64)), x(g, size(64), size(10))], labels))).toBe("1280*T");
  });
  it("of element-wise operators are 1 for each element of floats", () => {
    expect(count((g) => g.emit("exp", [x(g, b, t)], {}))).toBe("B*T");
    expect(count((g) => g.emit("add", [x(g, b, t), x(g, t)], {}))).toBe("B*T");
    expect(count((g) => g.emit("lt", [x(g, t), x(g, size(1))], {}))).toBe("T");
    const whole = { name: "n", element: "i32", shape: [t], fill: null } as const;
    expect(count((g) => g.emit("neg", [g.emit("input", [], whole)], {}))).toBe("0");
  });
  it("of rows count their elements, and movement counts nothing", () => {
    expect(count((g) => g.emit("softmax", [x(g, b, t)], { axis: 1 }))).toBe("5*B*T");
    expect(count((g) => g.emit("sum", [x(g, b, t)], { axis: 1 }))).toBe("B*T");
    expect(count((g) => g.emit("transpose", [x(g, b, t)], { permutation: [1, 0] }))).toBe("0");
  });
});

describe("the costs of GPT-2 small", () => {
  const compilation = compiled("gpt2", false);
  const [cost] = costsOf(compilation);
  const { layers, memory } = cost!;
  const [graph] = compilation.get("graph").entries;
  const at = (value: Size, tokens: number): number => evaluate(value, ({ name }) => (name === "B" ? 1 : tokens));

  it("are those that are known", () => {
    const [width, depth, vocabulary] = [768, 12, 50257];
    expect(render(layers.total.parameters)).toBe("124439808");
    // Each token meets every weight of a matrix once; attention is 4*T*width for each layer, for scores and values.
    const weights = depth * 12 * width * width + vocabulary * width;
    for (const tokens of [1, 128, 1024]) {
      const known = 2 * weights * tokens + depth * 4 * tokens * tokens * width;
      expect(at(einsums(graph!), tokens)).toBe(known);
      const all = at(layers.total.flops, tokens);
      expect(all / known).toBeGreaterThan(1);
      expect(all / known).toBeLessThan(1.04);
    }
    expect(at(einsums(graph!), 128)).toBeCloseTo(32.2e9, -8);
  });
  it("put equal layers together", () => {
    expect(layers.parts.map(({ name, count, block }) => [name, count, block])).toEqual([
      ["h", 12, "Block"],
      ["ln_f", 1, "LayerNorm"],
    ]);
    expect(layers.parts[0]!.parts.map(({ name }) => name)).toEqual(["ln_1", "attn", "ln_2", "mlp"]);
    expect(render(layers.parts[0]!.total.parameters)).toBe(String(12 * 7087872));
  });
  it("include the memory of a run", () => {
    expect(render(memory.weights)).toBe(String(4 * 124439808));
    expect(at(memory.outputs, 128)).toBe(4 * 128 * 50257);
    expect(memory.peak).toBe(add(add(memory.arena, memory.weights), memory.outputs));
  });
});

describe("the sums over layers and over lines are the total", () => {
  const check = (cost: EntryCost): void => {
    const walk = (layer: LayerCost): void => {
      expect(texts(added([layer.own, ...layer.parts.map(({ total }) => total)])), layer.name).toEqual(
        texts(layer.total),
      );
      layer.parts.forEach(walk);
    };
    walk(cost.layers);
    if (cost.lines.length > 0) {
      expect(texts(added(cost.lines.map((line) => line.cost)))).toEqual(texts(cost.layers.total));
    }
  };
  it.each(["bert", "gpt2", "llama", "t5", "vaswani"])("of %s", (name) => {
    const compilation = compiled(name);
    const costs = costsOf(compilation);
    costs.forEach(check);
    for (const [i, cost] of costs.entries()) {
      const runs = compilation.get("plan")[i]!.dispatches.length;
      expect(render(cost.layers.total.kernels)).toBe(String(runs));
    }
  });
  it("of random graphs", () => {
    for (let seed = 1; seed <= 40; seed++) {
      const graph = randomGraph(seed, { nodes: 30 });
      check(costOf(graph, planGraph(lowerGraph(graph))));
    }
  });
});

describe("formulas", () => {
  it("are written for people", () => {
    const text = (formula: string) => formulaText(parseSize(formula, (name) => (name === "B" ? B : T)));
    expect(text("1769472*B*T + 16*B*T*T + 1000")).toBe("16·B·T² + 1,769,472·B·T + 1,000");
    expect(formulaText(maximum(mul(b, 1024), mul(mul(t, t), t)))).toBe("max(T³, 1,024·B)");
  });
  it("are amounts with a prefix where they are numbers", () => {
    expect([amountText(size(999), "FLOP"), amountText(size(32_228_000_000), "FLOP")]).toEqual([
      "999 FLOP",
      "32.2 GFLOP",
    ]);
    expect(amountText(mul(t, 2), "FLOP")).toBe("2·T");
  });
});

describe("kernels of a layer", () => {
  it.each([
    ["gpt2", "h", 7],
    ["bert", "encoder", 7],
    ["llama", "blocks", 7],
  ])("of %s are few", (name, path, most) => {
    const [entry] = costsOf(compiled(name));
    const lists = kernelsPerLayer(entry!.layers);
    expect(new Set(lists.map((list) => list.path))).toEqual(new Set([path]));
    expect(Math.max(...lists.map(({ kernels }) => kernels))).toBeLessThanOrEqual(most);
  });
  it("are told for each list of layers", () => {
    const layer = (name: string, kernels: number, count: number, parts: LayerCost[] = []): LayerCost => {
      const cost = { parameters: size(0), kernels: size(kernels), flops: size(0), read: size(0), written: size(0) };
      return { name, block: "Block", count, total: cost, own: cost, parts };
    };
    const encoder = layer("encoder", 10, 1, [layer("block", 8, 2), layer("norm", 2, 1)]);
    const root = layer("", 40, 1, [
      encoder,
      layer("h.0", 5, 1),
      layer("h.1", 5, 1),
      layer("h.2", 6, 1),
      layer("idle", 0, 4),
    ]);
    expect(kernelsPerLayer(root)).toEqual([
      { path: "encoder.block", layers: 2, kernels: 4 },
      { path: "h", layers: 2, kernels: 5 },
      { path: "h", layers: 1, kernels: 6 },
    ]);
  });
});

describe("trafo explain FILE", () => {
  const words = ["explain", "tiny.trafo", "--checkpoint", "m"];

  it("prints formulas, or numbers for sizes", async () => {
    const formulas = await trafo(words);
    expect([formulas.status, formulas.err]).toEqual([0, ""]);
    expect(formulas.out).toContain("Tiny: 6 parameters in 1 tensor\n\nforward(ids: i32[B, T], mask?: i32[B, T])");
    expect(formulas.out).toContain("14·B·T");
    expect(formulas.out).toMatch(/tiny\.trafo:7 .*x @ table\.T/);
    const numbers = await trafo([...words, "--size", "B=1,T=10"]);
    expect(numbers.out).toMatch(/FLOPs +140 FLOP\n/);
    expect(numbers.out).not.toContain("B·T");
    const part = await trafo([...words, "--size", "B=3"]);
    expect(part.out).toContain("42·T");
  });
  it("gives JSON", async () => {
    const { out } = await trafo([...words, "--json", "--size", "T=10"]);
    const { model, parameters, sizes, entries, errors } = JSON.parse(out);
    expect({ model, parameters, sizes, errors }).toEqual({ model: "Tiny", parameters: 6, sizes: { T: 10 }, errors: 0 });
    expect(entries[0].flops).toBe("140*B");
    expect(entries[0].layers.parts).toEqual([]);
    const all = JSON.parse((await trafo([...words, "--json", "--size", "B=1,T=10"])).out);
    expect(all.entries[0].flops).toBe(140);
    expect(all.entries[0].intensity).toBeGreaterThan(0);
    expect(all.entries[0].memory.outputs).toBe(120);
  });
  it("compares values of a size", async () => {
    const { out, err } = await trafo([...words, "--size", "B=1", "--over", "T=1,4,16"]);
    expect(err).toBe("");
    expect(out).toMatch(/^ +T +FLOPs +bytes moved +FLOP\/byte +arena +outputs +memory in all\n/m);
    expect(out).toMatch(/^ +4 +56 FLOP /m);
    expect(out.match(/^ +\d+ .*FLOP/gm)).toHaveLength(3);
    const json = JSON.parse((await trafo([...words, "--size", "B=1", "--over", "T=1,4", "--json"])).out);
    expect(json.entries[0].over.map((row: { T: number; flops: number }) => [row.T, row.flops])).toEqual([
      [1, 14],
      [4, 56],
    ]);
    expect((await trafo([...words, "--over", "T=1,99"])).err).toContain("E0611");
    expect((await trafo([...words, "--over", "Q=1"])).err).toContain("E0611");
    expect((await trafo([...words, "--over", "T"])).err).toContain("--over T=128");
  });
  it("says what is wrong", async () => {
    expect((await trafo([...words, "--size", "Q=1"])).err).toContain("E0611");
    expect((await trafo([...words, "--size", "T=17"])).err).toContain("T is 17, and must be from 0 to 16");
    expect((await trafo(["explain", "none.trafo"])).err).toContain("E0601");
    expect((await trafo(["explain", "tiny"], tinyFiles)).err).toContain("E0609");
  });
});
