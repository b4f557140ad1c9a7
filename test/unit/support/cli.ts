/** Runs the command line in this process, on files in memory. */
import { main } from "../../../src/cli/main.js";
import { memoryFiles } from "../../../src/runtime/files.js";
import { writeSafetensors } from "../../../src/runtime/host/safetensors-writer.js";
import type { Tensor } from "../../../src/runtime/host/tensors.js";

export interface Outcome {
  readonly status: number;
  readonly out: string;
  readonly err: string;
  /** The files after the run. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

export type Contents = Readonly<Record<string, string | Uint8Array>>;

/** Runs `trafo` with some words on some files. @param lines of stdin */
export async function trafo(
  argv: readonly string[],
  contents: Contents = tinyFiles,
  lines: readonly string[] = [],
): Promise<Outcome> {
  const files = memoryFiles(Object.entries(contents));
  let [out, err] = ["", ""];
  const status = await main(argv, {
    files,
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    colour: false,
    width: 120,
    watched: false,
    lines: async function* () {
      yield* lines;
    },
  });
  return { status, out, err, files: files.contents };
}

export const f32 = (shape: readonly number[], values: readonly number[]): Tensor => ({
  data: Float32Array.from(values),
  shape,
  type: "f32",
});
export const i32 = (shape: readonly number[], values: readonly number[]): Tensor => ({
  data: Int32Array.from(values),
  shape,
  type: "i32",
});

/** A model small enough to compute by hand: logits are the products of the rows of one table. */
export const tinyProgram = `# Products of embeddings.
model Tiny(vocab: int = 8 from "vocab", width: int = 2) {
  param table: [vocab, width] as "table"

  entry forward(ids: i32[B, T <= 16], mask: i32[B, T] = 1) -> (logits: [B, T, vocab]) {
    let x = table[ids] * rearrange(f32(mask), "b t -> b t 1")
    x @ table.T
  }
}
`;

/** Rows that grow, so that the largest product is always with the last. */
export const tinyTable = f32([3, 2], [1, 0, 0, 1, 2, 2]);

export const tinyConfig = '{ "vocab": 3 }\n';

/** The expected logits for ids [[0, 1, 2]], and greedy tokens. */
export const tinyCases: [string, Tensor][] = [
  ["case0.in.ids", i32([1, 3], [0, 1, 2])],
  ["case0.out.logits", f32([1, 3, 3], [1, 0, 2, 0, 1, 2, 2, 2, 8])],
  ["case0.out.hidden.0", f32([1, 3, 2], [1, 0, 0, 1, 2, 2])],
  ["case1.in.ids", i32([1, 2], [0, 1])],
  ["case1.out.greedy", i32([1, 5], [0, 1, 2, 2, 2])],
];

export const tinyFiles: Contents = {
  "tiny.trafo": tinyProgram,
  "m/config.json": tinyConfig,
  "m/model.safetensors": writeSafetensors([["table", tinyTable]]),
  "m/io.safetensors": writeSafetensors(tinyCases),
};
