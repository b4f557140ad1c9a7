/**
 * GPT-2 with a key/value cache as onnxruntime's own tools write it: keys and values so far go in as `past`, and come out as
 * `present`. Norms, activation and attention are the fused operators that its optimizer makes.
 */
import { OnnxWriter } from "./onnx-writer.mjs";

/** `x` [rows, columns] turned. */
function turned(x, rows, columns) {
  const result = new Float32Array(x.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) result[j * rows + i] = x[i * columns + j];
  return result;
}

/** @param weights by the names that GPT-2's checkpoints have @returns the bytes, and the names of what is kept */
export function gpt2WithCache(weights, { layers, heads }) {
  const writer = new OnnxWriter();
  const weight = (name) => {
    const { data, shape } = weights.get(`transformer.${name}.weight`) ?? weights.get(`transformer.${name}`);
    return writer.constant(name, "f32", shape, data);
  };
  const { shape: embedding, data: table } = weights.get("transformer.wte.weight");
  const [vocabulary, width] = embedding;
  const size = width / heads;
  const one = (...parameters) => writer.apply(...parameters)[0];
  const norm = (name, x) =>
    one("LayerNormalization", [x, weight(name), weight(`${name}.bias`)], { axis: -1, epsilon: 1e-5 });
  const linear = (name, x) => one("Add", [one("MatMul", [x, weight(name)]), weight(`${name}.bias`)]);

  const ids = writer.input("input_ids", "i32", [1, "N"]);
  const positions = writer.input("positions", "i32", ["N"]);
  const total = writer.input("total", "i32", []);
  const last = writer.input("last", "i32", [1]);
  let x = one("Add", [one("Gather", [weight("wte"), ids]), one("Gather", [weight("wpe"), positions])]);
  const kept = [];
  for (let layer = 0; layer < layers; layer++) {
    const h = `h.${layer}`;
    const [q, k, v] = writer.apply(
      "Split",
      [linear(`${h}.attn.c_attn`, norm(`${h}.ln_1`, x))],
      { axis: 2, num_outputs: 3 },
      3,
    );
    const shape = [1, heads, "P", size];
    const past = ["key", "value"].map((name) => writer.input(`past.${h}.${name}`, "f32", shape));
    const present = past.map((name) => name.replace("past", "present"));
    for (const name of present) writer.output(name, "f32", [1, heads, "L", size]);
    kept.push(...past.map((name, i) => ({ past: name, present: present[i], shape: [1, heads, 0, size] })));
    const names = [`${h}.attended`, ...present];
    const attributes = { num_heads: heads, kv_num_heads: heads };
    const [y] = writer.apply("com.microsoft.GroupQueryAttention", [q, k, v, ...past, last, total], attributes, names);
    x = one("Add", [x, linear(`${h}.attn.c_proj`, y)]);
    const inner = one("MatMul", [norm(`${h}.ln_2`, x), weight(`${h}.mlp.c_fc`)]);
    const active = one("com.microsoft.FastGelu", [inner, weight(`${h}.mlp.c_fc.bias`)]);
    x = one("Add", [x, linear(`${h}.mlp.c_proj`, active)]);
  }
  // The last position only.
  const end = one("Slice", [x, writer.integers(-1), writer.integers(2 ** 31), writer.integers(1)]);
  const head = writer.constant("head", "f32", [width, vocabulary], turned(table, vocabulary, width));
  writer.apply("MatMul", [norm("ln_f", end), head], {}, ["logits"]);
  writer.output("logits", "f32", [1, 1, vocabulary]);
  return { bytes: writer.bytes(), kept };
}
