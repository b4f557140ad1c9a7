/** How tokens are called in messages. */
import { EOF, type IToken } from "chevrotain";
import * as t from "./tokens.js";

/** A token that was met, as a message names it. */
export function describeFound(token: IToken): string {
  switch (token.tokenType) {
    case EOF:
      return "the end of the file";
    case t.Line:
      return "the end of the line";
    case t.StringLiteral:
      return token.image.length > 30 ? "a string" : `the string ${token.image}`;
    default:
      return `\`${token.image}\``;
  }
}

/** The name of a list that comes nearest to a word with a spelling mistake, if one is near. */
export function nearest(word: string, names: Iterable<string>): string | null {
  let best: string | null = null;
  let least = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const name of names) {
    const distance = editDistance(word.toLowerCase(), name.toLowerCase(), least);
    if (distance < least) {
      best = name;
      least = distance;
    }
  }
  return best;
}

/** The number of letters to change, add, leave out or exchange with a neighbour; `limit` if it is no less. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, before[j - 2]! + 1);
      row.push(cost);
    }
    before = last;
    last = row;
  }
  return Math.min(last[b.length]!, limit);
}
