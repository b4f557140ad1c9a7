/**
 * Every pass on and off, on whole programs: the examples and all families, on the smallest case of each. The graphs
 * are compared by the interpreter, what fusion and schedules make of them by the modules that are compiled. All that is
 * compiled also prints and reads back.
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { type Case, readCases } from "../../src/driver/cases.js";
import { compareTensors } from "../../src/driver/compare.js";
import { nodeFiles } from "../../src/driver/node-files.js";
import { Compilation, type How } from "../../src/driver/pipeline.js";
import { runEntries } from "../../src/driver/run.js";
import { interpreterRunner, type Runner, targets } from "../../src/driver/targets.js";
import type { Program } from "../../src/ir/graph/index.js";
import { optimizeGraph, passes } from "../../src/passes/index.js";
import { Checkpoint } from "../../src/runtime/checkpoint.js";
import { elementCount, type Tensor } from "../../src/runtime/host/tensors.js";
import { checkpointWeights, readWeights } from "../../src/runtime/weights.js";
import { loweredAgain, planAgain } from "../support/round-trip.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const files = nodeFiles();
const TOLERANCE = 1e-4;
interface Subject {
  readonly name: string;
  readonly program: string;
  readonly checkpoint: string;
}

const examples = ["bert", "gpt2", "llama", "minilm", "t5", "vaswani"].map((name): Subject => {
  const folder = join(root, "examples", name);
  return { name, program: join(folder, `${name}.trafo`), checkpoint: join(folder, "checkpoint") };
});

const folder = join(root, "test/fixtures/families");
const families = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && existsSync(join(folder, entry.name, `${entry.name}.trafo`)))
  .flatMap(({ name }) =>
    readdirSync(join(folder, name))
      .filter((checkpoint) => existsSync(join(folder, name, checkpoint, "config.json")))
      .map((checkpoint): Subject => {
        const program = join(folder, name, `${name}.trafo`);
        return { name: `${name}/${checkpoint}`, program, checkpoint: join(folder, name, checkpoint) };
      }),
  );

/** A program with its weights and the case that has the fewest numbers to compute. */
class Trial {
  readonly compilation: Compilation;
  readonly weights: ReadonlyMap<string, Tensor>;
  readonly case: Case;
  #expected: ReadonlyMap<string, Tensor> | null = null;

  constructor({ program, checkpoint: path }: Subject) {
    const checkpoint = Checkpoint.open(files, path);
    this.compilation = new Compilation({ files, path: program, checkpoint });
    this.weights = readWeights(this.compilation.program.entries, checkpointWeights(checkpoint));
    const size = ({ inputs, outputs }: Case): number =>
      [...outputs.values()].reduce((sum, { shape }) => sum + elementCount(shape), inputs.size);
    const complete = readCases(files, join(path, "io.safetensors")).filter(({ inputs }) => inputs.size > 0);
    this.case = complete.sort((a, b) => size(a) - size(b))[0]!;
  }

  /** What the interpreter gives in f64 for the program as it is written. */
  async expected(): Promise<ReadonlyMap<string, Tensor>> {
    this.#expected ??= await this.outputs(interpreterRunner(this.compilation.program.entries, this.weights, "f64"));
    return this.#expected;
  }

  async outputs(runner: Runner, program: Program = this.compilation.program): Promise<ReadonlyMap<string, Tensor>> {
    try {
      const runs = await runEntries(runner, program, this.case.inputs);
      expect(runs.length).toBeGreaterThan(0);
      return new Map(runs.flatMap(({ outputs }) => [...outputs]));
    } finally {
      runner.dispose();
    }
  }

  async agrees(found: ReadonlyMap<string, Tensor>, where: string): Promise<void> {
    for (const [name, wanted] of await this.expected()) {
      const difference = compareTensors(found.get(name)!, wanted, TOLERANCE);
      expect(difference.passed, `${where}: ${name} departs by ${difference.absolute}`).toBe(true);
    }
  }

  /** Compiles in another way to a module, and runs it. */
  async runs(how: How, where: string): Promise<void> {
    await this.agrees(
      await this.outputs(await targets.typescript.start(this.compilation.again(how), this.weights)),
      where,
    );
  }
}

const without = (name: string): How => ({ optimize: { without: [name] } });
const graphPasses = passes.filter(({ name }) => name !== "fusion");

describe.each([...examples, ...families])("$name", (subject) => {
  const trial = new Trial(subject);

  test("graphs, with each pass alone and all but it", async () => {
    const { name, entries } = trial.compilation.program;
    for (const pass of graphPasses) {
      for (const chosen of [[pass], passes.filter((each) => each !== pass)]) {
        const graphs = entries.map((graph) => optimizeGraph(graph, chosen, { verify: true }).graph);
        const where = chosen.map((each) => each.name).join(" and ");
        const runner = interpreterRunner(graphs, trial.weights, "f32");
        await trial.agrees(await trial.outputs(runner, { name, entries: graphs }), where);
      }
    }
  });

  test("modules, with all passes", async () => {
    const compilation = trial.compilation.again({});
    for (const stage of ["kernels", "schedule"] as const)
      for (const lowered of compilation.get(stage)) loweredAgain(lowered, stage);
    for (const plan of compilation.get("plan")) planAgain(plan);
    await trial.agrees(await trial.outputs(await targets.typescript.start(compilation, trial.weights)), "all passes");
  });
});

describe.each(examples)("modules of $name", (subject) => {
  const trial = new Trial(subject);
  test.each([
    ...passes.map(({ name }) => [`without ${name}`, without(name)] as const),
    ["without schedules", { policy: null }] as const,
    ["without any", { policy: null, optimize: { without: passes.map(({ name }) => name) } }] as const,
  ])("%s", async (where, how) => {
    await trial.runs(how, where);
  });
});
