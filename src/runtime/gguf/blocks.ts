/**
 * The element types of GGUF: floats, and blocks of small whole numbers with scales (ggml-common.h and
 * dequantize_row_* of ggml-quants.c). Each is decoded to f32 with ggml's own roundings: every product is exact, and at most
 * the sum or the last product rounds.
 */
import { halfValues } from "../host/half.js";
import { convertSafetensor } from "../host/safetensors.js";

/** Decodes one block, which begins at byte `at`, into elements from `to`. */
type Decode = (bytes: Uint8Array, at: number, into: Float32Array, to: number) => void;

interface BlockType {
  /** How a file names it. */
  readonly number: number;
  readonly elements: number;
  readonly bytes: number;
  /** Null for floats, which safetensors files hold alike. */
  readonly decode: Decode | null;
}

function bitsAt(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8);
}

function halfAt(bytes: Uint8Array, at: number): number {
  return halfValues()[bitsAt(bytes, at)]!;
}

function signed(byte: number): number {
  return (byte << 24) >> 24;
}

/** Blocks of 32 with 4 bits each, low halves first, and where `high` is given a fifth bit from a word of 32. */
function nibbles(
  bytes: Uint8Array,
  at: number,
  high: number | null,
  give: (index: number, value: number) => void,
): void {
  const fifth = high === null ? 0 : bitsAt(bytes, high) | (bitsAt(bytes, high + 2) << 16);
  for (let i = 0; i < 16; i++) {
    const byte = bytes[at + i]!;
    give(i, (byte & 15) | (((fifth >>> i) & 1) << 4));
    give(i + 16, (byte >> 4) | (((fifth >>> (i + 16)) & 1) << 4));
  }
}

/** The scale and the minimum of each of the 8 parts of a K block: 6 bits each, packed into 12 bytes. */
function scaleOf(bytes: Uint8Array, at: number, part: number): readonly [scale: number, least: number] {
  if (part < 4) return [bytes[at + part]! & 63, bytes[at + part + 4]! & 63];
  const low = bytes[at + part + 4]!;
  return [(low & 15) | ((bytes[at + part - 4]! >> 6) << 4), (low >> 4) | ((bytes[at + part]! >> 6) << 4)];
}

/** A K block of 256 in 8 parts: scale and least of the block, of each part, and 4 bits; a fifth where `high` is given. */
function decodeParts(quants: number, high: number | null): Decode {
  return (bytes, at, into, to) => {
    const scale = halfAt(bytes, at);
    const least = halfAt(bytes, at + 2);
    for (let part = 0; part < 8; part++) {
      const [factor, offset] = scaleOf(bytes, at + 4, part);
      for (let i = 0; i < 32; i++) {
        const byte = bytes[at + quants + (part >> 1) * 32 + i]!;
        const fifth = high === null ? 0 : ((bytes[at + high + i]! >> part) & 1) << 4;
        const value = (part % 2 === 0 ? byte & 15 : byte >> 4) | fifth;
        into[to + part * 32 + i] = scale * factor * value - least * offset;
      }
    }
  };
}

/** The element types that are read. */
export const blockTypes = {
  F32: { number: 0, elements: 1, bytes: 4, decode: null },
  F16: { number: 1, elements: 1, bytes: 2, decode: null },
  BF16: { number: 30, elements: 1, bytes: 2, decode: null },
  Q4_0: {
    number: 2,
    elements: 32,
    bytes: 18,
    decode: (bytes, at, into, to) => {
      const scale = halfAt(bytes, at);
      nibbles(bytes, at + 2, null, (i, value) => {
        into[to + i] = scale * (value - 8);
      });
    },
  },
  Q4_1: {
    number: 3,
    elements: 32,
    bytes: 20,
    decode: (bytes, at, into, to) => {
      const scale = halfAt(bytes, at);
      const least = halfAt(bytes, at + 2);
      nibbles(bytes, at + 4, null, (i, value) => {
        into[to + i] = scale * value + least;
      });
    },
  },
  Q5_0: {
    number: 6,
    elements: 32,
    bytes: 22,
    decode: (bytes, at, into, to) => {
      const scale = halfAt(bytes, at);
      nibbles(bytes, at + 6, at + 2, (i, value) => {
        into[to + i] = scale * (value - 16);
      });
    },
  },
  Q5_1: {
    number: 7,
    elements: 32,
    bytes: 24,
    decode: (bytes, at, into, to) => {
      const scale = halfAt(bytes, at);
      const least = halfAt(bytes, at + 2);
      nibbles(bytes, at + 8, at + 4, (i, value) => {
        into[to + i] = scale * value + least;
      });
    },
  },
  Q8_0: {
    number: 8,
    elements: 32,
    bytes: 34,
    decode: (bytes, at, into, to) => {
      const scale = halfAt(bytes, at);
      for (let i = 0; i < 32; i++) into[to + i] = scale * signed(bytes[at + 2 + i]!);
    },
  },
  Q4_K: { number: 12, elements: 256, bytes: 144, decode: decodeParts(16, null) },
  Q5_K: { number: 13, elements: 256, bytes: 176, decode: decodeParts(48, 16) },
  Q6_K: {
    number: 14,
    elements: 256,
    bytes: 210,
    decode: (bytes, at, into, to) => {
      const scale = halfAt(bytes, at + 208);
      for (let i = 0; i < 256; i++) {
        // Two halves of 128, each of four quarters of 32 that share bytes.
        const half = i >> 7;
        const quarter = (i >> 5) & 3;
        const low = bytes[at + half * 64 + (quarter & 1) * 32 + (i & 31)]!;
        const high = bytes[at + 128 + half * 32 + (i & 31)]! >> (quarter * 2);
        const value = ((quarter < 2 ? low & 15 : low >> 4) | ((high & 3) << 4)) - 32;
        into[to + i] = scale * signed(bytes[at + 192 + (i >> 4)]!) * value;
      }
    },
  },
} as const satisfies Readonly<Record<string, BlockType>>;

export type BlockTypeName = keyof typeof blockTypes;

export function isBlockType(name: string): name is BlockTypeName {
  return Object.hasOwn(blockTypes, name);
}

/** The floats of a tensor of some elements, as f32. */
export function decodeBlocks(type: BlockTypeName, bytes: Uint8Array): Float32Array {
  const block: BlockType = blockTypes[type];
  const count = bytes.length / block.bytes;
  if (type === "F32" || type === "F16" || type === "BF16") {
    return convertSafetensor({ name: "", type, shape: [count], start: 0, end: bytes.length }, bytes, "f32", "");
  }
  const values = new Float32Array(count * block.elements);
  for (let at = 0; at < count; at++) block.decode?.(bytes, at * block.bytes, values, at * block.elements);
  return values;
}

/** Types of one scale for each block, of which an implementation usually takes the ends: -8, or both 0 and 15. */
const typesWithEnds = { Q4_0: 2, Q4_1: 4 } as const;

export function hasEnds(type: string): type is keyof typeof typesWithEnds {
  return Object.hasOwn(typesWithEnds, type);
}

/**
 * Whether all of some blocks use the ends of their numbers, as llama.cpp makes them; with an importance matrix it weighs what a
 * scale does to all numbers, and few do. Blocks of one number alone show nothing.
 */
export function reachesEnds(type: keyof typeof typesWithEnds, bytes: Uint8Array): boolean {
  const size = blockTypes[type].bytes;
  for (let at = 0; at + size <= bytes.length; at += size) {
    if (halfAt(bytes, at) === 0) continue;
    let [least, most] = [15, 0];
    nibbles(bytes, at + typesWithEnds[type], null, (_, value) => {
      least = Math.min(least, value);
      most = Math.max(most, value);
    });
    if (least !== 0 || (type === "Q4_1" && most !== 15)) return false;
  }
  return true;
}
