/** GPT-2 and a BERT encoder in TensorFlow.js, as one writes them with its operators, on the weights of Trafo's programs. */

/** The helpers of one model: its weights as tensors, and the parts that both architectures share. */
function parts(tf, weights) {
  const { add, mul, sub } = tf;
  const known = new Map();
  const weight = (name) => {
    const found = known.get(name);
    if (found) return found;
    const tensor = weights.get(name);
    if (!tensor) throw new Error(`there is no weight ${name}`);
    const made = tf.keep(tf.tensor(tensor.data, tensor.shape));
    known.set(name, made);
    return made;
  };
  /** A matrix transposed once: the WebAssembly backend is slow where it multiplies by a transposed one. */
  const turned = (name) => {
    const found = known.get(`${name}.T`);
    if (found) return found;
    const made = tf.keep(tf.transpose(weight(name)));
    known.set(`${name}.T`, made);
    return made;
  };
  const norm = (x, path, eps) => {
    const { mean, variance } = tf.moments(x, -1, true);
    const y = mul(sub(x, mean), tf.rsqrt(add(variance, eps)));
    return add(mul(y, weight(`${path}.weight`)), weight(`${path}.bias`));
  };
  /** x [T, D] times a matrix [D, N], or [N, D] of PyTorch's Linear. */
  const linear = (x, path, transposed) =>
    add(tf.matMul(x, (transposed ? turned : weight)(`${path}.weight`)), weight(`${path}.bias`));
  const heads = (x, count) => tf.transpose(tf.reshape(x, [x.shape[0], count, x.shape[1] / count]), [1, 0, 2]);
  const attention = (q, k, v, count, mask) => {
    const [query, key, value] = [q, k, v].map((x) => heads(x, count));
    const scores = mul(tf.matMul(query, tf.transpose(key, [0, 2, 1])), 1 / Math.sqrt(query.shape[2]));
    const shares = tf.softmax(mask === null ? scores : add(scores, mask));
    return tf.reshape(tf.transpose(tf.matMul(shares, value), [1, 0, 2]), q.shape);
  };
  return { weight, turned, norm, linear, attention };
}

/** Logits [T, vocab] of one sequence. */
export function gpt2({ weights, inputs, settings }) {
  return (tf) => {
    const { add, mul } = tf;
    const { weight, turned, norm, linear, attention } = parts(tf, weights);
    const { data } = inputs.get("input_ids");
    const ids = tf.keep(tf.tensor1d(data, "int32"));
    const T = data.length;
    const hidden = new Float32Array(T * T);
    for (let t = 0; t < T; t++) hidden.fill(-1e9, t * T + t + 1, (t + 1) * T);
    const mask = tf.keep(tf.tensor2d(hidden, [T, T]));
    const gelu = (x) => {
      const inner = mul(add(x, mul(mul(mul(x, x), x), 0.044715)), Math.sqrt(2 / Math.PI));
      return mul(mul(x, 0.5), add(tf.tanh(inner), 1));
    };
    return () => {
      const table = weight("transformer.wte.weight");
      let x = add(tf.gather(table, ids), tf.slice(weight("transformer.wpe.weight"), [0, 0], [T, -1]));
      for (let i = 0; i < settings.layers; i++) {
        const path = `transformer.h.${i}`;
        const [q, k, v] = tf.split(linear(norm(x, `${path}.ln_1`, 1e-5), `${path}.attn.c_attn`, false), 3, 1);
        x = add(x, linear(attention(q, k, v, settings.heads, mask), `${path}.attn.c_proj`, false));
        const up = gelu(linear(norm(x, `${path}.ln_2`, 1e-5), `${path}.mlp.c_fc`, false));
        x = add(x, linear(up, `${path}.mlp.c_proj`, false));
      }
      return tf.matMul(norm(x, "transformer.ln_f", 1e-5), turned("transformer.wte.weight"));
    };
  };
}

/** Hidden states [T, D] of one sequence without padding. */
export function encoder({ weights, inputs, settings }) {
  return (tf) => {
    const { add, mul } = tf;
    const { weight, norm, linear, attention } = parts(tf, weights);
    const ids = tf.keep(tf.tensor1d(inputs.get("input_ids").data, "int32"));
    const [T] = ids.shape;
    const gelu = (x) => mul(mul(x, 0.5), add(tf.erf(mul(x, Math.SQRT1_2)), 1));
    const first = (name, count) => tf.slice(weight(`embeddings.${name}.weight`), [0, 0], [count, -1]);
    return () => {
      const words = tf.gather(weight("embeddings.word_embeddings.weight"), ids);
      const embedded = add(add(words, first("position_embeddings", T)), first("token_type_embeddings", 1));
      let x = norm(embedded, "embeddings.LayerNorm", 1e-12);
      for (let i = 0; i < settings.layers; i++) {
        const path = `encoder.layer.${i}`;
        const [q, k, v] = ["query", "key", "value"].map((name) => linear(x, `${path}.attention.self.${name}`, true));
        const y = linear(attention(q, k, v, settings.heads, null), `${path}.attention.output.dense`, true);
        x = norm(add(x, y), `${path}.attention.output.LayerNorm`, 1e-12);
        const up = gelu(linear(x, `${path}.intermediate.dense`, true));
        x = norm(add(x, linear(up, `${path}.output.dense`, true)), `${path}.output.LayerNorm`, 1e-12);
      }
      return x;
    };
  };
}
