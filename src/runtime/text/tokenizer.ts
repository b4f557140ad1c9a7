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
      return new Tokenizer(library, whole);
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

  /** The tokens of two texts that the model reads as one, such as a question and where its answer may be. */
  encodePair(first: string, second: string | null): Encoded {
    return this.#processed(this.#tokens(first), second === null ? null : this.#tokens(second), true);
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
    return text === "" ? [] : this.#library.tokenize(text, { add_special_tokens: false });
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
      for (const id of this.#idsOf(token)) {
        ids.push(id);
        kinds.push(types[at] ?? 0);
      }
    }
    return { ids, types: kinds };
  }

  #idsOf(token: string): number[] {
    const id = this.#library.token_to_id(token);
    if (id !== undefined) return [id];
    if (this.#spellsUnknown) {
      const bytes = Array.from(new TextEncoder().encode(token), (byte) =>
        this.idOf(`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`),
      );
      if (bytes.every((byte) => byte !== null)) return bytes;
    }
    const unknown = this.#library.model.unk_token_id;
    return unknown === undefined ? [] : [unknown];
  }
}
