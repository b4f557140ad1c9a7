/**
 * The container of llama.cpp's models: a magic number, counts, metadata by key, a description of each tensor, then the
 * tensors' bytes (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, versions 2 and 3, little-endian).
 *
 * Read without a library: those that there are read through promises, and a checkpoint is opened in the middle of a check
 * that is synchronous. All that the file says is checked before it is believed: lengths against the bytes that are
 * left, so that a damaged or hostile file gives an error and takes no memory.
 */
import { UserError } from "../../diagnostics/index.js";
import { type Files, requireFile } from "../files.js";
import { type BlockTypeName, blockTypes, isBlockType } from "./blocks.js";

export type MetadataValue = number | boolean | string | readonly MetadataValue[];

/** A tensor as the file describes it. */
export interface GgufEntry {
  readonly name: string;
  /** In row-major order: the last axis is the one whose elements lie side by side. */
  readonly shape: readonly number[];
  /** The name of its type; `type 16` for one that is not read. */
  readonly type: BlockTypeName | `type ${number}`;
  /** The offset of its bytes from the start of the file. */
  readonly start: number;
  /** The number of its bytes, 0 for a type that is not read. */
  readonly bytes: number;
}

export interface GgufHeader {
  readonly metadata: ReadonlyMap<string, MetadataValue>;
  readonly tensors: ReadonlyMap<string, GgufEntry>;
}

const magic = 0x46554747; // "GGUF"
const chunk = 1 << 20;
/** ggml's own limit on the axes of a tensor. */
const maxAxes = 4;

/** Reads little-endian values one after another, in pieces of the file. */
class Reader {
  #piece: Uint8Array = new Uint8Array(0);
  #pieceStart = 0;
  position = 0;

  constructor(
    readonly files: Files,
    readonly path: string,
    readonly size: number,
  ) {}

  fail(message: string): never {
    throw UserError.of("E0705", `${this.path}: ${message}`);
  }

  /** The number of items that a count declares, each of at least some bytes. */
  count(what: string, least: number): number {
    const count = this.u64(what);
    if (count * least > this.size - this.position) this.fail(`the file is cut off: it declares ${count} ${what}`);
    return count;
  }

  bytes(length: number, what: string): Uint8Array {
    if (length > this.size - this.position) this.fail(`the file is cut off within ${what}`);
    const offset = this.position - this.#pieceStart;
    if (offset + length > this.#piece.length) {
      this.#piece = this.files.read(this.path, this.position, Math.max(length, chunk));
      this.#pieceStart = this.position;
      if (this.#piece.length < length) this.fail("the file changed while it was read");
      this.position += length;
      return this.#piece.subarray(0, length);
    }
    this.position += length;
    return this.#piece.subarray(offset, offset + length);
  }

  view(length: number, what: string): DataView {
    const bytes = this.bytes(length, what);
    return new DataView(bytes.buffer, bytes.byteOffset, length);
  }

  u32(what: string): number {
    return this.view(4, what).getUint32(0, true);
  }

  u64(what: string): number {
    return this.whole(this.view(8, what).getBigUint64(0, true), what);
  }

  whole(value: bigint, what: string): number {
    const number = Number(value);
    if (!Number.isSafeInteger(number)) this.fail(`${what} is ${value}, which is too large`);
    return number;
  }

  text(what: string): string {
    const length = this.count(`bytes of ${what}`, 1);
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(this.bytes(length, what));
    } catch (error) {
      if (error instanceof UserError) throw error;
      return this.fail(`${what} is not UTF-8`);
    }
  }
}

/** The types of metadata by their numbers: the bytes that one takes at least, and its reader. */
const metadataTypes: readonly {
  readonly least: number;
  readonly read: (reader: Reader, key: string) => MetadataValue;
}[] = [
  { least: 1, read: (reader, key) => reader.view(1, key).getUint8(0) },
  { least: 1, read: (reader, key) => reader.view(1, key).getInt8(0) },
  { least: 2, read: (reader, key) => reader.view(2, key).getUint16(0, true) },
  { least: 2, read: (reader, key) => reader.view(2, key).getInt16(0, true) },
  { least: 4, read: (reader, key) => reader.view(4, key).getUint32(0, true) },
  { least: 4, read: (reader, key) => reader.view(4, key).getInt32(0, true) },
  { least: 4, read: (reader, key) => shortest(reader.view(4, key).getFloat32(0, true)) },
  { least: 1, read: (reader, key) => reader.view(1, key).getUint8(0) !== 0 },
  { least: 8, read: (reader, key) => reader.text(key) },
  { least: 12, read: readArray },
  { least: 8, read: (reader, key) => Number(reader.view(8, key).getBigUint64(0, true)) },
  { least: 8, read: (reader, key) => Number(reader.view(8, key).getBigInt64(0, true)) },
  { least: 8, read: (reader, key) => reader.view(8, key).getFloat64(0, true) },
];

function typeOf(reader: Reader, key: string) {
  const number = reader.u32(key);
  return metadataTypes[number] ?? reader.fail(`${key} of the metadata has the unknown type ${number}`);
}

/** Arrays in arrays are in no model; refusing them bounds the stack. */
function readArray(reader: Reader, key: string): readonly MetadataValue[] {
  const type = typeOf(reader, key);
  if (type.read === readArray) reader.fail(`${key} of the metadata is an array of arrays`);
  const count = reader.count(`items of ${key}`, type.least);
  return Array.from({ length: count }, () => type.read(reader, key));
}

/** The shortest decimal number that rounds to an f32: 1e-5 and not 0.000009999999747378752, as configurations have it. */
function shortest(value: number): number {
  for (let digits = 1; digits <= 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}

/**
 * Reads the header of a file.
 * @throws UserError E0601, E0602 if there is no such file, E0705 if it is cut off or malformed
 */
export function readGgufHeader(files: Files, path: string): GgufHeader {
  const reader = new Reader(files, path, requireFile(files, path));
  if (reader.size < 4 || reader.u32("the magic number") !== magic) reader.fail("it is no GGUF file");
  if (reader.size < 24) reader.fail("the file is cut off within its header");
  const version = reader.u32("the version");
  if (version !== 2 && version !== 3) {
    const swapped = version !== 0 && version % 2 ** 16 === 0;
    reader.fail(swapped ? "it is big-endian, which is not read" : `its version is ${version}; 2 and 3 are read`);
  }
  const tensorCount = reader.u64("the number of tensors");
  const valueCount = reader.count("entries of metadata", 13);
  const metadata = new Map<string, MetadataValue>();
  for (let at = 0; at < valueCount; at++) {
    const key = reader.text("a key of the metadata");
    if (metadata.has(key)) reader.fail(`${key} stands twice in the metadata`);
    metadata.set(key, typeOf(reader, key).read(reader, key));
  }
  if (tensorCount * 24 > reader.size - reader.position) {
    reader.fail(`the file is cut off: it declares ${tensorCount} tensors`);
  }
  const described = Array.from({ length: tensorCount }, () => readTensor(reader));
  const alignment = metadata.get("general.alignment") ?? 32;
  if (typeof alignment !== "number" || alignment < 1) return reader.fail("general.alignment is no number from 1");
  const start = Math.ceil(reader.position / alignment) * alignment;
  const tensors = new Map<string, GgufEntry>();
  for (const entry of described) {
    if (tensors.has(entry.name)) reader.fail(`tensor ${entry.name} stands twice`);
    const at = start + entry.start;
    if (at + entry.bytes > reader.size) {
      reader.fail(`the file is cut off: tensor ${entry.name} ends at byte ${at + entry.bytes} of ${reader.size}`);
    }
    tensors.set(entry.name, { ...entry, start: at });
  }
  return { metadata, tensors };
}

/** The description of a tensor; its start is from that of the tensors' bytes. */
function readTensor(reader: Reader): GgufEntry {
  const name = reader.text("the name of a tensor");
  const axes = reader.u32(name);
  if (axes > maxAxes) reader.fail(`tensor ${name} has ${axes} axes, more than ${maxAxes}`);
  const shape = Array.from({ length: axes }, () => reader.u64(`a size of ${name}`)).reverse();
  const number = reader.u32(name);
  const start = reader.u64(`the place of ${name}`);
  const type = Object.entries(blockTypes).find(([, { number: known }]) => known === number)?.[0];
  if (type === undefined || !isBlockType(type)) return { name, shape, type: `type ${number}`, start, bytes: 0 };
  const { elements, bytes } = blockTypes[type];
  const row = shape.at(-1) ?? 1;
  if (row % elements !== 0) reader.fail(`tensor ${name} is ${type}, whose blocks of ${elements} do not divide ${row}`);
  const count = shape.reduce((product, size) => product * size, 1);
  return { name, shape, type, start, bytes: (count / elements) * bytes };
}
