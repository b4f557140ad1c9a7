/**
 * The host code that a module carries: those declarations of src/runtime/host that it needs, directly or through one
 * another, under the header of their file. Nothing else differs from the files that are tested on their own.
 */
import { ts } from "ts-morph";
import { InternalError } from "../../src/diagnostics/index.js";
import { sources } from "../../src/runtime/host/sources.generated.js";

/** A statement of a host file. */
interface Declaration {
  readonly file: string;
  readonly names: readonly string[];
  /** With its comment; `export` has been taken off. */
  readonly text: string;
  readonly mentions: ReadonlySet<string>;
}

interface HostFile {
  readonly name: string;
  readonly header: string;
  readonly declarations: readonly Declaration[];
}

/** In the order of reading: what callers meet first stands first. */
const order = [
  "tensors.ts",
  "instance.ts",
  "inputs.ts",
  "elements.ts",
  "weights.ts",
  "prepared.ts",
  "byte-sources.ts",
  "safetensors.ts",
  "names.ts",
  "half.ts",
  "functions.ts",
  "erf.ts",
];

let parsed: readonly HostFile[] | null = null;

function files(): readonly HostFile[] {
  parsed ??= order.map(parseFile);
  return parsed;
}

function parseFile(name: string): HostFile {
  const text = sources[name];
  if (text === undefined) throw new InternalError(`the host file ${name} is not embedded: run .ci/embed.mjs`);
  const source = ts.createSourceFile(name, text, ts.ScriptTarget.ES2022, true);
  const statements = source.statements.filter((statement) => !ts.isImportDeclaration(statement));
  const header = /^\/\*\*[\s\S]*?\*\//.exec(text)?.[0] ?? "";
  const declarations = statements.map((statement): Declaration => {
    const start = text.slice(statement.getFullStart(), statement.getStart());
    // The first statement after the imports of a file must not take the file's header for its comment.
    const comment = start.replace(header, "").trim();
    const body = statement.getText().replace(/^export /, "");
    return {
      file: name,
      names: declaredNames(statement),
      text: comment === "" ? body : `${comment}\n${body}`,
      mentions: mentionedNames(statement),
    };
  });
  return { name, header, declarations };
}

function declaredNames(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.map((declaration) => declaration.name.getText());
  }
  const { name } = statement as ts.Statement & { name?: ts.Identifier };
  if (!name)
    throw new InternalError(`a statement of the host code declares nothing: ${statement.getText().slice(0, 60)}`);
  return [name.text];
}

function mentionedNames(statement: ts.Statement): Set<string> {
  const found = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) found.add(node.text);
    ts.forEachChild(node, visit);
  };
  visit(statement);
  return found;
}

/** Every name that host code may declare, so that a module's own names stay clear of them. */
export function hostNames(): ReadonlySet<string> {
  return new Set(files().flatMap((file) => file.declarations.flatMap(({ names }) => names)));
}

/**
 * The text of the host code that some names need.
 * @param exported the names that callers of the module can use
 */
export function hostText(roots: Iterable<string>, exported: ReadonlySet<string>): string {
  const byName = new Map<string, Declaration[]>();
  for (const { declarations } of files()) {
    for (const declaration of declarations) {
      for (const name of declaration.names) byName.set(name, [...(byName.get(name) ?? []), declaration]);
    }
  }
  const needed = new Set<Declaration>();
  const visit = (name: string): void => {
    for (const declaration of byName.get(name) ?? []) {
      if (needed.has(declaration)) continue;
      needed.add(declaration);
      for (const mentioned of declaration.mentions) visit(mentioned);
    }
  };
  for (const root of roots) {
    if (!byName.has(root)) throw new InternalError(`the host code has no ${root}`);
    visit(root);
  }
  const parts: string[] = [];
  for (const { header, declarations } of files()) {
    const used = declarations.filter((declaration) => needed.has(declaration));
    if (used.length === 0) continue;
    const texts = used.map(({ names, text }) => (names.some((name) => exported.has(name)) ? exportOf(text) : text));
    parts.push([asNote(header), ...joinOverloads(texts)].join("\n\n"));
  }
  return parts.join("\n\n");
}

/** A signature of a function and what follows it stand together. */
function joinOverloads(texts: readonly string[]): string[] {
  const joined: string[] = [];
  for (const text of texts) {
    if (joined.at(-1)?.endsWith(";") && /^function \w+\(/.test(text) && /\): [^\n]*;$/.test(joined.at(-1)!)) {
      joined.push(`${joined.pop()!}\n${text}`);
    } else joined.push(text);
  }
  return joined;
}

/** `export` goes after the comment. */
function exportOf(text: string): string {
  return text.replace(/^((?:\/\*\*[\s\S]*?\*\/\s*|\/\/.*\n)*)/, "$1export ");
}

/** A file's header, as a comment that documents no declaration. */
function asNote(header: string): string {
  const lines = header
    .replace(/^\/\*\*/, "")
    .replace(/\*\/$/, "")
    .split("\n")
    .map((line) => line.replace(/^ \* ?/, "").trim());
  return lines
    .join("\n")
    .trim()
    .split("\n")
    .map((line) => `// ${line}`.trimEnd())
    .join("\n");
}
