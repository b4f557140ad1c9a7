/**
 * Text to tokens and back, as tokenizer.json describes it: the form in which all tokenizers of published models can be
 * had. The work is done by @huggingface/tokenizers; what it does otherwise than the library that wrote the file is put
 * right in corrections.ts.
 */
import { UserError } from "../../diagnostics/index.js";
import { isObject } from "../json.js";
import { correct, UnsupportedPart } from "./corrections.js";
import { type LibraryTokenizer, loadLibrary } from "./library.js";

/** Tokens of a text or of a pair of texts. */
export interface Encoded {
  readonly ids: readonly number[];
  /** For each token whether it is of the first text, 0, or of the second, 1, as the tokenizer counts special tokens. */
  readonly types: readonly number[];
}

export class Tokenizer {
  readonly #library: LibraryTokenizer;
  /** For SentencePiece models that spell unknown characters byte by byte, which the library does for BPE alone. */
  readonly #spellsUnknown: boolean;
  /** The tokens that stand for no text. */
  readonly specialIds: ReadonlySet<number>;
  /** The number of tokens; the largest is one less, unless there are gaps. */
  readonly size: number;

  private constructor(library: LibraryTokenizer, json: Readonly<Record<string, unknown>>) {
    this.#library = library;
    const model = isObject(json.model) ? json.model : {};
    this.#spellsUnknown = Array.isArray(model.vocab) && model.byte_fallback === true;
    const added = Array.isArray(json.added_tokens) ? json.added_tokens.filter(isObject) : [];
    this.specialIds = new Set(added.flatMap(({ special, id }) => (special === true ? [Number(id)] : [])));
    this.size = library.model.vocab.length;
  }

  /**
   * A tokenizer from the value of a tokenizer.json.
   * @param origin what to call it in messages, such as its path
   * @throws UserError E0724 where it is malformed, or has a part that is not known
   */
  static async from(json: unknown, origin: string): Promise<Tokenizer> {
    const fail = (why: string, help: readonly string[] = []): never => {
      throw UserError.of("E0724", `the tokenizer ${origin} cannot be used: ${why}`, { help });
    };
    if (!isObject(json) || !isObject(json.model)) return fail('it has no object "model"');
    const empty = { normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null, added_tokens: [] };
    const whole = { ...empty, ...json };
    const { model } = json;
    if (typeof model.continuing_subword_prefix === "string" && model.continuing_subword_prefix !== "" && model.merges)
      fail("it is BPE with a prefix for the parts of a word, which is not read");
    const { Tokenizer: Library } = await loadLibrary();
    try {
      const library = new Library(whole, {});
      correct(library, whole);
      const tokenizer = new Tokenizer(library, whole);
      // What the library does not look at before it is used.
      for (const second of [null, "b"]) tokenizer.decode(tokenizer.encodePair("a", second).ids, true);
      return tokenizer;
    } catch (error) {
      if (error instanceof UserError) throw error;
      const known = error instanceof UnsupportedPart || /^Unknown /.test(String((error as Error).message));
      return fail(known ? (error as Error).message : `it is malformed (${(error as Error).message})`);
    }
  }

  /** The tokens of a text. @param special whether to add those that the model's tokenizer puts around a text */
  encode(text: string, special = true): number[] {
    return [...this.#processed(this.#tokens(text), null, special).ids];
  }

  /**
   * The tokens of two texts that the model reads as one, such as a question and where its answer may be.
   * @param most how many tokens there may be: the ends of longer texts are left out, of the longer of a pair first
   */
  encodePair(first: string, second: string | null, most = Infinity): Encoded {
    const [one, two] = [this.#tokens(first), second === null ? null : this.#tokens(second)];
    const around = this.#processed([], two && [], true).ids.length;
    const [left, right] = keptLengths(one.length, two?.length ?? 0, Math.max(most - around, 0));
    return this.#processed(one.slice(0, left), two?.slice(0, right) ?? null, true);
  }

  /** The text of tokens. @param special whether special tokens are spelt out too */
  decode(ids: readonly number[], special = false): string {
    const known = ids.filter((id) => this.tokenOf(id) !== null && (special || !this.specialIds.has(id)));
    if (known.length === 0) return "";
    // What stands between words stays as the model wrote it.
    return this.#library.decode(known, { skip_special_tokens: false, clean_up_tokenization_spaces: false });
  }

  /** The number of a token, or null. */
  idOf(token: string): number | null {
    return this.#library.token_to_id(token) ?? null;
  }

  /** How a token is spelt in the vocabulary, or null. */
  tokenOf(id: number): string | null {
    return this.#library.id_to_token(id) ?? null;
  }

  #tokens(text: string): string[] {
    // Without special tokens, which depend on whether there is a pair.
    const tokens = text === "" ? [] : this.#library.tokenize(text, { add_special_tokens: false });
    return this.#spellsUnknown ? tokens.flatMap((token) => this.#spelt(token)) : tokens;
  }

  #processed(first: string[], second: string[] | null, special: boolean): Encoded {
    const processor = this.#library.post_processor;
    const done = processor?.post_process(first, second, special) ?? { tokens: first, tokens_pair: second };
    const rest = done.tokens_pair ?? [];
    const tokens = [...done.tokens, ...rest];
    const types = done.token_type_ids ?? [...done.tokens.map(() => 0), ...rest.map(() => 1)];
    const ids: number[] = [];
    const kinds: number[] = [];
    for (const [at, token] of tokens.entries()) {
      const id = this.idOf(token) ?? this.#library.model.unk_token_id;
      if (id === undefined) continue;
      ids.push(id);
      kinds.push(types[at] ?? 0);
    }
    return { ids, types: kinds };
  }

  /** A token that is not known byte by byte, if its bytes are. */
  #spelt(token: string): string[] {
    if (this.idOf(token) !== null) return [token];
    const bytes = Array.from(
      new TextEncoder().encode(token),
      (byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`,
    );
    return bytes.every((byte) => this.idOf(byte) !== null) ? bytes : [token];
  }
}

/** How much is kept of two texts where only so many tokens are, as the library `tokenizers` cuts the longest first. */
function keptLengths(first: number, second: number, most: number): readonly [number, number] {
  if (first + second <= most) return [first, second];
  const [short, long] = [Math.min(first, second), Math.max(first, second)];
  const half = Math.floor(most / 2);
  // Where both are cut, the odd one goes to the longer, or the second.
  const [less, more] = short <= half ? [short, most - short] : [half, most - half];
  return first > second ? [Math.min(more, long), less] : [less, Math.min(more, long)];
}
