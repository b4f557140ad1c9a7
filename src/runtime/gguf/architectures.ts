/**
 * From GGUF's names to those under which the same model is published as safetensors: of tensors, and of the configuration.
 * A program for the one reads the other; one that names what GGUF holds needs nothing of this.
 *
 * The names of tensors are those of gguf-py's tensor_mapping.py, the changes of their values those of llama.cpp's
 * convert_hf_to_gguf.py, which are undone here: the rows of Llama's queries and keys, so that the halves that turn together lie
 * side by side; GPT-2's matrices, transposed; Gemma's norms, with 1 added.
 */

/** How the values that GGUF holds become the published ones. */
export type Change = "query rows" | "key rows" | "transposed" | "1 less";

/** A tensor's published name, without `.weight` or `.bias`; `#` stands for the number of the layer. */
interface Published {
  readonly name: string;
  readonly change?: Change;
}

export interface Architecture {
  readonly tensors: ReadonlyMap<string, Published>;
  /** The published keys of the configuration by those of GGUF, without the name of the architecture. */
  readonly config: Readonly<Record<string, readonly string[]>>;
}

/** A table of lines `gguf published [change]`. */
function tensorTable(text: string): Map<string, Published> {
  const lines = text.trim().split("\n");
  return new Map(
    lines.map((line) => {
      const [own = "", name = "", ...change] = line.trim().split(/\s+/);
      return [own, change.length === 0 ? { name } : { name, change: change.join(" ") as Change }];
    }),
  );
}

const commonConfig = {
  context_length: ["max_position_embeddings"],
  block_count: ["num_hidden_layers"],
  embedding_length: ["hidden_size"],
  feed_forward_length: ["intermediate_size"],
  "attention.head_count": ["num_attention_heads"],
  "attention.head_count_kv": ["num_key_value_heads"],
  "attention.key_length": ["head_dim"],
  "attention.layer_norm_rms_epsilon": ["rms_norm_eps"],
  "attention.sliding_window": ["sliding_window"],
  "rope.freq_base": ["rope_theta"],
} as const;

/** What Llama and its relatives share. */
const decoder = `
  token_embd         model.embed_tokens
  output_norm        model.norm
  output             lm_head
  blk.#.attn_norm    model.layers.#.input_layernorm
  blk.#.attn_v       model.layers.#.self_attn.v_proj
  blk.#.attn_output  model.layers.#.self_attn.o_proj
  blk.#.ffn_gate     model.layers.#.mlp.gate_proj
  blk.#.ffn_up       model.layers.#.mlp.up_proj
  blk.#.ffn_down     model.layers.#.mlp.down_proj`;

const plainHeads = `
  blk.#.attn_q       model.layers.#.self_attn.q_proj
  blk.#.attn_k       model.layers.#.self_attn.k_proj`;

const afterAttention = `
  blk.#.ffn_norm     model.layers.#.post_attention_layernorm`;

const headNorms = `
  blk.#.attn_q_norm  model.layers.#.self_attn.q_norm
  blk.#.attn_k_norm  model.layers.#.self_attn.k_norm`;

const fourNorms = `
  blk.#.post_attention_norm  model.layers.#.post_attention_layernorm
  blk.#.ffn_norm             model.layers.#.pre_feedforward_layernorm
  blk.#.post_ffw_norm        model.layers.#.post_feedforward_layernorm`;

/** Gemma's norms multiply by 1 more than their weights, and GGUF holds the sums. */
function gemma(tensors: string): Architecture {
  const lines = tensors.trim().split("\n");
  const norms = lines.map((line) => (/norm\s/.test(line) ? `${line} 1 less` : line));
  return { tensors: tensorTable(norms.join("\n")), config: commonConfig };
}

const architectures: Readonly<Record<string, Architecture>> = {
  // Mistral's models are of this architecture too.
  llama: {
    tensors: tensorTable(`${decoder}${afterAttention}
      blk.#.attn_q  model.layers.#.self_attn.q_proj  query rows
      blk.#.attn_k  model.layers.#.self_attn.k_proj  key rows`),
    config: { ...commonConfig, "rope.dimension_count": ["head_dim"] },
  },
  qwen2: { tensors: tensorTable(decoder + plainHeads + afterAttention), config: commonConfig },
  qwen3: { tensors: tensorTable(decoder + plainHeads + afterAttention + headNorms), config: commonConfig },
  gemma: gemma(decoder + plainHeads + afterAttention),
  gemma2: gemma(decoder + plainHeads + fourNorms),
  gemma3: gemma(decoder + plainHeads + fourNorms + headNorms),
  phi3: {
    tensors: tensorTable(`
      token_embd         model.embed_tokens
      output_norm        model.norm
      output             lm_head
      blk.#.attn_norm    model.layers.#.input_layernorm
      blk.#.attn_qkv     model.layers.#.self_attn.qkv_proj
      blk.#.attn_output  model.layers.#.self_attn.o_proj
      blk.#.ffn_norm     model.layers.#.post_attention_layernorm
      blk.#.ffn_up       model.layers.#.mlp.gate_up_proj
      blk.#.ffn_down     model.layers.#.mlp.down_proj`),
    config: commonConfig,
  },
  gpt2: {
    tensors: tensorTable(`
      token_embd         transformer.wte
      position_embd      transformer.wpe
      output_norm        transformer.ln_f
      output             lm_head
      blk.#.attn_norm    transformer.h.#.ln_1
      blk.#.attn_qkv     transformer.h.#.attn.c_attn  transposed
      blk.#.attn_output  transformer.h.#.attn.c_proj  transposed
      blk.#.ffn_norm     transformer.h.#.ln_2
      blk.#.ffn_up       transformer.h.#.mlp.c_fc     transposed
      blk.#.ffn_down     transformer.h.#.mlp.c_proj   transposed`),
    config: {
      context_length: ["n_positions", "n_ctx"],
      block_count: ["n_layer"],
      embedding_length: ["n_embd"],
      feed_forward_length: ["n_inner"],
      "attention.head_count": ["n_head"],
      "attention.layer_norm_epsilon": ["layer_norm_epsilon"],
    },
  },
};

/** How a model is published, or null for an architecture that is not known here. */
export function architectureOf(name: string): Architecture | null {
  return Object.hasOwn(architectures, name) ? (architectures[name] ?? null) : null;
}

/** The published name of a tensor, or null. */
export function publishedName(architecture: Architecture, name: string): Published | null {
  const [, stem = "", end = ""] = /^(.*?)(\.weight|\.bias)$/.exec(name) ?? [];
  const layer = /^blk\.(\d+)\./.exec(stem)?.[1] ?? "";
  const found = architecture.tensors.get(stem.replace(/^blk\.\d+\./, "blk.#."));
  return found ? { ...found, name: found.name.replace("#", layer) + end } : null;
}
