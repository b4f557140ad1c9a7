/**
 * Models of several families in sizes as published ones have them, where thresholds of the compiler lie on the other side
 * than with small checkpoints: tables too large to be kept twice, heads of 64, whole tiles and panels with and without
 * rests, long prompts. What a target computes is what the program says with every operator by itself, with weights that
 * plain loops have put into the format.
 */
import { setFlagsFromString } from "node:v8";
import { expect, test } from "vitest";
import type { BackendName } from "../../src/driver/backends.js";
import { type Given, givenTensor, makeInputs } from "../../src/driver/inputs.js";
import { moduleRunner } from "../../src/driver/module-runner.js";
import type { Compilation } from "../../src/driver/pipeline.js";
import { type EntryRun, runEntries } from "../../src/driver/run.js";
import { steppedOutputs } from "../../src/driver/stepping.js";
import type { Runner } from "../../src/driver/targets.js";
import { lacksDevice } from "../../src/driver/webgpu.js";
import type { WeightsFormat } from "../../src/passes/index.js";
import type { Checkpoint } from "../../src/runtime/checkpoint.js";
import type { Tensor } from "../../src/runtime/host/tensors.js";
import {
  asWritten,
  inFormat,
  type MadeModel,
  madeCheckpoint,
  madeCompilation,
  madeWeights,
} from "../support/made-models.js";

if (process.version.startsWith("v20.")) setFlagsFromString("--experimental-wasm-relaxed-simd");

type Sizes = Readonly<Record<string, number>>;

interface Sample extends MadeModel {
  readonly sizes: readonly Sizes[];
  readonly compared: readonly (readonly [WeightsFormat, BackendName | "wasm without relaxed SIMD"])[];
}

const vocab = 1109;
const decoder = [
  { B: 1, T: 130 },
  { B: 3, T: 7 },
  { B: 1, T: 1 },
];

const samples: Readonly<Record<string, Sample>> = {
  "Llama with tied embeddings": {
    program: "examples/llama/llama.trafo",
    from: "examples/llama/checkpoint",
    config: {
      ...{ vocab_size: vocab, hidden_size: 64, num_hidden_layers: 1, intermediate_size: 160, head_dim: 32 },
      ...{ num_attention_heads: 2, num_key_value_heads: 1, max_position_embeddings: 160 },
    },
    without: ["lm_head.weight"],
    sizes: decoder,
    compared: [
      ["f32", "typescript"],
      ["f32", "wasm"],
      ["f32", "wasm without relaxed SIMD"],
      ["f32", "wgsl"],
      ["f16", "wasm"],
      ["int4", "wasm"],
      ["int4", "wasm without relaxed SIMD"],
      ["int4", "wgsl"],
    ],
  },
  "GPT-2": {
    program: "examples/gpt2/gpt2.trafo",
    from: "examples/gpt2/checkpoint",
    config: { vocab_size: vocab, n_embd: 192, n_head: 3, n_layer: 1, n_positions: 160 },
    summed: (name) => (name.includes("wte") ? 1 : 0),
    positions: "transformer.wpe.weight",
    sizes: decoder,
    compared: [["int8", "wasm"]],
  },
  T5: {
    program: "examples/t5/t5.trafo",
    from: "examples/t5/checkpoint",
    config: {
      ...{ vocab_size: vocab, d_model: 96, d_kv: 64, num_heads: 3, d_ff: 320, num_layers: 1, num_decoder_layers: 1 },
      ...{ relative_attention_num_buckets: 32, relative_attention_max_distance: 128 },
    },
    without: ["lm_head.weight"],
    sizes: [
      { B: 2, S: 130, T: 35 },
      { B: 1, S: 1, T: 67 },
    ],
    compared: [["f32", "wasm"]],
  },
  Mixtral: {
    program: "test/fixtures/families/mixtral/mixtral.trafo",
    from: "test/fixtures/families/mixtral/checkpoint",
    config: {
      ...{ vocab_size: vocab, hidden_size: 64, num_hidden_layers: 1, intermediate_size: 96, head_dim: 64 },
      ...{ num_attention_heads: 2, num_key_value_heads: 1, max_position_embeddings: 160 },
    },
    sizes: decoder,
    compared: [["int4", "wasm"]],
  },
};

/** Inputs for some sizes; of a batch, each source is shorter than the one before. */
function inputsFor({ program }: Compilation, sizes: Sizes): Map<string, Given> {
  const given = new Map<string, Given>();
  for (const entry of program.entries) {
    const named = new Map(Object.entries(sizes).filter(([name]) => entry.sizes.some((each) => each.name === name)));
    // What another entry computes is not made up.
    for (const [name, value] of makeInputs(entry, named, 5)) if (name !== "encoder") given.set(name, value);
  }
  const { B = 1, S } = sizes;
  if (S === undefined) return given;
  const data = Int32Array.from({ length: B * S }, (_, at) => (at % S < S - 9 * Math.floor(at / S) ? 1 : 0));
  return given.set("attention_mask", givenTensor({ data, shape: [B, S], type: "i32" }, "attention_mask"));
}

/** The largest difference over the largest magnitude. */
function difference(found: Tensor, wanted: Tensor): number {
  expect(found.shape).toEqual(wanted.shape);
  let [error, largest] = [0, 0];
  for (const [at, value] of wanted.data.entries()) {
    const own = Math.abs(found.data[at]! - value);
    error = Math.max(own, error);
    largest = Math.max(largest, Math.abs(value));
  }
  return error / largest;
}

const outputsOf = (runs: readonly EntryRun[]): Map<string, Tensor> =>
  new Map(runs.flatMap(({ outputs }) => [...outputs]));

/** A module of a compilation, as hosts with relaxed SIMD load it, or as others do. */
async function started(
  target: BackendName,
  compilation: Compilation,
  weights: ReadonlyMap<string, Tensor>,
  isPlain: boolean,
): Promise<Runner> {
  const { validate } = WebAssembly;
  let asked = 0;
  // The first question is for SIMD, the second for relaxed SIMD.
  if (isPlain) WebAssembly.validate = (code) => asked++ === 0 && validate(code);
  try {
    return await moduleRunner(target, compilation, weights);
  } finally {
    WebAssembly.validate = validate;
    if (isPlain) expect(asked).toBe(2);
  }
}

/** Everything that is made once for a sample. */
class Made {
  readonly checkpoint: Checkpoint;
  readonly #witness: Compilation;
  readonly #compiled = new Map<string, Compilation>();
  readonly #wanted = new Map<WeightsFormat, Promise<readonly Map<string, Tensor>[]>>();

  constructor(readonly sample: Sample) {
    this.checkpoint = madeCheckpoint(sample);
    this.#witness = asWritten(sample, this.checkpoint);
  }

  weights(): Map<string, Tensor> {
    return madeWeights(this.#witness, this.checkpoint);
  }

  compiled(weights: WeightsFormat, target: BackendName): Compilation {
    const key = `${weights} ${target}`;
    const made = this.#compiled.get(key) ?? madeCompilation(this.sample, this.checkpoint, { weights, target });
    this.#compiled.set(key, made);
    return made;
  }

  /** What the program says for each of the sizes. */
  wanted(format: WeightsFormat): Promise<readonly Map<string, Tensor>[]> {
    const known = this.#wanted.get(format) ?? this.#computed(format);
    this.#wanted.set(format, known);
    return known;
  }

  async #computed(format: WeightsFormat): Promise<readonly Map<string, Tensor>[]> {
    const runner = await moduleRunner("typescript", this.#witness, inFormat(this.weights(), format, this.sample));
    const found: Map<string, Tensor>[] = [];
    for (const sizes of this.sample.sizes) {
      found.push(outputsOf(await runEntries(runner, this.#witness.program, inputsFor(this.#witness, sizes))));
    }
    runner.dispose();
    return found;
  }
}

test("positions of a context too long for a table turn in steps as they do in the whole", async () => {
  const { config, ...llama } = samples["Llama with tied embeddings"]!;
  const own = new Made({ ...llama, config: { ...config, max_position_embeddings: 131072 } });
  const compilation = own.compiled("f32", "typescript");
  const runner = await moduleRunner("typescript", compilation, own.weights());
  const [run] = await runEntries(runner, compilation.program, inputsFor(compilation, { B: 1, T: 700 }));
  const found = await steppedOutputs(runner.open!, compilation.decoders[0]!, run!);
  // An angle of position 700 that is rounded otherwise is off by a hundred times as much.
  expect(difference(found.get("logits")!, run!.outputs.get("logits")!)).toBeLessThan(1e-6);
  runner.dispose();
});

const made = new Map<string, Made>();
const noDevice = await lacksDevice();
const cases = Object.entries(samples).flatMap(([name, { compared }]) =>
  compared.map(([weights, target]) => ({ name, weights, target })),
);

test.each(cases.filter(({ target }) => target !== "wgsl" || noDevice === null))(
  "$name in $weights on $target",
  async ({ name, weights, target: where }) => {
    const own = made.get(name) ?? new Made(samples[name]!);
    made.set(name, own);
    const isPlain = where === "wasm without relaxed SIMD";
    const target = isPlain ? "wasm" : where;
    const compilation = own.compiled(weights, target);
    const runner = await started(target, compilation, own.weights(), isPlain);
    // WebAssembly multiplies whole numbers with rows of 16 bits.
    const tolerance = target === "wasm" && weights.startsWith("int") ? 5e-3 : 1e-4;
    const wanted = await own.wanted(weights);
    for (const [at, sizes] of own.sample.sizes.entries()) {
      const runs = await runEntries(runner, compilation.program, inputsFor(compilation, sizes));
      const whole = outputsOf(runs);
      expect([...whole.keys()]).toEqual([...wanted[at]!.keys()]);
      const found = [...whole];
      for (const run of runs) {
        const derived = compilation.decoders.find(({ entry }) => entry.name === run.entry.name);
        if (derived !== undefined) found.push(...(await steppedOutputs(runner.open!, derived, run)));
      }
      expect(found.length).toBeGreaterThan(whole.size);
      for (const [output, tensor] of found) {
        const text = `${output} for ${JSON.stringify(sizes)}`;
        expect(difference(tensor, wanted[at]!.get(output)!), text).toBeLessThan(tolerance);
      }
    }
    runner.dispose();
  },
);
