/** Weights that a file holds in blocks of whole numbers with a scale: held as the same numbers, nothing is rounded again. */
import { describe, expect, it } from "vitest";
import { backendNames } from "../../src/driver/backends.js";
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
const text = `model M() {\n  param table: [${rows}, ${width}]\n  entry forward(ids: i32[T]) -> (y: [T, ${width}]) { table[ids] }\n}\n`;

/** Blocks as llama.cpp makes them: the number of the largest magnitude is 127 of Q8_0, and -8 of Q4_0. */
const blocks = {
  Q8_0: { number: 8, bytes: 34, format: "int8", codes: blockOf8 },
  Q4_0: { number: 2, bytes: 18, format: "int4", codes: blockOf4 },
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

function fileOf(type: keyof typeof blocks): Checkpoint {
  const { number, bytes, codes } = blocks[type];
  const random = new Random(number);
  const count = (rows * width) / blockLength;
  const data = new Uint8Array(count * bytes);
  for (let block = 0; block < count; block++) {
    // Scales of either sign; some blocks are zeros.
    const scale = block % 7 === 3 ? 0 : (random.next() - 0.5) * 10 ** (block % 5);
    const half = toHalf(scale);
    data.set([half & 255, half >> 8, ...codes(random)], block * bytes);
  }
  const file = gguf({ tensors: [["table", [rows, width], number, 0]], data });
  return Checkpoint.open(memoryFiles([["m.gguf", file]]), "m.gguf");
}

const noDevice = await lacksDevice();

describe.each(["Q8_0", "Q4_0"] as const)("a file of %s", (type) => {
  it.each(backendNames.filter((name) => name !== "wgsl" || noDevice === null))(
    "is held as it is on %s",
    async (target) => {
      const checkpoint = fileOf(type);
      const weights = blocks[type].format;
      const compilation = new Compilation({ files: memoryFiles(), path: "m.trafo", text, weights, target, checkpoint });
      const held = readWeights(compilation.program.entries, checkpointWeights(checkpoint));
      const ids: Tensor = { data: Int32Array.from({ length: rows }, (_, at) => at), shape: [rows], type: "i32" };
      const runner = await moduleRunner(target, compilation, held);
      const [run] = await runEntries(runner, compilation.program, new Map([["ids", givenTensor(ids, "ids")]]));
      runner.dispose();
      const found = run!.outputs.get("y")!.data;
      const wanted = held.get("table")!.data;
      // A device may divide less exactly than the nearest number; the whole numbers are the same.
      const allowed = target === "wgsl" ? 1e-6 : 0;
      for (const [at, value] of wanted.entries()) {
        const error = Math.abs(found[at]! - value);
        expect(error, `element ${at} is ${found[at]} for ${value}`).toBeLessThanOrEqual(allowed * Math.abs(value));
      }
      const codes = compilation
        .get("plan")[0]!
        .buffers.some(({ element }) => element === (target === "wgsl" ? "i32" : "i8"));
      expect(codes).toBe(true);
    },
  );
});
