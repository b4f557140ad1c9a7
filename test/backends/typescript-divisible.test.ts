/**
 * Run-time sizes that a number divides, through every layer: attention within windows against the same attention with a
 * mask, what is bound and what is refused by the interpreters, by emitted modules and on the command line.
 */
import { describe, expect, test } from "vitest";
import { emitTypeScript } from "../../backends/typescript/index.js";
import { interpret } from "../../src/interpreter/graph.js";
import { interpretPlan } from "../../src/interpreter/kernel-plan.js";
import { type Tensor, tensorOf } from "../../src/interpreter/tensor.js";
import type { Graph } from "../../src/ir/graph/graph.js";
import { verifyKernel } from "../../src/ir/kernel/index.js";
import { lowerGraph } from "../../src/lower/index.js";
import { checkPlan, planGraph } from "../../src/memory/index.js";
import { scheduledForTypeScript, scheduleGraph, typeScriptPolicy } from "../../src/schedule/index.js";
import { difference } from "../fuzz/lower-comparison.js";
import { program } from "../support/program.js";
import { Random } from "../support/random.js";
import { randomTensor } from "../support/random-graph-run.js";
import { trafo } from "../unit/support/cli.js";
import { fromTensor, importText, type LoadedModel, strictDiagnostics, toTensor } from "./typescript-support.js";

/** Attention of Longformer's kind: within windows of 4 cut out of the sequence, and by a mask over all of it. */
const local = `import std: Linear, attention, merge_heads, split_heads

block Windows(heads: int, window: int)(x: [B, T, D]) -> [B, T, D] {
  assert T % window == 0, "the windows are whole"
  layer qkv = Linear(3 * D)
  layer out = Linear(D)
  let (q, k, v) = split(qkv(rearrange(x, "b (n w) d -> (b n) w d", w = window)), 3)
  let y = merge_heads(attention(split_heads(q, heads), split_heads(k, heads), split_heads(v, heads)))
  out(rearrange(y, "(b n) w d -> b (n w) d", n = T / window))
}

block Masked(heads: int, window: int)(x: [B, T, D]) -> [B, T, D] {
  layer qkv = Linear(3 * D)
  layer out = Linear(D)
  let (q, k, v) = split(qkv(x), 3)
  let mask = [t: T, s: T] => t // window == s // window
  out(merge_heads(attention(split_heads(q, heads), split_heads(k, heads), split_heads(v, heads), mask)))
}

model Local(width: int = 8, context: int = 30) {
  layer windows = Windows(2, 4) as "attention"
  layer masked = Masked(2, 4) as "attention"
  entry cut(x: [B, T <= context, width]) -> (y: [B, T, width]) { windows(x) }
  entry whole(x: [B, T <= context, width]) -> (y: [B, T, width]) { masked(x) }
}
`;

/** An axis that is declared as a multiple, slices and elements of windows, and two numbers that divide one size. */
const others = `model Others() {
  entry multiple(x: [B, 4 * N <= 20, 2]) -> (y: [B, N, 2], first: [B, N, 2], odd: [B, 2 * N]) {
    let cut = rearrange(x, "b (n w) d -> b n w d", w = 4)
    (sum(cut, axis = 2, keep = false), [b: B, n: N, d: 2] => x[b, 4 * n, d], x[:, 2 * N:, 0])
  }

  entry both(a: [T], b: [S], c: [S // 6] = 1) -> (y: [T / 2], z: [T // 6], w: [T // 8]) {
    assert T == S, "one length"
    assert T % 4 == 0, "fours"
    assert S % 6 == 0, "sixes"
    let pairs = rearrange(a, "(n w) -> n w", w = 2) * rearrange(b, "(n w) -> n w", w = 2)
    (pairs[:, 0] - pairs[:, 1], c + a[0:T / 6], [n: T // 8] => a[8 * n + 7])
  }
}
`;

function weightsOf(graphs: readonly Graph[]): Map<string, Tensor> {
  const weights = new Map<string, Tensor>();
  for (const node of graphs.flatMap(({ nodes }) => nodes)) {
    if (node.operator !== "weight" || weights.has(node.attributes.name)) continue;
    const shape = node.attributes.shape.map((size) => size.terms[0]?.coefficient ?? 0);
    weights.set(node.attributes.name, randomTensor(new Random(weights.size + 1), "f32", shape));
  }
  return weights;
}

async function compiled(text: string) {
  const graphs = program(text).program.entries;
  const lowered = graphs.map((graph) => lowerGraph(graph));
  const plans = lowered.map((lowered) => planGraph(lowered));
  for (const plan of plans) for (const kernel of plan.kernels) expect(verifyKernel(kernel)).toEqual([]);
  const weights = weightsOf(graphs);
  const scheduled = lowered.map((each) =>
    planGraph(scheduleGraph(each, (kernel) => scheduledForTypeScript(kernel, typeScriptPolicy))),
  );
  const emitted = emitTypeScript({ name: "divisible", plans: scheduled });
  expect(strictDiagnostics({ "divisible.ts": emitted.typescript })).toEqual([]);
  const module = await importText(emitted.javascript);
  const given = new Map([...weights].map(([name, tensor]) => [name, toTensor(tensor)]));
  const load = (options: object = {}): Promise<LoadedModel> => module.load({ weights: given, ...options });
  return { graphs, plans, emitted, weights, load, model: await load() };
}

type Compiled = Awaited<ReturnType<typeof compiled>>;

/** What an entry gives in the graph's interpreter, which the plan's and the module are compared with. */
async function run({ graphs, plans, weights, model }: Compiled, name: string, inputs: Record<string, Tensor>) {
  const at = graphs.findIndex((graph) => graph.name === name);
  const given = new Map(Object.entries(inputs));
  const options = { inputs: given, weights: (each: string) => weights.get(each)!, precision: "f32" as const };
  const { outputs } = interpret(graphs[at]!, options);
  expect(difference(interpretPlan(plans[at]!, options), outputs, 1e-4)).toBeNull();
  const arrays = Object.fromEntries([...given].map(([input, tensor]) => [input, toTensor(tensor)]));
  const found = Object.entries(await model[name]!(arrays)).map(([output, tensor]) => [output, fromTensor(tensor)]);
  expect(difference(Object.fromEntries(found), outputs, 1e-4)).toBeNull();
  return outputs;
}

describe("attention within windows", async () => {
  const all = await compiled(local);

  test("is attention with a mask, whatever the length", async () => {
    const random = new Random(5);
    const sizes = [
      [1, 0],
      [0, 8],
      [1, 4],
      [2, 28],
    ].concat(Array.from({ length: 8 }, () => [1 + random.below(3), 4 * random.below(8)]));
    for (const [B, T] of sizes) {
      const x = randomTensor(random, "f32", [B!, T!, 8]);
      const [cut, whole] = [await run(all, "cut", { x }), await run(all, "whole", { x })];
      expect(cut.y!.shape).toEqual([B, T, 8]);
      expect(difference(cut, whole, 1e-4), `B=${B} T=${T}`).toBeNull();
    }
  });

  test("has a bound that is a multiple, and plans that hold", () => {
    const [cut, whole] = all.graphs;
    expect(cut!.sizes.map(({ name, step, max }) => [name, step, max?.terms[0]?.coefficient])).toEqual([
      ["B", 1, undefined],
      ["T", 4, 28],
    ]);
    expect(whole!.sizes[1]!.step).toBe(1);
    for (const T of [0, 4, 20]) expect(checkPlan(all.plans[0]!, ({ name }) => (name === "T" ? T : 2))).toEqual([]);
  });

  test("is read as it is written: T, and T / 4", () => {
    const { typescript } = all.emitted;
    expect(typescript).toContain('{ name: "T", min: 0, max: 28, step: 4 }');
    expect(typescript).toContain("f32[B, T, 8]; T a multiple of 4");
    expect(typescript).toMatch(/const \w+ = B \* \(\(T \/ 4\) \| 0\);/);
  });

  const zeros = (T: number) => tensorOf("f32", [1, T, 8], new Array<number>(8 * T).fill(0));
  test("refuses other lengths", async () => {
    const message = "T is 10, which is no multiple of 4";
    await expect(all.model.cut!({ x: toTensor(zeros(10)) })).rejects.toThrow(message);
    await expect(all.model.cut!({ x: toTensor(zeros(32)) })).rejects.toThrow("T is 32, but at most 28");
    await expect(all.load({ sizes: { B: 1, T: 10 } })).rejects.toThrow(message);
    (await all.load({ sizes: { B: 1, T: 12 } })).dispose();
    const options = {
      inputs: new Map([["x", zeros(10)]]),
      weights: (name: string) => all.weights.get(name)!,
      precision: "f32",
    } as const;
    expect(() => interpret(all.graphs[0]!, options)).toThrow(message);
    expect(() => interpretPlan(all.plans[0]!, options)).toThrow(message);
  });

  test("on the command line", async () => {
    const words = (command: string, ...more: string[]) =>
      trafo([command, "local.trafo", "--entry", "cut", ...more], { "local.trafo": local });
    expect((await words("check")).out).toContain(
      "cut(x: f32[B, T, 8]) -> (y: f32[B, T, 8])\n    where T <= 28, T % 4 == 0",
    );
    const sizes = JSON.parse((await words("check", "--json")).out).files[0].entries[0].sizes;
    expect(sizes[1]).toEqual({ name: "T", min: 0, max: 28, step: 4 });
    for (const target of ["typescript", "interpreter"]) {
      const made = ["--random-weights", "--target", target, "--json", "--size"];
      expect(JSON.parse((await words("run", ...made, "B=1,T=16")).out).outputs[0].shape).toEqual([1, 16, 8]);
      const refused = await words("run", ...made, "B=1,T=10");
      expect(refused.out + refused.err).toContain("T is 10, which is no multiple of 4");
    }
    const input = `x=[[${new Array<string>(6).fill("[1,1,1,1,1,1,1,1]").join(",")}]]`;
    const { err } = await words("run", "--random-weights", "--input", input);
    expect(err).toContain("error[E0711]: T is 6, which is no multiple of 4");
    const missing = await words("run", "--random-weights", "--size", "B=1");
    expect(missing.err).toContain("--size B=8,T=8");
  });
});

describe("other sizes that a number divides", async () => {
  const all = await compiled(others);

  test("an axis that is declared as a multiple", async () => {
    for (const N of [0, 1, 2, 5]) {
      const x = randomTensor(new Random(N), "f32", [2, 4 * N, 2]);
      const { y, first, odd } = await run(all, "multiple", { x });
      expect([y!.shape, first!.shape, odd!.shape]).toEqual([
        [2, N, 2],
        [2, N, 2],
        [2, 2 * N],
      ]);
      expect([...first!.data].slice(0, 2)).toEqual([...x.data].slice(0, N === 0 ? 0 : 2));
    }
    const x = (length: number) => tensorOf("f32", [1, length, 2], new Array<number>(2 * length).fill(0));
    await expect(all.model.multiple!({ x: toTensor(x(6)) })).rejects.toThrow(
      "axis 1 of x is 6, no multiple of 4: it is f32[B, 4*N, 2]",
    );
    await expect(all.model.multiple!({ x: toTensor(x(24)) })).rejects.toThrow("N is 6, but at most 5");
    await expect(all.model.multiple!({})).rejects.toThrow('multiple needs the input "x"');
    const options = { inputs: new Map([["x", x(6)]]), weights: () => x(0), precision: "f32" } as const;
    expect(() => interpret(all.graphs[0]!, options)).toThrow("axis 1 of input x has size 6, which is no multiple of 4");
    expect(() => interpretPlan(all.plans[0]!, options)).toThrow("axis 1 of x is 6, which is no multiple of 4");
  });

  test("several numbers divide one size, which two names have", async () => {
    expect(all.graphs[1]!.sizes.map(({ name, step }) => [name, step])).toEqual([["T", 12]]);
    for (const T of [0, 12, 36]) {
      const [a, b] = [1, 2].map((seed) => randomTensor(new Random(seed), "f32", [T])) as [Tensor, Tensor];
      const { y, z, w } = await run(all, "both", { a, b });
      expect([y!.shape, z!.shape, w!.shape]).toEqual([[T / 2], [T / 6], [Math.floor(T / 8)]]);
      expect(w!.data[0]).toBe(a.data[7]);
    }
  });
});
