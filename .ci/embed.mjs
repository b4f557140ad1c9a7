/**
 * Turns texts into modules, so that a bundled or browser build of Trafo needs no file system: the standard library, the
 * host code that goes into every generated module, taken apart into its declarations, with and without types, and the
 * scripts of pages with pictures. All
 * results are ignored by git and made at set-up; a file is written only if it changes, so that nothing is compiled again
 * without need.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** Writes a generated module in each folder of texts; returns the paths that changed. */
export async function embed() {
  const library = read(join("dsl", "std"), ".trafo");
  const made = [
    write(
      "dsl/std/sources.generated.ts",
      "The standard library, by file name.",
      "sources: Readonly<Record<string, string>>",
      library,
    ),
    write(
      "src/runtime/host/declarations.generated.ts",
      "The host code of generated modules, by file name: its declarations, each with its JavaScript and the lines of it.",
      "hostFiles: Readonly<Record<string, { readonly header: string; readonly declarations: readonly { readonly names: readonly string[]; readonly text: string; readonly mentions: readonly string[]; readonly script: { readonly text: string; readonly lines: readonly number[] }; readonly short: string }[] }>>",
      await hostFiles(),
    ),
    write(
      "backends/dot/page/scripts.generated.ts",
      "The scripts of a page, by name: JavaScript that fills `exports` and calls `require`.",
      "scripts: Readonly<Record<string, string>>",
      await pageScripts(),
    ),
  ];
  return made.filter((path) => path !== null);
}

/** The texts of a folder, by file name. */
function read(folder, extension) {
  mkdirSync(join(root, folder), { recursive: true });
  const names = readdirSync(join(root, folder)).filter(
    (name) => name.endsWith(extension) && !name.endsWith(`.generated${extension}`),
  );
  return Object.fromEntries(
    names.sort().map((name) => [name, readFileSync(join(root, folder, name), "utf8").replaceAll("\r\n", "\n")]),
  );
}

/** Writes a module that exports one constant; its path if it was another before, else null. */
function write(path, about, declared, value) {
  const target = join(root, path);
  const fields = Object.entries(value).map(
    ([name, each]) => `  ${JSON.stringify(name)}:\n    ${JSON.stringify(each)},\n`,
  );
  const text = `/** ${about} Made by .ci/embed.mjs. */\nexport const ${declared} = {\n${fields.join("")}};\n`;
  if (current(target) === text) return null;
  writeFileSync(target, text);
  return target;
}

function current(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

/**
 * The host code, file by file: the header, and each declaration without `export`, with what it mentions. `short` is its
 * JavaScript with short names inside, for modules that are sent, and with marks (§) around the names of declarations
 * that need not keep theirs; what has comments that bundlers read is not shortened.
 */
async function hostFiles() {
  const { default: ts } = await import("typescript");
  const { minifySync } = await import("rolldown/experimental");
  const shortOf = (text) => {
    if (/webpackIgnore|@vite-ignore/.test(text)) return text;
    const { code, errors } = minifySync("host.js", text, { module: false, compress: { target: "es2022" } });
    if (errors.length > 0) throw new Error(`host code cannot be shortened: ${errors[0].message}`);
    return code.trim();
  };
  const { eraseTypes } = await moduleOf(ts, join(root, "backends", "common", "erase.ts"));
  const parse = (name, text) => ts.createSourceFile(name, text, ts.ScriptTarget.ES2022, true);

  function declaredNames(statement) {
    if (ts.isVariableStatement(statement))
      return statement.declarationList.declarations.map(({ name }) => name.getText());
    if (!statement.name) throw new Error(`a statement of the host code declares nothing: ${statement.getText()}`);
    return [statement.name.text];
  }

  const texts = read(join("src", "runtime", "host"), ".ts");
  const { file: fileOf, checker } = boundFiles(ts, texts);

  /** The names of declarations of any file that a statement means, and not those of its own variables and properties. */
  function mentionedNames(statement) {
    const found = new Set();
    const isOutermost = (declaration) => {
      const { parent } = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
      return ts.isSourceFile(parent);
    };
    const visit = (node) => {
      if (ts.isIdentifier(node)) {
        const symbol = ts.isShorthandPropertyAssignment(node.parent)
          ? checker.getShorthandAssignmentValueSymbol(node.parent)
          : checker.getSymbolAtLocation(node);
        const isImported = symbol !== undefined && (symbol.flags & ts.SymbolFlags.Alias) !== 0;
        if (isImported || symbol?.declarations?.some(isOutermost)) found.add(node.text);
      }
      ts.forEachChild(node, visit);
    };
    visit(statement);
    return [...found];
  }

  const files = Object.entries(texts).map(([name, text]) => {
    const header = /^\/\*\*[\s\S]*?\*\//.exec(text)?.[0] ?? "";
    const declarations = fileOf(name)
      .statements.filter((statement) => !ts.isImportDeclaration(statement))
      .map((statement) => {
        // The first statement after the imports of a file must not take the file's header for its comment.
        const comment = text.slice(statement.getFullStart(), statement.getStart()).replace(header, "").trim();
        const body = statement.getText().replace(/^export /, "");
        const whole = comment === "" ? body : `${comment}\n${body}`;
        const script = eraseTypes(ts, parse(name, whole));
        const isLeft = parse(name, script.text).statements.length > 0;
        return {
          names: declaredNames(statement),
          text: whole,
          mentions: mentionedNames(statement),
          script: isLeft ? script : { text: "", lines: [] },
          short: isLeft ? shortOf(script.text) : "",
        };
      });
    return [name, { header, declarations }];
  });
  // The text of what workers run stands in the module's code, where names stay.
  const inWorkers = files.filter(([name]) => name === "functions.ts");
  const kept = new Set(inWorkers.flatMap(([, { declarations }]) => declarations.flatMap(({ names }) => names)));
  const all = files.flatMap(([, { declarations }]) => declarations.flatMap(({ names }) => names));
  const marked = new Set(all.filter((name) => /^[a-z]/.test(name) && !kept.has(name)));
  for (const [, { declarations }] of files) {
    for (const each of declarations) each.short = withMarks(ts, parse("host.js", each.short), marked);
  }
  return Object.fromEntries(files);
}

/** Files that import from each other, with what knows which declaration a name in one of them means. */
function boundFiles(ts, texts) {
  const options = { target: ts.ScriptTarget.ES2022, noLib: true, noResolve: true, types: [] };
  const parsed = new Map(
    Object.entries(texts).map(([name, text]) => [name, ts.createSourceFile(name, text, options.target, true)]),
  );
  const program = ts.createProgram([...parsed.keys()], options, {
    getSourceFile: (name) => parsed.get(name),
    fileExists: (name) => parsed.has(name),
    readFile: (name) => texts[name],
    getDefaultLibFileName: () => "",
    getCurrentDirectory: () => "",
    getCanonicalFileName: (name) => name,
    useCaseSensitiveFileNames: () => true,
    getNewLine: () => "\n",
    writeFile: () => {},
  });
  return { file: (name) => parsed.get(name), checker: program.getTypeChecker() };
}

/** The text with a mark before and behind each name of other declarations, so that these can be called otherwise. */
function withMarks(ts, file, names) {
  const places = [];
  const isProperty = (node, parent = node.parent) =>
    (ts.isPropertyAccessExpression(parent) && parent.name === node) ||
    (ts.isBindingElement(parent) && parent.propertyName === node) ||
    ((ts.isPropertyAssignment(parent) || ts.isClassElement(parent)) && parent.name === node);
  const visit = (node) => {
    if (ts.isIdentifier(node) && names.has(node.text) && !isProperty(node)) {
      const isShorthand = ts.isShorthandPropertyAssignment(node.parent);
      places.push({ start: node.getStart(), end: node.end, before: isShorthand ? `${node.text}:` : "" });
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  let [text, at] = ["", 0];
  for (const { start, end, before } of places.sort((a, b) => a.start - b.start)) {
    text += `${file.text.slice(at, start)}${before}§${file.text.slice(start, end)}§`;
    at = end;
  }
  return text + file.text.slice(at);
}

/** What runs in pages with pictures. */
async function pageScripts() {
  const { default: ts } = await import("typescript");
  const compilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.CommonJS, removeComments: true };
  const page = read(join("backends", "dot", "page"), ".ts");
  const files = [
    ...Object.entries(read(join("backends", "dot", "picture"), ".ts")),
    ...["client.ts", "engine.ts", "viewport.ts"].map((name) => [name, page[name]]),
  ];
  return Object.fromEntries(
    files.map(([name, text]) => {
      const { outputText } = ts.transpileModule(text, { compilerOptions });
      return [
        name.replace(/\.ts$/, ""),
        outputText.replace(/^"use strict";\n|^Object\.defineProperty\(exports, "__esModule".*\n/gm, ""),
      ];
    }),
  );
}

/** A module that is written in TypeScript and imports nothing but types. */
async function moduleOf(ts, path) {
  const options = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext };
  const { outputText } = ts.transpileModule(readFileSync(path, "utf8"), { compilerOptions: options });
  return import(`data:text/javascript,${encodeURIComponent(outputText)}`);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const path of await embed()) console.log(`wrote ${path}`);
}
