/**
 * The tokens of a file with the comments that follow each, for the formatter. It takes them one by one while it walks
 * the tree, so that what it prints is what was written: only space, and commas before a closing bracket, may differ.
 */
import type { IToken } from "chevrotain";
import { InternalError, type SourceFile } from "../../src/diagnostics/index.js";
import { type Comment, concat, type Document, text } from "./format-document.js";
import * as t from "./tokens.js";

interface Piece {
  readonly token: IToken;
  readonly comments: Comment[];
}

export class TokenReader {
  readonly #pieces: Piece[] = [];
  /** The comments before the first token. */
  readonly #leading: Comment[] = [];
  readonly #bodies: readonly { all: number; long: number }[];
  #next = 0;

  constructor(
    readonly file: SourceFile,
    tokens: readonly IToken[],
    comments: readonly IToken[],
  ) {
    let comment = 0;
    let into = this.#leading;
    const addComments = (before: number) => {
      for (let next = comments[comment]; next && next.startOffset < before; next = comments[++comment]) {
        into.push(this.#comment(next));
      }
    };
    const real = tokens.filter((token) => token.tokenType !== t.Line);
    real.forEach((token, at) => {
      addComments(token.startOffset);
      const following = real[at + 1];
      // A comma before a closing bracket says nothing; the layout decides about it. Its comments stay.
      const drops = token.tokenType === t.Comma && following && t.openers.has(following.tokenType);
      if (drops) return;
      into = [];
      this.#pieces.push({ token, comments: into });
    });
    addComments(Number.POSITIVE_INFINITY);
    this.#bodies = this.#countBodies();
  }

  #comment(token: IToken): Comment {
    const lineStart = this.file.text.lastIndexOf("\n", token.startOffset - 1) + 1;
    const own = /^\s*$/.test(this.file.text.slice(lineStart, token.startOffset).replaceAll("\uFEFF", ""));
    return { text: token.image.trimEnd(), own, blank: own && this.#blankAbove(lineStart) };
  }

  /** True if the line above the one that begins at this offset is empty. */
  #blankAbove(lineStart: number): boolean {
    if (lineStart === 0) return false;
    const above = this.file.text.lastIndexOf("\n", lineStart - 2) + 1;
    return lineStart > 0 && /^\s*$/.test(this.file.text.slice(above, lineStart));
  }

  /** True if an empty line stands above what begins at this offset. */
  blankBefore(offset: number): boolean {
    return this.#blankAbove(this.file.text.lastIndexOf("\n", offset - 1) + 1);
  }

  /** The comments before the first token. */
  get leading(): Document {
    return { kind: "comments", comments: this.#leading };
  }

  /** True if comments follow the next token. */
  commentsAfter(): boolean {
    return (this.#pieces[this.#next]?.comments.length ?? 0) > 0;
  }

  /** True if comments on lines of their own follow the token taken last. */
  get commentsBehind(): boolean {
    return this.#pieces[this.#next - 1]?.comments.some(({ own }) => own) ?? false;
  }

  /** Takes the next token, which must be this one if one is given, with the comments behind it. */
  take(image?: string): Document {
    const piece = this.#pieces[this.#next++];
    if (!piece || (image !== undefined && piece.token.image !== image)) {
      const found = piece ? `\`${piece.token.image}\` at ${piece.token.startOffset}` : "the end";
      throw new InternalError(`the formatter expected \`${image ?? "a token"}\`, found ${found} in ${this.file.name}`);
    }
    const content = text(piece.token.image);
    return piece.comments.length > 0 ? concat(content, { kind: "comments", comments: piece.comments }) : content;
  }

  // ---- Bodies and attempts

  /** True if some body begins before this offset and not before the next token, and each of them is on one line. */
  hasOnlyOneLineBodies(end: number): boolean {
    const from = this.#bodies[this.#next]!;
    const to = this.#bodies[this.#indexAt(end)]!;
    return to.all > from.all && to.long === from.long;
  }

  /** How many bodies begin before each token: all, and those that go over several lines. */
  #countBodies(): { all: number; long: number }[] {
    const isLong = new Set<IToken>();
    const open: { token: IToken; lines: number }[] = [];
    let lines = 0;
    let lineEnd = this.#lineEnd(0);
    for (const { token } of this.#pieces) {
      for (; lineEnd < token.startOffset; lineEnd = this.#lineEnd(lineEnd + 1)) lines++;
      if (token.tokenType === t.LCurly) open.push({ token, lines });
      const closed = token.tokenType === t.RCurly ? open.pop() : undefined;
      if (closed && closed.lines < lines) isLong.add(closed.token);
    }
    const counts = [{ all: 0, long: 0 }];
    for (const { token } of this.#pieces) {
      const { all, long } = counts.at(-1)!;
      const begins = token.tokenType === t.LCurly ? 1 : 0;
      counts.push({ all: all + begins, long: long + (isLong.has(token) ? 1 : 0) });
    }
    return counts;
  }

  /** The offset of the first end of a line from an offset on. */
  #lineEnd(from: number): number {
    const at = this.file.text.indexOf("\n", from);
    return at < 0 ? Number.POSITIVE_INFINITY : at;
  }

  /** The number of the first token that begins at this offset or later. */
  #indexAt(offset: number): number {
    let low = 0;
    let high = this.#pieces.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#pieces[middle]!.token.startOffset < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** A place to come back to. */
  mark(): number {
    return this.#next;
  }

  rewind(mark: number): void {
    this.#next = mark;
  }
}
