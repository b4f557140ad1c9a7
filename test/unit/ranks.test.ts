/** The largest of few short rows by their ranks: the same indices as one after another, whatever the numbers. */
import { describe, expect, it } from "vitest";
import { interpret } from "../../src/interpreter/graph.js";
import { type Graph, GraphBuilder } from "../../src/ir/graph/index.js";
import { firedRules, optimizeGraph } from "../../src/passes/index.js";
import { ranks } from "../../src/passes/ranks.js";
import { SizeVariable, size } from "../../src/sizes/index.js";
import { Random } from "../support/random.js";

function largest(count: number, k: number, element: "f32" | "i32" = "f32", rows = 4): Graph {
  const B = new SizeVariable("B", size(0), size(rows));
  const builder = new GraphBuilder("f", [B]);
  const x = builder.emit("input", [], { name: "x", element, shape: [size(B), size(count)], fill: null });
  return builder.finish([{ name: "y", value: builder.emit("topk", [x], { k }) }]);
}

const few = { fewRows: { most: 4, areApart: false }, verify: true } as const;

describe("ranks", () => {
  const strange = [Number.NaN, 0, -0, 1, 1, -1, Infinity, -Infinity, 3e38, Number.NaN, -3e38];
  it.each([
    [1, 1],
    [2, 1],
    [2, 2],
    [7, 3],
    [11, 11],
    [64, 8],
    [256, 5],
  ])("of %i elements give the %i largest, of equals and of what is no number too", (count, k) => {
    const graph = largest(count, k);
    const { graph: made, reports } = optimizeGraph(graph, [ranks], few);
    expect(firedRules(reports)).toEqual([["ranks: largest by ranks", 1]]);
    expect(made.nodes.some(({ operator }) => operator === "topk")).toBe(false);
    const random = new Random(count);
    for (let turn = 0; turn < 8; turn++) {
      const data = Float32Array.from({ length: 4 * count }, () => {
        const at = Math.floor(random.next() * 2 * strange.length);
        return strange[at] ?? Math.fround(random.next() - 0.5);
      });
      const options = {
        inputs: new Map([["x", { data, shape: [4, count], element: "f32" as const }]]),
        weights: () => ({ data, shape: [], element: "f32" as const }),
        sizes: { B: 4 },
        precision: "f32",
      } as const;
      const [before, after] = [graph, made].map((each) => [...interpret(each, options).outputs.y!.data]);
      expect(after).toEqual(before);
    }
  });

  it("are for few short rows, and for lanes that share them", () => {
    const isLeft = (graph: Graph, options: object = few): boolean =>
      optimizeGraph(graph, [ranks], options).graph === graph;
    expect(isLeft(largest(8, 2), { fewRows: null })).toBe(true);
    expect(isLeft(largest(8, 2), { fewRows: { most: 4, areApart: true } })).toBe(true);
    const operators = (graph: Graph) => optimizeGraph(graph, [ranks], few).graph.nodes.map(({ operator }) => operator);
    expect(operators(largest(257, 2))).toContain("topk");
    expect(operators(largest(8, 2, "f32", 64))).toContain("topk");
    expect(operators(largest(8, 2, "i32"))).not.toContain("topk");
    expect(operators(largest(8, 2, "i32"))).not.toContain("ne");
  });
});
