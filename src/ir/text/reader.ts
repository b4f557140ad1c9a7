/**
 * The tokens of dumps, and a reader over them that fails with a place. Graphs, Kernels and Plans are read with it.
 *
 * Lines that begin with `;` are comments. After other text `;` begins the origin of the line, which is one token.
 * Sizes are no tokens of their own: the reader cuts their text out and leaves it to `parseSize`.
 */
import { diagnostic, type SourceFile, type Span, UserError } from "../../diagnostics/index.js";
import { parseSize, type Size, SizeOverflow, SizeSyntaxError, type SizeVariable } from "../../sizes/index.js";
import { numberOf, wordPattern } from "./words.js";

type TokenKind = "value" | "graph" | "scope" | "string" | "number" | "word" | "origin" | "mark" | "end";

interface Token {
  readonly kind: TokenKind;
  /** Without its prefix (`%`, `@`, `#`, `;`); strings and quoted names with their escapes resolved. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const string = String.raw`"(?:[^"\\\n]|\\.)*"`;
const pattern = new RegExp(
  [
    String.raw`(?<blank>\s+)`,
    String.raw`%(?<value>${wordPattern}|\d+|${string})`,
    `@(?<graph>${wordPattern}|${string})`,
    String.raw`#(?<scope>\d+)`,
    `(?<string>${string})`,
    String.raw`(?<number>-?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|inf)h?(?![\p{L}\p{N}_]))`,
    `(?<word>${wordPattern})`,
    String.raw`;(?<origin>[^\n]*)`,
    String.raw`(?<mark>\.\.|//|->|[<=!+]=|.)`,
  ].join("|"),
  "guy",
);

function tokensOf(file: SourceFile): Token[] {
  const tokens: Token[] = [];
  for (const match of file.text.matchAll(pattern)) {
    const [kind, text] = Object.entries(match.groups ?? {}).find(([, group]) => group !== undefined)!;
    const [start, end] = [match.index, match.index + match[0].length];
    const isComment =
      kind === "origin" && /(?:^|\n)[^\S\n]*$/.test(file.text.slice(file.text.lastIndexOf("\n", start) + 1, start));
    if (kind === "blank" || isComment) continue;
    tokens.push({ kind: kind as TokenKind, text: unquoted(text), start, end });
  }
  const length = file.text.length;
  tokens.push({ kind: "end", text: "the end", start: length, end: length });
  return tokens;
}

function unquoted(text: string): string {
  if (!text.startsWith('"') || text.length < 2) return text;
  try {
    return JSON.parse(text) as string;
  } catch {
    return text;
  }
}

export class DumpReader {
  readonly #tokens: readonly Token[];
  #at = 0;
  /** The size variables by name; parsers fill it, and take loops' variables away again. */
  readonly sizes = new Map<string, SizeVariable>();

  constructor(readonly file: SourceFile) {
    this.#tokens = tokensOf(file);
  }

  /** The place to come back to with `position = …`. */
  get position(): number {
    return this.#at;
  }
  set position(at: number) {
    this.#at = at;
  }

  get #token(): Token {
    return this.#tokens[this.#at]!;
  }

  /** Where the reader stands. */
  get span(): Span {
    return { file: this.file, start: this.#token.start, end: this.#token.end };
  }

  /** The tokens from one position up to another, or to where the reader stands, as a place. */
  spanFrom(position: number, end = this.#at): Span {
    const [first, last] = [this.#tokens[position]!, this.#tokens[Math.max(position, end - 1)]!];
    return { file: this.file, start: first.start, end: last.end };
  }

  /** The number of blanks before the next token if it is the first of its line, else null. */
  get indentation(): number | null {
    const { start } = this.#token;
    const line = this.file.text.lastIndexOf("\n", start - 1) + 1;
    return this.file.text.slice(line, start).trim() === "" ? start - line : null;
  }

  /** All tokens up to the end of the line, as they are written. */
  restOfLine(): string {
    const { start } = this.#token;
    const lineEnd = this.file.text.indexOf("\n", start);
    const end = lineEnd < 0 ? this.file.text.length : lineEnd;
    while (!this.sees("end") && this.#token.start < end) this.#at++;
    return this.file.text.slice(start, end).trim();
  }

  /** Fails unless the next token begins a line, or there is none. */
  endLine(): void {
    if (!this.sees("end") && this.indentation === null)
      this.fail(`the line should end here, and \`${this.#token.text}\` stands here`);
  }

  fail(message: string, at: Span = this.span): never {
    throw new UserError([diagnostic("E0690", at, message)]);
  }

  /** Whether the next token is of the kind, and has the text if one is given. */
  sees(kind: TokenKind, text?: string): boolean {
    return this.#token.kind === kind && (text === undefined || this.#token.text === text);
  }

  /** Takes the next token if it is of the kind (and text): its text, or null. */
  accept(kind: TokenKind, text?: string): string | null {
    if (!this.sees(kind, text)) return null;
    this.#at++;
    return this.#tokens[this.#at - 1]!.text;
  }

  /** Takes the next token, which must be of the kind (and text). `what` names what is needed here. */
  expect(kind: TokenKind, what: string, text?: string): string {
    const found = this.sees("end") ? "the text ends" : `\`${this.#token.text}\` stands`;
    return this.accept(kind, text) ?? this.fail(`${what} is needed here, and ${found} here`);
  }

  mark(text: string): void {
    this.expect("mark", `\`${text}\``, text);
  }

  word(): string {
    return this.expect("word", "a word");
  }

  /** A word, or a name between quotes. */
  name(): string {
    return this.accept("string") ?? this.expect("word", "a name");
  }

  /** One of these words. */
  oneOf<W extends string>(what: string, words: readonly W[]): W {
    const place = this.span;
    const word = this.expect("word", what);
    return words.find((each) => each === word) ?? this.fail(`\`${word}\` is not ${what}: ${words.join(", ")}`, place);
  }

  string(): string {
    return this.expect("string", "a string");
  }

  number(): number {
    const text = this.accept("word", "nan") ?? this.expect("number", "a number");
    return numberOf(text) ?? this.fail(`\`${text}\` is no number`);
  }

  index(): number {
    const at = this.span;
    const value = this.number();
    return Number.isInteger(value) && value >= 0 ? value : this.fail(`${value} is no whole number of at least 0`, at);
  }

  list<T>(item: () => T): T[] {
    this.mark("[");
    return this.items(item, "]");
  }

  /** Items with commas between them, up to the closing mark, which is taken. */
  items<T>(item: () => T, close: string): T[] {
    const items: T[] = [];
    while (this.accept("mark", close) === null) {
      if (items.length > 0) this.mark(",");
      items.push(item());
    }
    return items;
  }

  /** A size: all up to a comma, `..`, a word after an operand, a closing mark, the line's end, outside of parentheses. */
  size(): Size {
    const { start } = this.#token;
    let depth = 0;
    let end = start;
    let isOperand = false;
    for (; !this.sees("end") && !this.sees("origin"); this.#at++) {
      const { kind, text } = this.#token;
      if (depth === 0 && kind === "mark" && [",", "..", ")", "]", "}"].includes(text)) break;
      // Two operands in a row are no size: a word such as `step` follows it.
      if (depth === 0 && isOperand && (kind === "word" || this.indentation !== null)) break;
      isOperand = kind !== "mark" || text === ")";
      if (kind === "mark" && text === "(") depth++;
      if (kind === "mark" && text === ")") depth--;
      end = this.#token.end;
    }
    try {
      return parseSize(this.file.text.slice(start, end), (name) => this.sizes.get(name) ?? null);
    } catch (error) {
      if (!(error instanceof SizeSyntaxError || error instanceof SizeOverflow || error instanceof RangeError))
        throw error;
      return this.fail(error.message, { file: this.file, start, end });
    }
  }

  /** Leaves out everything up to the mark that closes the one before, and that too. */
  skipTo(close: string): void {
    let depth = 0;
    for (; !this.sees("end"); this.#at++) {
      if (depth === 0 && this.sees("mark", close)) break;
      if (["(", "[", "{"].some((mark) => this.sees("mark", mark))) depth++;
      if ([")", "]", "}"].some((mark) => this.sees("mark", mark))) depth--;
    }
    this.mark(close);
  }
}
