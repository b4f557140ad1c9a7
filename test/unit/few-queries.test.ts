/** Attention of few queries: computed by the kernel that reads them, whose lanes share keys, with few enough buffers. */
import { describe, expect, it } from "vitest";
import { interpret } from "../../src/interpreter/graph.js";
import { interpretPlan } from "../../src/interpreter/kernel-plan.js";
import { assertKernel, kernelsOf, printKernel } from "../../src/ir/kernel/index.js";
import { lowerGraph } from "../../src/lower/index.js";
import { checkPlan, planGraph } from "../../src/memory/index.js";
import { optimizeGraph, passes } from "../../src/passes/index.js";
import {
  scheduledForWgsl,
  scheduleGraph,
  vectorsAsOne,
  type WgslPolicy,
  wgslPolicy,
} from "../../src/schedule/index.js";
import { variantPlans } from "../backends/wgsl-support.js";
import { program } from "../support/program.js";
import { Random } from "../support/random.js";
import { randomTensor } from "../support/random-graph-run.js";

const [K, H, D] = [12, 2, 6];

const weights = { w: [K, H * D], a: [K], b: [K], c: [H * D] } as const;

/** A graph of one position that attends to S others. @param query an expression over x, w, a, b and c */
function attending(query: string, keys = "k") {
  const used = Object.entries(weights).filter(([name]) => new RegExp(`\\b${name}\\b`).test(query));
  const text = `import std: attention, merge_heads, split_heads
model M() {
${used.map(([name, shape]) => `  param ${name}: [${shape.join(", ")}]`).join("\n")}
  entry forward(x: [B <= 4, 1, ${K}], k: [B, ${H}, S, ${D}], v: [B, ${H}, S, ${D}], mask: bool[B, 1, 1, S]) -> (y: [B, ${H}, 1, ${D}]) {
    let q = ${query}
    attention(split_heads(q, ${H}), ${keys}, v, mask)
  }
}
`;
  return program(text).program.entries[0]!;
}

function lowered(graph: ReturnType<typeof attending>, mostBuffers = 8, areApart = false) {
  const remarks: string[] = [];
  const { graph: made, reports } = optimizeGraph(graph, passes, { mostBuffers, fewRows: { most: 4, areApart } });
  for (const each of reports)
    if (each.pass === "prologues") remarks.push(...each.remarks.map(({ message }) => message));
  return { lowered: vectorsAsOne(lowerGraph(made), mostBuffers), remarks };
}

/** Small tiles, so that few keys have several, and tails. */
const small: WgslPolicy = { ...wgslPolicy, fewQueries: { keys: 8, lanes: 4, sharedBytes: 1024 } };

function check(graph: ReturnType<typeof attending>, policy: WgslPolicy, mostBuffers = 8) {
  const made = scheduleGraph(lowered(graph, mostBuffers).lowered, (kernel) => scheduledForWgsl(kernel, policy));
  for (const { kernel } of made.calls) for (const each of kernelsOf(kernel)) assertKernel(each, "the schedule");
  const plan = planGraph(made, { inPlace: false });
  for (const [B, S] of [
    [1, 1],
    [3, 7],
    [2, 8],
    [1, 9],
    [2, 0],
    [0, 3],
    [1, 37],
  ] as const) {
    const random = new Random(7 * B + S);
    const shapes = { x: [B, 1, K], k: [B, H, S, D], v: [B, H, S, D] };
    const inputs = new Map(Object.entries(shapes).map(([name, shape]) => [name, randomTensor(random, "f32", shape)]));
    const seen = randomTensor(random, "bool", [B, 1, 1, S]);
    // The first sequence has nothing to look at.
    if (B > 1) for (let at = 0; at < S; at++) seen.data[at] = 0;
    inputs.set("mask", seen);
    const given = Object.fromEntries(
      Object.entries(weights).map(([name, shape]) => [name, randomTensor(new Random(3), "f32", [...shape])]),
    );
    const options = { inputs, weights: (name: string) => given[name]!, sizes: { B, S }, precision: "f32" } as const;
    const expected = interpret(graph, options).outputs.y!;
    expect(checkPlan(plan, ({ name }) => (name === "B" ? B : S))).toEqual([]);
    for (const [name, each] of variantPlans(plan)) {
      const found = interpretPlan(each, options).y!;
      for (const [at, value] of expected.data.entries()) {
        expect(found.data[at], `${name}, ${B} of ${S}, at ${at}`).toBeCloseTo(Number(value), 4);
      }
    }
  }
  return made;
}

describe("an attention of few queries", () => {
  it.each([
    "x @ w",
    "x @ w + c",
    "(x / sqrt(mean(x * x) + 1e-5) * a) @ w",
    "((x - mean(x)) / sqrt(mean((x - mean(x)) ** 2) + 1e-5) * a + b) @ w + c",
  ])("computes %s itself, in tiles of keys that lanes share", (query) => {
    const made = check(attending(query), small);
    expect(made.calls).toHaveLength(1);
    const text = printKernel(made.calls[0]!.kernel);
    expect(text).toContain("alloc query: f32[6] workgroup");
    check(attending(query), wgslPolicy);
  });

  it("has queries of a kernel of their own where keys are made of them", () => {
    const own = (graph: ReturnType<typeof attending>, areApart = false) => lowered(graph, 8, areApart).lowered.calls;
    expect(own(attending("x @ w"))).toHaveLength(1);
    expect(own(attending("x @ w"), true)).toHaveLength(1);
    expect(own(attending("x @ w", "k + split_heads(q, 2)")).length).toBeGreaterThan(1);
  });

  it("binds vectors that are known at load as one, and has fewer queries of its own where that is too many", () => {
    const graph = attending("((x - mean(x)) / sqrt(mean((x - mean(x)) ** 2) + 1e-5) * a + b) @ w + c");
    // x, a, b, w, c, k, v, mask and y: as many lie in one as are too many, the shortest first.
    expect(lowered(graph, 9).lowered.calls[0]!.reads).toHaveLength(8);
    for (const most of [8, 7, 6]) {
      const { calls, prepare } = lowered(graph, most).lowered;
      expect([calls.length, calls[0]!.reads.length, prepare.length]).toEqual([1, most - 1, 1]);
      expect(prepare[0]!.reads).toHaveLength(10 - most);
    }
    check(graph, small, 8);
    check(graph, small, 6);
    const { lowered: fewer, remarks } = lowered(graph, 5);
    expect(fewer.calls.length).toBeGreaterThan(1);
    expect(remarks.join()).toContain("too many buffers");
  });
});
