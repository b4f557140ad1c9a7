/**
 * Published families, written in the language alone: each program of test/fixtures/families against PyTorch's values for
 * tiny checkpoints with random weights (make.py there makes them).
 *
 * A program must be without a remark, also without the checkpoint; be laid out as the formatter does; read every tensor
 * that the checkpoint holds, but for those listed here with the reason; and give every output within 1e-4.
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { type Elaborated, elaborate } from "../../dsl/index.js";
import { format } from "../../dsl/syntax/format.js";
import { Diagnostics, SourceFile } from "../../src/diagnostics/index.js";
import { renderDiagnostics } from "../../src/diagnostics/render.js";
import { readCases } from "../../src/driver/cases.js";
import { nodeFiles } from "../../src/driver/node-files.js";
import { Compilation } from "../../src/driver/pipeline.js";
import { verify } from "../../src/driver/verify.js";
import { Checkpoint } from "../../src/runtime/checkpoint.js";
import { readText } from "../../src/runtime/files.js";
import { checkpointWeights, readWeights } from "../../src/runtime/weights.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = join(root, "test/fixtures/families");
const files = nodeFiles();
const TOLERANCE = 1e-4;

/** Tensors that a checkpoint holds and a program does not read, with the reason. */
const unread: Readonly<Record<string, Readonly<Record<string, string>>>> = {};

/** Families whose program is one of the examples. */
const programs: Readonly<Record<string, string>> = { t5_gated: "examples/t5/t5.trafo" };

const families = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);
const all = families.flatMap((family) =>
  readdirSync(join(folder, family))
    .filter((name) => existsSync(join(folder, family, name, "config.json")))
    .map((name) => ({ family, name: `${family}/${name}` })),
);

const programOf = (family: string) =>
  join(root, programs[family] ?? `test/fixtures/families/${family}/${family}.trafo`);

/** Elaborates a program that must be without errors and warnings. */
function elaborated(family: string, checkpoint: Checkpoint, open: boolean): Elaborated {
  const path = programOf(family);
  const diagnostics = new Diagnostics();
  const options = {
    readFile: () => null,
    config: checkpoint.config?.value,
    ...(open ? {} : { checkpoint: checkpoint.tensors }),
  };
  const result = elaborate(new SourceFile(path, readText(files, path)), options, diagnostics);
  expect(renderDiagnostics(diagnostics.sorted)).toBe("");
  if (!result) throw new Error(`${family} gives no program`);
  return result;
}

/** The entries of a program with where each is incremental: what the compiler must not lose. */
const entriesOf = ({ program }: Elaborated) =>
  program.entries.map(({ name, incremental }) => `${name} ${incremental ?? "whole"}`);

test.each(families)("%s is laid out as the formatter does", (family) => {
  const text = readText(files, programOf(family));
  expect(format(new SourceFile(programOf(family), text))).toBe(text);
});

describe.each(all)("$name", ({ family, name }) => {
  const path = join(folder, name);
  const checkpoint = Checkpoint.open(files, path);

  test("is checked without the checkpoint", () => {
    expect(entriesOf(elaborated(family, checkpoint, true))).toEqual(entriesOf(elaborated(family, checkpoint, false)));
  });

  test("reads every tensor", () => {
    expect(elaborated(family, checkpoint, false).unread).toEqual(Object.keys(unread[name] ?? {}));
  });

  test("gives PyTorch's values", async () => {
    const { program } = elaborated(family, checkpoint, false);
    const { rows, failures, notCompared, notUsed } = await verify({
      compilation: Compilation.ofGraphs(name, program.entries),
      weights: readWeights(program.entries, checkpointWeights(checkpoint)),
      cases: readCases(files, join(path, "io.safetensors")),
      targets: ["interpreter"],
      tolerance: TOLERANCE,
    });
    expect(failures).toEqual([]);
    expect(rows.filter(({ absolute }) => absolute === null || !(absolute < TOLERANCE))).toEqual([]);
    expect([...notCompared, ...notUsed]).toEqual([]);
  });
});
