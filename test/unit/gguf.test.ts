/** What a GGUF file says of itself: its metadata as a configuration, its parts, and what is wrong with it. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { UserError } from "../../src/diagnostics/index.js";
import { Checkpoint } from "../../src/runtime/checkpoint.js";
import { memoryFiles } from "../../src/runtime/files.js";
import { ropeScaling } from "../../src/runtime/gguf/rope.js";
import { trafo } from "./support/cli.js";
import { gguf, type Written } from "./support/gguf.js";

const fixture = (name: string) =>
  new Uint8Array(readFileSync(fileURLToPath(new URL(`../fixtures/gguf/${name}.gguf`, import.meta.url))));
const blocks = fixture("blocks");
const open = (bytes: Uint8Array) => Checkpoint.open(memoryFiles([["m.gguf", bytes]]), "m.gguf");

/** The code and message of the user's error that something throws; null if nothing is. */
function failure(run: () => unknown): string | null {
  try {
    run();
    return null;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return `${error.diagnostics[0]?.code}: ${error.diagnostics[0]?.message}`;
  }
}

const llama = [
  ["general.architecture", 8, "llama"],
  ["llama.embedding_length", 4, 8],
  ["llama.attention.head_count", 4, 2],
  ["llama.attention.layer_norm_rms_epsilon", 6, 1e-5],
] as const;

describe("a GGUF file", () => {
  it("is a checkpoint with a configuration, by its own keys and the published ones", () => {
    const checkpoint = open(gguf({ metadata: llama, tensors: [["token_embd.weight", [3, 8], 0, 0]], data: 96 }));
    expect(checkpoint.config?.value).toEqual({
      general: { architecture: "llama" },
      llama: { embedding_length: 8, attention: { head_count: 2, layer_norm_rms_epsilon: 1e-5 } },
      model_type: "llama",
      hidden_size: 8,
      num_attention_heads: 2,
      rms_norm_eps: 1e-5,
      vocab_size: 3,
    });
    expect(checkpoint.tensors.get("token_embd.weight")).toEqual({ shape: [3, 8], dtype: "F32" });
    expect(checkpoint.tensors.get("model.embed_tokens.weight")?.stored).toBe("token_embd.weight");
  });
  it("of an unknown architecture has its own names", () => {
    const checkpoint = open(blocks);
    expect(checkpoint.config?.value).toMatchObject({ general: { name: "blocks" }, unheard: { some: { size: 3 } } });
    expect([...checkpoint.tensors.values()].every(({ stored }) => stored === undefined)).toBe(true);
    expect(checkpoint.tensors.get("Q4_K")).toEqual({ shape: [3, 512], dtype: "Q4_K" });
  });
  it("may be the only file of weights in a folder, and in parts", () => {
    const part = (no: number, name: string) =>
      gguf({
        metadata: [...llama, ["split.no", 4, no], ["split.count", 4, 2]],
        tensors: [[name, [2], 0, 0]],
        data: 8,
      });
    const parts = [
      ["m/x-00001-of-00002.gguf", part(0, "a")],
      ["m/x-00002-of-00002.gguf", part(1, "b")],
    ] as const;
    const files = memoryFiles(parts);
    expect([...Checkpoint.open(files, "m").tensors.keys()]).toEqual(["a", "b"]);
    expect([...Checkpoint.open(files, parts[0][0]).read("b", "f32").data]).toEqual([0, 0]);
    expect(failure(() => Checkpoint.open(files, parts[1][0]))).toMatch(/^E0709: .* is a part of a model in 2 files/);
    expect(failure(() => Checkpoint.open(memoryFiles([parts[0]]), "m"))).toMatch(/^E0709: .* there is no m\/x-00002/);
  });
  it("that is cut off anywhere is an error, and never anything else", () => {
    const header = Checkpoint.open(memoryFiles([["m.gguf", blocks]]), "m.gguf");
    expect(header.tensors.size).toBe(12);
    // The last tensor is of a type whose length is not known.
    for (let length = 0; length < blocks.length - 64; length += length < 1200 ? 1 : 97) {
      expect(
        failure(() => open(blocks.subarray(0, length))),
        String(length),
      ).toMatch(/^E0705: m.gguf: /);
    }
  });
  it("with wrong bytes anywhere in its header is read or an error", () => {
    for (let at = 0; at < 1200; at++) {
      for (const byte of [0, 0x7f, 0xff]) {
        const wrong = blocks.slice();
        wrong[at] = byte;
        const said = failure(() => {
          const checkpoint = open(wrong);
          for (const name of checkpoint.tensors.keys()) failure(() => checkpoint.read(name, "f32"));
        });
        if (said !== null) expect(said).toMatch(/^E070[59]: m.gguf/);
      }
    }
  });
  it("says what is wrong with it", () => {
    const said = (written: Written) => failure(() => open(gguf(written)));
    expect(failure(() => open(new TextEncoder().encode("version https://git-lfs.github.com/spec/v1")))).toMatch(
      "it is no GGUF file",
    );
    expect(said({ version: 1 })).toBe("E0705: m.gguf: its version is 1; 2 and 3 are read");
    expect(said({ version: 0x3000000 })).toBe("E0705: m.gguf: it is big-endian, which is not read");
    expect(said({ metadata: [["a", 99, 1]] })).toBe("E0705: m.gguf: a of the metadata has the unknown type 99");
    expect(said({ metadata: [llama[0], llama[0]] })).toMatch("general.architecture stands twice in the metadata");
    const nested = Uint8Array.of(9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0);
    expect(said({ metadata: [["a", 9, nested]], data: 99 })).toMatch("a of the metadata is an array of arrays");
    expect(said({ tensors: [["a", [1, 1, 1, 1, 1], 0, 0]] })).toMatch("tensor a has 5 axes, more than 4");
    expect(said({ tensors: [["a", [33], 2, 0]] })).toMatch("tensor a is Q4_0, whose blocks of 32 do not divide 33");
    expect(said({ tensors: [["a", [9], 0, 0]], data: 35 })).toMatch("the file is cut off: tensor a ends at byte");
    expect(said({ tensors: [["a", [1], 0, 0], ["a", [1], 0, 0]], data: 4 })).toMatch("tensor a stands twice"); // biome-ignore format: short
  });
  it("with a type that is not read is an error only where a program reads it", async () => {
    expect(failure(() => open(blocks).read("IQ4_NL", "f32"))).toBe(
      "E0708: tensor IQ4_NL of m.gguf is type 20, which does not convert to f32",
    );
    expect(failure(() => open(blocks).read("Q4_0", "i32"))).toMatch("is Q4_0, which does not convert to i32");
    const program = (name: string) =>
      `model M() {\n  param w: [2, 32] as "${name}"\n  entry f(x: [T, 32]) -> (y: [T, 2]) { x @ w.T }\n}\n`;
    const check = (name: string) =>
      trafo(["check", "m.trafo", "--checkpoint", "m.gguf"], { "m.trafo": program(name), "m.gguf": blocks });
    const wrong = await check("IQ4_NL");
    expect(wrong.status).toBe(1);
    expect(wrong.err).toContain("E0708");
    expect(wrong.err).toContain("IQ4_NL is type 20 in the checkpoint, which does not convert to f32");
  });
  it("is written as safetensors beside a module, which reads no other", async () => {
    const program =
      'model M() {\n  param w: [3, 512] as "Q4_K"\n  entry f(x: [T, 512]) -> (y: [T, 3]) { x @ w.T }\n}\n';
    const argv = ["compile", "m.trafo", "--checkpoint", "m.gguf", "--target", "typescript", "-o", "out"];
    const { files, err } = await trafo(argv, { "m.trafo": program, "m.gguf": blocks });
    expect(err).toContain("no param reads 11 tensors of the checkpoint");
    const written = Checkpoint.open(memoryFiles(files), "out/m.safetensors");
    expect([...written.tensors]).toEqual([["Q4_K", { shape: [3, 512], dtype: "F32" }]]);
    expect(written.read("Q4_K", "f32")).toEqual(open(blocks).read("Q4_K", "f32"));
  });
  it("with rows that are not of its heads is an error", () => {
    const tensors = [["blk.0.attn_q.weight", [6, 8], 0, 0]] as const;
    const name = "model.layers.0.self_attn.q_proj.weight";
    expect(failure(() => open(gguf({ metadata: llama, tensors, data: 192 })).read(name, "f32"))).toBe(
      "E0705: m.gguf: tensor blk.0.attn_q.weight has 6 rows, which are not of 2 heads",
    );
    const without = llama.slice(0, 1);
    expect(failure(() => open(gguf({ metadata: without, tensors, data: 192 })).read(name, "f32"))).toMatch(
      "llama.attention.head_count of the metadata is no number of heads",
    );
  });
});

describe("positions that are stretched", () => {
  // transformers 5.23, ROPE_INIT_FUNCTIONS["llama3"]: base 500000, 8 frequencies, factor 8.
  const factors = [1.0, 1.0, 1.0, 1.0, 2.69453, 8.0, 8.0, 8.0];
  it("as Llama 3 does are recognised by the factors", () => {
    const metadata = new Map([["llama.rope.freq_base", 500000]]);
    expect(ropeScaling("m", "llama", metadata, factors)).toEqual({
      rope_type: "llama3",
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 8192,
    });
    const other = factors.map((factor, i) => (i === 1 ? 2 : factor));
    expect(failure(() => ropeScaling("m", "llama", metadata, other))).toMatch("E0705: m: rope_freqs.weight");
  });
  it("by a kind and a factor", () => {
    const metadata = new Map<string, string | number>([
      ["llama.rope.scaling.type", "linear"],
      ["llama.rope.scaling.factor", 4],
    ]);
    expect(ropeScaling("m", "llama", metadata, null)).toEqual({ rope_type: "linear", factor: 4 });
    expect(ropeScaling("m", "llama", new Map([["llama.rope.scaling.type", "none"]]), null)).toBe(null);
  });
});
