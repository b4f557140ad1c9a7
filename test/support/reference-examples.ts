/**
 * The examples in the pages of the reference: what kinds there are, and how each becomes a program.
 *
 *     ```trafo                        a whole file
 *     ```trafo fragment               some statements; a first line `# x: [B, T, D], heads: int` says what is given
 *     ```trafo error E0304            a whole file (`error fragment E0304`: a fragment) that is wrong in just this way
 *     ```trafo unformatted            whose layout is not the canonical one, to show that
 *     ```trafo signature              how something is called: not compiled
 *     ```text rendering               behind a wrong example: its diagnostics as a person sees them, or their first lines
 *
 * A fragment becomes a model: its params and layers stand in the model, its other statements in an entry. The sizes B, T,
 * S and N are the entry's own; other sizes, and static values, get defaults. Names of the library are imported.
 *
 * A file without a model is checked for what no size could satisfy; so that its blocks and functions are checked with
 * sizes too, each is called by a model that is put behind the file (`instancesOf`).
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type Block,
  type Function as FunctionDeclaration,
  libraryNames,
  type Parameter,
  parse,
} from "../../dsl/index.js";
import { Diagnostics, SourceFile } from "../../src/diagnostics/index.js";

export interface Example {
  readonly page: string;
  /** The line of the page on which its text begins. */
  readonly line: number;
  readonly text: string;
  readonly kind: "file" | "fragment";
  /** The code that it must give, or null if it is right. */
  readonly error: string | null;
  readonly unformatted: boolean;
  /** What the page shows of its diagnostics. */
  readonly rendering: string | null;
}

/** The pages of the reference, by their path in the repository. */
export function referencePages(root: string): Map<string, string> {
  const folder = "dsl/reference";
  const names = readdirSync(join(root, folder)).filter((name) => name.endsWith(".md"));
  const paths = ["dsl/README.md", ...names.map((name) => `${folder}/${name}`)];
  return new Map(paths.map((path) => [path, readFileSync(join(root, path), "utf8")]));
}

/** The examples of a page that are to be compiled. */
export function examplesOf(page: string, markdown: string): Example[] {
  const examples: Example[] = [];
  // A few words may stand between a wrong example and its rendering.
  const rest = /^(?:(?!\n```|\n#)[\s\S])*\n```text rendering\n([\s\S]*?)\n```/;
  const fence = /^```trafo([^\n]*)\n([\s\S]*?)^```$/gm;
  for (const match of markdown.matchAll(fence)) {
    const words = match[1]!.trim().split(/\s+/).filter(Boolean);
    const line = markdown.slice(0, match.index).split("\n").length + 1;
    const error = words.find((word) => /^E\d{4}$/.test(word)) ?? null;
    const odd = words.filter(
      (word) => word !== error && !["fragment", "error", "signature", "unformatted"].includes(word),
    );
    if (odd.length > 0 || words.includes("error") !== (error !== null))
      throw new Error(`${page}:${line - 1}: an example cannot be marked "${match[1]!.trim()}"`);
    if (words.includes("signature")) continue;
    const kind = words.includes("fragment") ? "fragment" : "file";
    const rendering = rest.exec(markdown.slice(match.index + match[0].length))?.[1] ?? null;
    examples.push({ page, line, text: match[2]!, kind, error, rendering, unformatted: words.includes("unformatted") });
  }
  return examples;
}

/** The program that an example stands for. */
export function programOf({ kind, text }: Pick<Example, "kind" | "text">): string {
  return kind === "file" ? text : modelOf(text);
}

/** The text whose layout must be the canonical one: that of the file, or of the fragment in braces. */
export function layoutOf({ kind, text }: Pick<Example, "kind" | "text">): string {
  return kind === "file" ? text : inBraces(text);
}

/** For each block and function of a file without a model, the file with a model that calls it. */
export function instancesOf({ kind, text }: Pick<Example, "kind" | "text">): string[] {
  if (kind !== "file") return [];
  const { declarations } = parse(new SourceFile("example", text), new Diagnostics());
  if (declarations.some((d) => d.kind === "model")) return [];
  const called = declarations.filter((d) => d.kind === "block" || (d.kind === "fn" && !isOfElements(d)));
  return called.map((d) => `${text}\n${instanceOf(d as Block)}`);
}

/** Called inside of comprehensions only. */
function isOfElements({ parameters }: FunctionDeclaration): boolean {
  return parameters.some(({ type }) => type.dimensions?.length === 0);
}

function instanceOf(d: FunctionDeclaration | Block): string {
  const written = (p: Parameter) => p.type.span.file.text.slice(p.type.span.start, p.type.span.end);
  const all = [...(d.kind === "block" ? d.statics : []), ...d.parameters];
  const isTensor = (p: Parameter) => /\[/.test(written(p)) && !(d.kind === "block" && d.statics.includes(p));
  const statics = new Map<string, string>();
  for (const p of all)
    if (!isTensor(p) && !p.default && /^int$/.test(written(p))) statics.set(p.name.name, staticSize(p.name.name));
  const inputs = all
    .filter(isTensor)
    .map((p) => `${p.name.name}: ${written(p).replace("...", "B").replace(/\b_\b/g, "T")}`);
  addSizes(inputs, statics);
  const values = all
    .filter((p) => !isTensor(p) && !p.default)
    .map((p) => {
      const { name } = p.name;
      const type = written(p);
      return `${name} = ${type === "int" ? name : type.startsWith("int[") ? "8" : defaults[type.replace(/\[.*/, "")]}`;
    });
  const tensors = all.filter(isTensor).map((p) => `${p.name.name} = ${p.name.name}`);
  const call =
    d.kind === "block" ? `instance_(${tensors.join(", ")})` : `${d.name.name}(${[...tensors, ...values].join(", ")})`;
  return [
    `model Instance_(${[...statics.values()].join(", ")}) {`,
    ...(d.kind === "block" ? [`  layer instance_ = ${d.name.name}(${values.join(", ")})`] : []),
    `  entry run(${[...inputs, "given_: f32[]"].join(", ")}) -> (result: f32[]) {`,
    `    let _ = ${call}`,
    "    given_",
    "  }",
    "}",
    "",
  ].join("\n");
}

function staticSize(name: string): string {
  return `${name}: int = ${known[name] ?? ordinary}`;
}

/** Makes the sizes of inputs that are not the entry's own static arguments of the model. */
function addSizes(inputs: readonly string[], statics: Map<string, string>): void {
  for (const input of inputs)
    for (const [name] of input.slice(input.indexOf("[")).matchAll(/[A-Za-z_]\w*/g))
      if (!runTime.has(name) && !name.startsWith("_") && !statics.has(name)) statics.set(name, staticSize(name));
}

const runTime = new Set(["B", "T", "S", "N"]);
const known: Readonly<Record<string, number>> = {
  k: 2,
  H: 4,
  K: 16,
  V: 16,
  heads: 4,
  kv_heads: 2,
  layers: 2,
  experts: 8,
  E: 8,
};
const ordinary = 64;
const defaults: Readonly<Record<string, string>> = { float: "0.5", bool: "true", string: '"full"', fn: "silu" };

function modelOf(text: string): string {
  const { given, rest } = givenOf(text);
  const statics = new Map<string, string>();
  const inputs: string[] = [];
  for (const [name, type] of given) {
    if (type === "int") statics.set(name, staticSize(name));
    else if (type in defaults) statics.set(name, `${name}: ${type} = ${defaults[type]}`);
    else inputs.push(`${name}: ${type}`);
  }
  addSizes(inputs, statics);
  const { members, statements } = parts(rest);
  const names = new Set(text.match(/[A-Za-z_]\w*/g) ?? []);
  if ([...statics.values()].some((each) => each.endsWith("= silu"))) names.add("silu");
  const imports = [...libraryNames].filter((name) => names.has(name) && !given.has(name));
  return [
    ...(imports.length > 0 ? [`import std: ${imports.join(", ")}`] : []),
    `model Fragment(${[...statics.values()].join(", ")}) {`,
    ...members.map((member) => `  ${member}`),
    `  entry run(${[...inputs, "given_: f32[]"].join(", ")}) -> (result: f32[]) {`,
    ...statements.map((statement) => `    ${statement}`),
    "    given_",
    "  }",
    "}",
    "",
  ].join("\n");
}

/** What the first line says is given. */
function givenOf(text: string): { given: Map<string, string>; rest: string } {
  const [first = "", ...others] = text.split("\n");
  const type = String.raw`(?:(?:f32|f16|i32|bool)?\[[^\]]*\]|int|float|bool|string|fn)`;
  const one = String.raw`([A-Za-z_]\w*): (${type})`;
  if (!new RegExp(`^# ${one}(?:, ${one})*$`).test(first)) return { given: new Map(), rest: text };
  const given = [...first.matchAll(new RegExp(one, "g"))].map((match): [string, string] => [match[1]!, match[2]!]);
  return { given: new Map(given), rest: others.join("\n") };
}

/** The statements of a fragment that belong in the model, and those of its entry; the value of an expression is dropped. */
function parts(text: string): { members: string[]; statements: string[] } {
  const head = "block Fragment()() -> [] {\n";
  const file = parse(new SourceFile("fragment", `${head}${text}\n}\n`), new Diagnostics());
  const block = file.declarations[0];
  if (block?.kind !== "block") return { members: [], statements: [text] };
  const members: string[] = [];
  const statements: string[] = [];
  for (const statement of block.body.statements) {
    const { kind, span } = statement;
    const written = span.file.text.slice(span.start, span.end);
    if (kind === "param" || kind === "layer") members.push(written);
    else
      statements.push(
        statement === block.body.statements.at(-1) && kind === "expression" ? `let _ = ${written}` : written,
      );
  }
  return { members, statements };
}

/** A fragment as the body of a function. */
function inBraces(text: string): string {
  const lines = text.trimEnd().split("\n");
  return `fn fragment() {\n${lines.map((line) => (line ? `  ${line}` : line)).join("\n")}\n}\n`;
}
