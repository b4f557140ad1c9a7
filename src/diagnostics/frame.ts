/**
 * Code frames: the lines of a source text that a diagnostic speaks of, with marks under them.
 *
 * A frame is a list of rows: a gutter, and segments of text with a style. What a style looks like is decided by
 * render.ts, so that everything here can be tested as plain text. Columns are visual: a tab goes to the next multiple
 * of four, wide characters take two columns, and control characters are shown by their pictures, so that a source text
 * cannot steer the terminal.
 */
import type { Label } from "./diagnostic.js";
import type { SourceFile } from "./source.js";

export type Style = "plain" | "primary" | "secondary" | "gutter";

export interface Segment {
  readonly text: string;
  readonly style: Style;
}

/** One row: the number of its line, or null for a row of marks; `skip` stands for lines left out. */
export interface Row {
  readonly line: number | null;
  readonly skip: boolean;
  readonly segments: readonly Segment[];
}

const TAB = 4;
const ELLIPSIS = "…";

/** The number of columns that a character takes in a terminal. */
function widthOf(character: string): number {
  const point = character.codePointAt(0) ?? 0;
  if (/^\p{M}$/u.test(character) || point === 0x200d || (point >= 0xfe00 && point <= 0xfe0f)) return 0;
  const wide =
    (point >= 0x1100 && point <= 0x115f) ||
    (point >= 0x2e80 && point <= 0xa4cf) ||
    (point >= 0xac00 && point <= 0xd7a3) ||
    (point >= 0xf900 && point <= 0xfaff) ||
    (point >= 0xfe30 && point <= 0xfe6f) ||
    (point >= 0xff00 && point <= 0xff60) ||
    (point >= 0xffe0 && point <= 0xffe6) ||
    (point >= 0x1f300 && point <= 0x1f64f) ||
    (point >= 0x1f680 && point <= 0x1f9ff) ||
    (point >= 0x20000 && point <= 0x3fffd);
  return wide ? 2 : 1;
}

/** Replaces what would steer a terminal by pictures of the characters; line ends stay. */
export function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]|[\u202a-\u202e\u2066-\u2069]/gu, (c) => {
    const code = c.charCodeAt(0);
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : "\ufffd";
  });
}

/** A line as it is shown: one cell for each column, and the first column of each offset. */
interface Shown {
  readonly cells: readonly string[];
  /** The column of each UTF-16 offset of the line, and of its end. */
  readonly columns: readonly number[];
}

function show(text: string): Shown {
  const cells: string[] = [];
  const columns: number[] = [];
  for (const character of text) {
    for (let unit = 0; unit < character.length; unit++) columns.push(cells.length);
    if (character === "\t") {
      do cells.push(" ");
      while (cells.length % TAB !== 0);
      continue;
    }
    const width = widthOf(character);
    if (width === 0 && cells.length > 0) cells[cells.length - 1] += character;
    else {
      cells.push(printable(character));
      for (let more = 1; more < width; more++) cells.push("");
    }
  }
  columns.push(cells.length);
  return { cells, columns };
}

/** The part of a label that lies on one line, in columns from 0; `end` is after the last. */
interface Mark {
  readonly start: number;
  readonly end: number;
  readonly primary: boolean;
  /** The label's text, where this is the line that it stands on. */
  readonly text: string;
}

/** Marks by line of the labels of one file. A label over several lines marks its first and its last. */
function marksByLine(file: SourceFile, labels: readonly Label[]): Map<number, Mark[]> {
  const byLine = new Map<number, Mark[]>();
  const put = (line: number, mark: Mark) => {
    const marks = byLine.get(line);
    if (marks) marks.push(mark);
    else byLine.set(line, [mark]);
  };
  for (const { span, text, primary } of labels) {
    const start = file.position(span.start);
    // The end of a span is after its last character: of a span that ends with a line, that is still this line.
    const end = file.position(Math.max(span.start, span.end - 1));
    const first = show(file.line(start.line));
    const at = (shown: Shown, offset: number) => shown.columns[Math.min(offset, shown.columns.length - 1)] ?? 0;
    if (start.line === end.line) {
      const from = at(first, start.column - 1);
      const to = span.end > span.start ? at(first, end.column) : from;
      put(start.line, { start: from, end: Math.max(from + 1, to), primary, text });
      continue;
    }
    const last = show(file.line(end.line));
    const from = at(first, start.column - 1);
    put(start.line, { start: from, end: Math.max(from + 1, first.cells.length), primary, text: "" });
    const indent = file.line(end.line).search(/\S/);
    const back = Math.max(0, Math.min(indent, end.column - 1));
    const lastFrom = at(last, back);
    put(end.line, { start: lastFrom, end: Math.max(lastFrom + 1, at(last, end.column)), primary, text });
  }
  for (const marks of byLine.values()) marks.sort((a, b) => a.start - b.start || a.end - b.end);
  return byLine;
}

/** A row of cells with a style each, as segments; blanks at the end are cut. */
function segmentsOf(cells: readonly { text: string; style: Style }[]): Segment[] {
  let length = cells.length;
  while (length > 0 && cells[length - 1]!.text.trim() === "" && cells[length - 1]!.text !== "") length--;
  const out: { text: string; style: Style }[] = [];
  for (const { text, style } of cells.slice(0, length)) {
    const last = out.at(-1);
    if (last && last.style === style) last.text += text;
    else out.push({ text, style });
  }
  return out;
}

/** Paints text into a row of cells, from a column on. */
function paint(cells: { text: string; style: Style }[], column: number, text: string, style: Style): void {
  const shown = show(text).cells;
  while (cells.length < column + shown.length) cells.push({ text: " ", style: "plain" });
  shown.forEach((cell, i) => {
    cells[column + i] = { text: cell, style };
  });
}

/** The rows of marks under a line: underlines with the last text beside them, then the other texts, right to left. */
function markRows(marks: readonly Mark[]): Segment[][] {
  const style = (mark: Mark): Style => (mark.primary ? "primary" : "secondary");
  const under: { text: string; style: Style }[] = [];
  for (const mark of [...marks].sort((a, b) => Number(a.primary) - Number(b.primary)))
    paint(under, mark.start, (mark.primary ? "^" : "-").repeat(mark.end - mark.start), style(mark));
  const rows = [under];
  const named = marks.filter((mark) => mark.text !== "");
  const last = named.at(-1);
  // The text of the rightmost label stands beside its marks if nothing else stands to the right of them.
  const beside = last && marks.every((mark) => mark === last || mark.end <= last.end) ? last : null;
  if (beside) paint(under, under.length + 1, beside.text, style(beside));
  const below = named.filter((mark) => mark !== beside);
  if (below.length > 0) {
    const bars: { text: string; style: Style }[] = [];
    for (const mark of below) paint(bars, mark.start, "│", style(mark));
    rows.push(bars);
  }
  for (let i = below.length - 1; i >= 0; i--) {
    const row: { text: string; style: Style }[] = [];
    for (const mark of below.slice(0, i)) paint(row, mark.start, "│", style(mark));
    paint(row, below[i]!.start, below[i]!.text, style(below[i]!));
    rows.push(row);
  }
  return rows.map(segmentsOf);
}

/** Where to cut a line that is too wide: columns `from` to `to` are shown, all marks at least in part. */
function window(length: number, marks: readonly Mark[], width: number): { from: number; to: number } {
  if (length <= width) return { from: 0, to: length };
  const primary = marks.find((mark) => mark.primary) ?? marks[0]!;
  const first = Math.min(...marks.map((mark) => mark.start));
  const last = Math.max(...marks.map((mark) => mark.end));
  // All marks if they fit, else the primary one.
  const [low, high] = last - first <= width - 10 ? [first, last] : [primary.start, primary.end];
  if (high <= width - 2) return { from: 0, to: width - 1 };
  const middle = Math.max(0, Math.min(low - 5, Math.round((low + high - width) / 2)));
  const from = Math.min(Math.max(middle, low - 20), length - 1);
  return { from, to: Math.min(length, from + width - 2) };
}

/** The rows of a frame of one file. `width` is the number of columns that a source line may take. */
export function frame(file: SourceFile, labels: readonly Label[], width: number): Row[] {
  const byLine = marksByLine(file, labels);
  const lines = [...byLine.keys()].sort((a, b) => a - b);
  // Lines without marks are left out, but of a label over several lines a few are shown, and else a sign of the gap.
  const rows: Row[] = [];
  let previous = 0;
  for (const line of lines) {
    const spanned = labels.some(
      ({ span }) =>
        file.position(span.start).line <= previous && file.position(Math.max(span.start, span.end - 1)).line >= line,
    );
    if (previous > 0 && spanned && line - previous > 1) {
      if (line - previous <= 3)
        for (let between = previous + 1; between < line; between++) rows.push(sourceRow(file, between, [], width).row);
      else rows.push({ line: null, skip: true, segments: [] });
    }
    const marks = byLine.get(line) ?? [];
    const source = sourceRow(file, line, marks, width);
    rows.push(source.row);
    const visible = marks
      .map((mark) => ({ ...mark, start: mark.start - source.shift, end: Math.min(mark.end - source.shift, width) }))
      .filter((mark) => mark.end > 0 && mark.start < width)
      .map((mark) => ({ ...mark, start: Math.max(0, mark.start), end: Math.max(1, mark.end) }));
    for (const segments of markRows(visible)) rows.push({ line: null, skip: false, segments });
    previous = line;
  }
  return rows;
}

/** A source line, cut to the width; `shift` is how many columns its start moved to the left. */
function sourceRow(file: SourceFile, line: number, marks: readonly Mark[], width: number): { row: Row; shift: number } {
  const { cells } = show(file.line(line));
  const { from, to } =
    marks.length > 0 ? window(cells.length, marks, width) : { from: 0, to: Math.min(cells.length, width - 1) };
  const text = `${from > 0 ? ELLIPSIS : ""}${cells.slice(from, to).join("")}${to < cells.length ? ELLIPSIS : ""}`;
  const shift = from > 0 ? from - 1 : 0;
  return { row: { line, skip: false, segments: [{ text: text.trimEnd(), style: "plain" }] }, shift };
}
