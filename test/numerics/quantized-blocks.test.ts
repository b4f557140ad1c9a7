/** Weights that a file holds in blocks of whole numbers with a scale: held as the same numbers, nothing is rounded again. */
import { describe, expect, it } from "vitest";
import { type BackendName, backendNames } from "../../src/driver/backends.js";
import { givenTensor } from "../../src/driver/inputs.js";
import { moduleRunner } from "../../src/driver/module-runner.js";
import { Compilation } from "../../src/driver/pipeline.js";
import { roundedReference } from "../../src/driver/rounded-reference.js";
import { runEntries } from "../../src/driver/run.js";
import { lacksDevice } from "../../src/driver/webgpu.js";
import type { WeightsFormat } from "../../src/passes/index.js";
import { Checkpoint } from "../../src/runtime/checkpoint.js";
import { memoryFiles } from "../../src/runtime/files.js";
import { toHalf } from "../../src/runtime/host/half.js";
import type { Tensor } from "../../src/runtime/host/tensors.js";
import { checkpointWeights, readWeights } from "../../src/runtime/weights.js";
import { Random } from "../support/random.js";
import { gguf } from "../unit/support/gguf.js";

const [rows, blockLength] = [40, 32];

/**
 * Blocks as llama.cpp makes them: the number of the largest magnitude is 127 of Q8_0, and -8 of Q4_0; the least and the
 * largest of Q4_1 are 0 and 15; those of the 8 groups of a block of Q4_K are any.
 */
const blocks = {
  Q8_0: {
    number: 8,
    bytes: 34,
    elements: 32,
    width: 96,
    format: "int8",
    block: (random, at) => scaled(random, at, blockOf8, true),
  },
  Q4_0: {
    number: 2,
    bytes: 18,
    elements: 32,
    width: 96,
    format: "int4",
    block: (random, at) => scaled(random, at, blockOf4, true),
  },
  Q4_1: {
    number: 3,
    bytes: 20,
    elements: 32,
    width: 96,
    format: "int4",
    block: (random, at) => scaled(random, at, blockWithEnds, false),
  },
  Q4_K: { number: 12, bytes: 144, elements: 256, width: 512, format: "int4", block: blockOfGroups },
  Q5_0: { number: 6, bytes: 22, elements: 32, width: 96, format: "int4", block: blockOf5 },
  Q6_K: { number: 14, bytes: 210, elements: 256, width: 512, format: "int4", block: blockOf6 },
  "Q4_0 of any": { number: 2, bytes: 18, elements: 32, width: 96, format: "int4", block: anywhere(true) },
  "Q4_1 of any": { number: 3, bytes: 20, elements: 32, width: 96, format: "int4", block: anywhere(false) },
} as const satisfies Record<string, Blocks>;

interface Blocks {
  readonly number: number;
  readonly bytes: number;
  readonly elements: number;
  readonly width: number;
  readonly format: WeightsFormat;
  readonly block: (random: Random, at: number) => readonly number[];
}

const bytesOfHalf = (value: number): readonly number[] => [toHalf(value) & 255, toHalf(value) >> 8];

/** Scales of either sign, but for those of blocks with a least number; some blocks are zeros, or all one number. */
function scaled(
  random: Random,
  at: number,
  codes: (random: Random) => Uint8Array,
  isSymmetric: boolean,
): readonly number[] {
  const sign = isSymmetric && random.next() < 0.5 ? -1 : 1;
  const scale = at % 7 === 3 ? 0 : (sign * random.next() * 10 ** (at % 5)) / 2;
  const least = (random.next() - 0.7) * 12 * scale + random.next();
  return [...bytesOfHalf(scale), ...(isSymmetric ? [] : bytesOfHalf(least)), ...codes(random)];
}

/** Groups whose numbers lie anywhere between 0 and 15; some are all one number, some use every second. */
function blockOfGroups(random: Random, at: number): readonly number[] {
  const scales = Array.from({ length: 12 }, () => random.below(256));
  const groups = Array.from({ length: 8 }, (_, group) => {
    const [first, step] = [random.below(16), (at + group) % 5 === 0 ? 2 : 1];
    const count = 1 + random.below(Math.floor((15 - first) / step) + 1);
    return Array.from({ length: blockLength }, () => first + step * random.below(count));
  });
  const codes = [0, 2, 4, 6].flatMap((group) => groups[group]!.map((low, i) => low | (groups[group + 1]![i]! << 4)));
  const own = at % 7 === 3 ? 0 : random.next() * 10 ** ((at % 5) - 3);
  return [...bytesOfHalf(own), ...bytesOfHalf(own * random.next() * 4), ...scales, ...codes];
}

/** Numbers that lie anywhere, as an importance matrix makes them: some blocks use few of them, some both signs alike. */
function anywhere(isSymmetric: boolean): (random: Random, at: number) => readonly number[] {
  return (random, at) =>
    scaled(
      random,
      at,
      () => {
        const [first, step] = [random.below(16), 1 + random.below(3)];
        const count = 1 + random.below(Math.floor((15 - first) / step) + 1);
        const codes = Array.from({ length: blockLength }, () => first + step * random.below(count));
        const alike = at % 4 === 1 ? codes.map((_, i) => 8 + (i % 3 === 0 ? -4 : i % 3 === 1 ? 4 : 1)) : codes;
        return Uint8Array.from({ length: 16 }, (_, i) => alike[i]! | (alike[i + 16]! << 4));
      },
      isSymmetric,
    );
}

function blockOf5(random: Random, at: number): readonly number[] {
  const scale = at % 7 === 3 ? 0 : (random.next() - 0.5) * 10 ** (at % 5);
  return [...bytesOfHalf(scale), ...Array.from({ length: 20 }, () => random.below(256))];
}

/** 16 groups of 16, with a scale of 8 bits each; in some blocks all numbers are small. */
function blockOf6(random: Random, at: number): readonly number[] {
  const low = Array.from({ length: 128 }, () => random.below(256));
  const high = Array.from({ length: 64 }, () => (at % 4 === 1 ? 0xaa : random.below(256)));
  const scales = Array.from({ length: 16 }, () => random.below(256));
  return [...low, ...high, ...scales, ...bytesOfHalf(at % 7 === 3 ? 0 : random.next() * 10 ** ((at % 5) - 3))];
}

function blockOf8(random: Random): Uint8Array {
  const codes = Int8Array.from({ length: blockLength }, () => Math.floor(random.next() * 255) - 127);
  codes[Math.floor(random.next() * blockLength)] = random.next() < 0.5 ? 127 : -127;
  return new Uint8Array(codes.buffer);
}

function blockOf4(random: Random): Uint8Array {
  const codes = Uint8Array.from({ length: blockLength }, () => Math.floor(random.next() * 16));
  codes[Math.floor(random.next() * blockLength)] = 0;
  return codes.slice(0, 16).map((low, at) => low | (codes[at + 16]! << 4));
}

function blockWithEnds(random: Random): Uint8Array {
  const codes = blockOf4(random);
  const at = Math.floor(random.next() * 15);
  codes[at] = 0xf0;
  return codes;
}

function fileOf(type: keyof typeof blocks): Checkpoint {
  const { number, bytes, elements, width, block } = blocks[type];
  const random = new Random(number);
  const count = (rows * width) / elements;
  const data = new Uint8Array(count * bytes);
  for (let at = 0; at < count; at++) data.set(block(random, at), at * bytes);
  const file = gguf({ tensors: [["table", [rows, width], number, 0]], data });
  return Checkpoint.open(memoryFiles([["m.gguf", file]]), "m.gguf");
}

const noDevice = await lacksDevice();

const targets = backendNames.filter((name) => name !== "wgsl" || noDevice === null);

/** What a target computes of the weights in a file, and how it is compiled. */
async function computed(target: BackendName, type: keyof typeof blocks, body: string, x: Tensor) {
  const checkpoint = fileOf(type);
  const text = `model M() {\n  param table: [${rows}, ${blocks[type].width}]\n  ${body}\n}\n`;
  const weights = blocks[type].format;
  const compilation = new Compilation({ files: memoryFiles(), path: "m.trafo", text, weights, target, checkpoint });
  const held = readWeights(compilation.program.entries, checkpointWeights(checkpoint));
  const runner = await moduleRunner(target, compilation, held);
  const [run] = await runEntries(runner, compilation.program, new Map([["x", givenTensor(x, "x")]]));
  runner.dispose();
  return { found: run!.outputs.get("y")!.data, table: held.get("table")!.data, held, compilation };
}

/** The largest magnitude among the numbers that have one scale with another. */
function largestNear(table: Tensor["data"], at: number): number {
  const first = at - (at % 16);
  return Math.max(...Array.from(table.subarray(first, first + 16), Math.abs));
}

describe.each(Object.keys(blocks) as (keyof typeof blocks)[])("a file of %s", (type) => {
  const { width } = blocks[type];

  it.each(targets)("is held as it is on %s", async (target) => {
    const x: Tensor = { data: Int32Array.from({ length: rows }, (_, at) => at), shape: [rows], type: "i32" };
    const body = `entry forward(x: i32[T]) -> (y: [T, ${width}]) { table[x] }`;
    const { found, table, held, compilation } = await computed(target, type, body, x);
    // A device may divide less exactly than the nearest number, and a scale that is searched for is the quotient of two
    // numbers that are rounded; the whole numbers are the same.
    const isSearched = type !== "Q8_0" && type !== "Q4_0" && type !== "Q4_1";
    const isExact = target !== "wgsl" && !isSearched;
    for (const [at, value] of table.entries()) {
      const error = Math.abs(found[at]! - value);
      const allowed = isExact ? 0 : 1e-6 * (isSearched ? largestNear(table, at) : Math.abs(value));
      expect(error, `element ${at} is ${found[at]} for ${value}`).toBeLessThanOrEqual(allowed);
    }
    const { runner } = await roundedReference(compilation, held);
    const [reference] = await runEntries(runner, compilation.program, new Map([["x", givenTensor(x, "x")]]));
    runner.dispose();
    const wanted = reference!.outputs.get("y")!.data;
    for (const [at, value] of wanted.entries()) {
      expect(Math.abs(found[at]! - value)).toBeLessThanOrEqual(
        target === "typescript" ? 0 : 1e-6 * largestNear(table, at),
      );
    }
    const { buffers } = compilation.get("plan")[0]!;
    const elements = new Set(buffers.map(({ element }) => element));
    expect(elements).toContain(target === "wgsl" ? "i32" : ["Q8_0", "Q5_0", "Q6_K"].includes(type) ? "i8" : "i16");
    // Scales have two bytes, as in the file; those that are searched for are products or parts of such.
    const scales = buffers.filter(({ element, place }) => element === "f16f" && place.kind === "prepared");
    expect(scales.length > 0).toBe(!isSearched);
  });

  it.each(targets)("is multiplied with as it is on %s", async (target) => {
    const random = new Random(5);
    for (const count of [1, 7]) {
      const data = Float32Array.from({ length: count * width }, () => random.next() * 2 - 1);
      const x: Tensor = { data, shape: [count, width], type: "f32" };
      const body = `entry forward(x: [T, ${width}]) -> (y: [T, ${rows}]) { x @ table.T }`;
      const { found, table } = await computed(target, type, body, x);
      for (let at = 0; at < count * rows; at++) {
        const [row, column] = [Math.floor(at / rows), at % rows];
        let [sum, magnitude] = [0, 0];
        for (let k = 0; k < width; k++) {
          const term = data[row * width + k]! * table[column * width + k]!;
          sum += term;
          magnitude += Math.abs(term);
        }
        // WebAssembly rounds rows to 15 bits of their largest number.
        const allowed = (target === "wasm" ? 2e-4 : 1e-6) * magnitude;
        expect(Math.abs(found[at]! - sum), `row ${row}, column ${column}`).toBeLessThanOrEqual(allowed);
      }
    }
  });
});
