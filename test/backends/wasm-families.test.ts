/** Every family of test/fixtures/families on WebAssembly, by the module's own interface, against PyTorch's values. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { readCases } from "../../src/driver/cases.js";
import { nodeFiles } from "../../src/driver/node-files.js";
import { Compilation } from "../../src/driver/pipeline.js";
import { verify } from "../../src/driver/verify.js";
import { Checkpoint } from "../../src/runtime/checkpoint.js";
import { checkpointWeights, readWeights } from "../../src/runtime/weights.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = join(root, "test/fixtures/families");
const files = nodeFiles();

const all = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .flatMap(({ name: family }) =>
    readdirSync(join(folder, family))
      .filter((name) => existsSync(join(folder, family, name, "config.json")))
      .map((name) => ({ family, name })),
  );

test.each(all)("$family/$name", async ({ family, name }) => {
  const own = join(folder, family, `${family}.trafo`);
  // The one family whose program is an example.
  const path = existsSync(own) ? own : join(root, "examples/t5/t5.trafo");
  const checkpoint = Checkpoint.open(files, join(folder, family, name));
  const compilation = new Compilation({ files, path, checkpoint, target: "wasm" });
  const { rows, failures } = await verify({
    compilation,
    weights: readWeights(compilation.program.entries, checkpointWeights(checkpoint)),
    cases: readCases(files, join(folder, family, name, "io.safetensors")),
    targets: ["wasm"],
    tolerance: 1e-4,
  });
  expect(failures).toEqual([]);
  expect(rows.length).toBeGreaterThan(0);
});
