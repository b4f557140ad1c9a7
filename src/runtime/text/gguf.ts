/**
 * The tokenizer of a GGUF file as the tokenizer.json that the same model is published with
 * (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, "Tokenizer").
 */
import { UserError } from "../../diagnostics/index.js";
import type { MetadataValue } from "../gguf/container.js";
import type { PartConfig } from "./library.js";
import { knownPreTokenizers, preTokenizerOf } from "./pre-tokenizers.js";

type Metadata = ReadonlyMap<string, MetadataValue>;

/** What kind a token is, by the number in `tokenizer.ggml.token_type`. */
const kinds = { unknown: 2, control: 3, userDefined: 4 } as const;

/** The description of a tokenizer, in the form of tokenizer.json. */
export interface TokenizerJson {
  readonly normalizer: PartConfig | null;
  readonly pre_tokenizer: PartConfig | null;
  readonly post_processor: PartConfig | null;
  readonly decoder: PartConfig | null;
  readonly model: object;
  readonly added_tokens: readonly object[];
}

/** A tokenizer's parts but for what stands around a text and the tokens that are added. */
type Parts = Omit<TokenizerJson, "post_processor" | "added_tokens"> & {
  /** Whether a text begins and ends with the tokens for that, where the file does not say. */
  readonly begins: boolean;
  readonly ends: boolean;
};

/** Reads the metadata of one file. */
class Reader {
  constructor(
    readonly path: string,
    readonly metadata: Metadata,
  ) {}

  fail(why: string, help: readonly string[] = []): never {
    throw UserError.of("E0724", `the tokenizer ${this.path} cannot be used: ${why}`, { help });
  }

  get(key: string): MetadataValue | undefined {
    return this.metadata.get(`tokenizer.ggml.${key}`);
  }

  text(key: string): string | null {
    const value = this.get(key);
    return typeof value === "string" ? value : null;
  }

  strings(key: string): string[] | null {
    const value = this.get(key);
    if (value === undefined) return null;
    const strings = Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
    if (Array.isArray(value) && strings.length === value.length) return strings;
    return this.fail(`tokenizer.ggml.${key} is no list of strings`);
  }

  numbers(key: string): number[] | null {
    const value = this.get(key);
    if (value === undefined) return null;
    const numbers = Array.isArray(value) ? value.filter((each) => typeof each === "number") : [];
    if (Array.isArray(value) && numbers.length === value.length) return numbers;
    return this.fail(`tokenizer.ggml.${key} is no list of numbers`);
  }

  /** The number of a token that has a part to play, or null. */
  id(key: string): number | null {
    const value = this.get(`${key}_token_id`);
    return typeof value === "number" ? value : null;
  }

  flag(key: string, otherwise: boolean): boolean {
    const value = this.get(key);
    return typeof value === "boolean" ? value : otherwise;
  }
}

/** Whether the file of a model holds a tokenizer. */
export function hasTokenizer(metadata: Metadata): boolean {
  return metadata.has("tokenizer.ggml.tokens");
}

/** @throws UserError E0724 where the tokenizer is of a kind that is not read, or malformed */
export function tokenizerOfGguf(path: string, metadata: Metadata): TokenizerJson {
  const reader = new Reader(path, metadata);
  const tokens = reader.strings("tokens") ?? reader.fail("there are no tokens");
  const types = reader.numbers("token_type") ?? tokens.map(() => 1);
  const kind = reader.text("model") ?? "none";
  const make = Object.hasOwn(makers, kind) ? makers[kind] : undefined;
  if (make === undefined) {
    return reader.fail(`it is of the kind ${kind}; ${Object.keys(makers).join(", ")} are read`, [
      "put the model's tokenizer.json beside the file, or name it with --tokenizer FILE",
    ]);
  }
  const { begins, ends, ...parts } = make(reader, tokens, types);
  const around = surroundings(reader, tokens, begins, ends);
  const added = tokens.flatMap((content, id) => {
    const special = types[id] === kinds.control || types[id] === kinds.unknown;
    return special || types[id] === kinds.userDefined ? [{ id, content, special, normalized: false }] : [];
  });
  return { ...parts, post_processor: around, added_tokens: added };
}

const makers: Readonly<Record<string, (reader: Reader, tokens: string[], types: number[]) => Parts>> = {
  gpt2: byteLevel,
  llama: sentencePiece,
  t5: unigram,
  bert: wordPiece,
};

const vocabularyOf = (tokens: readonly string[]) => Object.fromEntries(tokens.map((token, id) => [token, id]));

function byteLevel(reader: Reader, tokens: string[]): Parts {
  const merges = reader.strings("merges") ?? reader.fail("it has no merges");
  const name = reader.text("pre") ?? "default";
  const before = preTokenizerOf(name, reader.flag("add_space_prefix", false));
  if (before === null) {
    return reader.fail(`how it cuts texts, ${name}, is not known; ${knownPreTokenizers.join(", ")} are`, [
      "put the model's tokenizer.json beside the file, or name it with --tokenizer FILE",
    ]);
  }
  const { normalizer, pre_tokenizer, ignore_merges, addsBegin } = before;
  // A part of a merge may be a blank only where it is the first character.
  const pairs = merges.map((merge) => {
    const at = merge.indexOf(" ", 1);
    return [merge.slice(0, at), merge.slice(at + 1)];
  });
  return {
    normalizer,
    pre_tokenizer,
    decoder: { type: "ByteLevel" },
    model: { type: "BPE", vocab: vocabularyOf(tokens), merges: pairs, ignore_merges },
    begins: addsBegin,
    ends: false,
  };
}

const blank = "▁";

/**
 * SentencePiece's BPE: it joins the two neighbours whose joint piece has the highest score, which is what merges in the order of
 * the scores do.
 */
function sentencePiece(reader: Reader, tokens: string[], types: number[]): Parts {
  const scores = reader.numbers("scores") ?? reader.fail("it has no scores");
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const merges: { readonly pair: [string, string]; readonly score: number; readonly ranks: [number, number] }[] = [];
  for (const [id, token] of tokens.entries()) {
    if (types[id] !== 1) continue;
    const characters = [...token];
    for (let cut = 1; cut < characters.length; cut++) {
      const pair: [string, string] = [characters.slice(0, cut).join(""), characters.slice(cut).join("")];
      const [left, right] = [ids.get(pair[0]), ids.get(pair[1])];
      if (left !== undefined && right !== undefined)
        merges.push({ pair, score: scores[id] ?? 0, ranks: [left, right] });
    }
  }
  merges.sort((a, b) => b.score - a.score || a.ranks[0] - b.ranks[0] || a.ranks[1] - b.ranks[1]);
  const unknown = tokens[reader.id("unknown") ?? 0];
  const prefixes = reader.flag("add_space_prefix", true);
  const escaped = { type: "Replace", pattern: { String: " " }, content: blank };
  const decoders = [
    { type: "Replace", pattern: { String: blank }, content: " " },
    { type: "ByteFallback" },
    { type: "Fuse" },
    ...(prefixes ? [{ type: "Strip", content: " ", start: 1, stop: 0 }] : []),
  ];
  return {
    normalizer: {
      type: "Sequence",
      normalizers: [...(prefixes ? [{ type: "Prepend", prepend: blank }] : []), escaped],
    },
    pre_tokenizer: null,
    decoder: { type: "Sequence", decoders },
    model: {
      type: "BPE",
      unk_token: unknown,
      fuse_unk: true,
      byte_fallback: true,
      vocab: vocabularyOf(tokens),
      merges: merges.map(({ pair }) => pair),
    },
    begins: true,
    ends: false,
  };
}

/** SentencePiece's unigram model, as T5 has it. */
function unigram(reader: Reader, tokens: string[]): Parts {
  const scores = reader.numbers("scores") ?? reader.fail("it has no scores");
  const map = reader.numbers("precompiled_charsmap");
  const normalizers: PartConfig[] = [];
  if (map !== null) {
    const bytes = Array.from(map, (byte) => String.fromCharCode(byte & 255)).join("");
    normalizers.push({ type: "Precompiled", precompiled_charsmap: btoa(bytes) });
  }
  if (reader.flag("remove_extra_whitespaces", true)) {
    normalizers.push({ type: "Strip", strip_left: true, strip_right: true });
    normalizers.push({ type: "Replace", pattern: { Regex: " {2,}" }, content: " " });
  }
  const scheme = reader.flag("add_space_prefix", true) ? "always" : "never";
  const metaspace = { type: "Metaspace", replacement: blank, prepend_scheme: scheme, split: true };
  return {
    normalizer: { type: "Sequence", normalizers },
    pre_tokenizer: metaspace,
    decoder: metaspace,
    model: {
      type: "Unigram",
      unk_id: reader.id("unknown") ?? 2,
      vocab: tokens.map((token, id) => [token, scores[id] ?? 0]),
    },
    begins: false,
    ends: true,
  };
}

/** BERT's: the file marks the beginnings of words, the published vocabulary what goes on. */
function wordPiece(reader: Reader, tokens: string[], types: number[]): Parts {
  const pieces = tokens.map((token, id) => {
    if (token.startsWith(blank)) return token.slice(blank.length);
    return types[id] === 1 && !/^\[.*\]$/.test(token) ? `##${token}` : token;
  });
  tokens.splice(0, tokens.length, ...pieces);
  return {
    normalizer: {
      type: "BertNormalizer",
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: reader.flag("normalizer.lowercase", true),
    },
    pre_tokenizer: { type: "BertPreTokenizer" },
    decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    model: {
      type: "WordPiece",
      unk_token: pieces[reader.id("unknown") ?? 100],
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab: vocabularyOf(pieces),
    },
    begins: true,
    ends: true,
  };
}

/** The tokens around a text and between two. */
function surroundings(reader: Reader, tokens: string[], begins: boolean, ends: boolean): PartConfig | null {
  const isBert = reader.text("model") === "bert";
  const begin = reader.flag("add_bos_token", begins) ? (reader.id("bos") ?? reader.id("cls")) : null;
  const addsEnd = isBert ? reader.flag("add_sep_token", ends) : reader.flag("add_eos_token", ends);
  const end = addsEnd ? (isBert ? (reader.id("seperator") ?? reader.id("separator")) : reader.id("eos")) : null;
  const special = (id: number | null, type_id: number) => {
    const content = id === null ? undefined : tokens[id];
    return content === undefined ? [] : [{ SpecialToken: { id: content, type_id } }];
  };
  if (begin === null && end === null) return null;
  const first = [...special(begin, 0), { Sequence: { id: "A", type_id: 0 } }, ...special(end, 0)];
  const second = [...(isBert ? [] : special(begin, 1)), { Sequence: { id: "B", type_id: 1 } }, ...special(end, 1)];
  return { type: "TemplateProcessing", single: first, pair: [...first, ...second] };
}
