/** Text in and out of `trafo generate` and `trafo run`, on files in memory. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { writeSafetensors } from "../../src/runtime/host/safetensors-writer.js";
import { Tokenizer } from "../../src/runtime/text/tokenizer.js";
import { type Contents, f32, trafo } from "./support/cli.js";
import { gguf, ggufList } from "./support/gguf.js";

const fixture = (name: string) =>
  readFileSync(join(import.meta.dirname, "..", "fixtures", "text", `${name}.tokenizer.json`), "utf8");

/** A decoder that follows each token by the one that its table says, and an encoder that hands its tokens to a decoder. */
const decoder = `import std: causal_mask

model Follow(vocab: int from "vocab_size") {
  param table: [vocab, vocab]

  entry forward(input_ids: i32[B, T <= 64]) incremental T -> (logits: [B, T, vocab]) {
    let x = table[input_ids]
    x + 0 * (softmax(where(causal_mask(T), x @ x.T, -inf)) @ x)
  }
}
`;
const translator = `import std: causal_mask

model Shift(vocab: int from "vocab_size") {
  param table: [vocab, vocab]

  entry encode(input_ids: i32[B, S], attention_mask: i32[B, S] = 1) -> (memory: [B, S, vocab]) {
    table[input_ids] * rearrange(f32(attention_mask), "b s -> b s 1")
  }

  entry decode(decoder_input_ids: i32[B, T], memory: [B, S, vocab]) incremental T -> (logits: [B, T, vocab]) {
    let x = table[decoder_input_ids]
    let same = x + 0 * (softmax(where(causal_mask(T), x @ x.T, -inf)) @ x)
    same + 2 * sum(memory, axis = 1)
  }
}
`;
const encoder = `model Show(vocab: int from "vocab_size") {
  param table: [vocab]

  entry forward(
    input_ids: i32[B, T <= 12],
    attention_mask: i32[B, T] = 1,
    token_type_ids: i32[B, T] = 0,
  ) -> (ids: i32[B, T], mask: i32[B, T], types: i32[B, T], value: [B, T]) {
    (input_ids + 0, attention_mask + 0, token_type_ids + 0, table[input_ids])
  }
}
`;
const bare = `model Show(vocab: int from "vocab_size") {
  param table: [vocab]

  entry forward(input_ids: i32[B, T <= 12]) -> (value: [B, T]) { table[input_ids] }
}
`;

/** The texts that the decoder goes on with: each chain of tokens holds every token once. */
const chains = ["Hi! 😀你", "The fox.", "Où é-1"];
const noParts = { normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null, added_tokens: [] };
const end = "<|endoftext|>";
let files: Contents = {};
let gpt2: Tokenizer;

/** A table that follows the chains. */
function tableOf(size: number): Float32Array {
  const table = new Float32Array(size * size);
  const stop = gpt2.idOf(end)!;
  for (const chain of chains) {
    const ids = [...gpt2.encode(chain), stop];
    expect(new Set(ids).size).toBe(ids.length);
    for (const [at, id] of ids.entries()) table[id * size + (ids[at + 1] ?? stop)] = 1;
  }
  return table;
}

const following = (size: number) => writeSafetensors([["table", f32([size, size], [...tableOf(size)])]]);

beforeAll(async () => {
  gpt2 = await Tokenizer.from(JSON.parse(fixture("gpt2")), "gpt2");
  const bert = await Tokenizer.from(JSON.parse(fixture("bert")), "bert");
  const config = (size: number, more = "") => `{ "vocab_size": ${size}${more} }`;
  const vector = (size: number) => writeSafetensors([["table", f32([size], new Array(size).fill(1))]]);
  files = {
    "follow.trafo": decoder,
    "shift.trafo": translator,
    "show.trafo": encoder,
    "bare.trafo": bare,
    "big.json": JSON.stringify({ model: { type: "WordPiece", unk_token: "a", vocab: { a: 99999 } }, ...noParts }),
    "prompt.txt": "The",
    "g/config.json": config(gpt2.size, ', "eos_token_id": 0, "decoder_start_token_id": 0'),
    "g/model.safetensors": following(gpt2.size),
    "g/tokenizer.json": fixture("gpt2"),
    "g/tokenizer_config.json": JSON.stringify({
      bos_token: end,
      eos_token: { content: end },
      chat_template:
        "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}{{ m.content }}{% endfor %}",
    }),
    "plain/config.json": config(gpt2.size),
    "plain/model.safetensors": following(gpt2.size),
    "plain/vocab.json": "{}",
    "b/config.json": config(bert.size),
    "b/model.safetensors": vector(bert.size),
    "b/tokenizer.json": fixture("bert"),
    "b/tokenizer_config.json": '{ "pad_token": "[PAD]" }',
  };
});

const generate = (...words: string[]) => trafo(["generate", "follow.trafo", "--checkpoint", "g", ...words], files);

describe("trafo generate with texts", () => {
  it("goes on from a text, to the token that ends it", async () => {
    const { status, out, err } = await generate("--prompt", "Hi");
    expect([status, out]).toEqual([0, "! 😀你\n"]);
    expect(err).toMatch(
      /^read \d+ tokens? in [\d.]+ s, [\d.]+ tokens per second; generated \d+ tokens in .* second\n$/,
    );
    expect((await generate("--prompt-file", "prompt.txt")).out).toBe(" fox.\n");
    expect((await generate("--prompt", "")).out).toBe("\n");
  });

  it("answers in JSON, and a batch", async () => {
    const { out } = await generate("--prompt", "The", "--prompt", "Hi", "--json");
    const answer = JSON.parse(out);
    expect(answer.texts).toEqual([" fox.", "! 😀你"]);
    expect(answer.sequences[0]).toEqual(gpt2.encode("The fox.").slice(1));
    expect(answer.speeds.generated.tokens).toBe(answer.sequences.flat().length);
    expect((await generate("--prompt", "The", "--prompt", "Hi")).out).toBe(" fox.\n\n! 😀你\n");
  });

  it("ends at a stop text, and before it is shown in part", async () => {
    expect((await generate("--prompt", "Hi", "--stop", "你", "--stop", "no")).out).toBe("! 😀\n");
    expect((await generate("--prompt", "The", "--stop", "x.")).out).toBe(" fo\n");
    const more = await generate("--prompt", "The", "--ignore-end", "--max-tokens", "9", "--json");
    expect(JSON.parse(more.out).sequences[0]).toHaveLength(9);
    const ids = gpt2.encode(chains[0]!);
    expect((await generate("--prompt", "Hi", "--stop-ids", String(ids.at(3)))).out).toBe(
      `${gpt2.decode(ids.slice(0, 3)).slice(2)}\n`,
    );
  });

  it("writes a message by the chat template", async () => {
    expect((await generate("--chat", "--prompt", "Hi")).out).toBe("! 😀你\n");
    const refused = await generate("--chat", "--system", "Be brief.", "--prompt", "Hi");
    expect(refused.err).toContain("E0725");
    expect(refused.err).toContain("no system");
    expect(refused.err).toContain("leave --system out");
  });

  it("talks, line by line", async () => {
    const template = "{% for m in messages %}{{ m.content }}{% if not loop.last %}/{% endif %}{% endfor %}";
    const contents = { ...files, "g/chat_template.jinja": template };
    const words = ["generate", "follow.trafo", "--checkpoint", "g", "--interactive", "--max-tokens", "4"];
    const { status, out, err } = await trafo(words, contents, ["The", "", "Hi"]);
    expect([status, out, err]).toEqual([0, " fox.\n! 😀\n", "> > > > \n"]);
    expect((await trafo([...words, "--prompt", "a"], contents)).err).toContain("--interactive takes its messages");
    expect((await trafo([...words, "--tokenizer", "plain"], files)).err).toContain("E0723");
  });

  it("shows the likeliest sequences as texts", async () => {
    const { out } = await generate("--prompt", "The", "--beams", "2", "--max-tokens", "4");
    expect(out.split("\n")[0]).toMatch(/^-[\d.]+ {3}fox\./);
  });

  it("gives the prompt to an encoder where there is one", async () => {
    const words = ["generate", "shift.trafo", "--checkpoint", "g", "--max-tokens", "1"];
    const { out, err, status } = await trafo([...words, "--prompt", "The", "--prompt", "Hi", "--json"], files);
    expect([status, err]).toEqual([0, ""]);
    // What follows the tokens of the prompt outweighs what follows the decoder's first.
    expect(JSON.parse(out).texts).toEqual([" f", "!"]);
    const one = await trafo([...words, "--prompt", "The"], files);
    expect(one.out).toBe(" f\n");
    expect(one.err).toMatch(/^generated 1 token in [\d.]+ s\n$/);
  });

  it("takes the tokenizer from elsewhere", async () => {
    const words = ["generate", "follow.trafo", "--checkpoint", "plain", "--prompt", "Hi", "--max-tokens", "6"];
    const missing = await trafo(words, files);
    expect([missing.status, missing.out]).toEqual([1, ""]);
    for (const part of ["E0723", "vocab.json is an older form", "save_pretrained"]) expect(missing.err).toContain(part);
    for (const place of ["g", "g/tokenizer.json"]) {
      const { out } = await trafo([...words, "--tokenizer", place], files);
      expect(out.startsWith("! 😀")).toBe(true);
    }
  });

  const failures: [string, string[], string, string][] = [
    ["no prompt", [], "E0610", "generating needs a prompt"],
    ["both kinds of prompts", ["--prompt", "a", "--prompt-ids", "1"], "E0610", "exclude each other"],
    ["--system without --chat", ["--prompt", "a", "--system", "b"], "E0610", "--system needs --chat"],
    ["--chat without a text", ["--prompt-ids", "1", "--chat"], "E0610", "--chat needs a prompt that is a text"],
    ["a tokenizer that is not there", ["--prompt", "a", "--tokenizer", "no.json"], "E0601", "no.json"],
    ["a tokenizer that is none", ["--prompt", "a", "--tokenizer", "g/config.json"], "E0724", 'no object "model"'],
    ["the tokenizer of another model", ["--prompt", "a", "--tokenizer", "big.json"], "E0724", "it gives token 99999"],
    ["a search from two prompts", ["--prompt", "a", "--prompt", "b", "--beams", "2"], "E0610", "from one prompt"],
    ["a search at random", ["--prompt", "a", "--beams", "2", "--top-k", "3"], "E0610", "draws none at random"],
    ["a search to a text", ["--prompt", "a", "--beams", "2", "--stop", "b"], "E0610", "not at texts"],
    ["a prompt file that is not there", ["--prompt-file", "no.txt"], "E0601", "no.txt"],
  ];
  it.each(failures)("refuses %s", async (_, words, code, message) => {
    const { status, err, out } = await generate(...words);
    expect([status, out]).toEqual([1, ""]);
    expect(err).toContain(code);
    expect(err).toContain(message);
  });

  it("says what a chat template that fails lacks", async () => {
    const withTemplate = (text: string) => ({ ...files, "g/chat_template.jinja": text });
    const words = ["generate", "follow.trafo", "--checkpoint", "g", "--chat", "--prompt", "Hi"];
    const broken = await trafo(words, withTemplate("{% if %}"));
    expect(broken.err).toContain("E0725");
    expect(broken.err).toContain("g/chat_template.jinja does not parse");
    const none = await trafo(words, { ...files, "g/tokenizer_config.json": "{}" });
    expect(none.err).toContain("E0725");
    expect(none.err).toContain("leave --chat out");
    const named = JSON.stringify({ chat_template: [{ name: "default", template: "{{ messages[0].content }}" }] });
    expect((await trafo(words, { ...files, "g/tokenizer_config.json": named })).out).toBe("! 😀你\n");
  });
});

describe("trafo generate with the tokenizer in a GGUF file", () => {
  const model = (more: readonly (readonly [string, number, string | number])[] = []): Uint8Array => {
    const { model, added_tokens: added } = JSON.parse(fixture("gpt2"));
    const tokens = Array.from({ length: gpt2.size }, (_, id) => gpt2.tokenOf(id)!);
    const types = tokens.map((_, id): number => (added.some((each: { id: number }) => each.id === id) ? 4 : 1));
    const merges: string[] = model.merges.map((pair: [string, string]) => pair.join(" "));
    const size = gpt2.size;
    return gguf({
      metadata: [
        ["general.architecture", 8, "follow"],
        ["vocab_size", 4, size],
        ["tokenizer.ggml.model", 8, "gpt2"],
        ["tokenizer.ggml.pre", 8, "gpt-2"],
        ["tokenizer.ggml.tokens", 9, ggufList(tokens, "string")],
        ["tokenizer.ggml.token_type", 9, ggufList(types.with(0, 3), "i32")],
        ["tokenizer.ggml.merges", 9, ggufList(merges, "string")],
        ["tokenizer.ggml.eos_token_id", 4, 0],
        ...more,
      ],
      tensors: [["table", [size, size], 0, 0]],
      data: new Uint8Array(tableOf(size).buffer),
    });
  };
  const generateFrom = (contents: Uint8Array, words: readonly string[], more: Contents = {}) => {
    const all = { "follow.trafo": decoder, "d/m.gguf": contents, ...more };
    return trafo(["generate", "follow.trafo", "--checkpoint", "d/m.gguf", "--prompt", "Hi", ...words], all);
  };

  it("goes on from a text", async () => {
    expect((await generateFrom(model(), [])).out).toBe("! 😀你\n");
    const chat = "{{ messages[0]['content'] }}{% if add_generation_prompt %}!{% endif %}";
    expect((await generateFrom(model([["tokenizer.chat_template", 8, chat]]), ["--chat"])).out).toBe(" 😀你\n");
    expect((await generateFrom(model(), ["--chat"])).err).toContain("E0725");
  });

  it("takes tokenizer.json beside a file that has none, or a folder", async () => {
    const bare = gguf({
      metadata: [["vocab_size", 4, gpt2.size]],
      tensors: [["table", [gpt2.size, gpt2.size], 0, 0]],
      data: new Uint8Array(tableOf(gpt2.size).buffer),
    });
    expect((await generateFrom(bare, [])).err).toContain("E0723");
    const beside = { "d/tokenizer.json": fixture("gpt2") };
    expect((await generateFrom(bare, ["--stop-ids", "0"], beside)).out).toBe("! 😀你\n");
    const odd = model().slice();
    expect((await generateFrom(odd, ["--tokenizer", "d"], beside)).out).toBe("! 😀你\n");
    expect((await generateFrom(bare, ["--tokenizer", "e/m.gguf"], { "e/m.gguf": model() })).out).toBe("! 😀你\n");
  });
});

describe("trafo run with texts", () => {
  const run = async (program: string, ...words: string[]) => {
    const made = await trafo(["run", program, "--checkpoint", "b", "--json", ...words], files);
    const outputs: { name: string; first: number[]; shape: number[]; mean: number }[] =
      made.status === 0 ? JSON.parse(made.out).outputs : [];
    return { ...made, of: (name: string) => outputs.find((each) => each.name === name) };
  };

  it("gives tokens, and pads a batch", async () => {
    const { of } = await run("show.trafo", "--text", "the", "--text", "to be");
    const bert = await Tokenizer.from(JSON.parse(fixture("bert")), "bert");
    const [short, long] = [bert.encode("the"), bert.encode("to be")];
    expect([short.length, long.length]).toEqual([3, 4]);
    expect(of("ids")).toMatchObject({ shape: [2, 4], first: [...short, 0, long[0]] });
    expect(of("mask")!.first).toEqual([1, 1, 1, 0, 1]);
  });

  it("gives pairs, with which of them a token belongs to", async () => {
    const { of } = await run("show.trafo", "--text", "a", "--text-pair", "b");
    expect(of("ids")!.first).toHaveLength(5);
    expect(of("types")!.first).toEqual([0, 0, 0, 1, 1]);
  });

  it.each<[string, string, string[], string, string]>([
    [
      "texts of two lengths without a mask",
      "bare.trafo",
      ["--text", "the", "--text", "to be so"],
      "E0726",
      "one length",
    ],
    ["a second without a first", "show.trafo", ["--text-pair", "a"], "E0610", "0 texts and 1 second"],
  ])("refuses %s", async (_, program, words, code, message) => {
    const { status, out } = await run(program, ...words);
    expect(status).toBe(1);
    const [diagnostic] = JSON.parse(out).diagnostics;
    expect(diagnostic.code).toBe(code);
    expect(diagnostic.message).toContain(message);
  });

  it("reads as much of a text as the entry takes, and says so", async () => {
    const { of, err } = await run("show.trafo", "--text", "a ".repeat(20), "--text-pair", "b");
    const bert = await Tokenizer.from(JSON.parse(fixture("bert")), "bert");
    const { ids, types } = bert.encodePair("a ".repeat(8), "b");
    expect([of("ids")!.shape, of("ids")!.first]).toEqual([[1, 12], ids.slice(0, 5)]);
    expect(of("types")!.mean).toBe(types.filter((each) => each === 1).length / 12);
    expect(err).toContain(
      "warning[E0727]: the text has 24 tokens, and entry forward takes 12: the rest of it is not read",
    );
  });

  it("refuses a program that takes no text", async () => {
    const source = "model M(width: int = 2) {\n  entry forward(x: [B, width]) -> (y: [B, width]) { x + 1 }\n}\n";
    const { err } = await trafo(["run", "m.trafo", "--random-weights", "--text", "a"], { "m.trafo": source });
    expect(err).toContain("E0726");
    expect(err).toContain("M takes no text");
  });
});
