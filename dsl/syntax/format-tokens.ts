/**
 * The tokens of a file with the comments that follow each, for the formatter. It takes them one by one while it walks
 * the tree, so that what it prints is what was written: only space, and commas before a closing bracket, may differ.
 */
import type { IToken } from "chevrotain";
import { InternalError, type SourceFile } from "../../src/diagnostics/index.js";
import { type Comment, concat, type Document, text } from "./format-document.js";
import { endOf } from "./lexer.js";
import * as t from "./tokens.js";

interface Piece {
  readonly token: IToken;
  readonly comments: Comment[];
}

export class TokenReader {
  readonly #pieces: Piece[] = [];
  /** The comments before the first token. */
  readonly #leading: Comment[] = [];
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

  /** True if what lies between two offsets was written on one line. */
  onOneLine(start: number, end: number): boolean {
    return !this.file.text.slice(start, end).includes("\n");
  }

  /** The end of the last token taken. */
  get position(): number {
    const piece = this.#pieces[this.#next - 1];
    return piece ? endOf(piece.token) : 0;
  }
}
