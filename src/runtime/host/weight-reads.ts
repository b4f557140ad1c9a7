/**
 * Reads tensors into arrays, or right into the room that their taker has for them: no copy of them is held in between.
 */
import { type ByteSource, WeightsError } from "./byte-sources.js";
import { convertSafetensor, type SafetensorsEntry, safetensorsBytes } from "./safetensors.js";
import { type ArrayOf, arrayOf, bytesPerElement, type ElementName } from "./tensors.js";
import type { WeightsOptions } from "./weights.js";

/** A tensor and where it is. */
export interface HeldTensor {
  readonly source: ByteSource;
  readonly entry: SafetensorsEntry;
}

/** A tensor that is to be read: into all of an array, or as one part of a stack. */
export interface PlannedRead extends HeldTensor {
  readonly key: string;
  readonly type: ElementName;
  readonly elements: number;
  readonly part: number;
  readonly parts: number;
}

/** Who takes what is read, by the keys of the reads. */
interface Taker {
  /** Where it is to be read to; null for an array of its own. What was given before holds from then on no more. */
  room(key: string): ArrayOf[ElementName] | null;
  /** @param array null where it lies in its room */
  give(key: string, array: ArrayOf[ElementName] | null): void;
}

/** What is converted is read in pieces of so many elements. */
const pieceElements = 1 << 20;

/** Reads tensors and gives each array on when the last of its parts is there. */
export async function readAll(
  reads: readonly PlannedRead[],
  { signal, onProgress }: WeightsOptions,
  taker: Taker,
): Promise<void> {
  /** How many parts the stacks that have begun wait for. */
  const missing = new Map<string, number>();
  const arrays = new Map<string, ArrayOf[ElementName]>();
  let loaded = 0;
  let total = 0;
  for (const { entry } of reads) total += entry.end - entry.start;
  const onBytes = (count: number): void => {
    loaded += count;
    onProgress?.({ loaded, total });
  };
  let lastSource: ByteSource | undefined;
  /** A tensor of a download that serves two types: it cannot be read again. */
  let shared = null as { readonly entry: SafetensorsEntry; readonly bytes: Uint8Array } | null;
  for (const [number, read] of reads.entries()) {
    const { source, entry, key, type, elements, part, parts } = read;
    signal?.throwIfAborted();
    if (lastSource !== source) await lastSource?.pause();
    lastSource = source;
    if (source.isSequential && reads[number + 1]?.entry === entry && shared?.entry !== entry) {
      shared = { entry, bytes: new Uint8Array(entry.end - entry.start) };
      await fillBytes(read, 0, shared.bytes, () => {});
    }
    const bytes = shared?.entry === entry ? shared.bytes : (source.bytes?.subarray(entry.start, entry.end) ?? null);
    if (bytes !== null && parts === 1) {
      const values = convertSafetensor(entry, bytes, type, source.file);
      onBytes(bytes.length);
      taker.give(key, values);
      continue;
    }
    const room = taker.room(key);
    const array = room ?? arrays.get(key) ?? arrayOf(type, elements);
    if (room === null) arrays.set(key, array);
    const count = elements / parts;
    await readTensor(read, array.subarray(part * count, (part + 1) * count), bytes, onBytes);
    const left = (missing.get(key) ?? parts) - 1;
    missing.set(key, left);
    if (left > 0) continue;
    arrays.delete(key);
    taker.give(key, room === null ? array : null);
  }
}

/** @param bytes those of the tensor, if they are at hand */
async function readTensor(
  read: PlannedRead,
  target: ArrayOf[ElementName],
  bytes: Uint8Array | null,
  onBytes: (count: number) => void,
): Promise<void> {
  const { entry, source, type } = read;
  const isSame = entry.type === { f32: "F32", f16: "F16", i32: "I32", bool: "" }[type];
  if (bytes !== null) {
    target.set(convertSafetensor(entry, bytes, type, source.file));
    onBytes(bytes.length);
  } else if (isSame) {
    const raw = new Uint8Array(target.buffer, target.byteOffset, target.length * bytesPerElement[type]);
    await fillBytes(read, 0, raw, onBytes);
  } else {
    const size = safetensorsBytes[entry.type];
    const piece = new Uint8Array(size * Math.min(pieceElements, target.length));
    for (let at = 0; at < target.length; at += pieceElements) {
      const part = piece.subarray(0, size * Math.min(pieceElements, target.length - at));
      await fillBytes(read, size * at, part, onBytes);
      target.set(convertSafetensor(entry, part, type, source.file, at), at);
    }
  }
}

/** Fills an array with bytes of a tensor, from an offset in it. */
async function fillBytes(
  { source, entry }: PlannedRead,
  offset: number,
  target: Uint8Array,
  onBytes: (count: number) => void,
): Promise<void> {
  if ((await source.read(entry.start + offset, target, onBytes)) < target.length) {
    throw new WeightsError(`${source.file} is cut off within tensor "${entry.name}"`);
  }
}
