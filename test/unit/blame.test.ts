/** The search for an operator that departs, on whole models and every target: where all is right it finds none. */
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { firstDeparture } from "../../src/driver/blame.js";
import { readCases } from "../../src/driver/cases.js";
import { nodeFiles } from "../../src/driver/node-files.js";
import { Compilation } from "../../src/driver/pipeline.js";
import { runEntries } from "../../src/driver/run.js";
import { interpreterRunner, targetNames, targets } from "../../src/driver/targets.js";
import { Checkpoint } from "../../src/runtime/checkpoint.js";
import { checkpointWeights, readWeights } from "../../src/runtime/weights.js";

const files = nodeFiles();
const reasons = await Promise.all(targetNames.map((name) => targets[name].unavailable()));
const available = targetNames.filter((_, at) => reasons[at] === null);

describe.each(["gpt2", "t5"])("every operator of %s", (model) => {
  const folder = fileURLToPath(new URL(`../../examples/${model}/`, import.meta.url));
  const checkpoint = Checkpoint.open(files, `${folder}checkpoint`);
  const compilation = new Compilation({ files, path: `${folder}${model}.trafo`, checkpoint });
  const { entries, name } = compilation.program;
  const weights = readWeights(entries, checkpointWeights(checkpoint));
  const [first] = readCases(files, `${folder}checkpoint/io.safetensors`);

  it.each(available)("gives on the target %s what it gives in f64", async (target) => {
    const reference = interpreterRunner(entries, weights, "f32");
    const runs = await runEntries(reference, { name, entries }, first!.inputs);
    expect(runs).toHaveLength(entries.length);
    for (const { entry, ready } of runs) {
      expect(await firstDeparture(targets[target].start, compilation, entry, ready, weights)).toBeNull();
    }
  });
});
