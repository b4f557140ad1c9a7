/**
 * The kernels of derived steps, interpreted in the memory of a session: rows appended in place, rings, running sums, rows read
 * back, and what is computed once. They give what the interpreter of Graphs gives for the whole entry.
 */
import { expect, test } from "vitest";
import { type Derived, derive, oneStep } from "../../src/incremental/index.js";
import { interpret } from "../../src/interpreter/graph.js";
import { interpretPlan } from "../../src/interpreter/kernel-plan.js";
import type { Tensor } from "../../src/interpreter/tensor.js";
import type { Graph } from "../../src/ir/graph/index.js";
import { verifyKernel } from "../../src/ir/kernel/index.js";
import type { Plan } from "../../src/ir/plan/plan.js";
import { lowerGraph } from "../../src/lower/index.js";
import { checkPlan, planGraph } from "../../src/memory/index.js";
import { optimizeGraph, passes } from "../../src/passes/index.js";
import { rowsOfTensor } from "../support/incremental.js";
import { program } from "../support/program.js";
import { Random } from "../support/random.js";
import { randomTensor } from "../support/random-graph-run.js";

const width = 4;
const programs: Readonly<Record<string, string>> = {
  "all of the past": "softmax(where(causal_mask(T), x @ x.T, -inf)) @ tanh(x)",
  "a window": "softmax(where(window_mask(T, 4), x @ x.T, -inf)) @ tanh(x)",
  "a window over heads": `let h = split_heads(tanh(x), 2)
    merge_heads(softmax(where(window_mask(T, 3), h @ h.T, -inf)) @ h)`,
  "a running sum": "cumsum(x, axis = 1) * 0.5 + x",
  "rows read back": "[b: B, t: T, k: width] => if t < 3 then x[b, t, k] else x[b, t - 3, k] + x[b, t - 1, k]",
  "what is computed once": "softmax(x @ tanh(memory).T) @ tanh(memory)",
  "a running sum beside angles of positions": "cumsum(x, axis = 1) + x * (([t: T, k: 1] => cos(0.3 * t)))",
  "all at once": `let s = cumsum(softmax(where(window_mask(T, 3), x @ x.T, -inf)) @ x, axis = 1)
    let y = softmax(where(causal_mask(T), x @ s.T, -inf)) @ s + softmax(x @ memory.T) @ memory
    [b: B, t: T, k: width] => if t < 1 then y[b, t, k] else y[b, t - 1, k]`,
};

function entryOf(body: string): Graph {
  const std = ["causal_mask", "window_mask", "split_heads", "merge_heads"].filter((name) => body.includes(name));
  const text = `${std.length > 0 ? `import std: ${std.join(", ")}\n\n` : ""}model M(width: int = ${width}) {
  entry forward(x: [B, T <= 16, width]${body.includes("memory") ? ", memory: [B, S, width]" : ""}) incremental T -> (y: [B, T, width]) {
    ${body}\n  }\n}\n`;
  return program(text).program.entries[0]!;
}

const sizes = { B: 2, S: 3, C: 13 };

function planOf(graph: Graph, { states, sizes: step }: Derived, optimize: boolean): Plan {
  const optimized = optimize ? optimizeGraph(graph, passes, { verify: true }).graph : graph;
  const lowered = lowerGraph(optimized, { states, ...step });
  for (const { kernel } of lowered.calls) expect(verifyKernel(kernel)).toEqual([]);
  const plan = planGraph(lowered);
  for (const [past, count] of [
    [0, 13],
    [5, 1],
    [12, 1],
  ] as const) {
    const all: Readonly<Record<string, number>> = { ...sizes, P: past, N: count };
    expect(checkPlan(plan, ({ name }) => all[name]!)).toEqual([]);
  }
  return plan;
}

test.each(Object.entries(programs))("%s", (_, body) => {
  const entry = entryOf(body);
  const derived = derive(entry, "T");
  const random = new Random(3);
  const [x, memory] = [randomTensor(random, "f32", [2, 13, width]), randomTensor(random, "f32", [2, 3, width])];
  const takes = (plan: { readonly buffers: Plan["buffers"] }, name: string) =>
    plan.buffers.some(({ place }) => place.kind === "input" && place.name === name);
  const hasMemory = body.includes("memory");
  const weights = () => x;
  const given = new Map([["x", x], ...(hasMemory ? ([["memory", memory]] as const) : [])]);
  const whole = interpret(entry, { inputs: given, precision: "f32" }).outputs.y!;
  for (const optimize of [false, true]) {
    const one = oneStep(derived, "one", 2);
    const [step, last] = [derived.step, derived.last].map((graph) => planOf(graph, derived, optimize));
    const single = planOf(one.graph, { ...derived, states: one.states }, optimize);
    const states = new Map<string, Tensor>();
    const run = (plan: Plan, inputs: ReadonlyMap<string, Tensor>, past: number, count: number) =>
      interpretPlan(plan, { inputs, weights, sizes: { ...sizes, P: past, N: count }, precision: "f32", states });
    if (derived.begin !== null) run(planOf(derived.begin, derived, optimize), new Map([["memory", memory]]), 0, 1);
    let past = 0;
    for (const count of [5, 1, 1, 1, 3, 1, 1]) {
      // A step of one position in its own program, and between those of several.
      const plan = past === 5 ? last! : count === 1 && past !== 7 ? single : step!;
      const rows = rowsOfTensor(x, 1, past, past + count);
      const { y } = run(plan, new Map(takes(plan, "x") ? [["x", rows]] : []), past, count);
      past += count;
      const expected = rowsOfTensor(whole, 1, past - y!.shape[1]!, past);
      expect(y!.shape).toEqual(expected.shape);
      for (let i = 0; i < y!.data.length; i++) expect(y!.data[i], `${i} at ${past}`).toBeCloseTo(expected.data[i]!, 5);
    }
    expect(past).toBe(13);
  }
});

test("rows are appended and written to rings without a copy of what is there", () => {
  for (const name of ["all of the past", "a window"]) {
    const derived = derive(entryOf(programs[name]!), "T");
    const optimized = optimizeGraph(derived.step, passes).graph;
    const { calls, buffers } = lowerGraph(optimized, { states: derived.states, ...derived.sizes });
    const writers = calls.filter(({ writes }) => buffers[writes[0]!]!.home.kind === "state");
    expect(writers.map(({ kernel }) => kernel.name)).toEqual(
      name === "a window" ? ["ring", "ring"] : ["append", "append"],
    );
    for (const { reads } of writers) expect(reads.filter((id) => buffers[id]!.home.kind === "state")).toEqual([]);
  }
});

test("of one position, a ring is read where it lies, with the new row in its slot", () => {
  const derived = derive(entryOf(programs["a window over heads"]!), "T");
  const { graph, states } = oneStep(derived, "one", 2);
  const { calls, buffers } = lowerGraph(optimizeGraph(graph, passes).graph, { ...derived.sizes, states });
  expect(calls.map(({ kernel }) => kernel.name)).not.toContain("concat");
  const kept = (ids: readonly number[]) => ids.filter((id) => buffers[id]!.home.kind === "state").length;
  expect(calls.reduce((sum, { writes }) => sum + kept(writes), 0)).toBe(states.length);
  expect(calls.some(({ reads }) => kept(reads) === states.length)).toBe(true);
});
