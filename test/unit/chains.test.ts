/** Small kernels of one row after another, as one, and as part of the products that read what they give. */
import { describe, expect, it } from "vitest";
import { interpret } from "../../src/interpreter/graph.js";
import { interpretPlan } from "../../src/interpreter/kernel-plan.js";
import { assertKernel } from "../../src/ir/kernel/index.js";
import { lowerGraph } from "../../src/lower/index.js";
import { checkPlan, planGraph } from "../../src/memory/index.js";
import { optimizeGraph, passes } from "../../src/passes/index.js";
import { chainedForWgsl, scheduledForWgsl, scheduleGraph, wgslPolicy } from "../../src/schedule/index.js";
import { variantPlans } from "../backends/wgsl-support.js";
import { program } from "../support/program.js";
import { Random } from "../support/random.js";
import { randomTensor } from "../support/random-graph-run.js";

interface How {
  readonly areApart?: boolean;
  readonly mostArguments?: number;
  readonly mostBuffers?: number;
}

/** The names of a program's kernels with and without those that are run as one, and whether all give the same. */
function run(text: string, { areApart = false, mostArguments = 8, mostBuffers = 8 }: How = {}) {
  const graph = program(text).program.entries[0]!;
  const few = { fewRows: { most: 4, areApart }, mostBuffers };
  const lowered = { ...lowerGraph(optimizeGraph(graph, passes, few).graph), isShort: true, areApart };
  const together = chainedForWgsl(lowered, wgslPolicy, mostArguments);
  const made = scheduleGraph(together, (kernel) => scheduledForWgsl(kernel, wgslPolicy));
  for (const { kernel } of made.calls) assertKernel(kernel, "chains");
  const random = new Random(5);
  const rows = graph.sizes.length > 0 ? 3 : 0;
  const tensors = new Map<string, ReturnType<typeof randomTensor>>();
  const tensorOf = (name: string, shape: readonly number[]) => {
    if (!tensors.has(name)) tensors.set(name, randomTensor(random, "f32", shape));
    return tensors.get(name)!;
  };
  const numbers = (name: string): readonly number[] =>
    text
      .match(new RegExp(`\\b${name}: \\[([^\\]]*)\\]`))![1]!
      .split(",")
      .map((each) => (/^\s*\d+\s*$/.test(each) ? Number(each) : rows));
  const inputs = new Map([["x", tensorOf("x", numbers("x"))]]);
  const weights = (name: string) => tensorOf(name, numbers(name));
  const options = { inputs, weights, sizes: rows > 0 ? { B: rows } : {}, precision: "f32" } as const;
  const expected = interpret(graph, options).outputs;
  const plan = planGraph(made, { inPlace: false });
  expect(checkPlan(plan, () => rows)).toEqual([]);
  for (const each of variantPlans(plan).values()) {
    const found = interpretPlan(each, options);
    for (const [name, { data }] of Object.entries(expected)) {
      for (const [at, value] of data.entries()) expect(found[name]!.data[at]).toBeCloseTo(Number(value), 3);
    }
  }
  return [lowered, made].map(({ calls }) => calls.map(({ kernel }) => kernel.name));
}

const experts = (E: number, k: number, rows = "B <= 4, ") => `import std: gated_experts
model M() {
  param gate: [${E}, 12]
  param up: [${E}, 20, 12]
  param wide: [${E}, 20, 12]
  param down: [${E}, 12, 20]
  entry forward(x: [${rows}12]) -> (y: [${rows === "" ? "" : "B, "}12]) {
    let n = x / sqrt(mean(x * x) + 1e-5)
    let (share, chosen) = topk(softmax(n @ gate.T), ${k})
    x + gated_experts(n, chosen, share / sum(share), up, wide, down)
  }
}
`;

describe("what chooses experts", () => {
  it.each([
    [8, 2],
    [1, 1],
    [5, 5],
    [67, 1],
    [128, 8],
  ])("of %i the best %i, is computed by the products that read it", (E, k) => {
    const [apart, together] = run(experts(E, k));
    expect(apart!.length).toBeGreaterThan(5);
    expect(together).toEqual(["normalise_matmul", "normalise_einsum_bias", "einsum_residual"]);
  });

  it("is at most one kernel of one row without an axis of rows", () => {
    const [, together] = run(experts(8, 2, ""));
    expect(together!.length).toBeLessThanOrEqual(4);
  });

  it("is one kernel where the products would do too much, or have too many buffers", () => {
    expect(run(experts(256, 3))[1]!.length).toBe(4);
    expect(run(experts(8, 2), { mostArguments: 4 })[1]!.length).toBe(4);
    expect(run(experts(8, 2, ""), { mostArguments: 4 })[1]!.length).toBe(4);
  });

  it("leaves shares to what sums up, where the kernel that weighed had too many buffers to normalise its rows", () => {
    const text = experts(8, 2).replace("  entry", "  param scale: [12]\n  entry").replace("+ 1e-5)", "+ 1e-5) * scale");
    const folded = ["normalise_matmul", "normalise_einsum_bias", "einsum_residual"];
    expect(run(text)[1]).toEqual(folded);
    expect(run(text, { mostBuffers: 6 })[1]).toEqual(folded);
    expect(run(text, { mostBuffers: 5 })[1]!.length).toBeGreaterThan(3);
  });

  it("is computed by one lane for each row where lanes share nothing", () => {
    const [apart, together] = run(experts(8, 2), { areApart: true });
    expect(together!.length).toBe(apart!.length - 2);
    expect(run(experts(8, 2, ""), { areApart: true })[1]!.length).toBe(together!.length);
  });
});
