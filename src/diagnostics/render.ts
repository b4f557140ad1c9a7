/**
 * Diagnostics for people, for one line, and for programs. Renderers only print: what is said, and its order, was decided
 * where the diagnostic was made.
 */
import picocolors from "picocolors";
import { type Diagnostic, type Label, primarySpan, type Severity } from "./diagnostic.js";
import { frame, printable, type Style } from "./frame.js";
import type { SourceFile, Span } from "./source.js";

export interface RenderOptions {
  /** Colours for a terminal. Off unless asked for. */
  readonly colour?: boolean;
  /** The columns of the terminal; 120 if not given. Only source lines are cut. */
  readonly width?: number;
}

type Paint = (text: string) => string;

/** What each part looks like. */
interface Palette {
  readonly severity: Readonly<Record<Severity, Paint>>;
  readonly message: Paint;
  readonly secondary: Paint;
  readonly gutter: Paint;
}

function palette(colour: boolean): Palette {
  const c = picocolors.createColors(colour);
  return {
    severity: {
      error: (text) => c.bold(c.red(text)),
      warning: (text) => c.bold(c.yellow(text)),
      note: (text) => c.bold(c.cyan(text)),
    },
    message: c.bold,
    secondary: c.blue,
    gutter: c.blue,
  };
}

/** The labels by file, the primary one's first, then in order of mention. */
function byFile(labels: readonly Label[]): Map<SourceFile, Label[]> {
  const files = new Map<SourceFile, Label[]>();
  for (const label of [...labels].sort((a, b) => Number(b.primary) - Number(a.primary))) {
    const of = files.get(label.span.file);
    if (of) of.push(label);
    else files.set(label.span.file, [label]);
  }
  return files;
}

/** A diagnostic for people, over several lines, without a line end at the end. */
export function renderDiagnostic(d: Diagnostic, options: RenderOptions = {}): string {
  const paints = palette(options.colour ?? false);
  const severity = paints.severity[d.severity];
  const styles: Readonly<Record<Style, Paint>> = {
    plain: (text) => text,
    primary: severity,
    secondary: paints.secondary,
    gutter: paints.gutter,
  };
  const digits = Math.max(0, ...d.labels.map(({ span }) => String(lastLine(span)).length));
  const blank = " ".repeat(digits);
  const width = Math.max(40, (options.width ?? 120) - digits - 3);
  const out = [`${severity(`${d.severity}[${d.code}]`)}${paints.message(`: ${printable(d.message)}`)}`];
  for (const [file, labels] of byFile(d.labels)) {
    const at = labels.find((label) => label.primary) ?? labels[0]!;
    const { line, column } = file.position(at.span.start);
    out.push(`${blank} ${paints.gutter("┌─")} ${printable(file.name)}:${line}:${column}`);
    for (const row of frame(file, labels, width)) {
      const number = row.line === null ? blank : String(row.line).padStart(digits);
      const text = row.segments.map((segment) => styles[segment.style](segment.text)).join("");
      const gutter = row.skip ? "┆" : "│";
      out.push(`${paints.gutter(`${number} ${gutter}`)} ${text}`.trimEnd());
    }
  }
  const say = (kind: string, text: string) => {
    const [first = "", ...more] = printable(text).split("\n");
    out.push(`${blank} ${paints.gutter("=")} ${paints.message(kind)}: ${first}`);
    for (const line of more) out.push(`${blank}   ${" ".repeat(kind.length + 2)}${line}`.trimEnd());
  };
  for (const note of d.notes) say("note", note);
  for (const help of d.help) say("help", help);
  for (const { message } of d.fixes) if (!d.help.includes(message)) say("help", message);
  return out.join("\n");
}

/** All diagnostics for people, with a blank line between them and, if there are several, a summary at the end. */
export function renderDiagnostics(diagnostics: readonly Diagnostic[], options: RenderOptions = {}): string {
  if (diagnostics.length === 0) return "";
  const blocks = diagnostics.map((d) => renderDiagnostic(d, options));
  if (blocks.length > 1) blocks.push(summary(diagnostics));
  return `${blocks.join("\n\n")}\n`;
}

function lastLine(span: Span): number {
  return span.file.position(Math.max(span.start, span.end - 1)).line;
}

/** `file:line:col: error E0304: message`, or without a place where there is none. */
export function renderLine(d: Diagnostic): string {
  const message = printable(d.message).replaceAll("\n", " ");
  const span = primarySpan(d);
  if (!span) return `${d.severity} ${d.code}: ${message}`;
  const { line, column } = span.file.position(span.start);
  return `${span.file.name}:${line}:${column}: ${d.severity} ${d.code}: ${message}`;
}

const count = (n: number, word: string) => (n === 0 ? [] : [`${n} ${word}${n === 1 ? "" : "s"}`]);

/** `2 errors, 1 warning`. */
export function summary(diagnostics: readonly Diagnostic[]): string {
  const of = (severity: Severity) => diagnostics.filter((d) => d.severity === severity).length;
  return [...count(of("error"), "error"), ...count(of("warning"), "warning"), ...count(of("note"), "note")].join(", ");
}

/** A stretch of text as an editor counts it: lines and columns from 1, the end is after the last character. */
export interface JsonSpan {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

/** A diagnostic as JSON: what `--json` prints. */
export interface JsonDiagnostic {
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
  readonly labels: readonly (JsonSpan & { readonly text: string; readonly primary: boolean })[];
  readonly notes: readonly string[];
  readonly help: readonly string[];
  readonly fixes: readonly {
    readonly message: string;
    readonly edits: readonly (JsonSpan & { readonly text: string })[];
  }[];
}

function jsonSpan(span: Span): JsonSpan {
  const start = span.file.position(span.start);
  const end = span.file.position(span.end);
  return { file: span.file.name, line: start.line, column: start.column, endLine: end.line, endColumn: end.column };
}

/** A diagnostic as plain data for JSON. */
export function diagnosticToJson(d: Diagnostic): JsonDiagnostic {
  return {
    code: d.code,
    severity: d.severity,
    message: d.message,
    labels: d.labels.map(({ span, text, primary }) => ({ ...jsonSpan(span), text, primary })),
    notes: d.notes,
    help: d.help,
    fixes: d.fixes.map(({ message, edits }) => ({
      message,
      edits: edits.map(({ span, text }) => ({ ...jsonSpan(span), text })),
    })),
  };
}
