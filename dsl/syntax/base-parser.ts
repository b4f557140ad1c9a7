/**
 * What all parts of the parser share: the text and tokens at hand, spans, lists, the limit of nesting, and how a
 * mistake in one statement leaves the others alone.
 *
 * The grammar is written in chevrotain's notation over the parts expressions.ts, types.ts, statements.ts and
 * declarations.ts, one class on top of the other; the last is the parser. Chevrotain's own recovery stays off: the
 * token sequence tells where each statement begins and its brackets match (lines.ts, brackets.ts), so the parser
 * catches a mistake at its statement, reports it (mistakes.ts) and goes on behind it.
 */
import {
  EmbeddedActionsParser,
  EOF,
  type IToken,
  isRecognitionException,
  type ParserMethod,
  type TokenType,
} from "chevrotain";
import type { Diagnostics, SourceFile, Span } from "../../src/diagnostics/index.js";
import type { Identifier } from "./ast.js";
import { endOf, spanOf } from "./lexer.js";
import type { Sequence } from "./lines.js";
import { explain } from "./mistakes.js";
import { Mistake } from "./stumble.js";
import * as t from "./tokens.js";
import { describeFound } from "./words.js";

/**
 * How deep expressions and bodies may stand inside of each other. The parser takes less than half of Node's stack for
 * that, which leaves room where stacks are smaller (browsers) and for the passes after it.
 */
export const nestingLimit = 100;

/** All that belongs to the parse of one text. */
export interface Source {
  readonly file: SourceFile;
  readonly sequence: Sequence;
  /** The offsets of mistakes already reported that make those of their statement follow, sorted. */
  readonly damage: readonly number[];
  readonly diagnostics: Diagnostics;
}

export abstract class BaseParser extends EmbeddedActionsParser {
  protected source!: Source;
  /** How many expressions and bodies are open. */
  protected depth = 0;
  /** How many expressions are open. */
  protected openExpressions = 0;
  /** The number of the first token of the statement that is parsed. */
  protected statement = 0;
  #deepReported = false;

  constructor() {
    super(t.vocabulary, {
      maxLookahead: 2,
      recoveryEnabled: false,
      errorMessageProvider: {
        // What is reported is made in mistakes.ts; here only what was expected is handed over.
        buildMismatchTokenMessage: ({ expected }) => expected.LABEL ?? expected.name,
        buildNoViableAltMessage: ({ customUserDescription }) => customUserDescription ?? "something else",
        buildEarlyExitMessage: ({ customUserDescription }) => customUserDescription ?? "something else",
        buildNotAllInputParsedMessage: () => t.Line.LABEL!,
      },
    });
  }

  /** Makes the parser ready for a text. */
  protected begin(source: Source): void {
    this.input = [...source.sequence.tokens]; // chevrotain adds tokens of its own at the end
    this.source = source;
    this.depth = 0;
    this.openExpressions = 0;
    this.#deepReported = false;
  }

  // ---- Places

  /** The number of the next token. */
  protected get position(): number {
    const next = this.LA(1);
    return next.tokenType === EOF ? this.source.sequence.tokens.length : (next.payload as number);
  }

  /** From a token to the last one taken. */
  protected since(start: IToken): Span {
    return this.between(start.startOffset);
  }

  /** From an offset to the end of the last token taken. */
  protected between(start: number): Span {
    return { file: this.source?.file, start, end: endOf(this.LA(0)) };
  }

  protected spanOf(token: IToken): Span {
    return spanOf(this.source?.file, token);
  }

  protected identifier(token: IToken): Identifier {
    return { name: token.image, span: this.spanOf(token) };
  }

  /** Reports a mistake, unless it may follow from damage in its statement. */
  protected readonly report: Diagnostics["report"] = (code, at, message, parts) => {
    if (!at || !this.isDamaged(at.end)) this.source.diagnostics.report(code, at, message, parts);
  };

  /** True if the statement holds damage, up to the end of the line of this offset. */
  protected isDamaged(offset: number): boolean {
    const { damage, file, sequence } = this.source;
    if (damage.length === 0) return false;
    const near = damage[firstAtLeast(damage, sequence.tokens[this.statement]?.startOffset ?? 0)];
    if (near === undefined) return false;
    const lineEnd = file.text.indexOf("\n", offset);
    return near <= (lineEnd < 0 ? file.text.length : lineEnd);
  }

  // ---- Lists

  /**
   * `item {"," item} [","]`. `number` tells apart the lists of one rule (chevrotain asks for it); `wanted` is what an
   * item is, in words.
   */
  protected items<T>(number: number, rule: ParserMethod<[], T>, wanted: string): T[] {
    const out: T[] = [this.subrule(number, rule)];
    this.many(number, () => {
      this.consume(number, t.Comma);
      const next = this.option(number, () => ({ item: this.subrule(number + 1, rule) }));
      if (next) out.push(next.item);
      else this.ACTION(() => this.expectEnd(wanted));
    });
    return out;
  }

  /** After a comma without an item: only a closing bracket may follow. */
  protected expectEnd(wanted: string): void {
    const next = this.LA(1);
    if (!t.openers.has(next.tokenType)) {
      throw new Mistake("E0106", this.placeOf(next), `expected ${wanted}, found ${describeFound(next)}`);
    }
  }

  /** Where a token is; the end of a line or file is behind the last token. */
  protected placeOf(token: IToken): Span {
    if (token.tokenType !== EOF && token.tokenType !== t.Line) return this.spanOf(token);
    const end = endOf(this.LA(0)) || 0; // nothing was taken yet: the beginning
    return { file: this.source.file, start: end, end };
  }

  // ---- Nesting

  /** Called where an expression or a body begins. */
  protected enter(): void {
    if (++this.depth > nestingLimit) throw new Mistake("E0120", this.spanOf(this.LA(1)), tooDeep);
  }

  protected leave(): void {
    this.depth--;
  }

  // ---- Mistakes

  /**
   * Parses one statement or part of one. After a mistake in it, that is reported, what is left up to `end` is skipped,
   * and the result is null.
   */
  protected guarded<T>(parse: () => T, end: (start: number) => number): T | null {
    const { depth, openExpressions, statement } = this;
    const start = this.RECORDING_PHASE ? 0 : this.position;
    try {
      return parse();
    } catch (error) {
      if (!(error instanceof Mistake) && !(error instanceof Error && isRecognitionException(error))) throw error;
      this.depth = depth;
      this.openExpressions = openExpressions;
      this.statement = statement;
      this.#reportMistake(error, start);
      this.advance(end(start));
      return null;
    }
  }

  #reportMistake(error: Error, start: number): void {
    const { tokens } = this.source.sequence;
    if (error instanceof Mistake) {
      if (error.code === "E0120") {
        if (this.#deepReported) return;
        this.#deepReported = true;
      }
      this.report(error.code, error.span, error.message, error.parts);
      return;
    }
    const at = Math.min(this.position, tokens.length);
    if (this.isDamaged(at < tokens.length ? endOf(tokens[at]!) : this.source.file.text.length)) return;
    explain({
      file: this.source.file,
      diagnostics: this.source.diagnostics,
      tokens,
      start,
      at,
      expected: error.message,
      rule: (error as unknown as { context: { ruleStack: string[] } }).context.ruleStack.at(-1) ?? "",
    });
  }

  /** Skips tokens up to the one of that number. */
  protected advance(to: number): void {
    while (this.position < to) this.CONSUME(this.LA(1).tokenType);
  }

  /** The number of the first token from `start` on, outside of brackets opened since, that is one of `types`. */
  protected find(start: number, types: ReadonlySet<TokenType>): number {
    const { tokens, partner } = this.source.sequence;
    let at = start;
    while (at < tokens.length) {
      const { tokenType } = tokens[at]!;
      if (types.has(tokenType)) return at;
      at = t.closers.has(tokenType) ? partner[at]! + 1 : at + 1;
    }
    return tokens.length;
  }
}

const tooDeep = `expressions and bodies stand more than ${nestingLimit} deep inside of each other`;

/** The number of the first of some sorted numbers that is no less than `least`. */
function firstAtLeast(sorted: readonly number[], least: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < least) low = middle + 1;
    else high = middle;
  }
  return low;
}
