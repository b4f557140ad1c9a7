/**
 * Text to tokens. What is no token of Trafo is reported here, and mended where the right word is certain: the token
 * that was meant goes on to the parser, and its mistake is shown once.
 *
 * `damage` are the offsets of mistakes that could not be mended. The parser keeps silent about a statement that holds
 * one: whatever it would say follows from the damage.
 */
import { createTokenInstance, type ILexingError, type IToken, type TokenType } from "chevrotain";
import type { Diagnostics, SourceFile, Span } from "../../src/diagnostics/index.js";
import * as t from "./tokens.js";

export interface Lexed {
  readonly tokens: IToken[];
  readonly comments: readonly IToken[];
  readonly damage: number[];
}

/** The span of a token. */
export function spanOf(file: SourceFile, token: IToken): Span {
  return { file, start: token.startOffset, end: endOf(token) };
}

/** The offset after a token. */
export function endOf(token: IToken): number {
  return token.startOffset + token.image.length;
}

/** A token that is not in the text as such; `image` is what it stands for there, often nothing. */
export function makeToken(type: TokenType, startOffset: number, image = ""): IToken {
  const nothing = Number.NaN;
  return createTokenInstance(
    type,
    image,
    startOffset,
    startOffset + image.length - 1,
    nothing,
    nothing,
    nothing,
    nothing,
  );
}

/** Gives a token another type, in place. */
export function retype(token: IToken, type: TokenType): void {
  token.tokenType = type;
  token.tokenTypeIdx = type.tokenTypeIdx!;
}

/** Characters that look like a sign of the language, with that sign. */
const lookalikes: ReadonlyMap<string, readonly [TokenType, string]> = new Map([
  ["−", [t.Minus, "-"]],
  ["–", [t.Minus, "-"]],
  ["×", [t.Star, "*"]],
  ["÷", [t.Slash, "/"]],
  ["≤", [t.LessEqual, "<="]],
  ["≥", [t.GreaterEqual, ">="]],
  ["≠", [t.NotEqual, "!="]],
  ["→", [t.Arrow, "->"]],
  ["⇒", [t.FatArrow, "=>"]],
  ["…", [t.Ellipsis, "..."]],
  ["（", [t.LParen, "("]],
  ["）", [t.RParen, ")"]],
  ["，", [t.Comma, ","]],
  ["：", [t.Colon, ":"]],
]);

/** Space that is none of the language: taken as space. */
const otherSpace = /^[\u00A0\u2000-\u200B\u202F\u2060\u3000]$/;

const characterHelp: ReadonlyMap<string, string> = new Map([
  ["?", "a choice is written `if condition then a else b`"],
  ["&", "both conditions: `and`"],
  ["^", "a power is written `**`"],
  ["\\", "a line goes on after an operator, after a comma and inside of ( and [: no mark is needed"],
  ["'", 'strings stand between " and "'],
  ["$", "names are made of letters, digits and _"],
]);

/** Cuts a text into tokens, new lines among them, and reports what is none. */
export function lex(file: SourceFile, diagnostics: Diagnostics): Lexed {
  const { tokens, errors, groups } = t.lexer.tokenize(file.text);
  const lost = dropSlashComments(file, tokens, diagnostics);
  const inLost = (offset: number) => lost.some(({ start, end }) => start <= offset && offset < end);
  const damage: number[] = [];
  const signs: IToken[] = [];
  for (const error of errors) {
    if (!inLost(error.offset)) reportCharacters(file, error, diagnostics, damage, signs);
  }
  let out = lost.length > 0 ? tokens.filter((token) => !inLost(token.startOffset)) : tokens;
  const joined = new Set(errors.map((error) => lineEndAfterBackslash(file.text, error.offset)));
  if (errors.length > 0) out = out.filter((token) => !joined.has(token.startOffset));
  if (signs.length > 0) out = [...out, ...signs].sort((a, b) => a.startOffset - b.startOffset);
  for (const token of out) mend(file, token, diagnostics, damage);
  mendSemicolons(file, out, diagnostics);
  return { tokens: out, comments: groups.comments ?? [], damage };
}

/** The offset of the new line that a `\\` at this offset was meant to take away; -1 if there is none. */
function lineEndAfterBackslash(text: string, offset: number): number {
  const rest = text[offset] === "\\" ? /^\\[ \t\r]*\n/.exec(text.slice(offset, offset + 100)) : null;
  return rest ? offset + rest[0].length - 1 : -1;
}

function reportCharacters(
  file: SourceFile,
  error: ILexingError,
  diagnostics: Diagnostics,
  damage: number[],
  signs: IToken[],
): void {
  let at = error.offset;
  for (const character of file.text.slice(error.offset, error.offset + error.length)) {
    const span = { file, start: at, end: at + character.length };
    at = span.end;
    const sign = lookalikes.get(character);
    if (sign) {
      const [type, text] = sign;
      signs.push(makeToken(type, span.start, character));
      diagnostics.report("E0101", span, `unexpected character ${show(character)}, which looks like \`${text}\``, {
        fixes: [{ message: `write \`${text}\``, edits: [{ span, text }] }],
      });
    } else if (otherSpace.test(character)) {
      diagnostics.report(
        "E0101",
        span,
        `unexpected character ${show(character)}, a space that is none of the language`,
        {
          fixes: [{ message: "write a plain space", edits: [{ span, text: " " }] }],
        },
      );
    } else {
      const help = characterHelp.get(character);
      if (damage.at(-1) === span.start - 1) continue; // one report for characters in a row
      damage.push(span.start);
      diagnostics.report("E0101", span, `unexpected character ${show(character)}`, { help: help ? [help] : [] });
    }
  }
}

/** A character as a person reads it, with its number where it may not be seen. */
function show(character: string): string {
  const code = character.codePointAt(0)!;
  const number = `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
  if (code < 0x20 || otherSpace.test(character)) return number;
  return code < 0x7f ? `\`${character}\`` : `\`${character}\` (${number})`;
}

const renamed: ReadonlyMap<TokenType, readonly [TokenType, string]> = new Map([
  [t.DoubleAmpersand, [t.And, "and"]],
  [t.DoublePipe, [t.Or, "or"]],
  [t.Bang, [t.Not, "not"]],
]);

/** Reports a token of another language and makes it the one that was meant. */
function mend(file: SourceFile, token: IToken, diagnostics: Diagnostics, damage: number[]): void {
  const type = token.tokenType;
  const span = () => spanOf(file, token);
  const word = renamed.get(type);
  if (word) {
    const [meant, text] = word;
    const edit = { span: span(), text: type === t.Bang ? `${text} ` : text };
    diagnostics.report("E0116", edit.span, `\`${token.image}\` is written \`${text}\` here`, {
      fixes: [{ message: `write \`${text}\``, edits: [edit] }],
    });
    retype(token, meant);
  } else if (type === t.StrictEquality) {
    const text = token.image.slice(0, 2);
    diagnostics.report("E0116", span(), `\`${token.image}\` is written \`${text}\` here`, {
      fixes: [{ message: `write \`${text}\``, edits: [{ span: span(), text }] }],
    });
    retype(token, text === "==" ? t.EqualEqual : t.NotEqual);
  } else if (type === t.UnterminatedString) {
    diagnostics.report("E0102", span(), 'this string has no closing " on its line');
    damage.push(token.startOffset);
    retype(token, t.StringLiteral);
  } else if (type === t.ForeignString) {
    const text = `"${token.image.slice(1, -1)}"`;
    const certain = !token.image.slice(1, -1).includes('"');
    diagnostics.report("E0116", span(), 'strings stand between " and "', {
      fixes: certain ? [{ message: `write ${text}`, edits: [{ span: span(), text }] }] : [],
    });
    retype(token, t.StringLiteral);
  } else if (type === t.BadNumber) {
    if (token.image.startsWith(".") && /[\w)\]]/.test(file.text[token.startOffset - 1] ?? "")) {
      const index = `[${token.image.slice(1)}]`;
      diagnostics.report("E0109", span(), `no attribute \`${token.image}\`: an element is taken by \`${index}\``, {
        fixes: [{ message: `write \`${index}\``, edits: [{ span: span(), text: index }] }],
      });
      damage.push(token.startOffset);
    } else reportNumber(file, token, diagnostics);
    retype(token, t.NumberLiteral);
  } else if (type === t.NumberLiteral) {
    const value = Number(token.image);
    if (!Number.isFinite(value)) {
      diagnostics.report("E0105", span(), `the number ${token.image} is too large`);
    } else if (/^\d+$/.test(token.image) && !Number.isSafeInteger(value)) {
      diagnostics.report("E0105", span(), `the whole number ${token.image} is too large: the largest is 2 ** 53 - 1`);
    }
  } else if (type === t.ForeignName) {
    diagnostics.report("E0101", span(), `the name \`${token.image}\` holds a letter outside of a–z`, {
      help: ["names are made of the letters a–z and A–Z, digits and _; comments and strings may hold any character"],
    });
    retype(token, t.Identifier);
  }
}

function reportNumber(file: SourceFile, token: IToken, diagnostics: Diagnostics): void {
  const span = spanOf(file, token);
  const { image } = token;
  const plain = image.startsWith(".")
    ? `0${image}`
    : image.endsWith(".")
      ? image.slice(0, -1)
      : /^\d[\d_]*$/.test(image)
        ? image.replaceAll("_", "")
        : /^\d+(\.\d+)?[fF]$/.test(image)
          ? image.slice(0, -1)
          : /^0x[\da-fA-F]+$/.test(image)
            ? String(Number(image))
            : null;
  diagnostics.report("E0105", span, `\`${image}\` is no number`, {
    help: ["numbers are written 12, 0.5 or 1e-5"],
    fixes: plain === null ? [] : [{ message: `write ${plain}`, edits: [{ span, text: plain }] }],
  });
}

/** Statements end with their line: all semicolons of a file are one mistake. */
function mendSemicolons(file: SourceFile, tokens: readonly IToken[], diagnostics: Diagnostics): void {
  const semicolons = tokens.filter((token) => token.tokenType === t.Semicolon);
  const first = semicolons[0];
  if (!first) return;
  const following = new Map(tokens.map((token, at) => [token, tokens[at + 1]?.tokenType]));
  const edits = semicolons.map((token) => {
    const next = following.get(token);
    const ends = next === undefined || next === t.NewLine || next === t.RCurly || next === t.Semicolon;
    return { span: spanOf(file, token), text: ends ? "" : "\n" };
  });
  const many = semicolons.length > 1 ? ` (${semicolons.length} in this file)` : "";
  diagnostics.report("E0116", spanOf(file, first), `a statement ends with its line, not with \`;\`${many}`, {
    fixes: [{ message: semicolons.length > 1 ? "leave out every `;`" : "leave out the `;`", edits }],
  });
  for (const token of semicolons) retype(token, t.NewLine);
}

/**
 * Comments that begin with `//`, where that can be told from a division: nothing stands before it that could be
 * divided, or two words follow side by side. Gives the stretches of text to leave out.
 */
function dropSlashComments(file: SourceFile, tokens: readonly IToken[], diagnostics: Diagnostics) {
  const lost: { start: number; end: number }[] = [];
  let depth = 0;
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at]!;
    if (token.tokenType === t.LParen || token.tokenType === t.LSquare) depth++;
    if (token.tokenType === t.RParen || token.tokenType === t.RSquare) depth--;
    if (token.tokenType !== t.SlashSlash) continue;
    let end = at + 1;
    while (end < tokens.length && tokens[end]!.tokenType !== t.NewLine) end++;
    if (!isSlashComment(tokens, at, end, depth > 0)) continue;
    const span = spanOf(file, token);
    const lineEnd = file.text.indexOf("\n", span.start);
    lost.push({ start: span.start, end: lineEnd < 0 ? file.text.length : lineEnd });
    diagnostics.report("E0115", span, "a comment begins with `#`; `//` divides and rounds down", {
      fixes: [{ message: "write `#`", edits: [{ span, text: "#" }] }],
    });
    at = end - 1;
  }
  return lost;
}

const operandEnds = new Set([
  ...[t.NumberLiteral, t.StringLiteral, t.Identifier, t.As, t.From, t.In, t.Incremental, t.True, t.False],
  ...[t.RParen, t.RSquare, t.RCurly, t.BadNumber, t.ForeignName],
]);

function isSlashComment(tokens: readonly IToken[], at: number, end: number, enclosed: boolean): boolean {
  let before = at - 1;
  const startsLine = tokens[before]?.tokenType === t.NewLine;
  if (enclosed || !startsLine) while (tokens[before]?.tokenType === t.NewLine) before--;
  const previous = tokens[before];
  if (!previous || !operandEnds.has(previous.tokenType)) return true;
  for (let i = at + 1; i + 1 < end; i++) {
    const [one, two] = [tokens[i]!, tokens[i + 1]!];
    if (one.tokenType !== t.Identifier || two.tokenType !== t.Identifier) continue;
    if (!t.starters.has(one.image)) return true; // `{ let x …` may follow a division
  }
  return false;
}
