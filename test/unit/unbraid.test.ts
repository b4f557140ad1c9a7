/** Columns that take turns and sums of weighed products, in a form that fewer kernels compute. */
import { describe, expect, it } from "vitest";
import { interpret } from "../../src/interpreter/graph.js";
import { firedRules, optimizeGraph, passes, storageOf } from "../../src/passes/index.js";
import { program } from "../support/program.js";
import { Random } from "../support/random.js";
import { randomTensor } from "../support/random-graph-run.js";

const few = { fewRows: { most: 4, areApart: false }, mostBuffers: 8, verify: true } as const;

/** The rules of the pass that fired, where what the program computes is what it was. */
function fired(body: string, options: object = few): readonly string[] {
  const text = `model M() {
  param w: [3, 8, 12] as "w"
  param b: [3, 12] as "b"
  param v: [3, 6, 8] as "v"
  param c: [3, 8] as "c"
  entry forward(x: [B <= 4, 8], a: i32[B, 2], s: [B, 2]) -> (y: [B, 8]) {
    ${body}
  }
}
`;
  const lines = text
    .split("\n")
    .filter((line) => !/param (\w):/.test(line) || new RegExp(`\\b${line.match(/param (\w)/)![1]}\\[a\\]`).test(body));
  const graph = program(lines.join("\n")).program.entries[0]!;
  const { graph: made, reports } = optimizeGraph(graph, passes, options);
  const random = new Random(3);
  const tensor = (shape: readonly number[]) => randomTensor(random, "f32", shape);
  const shapes: Readonly<Record<string, readonly number[]>> = { w: [3, 8, 12], b: [3, 12], v: [3, 6, 8], c: [3, 8] };
  const held = new Map(Object.entries(shapes).map(([name, shape]) => [name, tensor(shape)]));
  const chosen = { data: Int32Array.from([0, 2, 1, 1, 2, 0]), shape: [3, 2], element: "i32" as const };
  const all = new Map([
    ["x", tensor([3, 8])],
    ["a", chosen],
    ["s", tensor([3, 2])],
  ]);
  const inputs = new Map(
    [...all].filter(([name]) => graph.nodes.some((node) => node.operator === "input" && node.attributes.name === name)),
  );
  const given = { inputs, weights: (name: string) => held.get(name)!, sizes: { B: 3 }, precision: "f64" } as const;
  const [before, after] = [graph, made].map((each) => [...interpret(each, given).outputs.y!.data]);
  for (const [at, value] of after!.entries()) expect(value).toBeCloseTo(Number(before![at]), 6);
  return firedRules(reports).flatMap(([rule]) => (rule.startsWith("unbraid") ? [rule.split(": ")[1]!] : []));
}

const turns = (f: string, c = "c b a f"): string => `let z = einsum("b d, b a d f -> b a f", x, w[a]) + b[a]
    let (g, u) = rearrange(z, "b a (f c) -> ${c}", c = 2)
    let h = ${f}
    `;
const down = `let y = einsum("b a f, b a f d -> b a d", h, v[a]) + c[a]
    einsum("b a d, b a -> b d", y, s)`;
const both = ["columns that take turns", "a sum of what is weighed"];

describe("unbraid", () => {
  it("takes gates and values in turns, and weighs what goes down", () => {
    expect(fired(turns("tanh(g) * minimum(u + 1, 0.5)") + down)).toEqual(both);
  });

  it("is for few rows whose lanes share them", () => {
    expect(fired(turns("tanh(g) * u") + down, { ...few, fewRows: null })).toEqual([]);
    expect(fired(turns("tanh(g) * u") + down, { ...few, fewRows: { most: 4, areApart: true } })).toEqual([]);
  });

  it("takes turns of what is chosen of numbers of few bits, but none of a product, whose numbers lie several in a word", () => {
    const weights = storageOf("int8", { unit: "word", integers: false });
    expect(fired(turns("tanh(g) * u") + down, { ...few, weights })).toEqual(both);
    const text = `model M() {
  param w: [16, 32]
  entry forward(x: [B <= 4, 16]) -> (y: [B, 16]) {
    let (g, u) = rearrange(x @ w, "b (f c) -> c b f", c = 2)
    tanh(g) * u
  }
}
`;
    const graph = program(text).program.entries[0]!;
    const rules = (options: object) => firedRules(optimizeGraph(graph, passes, options).reports).map(([rule]) => rule);
    expect(rules(few)).toContain("unbraid: columns that take turns");
    expect(rules({ ...few, weights })).not.toContain("unbraid: columns that take turns");
  });

  it("leaves turns that do not meet element by element", () => {
    const sum = "let h = g * sum(u)\n    ";
    expect(fired(turns("0 * g").replace("let h = 0 * g\n    ", sum) + down)).toEqual(both.slice(1));
    expect(fired(`${turns("tanh(g) * u")}h = h + z[:, :, :6]\n    ${down}`)).toEqual(both.slice(1));
  });

  it("weighs what is summed or not, but nothing that is read elsewhere, or weighed by more than rows are", () => {
    const kept = down.replace("b a -> b d", "b a -> b a d").replace('einsum("b a d', 'sum(einsum("b a d');
    expect(fired(`${turns("tanh(g) * u")}${kept}, axis = 1, keep = false)`)).toEqual(both);
    expect(fired(`${turns("tanh(g) * u") + down} + sum(y, axis = 1, keep = false)`)).toEqual(both.slice(0, 1));
    expect(
      fired(
        turns("tanh(g) * u") + down.replace('einsum("b a d, b a -> b d", y, s)', 'einsum("b a d, b d -> b d", y, x)'),
      ),
    ).toEqual(both.slice(0, 1));
  });
});
