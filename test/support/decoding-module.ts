/** Compiles a program with its steps to a module and loads it, as its users do. */

import type { BackendName } from "../../src/driver/backends.js";
import { importText } from "../../src/driver/module-runner.js";
import { nodeFiles } from "../../src/driver/node-files.js";
import { Compilation } from "../../src/driver/pipeline.js";
import { Checkpoint } from "../../src/runtime/checkpoint.js";
import { memoryFiles } from "../../src/runtime/files.js";
import type { BeamOptions, FoundSequence } from "../../src/runtime/host/beam-search.js";
import type { GeneratedToken, GenerateOptions } from "../../src/runtime/host/generation.js";
import type { Session, SessionOptions } from "../../src/runtime/host/session.js";
import type { Tensor } from "../../src/runtime/host/tensors.js";
import type { Decoder } from "./decoders.js";

/** What a module with a decoder exports, as far as it is used in tests. */
export interface DecodingModel {
  generate(options: GenerateOptions): AsyncGenerator<GeneratedToken, void, undefined>;
  beamSearch(options: BeamOptions): Promise<readonly FoundSequence[]>;
  dispose(): void;
  readonly [entry: string]: unknown;
}

type Entry = (inputs: object) => Promise<Record<string, Tensor>>;
type Open = (options?: SessionOptions) => Promise<Session>;

/** An entry's method. */
export function entryOf(model: DecodingModel, name: string): Entry {
  return (model[name] as Entry).bind(model);
}

/** The method that opens a session of an entry. */
export function sessionOf(model: DecodingModel, name: string): Open {
  return (model[`${name}Session`] as Open).bind(model);
}

interface Loaded {
  load(options: object): Promise<DecodingModel>;
}

export async function loadDecoding(
  { program, checkpoint }: Decoder,
  target: BackendName = "typescript",
): Promise<DecodingModel> {
  const files = nodeFiles();
  const compilation = new Compilation({ files, path: program, checkpoint: Checkpoint.open(files, checkpoint), target });
  const module = (await importText((await compilation.get("emit")).javascript)) as Loaded;
  return module.load({ weights: `${checkpoint}/model.safetensors` });
}

/** A program of one text, with weights by name. */
export async function loadText(text: string, weights: object): Promise<DecodingModel> {
  const compilation = new Compilation({ files: memoryFiles(), path: "test.trafo", text });
  const module = (await importText((await compilation.get("emit")).javascript)) as Loaded;
  return module.load({ weights });
}
