/**
 * Every shader of the examples and of all families of test/fixtures/families, in all variants and of all steps: made into a
 * pipeline by Dawn's own validation, which needs no driver.
 *
 * Each family also runs, on a device with no more than WebGPU's default limits, which every device has.
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { readCases } from "../../src/driver/cases.js";
import { nodeFiles } from "../../src/driver/node-files.js";
import { Compilation, type How } from "../../src/driver/pipeline.js";
import { canRun, runEntries } from "../../src/driver/run.js";
import { Checkpoint } from "../../src/runtime/checkpoint.js";
import { limitedDevice, nullDevice, withValidShaders } from "./wgsl-support.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = join(root, "test/fixtures/families");
const files = nodeFiles();

interface Sample {
  readonly name: string;
  readonly path: string;
  readonly checkpoint: string;
}

const families = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .flatMap(({ name: family }) => {
    const own = join(folder, family, `${family}.trafo`);
    // The one family whose program is an example.
    const path = existsSync(own) ? own : join(root, "examples/t5/t5.trafo");
    return readdirSync(join(folder, family))
      .filter((each) => existsSync(join(folder, family, each, "config.json")))
      .map((each): Sample => ({ name: `${family}/${each}`, path, checkpoint: join(folder, family, each) }));
  });
const examples = readdirSync(join(root, "examples"))
  .filter((name) => existsSync(join(root, "examples", name, "checkpoint")))
  .map((name): Sample => {
    const own = join(root, "examples", name);
    return { name, path: join(own, `${name}.trafo`), checkpoint: join(own, "checkpoint") };
  });

const valid = nullDevice();
afterAll(async () => (await valid).destroy());

describe.each([...examples, ...families])("$name", ({ path, checkpoint: place }) => {
  it("has valid shaders, and runs within the default limits", async () => {
    const checkpoint = Checkpoint.open(files, place);
    const compilation = new Compilation({ files, path, checkpoint, target: "wgsl" });
    const module = await withValidShaders(compilation, await valid);

    const limited = await limitedDevice("backend=null");
    const model = await module.load({ weights: join(place, "model.safetensors"), device: limited });
    const { entries } = compilation.get("graph");
    const [first] = readCases(files, join(place, "io.safetensors"));
    expect(entries.some((entry) => canRun(entry, first!.inputs))).toBe(true);
    const runner = {
      run: async (entry: string, { inputs }: { readonly inputs: ReadonlyMap<string, unknown> }) => {
        return new Map(Object.entries(await model[entry]!(Object.fromEntries(inputs))));
      },
      dispose: () => model.dispose(),
    };
    await runEntries(runner, compilation.get("graph"), first!.inputs);
    model.dispose();
    limited.destroy();
  });
});

it.each<[string, How]>([
  ["gpt2", { precision: "f16" }],
  ["t5", { precision: "f16" }],
  ["gpt2", { weights: "f16" }],
  ["gpt2", { weights: "int8" }],
  ["gpt2", { weights: "int4" }],
])("%s has valid shaders with %j", async (name, how) => {
  const { path, checkpoint: place } = examples.find((each) => each.name === name)!;
  const checkpoint = Checkpoint.open(files, place);
  await withValidShaders(new Compilation({ files, path, checkpoint, target: "wgsl", ...how }), await valid);
});
