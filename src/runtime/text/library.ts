/**
 * The package @huggingface/tokenizers, as far as it is used here. Its declarations name their files without endings, so that
 * under Node's resolution they are `any`; these are checked by the tests, which compare with the library `tokenizers`.
 * It is loaded when a text is to be read, and not before.
 */

/** A part of a tokenizer as tokenizer.json describes it. */
export interface PartConfig {
  readonly type: string;
  readonly [key: string]: unknown;
}

export interface LibraryNormalizer {
  /** Those of a sequence. */
  readonly normalizers?: readonly (LibraryNormalizer | null)[];
  normalize: (text: string) => string;
  readonly clean_text?: (text: string) => string;
  readonly strip_accents?: (text: string) => string;
}

export interface LibraryPreTokenizer {
  /** Those of a sequence. */
  readonly tokenizers?: readonly (LibraryPreTokenizer | null)[];
  pattern?: RegExp | null;
  pre_tokenize_text: (text: string, options?: object) => string[];
}

export interface LibraryDecoder {
  /** Those of a sequence. */
  readonly decoders?: readonly LibraryDecoder[];
  decode_chain: (tokens: string[]) => string[];
}

export interface LibraryPostProcessor {
  /** Those of a sequence. */
  readonly processors?: readonly LibraryPostProcessor[];
  post_process: (
    tokens: string[],
    pair: string[] | null,
    special: boolean,
  ) => { readonly tokens: string[]; readonly tokens_pair?: string[] | null; readonly token_type_ids?: number[] };
}

export interface LibraryTokenizer {
  readonly normalizer: LibraryNormalizer | null;
  readonly pre_tokenizer: LibraryPreTokenizer | null;
  readonly post_processor: LibraryPostProcessor | null;
  readonly decoder: LibraryDecoder | null;
  readonly model: { readonly unk_token_id?: number; readonly vocab: readonly (string | undefined)[] };
  tokenize(text: string, options: { readonly add_special_tokens: boolean }): string[];
  decode(
    ids: readonly number[],
    options: { readonly skip_special_tokens: boolean; readonly clean_up_tokenization_spaces: boolean },
  ): string;
  token_to_id(token: string): number | undefined;
  id_to_token(id: number): string | undefined;
}

interface Library {
  readonly Tokenizer: new (json: object, config: object) => LibraryTokenizer;
}

export async function loadLibrary(): Promise<Library> {
  return (await import("@huggingface/tokenizers")) as unknown as Library;
}
