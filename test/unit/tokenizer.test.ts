/** Tokenizers against what the library `tokenizers` makes of the same texts; text that comes token by token. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { MetadataValue } from "../../src/runtime/gguf/container.js";
import { Detokenizer, StopStrings } from "../../src/runtime/text/detokenizer.js";
import { tokenizerOfGguf } from "../../src/runtime/text/gguf.js";
import { Tokenizer } from "../../src/runtime/text/tokenizer.js";

const folder = join(import.meta.dirname, "..", "fixtures", "text");
const read = (name: string) => JSON.parse(readFileSync(join(folder, name), "utf8"));

interface Cases {
  readonly texts: readonly [text: string, ids: number[], whole: number[], decoded: string, spelt: string][];
  readonly pairs: readonly [first: string, second: string, ids: number[], types: number[]][];
  readonly streamed: readonly [ids: number[], beginnings: string[]][];
}

const names = readdirSync(folder).flatMap((name) => /^(.*)\.tokenizer\.json$/.exec(name)?.[1] ?? []);

it("cuts what is too long as the library tokenizers does", async () => {
  const cases: { name: string; first: string; second: string | null; most: number; ids: number[]; types: number[] }[] =
    read("cut.json");
  expect(cases.length).toBeGreaterThan(100);
  for (const { name, first, second, most, ids, types } of cases) {
    const tokenizer = await Tokenizer.from(read(`${name}.tokenizer.json`), name);
    expect({ name, first, second, most, ...tokenizer.encodePair(first, second, most) }).toEqual({
      ...{ name, first, second, most },
      ...{ ids, types },
    });
  }
});

describe.each(names)("the tokenizer of %s", (name) => {
  const { texts, pairs, streamed }: Cases = read(`${name}.cases.json`);
  const made = Tokenizer.from(read(`${name}.tokenizer.json`), name);

  it("cuts texts as the original does", async () => {
    const tokenizer = await made;
    const found = texts.map(([text]) => [text, tokenizer.encode(text, false), tokenizer.encode(text)]);
    expect(found).toEqual(texts.map(([text, ids, whole]) => [text, ids, whole]));
    expect(texts.length).toBeGreaterThan(200);
  });

  it("spells them as the original does", async () => {
    const tokenizer = await made;
    const found = texts.map(([, , whole]) => [tokenizer.decode(whole), tokenizer.decode(whole, true)]);
    expect(found).toEqual(texts.map(([, , , decoded, spelt]) => [decoded, spelt]));
    for (const [ids, beginnings] of streamed)
      expect(beginnings.map((_, count) => tokenizer.decode(ids.slice(0, count)))).toEqual(beginnings);
  });

  it("reads pairs as the original does", async () => {
    const tokenizer = await made;
    for (const [first, second, ids, types] of pairs)
      expect(tokenizer.encodePair(first, second)).toEqual({ ids, types });
  });

  it("gives text token by token that joins to the whole, and takes nothing back", async () => {
    const tokenizer = await made;
    for (const ids of [...streamed.map(([each]) => each), ...texts.map(([, each]) => each)]) {
      const detokenizer = new Detokenizer(tokenizer);
      const parts = [...ids.map((id) => detokenizer.push(id)), detokenizer.flush()];
      expect(parts.join("")).toBe(tokenizer.decode(ids));
      const lone = parts.join("\u0000").match(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/);
      expect(lone).toBeNull();
    }
    for (const [ids] of streamed) {
      const half = Math.floor(ids.length / 2);
      const detokenizer = new Detokenizer(tokenizer, ids.slice(0, half));
      const whole = tokenizer.decode(ids);
      const rest =
        ids
          .slice(half)
          .map((id) => detokenizer.push(id))
          .join("") + detokenizer.flush();
      if (!tokenizer.decode(ids.slice(0, half)).endsWith("\ufffd")) expect(whole.endsWith(rest)).toBe(true);
    }
  });
});

/** Metadata of a file by the names that GGUF gives it. */
const metadataOf = (values: Readonly<Record<string, MetadataValue>>) =>
  new Map(Object.entries(values).map(([key, value]) => [`tokenizer.ggml.${key}`, value]));

describe("the tokenizer in a GGUF file", () => {
  const charsmap = () => {
    const { precompiled_charsmap: map } = read("t5.tokenizer.json").normalizer;
    return [...Buffer.from(map, "base64")];
  };

  it.each(["llama", "t5"])("of SentencePiece's kind %s cuts texts as SentencePiece does", async (kind) => {
    const { metadata, texts: all } = read(`${kind}.gguf.json`);
    // `tokenizers` takes the shortest rule of a charsmap, SentencePiece the longest: this letter has two marks more.
    const texts = all.filter(([text]: [string]) => text !== "a\u0301\u0302\u0303");
    const values = metadataOf(kind === "t5" ? { ...metadata, precompiled_charsmap: charsmap() } : metadata);
    const tokenizer = await Tokenizer.from(tokenizerOfGguf("model.gguf", values), "model.gguf");
    const found = texts.map(([text]: [string]) => [text, tokenizer.encode(text, false)]);
    expect(found).toEqual(texts.map(([text, ids]: [string, number[]]) => [text, ids]));
    for (const [, ids, decoded] of texts) if (kind === "llama") expect(tokenizer.decode(ids)).toBe(decoded);
    const [begin, end] = [metadata.bos_token_id, metadata.eos_token_id];
    expect(tokenizer.encode("a")[0] === begin).toBe(kind === "llama");
    expect(tokenizer.encode("a").at(-1) === end).toBe(kind === "t5");
  });

  const asGguf = (name: string, pre: string) => {
    const { model, added_tokens: added } = read(`${name}.tokenizer.json`);
    const tokens: string[] = [];
    for (const [token, id] of Object.entries<number>(model.vocab)) tokens[id] = token;
    for (const { id, content } of added) tokens[id] = content;
    const special = new Map<number, boolean>(
      added.map(({ id, special }: { id: number; special: boolean }) => [id, special]),
    );
    const types = tokens.map((_, id) => (special.get(id) === undefined ? 1 : special.get(id) ? 3 : 4));
    const merges = model.merges.map((pair: [string, string]) => pair.join(" "));
    return metadataOf({ model: "gpt2", pre, tokens, token_type: types, merges, bos_token_id: 0 });
  };

  it.each([
    ["gpt2", "gpt-2"],
    ["smollm", "smollm"],
    ["qwen2", "qwen2"],
    ["llama3", "llama-bpe"],
  ])("of bytes cuts texts as tokenizer.json of %s", async (name, pre) => {
    const tokenizer = await Tokenizer.from(tokenizerOfGguf("model.gguf", asGguf(name, pre)), "model.gguf");
    const { texts }: Cases = read(`${name}.cases.json`);
    const found = texts.map(([text]) => [text, tokenizer.encode(text)]);
    expect(found).toEqual(texts.map(([text, , whole]) => [text, whole]));
  });

  it("of BERT marks what goes on in a word as its vocabulary does", async () => {
    const { model } = read("bert.tokenizer.json");
    const tokens: string[] = [];
    for (const [token, id] of Object.entries<number>(model.vocab)) tokens[id] = token;
    const stored = tokens.map((token) => {
      if (/^\[(PAD|UNK|CLS|SEP|MASK)\]$/.test(token)) return token;
      return token.startsWith("##") ? token.slice(2) : `▁${token}`;
    });
    const types = stored.map((_, id) => (id < 5 ? 3 : 1));
    const ids = { unknown_token_id: 1, bos_token_id: 2, seperator_token_id: 3 };
    const values = metadataOf({ model: "bert", tokens: stored, token_type: types, ...ids });
    const tokenizer = await Tokenizer.from(tokenizerOfGguf("model.gguf", values), "model.gguf");
    const { texts, pairs }: Cases = read("bert.cases.json");
    const found = texts.map(([text]) => [text, tokenizer.encode(text)]);
    expect(found).toEqual(texts.map(([text, , whole]) => [text, whole]));
    for (const [first, second, wanted, kinds] of pairs)
      expect(tokenizer.encodePair(first, second)).toEqual({ ids: wanted, types: kinds });
  });

  it.each<[string, Readonly<Record<string, MetadataValue>>, string]>([
    ["of an unknown kind", { model: "rwkv", tokens: ["a"] }, "it is of the kind rwkv; gpt2, llama, t5, bert are read"],
    ["that cuts texts in an unknown way", { model: "gpt2", tokens: ["a"], merges: [], pre: "new" }, "cuts texts, new,"],
    ["without merges", { model: "gpt2", tokens: ["a"] }, "it has no merges"],
    ["without scores", { model: "llama", tokens: ["a"] }, "it has no scores"],
    ["with tokens that are numbers", { model: "llama", tokens: [1] }, "tokenizer.ggml.tokens is no list of strings"],
  ])("is refused %s", (_, values, message) => {
    expect(() => tokenizerOfGguf("model.gguf", metadataOf(values))).toThrow(message);
  });
});

describe("a tokenizer that cannot be used", () => {
  const bytes = read("gpt2.tokenizer.json");
  it.each<[string, unknown, string]>([
    ["no object", [], 'it has no object "model"'],
    ["no model", {}, 'it has no object "model"'],
    ["no vocabulary", { model: { type: "BPE" } }, "it is malformed"],
    [
      "a template of nothing",
      {
        ...read("bert.tokenizer.json"),
        post_processor: { ...read("bert.tokenizer.json").post_processor, single: [null] },
      },
      "it is malformed",
    ],
    ["an unknown model", { model: { type: "Magic", vocab: null } }, "Unknown TokenizerModel type"],
    ["an unknown part", { ...bytes, pre_tokenizer: { type: "UnicodeScripts" } }, "Unknown PreTokenizer type"],
    ["an unknown split", { ...bytes, pre_tokenizer: { type: "Punctuation", behavior: "Odd" } }, "the behaviour Odd"],
    [
      "a charsmap of nothing",
      { ...bytes, normalizer: { type: "Precompiled", precompiled_charsmap: "AAA=" } },
      "charsmap",
    ],
  ])("says so for %s", async (_, json, message) => {
    await expect(Tokenizer.from(json, "DIR/tokenizer.json")).rejects.toThrow(message);
    await expect(Tokenizer.from(json, "DIR/tokenizer.json")).rejects.toMatchObject({
      diagnostics: [{ code: "E0724" }],
    });
  });
});

describe("stop strings", () => {
  it("end a text where they begin, in however many parts they come", () => {
    const whole = "one two END three";
    for (let size = 1; size < 6; size++) {
      const stops = new StopStrings(["END", "ENDLESS", "x"]);
      let out = "";
      for (let at = 0; at < whole.length; at += size) out += stops.push(whole.slice(at, at + size));
      expect([out, stops.isFound, stops.flush()]).toEqual(["one two ", true, ""]);
    }
  });

  it("hold back what may be their beginning, and give it at the end", () => {
    const stops = new StopStrings(["abab"]);
    expect([
      stops.push("xab"),
      stops.push("a"),
      stops.push("c"),
      stops.push("ab"),
      stops.flush(),
      stops.isFound,
    ]).toEqual(["x", "", "abac", "", "ab", false]);
  });
});
