/**
 * GPT-2 and a BERT encoder in jax-js, on the weights of Trafo's programs. Functions of jax-js take their arrays over; `ref`
 * is one more claim on an array that is used again.
 */

/** Arrays of the weights by name, and a function that jit calls with all of them. */
function jitted({ nn, numpy: np, jit }, { weights, inputs }, compute) {
  const given = Object.fromEntries(
    [...weights].map(([name, { data, shape }]) => [name, np.array(data).reshape(shape)]),
  );
  const { data, shape } = inputs.get("input_ids");
  const ids = np.array(data, { dtype: np.int32 }).reshape([shape[1]]);
  const run = jit((arrays, tokens) => {
    const used = new Set();
    // What is not used must be let go of.
    const weight = (name) => {
      used.add(name);
      return arrays[name].ref;
    };
    const result = compute({ np, nn, weight, T: shape[1] }, tokens);
    for (const array of Object.values(arrays)) array.dispose();
    return result;
  });
  return () => run(Object.fromEntries(Object.entries(given).map(([name, array]) => [name, array.ref])), ids.ref);
}

function norm({ np, weight }, x, path, eps) {
  const centered = x.ref.sub(np.mean(x, -1, { keepdims: true }));
  const variance = np.mean(np.square(centered.ref), -1, { keepdims: true });
  return centered
    .div(np.sqrt(variance.add(eps)))
    .mul(weight(`${path}.weight`))
    .add(weight(`${path}.bias`));
}

function linear({ np, weight }, x, path, transposed) {
  const matrix = weight(`${path}.weight`);
  return np.matmul(x, transposed ? np.transpose(matrix) : matrix).add(weight(`${path}.bias`));
}

/** By products alone: its own dotProductAttention needs a newer Node than some of its users have. */
function attention({ np, nn, T }, projected, heads, mask) {
  const [query, key, value] = projected.map((x) => np.transpose(x.reshape([T, heads, -1]), [1, 0, 2]));
  const scale = 1 / Math.sqrt(query.shape[2]);
  const scores = np.matmul(query, np.transpose(key, [0, 2, 1])).mul(scale);
  const shares = nn.softmax(mask === null ? scores : scores.add(mask), -1);
  return np.transpose(np.matmul(shares, value), [1, 0, 2]).reshape([T, -1]);
}

/** What is added to scores: -1e9 for keys after the query. */
function causalMask({ np, T }) {
  const hidden = new Float32Array(T * T);
  for (let t = 0; t < T; t++) hidden.fill(-1e9, t * T + t + 1, (t + 1) * T);
  return np.array(hidden).reshape([T, T]);
}

/** Logits [T, vocab] of one sequence. */
export function gpt2(task) {
  return (jax) =>
    jitted(jax, task, (parts, ids) => {
      const { np, nn, weight, T } = parts;
      const { layers, heads } = task.settings;
      let x = np.take(weight("transformer.wte.weight"), ids, 0).add(weight("transformer.wpe.weight").slice([0, T]));
      for (let i = 0; i < layers; i++) {
        const path = `transformer.h.${i}`;
        const projected = np.split(
          linear(parts, norm(parts, x.ref, `${path}.ln_1`, 1e-5), `${path}.attn.c_attn`),
          3,
          1,
        );
        x = x.add(linear(parts, attention(parts, projected, heads, causalMask(parts)), `${path}.attn.c_proj`));
        const up = linear(parts, norm(parts, x.ref, `${path}.ln_2`, 1e-5), `${path}.mlp.c_fc`);
        x = x.add(linear(parts, nn.gelu(up, { approximate: true }), `${path}.mlp.c_proj`));
      }
      return np.matmul(norm(parts, x, "transformer.ln_f", 1e-5), np.transpose(weight("transformer.wte.weight")));
    });
}

/** Hidden states [T, D] of one sequence without padding. */
export function encoder(task) {
  return (jax) =>
    jitted(jax, task, (parts, ids) => {
      const { np, nn, weight, T } = parts;
      const { layers, heads } = task.settings;
      const first = (name, count) => weight(`embeddings.${name}.weight`).slice([0, count]);
      const words = np.take(weight("embeddings.word_embeddings.weight"), ids, 0);
      let x = words.add(first("position_embeddings", T)).add(first("token_type_embeddings", 1));
      x = norm(parts, x, "embeddings.LayerNorm", 1e-12);
      for (let i = 0; i < layers; i++) {
        const path = `encoder.layer.${i}`;
        const projected = ["query", "key", "value"].map((name) =>
          linear(parts, x.ref, `${path}.attention.self.${name}`, true),
        );
        const y = linear(parts, attention(parts, projected, heads, null), `${path}.attention.output.dense`, true);
        x = norm(parts, x.add(y), `${path}.attention.output.LayerNorm`, 1e-12);
        const up = nn.gelu(linear(parts, x.ref, `${path}.intermediate.dense`, true), { approximate: false });
        x = norm(parts, x.add(linear(parts, up, `${path}.output.dense`, true)), `${path}.output.LayerNorm`, 1e-12);
      }
      return x;
    });
}
