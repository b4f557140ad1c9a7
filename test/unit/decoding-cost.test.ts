/** What is said of the cost of steps is what they cost: by formula, and by runs of kernels. */
import { describe, expect, it } from "vitest";
import { decodingCost } from "../../src/driver/cost/decoding.js";
import { costsOf } from "../../src/driver/cost/program.js";
import { nodeFiles } from "../../src/driver/node-files.js";
import { Compilation, type How } from "../../src/driver/pipeline.js";
import type { BufferId } from "../../src/ir/plan/plan.js";
import { Checkpoint } from "../../src/runtime/checkpoint.js";
import { add, mul, type Size, size, substitute } from "../../src/sizes/index.js";

const files = nodeFiles();

function compilationOf(folder: string, target: "typescript" | "wgsl" = "typescript", how: How = {}): Compilation {
  const checkpoint = Checkpoint.open(files, `${folder}/checkpoint`);
  return new Compilation({ files, path: `${folder}/${folder.split("/").at(-1)}.trafo`, checkpoint, target, ...how });
}

function costOf(compilation: Compilation) {
  compilation.get("plan");
  const derived = compilation.decoders[0]!;
  return { derived, cost: decodingCost(derived, compilation.decoded[0]!) };
}

function costedDecoder(folder: string) {
  const compilation = compilationOf(folder, "wgsl");
  compilation.get("plan");
  return compilation.decoded[0]!;
}

describe("a step's operations", () => {
  it.each(["examples/gpt2", "examples/t5", "examples/vaswani", "examples/llama"])(
    "of all positions at once are the whole entry's: %s",
    (folder) => {
      const compilation = compilationOf(folder);
      const { derived, cost } = costOf(compilation);
      const at = compilation.get("graph").entries.indexOf(derived.entry);
      const whole = costsOf(compilation)[at]!.layers.total.flops;
      const { past, count } = derived.sizes;
      const all = (value: Size) =>
        substitute(value, (each) => (each === past ? size(0) : each === count ? size(derived.time) : null));
      expect(add(all(cost.flops), cost.once)).toBe(whole);
      expect(cost.perPosition).not.toBe(size(0));
    },
  );

  it("do not grow with the positions before a window", () => {
    const { derived, cost } = costOf(compilationOf("test/fixtures/families/mistral"));
    const { past } = derived.sizes;
    const at = (value: Size, p: number) => substitute(value, (each) => (each === past ? size(p) : null));
    expect(at(cost.flops, 5)).toBe(at(cost.flops, 17));
    expect(cost.perPosition).toBe(size(0));
    const slots = derived.states.reduce((sum, each) => add(sum, each.shape.reduce(mul, size(4))), size(0));
    expect(cost.constant).toBe(slots);
  });
});

describe("a token on WebGPU", () => {
  const families = "test/fixtures/families";
  // Of each layer: on a card, and on a processor.
  const kernels = {
    "examples/gpt2": [5, 7],
    "examples/llama": [6, 7],
    "examples/t5": [7, 7],
    "examples/vaswani": [7, 7],
    [`${families}/bart`]: [7, 7],
    [`${families}/bloom`]: [5, 7],
    [`${families}/cohere`]: [5, 6],
    [`${families}/gemma`]: [6, 7],
    [`${families}/gemma2`]: [7, 7],
    [`${families}/gemma3`]: [7, 7],
    [`${families}/gpt_bigcode`]: [5, 7],
    [`${families}/gpt_neox`]: [6, 7],
    [`${families}/gptj`]: [6, 7],
    [`${families}/mistral`]: [6, 6],
    [`${families}/olmo2`]: [7, 7],
    [`${families}/opt`]: [5, 7],
    [`${families}/phi`]: [6, 7],
    [`${families}/phi3`]: [6, 6],
    [`${families}/qwen2`]: [6, 7],
    [`${families}/qwen3`]: [6, 6],
    [`${families}/whisper`]: [7, 7],
  };
  // Where experts serve a position, what chooses them is computed first.
  const withExperts = {
    deepseek_v2: [7, 8],
    deepseek_v3: [7, 8],
    gpt_oss: [7],
    mixtral: [7],
    qwen3_moe: [6, 7],
  };
  it.each(Object.entries(withExperts))("takes few kernels of each layer with experts: %s", (family, counts) => {
    const { token } = costOf(compilationOf(`${families}/${family}`, "wgsl")).cost;
    expect(token.perLayer.map((each) => each.kernels)).toEqual(counts);
  });

  it.each(Object.entries(kernels))("takes few kernels of each layer: %s", (folder, counts) => {
    const { token, apart } = costOf(compilationOf(folder, "wgsl")).cost;
    const found = [token, apart!].map(({ perLayer }) => perLayer.map((each) => each.kernels));
    expect(found).toEqual(counts.map((count) => [count]));
  });

  it("takes as few where heads are as long as published ones", () => {
    const { files: read, path, checkpoint, ...how } = compilationOf(`${families}/qwen3`, "wgsl").request;
    const size = { hidden_size: 1024, num_attention_heads: 16, num_key_value_heads: 8, head_dim: 128 };
    const value = { ...checkpoint!.config!.value, ...size, intermediate_size: 3072, vocab_size: 32000 };
    const { token, apart } = costOf(new Compilation({ ...how, files: read, path, config: { value, path } })).cost;
    expect([token, apart!].map(({ perLayer }) => perLayer.map((each) => each.kernels))).toEqual([[6], [6]]);
  });

  const published: Readonly<Record<string, Readonly<Record<string, number>>>> = {
    mixtral: {
      hidden_size: 4096,
      intermediate_size: 14336,
      num_attention_heads: 32,
      num_key_value_heads: 8,
      num_local_experts: 8,
    },
    qwen3_moe: {
      hidden_size: 2048,
      moe_intermediate_size: 768,
      num_experts: 128,
      num_local_experts: 128,
      num_experts_per_tok: 8,
    },
    gpt_oss: {
      hidden_size: 2880,
      intermediate_size: 2880,
      num_attention_heads: 64,
      num_local_experts: 32,
      num_experts_per_tok: 4,
    },
  };
  const formats = ["f32", "int8", "int4"] as const;
  const held = Object.keys(published).flatMap((family) => formats.map((format) => [family, format] as const));
  it.each(held)("takes 7 of layers with experts of published widths: %s in %s", (family, format) => {
    const { files: read, path, checkpoint, ...how } = compilationOf(`${families}/${family}`, "wgsl").request;
    const value = { ...checkpoint!.config!.value, ...published[family], head_dim: 64, mlp_only_layers: [] };
    const of = { ...how, files: read, path, config: { value, path }, weights: format };
    const { token } = costOf(new Compilation(of)).cost;
    expect(Math.max(...token.perLayer.map((each) => each.kernels))).toBe(7);
  });

  // Both levels of the latent attention, of queries and of keys and values, as published.
  const latent = {
    hidden_size: 7168,
    intermediate_size: 18432,
    num_attention_heads: 128,
    num_key_value_heads: 128,
    q_lora_rank: 1536,
    kv_lora_rank: 512,
    qk_nope_head_dim: 128,
    qk_rope_head_dim: 64,
    v_head_dim: 128,
    max_position_embeddings: 4096,
  };
  it.each(["f32", "int8", "int4"] as const)("takes 7 of latent attention, with weights as %s", (weights) => {
    for (const sizes of [{}, latent]) {
      const { files: read, path, checkpoint, ...how } = compilationOf(`${families}/deepseek_v3`, "wgsl").request;
      const value = { ...checkpoint!.config!.value, ...sizes, first_k_dense_replace: 2 };
      const { token, apart } = costOf(
        new Compilation({ ...how, files: read, path, config: { value, path }, weights }),
      ).cost;
      expect([token, apart!].map(({ perLayer }) => perLayer.map((each) => each.kernels))).toEqual([[7], [7]]);
    }
  });

  it.each(["examples/llama", `${families}/deepseek_v3`])("writes nothing that nothing reads: %s", (folder) => {
    const { one, step, last } = costedDecoder(folder);
    for (const { name, buffers, dispatches } of [one!.plan, one!.apart, step, last]) {
      const read = new Set(dispatches.flatMap(({ reads }) => reads));
      const idle = buffers.filter(({ place }, id) => place.kind === "arena" && !read.has(id as BufferId));
      expect([name, ...idle.map((each) => each.name)]).toEqual([name]);
    }
  });

  const large = { d_model: 1280, decoder_attention_heads: 20, decoder_ffn_dim: 5120 };
  it.each([
    ["whisper", { ...large, encoder_attention_heads: 20, encoder_ffn_dim: 5120 }],
    ["bart", { ...large, encoder_attention_heads: 20, encoder_ffn_dim: 5120 }],
  ])("takes as few behind an encoder as large as published ones, of weights of few bits: %s", (family, sizes) => {
    const { files: read, path, checkpoint, ...how } = compilationOf(`${families}/${family}`, "wgsl").request;
    const value = { ...checkpoint!.config!.value, ...sizes };
    const of = { ...how, files: read, path, config: { value, path }, weights: "int8" } as const;
    expect(costOf(new Compilation(of)).cost.token.perLayer.map((each) => each.kernels)).toEqual([7]);
  });

  it("takes one for each norm more where products do not compute them", () => {
    const { token } = costOf(compilationOf("examples/gpt2", "wgsl", { optimize: { without: ["prologues"] } })).cost;
    expect(Math.max(...token.perLayer.map((each) => each.kernels))).toBe(7);
  });
});
