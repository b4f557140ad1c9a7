/**
 * Random graphs: they verify, print and read back, rebuild to themselves, and their f32 and f64 interpretations agree.
 *
 * The strong check of rounding is per node: the operator alone, in f64 on the very operands of the f32 run, and then
 * rounded once, must give the f32 result to the last bit.
 */
import { describe, expect, test } from "vitest";
import { SourceFile } from "../../src/diagnostics/index.js";
import { interpret } from "../../src/interpreter/graph.js";
import type { Tensor } from "../../src/interpreter/tensor.js";
import { GraphBuilder } from "../../src/ir/graph/builder.js";
import type { Graph, ValueId } from "../../src/ir/graph/graph.js";
import { operatorNames } from "../../src/ir/graph/infer.js";
import type { OperatorName } from "../../src/ir/graph/operators.js";
import { parseGraph } from "../../src/ir/graph/parser.js";
import { printGraph } from "../../src/ir/graph/printer.js";
import { emitNode, rebuild } from "../../src/ir/graph/rebuild.js";
import { roundTo } from "../../src/ir/graph/rounding.js";
import { verifyGraph } from "../../src/ir/graph/verifier.js";
import { randomGraph } from "../support/random-graph.js";
import { type RandomRun, randomRun } from "../support/random-graph-run.js";

const seeds = Array.from({ length: 300 }, (_, seed) => seed);

describe("random graphs", () => {
  test.each([false, true])("are sound and come back from text and from the builder (smooth: %s)", (smooth) => {
    for (const seed of seeds) {
      const graph = randomGraph(seed, { smooth });
      expect(verifyGraph(graph), `seed ${seed}`).toEqual([]);
      const text = printGraph(graph);
      expect(printGraph(parseGraph(new SourceFile("dump", text))), `seed ${seed}`).toBe(text);
      expect(printGraph(rebuild(graph)), `seed ${seed}`).toBe(text);
    }
  });

  test("hold every operator", () => {
    const seen = new Set<OperatorName>();
    for (const seed of seeds) for (const node of randomGraph(seed).nodes) seen.add(node.operator);
    expect([...operatorNames].filter((name) => !seen.has(name))).toEqual([]);
  });

  test("use only the operators and elements that they may", () => {
    for (const seed of seeds.slice(0, 50)) {
      const graph = randomGraph(seed, { elements: [], operators: ["add", "exp", "lt", "where", "take", "argmax"] });
      for (const { value } of graph.outputs) expect(graph.types[value]!.element, `seed ${seed}`).toBe("f32");
    }
  });

  test.each([false, true])("round each result once (special values: %s)", (special) => {
    for (const seed of seeds) {
      const graph = randomGraph(seed);
      const run = randomRun(graph, seed, { special });
      const values: Tensor[] = [];
      interpret(graph, { ...run, precision: "f32", trace: (_, value) => values.push(value) });
      for (const id of graph.nodes.keys()) expectRoundedOnce(graph, id as ValueId, values, run, `seed ${seed}, %${id}`);
    }
  });

  test("smooth ones change little between f32 and f64", () => {
    for (const seed of seeds) {
      const graph = randomGraph(seed, { smooth: true, elements: ["i32", "bool"] });
      const run = randomRun(graph, seed);
      const [f32, f64] = (["f32", "f64"] as const).map((precision) => interpret(graph, { ...run, precision }).outputs);
      for (const { name } of graph.outputs) {
        const [a, b] = [f32![name]!, f64![name]!];
        for (let i = 0; i < b.data.length; i++) {
          const [x, y] = [a.data[i]!, b.data[i]!];
          const agree = Object.is(x, y) || x === y || Math.abs(x - y) <= 1e-4 * Math.max(1, Math.abs(y));
          if (!agree) expect.fail(`seed ${seed}, ${name}[${i}]: ${x} in f32, ${y} in f64`);
        }
      }
    }
  });
});

/** Evaluates node `id` alone, on the values that the f32 run gave its operands. */
function expectRoundedOnce(graph: Graph, id: ValueId, values: readonly Tensor[], run: RandomRun, what: string): void {
  const node = graph.nodes[id]!;
  if (node.operator === "input" || node.operator === "weight") return;
  const builder = new GraphBuilder("alone", graph.sizes);
  const operands = node.operands.map((operand, i) =>
    builder.emit("input", [], { name: `x${i}`, ...graph.types[operand]!, fill: null }),
  );
  const graphAlone = builder.finish([{ name: "y", value: emitNode(builder, node, operands) }]);
  const inputs = Object.fromEntries(node.operands.map((operand, i) => [`x${i}`, values[operand]!]));
  const y = interpret(graphAlone, { inputs, sizes: run.sizes, precision: "f64" }).outputs.y!;
  const z = values[id]!;
  expect(y.shape, what).toEqual(z.shape);
  for (let i = 0; i < z.data.length; i++) {
    if (!Object.is(roundTo(z.element, y.data[i]!), z.data[i]!)) expect.fail(`${what}: ${y.data[i]} gave ${z.data[i]}`);
  }
}
