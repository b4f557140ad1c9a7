/**
 * What a checkpoint says of text: its tokenizer, its chat template, the tokens that begin, end and pad a text. It is read from
 * tokenizer.json, tokenizer_config.json, generation_config.json and config.json as they are published, or from a GGUF file.
 */
import { UserError } from "../../diagnostics/index.js";
import type { Checkpoint } from "../checkpoint.js";
import { type Files, folderOf, joinPath, readText } from "../files.js";
import type { MetadataValue } from "../gguf/container.js";
import { GgufFile } from "../gguf/file.js";
import { isObject, parseJson, parseJsonObject } from "../json.js";
import { ChatTemplate } from "./chat.js";
import { hasTokenizer, tokenizerOfGguf } from "./gguf.js";
import { Tokenizer } from "./tokenizer.js";

type Settings = Readonly<Record<string, unknown>>;
type Metadata = ReadonlyMap<string, MetadataValue>;

/** Where a tokenizer lies. */
type Source =
  | { readonly kind: "json"; readonly path: string }
  | { readonly kind: "gguf"; readonly path: string; readonly metadata: Metadata };

export interface ModelText {
  readonly tokenizer: Tokenizer;
  /** Null where the model is published without one. */
  readonly chat: ChatTemplate | null;
  /** The tokens that end what is generated. */
  readonly stops: readonly number[];
  /** What stands before a text of which nothing is known; null if the tokenizer has none. */
  readonly begin: number | null;
  readonly pad: number;
  /** What a decoder after an encoder begins with. */
  readonly decoderStart: number | null;
  /** Where the tokenizer was read from. */
  readonly origin: string;
}

/**
 * Reads what a checkpoint says of text.
 * @param from a tokenizer elsewhere: its tokenizer.json, a folder that holds one, or a GGUF file
 * @throws UserError E0723 if there is no tokenizer, E0724, E0601, E0704
 */
export async function openModelText(
  files: Files,
  checkpoint: Checkpoint | null,
  from: string | null = null,
): Promise<ModelText> {
  const source = sourceOf(files, checkpoint, from);
  const folders = [checkpoint && folderOfPath(files, checkpoint.path), folderOf(source.path)];
  const read = (name: string) => settingsOf(files, folders, name);
  const [own, config, generation] = [
    read("tokenizer_config.json"),
    read("config.json"),
    read("generation_config.json"),
  ];
  const json = source.kind === "json" ? parseJson(source.path, readText(files, source.path)) : null;
  const tokenizer = await Tokenizer.from(json ?? (source.kind === "gguf" ? jsonOf(source) : null), source.path);
  const tokens = source.kind === "gguf" ? namedTokens(source.metadata, tokenizer) : namedSettings(own);
  const idOf = (name: string) => (tokens[name] === undefined ? null : tokenizer.idOf(tokens[name]));
  const metadata = source.kind === "gguf" ? source.metadata : (checkpoint?.metadata ?? null);
  const ggufStops =
    metadata === null
      ? []
      : ["eos", "eot", "eom"].flatMap((name) => numbersOf(metadata.get(`tokenizer.ggml.${name}_token_id`)));
  const stops = [generation.eos_token_id, config.eos_token_id, textOf(config).eos_token_id].map(numbersOf);
  const declared = stops.find(({ length }) => length > 0) ?? [];
  const ends = idOf("eos_token");
  const begin = idOf("bos_token") ?? numbersOf(config.bos_token_id)[0] ?? null;
  const padding = isObject(json) && isObject(json.padding) ? numbersOf(json.padding.pad_id) : [];
  const pad = idOf("pad_token") ?? [...padding, ...numbersOf(config.pad_token_id), 0][0]!;
  const architecture = String(metadata?.get("general.architecture"));
  const starts = [
    generation.decoder_start_token_id,
    config.decoder_start_token_id,
    metadata?.get(`${architecture}.decoder_start_token_id`),
  ].flatMap(numbersOf);
  const template = templateOf(files, folders, own, metadata);
  return {
    tokenizer,
    chat: template === null ? null : new ChatTemplate(template.text, template.origin, tokens),
    stops: declared.length > 0 ? declared : [...new Set([...ggufStops, ...(ends === null ? [] : [ends])])],
    begin,
    pad,
    decoderStart: starts[0] ?? begin ?? null,
    origin: source.path,
  };
}

function jsonOf({ path, metadata }: Extract<Source, { kind: "gguf" }>): object {
  return tokenizerOfGguf(path, metadata);
}

function folderOfPath(files: Files, path: string): string {
  return files.kind(path) === "folder" ? path : folderOf(path);
}

const asNumbers = "tokens as numbers (`generate --prompt-ids 1,2,3`, `run --input`)";

function sourceOf(files: Files, checkpoint: Checkpoint | null, from: string | null): Source {
  if (from !== null) return namedSource(files, from);
  if (checkpoint === null) {
    throw UserError.of("E0723", "there is no tokenizer, as there is no checkpoint", {
      help: [`give --checkpoint DIR, or --tokenizer FILE, or ${asNumbers}`],
    });
  }
  const { path, metadata } = checkpoint;
  const inside = metadata !== null && hasTokenizer(metadata) ? ({ kind: "gguf", path, metadata } as const) : null;
  if (files.kind(path) === "file" && inside) return inside;
  const folder = folderOfPath(files, path);
  const beside = joinPath(folder, "tokenizer.json");
  if (files.kind(beside) === "file") return { kind: "json", path: beside };
  if (inside) return inside;
  const others = files.list(folder).filter((name) => /^(vocab\.(txt|json)|merges\.txt|.*\.model)$/.test(name));
  const rewrite = `transformers makes one: AutoTokenizer.from_pretrained("${folder}").save_pretrained("${folder}")`;
  throw UserError.of("E0723", `the checkpoint ${path} has no tokenizer: there is no ${beside}`, {
    notes: others.length > 0 ? [`${others.join(", ")} is an older form of a tokenizer, which is not read`] : [],
    help: [others.length > 0 ? rewrite : `name a tokenizer.json with --tokenizer FILE, or give ${asNumbers}`],
  });
}

/** The tokenizer that a path names. */
function namedSource(files: Files, path: string): Source {
  if (/\.gguf$/.test(path)) {
    const { metadata } = new GgufFile(files, path);
    if (hasTokenizer(metadata)) return { kind: "gguf", path, metadata };
    throw UserError.of("E0723", `${path} holds no tokenizer`);
  }
  if (files.kind(path) !== "folder") return { kind: "json", path };
  const within = joinPath(path, "tokenizer.json");
  if (files.kind(within) === "file") return { kind: "json", path: within };
  throw UserError.of("E0723", `${path} holds no tokenizer: there is no ${within}`);
}

/** The settings of a name in the first folder that has them. */
function settingsOf(files: Files, folders: readonly (string | null)[], name: string): Settings {
  for (const folder of folders) {
    const path = folder === null ? null : joinPath(folder, name);
    if (path !== null && files.kind(path) === "file") return parseJsonObject(path, readText(files, path));
  }
  return {};
}

/** The part of a configuration that is about text, where a model reads pictures too. */
function textOf({ text_config: text }: Settings): Settings {
  return isObject(text) ? text : {};
}

/** A whole number or a list of them. */
function numbersOf(value: unknown): number[] {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.filter((each): each is number => typeof each === "number" && Number.isInteger(each));
}

/** Tokens with a part to play, by the names that templates and tokenizer_config.json use. */
function namedSettings(own: Settings): Record<string, string> {
  return Object.fromEntries(
    Object.entries(own).flatMap(([name, value]) => {
      const content = isObject(value) ? value.content : value;
      return name.endsWith("_token") && typeof content === "string" ? [[name, content]] : [];
    }),
  );
}

function namedTokens(metadata: Metadata, tokenizer: Tokenizer): Record<string, string> {
  const names = { bos: "bos", eos: "eos", unknown: "unk", padding: "pad" };
  return Object.fromEntries(
    Object.entries(names).flatMap(([own, name]) => {
      const [id] = numbersOf(metadata.get(`tokenizer.ggml.${own}_token_id`));
      const token = id === undefined ? null : tokenizer.tokenOf(id);
      return token === null ? [] : [[`${name}_token`, token]];
    }),
  );
}

/** The chat template: a file of its own, one of tokenizer_config.json, which may hold several, or that of a GGUF file. */
function templateOf(
  files: Files,
  folders: readonly (string | null)[],
  own: Settings,
  metadata: Metadata | null,
): { readonly text: string; readonly origin: string } | null {
  for (const folder of folders) {
    const path = folder === null ? null : joinPath(folder, "chat_template.jinja");
    if (path !== null && files.kind(path) === "file") return { text: readText(files, path), origin: path };
  }
  const { chat_template: given } = own;
  const named = Array.isArray(given) ? given.filter(isObject) : [];
  const chosen = named.find(({ name }) => name === "default") ?? named[0];
  const text = typeof given === "string" ? given : chosen?.template;
  if (typeof text === "string") return { text, origin: "in tokenizer_config.json" };
  const stored = metadata?.get("tokenizer.chat_template");
  return typeof stored === "string" ? { text: stored, origin: "of the GGUF file" } : null;
}
