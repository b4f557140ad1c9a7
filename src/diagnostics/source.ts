/**
 * Source texts and places in them. Everything that can be wrong in a user's text points back here.
 *
 * Offsets count UTF-16 code units from 0; lines and columns count from 1, as editors show them.
 */

/** A text with a name that a person recognises, usually a path as it was given on the command line. */
export class SourceFile {
  readonly #lineStarts: number[];

  /** @param library true for texts that come with Trafo: an error is shown at the user's line that led there. */
  constructor(
    readonly name: string,
    readonly text: string,
    readonly library = false,
  ) {
    this.#lineStarts = [0];
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) this.#lineStarts.push(at + 1);
  }

  /** The number of lines, at least 1. */
  get lineCount(): number {
    return this.#lineStarts.length;
  }

  /** The line and column (both from 1) of an offset; an offset past the end is the end. */
  position(offset: number): { line: number; column: number } {
    const at = Math.max(0, Math.min(offset, this.text.length));
    let low = 0;
    let high = this.#lineStarts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#lineStarts[middle] ?? 0) <= at) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: at - (this.#lineStarts[low] ?? 0) + 1 };
  }

  /** The text of a line (from 1), without its end. */
  line(line: number): string {
    const start = this.#lineStarts[line - 1] ?? this.text.length;
    const end = this.#lineStarts[line] ?? this.text.length + 1;
    return this.text.slice(start, end - 1).replace(/\r$/, "");
  }
}

/** A stretch of a source text: `start` is its first offset, `end` the one after its last. */
export interface Span {
  readonly file: SourceFile;
  readonly start: number;
  readonly end: number;
}

/** A place as plain data, for structures that are printed and parsed: file name, line and column from 1. */
export interface Location {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Where a span starts, as plain data. */
export function locationOf(span: Span): Location {
  return { file: span.file.name, ...span.file.position(span.start) };
}

/** The smallest span that holds both. They must be of one file. */
export function join(a: Span, b: Span): Span {
  return { file: a.file, start: Math.min(a.start, b.start), end: Math.max(a.end, b.end) };
}
