import { describe, expect, it } from "vitest";
import { type Code, type Diagnostic, diagnostic, SourceFile, type Span } from "../../src/diagnostics/index.js";
import {
  diagnosticToJson,
  renderDiagnostic,
  renderDiagnostics,
  renderLine,
  summary,
} from "../../src/diagnostics/render.js";

/** The span of the n-th occurrence (from 0) of a text in a file. */
function find(file: SourceFile, text: string, n = 0): Span {
  let start = file.text.indexOf(text);
  for (let i = 0; i < n; i++) start = file.text.indexOf(text, start + 1);
  expect(start).toBeGreaterThanOrEqual(0);
  return { file, start, end: start + text.length };
}

const code = "E0607" as Code;
const show = (d: Diagnostic, width = 120) => renderDiagnostic(d, { width }).split("\n");

const mlp = new SourceFile("mlp.trafo", `${"\n".repeat(8)}  param w2: [4*D, D]\n\n\n\n\n  let y = x @ w2\n`);

describe("a diagnostic for people", () => {
  it("is drawn as the style guide shows it", () => {
    const at = find(mlp, "@");
    const d = diagnostic(code, at, "cannot multiply f32[B, T, D] by f32[4*D, D]: the inner sizes D and 4*D differ", {
      label: "contracts D with 4*D",
      labels: [
        { span: find(mlp, "[4*D, D]"), text: "w2 has 4*D rows" },
        { span: find(mlp, "x"), text: "" },
      ],
      notes: ["D is 768 (from width, model GPT2 at gpt2.trafo:41)"],
      help: ["h at line 13 has the size that w2 needs: f32[B, T, 4*D]"],
    });
    expect(show(d)).toEqual([
      "error[E0607]: cannot multiply f32[B, T, D] by f32[4*D, D]: the inner sizes D and 4*D differ",
      "   ┌─ mlp.trafo:14:13",
      " 9 │   param w2: [4*D, D]",
      "   │             -------- w2 has 4*D rows",
      "14 │   let y = x @ w2",
      "   │           - ^ contracts D with 4*D",
      "   = note: D is 768 (from width, model GPT2 at gpt2.trafo:41)",
      "   = help: h at line 13 has the size that w2 needs: f32[B, T, 4*D]",
    ]);
  });

  it("puts several texts of one line below each other", () => {
    const d = diagnostic(code, find(mlp, "@"), "m", {
      label: "here",
      labels: [
        { span: find(mlp, "x"), text: "f32[B, T, D]" },
        { span: find(mlp, "w2", 1), text: "f32[4*D, D]" },
      ],
    });
    expect(show(d).slice(2)).toEqual([
      "14 │   let y = x @ w2",
      "   │           - ^ -- f32[4*D, D]",
      "   │           │ │",
      "   │           │ here",
      "   │           f32[B, T, D]",
    ]);
  });

  it("gives another file its own group, the primary one first", () => {
    const other = new SourceFile("gpt2.trafo", "layer mlp = MLP()\n");
    const d = diagnostic(code, find(mlp, "@"), "m", { labels: [{ span: find(other, "MLP"), text: "used here" }] });
    expect(show(d).slice(1)).toEqual([
      "   ┌─ mlp.trafo:14:13",
      "14 │   let y = x @ w2",
      "   │             ^",
      "   ┌─ gpt2.trafo:1:13",
      " 1 │ layer mlp = MLP()",
      "   │             --- used here",
    ]);
  });

  it("marks the first and the last line of a long span", () => {
    const file = new SourceFile("a.trafo", "let y = f(\n  a,\n  b,\n  c,\n  d\n)\n");
    const all = { file, start: 8, end: file.text.indexOf(")") + 1 };
    expect(show(diagnostic(code, all, "m", { label: "this call" })).slice(2)).toEqual([
      "1 │ let y = f(",
      "  │         ^^",
      "  ┆",
      "6 │ )",
      "  │ ^ this call",
    ]);
    const two = { file, start: 13, end: file.text.indexOf("b,") + 2 };
    expect(show(diagnostic(code, two, "m", { label: "both" })).slice(2)).toEqual([
      "2 │   a,",
      "  │   ^^",
      "3 │   b,",
      "  │   ^^ both",
    ]);
  });

  it("shows a span that ends with its line on that line", () => {
    const file = new SourceFile("a.trafo", "let y = x\nlet z = y\n");
    expect(show(diagnostic(code, { file, start: 0, end: 10 }, "m")).slice(2)).toEqual([
      "1 │ let y = x",
      "  │ ^^^^^^^^^",
    ]);
  });

  it("marks an empty span and the end of the file by one mark", () => {
    const file = new SourceFile("a.trafo", "model M() {");
    const end = file.text.length;
    expect(show(diagnostic(code, { file, start: end, end }, "m", { label: "expected }" })).slice(1)).toEqual([
      "  ┌─ a.trafo:1:12",
      "1 │ model M() {",
      "  │            ^ expected }",
    ]);
    expect(show(diagnostic(code, { file: new SourceFile("b", ""), start: 0, end: 0 }, "m")).slice(2)).toEqual([
      "1 │",
      "  │ ^",
    ]);
  });

  it("aligns marks under tabs and wide characters", () => {
    const file = new SourceFile("a.trafo", '\tlet s = "日本" + 𝛼 + e\u0301 + x\r\n');
    expect(show(diagnostic(code, find(file, "x"), "m")).slice(2)).toEqual([
      '1 │     let s = "日本" + 𝛼 + e\u0301 + x',
      `  │ ${" ".repeat(29)}^`,
    ]);
  });

  it("cuts a line that is wider than the terminal around the marks", () => {
    const file = new SourceFile("a.trafo", `let y = ${"a + ".repeat(40)}wrong${" + b".repeat(40)}\n`);
    const lines = show(diagnostic(code, find(file, "wrong"), "m", { label: "unknown" }), 60);
    const source = lines[2]!;
    expect(source.length).toBeLessThanOrEqual(60);
    expect(source).toMatch(/^1 │ ….*wrong.*…$/);
    expect(lines[3]!.indexOf("^")).toBe(source.indexOf("wrong"));
    expect(lines[3]).toContain("^^^^^ unknown");
    const start = show(diagnostic(code, find(file, "let"), "m"), 60);
    expect(start[2]).toMatch(/^1 │ let y = .*…$/);
    const whole = show(diagnostic(code, { file, start: 0, end: file.text.length - 1 }, "m", { label: "all" }), 60);
    expect(whole[2]!.length).toBeLessThanOrEqual(60);
  });

  it("never lets a source text steer the terminal", () => {
    const file = new SourceFile("a\u001b[31m.trafo", "let \u001b[2J y = x\n");
    const text = renderDiagnostic(diagnostic(code, find(file, "x"), "an escape \u001b[0m here", { notes: ["\u0007"] }));
    expect(text.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
    expect(text).toContain("let ␛[2J y = x");
  });

  it("shows what has no place by its message alone, and notes over several lines", () => {
    const d = diagnostic(code, null, "no such file", { notes: ["first\nsecond"], help: ["do this"] });
    expect(show(d)).toEqual(["error[E0607]: no such file", " = note: first", "         second", " = help: do this"]);
  });

  it("offers a fix once", () => {
    const fix = { message: "write `b`", edits: [{ span: find(mlp, "x"), text: "b" }] };
    expect(show(diagnostic(code, null, "m", { fixes: [fix] }))).toEqual(["error[E0607]: m", " = help: write `b`"]);
    const both = diagnostic(code, null, "m", { help: ["write `b`"], fixes: [fix] });
    expect(show(both)).toHaveLength(2);
  });

  it("is coloured only when asked", () => {
    const d = diagnostic(code, find(mlp, "@"), "m", { severity: "warning" });
    expect(renderDiagnostic(d)).not.toContain("\u001b");
    expect(renderDiagnostic(d, { colour: true })).toContain("\u001b[33m");
  });
});

describe("several diagnostics", () => {
  const error = diagnostic(code, null, "one");
  const warning = diagnostic(code, null, "two", { severity: "warning" });
  it("end with a summary", () => {
    expect(summary([error, warning, error])).toBe("2 errors, 1 warning");
    expect(renderDiagnostics([error, warning])).toBe(
      "error[E0607]: one\n\nwarning[E0607]: two\n\n1 error, 1 warning\n",
    );
    expect(renderDiagnostics([error])).toBe("error[E0607]: one\n");
    expect(renderDiagnostics([])).toBe("");
  });
});

describe("a diagnostic on one line and as data", () => {
  it("has its place, severity and code", () => {
    expect(renderLine(diagnostic(code, find(mlp, "@"), "two\nlines"))).toBe("mlp.trafo:14:13: error E0607: two lines");
    expect(renderLine(diagnostic(code, null, "m", { severity: "warning" }))).toBe("warning E0607: m");
  });
  it("has lines and columns of every part", () => {
    const span = find(mlp, "w2", 1);
    const d = diagnostic(code, span, "m", {
      label: "here",
      notes: ["n"],
      fixes: [{ message: "f", edits: [{ span, text: "w1" }] }],
    });
    const place = { file: "mlp.trafo", line: 14, column: 15, endLine: 14, endColumn: 17 };
    expect(diagnosticToJson(d)).toEqual({
      code: "E0607",
      severity: "error",
      message: "m",
      labels: [{ ...place, text: "here", primary: true }],
      notes: ["n"],
      help: [],
      fixes: [{ message: "f", edits: [{ ...place, text: "w1" }] }],
    });
  });
});
