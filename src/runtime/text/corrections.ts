/**
 * Where @huggingface/tokenizers 0.2.0 departs from the library `tokenizers` that it follows, its parts are given other
 * methods here: each entry of the tables says for one kind of part what the original does. The tests compare both on
 * many texts.
 */
import { isObject } from "../json.js";
import { charsmapNormalizer } from "./charsmap.js";
import type {
  LibraryDecoder,
  LibraryNormalizer,
  LibraryPostProcessor,
  LibraryPreTokenizer,
  LibraryTokenizer,
  PartConfig,
} from "./library.js";

/** A part that neither the library nor this file knows how to follow. */
export class UnsupportedPart extends Error {}

/** Ideographs, which BERT takes apart; the library misses those past the basic plane. */
const ideograph =
  /[\u4e00-\u9fff\u3400-\u4dbf\uf900-\ufaff\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b820}-\u{2ceaf}\u{2f800}-\u{2fa1f}]/gu;

/** In lower case character by character: no rule looks at neighbours, as that of the final sigma does. */
const lowercase = (text: string) => Array.from(text, (each) => each.toLowerCase()).join("");

const normalizers: Readonly<Record<string, (part: LibraryNormalizer, config: PartConfig) => void>> = {
  BertNormalizer: (part, config) => {
    const { clean_text: clean, strip_accents: strip } = part;
    part.normalize = (text) => {
      let out = config.clean_text === true && clean ? clean.call(part, text) : text;
      if (config.handle_chinese_chars === true) out = out.replace(ideograph, " $& ");
      const strips = config.strip_accents ?? config.lowercase === true;
      if (strips === true && strip) out = strip.call(part, out);
      return config.lowercase === true ? lowercase(out) : out;
    };
  },
  Lowercase: (part) => {
    part.normalize = lowercase;
  },
  Precompiled: (part, config) => {
    const map = config.precompiled_charsmap;
    if (typeof map !== "string" || map === "") {
      part.normalize = (text) => text;
      return;
    }
    const normalize = charsmapNormalizer(Uint8Array.from(atob(map), (each) => each.charCodeAt(0)));
    if (normalize === null) throw new UnsupportedPart("its precompiled_charsmap is malformed");
    part.normalize = normalize;
  },
};

type Behaviour = (pieces: readonly Piece[]) => string[];
interface Piece {
  readonly text: string;
  readonly isMatch: boolean;
}

/** What happens to the matches of a pattern. */
const behaviours: Readonly<Record<string, Behaviour>> = {
  Removed: (pieces) => pieces.flatMap(({ text, isMatch }) => (isMatch ? [] : [text])),
  Isolated: (pieces) => pieces.map(({ text }) => text),
  Contiguous: (pieces) => joined(pieces, (before, { isMatch }) => before.isMatch === isMatch),
  MergedWithPrevious: (pieces) => joined(pieces, (before, { isMatch }) => isMatch && !before.isMatch),
  MergedWithNext: (pieces) => joined(pieces, (before, { isMatch }) => before.isMatch && !isMatch),
};

/** Joins a piece to the one before it where both belong together. */
function joined(pieces: readonly Piece[], belong: (before: Piece, piece: Piece) => boolean): string[] {
  const out: string[] = [];
  for (const [at, piece] of pieces.entries()) {
    const before = pieces[at - 1];
    if (before !== undefined && belong(before, piece)) out[out.length - 1] += piece.text;
    else out.push(piece.text);
  }
  return out;
}

/** Cuts texts at the matches of a pattern. @param invert whether what is between the matches counts as a match */
function splitter(pattern: RegExp, behaviour: unknown, invert: boolean): (text: string) => string[] {
  const behave = behaviours[String(behaviour)];
  if (behave === undefined) throw new UnsupportedPart(`it splits with the behaviour ${String(behaviour)}`);
  return (text) => {
    const pieces: Piece[] = [];
    let end = 0;
    const add = (start: number, stop: number, isMatch: boolean) => {
      if (stop > start) pieces.push({ text: text.slice(start, stop), isMatch: isMatch !== invert });
    };
    for (const match of text.matchAll(pattern)) {
      add(end, match.index, false);
      end = match.index + match[0].length;
      add(match.index, end, true);
    }
    add(end, text.length, false);
    return behave(pieces);
  };
}

const punctuation = /[\p{P}!-/:-@[-`{-~]/gu;
const word = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}";

const preTokenizers: Readonly<Record<string, (part: LibraryPreTokenizer, config: PartConfig) => void>> = {
  Split: (part, config) => {
    const given = config.pattern as { readonly Regex?: string; readonly String?: string } | undefined;
    const pattern =
      given?.String === undefined
        ? part.pattern
        : new RegExp(given.String.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "gu");
    if (!pattern) throw new UnsupportedPart("it splits by no pattern");
    part.pre_tokenize_text = splitter(pattern, config.behavior, config.invert === true);
  },
  Punctuation: (part, config) => {
    part.pre_tokenize_text = splitter(punctuation, config.behavior ?? "Isolated", false);
  },
  Digits: (part, config) => {
    const each = config.individual_digits === true;
    part.pre_tokenize_text = splitter(/\p{N}/gu, each ? "Isolated" : "Contiguous", false);
  },
  Whitespace: (part) => {
    const pattern = new RegExp(`[${word}]+|[^${word}\\p{White_Space}]+`, "gu");
    part.pre_tokenize_text = (text) => text.match(pattern) ?? [];
  },
  WhitespaceSplit: (part) => {
    part.pre_tokenize_text = (text) => text.match(/\P{White_Space}+/gu) ?? [];
  },
  ByteLevel: (part) => {
    const space = "\\p{White_Space}";
    const pieces = `'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^${space}\\p{L}\\p{N}]+|${space}+(?!\\P{White_Space})|${space}+`;
    part.pattern = new RegExp(pieces, "gu");
  },
  Metaspace: (part, config) => {
    if (config.split === false) return;
    const whole = part.pre_tokenize_text.bind(part);
    const replacement = String(config.replacement ?? "▁");
    part.pre_tokenize_text = (text, options) =>
      whole(text, options).flatMap((each) => each.split(new RegExp(`(?=${replacement})`, "u")));
  },
};

const byteToken = /^<0x([0-9A-Fa-f]{2})>$/;

const decoders: Readonly<Record<string, (part: LibraryDecoder) => void>> = {
  // Bytes that are no UTF-8 become a replacement character each, and a byte order mark stays.
  ByteFallback: (part) => {
    const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    part.decode_chain = (tokens) => {
      const out: string[] = [];
      let bytes: number[] = [];
      const flush = () => {
        if (bytes.length === 0) return;
        try {
          out.push(strict.decode(Uint8Array.from(bytes)));
        } catch {
          out.push("\ufffd".repeat(bytes.length));
        }
        bytes = [];
      };
      for (const token of tokens) {
        const byte = byteToken.exec(token)?.[1];
        if (byte !== undefined) bytes.push(Number.parseInt(byte, 16));
        else {
          flush();
          out.push(token);
        }
      }
      flush();
      return out;
    };
  },
};

const postProcessors: Readonly<Record<string, (part: LibraryPostProcessor) => void>> = {
  RobertaProcessing: (part) => {
    const process = part.post_process.bind(part);
    part.post_process = (...words) => {
      const done = process(...words);
      return { ...done, token_type_ids: done.tokens.map(() => 0) };
    };
  },
};

/** Gives the parts of a tokenizer the methods that they should have. @throws UnsupportedPart */
export function correct(tokenizer: LibraryTokenizer, json: Readonly<Record<string, unknown>>): void {
  eachPart(tokenizer.normalizer, json.normalizer, (part) => part.normalizers, "normalizers", normalizers);
  eachPart(tokenizer.pre_tokenizer, json.pre_tokenizer, (part) => part.tokenizers, "pretokenizers", preTokenizers);
  eachPart(tokenizer.decoder, json.decoder, (part) => part.decoders, "decoders", decoders);
  const processors = (part: LibraryPostProcessor) => part.processors;
  eachPart(tokenizer.post_processor, json.post_processor, processors, "processors", postProcessors);
}

/** Walks through a part and what it is a sequence of, beside its description. */
function eachPart<Part>(
  part: Part | null | undefined,
  config: unknown,
  within: (part: Part) => readonly (Part | null)[] | undefined,
  key: string,
  table: Readonly<Record<string, (part: Part, config: PartConfig) => void>>,
): void {
  if (!part || !isObject(config)) return;
  const inner = config[key];
  if (config.type === "Sequence" && Array.isArray(inner)) {
    for (const [at, each] of (within(part) ?? []).entries()) eachPart(each, inner[at], within, key, table);
  } else if (typeof config.type === "string" && Object.hasOwn(table, config.type)) {
    table[config.type]!(part, { ...config, type: config.type });
  }
}
