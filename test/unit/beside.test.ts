/** Kernels that do not depend on each other, run as one. */
import { describe, expect, it } from "vitest";
import { interpret } from "../../src/interpreter/graph.js";
import { interpretPlan } from "../../src/interpreter/kernel-plan.js";
import { assertKernel } from "../../src/ir/kernel/index.js";
import { lowerGraph } from "../../src/lower/index.js";
import { checkPlan, planGraph } from "../../src/memory/index.js";
import { optimizeGraph, passes } from "../../src/passes/index.js";
import { scheduledForWgsl, scheduleGraph, sideBySide, wgslPolicy } from "../../src/schedule/index.js";
import { variantPlans } from "../backends/wgsl-support.js";
import { program } from "../support/program.js";
import { Random } from "../support/random.js";
import { randomTensor } from "../support/random-graph-run.js";

/** The names of a program's kernels with and without those that are run as one, and whether all give the same. */
function run(body: string, mostArguments = 8) {
  const text = `model M() {
  param w: [70, 40]
  param v: [70, 40]
  entry forward(x: [B <= 4, 70], z: [B, 70]) -> (${[...body.matchAll(/let (\w+)/g)].map(([, name], at) => `${name}: [B, ${body.split("let ")[at + 1]!.includes("@") ? 40 : 70}]`).join(", ")}) {
    ${body}
    (${[...body.matchAll(/let (\w+)/g)].map(([, name]) => name).join(", ")})
  }
}
`;
  const used = text
    .split("\n")
    .filter((line) => !/^ {2}param/.test(line) || body.includes(`@ ${line.trim().split(/[ :]/)[1]}`))
    .join("\n");
  const graph = program(used).program.entries[0]!;
  const lowered = lowerGraph(optimizeGraph(graph, passes).graph);
  const apart = scheduleGraph(lowered, (kernel) => scheduledForWgsl(kernel, wgslPolicy));
  const together = sideBySide(apart, mostArguments);
  for (const { kernel } of together.calls) assertKernel(kernel, "beside");
  const random = new Random(5);
  const inputs = new Map(["x", "z"].map((name) => [name, randomTensor(random, "f32", [3, 70])]));
  const weight = randomTensor(random, "f32", [70, 40]);
  const options = { inputs, weights: () => weight, sizes: { B: 3 }, precision: "f32" } as const;
  const expected = interpret(graph, options).outputs;
  const plan = planGraph(together, { inPlace: false });
  expect(checkPlan(plan, () => 3)).toEqual([]);
  for (const each of variantPlans(plan).values()) {
    const found = interpretPlan(each, options);
    for (const [name, { data }] of Object.entries(expected)) {
      for (const [at, value] of data.entries()) expect(found[name]!.data[at]).toBeCloseTo(Number(value), 4);
    }
  }
  return [apart, together].map(({ calls }) => calls.map(({ kernel }) => kernel.name));
}

describe("kernels side by side", () => {
  it("are norms of different rows, as of queries and keys", () => {
    const [apart, together] = run("let a = x / sqrt(mean(x * x) + 1e-5)\n    let b = z / sqrt(mean(z * z) + 1e-5)");
    expect([apart!.length, together!.length]).toEqual([2, 1]);
  });

  it("are products of one row", () => {
    const [apart, together] = run("let a = x @ w\n    let b = tanh(x @ v)");
    expect([apart!.length, together!.length]).toEqual([2, 1]);
  });

  it("do not read what another of them writes, at any distance", () => {
    const chain = "let a = x / sqrt(mean(x * x) + 1e-5)\n    let b = a / sqrt(mean(a * x) + 1.5)";
    const [, together] = run(chain);
    expect(together!.length).toBe(2);
    const [, more] = run(`${chain}\n    let c = b + mean(b * z)`);
    expect(more!.length).toBe(3);
  });

  it("have no more buffers than are bound", () => {
    const body = "let a = x @ w\n    let b = tanh(x @ v)";
    expect([4, 5].map((most) => run(body, most)[1]!.length)).toEqual([2, 1]);
  });

  it("are of one kind: rows that lanes share stand apart from what each lane does alone", () => {
    const [, together] = run("let a = x / sqrt(mean(x * x) + 1e-5)\n    let b = tanh(z)");
    expect(together!.length).toBe(2);
  });
});
