/**
 * Programs of the examples and families in sizes of their own, with made-up weights: large enough for what small
 * checkpoints do not reach, as tables that are kept once, panels and tiles that are filled, groups of numbers.
 *
 * Weights in few bits are also made here, in plain loops, by the definition of each format.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { nodeFiles } from "../../src/driver/node-files.js";
import { Compilation, type How } from "../../src/driver/pipeline.js";
import { passes, type WeightsFormat } from "../../src/passes/index.js";
import { Checkpoint } from "../../src/runtime/checkpoint.js";
import { memoryFiles } from "../../src/runtime/files.js";
import { roundToBrainFloat } from "../../src/runtime/host/brain-float.js";
import { halfValues, toHalf } from "../../src/runtime/host/half.js";
import { writeSafetensors } from "../../src/runtime/host/safetensors-writer.js";
import type { Tensor } from "../../src/runtime/host/tensors.js";
import { checkpointWeights, readWeights, requestsOf } from "../../src/runtime/weights.js";
import { Random } from "./random.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const files = nodeFiles();

export interface MadeModel {
  readonly program: string;
  /** The small checkpoint whose configuration is changed. */
  readonly from: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** Tensors that the checkpoint lacks, as the head of tied embeddings. */
  readonly without?: readonly string[];
  /** The axis of a matrix that products sum over; the last if not given. */
  readonly summed?: (name: string) => number;
  /** Matrices that are looked up by positions alone, which stay as they are. */
  readonly positions?: string;
}

/** A checkpoint in memory with numbers of about the size that training leaves. */
export function madeCheckpoint({ program, from, config, without = [] }: MadeModel): Checkpoint {
  const path = join(root, program);
  const own: unknown = JSON.parse(readFileSync(join(root, from, "config.json"), "utf8"));
  const value = { ...(own as Record<string, unknown>), ...config };
  const { entries } = new Compilation({ files, path, config: { path: "config.json", value } }).program;
  const random = new Random(7);
  const tensors = new Map<string, Tensor>();
  for (const { name, sources, shape } of requestsOf(entries)) {
    const names = sources[0] ?? [name];
    const own = names.length > 1 ? shape.slice(1) : shape;
    const count = own.reduce((product, each) => product * each, 1);
    // Norms are near 1, and scores far enough from each other that a softmax chooses.
    const [middle, spread] = own.length > 1 ? [0, 2 / Math.sqrt(Math.min(...own.slice(-2)))] : [1, 0.3];
    for (const each of names) {
      const data = Float32Array.from({ length: count }, () => middle + spread * (2 * random.next() - 1));
      if (!without.includes(each)) tensors.set(each, { data, shape: own, type: "f32" });
    }
  }
  const stored = memoryFiles([
    ["made/config.json", JSON.stringify(value)],
    ["made/model.safetensors", writeSafetensors(tensors)],
  ]);
  return Checkpoint.open(stored, "made");
}

export function madeCompilation({ program }: MadeModel, checkpoint: Checkpoint, how: How): Compilation {
  return new Compilation({ files, path: join(root, program), checkpoint, ...how });
}

/**
 * The program as it says itself: no pass, no schedule, no steps, every operator by itself.
 */
export function asWritten({ program }: MadeModel, checkpoint: Checkpoint): Compilation {
  const path = join(root, program);
  const text = readFileSync(path, "utf8").replaceAll(" incremental T", "");
  const optimize = { without: passes.map(({ name }) => name) };
  return new Compilation({ files, path, text, checkpoint, target: "typescript", policy: null, optimize });
}

export function madeWeights({ program }: Compilation, checkpoint: Checkpoint): Map<string, Tensor> {
  return new Map(readWeights(program.entries, checkpointWeights(checkpoint)));
}

/** The numbers of some weights as a format holds them; of each column, or of groups of 32 along it. */
export function inFormat(
  weights: ReadonlyMap<string, Tensor>,
  format: WeightsFormat,
  { summed, positions }: MadeModel,
): Map<string, Tensor> {
  const made = new Map(weights);
  for (const [name, tensor] of weights) {
    const { shape } = tensor;
    // Few columns, as of what chooses experts, stay as they are.
    if (shape.length < 2 || shape.some((each) => each < 16 && shape.length === 2) || name === positions) continue;
    const axis = summed?.(name) ?? shape.length - 1;
    made.set(name, { ...tensor, data: alongAxis(tensor, axis, roundings[format]) });
  }
  return made;
}

function alongAxis(
  { data, shape }: Tensor,
  axis: number,
  { group, round }: (typeof roundings)[WeightsFormat],
): Float32Array {
  const values = Float32Array.from(data);
  const inner = shape.slice(axis + 1).reduce((product, each) => product * each, 1);
  const extent = shape[axis]!;
  const length = group ?? extent;
  for (let start = 0; start < values.length; start += inner * extent) {
    for (let column = 0; column < inner; column++) {
      for (let first = 0; first < extent; first += length) {
        const places = Array.from({ length }, (_, at) => start + column + (first + at) * inner);
        const numbers = round(places.map((at) => values[at]!));
        for (const [at, place] of places.entries()) values[place] = numbers[at]!;
      }
    }
  }
  return values;
}

const { fround } = Math;

/** A number divided by a scale, rounded to a whole one. */
const whole = (value: number, scale: number, zero = 0): number =>
  scale === 0 ? zero : Math.floor(fround(fround(fround(value / scale) + zero) + 0.5));

const roundings: Readonly<
  Record<WeightsFormat, { readonly group: number | null; readonly round: (numbers: number[]) => number[] }>
> = {
  f32: { group: null, round: (numbers) => numbers },
  f16: { group: null, round: (numbers) => numbers.map((each) => halfValues()[toHalf(each)]!) },
  bf16: { group: null, round: (numbers) => numbers.map(roundToBrainFloat) },
  int8: {
    group: null,
    round: (numbers) => {
      const scale = fround(Math.max(...numbers.map(Math.abs)) / 127);
      return numbers.map((each) => whole(each, scale) * scale);
    },
  },
  int4: {
    group: 32,
    round: (numbers) => {
      const [most, least] = [Math.max(...numbers), Math.min(...numbers)];
      const scale = (-least < most ? most : least) / -8;
      return numbers.map((each) => (Math.min(15, Math.max(0, whole(each, scale, 8))) - 8) * scale);
    },
  },
};
