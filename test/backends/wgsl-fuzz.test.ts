/**
 * Random graphs on WebGPU, against the graph's interpreter. Many graphs are entries of one module.
 *
 * FUZZ_GRAPHS sets how many, FUZZ_SEED the first seed; a failure names its seed.
 */
import { expect, it } from "vitest";
import { emitWgsl } from "../../backends/wgsl/index.js";
import { interpret } from "../../src/interpreter/graph.js";
import { difference } from "../fuzz/lower-comparison.js";
import { randomGraph } from "../support/random-graph.js";
import { randomRun } from "../support/random-graph-run.js";
import { fromTensor, importText, renamed, strictDiagnostics, toTensor, weightsOf } from "./typescript-support.js";
import { nullDevice, softwareDevice, softwareDrivers, wgslPlan } from "./wgsl-support.js";

const first = Number(process.env.FUZZ_SEED ?? 1);
const count = Number(process.env.FUZZ_GRAPHS ?? 12);
const timeout = 600_000 + 10_000 * count;
const sizes: readonly Readonly<Record<string, number>>[] = [{}, { B: 1, T: 1 }, { B: 2, T: 5 }, { B: 0, T: 3 }];
const seeds = Array.from({ length: count }, (_, i) => first + i);

it("emits what compilers and Dawn take", { timeout }, async () => {
  const device = await nullDevice();
  for (const smooth of [true, false]) {
    const graphs = seeds.map((seed) => randomGraph(seed, { smooth, step: 1, nodes: 6 + (seed % 30) }));
    const plans = graphs.map((graph, i) => renamed(wgslPlan(graph), `seed${seeds[i]}`, `${seeds[i]}.`));
    const emitted = emitWgsl({ name: "fuzz", plans });
    if (smooth) expect(strictDiagnostics({ "fuzz.ts": emitted.typescript })).toEqual([]);
    const runs = graphs.map((graph, i) => randomRun(graph, seeds[i]!));
    const weights = new Map(graphs.flatMap((graph, i) => weightsOf(graph, runs[i]!, `${seeds[i]}.`)));
    const { load } = await importText(emitted.javascript);
    const model = await load({ weights, device });
    model.dispose();
  }
  device.destroy();
});

it.runIf(softwareDrivers.length > 0).each(softwareDrivers)(
  "gives on %s what the interpreter gives",
  { timeout },
  async (driver) => {
    const device = await softwareDevice(driver);
    for (const seed of seeds) {
      const graph = randomGraph(seed, { smooth: true, step: seed % 3 === 0 ? 3 : 1, nodes: 6 + (seed % 30) });
      const { load } = await importText(emitWgsl({ name: "fuzz", plans: [wgslPlan(graph)] }).javascript);
      for (const [variant, given] of sizes.entries()) {
        const run = randomRun(graph, seed + variant, { sizes: given, special: false });
        const model = await load({ weights: new Map(weightsOf(graph, run)), device });
        const inputs = Object.fromEntries([...run.inputs].map(([name, tensor]) => [name, toTensor(tensor)]));
        const where = `seed ${seed}, run ${variant}, ${JSON.stringify(run.sizes)}`;
        const outputs = await model[graph.name]!(inputs).catch((error: Error) => {
          if (/^nothing says what |its elements are indices|there are no indices/.test(error.message)) return null;
          return expect.fail(`${where}: ${error.message}`);
        });
        model.dispose();
        if (outputs === null) continue;
        const actual = Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, fromTensor(tensor)]));
        const differences = (["f32", "f64"] as const).map((precision) =>
          difference(actual, interpret(graph, { ...run, precision }).outputs, 3e-3),
        );
        expect(differences.includes(null), `${where}: ${differences[0]}`).toBe(true);
      }
    }
  },
);
