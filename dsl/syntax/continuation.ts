/** The rule that says which line goes on in the next (grammar, "Lines"). */
import type { IToken, TokenType } from "chevrotain";
import * as t from "./tokens.js";

/** A line that ends in one of these goes on. */
const asksForMore: ReadonlySet<TokenType> = new Set([
  ...[t.Plus, t.Minus, t.Star, t.Slash, t.SlashSlash, t.Percent, t.StarStar, t.At],
  ...[t.EqualEqual, t.NotEqual, t.Less, t.LessEqual, t.Greater, t.GreaterEqual],
  ...[t.And, t.Or, t.Not, t.Then, t.Else, t.Equals, t.FatArrow, t.Arrow, t.Comma, t.Pipe],
]);

/** A line that begins with one of these belongs to the one before. */
const goesOn: ReadonlySet<TokenType> = new Set([...[t.Then, t.Else, t.As, t.From, t.Incremental, t.Arrow, t.Pipe]]);

/** True if a new line between these two tokens ends no statement, outside of ( and [. */
export function continues(before: TokenType, after: TokenType): boolean {
  return asksForMore.has(before) || goesOn.has(after);
}

/** What can begin no statement, so that a line that begins with it was meant to go on. */
export const cannotBegin: ReadonlySet<TokenType> = new Set([
  ...[t.Plus, t.Star, t.Slash, t.SlashSlash, t.Percent, t.StarStar, t.At],
  ...[t.EqualEqual, t.NotEqual, t.Less, t.LessEqual, t.Greater, t.GreaterEqual],
  ...[t.And, t.Or, t.Equals, t.FatArrow, t.Comma, t.Dot, t.LCurly],
]);

/** True where a statement or declaration surely begins: one of their words with a name after it, on a new line. */
export function beginsStatement(tokens: readonly IToken[], at: number): boolean {
  const token = tokens[at];
  const next = tokens[at + 1];
  if (token?.tokenType !== t.Identifier || !next || !t.starters.has(token.image)) return false;
  // `= layer from "key"` is the default of an argument.
  return t.isName(next.tokenType) && next.tokenType !== t.From;
}
