/** Helps tests of the syntax: messages in one line, trees without places, comments, fixes. */
import { type File, parse, parseExpression } from "../../dsl/syntax/index.js";
import { type Diagnostic, Diagnostics, primarySpan, SourceFile } from "../../src/diagnostics/index.js";

export interface Parsed {
  readonly file: SourceFile;
  readonly tree: File;
  readonly diagnostics: readonly Diagnostic[];
}

export function read(text: string, name = "test.trafo"): Parsed {
  const file = new SourceFile(name, text);
  const diagnostics = new Diagnostics();
  const tree = parse(file, diagnostics);
  return { file, tree, diagnostics: diagnostics.sorted };
}

/** The tree of a text that must parse. */
export function treeOf(text: string): File {
  const { tree, diagnostics } = read(text);
  if (diagnostics.length > 0) throw new Error(diagnostics.map(oneLine).join("\n"));
  return tree;
}

/** `2:13 E0106 expected …`, with the place of the first primary label. */
export function oneLine(diagnostic: Diagnostic): string {
  const span = primarySpan(diagnostic)!;
  const { line, column } = span.file.position(span.start);
  return `${line}:${column} ${diagnostic.code} ${diagnostic.message}`;
}

/** All mistakes of a text, one line each. */
export function mistakes(text: string): string[] {
  return read(text).diagnostics.map(oneLine);
}

/** The text that a diagnostic points at. */
export function pointedAt(diagnostic: Diagnostic): string {
  const { file, start, end } = primarySpan(diagnostic)!;
  return file.text.slice(start, end);
}

/** The text after the first fix of each diagnostic that has one, all of them together. */
export function mended(text: string): string {
  const edits = read(text).diagnostics.flatMap(({ fixes }) => fixes[0]?.edits ?? []);
  let out = text;
  for (const { span, text: replacement } of [...edits].sort((a, b) => b.span.start - a.span.start)) {
    out = out.slice(0, span.start) + replacement + out.slice(span.end);
  }
  return out;
}

/** The tree of an expression that must parse, as text with all parentheses: `(a + (b * c))`. */
export function grouped(text: string): string {
  const diagnostics = new Diagnostics();
  const tree = parseExpression(new SourceFile("expression", text), diagnostics);
  if (diagnostics.hasErrors) throw new Error(diagnostics.sorted.map(oneLine).join("\n"));
  return show(tree);
}

type Expression = ReturnType<typeof parseExpression>;

function show(e: Expression): string {
  switch (e.kind) {
    case "number":
      return e.text;
    case "string":
      return `"${e.value}"`;
    case "boolean":
      return String(e.value);
    case "name":
      return e.name;
    case "tuple":
      return `tuple(${e.items.map(show).join(", ")})`;
    case "list":
      return `[${e.items.map(show).join(", ")}]`;
    case "group":
      return `<${show(e.value)}>`;
    case "negate":
      return `(-${show(e.value)})`;
    case "not":
      return `(not ${show(e.value)})`;
    case "binary":
      return `(${show(e.left)} ${e.operator} ${show(e.right)})`;
    case "compare":
      return `(${e.operands.map((side, i) => (i > 0 ? `${e.operators[i - 1]!.operator} ` : "") + show(side)).join(" ")})`;
    case "conditional":
      return `(if ${show(e.condition)} then ${show(e.yes)} else ${show(e.no)})`;
    case "call": {
      const given = e.arguments.map(({ name, value }) => (name ? `${name.name} = ` : "") + show(value));
      return `${show(e.callee)}(${given.join(", ")})`;
    }
    case "index": {
      const parts = e.subscripts.map((s) => {
        if (s.kind === "rest") return "...";
        if (s.kind === "at") return show(s.index);
        return `${s.low ? show(s.low) : ""}:${s.high ? show(s.high) : ""}`;
      });
      return `${show(e.value)}[${parts.join(", ")}]`;
    }
    case "transpose":
      return `${show(e.value)}.T`;
    case "comprehension": {
      const indices = e.indices.map(({ name, size }) => `${name.name}: ${show(size)}`).join(", ");
      return `([${indices}] => ${e.body.kind === "body" ? "{…}" : show(e.body)})`;
    }
    case "missing":
      return "missing";
  }
}

/** A tree without its places, to compare. */
export function withoutSpans(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(withoutSpans);
  if (typeof node !== "object" || node === null) return node;
  const entries = Object.entries(node).filter(([key]) => key !== "span" && key !== "operatorSpan");
  return Object.fromEntries(entries.map(([key, value]) => [key, withoutSpans(value)]));
}

/** A tree with the text of each node in place of its span. */
export function withTexts(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(withTexts);
  if (typeof node !== "object" || node === null) return node;
  const out: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(node)) {
    if (key === "span" || key === "operatorSpan") {
      const { file, start, end } = value as { file: SourceFile; start: number; end: number };
      out[key === "span" ? "text" : "operatorText"] = file.text.slice(start, end);
    } else out[key] = withTexts(value);
  }
  return out;
}

/** The comments of a text in order, without space at their ends. */
export function commentsOf(text: string): string[] {
  return text.split("\n").flatMap((line) => {
    // No string goes over lines: a # behind an even number of quotes begins a comment.
    const comment = /^(?:[^"#]|"[^"]*")*(#.*)$/.exec(line);
    return comment ? [comment[1]!.trimEnd()] : [];
  });
}
