/** Texts as the inputs of entries: tokens, a mask where they are padded, and which of a pair a token belongs to. */
import { type Diagnostic, diagnostic, UserError } from "../diagnostics/index.js";
import { tokensOf } from "../incremental/index.js";
import type { Graph, Program } from "../ir/graph/index.js";
import type { ModelText } from "../runtime/text/model-text.js";
import type { Encoded } from "../runtime/text/tokenizer.js";
import { bindingOf, constantOf, type Size } from "../sizes/index.js";
import { type Given, givenNumbers, indexLimits, inputsOf } from "./inputs.js";
import type { Compilation } from "./pipeline.js";

/** The inputs of an entry that a text gives. */
interface TextInputs {
  readonly tokens: string;
  readonly mask: string | null;
  readonly types: string | null;
  /** The most tokens that the entry takes. */
  readonly most: number;
}

/** A text, or a pair of texts that are read as one. */
export interface TextPair {
  readonly first: string;
  readonly second: string | null;
}

/** The inputs of an entry that a text gives: what takes tokens by its type, the others by their names. */
function textInputsOf(entry: Graph): TextInputs | null {
  const inputs = inputsOf(entry).filter(({ shape }) => shape.length === 2);
  const tokens = inputs.find(({ element, fill }) => element === "i32" && fill === null);
  if (tokens === undefined) return null;
  const beside = inputs.filter(({ shape }) => shape.every((size, axis) => size === tokens.shape[axis]));
  return {
    tokens: tokens.name,
    mask: beside.find(({ name }) => /mask/.test(name))?.name ?? null,
    types: beside.find(({ name }) => /^(token_type|segment)/.test(name))?.name ?? null,
    most: mostOf(tokens.shape[1]!),
  };
}

/** The most that a size can be; Infinity where there is no bound that is known. */
function mostOf(length: Size): number {
  const max = bindingOf(length)?.variable.max ?? length;
  return constantOf(max) ?? Infinity;
}

/** Checks that an entry has all tokens of some texts. @throws UserError E0724 where the tokenizer is another model's */
function checkVocabulary(entry: Graph, input: string, text: ModelText, rows: readonly (readonly number[])[]): void {
  const limit = indexLimits(entry).get(input);
  const count = limit === undefined ? null : constantOf(limit);
  const largest = rows.reduce((most, ids) => ids.reduce((a, b) => Math.max(a, b), most), -1);
  if (count === null || largest < count) return;
  throw UserError.of("E0724", `the tokenizer ${text.origin} is not the model's: it gives token ${largest}`, {
    notes: [`the model has ${count} tokens, from 0`],
    help: ["name the model's own with --tokenizer PATH"],
  });
}

/** The entry that reads a text: the first that takes tokens. @throws UserError E0726 */
export function readerOf(program: Program): Graph {
  const found = program.entries.find((entry) => textInputsOf(entry) !== null);
  if (found) return found;
  throw UserError.of("E0726", `${program.name} takes no text: no entry takes tokens, i32[B, T] without a default`, {
    help: ["give inputs with --input 'NAME=…' or --inputs FILE"],
  });
}

/** Texts as inputs, and warnings where not all of a text is read. */
export interface ReadTexts {
  readonly given: ReadonlyMap<string, Given>;
  readonly warnings: readonly Diagnostic[];
}

/** The tokens of texts, as many as an entry takes. */
function encodedTexts(entry: Graph, most: number, { tokenizer }: ModelText, texts: readonly TextPair[]) {
  const warnings: Diagnostic[] = [];
  const encoded = texts.map(({ first, second }, at) => {
    const all = tokenizer.encodePair(first, second);
    if (all.ids.length <= most) return all;
    const which = texts.length === 1 ? "the text" : `text ${at + 1}`;
    const message = `${which} has ${all.ids.length} tokens, and entry ${entry.name} takes ${most}: the rest of it is not read`;
    warnings.push(diagnostic("E0727", null, message, { severity: "warning" }));
    return tokenizer.encodePair(first, second, most);
  });
  return { encoded, warnings };
}

/**
 * The inputs of an entry for some texts, one row each, padded to the longest. What is longer than the entry takes is cut.
 * @throws UserError E0726 where the entry takes no tokens, or texts of different lengths and no mask
 */
export function inputsOfTexts(entry: Graph, text: ModelText, texts: readonly TextPair[]): ReadTexts {
  const names = textInputsOf(entry);
  if (names === null) throw UserError.of("E0726", `entry ${entry.name} takes no tokens`);
  const { encoded, warnings } = encodedTexts(entry, names.most, text, texts);
  checkVocabulary(
    entry,
    names.tokens,
    text,
    encoded.map(({ ids }) => ids),
  );
  const length = Math.max(...encoded.map(({ ids }) => ids.length));
  const uneven = encoded.some(({ ids }) => ids.length !== length);
  if (uneven && names.mask === null) {
    const lengths = encoded.map(({ ids }) => ids.length).join(", ");
    throw UserError.of("E0726", `entry ${entry.name} takes texts of one length, and these have ${lengths} tokens`, {
      notes: ["shorter texts are padded, which needs an input for the mask"],
      help: ["run one text at a time, or add attention_mask: i32[B, T] = 1 to the entry"],
    });
  }
  const row = (of: (each: Encoded) => readonly number[], filler: number) =>
    encoded.map((each) => [...of(each), ...new Array<number>(length - each.ids.length).fill(filler)]);
  const given = new Map<string, Given>();
  const give = (name: string | null, rows: number[][]) => {
    if (name !== null) given.set(name, givenNumbers(rows, "the text"));
  };
  give(
    names.tokens,
    row(({ ids }) => ids, text.pad),
  );
  give(
    names.mask,
    row(({ ids }) => ids.map(() => 1), 0),
  );
  give(
    names.types,
    row(({ types }) => types, 0),
  );
  return { given, warnings };
}

/** What generating from texts begins with. */
export interface TextPrompts {
  readonly prompts: readonly (readonly number[])[];
  /** Inputs of an encoder. */
  readonly given: ReadonlyMap<string, Given>;
  /** Whether the prompts are the texts, which what is generated goes on from. */
  readonly goesOn: boolean;
  readonly warnings: readonly Diagnostic[];
}

/**
 * Texts as prompts of a program's decoder; where an entry before it reads tokens for it, such as an encoder, they go there.
 * @param special whether the tokenizer adds what it puts around a text, which a chat template has written already
 * @throws UserError E0726
 */
export function promptsOfTexts(
  compilation: Compilation,
  text: ModelText,
  texts: readonly string[],
  special: boolean,
): TextPrompts {
  const { entries } = compilation.program;
  const derived = compilation.decoders.findLast((each) => tokensOf(each).tokens !== null);
  const decoder = derived?.entry;
  const takes = new Set(decoder === undefined ? [] : inputsOf(decoder).map(({ name }) => name));
  const encoder = entries
    .slice(
      0,
      Math.max(
        entries.findIndex(({ name }) => name === decoder?.name),
        0,
      ),
    )
    .find((entry) => textInputsOf(entry) !== null && entry.outputs.some(({ name }) => takes.has(name)));
  if (encoder !== undefined) {
    const { given, warnings } = inputsOfTexts(
      encoder,
      text,
      texts.map((first) => ({ first, second: null })),
    );
    const start = text.decoderStart ?? text.pad;
    return { prompts: texts.map(() => [start]), given, goesOn: false, warnings };
  }
  const prompts = texts.map((each, at) => {
    const ids = text.tokenizer.encode(each, special);
    if (ids.length > 0) return ids;
    if (text.begin !== null) return [text.begin];
    const which = texts.length === 1 ? "the prompt" : `prompt ${at + 1}`;
    throw UserError.of("E0726", `${which} has no tokens, and the tokenizer none that begins a text`);
  });
  const tokens = derived === undefined ? null : tokensOf(derived).tokens;
  if (decoder !== undefined && tokens !== null) checkVocabulary(decoder, tokens, text, prompts);
  return { prompts, given: new Map(), goesOn: true, warnings: [] };
}
