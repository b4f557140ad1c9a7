/**
 * Random graphs through the whole compiler to modules that run in JavaScript engines: emitted, checked by the TypeScript
 * compiler, run, and compared with the graph's interpreter. Many graphs are entries of one module, which also tests that
 * their names stay apart.
 *
 * FUZZ_GRAPHS sets how many, FUZZ_SEED the first seed; a failure names its seed.
 */
import { describe, expect, test } from "vitest";
import { emitTypeScript } from "../../backends/typescript/index.js";
import { emitWasm } from "../../backends/wasm/index.js";
import { backends } from "../../src/driver/backends.js";
import { interpret } from "../../src/interpreter/graph.js";
import type { Graph } from "../../src/ir/graph/graph.js";
import type { Plan } from "../../src/ir/plan/index.js";
import { lowerGraph } from "../../src/lower/index.js";
import { planGraph } from "../../src/memory/index.js";
import type { GraphScheduler } from "../../src/schedule/index.js";
import { difference } from "../fuzz/lower-comparison.js";
import { randomGraph } from "../support/random-graph.js";
import { type RandomRun, randomRun } from "../support/random-graph-run.js";
import { fromTensor, importText, renamed, strictDiagnostics, toTensor, weightsOf } from "./typescript-support.js";

const first = Number(process.env.FUZZ_SEED ?? 1);
const count = Number(process.env.FUZZ_GRAPHS ?? 60);
const perModule = 20;
const timeout = 600_000 + 1000 * count;

/** Sizes on both sides of every loop's ends. */
const sizes: readonly Readonly<Record<string, number>>[] = [{}, { B: 1, T: 1 }, { B: 2, T: 5 }, { B: 0, T: 3 }];

interface Target {
  readonly name: string;
  readonly emit: (given: { name: string; plans: readonly Plan[] }) => { typescript: string; javascript: string };
  readonly scheduled: GraphScheduler;
}

const targets: readonly Target[] = [
  { name: "typescript", emit: emitTypeScript, scheduled: backends.typescript.scheduler(undefined) },
  { name: "wasm", emit: emitWasm, scheduled: backends.wasm.scheduler(undefined) },
];

const kinds = [
  { smooth: true, step: 1 },
  { smooth: false, step: 1 },
  { smooth: true, step: 3 },
];

/** Every other graph with kernels as lowering gives them, the others scheduled. */
function planOf(graph: Graph, seed: number, { scheduled }: Target): Plan {
  const lowered = lowerGraph(graph);
  return planGraph(seed % 2 === 0 ? lowered : scheduled(lowered));
}

describe.each(targets)("$name", (target) => {
  test.each(kinds)("random graphs give what the interpreter gives: %j", { timeout }, async ({ smooth, step }) => {
    const counts = { same: 0, other: 0 };
    for (let start = first; start < first + count; start += perModule) {
      const seeds = Array.from({ length: Math.min(perModule, first + count - start) }, (_, i) => start + i);
      const graphs = seeds.map((seed) => randomGraph(seed, { smooth, step, nodes: 6 + (seed % 30) }));
      const plans = graphs.map((graph, i) =>
        renamed(planOf(graph, seeds[i]!, target), `seed${seeds[i]}`, `${seeds[i]}.`),
      );
      const emitted = target.emit({ name: "fuzz", plans });
      expect(strictDiagnostics({ "fuzz.ts": emitted.typescript })).toEqual([]);
      const module = await importText(emitted.javascript);
      for (const [i, seed] of seeds.entries()) {
        const graph = graphs[i]!;
        for (const [variant, given] of sizes.entries()) {
          const run: RandomRun = randomRun(graph, seed + variant, { sizes: given, special: !smooth && variant === 1 });
          // A module needs the weights of all its entries.
          const weights = new Map(graphs.flatMap((each, at) => weightsOf(each, run, `${seeds[at]}.`)));
          const model = await module.load({ weights }).catch((error: Error) => expect.fail(error.message));
          const inputs = Object.fromEntries([...run.inputs].map(([name, tensor]) => [name, toTensor(tensor)]));
          const where = `seed ${seed}, run ${variant}, ${JSON.stringify(run.sizes)}`;
          const outputs = await model[`seed${seed}`]!(inputs).catch((error: Error) => {
            // A size that only inputs with defaults have is unknown where none of them is given, and indices that leave
            // their axis are refused, where the interpreter clamps them.
            if (/^nothing says what |its elements are indices|there are no indices/.test(error.message)) return null;
            return expect.fail(`${where}: ${error.message}`);
          });
          model.dispose();
          if (outputs === null) continue;
          const actual = Object.fromEntries(
            Object.entries(outputs).map(([name, tensor]) => [name, fromTensor(tensor)]),
          );
          const differences = (["f32", "f64"] as const).map((precision) =>
            difference(actual, interpret(graph, { ...run, precision }).outputs, 1e-3),
          );
          if (smooth) expect(differences[0], where).toBeNull();
          else counts[differences.includes(null) ? "same" : "other"]++;
        }
      }
    }
    if (!smooth) expect(counts.other / (counts.same + counts.other), JSON.stringify(counts)).toBeLessThan(0.02);
  });
});
