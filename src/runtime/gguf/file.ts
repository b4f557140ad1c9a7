/**
 * A GGUF file as a checkpoint: its tensors, quantized ones as f32, and its metadata as a configuration.
 *
 * A tensor is held by the name in the file with the values in the file, and, where the architecture is known, by the name
 * under which the model is published, with the published values. So do the keys of the configuration:
 * `llama.embedding_length` is also `hidden_size`.
 */
import { UserError } from "../../diagnostics/index.js";
import { type Files, folderOf, joinPath } from "../files.js";
import { toHalf } from "../host/half.js";
import { type ElementName, elementCount, type Tensor } from "../host/tensors.js";
import type { TensorHeader } from "../tensor-file.js";
import { type Architecture, architectureOf, type Change, publishedName } from "./architectures.js";
import { blockTypes, decodeBlocks, hasEnds, isBlockType, reachesEnds } from "./blocks.js";
import { type GgufEntry, type GgufHeader, type MetadataValue, readGgufHeader } from "./container.js";
import { ropeScaling } from "./rope.js";

/** A tensor by one of its names. */
interface Place {
  readonly entry: GgufEntry;
  readonly change: Change | null;
}

export class GgufFile {
  readonly tensors: ReadonlyMap<string, TensorHeader>;
  readonly #places = new Map<string, Place>();
  readonly #header: GgufHeader;

  /**
   * Reads the header of a file.
   * @param metadata that of the first of several files, in place of the file's own
   * @throws UserError E0601, E0602 if there is no such file, E0705 if it is cut off or malformed
   */
  constructor(
    readonly files: Files,
    readonly path: string,
    metadata?: ReadonlyMap<string, MetadataValue>,
  ) {
    const header = readGgufHeader(files, path);
    this.#header = { ...header, metadata: metadata ?? header.metadata };
    const tensors = new Map<string, TensorHeader>();
    const architecture = this.#architecture();
    for (const entry of header.tensors.values()) {
      this.#places.set(entry.name, { entry, change: null });
      const ends = this.#endsOf(entry);
      tensors.set(entry.name, { shape: entry.shape, dtype: entry.type, ...ends });
      const published = architecture && publishedName(architecture, entry.name);
      if (!published) continue;
      const change = entry.shape.length === 1 && published.change === "transposed" ? null : (published.change ?? null);
      this.#places.set(published.name, { entry, change });
      const shape = change === "transposed" ? [...entry.shape].reverse() : entry.shape;
      tensors.set(published.name, { shape, dtype: entry.type, stored: entry.name, ...ends });
    }
    this.tensors = tensors;
  }

  get metadata(): ReadonlyMap<string, MetadataValue> {
    return this.#header.metadata;
  }

  /** All files of a model that is split into several, this being the first. @throws UserError E0709, E0705 */
  parts(): GgufFile[] {
    const count = this.metadata.get("split.count") ?? 1;
    if (typeof count !== "number" || count <= 1) return [this];
    const match = /^(.*)-00001-of-(\d{5})\.gguf$/.exec(this.path);
    if (!match) {
      throw UserError.of("E0709", `${this.path} is a part of a model in ${count} files, and not the first`, {
        help: ["name the one that ends in -00001-of-….gguf"],
      });
    }
    const others = Array.from({ length: count - 1 }, (_, at) => {
      const path = `${match[1]}-${String(at + 2).padStart(5, "0")}-of-${match[2]}.gguf`;
      if (this.files.kind(path) !== "file") {
        throw UserError.of("E0709", `${this.path} is one of ${count} files, and there is no ${path}`);
      }
      return new GgufFile(this.files, joinPath(folderOf(path), path.slice(folderOf(path).length + 1)), this.metadata);
    });
    return [this, ...others];
  }

  /** The configuration: the metadata as objects in objects, and the published keys of what is known of it. */
  config(): Record<string, unknown> {
    const config: Record<string, unknown> = {};
    for (const [key, value] of this.metadata) nest(config, key.split("."), value);
    const architecture = this.#architecture();
    if (!architecture) return config;
    const own = String(this.metadata.get("general.architecture"));
    config.model_type = own;
    for (const [key, names] of Object.entries(architecture.config)) {
      const value = this.metadata.get(`${own}.${key}`);
      if (value !== undefined) for (const name of names) config[name] ??= value;
    }
    const vocabulary = this.#header.tensors.get("token_embd.weight")?.shape[0];
    const tokens = this.metadata.get("tokenizer.ggml.tokens");
    const declared = this.metadata.get(`${own}.vocab_size`) ?? (Array.isArray(tokens) ? tokens.length : null);
    config.vocab_size = vocabulary ?? declared;
    const factors = this.#header.tensors.has("rope_freqs.weight") ? this.read("rope_freqs.weight", "f32").data : null;
    const scaling = ropeScaling(this.path, own, this.metadata, factors);
    if (scaling) config.rope_scaling = scaling;
    return config;
  }

  /**
   * A tensor's elements as floats.
   * @throws UserError E0708 if its type is not read, or is asked for as whole numbers, E0705 if its bytes cannot be read
   */
  read<Type extends ElementName>(name: string, type: Type): Tensor<Type>;
  read(name: string, type: ElementName): Tensor {
    const place = this.#places.get(name);
    if (!place) throw UserError.of("E0706", `${this.path} has no tensor ${name}`);
    const { entry, change } = place;
    if (!isBlockType(entry.type) || (type !== "f32" && type !== "f16")) {
      throw UserError.of("E0708", `tensor ${name} of ${this.path} is ${entry.type}, which does not convert to ${type}`);
    }
    const bytes = this.files.read(this.path, entry.start, entry.bytes);
    if (bytes.length !== entry.bytes) {
      throw UserError.of("E0705", `${this.path} ends within tensor ${name}: it changed while it was read`);
    }
    const stored = decodeBlocks(entry.type, bytes);
    const values = change === null ? stored : this.#changed(stored, entry, change);
    const shape = change === "transposed" ? [...entry.shape].reverse() : entry.shape;
    if (type === "f32") return { data: values, shape, type };
    return { data: Uint16Array.from(values, toHalf), shape, type };
  }

  /** Whether the first blocks of a tensor use the ends of their numbers: read once, and only when it is asked. */
  #endsOf({ type, start, bytes }: GgufEntry): Pick<TensorHeader, "reachesEnds"> {
    if (!hasEnds(type)) return {};
    let known: boolean | null = null;
    return {
      reachesEnds: () => {
        known ??= reachesEnds(type, this.files.read(this.path, start, Math.min(bytes, 1024 * blockTypes[type].bytes)));
        return known;
      },
    };
  }

  #architecture(): Architecture | null {
    const name = this.metadata.get("general.architecture");
    return typeof name === "string" ? architectureOf(name) : null;
  }

  #changed(stored: Float32Array, { name, shape }: GgufEntry, change: Change): Float32Array {
    if (change === "1 less") return stored.map((value) => value - 1);
    const rows = shape[0] ?? 1;
    const width = elementCount(shape) / Math.max(rows, 1);
    const values = new Float32Array(stored.length);
    if (change === "transposed") {
      for (let i = 0; i < rows; i++) for (let j = 0; j < width; j++) values[j * rows + i] = stored[i * width + j]!;
      return values;
    }
    const heads = this.#heads(change);
    const half = rows / heads / 2;
    if (!Number.isInteger(half)) {
      throw UserError.of("E0705", `${this.path}: tensor ${name} has ${rows} rows, which are not of ${heads} heads`);
    }
    for (let row = 0; row < rows; row++) {
      // Of a head the file holds row 0 of its first half, row 0 of its second, row 1 of its first, …
      const within = row % (2 * half);
      const from = row - within + (within % half) * 2 + Math.floor(within / half);
      values.set(stored.subarray(from * width, (from + 1) * width), row * width);
    }
    return values;
  }

  #heads(change: Change): number {
    const own = String(this.metadata.get("general.architecture"));
    const queries = this.metadata.get(`${own}.attention.head_count`);
    const heads = change === "key rows" ? (this.metadata.get(`${own}.attention.head_count_kv`) ?? queries) : queries;
    if (typeof heads === "number" && heads > 0) return heads;
    throw UserError.of("E0705", `${this.path}: ${own}.attention.head_count of the metadata is no number of heads`);
  }
}

/** Puts a value at the end of a path of objects. A value that stands where an object is needed stays. */
function nest(into: Record<string, unknown>, path: readonly string[], value: MetadataValue): void {
  const [first = "", ...rest] = path;
  if (rest.length === 0) {
    if (!Object.hasOwn(into, first)) set(into, first, value);
    return;
  }
  if (!Object.hasOwn(into, first)) set(into, first, {});
  const next = into[first];
  if (typeof next === "object" && next !== null && !Array.isArray(next)) {
    nest(next as Record<string, unknown>, rest, value);
  }
}

/** Defines a property of any name, `__proto__` included. */
function set(into: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(into, name, { value, enumerable: true, configurable: true, writable: true });
}
