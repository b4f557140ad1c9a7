/**
 * Writes the pages of the reference that repeat what the compiler knows: the built-in functions from their table, the
 * standard library from its doc comments, the diagnostics from what `trafo explain` prints.
 *
 * What must stay true: the text of a page is a function of those tables alone, so that a test can tell when one is stale
 * (test/unit/reference.test.ts; BLESS=1 writes them).
 */
import { type Code, Diagnostics, reference, SourceFile, type Span } from "../../src/diagnostics/index.js";
import {
  type Block,
  type Builtin,
  builtins,
  constants,
  type Function as FunctionDeclaration,
  parse,
  type Statement,
} from "../index.js";
import { sources } from "../std/sources.generated.js";

/** The generated pages, by file name. */
export function generatedPages(): ReadonlyMap<string, string> {
  return new Map([
    ["builtins.md", builtinsPage()],
    ["library.md", libraryPage()],
    ["diagnostics.md", diagnosticsPage()],
  ]);
}

const note = (from: string) =>
  `<!-- Generated from ${from}. Change it there; \`BLESS=1 npx vitest run test/unit/reference.test.ts\` writes this page. -->`;

function code(marks: string, text: string): string {
  return `\`\`\`${marks}\n${text.trimEnd()}\n\`\`\``;
}

function page(...parts: readonly string[]): string {
  return `${parts.join("\n\n")}\n`;
}

// ---- built-in functions

const topics: { readonly [T in Builtin["topic"]]: string } = {
  Mathematics:
    "Element by element. Of a static number the result is static, computed in f64; of a tensor it is a tensor of the same shape; inside a comprehension they work on elements. Functions of two arguments broadcast as operators do.",
  "Choice and conversion":
    "Nothing is converted silently between tensors: these are the conversions. `where` chooses between tensors; `if … then … else …` chooses what is built.",
  Reductions:
    "Along one axis: the last one, unless `axis =` names another (from 0, or from the end with -1). `axis` and `keep` are always named.",
  Shapes: "Joining, cutting and reordering tensors. Slices and single indices are written `x[…]`.",
  Products: "Sums of products. `a @ b` is the product of matrices; `einsum` is the general form.",
  Search: "The best of an axis, and reading by computed indices.",
  Constants: "",
};

function builtinsPage(): string {
  const parts = Object.entries(topics).flatMap(([topic, introduction]) => {
    const entries = Object.entries(builtins).filter(([, builtin]) => builtin.topic === topic);
    if (entries.length === 0) return [];
    return [`## ${topic}`, introduction, ...entries.flatMap(([name, builtin]) => builtinEntry(name, builtin))];
  });
  const values = Object.entries(constants).map(([name, { documentation }]) => `- \`${name}\`: ${documentation}`);
  return page(
    note("dsl/lower/builtins"),
    "# Built-in functions",
    "Everything that is not written in Trafo itself. Attention, norms, activations and positions are [library](library.md) code over these functions. In the signatures `[...]` is a tensor of any shape, f32 unless another element type stands before it; an argument after a default (`axis: int = -1`) may be left out. Each example begins with what is given.",
    ...parts,
    "## Constants",
    values.join("\n"),
  );
}

function builtinEntry(name: string, { signature, documentation, example }: Builtin): string[] {
  return [`### ${name}`, code("trafo signature", signature), documentation, code("trafo fragment", example)];
}

// ---- the library

/** The order of the files on the page: from what models use first. */
const order = ["activations", "layers", "heads", "attention", "masks", "positions", "experts"];

function libraryPage(): string {
  const names = Object.keys(sources).map((name) => name.replace(".trafo", ""));
  const sorted = [...order.filter((name) => names.includes(name)), ...names.filter((name) => !order.includes(name))];
  const files = sorted.map((name) => ({ name, ...libraryFile(`${name}.trafo`) }));
  const contents = files.map(({ name, title, declarations }) => {
    const links = declarations.map((d) => `[${d.name.name}](#${d.name.name.toLowerCase()})`);
    return `- ${title} (\`${name}.trafo\`): ${links.join(", ")}`;
  });
  return page(
    note("the comments and signatures of dsl/std"),
    "# The standard library",
    "Functions and blocks written in Trafo, in [dsl/std](../std). `import std: attention, Linear` takes what a file uses. No part of the compiler knows these names: a copy in your own file, changed or not, is compiled the same way. A block has two pairs of parentheses: what is known when compiling, then the tensors.",
    contents.join("\n"),
    ...files.flatMap(({ name, title, about, declarations, text }) => [
      `## ${title}`,
      [about, `[dsl/std/${name}.trafo](../std/${name}.trafo)`].filter(Boolean).join(" "),
      ...declarations.flatMap((d) => [
        `### ${d.name.name}`,
        code("trafo signature", signatureOf(d, text)),
        ...(d.documentation ? [oneParagraph(d.documentation)] : []),
        ...(d.kind === "block" ? weightsOf(d, text) : []),
      ]),
    ]),
  );
}

function libraryFile(name: string) {
  const text = sources[name]!;
  const file = parse(new SourceFile(`std/${name}`, text, true), new Diagnostics());
  const declarations = file.declarations.filter((d) => d.kind === "fn" || d.kind === "block");
  const comment = oneParagraph((/^(?:#[^\n]*\n)+/.exec(text)?.[0] ?? "").replaceAll(/^# ?/gm, ""));
  const cut = comment.search(/[:.,]/);
  return { text, declarations, title: comment.slice(0, cut), about: sentence(comment.slice(cut + 1).trim()) };
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function oneParagraph(text: string): string {
  return text.trim().replaceAll(/\s*\n\s*/g, " ");
}

/** A declaration without its body. */
function signatureOf(d: FunctionDeclaration | Block, text: string): string {
  const head = text.slice(d.span.start, d.body.span.start).trimEnd();
  return head.replace(/\s*=$/, "");
}

/** The weights of a block: what a checkpoint holds for it, by path and shape, and its layers. */
function weightsOf(d: Block, text: string): string[] {
  const written = ({ span }: { readonly span: Span }) => text.slice(span.start, span.end);
  const weightsIn = (s: Statement): string[] => {
    if (s.kind === "if")
      return [...s.yes.statements, ...(s.no?.kind === "body" ? s.no.statements : [])].flatMap(weightsIn);
    if (s.kind === "layer") return [`\`${s.name.name}\` (\`${written(s.value)}\`)`];
    if (s.kind !== "param") return [];
    const names = s.paths.length > 0 ? s.paths.map((path) => written(path).replaceAll('"', "")) : [s.name.name];
    return [`${names.map((name) => `\`${name}\``).join(" or ")} \`${written(s.type)}\``];
  };
  const owned = d.body.statements.flatMap(weightsIn);
  return owned.length > 0 ? [`In a checkpoint: ${owned.join(", ")}.`] : [];
}

// ---- diagnostics

const families: Readonly<Record<string, string>> = {
  E01: "Syntax",
  E02: "Names",
  E03: "Shapes and element types",
  E04: "Sizes and static values",
  E05: "Targets",
  E06: "Files and the command line",
  E07: "Checkpoints and inputs",
  E08: "Decoding",
};

function diagnosticsPage(): string {
  const codes = (Object.keys(reference) as Code[]).sort();
  const parts = Object.entries(families).flatMap(([family, title]) => {
    const ofFamily = codes.filter((each) => each.startsWith(family));
    return ofFamily.length > 0 ? [`## ${family} ${title}`, ...ofFamily.flatMap(diagnosticEntry)] : [];
  });
  return page(
    note("src/diagnostics/reference"),
    "# Diagnostics",
    "What each code means. `trafo explain E0304` prints the same. A code is stable: it is never given another meaning. [How errors read](language.md#how-errors-read) says how a diagnostic is laid out.",
    ...parts,
  );
}

function diagnosticEntry(each: Code): string[] {
  const { title, text, wrong, right } = reference[each];
  const examples = [
    ...(wrong === undefined ? [] : [`Wrong:\n\n${code("text", wrong)}`]),
    ...(right === undefined ? [] : [`${wrong === undefined ? "For example" : "Right"}:\n\n${code("text", right)}`]),
  ];
  return [`### ${each}: ${title}`, text, ...examples];
}
