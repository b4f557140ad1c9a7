/**
 * Makes the brackets of a token sequence match, so that every later stage may rely on it: what is never closed is
 * closed where it most likely should have been, what closes nothing is dropped, and each is reported at the bracket
 * that is wrong.
 *
 * A sequence whose brackets match and hold no beginning of a statement in ( or [ passes untouched. Only in a wrong
 * one is the layout asked: a line that stands no further in than the statement that opened a bracket was not meant to
 * be inside of it.
 */
import type { IToken, TokenType } from "chevrotain";
import type { Diagnostics, SourceFile } from "../../src/diagnostics/index.js";
import { beginsStatement, continues } from "./continuation.js";
import { endOf, makeToken, spanOf } from "./lexer.js";
import * as t from "./tokens.js";

/** The tokens (new lines among them) with matching brackets. Adds to `damage` the offsets of the wrong ones. */
export function matchBrackets(
  file: SourceFile,
  tokens: readonly IToken[],
  damage: number[],
  diagnostics: Diagnostics,
): readonly IToken[] {
  return allMatch(tokens) ? tokens : new Repair(file, tokens, damage, diagnostics).run();
}

function allMatch(tokens: readonly IToken[]): boolean {
  const open: TokenType[] = [];
  for (let at = 0; at < tokens.length; at++) {
    const type = tokens[at]!.tokenType;
    if (t.closers.has(type)) open.push(type);
    else if (t.openers.has(type)) {
      if (open.pop() !== t.openers.get(type)) return false;
    } else if (type === t.NewLine && open.length > 0 && open.at(-1) !== t.LCurly && beginsStatement(tokens, at + 1)) {
      return false;
    }
  }
  return open.length === 0;
}

interface Open {
  readonly token: IToken;
  /** The number of the token. */
  readonly at: number;
  /** How far in the statement stands that holds the bracket. */
  readonly indent: number;
  /** Where to close it if nothing does: before the first line that stands no further in. */
  close: number | null;
}

/** How many open brackets a line is compared with; more are too many for the parser anyway. */
const looked = 200;

const declarationWords = new Set(["import", "fn", "block", "model", "entry"]);

class Repair {
  readonly #open: Open[] = [];
  /** What goes in before the token of each number. */
  readonly #insertions = new Map<number, IToken[]>();
  readonly #dropped = new Set<number>();
  readonly #replaced = new Map<number, IToken>();
  #indent = 0;

  constructor(
    readonly file: SourceFile,
    readonly tokens: readonly IToken[],
    readonly damage: number[],
    readonly diagnostics: Diagnostics,
  ) {}

  run(): IToken[] {
    let previous: number | null = null; // the last token that is no new line
    for (let at = 0; at < this.tokens.length; at++) {
      const token = this.tokens[at]!;
      if (token.tokenType === t.NewLine) continue;
      if (at === 0 || this.tokens[at - 1]!.tokenType === t.NewLine) this.#startLine(at, previous);
      if (t.closers.has(token.tokenType)) this.#open.push({ token, at, indent: this.#indent, close: null });
      else if (t.openers.has(token.tokenType)) this.#close(at);
      previous = at;
    }
    this.#abandon(0, previous === null ? 0 : previous + 1);
    return this.#result();
  }

  #result(): IToken[] {
    const out: IToken[] = [];
    for (let at = 0; at <= this.tokens.length; at++) {
      const inserted = this.#insertions.get(at);
      if (inserted) out.push(...inserted);
      const token = this.#replaced.get(at) ?? this.tokens[at];
      if (token && !this.#dropped.has(at)) out.push(token);
    }
    return out;
  }

  #startLine(at: number, previous: number | null): void {
    const token = this.tokens[at]!;
    const indent = this.#column(token);
    const end = previous === null ? 0 : previous + 1;
    const isCloser = t.openers.has(token.tokenType);
    for (let i = this.#open.length - 1; i >= Math.max(0, this.#open.length - looked); i--) {
      const open = this.#open[i]!;
      if (isCloser || indent > open.indent) break;
      open.close ??= end;
    }

    if (beginsStatement(this.tokens, at)) {
      let from = this.#open.length;
      while (from > 0 && this.#open[from - 1]!.token.tokenType !== t.LCurly) from--;
      this.#abandon(from, end);
      if (declarationWords.has(token.image)) {
        while (from > 0 && this.#open[from - 1]!.indent >= indent) from--;
        this.#abandon(from, end);
      }
    } else if (token.tokenType === t.RCurly && this.#open.some((open) => open.indent === indent && isBrace(open))) {
      let from = this.#open.length;
      while (from > 0 && this.#open[from - 1]!.indent > indent) from--;
      this.#abandon(from, end);
    }
    const inner = this.#open.at(-1);
    const starts = !inner || isBrace(inner);
    if (starts && (previous === null || !continues(this.tokens[previous]!.tokenType, token.tokenType))) {
      this.#indent = indent;
    }
  }

  #close(at: number): void {
    const token = this.tokens[at]!;
    const opener = t.openers.get(token.tokenType)!;
    const inner = this.#open.at(-1);
    if (inner?.token.tokenType === opener) {
      this.#popMatched();
      return;
    }
    let match = this.#open.length - 1;
    while (match >= 0 && this.#open[match]!.token.tokenType !== opener) {
      // A brace is not skipped by ) or ]: it holds statements of its own.
      if (token.tokenType !== t.RCurly && isBrace(this.#open[match]!)) match = -1;
      else match--;
    }
    if (match >= 0) {
      this.#abandon(match + 1, at);
      this.#popMatched();
    } else if (inner && !isBrace(inner) && token.tokenType !== t.RCurly) {
      this.#open.pop();
      const meant = t.closers.get(inner.token.tokenType)!;
      const text = meant === t.RParen ? ")" : "]";
      const span = spanOf(this.file, token);
      this.diagnostics.report("E0103", span, `\`${token.image}\` does not close \`${inner.token.image}\``, {
        labels: [{ span: spanOf(this.file, inner.token), text: "opened here" }],
        fixes: [{ message: `write \`${text}\``, edits: [{ span, text }] }],
      });
      this.#replaced.set(at, makeToken(meant, token.startOffset, token.image));
    } else {
      this.damage.push(token.startOffset);
      this.#dropped.add(at);
      this.diagnostics.report("E0104", spanOf(this.file, token), `\`${token.image}\` closes nothing`);
    }
  }

  /** Closes the innermost bracket. Where those around it might end must not lie inside of it. */
  #popMatched(): void {
    const inner = this.#open.pop()!;
    for (let i = this.#open.length - 1; i >= 0; i--) {
      const open = this.#open[i]!;
      if (open.close === null || open.close <= inner.at) break;
      open.close = null;
    }
  }

  /** Gives up what is open from the number `from` on: reports it, and closes it at the latest before the token `at`. */
  #abandon(from: number, at: number): void {
    const lost = this.#open.splice(from);
    const outer = lost[0];
    if (!outer) return;
    let before = at;
    for (const open of lost.reverse()) {
      this.damage.push(open.token.startOffset);
      before = Math.min(open.close ?? before, at);
      const previous = this.tokens[before - 1];
      const closer = makeToken(t.closers.get(open.token.tokenType)!, previous ? endOf(previous) : 0);
      const others = this.#insertions.get(before);
      if (others) others.push(closer);
      else this.#insertions.set(before, [closer]);
    }
    this.diagnostics.report("E0103", spanOf(this.file, outer.token), `this \`${outer.token.image}\` is never closed`, {
      labels: lost.slice(0, -1).map(({ token }) => ({ span: spanOf(this.file, token), text: "nor is this" })),
    });
  }

  #column(token: IToken): number {
    return this.file.position(token.startOffset).column;
  }
}

const isBrace = (open: Open): boolean => open.token.tokenType === t.LCurly;
