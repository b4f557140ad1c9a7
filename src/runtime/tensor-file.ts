/**
 * One safetensors file on disk: its header is read and checked when it is opened, the bytes of a tensor when it is asked
 * for. A model of many gigabytes is checked by reading a few kilobytes.
 */
import { UserError } from "../diagnostics/index.js";
import { baseOf, type Files, requireFile } from "./files.js";
import {
  convertSafetensor,
  convertsTo,
  parseSafetensorsHeader,
  type SafetensorsEntry,
  SafetensorsError,
  type SafetensorsHeader,
  safetensorsHeaderLength,
} from "./host/safetensors.js";
import type { ElementName, Tensor } from "./host/tensors.js";

/** What a header says of a tensor; `dtype` is the format's name, such as `F32` or `BF16`. */
export interface TensorHeader {
  readonly shape: readonly number[];
  readonly dtype: string;
  /** The name of the same tensor in the file, where this is another. */
  readonly stored?: string;
  /** Whether its blocks of few bits use the ends of their numbers; not there for types that are not asked. */
  readonly reachesEnds?: () => boolean;
}

/** The text at the start of a pointer that Git LFS leaves where a file was not fetched. */
const lfsPointer = "version https://git-lfs";

/** Runs a reader; what it finds wrong with the file becomes the user's error. */
function asUserError<T>(read: () => T, help: readonly string[] = []): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof SafetensorsError) throw UserError.of("E0705", error.message, { help });
    throw error;
  }
}

export class TensorFile {
  readonly tensors: ReadonlyMap<string, TensorHeader>;
  readonly #header: SafetensorsHeader;

  /**
   * Reads the header of a file.
   * @throws UserError E0601, E0602 if there is no such file, E0705 if it is cut off or malformed.
   */
  constructor(
    readonly files: Files,
    readonly path: string,
  ) {
    const length = requireFile(files, path);
    const start = files.read(path, 0, 64);
    const pointer = new TextDecoder().decode(start).startsWith(lfsPointer);
    const help = pointer
      ? [`${baseOf(path)} is a pointer of Git LFS: fetch the file itself with \`git lfs pull\``]
      : [];
    this.#header = asUserError(() => {
      const header = safetensorsHeaderLength(start, length, path);
      return parseSafetensorsHeader(files.read(path, 8, header), length, path);
    }, help);
    const tensors = new Map<string, TensorHeader>();
    for (const [name, { shape, type }] of this.#header.tensors) tensors.set(name, { shape, dtype: type });
    this.tensors = tensors;
  }

  /** The names that stand in the file. */
  has(name: string): boolean {
    return this.#header.tensors.has(name);
  }

  /**
   * A tensor's elements as another type.
   * @throws UserError E0708 if the type does not convert, E0705 if its bytes cannot be read.
   */
  read<Type extends ElementName>(name: string, type: Type): Tensor<Type> {
    const entry = this.#entry(name);
    if (!convertsTo(entry.type, type)) {
      throw UserError.of("E0708", `tensor ${name} of ${this.path} is ${entry.type}, which does not convert to ${type}`);
    }
    const bytes = this.files.read(this.path, entry.start, entry.end - entry.start);
    if (bytes.length !== entry.end - entry.start) {
      throw UserError.of("E0705", `${this.path} ends within tensor ${name}: it changed while it was read`);
    }
    const data = asUserError(() => convertSafetensor(entry, bytes, type, this.path));
    return { data, shape: entry.shape, type };
  }

  /** A tensor in the element type that is nearest to the file's own: f16 stays, whole numbers are i32. */
  readAsWritten(name: string): Tensor {
    const { type } = this.#entry(name);
    const element = { F64: "f32", F32: "f32", BF16: "f32", F16: "f16", BOOL: "bool" } as const;
    return this.read(name, type in element ? element[type as keyof typeof element] : "i32");
  }

  #entry(name: string): SafetensorsEntry {
    const entry = this.#header.tensors.get(name);
    if (!entry) throw UserError.of("E0706", `${this.path} has no tensor ${name}`);
    return entry;
  }
}
