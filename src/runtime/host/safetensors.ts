/**
 * Reads safetensors files: an 8-byte little-endian length, a header in JSON, then the bytes of the tensors.
 *
 * The header is checked whole before any tensor is read, so a damaged or hostile file gives an error that names the
 * file, the tensor and the cause, and never a wrong number. All hosts of JavaScript are little-endian, as the format.
 */
import { halfValues, toHalf } from "./half.js";
import { type ArrayOf, arrayOf, type ElementName, elementCount, showShape } from "./tensors.js";

/** What is wrong with a safetensors file. */
export class SafetensorsError extends Error {
  override name = "SafetensorsError";
}

/** The element types of the format that are read, with their bytes. */
export const safetensorsBytes = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
} as const;
export type SafetensorsType = keyof typeof safetensorsBytes;

/** One tensor of a file: `start` and `end` are offsets in bytes from the start of the file. */
export interface SafetensorsEntry {
  readonly name: string;
  readonly type: SafetensorsType;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  /** How errors call the file. */
  readonly file: string;
  /** In the order of their bytes. */
  readonly tensors: ReadonlyMap<string, SafetensorsEntry>;
  /** The free texts under `__metadata__`. */
  readonly metadata: ReadonlyMap<string, string>;
  /** The length of the whole file. */
  readonly fileBytes: number;
}

/** The format's own limit on its header. */
const headerLimit = 100_000_000;

/**
 * The length of the header from the first 8 bytes.
 * @param fileBytes the length of the file, or null where it is not known yet
 */
export function safetensorsHeaderLength(prefix: Uint8Array, fileBytes: number | null, file: string): number {
  if (prefix.byteLength < 8) {
    throw new SafetensorsError(`${file} is no safetensors file: it has ${prefix.byteLength} bytes, fewer than 8`);
  }
  const words = new DataView(prefix.buffer, prefix.byteOffset, 8);
  const length = words.getUint32(0, true) + words.getUint32(4, true) * 2 ** 32;
  if (length > headerLimit) {
    const start = String.fromCharCode(...prefix.subarray(0, 8));
    const hint = start === "version " ? "it is a pointer of Git LFS" : /^\s*</.test(start) ? "it is a web page" : null;
    throw new SafetensorsError(
      `${file} is no safetensors file: ${hint ?? `it declares a header of ${length} bytes (at most ${headerLimit})`}`,
    );
  }
  if (fileBytes !== null && 8 + length > fileBytes) {
    throw new SafetensorsError(
      `${file} is cut off: its header takes ${length} bytes, and it has ${fileBytes - 8} after the length`,
    );
  }
  return length;
}

/**
 * Checks the text of a header.
 * @param text the bytes after the first 8, as long as the header
 * @param fileBytes the length of the file, or null where it is not known yet
 */
export function parseSafetensorsHeader(text: Uint8Array, fileBytes: number | null, file: string): SafetensorsHeader {
  const fail = (message: string): never => {
    throw new SafetensorsError(`${file}: ${message}`);
  };
  let json = "";
  let header: unknown;
  try {
    json = new TextDecoder("utf-8", { fatal: true }).decode(text);
    header = JSON.parse(json);
  } catch (error) {
    return fail(`the header is not JSON (${error instanceof Error ? error.message : error})`);
  }
  if (!isRecord(header)) return fail("the header is not a JSON object");
  const twice = repeatedKey(json);
  if (twice !== null) return fail(`the header has "${twice}" twice`);

  const dataStart = 8 + text.byteLength;
  const entries: SafetensorsEntry[] = [];
  const metadata = new Map<string, string>();
  for (const [name, value] of Object.entries(header)) {
    if (name !== "__metadata__") {
      entries.push(readEntry(name, value, dataStart, fail));
    } else {
      if (!isRecord(value)) return fail("__metadata__ is not an object");
      for (const [key, word] of Object.entries(value)) {
        if (typeof word !== "string") return fail(`"${key}" of __metadata__ is not a text`);
        metadata.set(key, word);
      }
    }
  }

  entries.sort((a, b) => a.start - b.start || a.end - b.end);
  let end = dataStart;
  let previous = "";
  for (const entry of entries) {
    if (fileBytes !== null && entry.end > fileBytes) {
      fail(`the file is cut off: tensor "${entry.name}" ends at byte ${entry.end} of ${fileBytes}`);
    }
    if (entry.start < end) fail(`the bytes of tensors "${previous}" and "${entry.name}" overlap`);
    if (entry.start > end) fail(`${entry.start - end} bytes before tensor "${entry.name}" belong to no tensor`);
    end = entry.end;
    previous = entry.name;
  }
  if (fileBytes !== null && end < fileBytes) fail(`${fileBytes - end} bytes at the end belong to no tensor`);
  return { file, tensors: new Map(entries.map((entry) => [entry.name, entry])), metadata, fileBytes: end };
}

/** Checks a whole file that lies in memory. */
export function parseSafetensors(bytes: Uint8Array, file: string): SafetensorsHeader {
  const length = safetensorsHeaderLength(bytes, bytes.byteLength, file);
  return parseSafetensorsHeader(bytes.subarray(8, 8 + length), bytes.byteLength, file);
}

function readEntry(
  name: string,
  value: unknown,
  dataStart: number,
  fail: (message: string) => never,
): SafetensorsEntry {
  const tensor = `tensor "${name}"`;
  if (!isRecord(value)) return fail(`${tensor} is not described by an object`);
  const { dtype, shape, data_offsets: offsets } = value;
  for (const key of Object.keys(value)) {
    if (key !== "dtype" && key !== "shape" && key !== "data_offsets") fail(`${tensor} has an unknown field "${key}"`);
  }
  if (typeof dtype !== "string") return fail(`${tensor} has no dtype`);
  if (!isSafetensorsType(dtype)) {
    return fail(`${tensor} has the type ${dtype}, which is none of ${Object.keys(safetensorsBytes).join(", ")}`);
  }
  if (!isCounts(shape)) return fail(`the shape of ${tensor} is not a list of whole numbers from 0`);
  if (!isCounts(offsets) || offsets.length !== 2)
    return fail(`the data_offsets of ${tensor} are not two whole numbers from 0`);
  const [begin, end] = offsets as [number, number];
  if (begin > end) return fail(`the data_offsets of ${tensor} are out of order: ${begin} to ${end}`);
  const needed = elementCount(shape) * safetensorsBytes[dtype];
  if (end - begin !== needed) {
    return fail(`${tensor} is ${dtype} ${showShape(shape)}, which takes ${needed} bytes, but has ${end - begin}`);
  }
  return { name, type: dtype, shape, start: dataStart + begin, end: dataStart + end };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

function isSafetensorsType(name: string): name is SafetensorsType {
  return Object.hasOwn(safetensorsBytes, name);
}

/** A key that stands twice in one object of a valid JSON text (JSON.parse keeps the last), or null. */
function repeatedKey(json: string): string | null {
  const open: (Set<string> | null)[] = [];
  for (let at = 0; at < json.length; at++) {
    const character = json[at];
    if (character === "{") open.push(new Set());
    else if (character === "[") open.push(null);
    else if (character === "}" || character === "]") open.pop();
    else if (character === '"') {
      const start = at++;
      while (json[at] !== '"') at += json[at] === "\\" ? 2 : 1;
      let next = at + 1;
      while (json[next] === " " || json[next] === "\t" || json[next] === "\n" || json[next] === "\r") next++;
      const keys = open[open.length - 1];
      if (json[next] !== ":" || !keys) continue;
      const key: string = JSON.parse(json.slice(start, at + 1));
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return null;
}

/** Whether a tensor of a file can be read as elements of a type: floats as floats, whole numbers and booleans as both. */
export function convertsTo(from: SafetensorsType, to: ElementName): boolean {
  const isFloat = from === "F64" || from === "F32" || from === "F16" || from === "BF16";
  return isFloat === (to === "f32" || to === "f16");
}

/**
 * The elements of a tensor of a file as an array of another type.
 * Floats round to nearest; whole numbers that i32 does not hold are an error. The array lies on the given bytes where
 * nothing needs to change and they are aligned.
 * @param bytes the bytes of this tensor, or of elements of it from the one numbered `first` on
 */
export function convertSafetensor<Type extends ElementName>(
  entry: SafetensorsEntry,
  bytes: Uint8Array,
  to: Type,
  file: string,
  first?: number,
): ArrayOf[Type];
export function convertSafetensor(
  entry: SafetensorsEntry,
  bytes: Uint8Array,
  to: ElementName,
  file: string,
  first = 0,
): ArrayOf[ElementName] {
  if (!convertsTo(entry.type, to)) {
    throw new SafetensorsError(`${file}: tensor "${entry.name}" is ${entry.type}, which cannot be read as ${to}`);
  }
  const size = safetensorsBytes[entry.type];
  const aligned = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
  const view = <Items>(Items: new (buffer: ArrayBufferLike, offset: number, length: number) => Items): Items =>
    new Items(aligned.buffer, aligned.byteOffset, aligned.byteLength / size);
  const count = aligned.byteLength / size;
  if (to === "f16") {
    if (entry.type === "F16") return view(Uint16Array);
    const values = entry.type === "F64" ? view(Float64Array) : convertSafetensor(entry, aligned, "f32", file);
    const bits = new Uint16Array(count);
    for (let i = 0; i < count; i++) bits[i] = toHalf(values[i]!);
    return bits;
  }
  if (to === "bool") return nonZero(bytes, size);
  switch (entry.type) {
    case "F64":
      return new Float32Array(view(Float64Array));
    case "F32":
      return view(Float32Array);
    case "F16": {
      const table = halfValues();
      const bits = view(Uint16Array);
      const values = new Float32Array(count);
      for (let i = 0; i < count; i++) values[i] = table[bits[i]!]!;
      return values;
    }
    case "BF16": {
      const high = view(Uint16Array);
      const words = new Uint32Array(count);
      for (let i = 0; i < count; i++) words[i] = high[i]! << 16;
      return new Float32Array(words.buffer);
    }
    case "I64":
      return narrow(entry, view(BigInt64Array), file, first);
    case "I32":
      return view(Int32Array);
    case "I16":
      return new Int32Array(view(Int16Array));
    case "I8":
      return new Int32Array(view(Int8Array));
    case "U8":
      return new Int32Array(aligned);
    case "BOOL":
      return Int32Array.from(aligned, (value) => (value === 0 ? 0 : 1));
  }
}

/** 1 for each item of some bytes that is not 0. */
function nonZero(bytes: Uint8Array, bytesPerItem: number): Uint8Array {
  const result = new Uint8Array(bytes.length / bytesPerItem);
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== 0) result[Math.floor(i / bytesPerItem)] = 1;
  return result;
}

function narrow(entry: SafetensorsEntry, values: BigInt64Array, file: string, first: number): Int32Array {
  const result = arrayOf("i32", values.length);
  for (let i = 0; i < values.length; i++) {
    const value = Number(values[i]);
    if (value !== (value | 0)) {
      throw new SafetensorsError(
        `${file}: tensor "${entry.name}" holds ${values[i]} at element ${first + i}, which i32 does not`,
      );
    }
    result[i] = value;
  }
  return result;
}
