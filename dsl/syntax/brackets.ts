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

/** What has a body behind it, and cannot do without. */
const bodyWords = new Set(["block", "model", "entry", "for", "if"]);

const declarationWords = new Set(["import", "fn", "block", "model", "entry"]);

class Repair {
  readonly #open: Open[] = [];
  /** What goes in before the token of each number. */
  readonly #insertions = new Map<number, IToken[]>();
  readonly #dropped = new Set<number>();
  readonly #replaced = new Map<number, IToken>();
  #indent = 0;
  /** The first word of the statement that this indent belongs to. */
  #word = "";
  /** How many more } than { there are: so many are to be dropped, or so many { are missing. */
  #excess = 0;

  constructor(
    readonly file: SourceFile,
    readonly tokens: readonly IToken[],
    readonly damage: number[],
    readonly diagnostics: Diagnostics,
  ) {}

  run(): IToken[] {
    for (const { tokenType } of this.tokens) {
      if (tokenType === t.RCurly) this.#excess++;
      if (tokenType === t.LCurly) this.#excess--;
    }
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

    if (previous !== null && this.#lacksBody(at, previous, indent)) this.#insertBody(previous);
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
      this.#word = token.image;
    }
  }

  /** True if this line stands further in than a statement that has a body, and there was no `{`. */
  #lacksBody(at: number, previous: number, indent: number): boolean {
    const inner = this.#open.at(-1);
    if (this.#excess <= 0 || indent <= this.#indent || (inner && !isBrace(inner))) return false;
    const before = this.tokens[previous]!.tokenType;
    if (before === t.LCurly || before === t.RCurly) return false;
    return bodyWords.has(this.#word) && !continues(before, this.tokens[at]!.tokenType);
  }

  #insertBody(previous: number): void {
    const end = endOf(this.tokens[previous]!);
    const span = { file: this.file, start: end, end };
    this.diagnostics.report("E0106", span, "expected a body in { }, found the end of the line", {
      fixes: [{ message: "write `{`", edits: [{ span, text: " {" }] }],
    });
    const token = makeToken(t.LCurly, end);
    this.#insertions.set(previous + 1, [token]);
    this.#open.push({ token, at: previous + 1, indent: this.#indent, close: null });
    this.#excess--;
  }

  #close(at: number): void {
    const token = this.tokens[at]!;
    const opener = t.openers.get(token.tokenType)!;
    const inner = this.#open.at(-1);
    if (inner?.token.tokenType === opener) {
      if (token.tokenType === t.RCurly && this.#excess > 0 && !this.#standsWith(inner, at)) {
        this.#excess--;
        this.#drop(at);
      } else this.#popMatched();
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
    } else if (inner && !isBrace(inner) && token.tokenType !== t.RCurly && !this.#isClosedLater(inner, at)) {
      this.#open.pop();
      const meant = t.closers.get(inner.token.tokenType)!;
      const text = meant === t.RParen ? ")" : "]";
      const span = spanOf(this.file, token);
      this.diagnostics.report("E0103", span, `\`${token.image}\` does not close \`${inner.token.image}\``, {
        labels: [{ span: spanOf(this.file, inner.token), text: "opened here" }],
        fixes: [{ message: `write \`${text}\``, edits: [{ span, text }] }],
      });
      this.#replaced.set(at, makeToken(meant, token.startOffset, token.image));
    } else this.#drop(at);
  }

  /** Leaves out a bracket that closes nothing. */
  #drop(at: number): void {
    const token = this.tokens[at]!;
    this.damage.push(token.startOffset);
    this.#dropped.add(at);
    this.diagnostics.report("E0104", spanOf(this.file, token), `\`${token.image}\` closes nothing`);
  }

  /** True if a `}` stands on the line of its `{`, or first on a line and as far in as the statement of its `{`. */
  #standsWith(open: Open, at: number): boolean {
    const token = this.tokens[at]!;
    const { line, column } = this.file.position(token.startOffset);
    if (this.file.position(open.token.startOffset).line === line) return true;
    return this.tokens[at - 1]!.tokenType === t.NewLine && column === open.indent;
  }

  /** True if, without the closing bracket of the number `at`, one of the right kind closes this one. */
  #isClosedLater(open: Open, at: number): boolean {
    const inside: TokenType[] = [];
    for (let i = at + 1; i < Math.min(this.tokens.length, at + 1000); i++) {
      const { tokenType } = this.tokens[i]!;
      if (tokenType === t.LCurly || tokenType === t.RCurly || beginsStatement(this.tokens, i)) return false;
      if (t.closers.has(tokenType)) inside.push(tokenType);
      const opener = t.openers.get(tokenType);
      if (opener && inside.length === 0) return opener === open.token.tokenType;
      if (opener && inside.pop() !== opener) return false;
    }
    return false;
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
