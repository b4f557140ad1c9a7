/**
 * What is wrong with something the user gave, as data. Renderers for people, for one line and for programs are in
 * render.ts; what each code means is in reference/.
 *
 * The message states the fact; only `help` suggests, and never as a question.
 */
import type { Code } from "./reference/index.js";
import type { Span } from "./source.js";

export type Severity = "error" | "warning" | "note";

/** A span with a word on it. The primary label is where the mistake is; the others say where its parts come from. */
export interface Label {
  readonly span: Span;
  readonly text: string;
  readonly primary: boolean;
}

/** A change of the text that mends the mistake. */
export interface Fix {
  readonly message: string;
  readonly edits: readonly { readonly span: Span; readonly text: string }[];
}

export interface Diagnostic {
  readonly code: Code;
  readonly severity: Severity;
  readonly message: string;
  /** The first primary label is the place of the diagnostic. Empty for what has no text (a missing file, a flag). */
  readonly labels: readonly Label[];
  readonly notes: readonly string[];
  readonly help: readonly string[];
  readonly fixes: readonly Fix[];
}

/** The optional parts of a diagnostic, as they are given when it is made. */
export interface DiagnosticParts {
  readonly severity?: Severity;
  /** What to write at the primary span. */
  readonly label?: string;
  /** Secondary labels. */
  readonly labels?: readonly { readonly span: Span; readonly text: string }[];
  readonly notes?: readonly string[];
  readonly help?: readonly string[];
  readonly fixes?: readonly Fix[];
}

/** Makes a diagnostic. `at` is null where there is no text to point at. */
export function diagnostic(code: Code, at: Span | null, message: string, parts: DiagnosticParts = {}): Diagnostic {
  const labels: Label[] = at ? [{ span: at, text: parts.label ?? "", primary: true }] : [];
  for (const { span, text } of parts.labels ?? []) labels.push({ span, text, primary: false });
  return {
    code,
    severity: parts.severity ?? "error",
    message,
    labels,
    notes: parts.notes ?? [],
    help: parts.help ?? [],
    fixes: parts.fixes ?? [],
  };
}

/** The span of the first primary label, or null. */
export function primarySpan(d: Diagnostic): Span | null {
  return d.labels.find((label) => label.primary)?.span ?? null;
}

/**
 * Collects diagnostics. One mistake is kept once: a second diagnostic of the same code at the same place is dropped,
 * so that a mistake in a block shows once and not once per layer.
 */
export class Diagnostics {
  readonly #all: Diagnostic[] = [];
  readonly #seen = new Set<string>();

  /** @param outer what was reported before, for `has`; nothing is added to it. */
  constructor(readonly outer: Diagnostics | null = null) {}

  add(d: Diagnostic): void {
    const span = primarySpan(d);
    const key = span ? `${d.code} ${span.file.name} ${span.start} ${span.end}` : `${d.code} ${d.message}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    this.#all.push(d);
  }

  /** Makes and adds an error (or what `parts.severity` says). */
  report(code: Code, at: Span | null, message: string, parts: DiagnosticParts = {}): void {
    this.add(diagnostic(code, at, message, parts));
  }

  get hasErrors(): boolean {
    return this.errorCount > 0;
  }

  get errorCount(): number {
    return this.#all.filter((d) => d.severity === "error").length;
  }

  /** Whether a diagnostic of one of these codes is there. */
  has(...codes: readonly Code[]): boolean {
    return this.#all.some((d) => codes.includes(d.code)) || (this.outer?.has(...codes) ?? false);
  }

  /** All, sorted by file (in order of first mention) and position. */
  get sorted(): readonly Diagnostic[] {
    const files = new Map<string, number>();
    for (const d of this.#all) {
      const name = primarySpan(d)?.file.name ?? "";
      if (!files.has(name)) files.set(name, files.size);
    }
    const rank = (d: Diagnostic): [number, number] => {
      const span = primarySpan(d);
      return [files.get(span?.file.name ?? "") ?? 0, span?.start ?? 0];
    };
    return [...this.#all].sort((a, b) => {
      const [fa, sa] = rank(a);
      const [fb, sb] = rank(b);
      return fa - fb || sa - sb;
    });
  }
}

/** Thrown by functions that cannot go on: the user's input is wrong, and `diagnostics` say how. */
export class UserError extends Error {
  constructor(readonly diagnostics: readonly Diagnostic[]) {
    super(diagnostics.map((d) => `${d.code}: ${d.message}`).join("\n"));
    this.name = "UserError";
  }

  /** A user error of one diagnostic without a place in a text. */
  static of(code: Code, message: string, parts: DiagnosticParts = {}): UserError {
    return new UserError([diagnostic(code, null, message, parts)]);
  }
}

/** A mistake of Trafo itself: some invariant does not hold. `details` is what a maintainer needs (annotated IR). */
export class InternalError extends Error {
  constructor(
    message: string,
    readonly details = "",
  ) {
    super(message);
    this.name = "InternalError";
  }
}
