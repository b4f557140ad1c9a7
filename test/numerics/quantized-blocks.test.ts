/** Weights that a file holds in blocks of whole numbers with a scale: held as the same numbers, nothing is rounded again. */
import { describe, expect, it } from "vitest";
import { type BackendName, backendNames } from "../../src/driver/backends.js";
import { givenTensor } from "../../src/driver/inputs.js";
import { moduleRunner } from "../../src/driver/module-runner.js";
import { Compilation } from "../../src/driver/pipeline.js";
import { runEntries } from "../../src/driver/run.js";
import { lacksDevice } from "../../src/driver/webgpu.js";
import { Checkpoint } from "../../src/runtime/checkpoint.js";
import { memoryFiles } from "../../src/runtime/files.js";
import { toHalf } from "../../src/runtime/host/half.js";
import type { Tensor } from "../../src/runtime/host/tensors.js";
import { checkpointWeights, readWeights } from "../../src/runtime/weights.js";
import { Random } from "../support/random.js";
import { gguf } from "../unit/support/gguf.js";

const [rows, width, blockLength] = [40, 96, 32];

/**
 * Blocks as llama.cpp makes them: the number of the largest magnitude is 127 of Q8_0, and -8 of Q4_0; the least and the
 * largest of Q4_1 are 0 and 15.
 */
const blocks = {
  Q8_0: { number: 8, bytes: 34, format: "int8", codes: blockOf8 },
  Q4_0: { number: 2, bytes: 18, format: "int4", codes: blockOf4 },
  Q4_1: { number: 3, bytes: 20, format: "int4", codes: blockWithEnds },
} as const;

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
  const { number, bytes, codes } = blocks[type];
  const random = new Random(number);
  const count = (rows * width) / blockLength;
  const data = new Uint8Array(count * bytes);
  for (let block = 0; block < count; block++) {
    // Scales of either sign, but for those of blocks with a least number; some blocks are zeros, or all one number.
    const sign = type === "Q4_1" ? 1 : random.next() < 0.5 ? -1 : 1;
    const scale = block % 7 === 3 ? 0 : (sign * random.next() * 10 ** (block % 5)) / 2;
    const halves = [scale, (random.next() - 0.7) * 12 * scale + random.next()].map(toHalf);
    const head = halves.slice(0, type === "Q4_1" ? 2 : 1).flatMap((half) => [half & 255, half >> 8]);
    data.set([...head, ...codes(random)], block * bytes);
  }
  const file = gguf({ tensors: [["table", [rows, width], number, 0]], data });
  return Checkpoint.open(memoryFiles([["m.gguf", file]]), "m.gguf");
}

const noDevice = await lacksDevice();

const targets = backendNames.filter((name) => name !== "wgsl" || noDevice === null);

/** What a target computes of the weights in a file, and how it is compiled. */
async function computed(target: BackendName, type: keyof typeof blocks, body: string, x: Tensor) {
  const checkpoint = fileOf(type);
  const text = `model M() {\n  param table: [${rows}, ${width}]\n  ${body}\n}\n`;
  const weights = blocks[type].format;
  const compilation = new Compilation({ files: memoryFiles(), path: "m.trafo", text, weights, target, checkpoint });
  const held = readWeights(compilation.program.entries, checkpointWeights(checkpoint));
  const runner = await moduleRunner(target, compilation, held);
  const [run] = await runEntries(runner, compilation.program, new Map([["x", givenTensor(x, "x")]]));
  runner.dispose();
  return { found: run!.outputs.get("y")!.data, table: held.get("table")!.data, compilation };
}

describe.each(["Q8_0", "Q4_0", "Q4_1"] as const)("a file of %s", (type) => {
  it.each(targets)("is held as it is on %s", async (target) => {
    const x: Tensor = { data: Int32Array.from({ length: rows }, (_, at) => at), shape: [rows], type: "i32" };
    const body = `entry forward(x: i32[T]) -> (y: [T, ${width}]) { table[x] }`;
    const { found, table, compilation } = await computed(target, type, body, x);
    // A device may divide less exactly than the nearest number; the whole numbers are the same.
    const allowed = target === "wgsl" ? 1e-6 : 0;
    for (const [at, value] of table.entries()) {
      const error = Math.abs(found[at]! - value);
      expect(error, `element ${at} is ${found[at]} for ${value}`).toBeLessThanOrEqual(allowed * Math.abs(value));
    }
    const { buffers } = compilation.get("plan")[0]!;
    const elements = new Set(buffers.map(({ element }) => element));
    expect(elements).toContain(target === "wgsl" ? "i32" : type === "Q8_0" ? "i8" : "i16");
    // Scales have two bytes, as in the file.
    expect(buffers.some(({ element, place }) => element === "f16f" && place.kind === "prepared")).toBe(true);
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
