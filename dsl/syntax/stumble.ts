/**
 * The place where the parser stumbled, with its neighbourhood at hand for those who say what is wrong there.
 */
import { EOF, type IToken } from "chevrotain";
import type { Code, DiagnosticParts, Diagnostics, Fix, SourceFile, Span } from "../../src/diagnostics/index.js";
import { endOf, spanOf } from "./lexer.js";
import * as t from "./tokens.js";
import { describeFound } from "./words.js";

/** A mistake that ends the parse of its statement, thrown where it is met. */
export class Mistake extends Error {
  constructor(
    readonly code: Code,
    readonly span: Span,
    message: string,
    readonly parts: DiagnosticParts = {},
  ) {
    super(message);
  }
}

/** Where the parser stumbled. */
export interface Stumble {
  readonly file: SourceFile;
  readonly diagnostics: Diagnostics;
  readonly tokens: readonly IToken[];
  /** The numbers of the first token of the statement and of the one that does not fit. */
  readonly start: number;
  readonly at: number;
  /** What was looked for, in words. */
  readonly expected: string;
  /** The rule of the grammar that looked for it. */
  readonly rule: string;
}

/** A stumble with its neighbourhood at hand. */
export class Place {
  readonly found: IToken | undefined;
  readonly previous: IToken | undefined;
  readonly first: IToken | undefined;
  readonly expected: string;
  readonly rule: string;

  constructor(readonly stumble: Stumble) {
    const { tokens, at, start } = stumble;
    this.found = tokens[at];
    this.previous = at > start ? tokens[at - 1] : undefined;
    const first = tokens[start]?.tokenType === t.Line ? start + 1 : start;
    this.first = tokens[first];
    this.expected = stumble.expected;
    this.rule = stumble.rule;
  }

  get foundType() {
    return this.found?.tokenType ?? EOF;
  }

  get foundText(): string {
    if (this.#onNextLine) return "the end of the line";
    return this.found ? describeFound(this.found) : "the end of the file";
  }

  /** True if the line ends here: by a new statement, or by the `}` of its body on a line of its own. */
  get #onNextLine(): boolean {
    if (this.foundType === t.Line) return true;
    if (this.foundType !== t.RCurly || !this.previous) return false;
    return this.text(endOf(this.previous), this.found!.startOffset).includes("\n");
  }

  /** The place to point at: the token that does not fit, or the end of what stands before. */
  get span(): Span {
    const { file } = this.stumble;
    if (this.found && !this.#onNextLine) return spanOf(file, this.found);
    const end = this.previous ? endOf(this.previous) : file.text.trimEnd().length;
    return { file, start: end, end };
  }

  spanOf(token: IToken): Span {
    return spanOf(this.stumble.file, token);
  }

  text(start: number, end: number): string {
    return this.stumble.file.text.slice(start, end);
  }

  report(code: Code, span: Span, message: string, parts: DiagnosticParts = {}): true {
    this.stumble.diagnostics.report(code, span, message, parts);
    return true;
  }
}

export type Recogniser = (place: Place) => boolean;

/** A fix that puts a text in the place of another. */
export const replace = (span: Span, text: string, message = `write \`${text}\``): Fix => ({
  message,
  edits: [{ span, text }],
});
