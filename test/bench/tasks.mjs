/** What the contestants compute: programs with made-up weights and inputs, the same for all. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { flopsOf } from "../../dist/src/driver/cost/flops.js";
import { Compilation } from "../../dist/src/driver/pipeline.js";
import { nodeFiles } from "../../dist/src/node.js";
import { Checkpoint } from "../../dist/src/runtime/checkpoint.js";
import { memoryFiles } from "../../dist/src/runtime/files.js";
import { checkpointWeights, randomWeights, readWeights } from "../../dist/src/runtime/weights.js";
import { evaluate } from "../../dist/src/sizes/index.js";
import { encoder, gpt2 } from "./peers/transformer.mjs";
import { encoder as encoderInJax, gpt2 as gpt2InJax } from "./peers/transformer-jax.mjs";

const here = dirname(fileURLToPath(import.meta.url));

export const exampleText = (name) => readFileSync(join(here, "..", "..", "examples", name, `${name}.trafo`), "utf8");
const ownText = (name) => readFileSync(join(here, "programs", `${name}.trafo`), "utf8");

/** Whole numbers below a bound that follow no simple rule. */
const tokens = (count, bound) => Int32Array.from({ length: count }, (_, i) => (i * 7919 + 13) % bound);
const ones = (count) => new Int32Array(count).fill(1);
const i32 = (data) => ({ data, shape: [1, data.length], type: "i32" });

/** A program, ready for every contestant. `sizes` are the entry's, to count its work. */
export function taskOf({
  name,
  text,
  settings = {},
  entry = "forward",
  output,
  inputs,
  sizes,
  tensorflow = null,
  jax = null,
}) {
  const request = { files: memoryFiles(), path: `${name}.trafo`, text, settings: new Map(Object.entries(settings)) };
  const compile = (how = {}) => new Compilation({ ...request, entries: [entry], ...how });
  const graph = compile().get("graph").entries[0];
  const weights = readWeights([graph], randomWeights(0));
  const work = graph.nodes.reduce(
    (sum, _, id) => sum + evaluate(flopsOf(graph, id), (variable) => sizes[variable.name] ?? 1),
    0,
  );
  const bytes = [...weights.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
  return { name, text, settings, entry, output, inputs, compile, graph, weights, work, bytes, tensorflow, jax };
}

const masked = (ids) =>
  new Map([
    ["input_ids", i32(ids)],
    ["attention_mask", i32(ones(ids.length))],
  ]);

function encoderTask(name, T, settings) {
  const inputs = masked(tokens(T, 30522)).set("token_type_ids", i32(new Int32Array(T)));
  const text = ownText("encoder");
  const peers = { tensorflow: encoder, jax: encoderInJax };
  return taskOf({ name, text, settings, output: "states", inputs, sizes: { B: 1, T }, ...peers });
}

function gpt2Task(name, T, layers, vocab = 50257) {
  return taskOf({
    name,
    text: exampleText("gpt2"),
    settings: { layers, heads: 12, vocab },
    output: "logits",
    inputs: new Map([["input_ids", i32(tokens(T, vocab))]]),
    sizes: { B: 1, T },
    tensorflow: gpt2,
    jax: gpt2InJax,
  });
}

/** The models, made when they are asked for: some are large. */
export const models = {
  "MiniLM size, 128 tokens": (name) => encoderTask(name, 128, { width: 384, layers: 6, heads: 12 }),
  "BERT base, 128 tokens": (name) => encoderTask(name, 128, { width: 768, layers: 12, heads: 12 }),
  "BERT base, 512 tokens": (name) => encoderTask(name, 512, { width: 768, layers: 12, heads: 12 }),
  "T5 small, encoder, 128 tokens": (name) =>
    taskOf({
      name,
      text: exampleText("t5"),
      entry: "encode",
      output: "encoder",
      inputs: masked(tokens(128, 32128)),
      sizes: { B: 1, S: 128 },
    }),
  "GPT-2 small, prefill of 128, all logits": (name) => gpt2Task(name, 128, 12),
};

/**
 * Models for WebGPU on a processor, where those of their full depth take minutes. The table of words is one that all peers
 * can bind on an adapter with the least limits.
 */
export const shallowModels = {
  "MiniLM size, 2 of 6 layers, 128 tokens": (name) => encoderTask(name, 128, { width: 384, layers: 2, heads: 12 }),
  "GPT-2 small, 2 of 12 layers, 32000 words, 32 tokens": (name) => gpt2Task(name, 32, 2, 32000),
  "GPT-2 small, 2 of 12 layers, 32000 words, 1 token": (name) => gpt2Task(name, 1, 2, 32000),
};

/** `x @ w` of [M, K] and [K, N], w being a weight. */
export function productTask([m, n, k]) {
  const name = `${m}×${n}×${k}`;
  const text = `model Product() {\n  param w: [${k}, ${n}]\n  entry forward(x: [M, ${k}]) -> (y: [M, ${n}]) { x @ w }\n}\n`;
  const x = Float32Array.from({ length: m * k }, (_, i) => Math.cos(i));
  const inputs = new Map([["x", { data: x, shape: [m, k], type: "f32" }]]);
  const tensorflow = ({ weights }) => {
    const { data } = weights.get("w");
    return (tf) => {
      const [a, b] = [tf.tensor2d(x, [m, k]), tf.tensor2d(data, [k, n])];
      return () => tf.matMul(a, b);
    };
  };
  const jax = ({ weights }) => {
    const { data } = weights.get("w");
    return ({ numpy: np, jit }) => {
      const [a, b] = [np.array(x).reshape([m, k]), np.array(data).reshape([k, n])];
      const product = jit((a, b) => np.matmul(a, b));
      return () => product(a.ref, b.ref);
    };
  };
  return taskOf({ name, text, output: "y", inputs, sizes: { M: m }, tensorflow, jax });
}

/** GPT-2 small, to be decoded. Its norms have weights about 1, so that what is attended to shows in the scores. */
export function decodingTask(name) {
  const task = taskOf({
    name,
    text: exampleText("gpt2"),
    settings: { layers: 12, heads: 12 },
    output: "logits",
    inputs: new Map([["input_ids", i32(tokens(1, 50257))]]),
    sizes: { B: 1, T: 1 },
  });
  for (const [name, { data }] of task.weights)
    if (/ln_.*weight$/.test(name)) for (let i = 0; i < data.length; i++) data[i] += 1;
  return { ...task, tokens: (count) => tokens(count, 50257) };
}

/** An example with a published checkpoint, to be decoded. */
export function publishedTask(name, example, file) {
  const checkpoint = Checkpoint.open(nodeFiles(), file);
  const path = `${example}.trafo`;
  const request = { files: memoryFiles(), path, text: exampleText(example), checkpoint };
  const compile = (how = {}) => new Compilation({ ...request, ...how });
  const graph = compile()
    .get("graph")
    .entries.find((each) => each.name === "forward");
  const weights = readWeights([graph], checkpointWeights(checkpoint));
  return { name, entry: "forward", output: "logits", compile, graph, weights };
}
