/**
 * The examples and the published families as ONNX models: onnxruntime gives PyTorch's values within 1e-4. The models are
 * made from the Graph before any pass, so that this is a witness of the language alone.
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { type Case, readCases } from "../../src/driver/cases.js";
import { toEvaluated } from "../../src/driver/evaluated.js";
import { nodeFiles } from "../../src/driver/node-files.js";
import { Compilation } from "../../src/driver/pipeline.js";
import { verify } from "../../src/driver/verify.js";
import { interpret } from "../../src/interpreter/graph.js";
import { Checkpoint } from "../../src/runtime/checkpoint.js";
import { elementCount } from "../../src/runtime/host/tensors.js";
import { checkpointWeights, readWeights } from "../../src/runtime/weights.js";
import { difference } from "../fuzz/lower-comparison.js";
import { randomRun } from "../support/random-graph-run.js";
import { noRuntime, runModels } from "./onnx-support.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const files = nodeFiles();
const TOLERANCE = 1e-4;

async function rowsOf(path: string, folder: string, chosen: (cases: readonly Case[]) => readonly Case[]) {
  const checkpoint = Checkpoint.open(files, folder);
  const compilation = new Compilation({ files, path, checkpoint });
  const weights = readWeights(compilation.program.entries, checkpointWeights(checkpoint));
  const cases = chosen(readCases(files, join(folder, "io.safetensors")));
  return (await verify({ compilation, weights, cases, targets: ["onnx"], tolerance: TOLERANCE })).rows;
}

const wrong = (rows: Awaited<ReturnType<typeof rowsOf>>) =>
  rows.filter(({ absolute }) => absolute === null || !(absolute < TOLERANCE));

const examples = readdirSync(join(root, "examples")).filter((name) =>
  existsSync(join(root, "examples", name, "checkpoint")),
);

describe.runIf(noRuntime === null)("examples", () => {
  test.each(examples)("%s", async (name) => {
    const folder = join(root, "examples", name);
    const rows = await rowsOf(join(folder, `${name}.trafo`), join(folder, "checkpoint"), (cases) => cases);
    expect(rows.length).toBeGreaterThan(2);
    expect(wrong(rows)).toEqual([]);
  });
});

const sizes = [
  { B: 1, T: 1, S: 1 },
  { B: 2, T: 7, S: 5 },
  { B: 1, T: 13, S: 1 },
  { B: 0, T: 3, S: 2 },
  { B: 2, T: 0, S: 3 },
  { B: 1, T: 3, S: 0 },
];

/** Tokens lie outside of the table now and then, and masks hide a part or all. */
describe.runIf(noRuntime === null)("examples at other sizes", () => {
  test.each(examples)("%s", async (name) => {
    const folder = join(root, "examples", name);
    const checkpoint = Checkpoint.open(files, join(folder, "checkpoint"));
    const { entries } = new Compilation({ files, path: join(folder, `${name}.trafo`), checkpoint }).program;
    const tensors = readWeights(entries, checkpointWeights(checkpoint));
    const weights = (of: string) => toEvaluated(tensors.get(of)!);
    for (const graph of entries) {
      const runs = sizes.flatMap((each, seed) =>
        [false, true].map((hidden) => {
          const run = { ...randomRun(graph, seed, { sizes: each }), weights };
          if (hidden) for (const [of, { data }] of run.inputs) if (of.includes("mask")) data.fill(0);
          return run;
        }),
      );
      const found = await runModels(graph, runs);
      for (const [i, run] of runs.entries()) {
        const expected = interpret(graph, { ...run, precision: "f32" }).outputs;
        expect(difference(found[i]!, expected, TOLERANCE), `${graph.name} ${JSON.stringify(run.sizes)}`).toBeNull();
      }
    }
  });
});

const fixtures = join(root, "test/fixtures/families");
/** Families whose program is one of the examples. */
const programs: Readonly<Record<string, string>> = { t5_gated: "examples/t5/t5.trafo" };
const families = readdirSync(fixtures, { withFileTypes: true }).flatMap((family) =>
  family.isDirectory() ? [family.name] : [],
);

/** The case with the fewest numbers. */
function smallest(cases: readonly Case[]): readonly Case[] {
  const numbers = ({ inputs }: Case) => [...inputs.values()].reduce((sum, { shape }) => sum + elementCount(shape), 0);
  return cases.toSorted((a, b) => numbers(a) - numbers(b)).slice(0, 1);
}

describe.runIf(noRuntime === null)("families", () => {
  test.each(families)("%s", async (family) => {
    const folder = join(fixtures, family);
    const path = join(root, programs[family] ?? `test/fixtures/families/${family}/${family}.trafo`);
    const checkpoints = readdirSync(folder).filter((name) => existsSync(join(folder, name, "config.json")));
    expect(checkpoints.length).toBeGreaterThan(0);
    for (const checkpoint of checkpoints) {
      const rows = await rowsOf(path, join(folder, checkpoint), smallest);
      expect(rows.length).toBeGreaterThan(0);
      expect(wrong(rows), checkpoint).toEqual([]);
    }
  });
});
