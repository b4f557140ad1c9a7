/** Every program that declares an entry `incremental`: the examples and the published families, with their checkpoints. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Elaborated, elaborate } from "../../dsl/index.js";
import { Diagnostics, SourceFile } from "../../src/diagnostics/index.js";
import { renderDiagnostics } from "../../src/diagnostics/render.js";
import { type Case, readCases } from "../../src/driver/cases.js";
import { toEvaluated } from "../../src/driver/evaluated.js";
import { nodeFiles } from "../../src/driver/node-files.js";
import type { Tensor } from "../../src/interpreter/tensor.js";
import { Checkpoint } from "../../src/runtime/checkpoint.js";
import { readText } from "../../src/runtime/files.js";
import { checkpointWeights, readWeights } from "../../src/runtime/weights.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const files = nodeFiles();

/** Families whose program is one of the examples. */
const programs: Readonly<Record<string, string>> = { t5_gated: "examples/t5/t5.trafo" };

export interface Decoder {
  readonly name: string;
  readonly program: string;
  readonly checkpoint: string;
}

function checkpointsIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((each) => existsSync(join(folder, each.name, "config.json")))
    .map(({ name }) => name);
}

function found(folder: string): Decoder[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .filter((each) => each.isDirectory())
    .flatMap(({ name }) => {
      const program = join(root, programs[name] ?? `${folder}/${name}/${name}.trafo`);
      if (!existsSync(program) || !readText(files, program).includes("incremental T")) return [];
      return checkpointsIn(join(root, folder, name)).map((each) => ({
        name: `${name}/${each}`,
        program,
        checkpoint: join(root, folder, name, each),
      }));
    });
}

export const decoders: readonly Decoder[] = [...found("examples"), ...found("test/fixtures/families")];

export interface LoadedDecoder extends Elaborated {
  readonly weights: (name: string) => Tensor;
}

export function loadDecoder({ program, checkpoint }: Decoder): LoadedDecoder {
  const opened = Checkpoint.open(files, checkpoint);
  const diagnostics = new Diagnostics();
  const elaborated = elaborate(
    new SourceFile(program, readText(files, program)),
    { readFile: () => null, config: opened.config?.value, checkpoint: opened.tensors },
    diagnostics,
  );
  if (!elaborated || diagnostics.sorted.length > 0) throw new Error(renderDiagnostics(diagnostics.sorted));
  const read = readWeights(elaborated.program.entries, checkpointWeights(opened));
  const converted = new Map([...read].map(([name, tensor]) => [name, toEvaluated(tensor)]));
  return { ...elaborated, weights: (name) => converted.get(name)! };
}

/** The cases with PyTorch's values beside a checkpoint. */
export function checkpointCases(checkpoint: string): readonly Case[] {
  return readCases(files, join(checkpoint, "io.safetensors"));
}
