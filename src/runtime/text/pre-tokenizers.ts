/**
 * How a byte-level tokenizer of a GGUF file cuts texts before it merges: the file has only a name (`tokenizer.ggml.pre`), for
 * which llama.cpp has the patterns; these are the parts that the published tokenizer.json of the models have.
 */
import type { PartConfig } from "./library.js";

const gpt2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
const contraction = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const upper = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]";
const lower = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]";
const spaces = "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/** Llama 3 and those after it, by how digits are grouped. */
const llama3 = (digits: string) =>
  `${contraction}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|${spaces}`;
/** GPT-4o and those after it: words end where a capital follows. */
const cased = (digits: string, end: string) =>
  `[^\\r\\n\\p{L}\\p{N}]?${upper}*${lower}+${end}|[^\\r\\n\\p{L}\\p{N}]?${upper}+${lower}*${end}|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|${spaces}`;

const digit = "\\p{N}";
const three = "\\p{N}{1,3}";
const deepseek3 = [
  three,
  "[一-龥぀-ゟ゠-ヿ]+",
  "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
];

/** The patterns by the names that have them; each cuts what the one before has left whole. */
const kinds: readonly { readonly names: string; readonly patterns: readonly string[] }[] = [
  {
    names: "default gpt-2 phi-2 mpt olmo jais trillion granite-docling exaone4 gigachat mellum modern-bert roberta-bpe",
    patterns: [gpt2],
  },
  { names: "smollm starcoder refact command-r codeshell exaone minerva-7b mellum2", patterns: [digit, gpt2] },
  {
    names: "llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral lfm2 midm-2.0 smaug-bpe dbrx glm4 chatglm-bpe",
    patterns: [llama3(three)],
  },
  { names: "qwen2 deepseek-r1-qwen megrez stablelm2 hunyuan grok-2 solar-open kormo", patterns: [llama3(digit)] },
  { names: "tekken", patterns: [cased(digit, "")] },
  { names: "gpt-4o llama4 kanana2 minimax-m2", patterns: [cased(three, `${contraction}?`)] },
  { names: "deepseek-v3 hunyuan-dense", patterns: deepseek3 },
];

const patterns: ReadonlyMap<string, readonly string[]> = new Map(
  kinds.flatMap(({ names, patterns: each }) => names.split(" ").map((name) => [name, each] as const)),
);

/** Tokenizers that bring a text into its composed form first. */
const composed = /^(qwen2|deepseek-r1-qwen|megrez|stablelm2)$/;
/** Those that take a word that is in the vocabulary as it is, and begin a text with a token of its own unless told. */
const whole = /^(llama-bpe|llama3|llama-v3|falcon3|falcon-h1|pixtral|lfm2|midm-2\.0|tekken)$/;

/** What stands before the merges of a tokenizer. */
export interface PreTokenizer {
  readonly normalizer: PartConfig | null;
  readonly pre_tokenizer: PartConfig;
  /** Whether a word that is in the vocabulary is not put together by merges. */
  readonly ignore_merges: boolean;
  /** Whether a text begins with the token for that, where the file does not say. */
  readonly addsBegin: boolean;
}

/** @param name the value of `tokenizer.ggml.pre`; null if it is not known */
export function preTokenizerOf(name: string, addPrefixSpace: boolean): PreTokenizer | null {
  const found = patterns.get(name);
  if (found === undefined) return null;
  const split = (Regex: string) => ({ type: "Split", pattern: { Regex }, behavior: "Isolated", invert: false });
  const bytes = { type: "ByteLevel", add_prefix_space: addPrefixSpace, trim_offsets: false, use_regex: false };
  return {
    normalizer: composed.test(name) ? { type: "NFC" } : null,
    pre_tokenizer: { type: "Sequence", pretokenizers: [...found.map(split), bytes] },
    ignore_merges: whole.test(name),
    addsBegin: whole.test(name),
  };
}

export const knownPreTokenizers: readonly string[] = [...patterns.keys()];
