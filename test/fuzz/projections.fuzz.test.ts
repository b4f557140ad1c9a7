/**
 * Random products of one value, merged or not, in all layouts of weights and with all that may follow: the same numbers.
 *
 * FUZZ_GRAPHS sets how many, FUZZ_SEED the first seed; a failure names its seed.
 */
import { expect, test } from "vitest";
import { interpret } from "../../src/interpreter/graph.js";
import { type Graph, GraphBuilder, scalar, type ValueId } from "../../src/ir/graph/index.js";
import { lowerGraph } from "../../src/lower/index.js";
import { checkPlan, planGraph } from "../../src/memory/index.js";
import { optimizeGraph, passes } from "../../src/passes/index.js";
import { type Size, SizeVariable, size } from "../../src/sizes/index.js";
import { Random } from "../support/random.js";
import { randomRun } from "../support/random-graph-run.js";
import { difference, randomPlanDifference } from "./lower-comparison.js";

const first = Number(process.env.FUZZ_SEED ?? 1);
const count = Number(process.env.FUZZ_GRAPHS ?? 60);
const timeout = 600_000 + count * 500;
const seeds = Array.from({ length: count }, (_, i) => first + i);

/** The forms of a product: labels of x, of the weight, of the result, and where the columns are in the weight. */
const forms = [
  { x: [0, 1, 2], w: [2, 3], out: [0, 1, 3], column: 1 },
  { x: [0, 1, 2], w: [3, 2], out: [0, 1, 3], column: 0 },
  { x: [0, 1, 2], w: [4, 2, 3], out: [0, 4, 1, 3], column: 2 },
  { x: [0, 1, 2], w: [3, 2], out: [0, 3, 1], column: 0 },
] as const;

function products(seed: number): Graph {
  const random = new Random(seed);
  const T = new SizeVariable("T", 0, 16);
  const g = new GraphBuilder("forward", [T]);
  const x = g.emit("input", [], { name: "x", element: "f32", shape: [size(2), size(T), size(5)], fill: null });
  const weight = (name: string, shape: readonly Size[]): ValueId =>
    g.emit("weight", [], { name, element: random.chance(0.2) ? "f16" : "f32", shape, sources: [[name]] });
  const asFloat = (value: ValueId): ValueId =>
    g.typeOf(value).element === "f32" ? value : g.emit("cast", [value], { to: "f32" });
  const form = random.of(forms);
  const extent = new Map([
    [2, 5],
    [4, 2],
  ]);
  const made = Array.from({ length: 2 + random.below(4) }, (_, i) => {
    const columns = 1 + random.below(6);
    const shape = form.w.map((label, axis) => size(axis === form.column ? columns : extent.get(label)!));
    const w = asFloat(weight(`h.${i}.w`, shape));
    const flipped = random.chance(0.2);
    let y = g.emit("einsum", flipped ? [w, x] : [x, w], {
      inputs: flipped ? [form.w, form.x] : [form.x, form.w],
      output: form.out,
    });
    const column = form.out.indexOf(3);
    const tail = Array.from({ length: form.out.length - column }, (_, axis) => size(axis === 0 ? columns : 1));
    for (let steps = random.below(4); steps > 0; steps--) {
      const operator = random.of(["add", "mul", "sub", "div"] as const);
      const number = random.chance(0.5);
      const operand = number ? scalar(g, 0.5 + random.below(3), "f32") : asFloat(weight(`h.${i}.b${steps}`, tail));
      const swapped = random.chance(0.3);
      if (operator === "div" && (!number || swapped)) continue;
      y = g.emit(operator, swapped ? [operand, y] : [y, operand], {});
    }
    return random.chance(0.2) ? g.emit("tanh", [y], {}) : y;
  });
  const axis = form.out.indexOf(1);
  const outputs = made.map((value, i) => {
    const name = `y${i}`;
    return random.chance(0.15) ? { name, value } : { name, value: g.emit("cumsum", [value], { axis }) };
  });
  return g.finish(outputs);
}

test("merging products of one value changes no number", { timeout }, () => {
  let fired = 0;
  for (const seed of seeds) {
    const graph = products(seed);
    const optimized = optimizeGraph(graph, passes, { verify: true });
    fired += optimized.reports
      .flatMap(({ remarks }) => remarks)
      .filter((each) => each.kind === "fired" && each.rule === "products of one value").length;
    const without = optimizeGraph(graph, passes, { without: ["projections"] }).graph;
    // Where a kernel has few buffers, weights are joined in steps.
    const narrow = optimizeGraph(graph, passes, { verify: true, mostBuffers: 3 }).graph;
    for (const { operator, operands } of narrow.nodes) {
      if (operator === "concat") expect(operands.length).toBeLessThanOrEqual(2);
    }
    const plan = planGraph(lowerGraph(optimized.graph));
    for (const T of [0, 1, 7]) {
      const run = randomRun(graph, seed, { sizes: { T } });
      const where = `seed ${seed}, T ${T}`;
      expect(
        checkPlan(plan, () => T),
        where,
      ).toEqual([]);
      const expected = interpret(graph, { ...run, precision: "f64" }).outputs;
      for (const other of [optimized.graph, narrow, without]) {
        const actual = interpret(other, { ...run, precision: "f64" }).outputs;
        // Numbers that nothing in f64 has met, such as 1 / 3 of two constants, are rounded to f32.
        expect(difference(actual, expected, 1e-6), where).toBeNull();
      }
      expect(randomPlanDifference(optimized.graph, plan, run), where).toBeNull();
    }
  }
  if (count >= 40) expect(fired).toBeGreaterThan(count / 4);
});
