/** Compiles a program with its steps to a module and loads it, as its users do. */

import type { BackendName } from "../../src/driver/backends.js";
import { importText } from "../../src/driver/module-runner.js";
import { nodeFiles } from "../../src/driver/node-files.js";
import { Compilation } from "../../src/driver/pipeline.js";
import type { Graph } from "../../src/ir/graph/index.js";
import { Checkpoint } from "../../src/runtime/checkpoint.js";
import { memoryFiles } from "../../src/runtime/files.js";
import type { BeamOptions, FoundSequence } from "../../src/runtime/host/beam-search.js";
import type { GeneratedToken, GenerateOptions } from "../../src/runtime/host/generation.js";
import type { Session, SessionOptions } from "../../src/runtime/host/session.js";
import type { Tensor } from "../../src/runtime/host/tensors.js";
import { softwareDevice, softwareDrivers } from "../backends/wgsl-support.js";
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

/** A target, or WebGPU on one of the drivers of this machine that run on the CPU. */
export type DecodingTarget = Exclude<BackendName, "wgsl"> | (typeof softwareDrivers)[number];

/** All that sessions are tested on here. */
export const decodingTargets: readonly DecodingTarget[] = ["typescript", "wasm", ...softwareDrivers];

function placeOf(target: DecodingTarget): { readonly target: BackendName; readonly device?: Promise<GPUDevice> } {
  return target === "typescript" || target === "wasm" ? { target } : { target: "wgsl", device: softwareDevice(target) };
}

async function moduleOf(compilation: Compilation): Promise<Loaded> {
  return (await importText((await compilation.get("emit")).javascript)) as Loaded;
}

async function loaded(module: Loaded, weights: unknown, device: Promise<GPUDevice> | undefined) {
  return module.load(device === undefined ? { weights } : { weights, device: await device });
}

/** The modules of programs with a checkpoint, compiled once: many tests load the same. */
const modules = new Map<string, Promise<Loaded>>();

export async function loadDecoding(
  { program, checkpoint }: Decoder,
  on: DecodingTarget = "typescript",
): Promise<DecodingModel> {
  const files = nodeFiles();
  const { target, device } = placeOf(on);
  const key = [program, checkpoint, target].join();
  const known =
    modules.get(key) ??
    moduleOf(new Compilation({ files, path: program, checkpoint: Checkpoint.open(files, checkpoint), target }));
  modules.set(key, known);
  return loaded(await known, `${checkpoint}/model.safetensors`, device);
}

/** A program of one text, with weights by name. */
export async function loadText(
  text: string,
  weights: object,
  on: DecodingTarget = "typescript",
): Promise<DecodingModel> {
  const { target, device } = placeOf(on);
  const compilation = new Compilation({ files: memoryFiles(), path: "test.trafo", text, target });
  return loaded(await moduleOf(compilation), weights, device);
}

/** Graphs, of which some are incremental, with weights by name. */
export async function loadGraphs(
  graphs: readonly Graph[],
  weights: object,
  on: DecodingTarget,
): Promise<DecodingModel> {
  const { target, device } = placeOf(on);
  return loaded(await moduleOf(Compilation.ofGraphs("random", graphs, { target })), weights, device);
}
