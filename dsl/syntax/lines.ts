/**
 * New lines to statements. Takes tokens whose brackets match; gives the sequence that the parser reads:
 * - a `Line` token stands before every statement and declaration, and nowhere else; other new lines are gone;
 * - a word that begins a statement is its keyword there, and a name everywhere else;
 * - every token carries its number as `payload`, and `partner` has the number of each bracket's other half.
 *
 * Beginnings of statements that come from another language (`return`, `def`, `elif`, …) are reported and mended here,
 * as is a line that begins with an operator.
 */
import type { IToken, TokenType } from "chevrotain";
import type { Diagnostics, SourceFile } from "../../src/diagnostics/index.js";
import { beginsStatement, cannotBegin, continues } from "./continuation.js";
import { endOf, makeToken, retype, spanOf } from "./lexer.js";
import * as t from "./tokens.js";

export interface Sequence {
  readonly tokens: IToken[];
  /** For an opening bracket the number of its closing one. */
  readonly partner: Int32Array;
}

/** The words for a declaration in other languages. */
const foreignStarters: ReadonlyMap<string, readonly [TokenType, string]> = new Map([
  ["def", [t.Fn, "fn"]],
  ["func", [t.Fn, "fn"]],
  ["function", [t.Fn, "fn"]],
  ["const", [t.Let, "let"]],
  ["var", [t.Let, "let"]],
  ["val", [t.Let, "let"]],
]);

/** What can follow `assert` or `let` used as a name, and begin no value or pattern. */
const followsName: ReadonlySet<TokenType> = new Set([
  ...[t.Equals, t.Plus, t.Star, t.Slash, t.SlashSlash, t.Percent, t.StarStar, t.At, t.Dot, t.Comma, t.NewLine],
  ...[t.EqualEqual, t.NotEqual, t.Less, t.LessEqual, t.Greater, t.GreaterEqual, t.And, t.Or, t.RCurly],
]);

/** Turns raw tokens, whose brackets match, into what the parser reads. */
export function toStatements(file: SourceFile, raw: readonly IToken[], diagnostics: Diagnostics): Sequence {
  return new Lines(file, raw, diagnostics).run();
}

class Lines {
  readonly #out: IToken[] = [];
  readonly #open: TokenType[] = [];

  constructor(
    readonly file: SourceFile,
    readonly raw: readonly IToken[],
    readonly diagnostics: Diagnostics,
  ) {}

  run(): Sequence {
    let newLine = true;
    for (let at = 0; at < this.raw.length; at++) {
      const token = this.raw[at]!;
      if (token.tokenType === t.NewLine) {
        newLine = true;
        continue;
      }
      if (newLine) this.#startLine(token, at);
      newLine = false;
      if (this.#isElif(token, at)) this.#elif(token);
      if (this.#out.at(-1)?.tokenType === t.Line && !this.#startStatement(token, at)) continue;
      this.#push(token);
    }
    if (this.#out.at(-1)?.tokenType === t.Line) this.#out.pop();
    return number(this.#out);
  }

  #push(token: IToken): void {
    const type = token.tokenType;
    if (t.closers.has(type)) this.#open.push(type);
    else if (t.openers.has(type)) {
      this.#open.pop();
      if (this.#out.at(-1)?.tokenType === t.Line) this.#out.pop();
    }
    this.#out.push(token);
    if (type === t.LCurly) this.#line(endOf(token));
  }

  #line(at: number): void {
    if (this.#out.at(-1)?.tokenType !== t.Line) this.#out.push(makeToken(t.Line, at));
  }

  /** At the first token of a line: puts a `Line` there if a statement begins with it. */
  #startLine(token: IToken, at: number): void {
    const inner = this.#open.at(-1);
    if (inner === t.LParen || inner === t.LSquare) return;
    const previous = this.#out.at(-1);
    if (!previous) this.#line(0);
    else if (previous.tokenType === t.Line || token.tokenType === t.RCurly) return;
    else if (beginsStatement(this.raw, at)) this.#line(endOf(previous));
    else if (continues(previous.tokenType, token.tokenType) || this.#isElif(token, at)) return;
    else if (cannotBegin.has(token.tokenType)) this.#reportStart(token, previous);
    else this.#line(endOf(previous));
  }

  /** The line was surely meant to go on the one before: taken so, and said. */
  #reportStart(token: IToken, previous: IToken): void {
    if (previous.image === "") return; // a bracket that was closed where it should have been: said already
    const span = spanOf(this.file, token);
    const text = token.image;
    if (token.tokenType === t.Dot) {
      this.diagnostics.report("E0121", span, "a line cannot begin with `.`: the line before has ended its statement", {
        help: ["put the expression in parentheses, or join the lines"],
      });
      return;
    }
    const end = endOf(previous);
    // A comment may stand between: then the new line has to stay.
    const between = this.file.text.slice(end, span.start);
    const after = /^[ \t]*/.exec(this.file.text.slice(span.end))![0].length;
    const edits = between.includes("#")
      ? []
      : text === "{"
        ? [{ span: { file: this.file, start: end, end: span.start }, text: " " }]
        : [
            { span: { file: this.file, start: end, end }, text: text === "," ? "," : ` ${text}` },
            { span: { file: this.file, start: span.start, end: span.end + after }, text: "" },
          ];
    this.diagnostics.report(
      "E0121",
      span,
      `a line cannot begin with \`${text}\`: the line before has ended its statement`,
      {
        help: [text === "{" ? "`{` stands on the line that it belongs to" : `end the line before with \`${text}\``],
        fixes: edits.length > 0 ? [{ message: `move \`${text}\` to the end of the line before`, edits }] : [],
      },
    );
  }

  #isElif(token: IToken, at: number): boolean {
    if (token.image !== "elif" || this.#out.at(-1)?.tokenType !== t.RCurly) return false;
    const next = this.raw[at + 1]?.tokenType;
    return !!next && !followsName.has(next);
  }

  #elif(token: IToken): void {
    const span = spanOf(this.file, token);
    this.diagnostics.report("E0116", span, "`elif` is written `else if` here", {
      fixes: [{ message: "write `else if`", edits: [{ span, text: "else if" }] }],
    });
    this.#push(makeToken(t.Else, token.startOffset));
    retype(token, t.If);
  }

  /** At the first token of a statement: makes it a keyword if it is one. False if the token is to be left out. */
  #startStatement(token: IToken, at: number): boolean {
    if (token.tokenType !== t.Identifier) return true;
    const next = this.raw[at + 1]?.tokenType;
    const word = token.image;
    const keyword = t.starters.get(word);
    if (keyword) {
      if (next && this.#isKeyword(keyword, next)) retype(token, keyword);
    } else if (word === "return" && next !== t.Equals) {
      this.#reportReturn(token, at);
      return false;
    } else if (foreignStarters.has(word) && next && t.isName(next)) {
      const [meant, text] = foreignStarters.get(word)!;
      const span = spanOf(this.file, token);
      this.diagnostics.report("E0116", span, `\`${word}\` is written \`${text}\` here`, {
        fixes: [{ message: `write \`${text}\``, edits: [{ span, text }] }],
      });
      retype(token, meant);
    }
    return true;
  }

  #isKeyword(keyword: TokenType, next: TokenType): boolean {
    if (t.isName(next)) return true;
    if (keyword === t.Assert) return !followsName.has(next);
    if (keyword === t.Let) return !followsName.has(next) && next !== t.Minus && next !== t.LSquare;
    if (keyword === t.Import && next === t.StringLiteral) return true;
    // `layer if` can be no expression: a reserved word was taken for a name.
    if (t.reserved.has(next) && next !== t.And && next !== t.Or) return true;
    // At the top of a file nothing but declarations can begin.
    const declares = keyword === t.Fn || keyword === t.Block || keyword === t.Model || keyword === t.Import;
    return this.#open.length === 0 && declares;
  }

  #reportReturn(token: IToken, at: number): void {
    const next = this.raw[at + 1];
    const alone = !next || next.tokenType === t.NewLine || next.tokenType === t.RCurly;
    const span = spanOf(this.file, token);
    const end = alone ? span.end : next.startOffset;
    this.diagnostics.report("E0108", span, "there is no `return`: the last expression of a body is its result", {
      fixes: [{ message: "leave out `return`", edits: [{ span: { ...span, end }, text: "" }] }],
    });
  }
}

function number(tokens: IToken[]): Sequence {
  const partner = new Int32Array(tokens.length);
  const open: number[] = [];
  tokens.forEach((token, at) => {
    token.payload = at;
    if (t.closers.has(token.tokenType)) open.push(at);
    else if (t.openers.has(token.tokenType)) {
      const opener = open.pop();
      if (opener !== undefined) partner[opener] = at;
    }
  });
  return { tokens, partner };
}
