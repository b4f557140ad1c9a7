/**
 * A checkpoint: a folder as models are published (config.json, model.safetensors or its shards), or one .safetensors
 * file, or the index of several, with config.json beside it, or a GGUF file, which holds its configuration. Opening reads the headers alone; a tensor is read when it is asked for.
 */
import { UserError } from "../diagnostics/index.js";
import { nearest } from "../diagnostics/nearest.js";
import { baseOf, type Files, folderOf, joinPath, readText } from "./files.js";
import type { MetadataValue } from "./gguf/container.js";
import { GgufFile } from "./gguf/file.js";
import type { ElementName, Tensor } from "./host/tensors.js";
import { isObject, parseJsonObject } from "./json.js";
import { TensorFile, type TensorHeader } from "./tensor-file.js";

const INDEX = "model.safetensors.index.json";
const WEIGHTS = "model.safetensors";
const CONFIG = "config.json";

/** The parsed configuration of a model and where it came from. */
export interface Config {
  readonly path: string;
  readonly value: Readonly<Record<string, unknown>>;
}

/** A file that holds tensors. */
type WeightsFile = TensorFile | GgufFile;

export class Checkpoint {
  /** The shape and type of every tensor, in the order of the files. */
  readonly tensors: ReadonlyMap<string, TensorHeader>;
  readonly #places: ReadonlyMap<string, WeightsFile>;

  private constructor(
    readonly path: string,
    /** Null if there is none, which matters only to a program that reads one. */
    readonly config: Config | null,
    /** Generated modules read safetensors alone. */
    readonly format: "safetensors" | "gguf",
    places: ReadonlyMap<string, WeightsFile>,
    /** What a GGUF file says beside its tensors, such as its tokenizer; null for other forms. */
    readonly metadata: ReadonlyMap<string, MetadataValue> | null = null,
  ) {
    this.#places = places;
    const tensors = new Map<string, TensorHeader>();
    for (const [name, file] of places) {
      const header = file.tensors.get(name);
      if (header) tensors.set(name, header);
    }
    this.tensors = tensors;
  }

  /**
   * Opens a folder, a .safetensors file or the index of several, or a GGUF file or the first of several.
   * @param configPath a configuration to use in place of the checkpoint's own
   * @throws UserError E0701 if nothing is there, E0702 if no weights are, E0704 for JSON, E0705 for a damaged file,
   *   E0709 for an index that names what is missing.
   */
  static open(files: Files, path: string, configPath: string | null = null): Checkpoint {
    const kind = files.kind(path);
    if (kind === null)
      throw UserError.of("E0701", `there is no checkpoint at ${path}`, { help: suggestion(files, path) });
    const folder = kind === "folder" ? path : folderOf(path);
    const beside = joinPath(folder, CONFIG);
    const from = configPath ?? (files.kind(beside) === "file" ? beside : null);
    const weights = kind === "file" ? path : weightsOfFolder(files, path);
    if (weights.endsWith(".gguf")) {
      const parts = new GgufFile(files, weights).parts();
      const [first] = parts;
      const own = first && configPath === null ? { path: first.path, value: first.config() } : null;
      const config = own ?? (configPath === null ? null : readConfig(files, configPath));
      return new Checkpoint(path, config, "gguf", placesOf(...parts), first?.metadata ?? null);
    }
    const config = from === null ? null : readConfig(files, from);
    const places = weights.endsWith(".json") ? openShards(files, weights) : placesOf(new TensorFile(files, weights));
    return new Checkpoint(path, config, "safetensors", places);
  }

  /** A tensor as elements of a type. @throws UserError E0706 if it is missing, E0705, E0708. */
  read<Type extends ElementName>(name: string, type: Type): Tensor<Type> {
    const file = this.#places.get(name);
    if (!file) {
      throw UserError.of("E0706", `the checkpoint ${this.path} has no tensor ${name}`, { help: this.nearby(name) });
    }
    return file.read(name, type);
  }

  /** Help that names the tensor of the checkpoint that is nearest to a missing one. */
  nearby(name: string): string[] {
    const last = name.split(".").at(-1) ?? name;
    const ending = [...this.tensors.keys()].filter((other) => other.endsWith(`.${name}`) || name.endsWith(`.${other}`));
    const near = ending[0] ?? nearest(name, this.tensors.keys());
    if (near !== null) return [`the checkpoint has ${near}`];
    const alike = [...this.tensors.keys()].filter((other) => other.split(".").at(-1) === last).slice(0, 3);
    return alike.length > 0 ? [`tensors of the checkpoint that end in ${last}: ${alike.join(", ")}, …`] : [];
  }
}

/** Reads a configuration. @throws UserError E0601, E0602, E0704. */
export function readConfig(files: Files, path: string): Config {
  return { path, value: parseJsonObject(path, readText(files, path, "a configuration")) };
}

function placesOf(...of: readonly WeightsFile[]): Map<string, WeightsFile> {
  const places = new Map<string, WeightsFile>();
  for (const file of of) for (const name of file.tensors.keys()) places.set(name, file);
  return places;
}

/** The weights of a folder: model.safetensors, the index of shards, or the only file there is. */
function weightsOfFolder(files: Files, folder: string): string {
  const names = files.list(folder);
  for (const name of [WEIGHTS, INDEX]) if (names.includes(name)) return joinPath(folder, name);
  // Values to compare with are no weights.
  const tensors = names.filter((name) => name.endsWith(".safetensors") && name !== "io.safetensors");
  // Of a model in several files the first stands for all.
  const models = names.filter((name) => /\.gguf$/.test(name) && !/-(?!00001)\d{5}-of-\d{5}\.gguf$/.test(name));
  const candidates = tensors.length > 0 ? tensors : models;
  const [only] = candidates;
  if (candidates.length === 1 && only) return joinPath(folder, only);
  if (candidates.length > 1) {
    throw UserError.of("E0702", `${folder} holds several files of weights: ${candidates.join(", ")}`, {
      help: [`name the one that is meant: ${joinPath(folder, candidates[0] ?? "")}`],
    });
  }
  const pickled = names.filter((name) => /\.(bin|pt|pth|ckpt)$/.test(name));
  const notes = pickled.length > 0 ? [`${pickled.join(", ")} is in PyTorch's own format, which is not read`] : [];
  throw UserError.of("E0702", `${folder} holds no weights: there is no ${WEIGHTS}`, { notes });
}

/** The shards that an index lists. Their headers are all read, as each must hold what the index says. */
function openShards(files: Files, path: string): Map<string, WeightsFile> {
  const folder = folderOf(path);
  const { weight_map: map } = parseJsonObject(path, readText(files, path));
  if (!isObject(map)) throw UserError.of("E0704", `${path} has no object "weight_map"`);
  const shards = new Map<string, TensorFile>();
  const places = new Map<string, WeightsFile>();
  for (const [tensor, file] of Object.entries(map)) {
    if (typeof file !== "string" || baseOf(file) !== file) {
      throw UserError.of("E0704", `${path} gives no file name for tensor ${tensor}`);
    }
    const at = joinPath(folder, file);
    if (files.kind(at) !== "file") throw UserError.of("E0709", `${path} names ${file}, which is not in ${folder}`);
    const shard = shards.get(file) ?? new TensorFile(files, at);
    shards.set(file, shard);
    if (!shard.has(tensor)) throw UserError.of("E0709", `${path} says that ${file} holds ${tensor}, which it does not`);
    places.set(tensor, shard);
  }
  return places;
}

function suggestion(files: Files, path: string): string[] {
  const parent = folderOf(path.replace(/[/\\]+$/, ""));
  if (files.kind(parent) !== "folder") return [];
  const near = nearest(baseOf(path), files.list(parent));
  return near === null ? [] : [`${parent} has ${near}`];
}
