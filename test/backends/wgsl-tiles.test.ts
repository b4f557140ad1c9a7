/**
 * Kernels that lanes share, at sizes around those of their tiles: interpreted with every index, every barrier and every
 * meeting of lanes checked, and run on the drivers of this machine.
 */
import { describe, expect, it } from "vitest";
import { emitWgsl } from "../../backends/wgsl/index.js";
import { Compilation } from "../../src/driver/pipeline.js";
import { interpret } from "../../src/interpreter/graph.js";
import { interpretPlan } from "../../src/interpreter/kernel-plan.js";
import type { Graph } from "../../src/ir/graph/index.js";
import { kernelsOf, verifyKernel } from "../../src/ir/kernel/index.js";
import type { Plan } from "../../src/ir/plan/index.js";
import { memoryFiles } from "../../src/runtime/files.js";
import type { WgslPolicy } from "../../src/schedule/index.js";
import { difference } from "../fuzz/lower-comparison.js";
import { randomRun } from "../support/random-graph-run.js";
import { fromTensor, importText, toTensor, weightsOf } from "./typescript-support.js";
import { softwareDevice, softwareDrivers, variantPlans, wgslPlan } from "./wgsl-support.js";

interface Sample {
  readonly name: string;
  readonly text: string;
  readonly sizes: readonly Readonly<Record<string, number>>[];
  /** A step that its schedule must have. */
  readonly step: string;
}

const product = (depth: number, width: number, right = false): string => `model M() {
  param w: [${right ? `${width}, ${depth}` : `${depth}, ${width}`}] as "w"
  param b: [${width}] as "b"
  entry run(x: [B, T, ${depth}]) -> (y: [B, T, ${width}]) { x @ ${right ? "w.T" : "w"} + b }
}
`;

const rows = (width: string, body: string): string => `model M() {
  entry run(x: [B, ${width}]) -> (y: [B, ${width}]) { ${body} }
}
`;

/** Queries and keys of lengths of their own; scores by an expression over q: [B, T, 6], k: [B, S, 6]. */
const attention = (scores: string, depth = 6, width = 5): string => `model M() {
  entry run(q: [B, T, ${depth}], k: [B, S, ${depth}], v: [B, S, ${width}]) -> (y: [B, T, ${width}]) { softmax(${scores}) @ v }
}
`;

/** Small tiles, so that few elements have tails on all sides. */
const small: WgslPolicy = {
  tile: { rows: 8, columns: 8 },
  lane: { rows: 4, columns: 2 },
  depth: 4,
  rowLanes: 16,
  attention: { keys: 2, shared: { keys: 4, queries: 4 } },
  row: { most: 2, tile: { rows: 1, columns: 4, lanes: { rows: 1, columns: 2 } } },
  registers: {
    fewRows: 4,
    few: { rows: 1, columns: 4, lanes: { rows: 1, columns: 2 } },
    many: { rows: 2, columns: 8, lanes: { rows: 2, columns: 2 } },
    behind: { rows: 1, columns: 8, lanes: { rows: 1, columns: 4 } },
  },
  fewQueries: { keys: 4, lanes: 4, sharedBytes: 256 },
  prologue: { columns: 4, sharedBytes: 256 },
};

const lengths = [0, 1, 7, 8, 9, 17].map((T) => ({ B: 2, T }));
const pairs = [
  { B: 2, T: 1, S: 1 },
  { B: 2, T: 7, S: 5 },
  { B: 1, T: 9, S: 4 },
  { B: 1, T: 3, S: 0 },
  { B: 1, T: 0, S: 3 },
  { B: 1, T: 13, S: 17 },
  { B: 1, T: 66, S: 65 },
];
const samples: readonly Sample[] = [
  { name: "a product", text: product(8, 16), sizes: lengths, step: "share" },
  { name: "a product with tails on all sides", text: product(13, 11), sizes: lengths, step: "share" },
  { name: "a product with a transposed weight", text: product(12, 9, true), sizes: lengths, step: "share" },
  {
    name: "a product whose sums lanes share where rows are few",
    text: product(70, 9, true),
    sizes: lengths,
    step: "share",
  },
  {
    name: "a product for each head, whose tiles are counted by quotients",
    text: "model M() {\n  entry run(x: [B, 3, T, 5], y: [B, 3, S, 5]) -> (z: [B, 3, T, S]) { x @ y.T }\n}\n",
    sizes: [3, 9, 33].flatMap((T) => [5, 13].map((S) => ({ B: 2, T, S }))),
    step: "share",
  },
  {
    name: "a norm",
    text: rows("130", "let m = x - mean(x)\n    m / sqrt(mean(m * m) + 0.001)"),
    sizes: [{ B: 1 }, { B: 3 }],
    step: "spread",
  },
  {
    name: "a softmax of a length that is known when running",
    text: rows("T", "softmax(x)"),
    sizes: [0, 1, 15, 16, 17, 70].map((T) => ({ B: 2, T })),
    step: "spread",
  },
  { name: "attention to all keys", text: attention("q @ k.T"), sizes: pairs, step: "online" },
  {
    name: "causal attention",
    text: attention("where([t: T, s: S] => s <= t, q @ k.T, -inf)"),
    sizes: pairs,
    step: "online",
  },
  {
    name: "causal attention in vectors, its keys shared",
    text: attention("where([t: T, s: S] => s <= t + S - T, q @ k.T * 0.3, -inf)", 8, 8),
    sizes: pairs,
    step: "share",
  },
  {
    name: "attention to a window",
    text: attention("where([t: T, s: S] => abs(t - s) <= 5, q @ k.T, -inf)"),
    sizes: pairs,
    step: "online",
  },
  {
    name: "attention of which some queries see nothing",
    text: attention("where([t: T, s: S] => s < t - 2, q @ k.T, -inf)"),
    sizes: pairs,
    step: "online",
  },
];

function graphOf({ text }: Sample): Graph {
  return new Compilation({ files: memoryFiles(), path: "m.trafo", text }).get("optimize").entries[0]!;
}

function named(plan: Plan): Plan {
  const buffers = plan.buffers.map((each) => (each.place.kind === "arena" ? each : { ...each, name: each.place.name }));
  return { ...plan, buffers };
}

describe.each(samples)("$name", (sample) => {
  const graph = graphOf(sample);
  const plan = wgslPlan(graph, small);
  const plans = variantPlans(plan);

  it("is scheduled, sound, and interpreted gives what the graph gives", () => {
    expect(plan.kernels.some(({ schedule }) => schedule?.includes(sample.step))).toBe(true);
    for (const kernel of plan.kernels.flatMap(kernelsOf)) expect(verifyKernel(kernel)).toEqual([]);
    for (const [variant, plan] of plans)
      for (const sizes of sample.sizes.slice(0, 4)) {
        const run = randomRun(graph, 1, { sizes, special: false });
        const weights = (name: string) => {
          const node = graph.nodes.find((each) => each.operator === "weight" && each.attributes.name === name)!;
          if (node.operator !== "weight") throw new Error(`${name} is no weight`);
          return run.weights(name, node.attributes);
        };
        const actual = interpretPlan(named(plan), { inputs: run.inputs, weights, precision: "f64" });
        expect(
          difference(actual, interpret(graph, { ...run, precision: "f64" }).outputs, 1e-6),
          `${variant} ${JSON.stringify(sizes)}`,
        ).toBeNull();
      }
  });

  it.runIf(softwareDrivers.length > 0).each(softwareDrivers)("gives the same on %s", async (driver) => {
    for (const [variant, plan] of plans) {
      const { load } = await importText(emitWgsl({ name: "m", plans: [plan] }).javascript);
      const weights = new Map(weightsOf(graph, randomRun(graph, 2)));
      const model = await load({ weights, device: await softwareDevice(driver) });
      for (const sizes of sample.sizes) {
        const run = randomRun(graph, 2, { sizes, special: false });
        const inputs = Object.fromEntries([...run.inputs].map(([name, tensor]) => [name, toTensor(tensor)]));
        const outputs = await model[graph.name]!(inputs);
        const actual = Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, fromTensor(tensor)]));
        const expected = interpret(graph, { ...run, precision: "f64" }).outputs;
        expect(difference(actual, expected, 1e-4), `${variant} ${JSON.stringify(sizes)}`).toBeNull();
      }
      model.dispose();
    }
  });
});
