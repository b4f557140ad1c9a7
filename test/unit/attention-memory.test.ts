/** No tensor of an attention has an element for each pair of a query and a key: memory grows with the length alone. */
import { describe, expect, test } from "vitest";
import { Compilation } from "../../src/driver/pipeline.js";
import { allStatements } from "../../src/ir/kernel/index.js";
import { type LoweredGraph, lowerGraph } from "../../src/lower/index.js";
import { planGraph } from "../../src/memory/index.js";
import { nodeFiles } from "../../src/node.js";
import { optimizeGraph, passes } from "../../src/passes/index.js";
import { Checkpoint } from "../../src/runtime/checkpoint.js";
import {
  scheduledForTypeScript,
  scheduledForWgsl,
  scheduleGraph,
  spilled,
  typeScriptPolicy,
  wgslPolicy,
} from "../../src/schedule/index.js";
import { evaluate, type Size, variablesOf } from "../../src/sizes/index.js";
import { program } from "../support/program.js";

const layer = (body: string, imports: string): string => `
import std: ${imports}

model M(heads: int = 4, width: int = 32) {
  param packed: [width, 3 * width]
  param out: [width, width]
  entry e(x: [B, T, width]) -> (y: [B, T, width]) {
    let (q, k, v) = split(x @ packed, 3)
    let (queries, keys, values) = (split_heads(q, heads), split_heads(k, heads), split_heads(v, heads))
    x + merge_heads(${body}) @ out
  }
}
`;

const files = nodeFiles();
const common = "merge_heads, split_heads";
const bodies: readonly (readonly [string, string, string])[] = [
  ["causal", "attention(queries, keys, values, causal_mask(T))", "attention, causal_mask"],
  ["window", "attention(queries, keys, values, window_mask(T, 7))", "attention, window_mask"],
  ["bare", "softmax(queries @ keys.T) @ values", ""],
  ["biased", "attention(queries, keys, values, causal_mask(T), alibi(heads, T))", "alibi, attention, causal_mask"],
  [
    "rotated",
    "attention(rope(queries, frequencies(8, 10000)), rope(keys, frequencies(8, 10000)), values, causal_mask(T))",
    "attention, causal_mask, frequencies, rope",
  ],
];

/** The highest power of T in a product of sizes. */
function powerOfT(shape: readonly Size[]): number {
  return shape.filter((each) => variablesOf(each).some(({ name }) => name === "T")).length;
}

/** How targets schedule a lowered Graph. */
const targets = {
  typescript: (lowered: LoweredGraph) =>
    scheduleGraph(lowered, (kernel) => scheduledForTypeScript(kernel, typeScriptPolicy)),
  // Arrays whose length is not known ahead are memory of the plan there.
  wgsl: (lowered: LoweredGraph) => spilled(scheduleGraph(lowered, (kernel) => scheduledForWgsl(kernel, wgslPolicy))),
};

function holdsNoPairs({ buffers, calls }: LoweredGraph): void {
  for (const { shape, name } of buffers) expect(powerOfT(shape), name).toBeLessThan(2);
  for (const { kernel } of calls) {
    for (const each of allStatements(kernel.body)) {
      if (each.kind === "alloc") expect(powerOfT(each.buffer.shape), each.buffer.name).toBeLessThan(2);
    }
  }
}

describe.each(bodies)("%s", (_, body, imports) => {
  const names = [...common.split(", "), ...imports.split(", ")].filter((name) => name !== "").sort();
  const { graph } = optimizeGraph(program(layer(body, names.join(", "))).program.entries[0]!, passes);
  const lowered = lowerGraph(graph);

  describe.each(["typescript", "wgsl"] as const)("%s", (target) => {
    const made = targets[target](lowered);

    test("no buffer and no private array has T twice", () => {
      holdsNoPairs(lowered);
      holdsNoPairs(made);
    });

    test("the arena grows with T from 128 to 4096 as T does", () => {
      const { arenaBytes } = planGraph(made);
      const bytes = (T: number): number => evaluate(arenaBytes, ({ name }) => (name === "T" ? T : 2));
      expect(bytes(128)).toBeGreaterThan(0);
      for (let T = 128; T <= 4096; T *= 2) expect(bytes(T)).toBe((bytes(128) * T) / 128);
    });
  });
});

test("GPT-2 as shaders has neither", () => {
  const checkpoint = Checkpoint.open(files, "examples/gpt2/checkpoint");
  const compilation = new Compilation({ files, path: "examples/gpt2/gpt2.trafo", checkpoint, target: "wgsl" });
  const plans = compilation.get("plan");
  expect(plans.length).toBeGreaterThan(0);
  for (const { buffers } of plans) {
    for (const { name, shape } of buffers) expect(powerOfT(shape), name).toBeLessThan(2);
  }
});
