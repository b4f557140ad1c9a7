/**
 * Files and their imports: reads each file once, parses it, resolves its names, and finds what an import means.
 *
 * `import std: name` looks through the library's files; any other module is a path relative to the importing file.
 */
import { type Diagnostics, nearest, SourceFile, type Span } from "../../src/diagnostics/index.js";
import { sources as library } from "../std/sources.generated.js";
import type * as ast from "../syntax/index.js";
import { parse } from "../syntax/index.js";
import { resolveNames } from "./names.js";

/** What a file declares, and what its imports stand for. */
export interface Module {
  readonly source: SourceFile;
  readonly file: ast.File;
  readonly declarations: ReadonlyMap<string, ast.Function | ast.Block>;
  readonly models: readonly ast.Model[];
  /** The imported names with the module that declares each. */
  readonly imports: ReadonlyMap<string, Module>;
  /** False if the file did not parse: its names are then not looked at. */
  readonly parsed: boolean;
}

export interface ModuleHost {
  /** The text of a file, or null if there is none. */
  readonly readFile: (path: string) => string | null;
  /** The names of the built-in functions and constants. */
  readonly builtins: readonly string[];
}

/** The name under which a file of the library appears in messages. */
function libraryName(file: string): string {
  return `std/${file}`;
}

/** Which file of the library declares a name. A declaration begins its line. */
const declaredIn: ReadonlyMap<string, string> = new Map(
  Object.entries(library).flatMap(([file, text]) =>
    [...text.matchAll(/^(?:fn|block) (\w+)/gm)].map((m) => [m[1]!, file] as const),
  ),
);

/** Every name of the standard library. */
export const libraryNames: ReadonlySet<string> = new Set(declaredIn.keys());

export class Modules {
  readonly #loaded = new Map<string, Module>();
  readonly #loading: string[] = [];

  constructor(
    readonly host: ModuleHost,
    readonly diagnostics: Diagnostics,
  ) {}

  /** The texts that were read, by the names that they have in locations. */
  get sources(): ReadonlyMap<string, SourceFile> {
    return new Map([...this.#loaded.values()].map(({ source }) => [source.name, source]));
  }

  /** Parses and resolves a file and what it imports. */
  load(source: SourceFile): Module {
    const known = this.#loaded.get(source.name);
    if (known) return known;
    this.#loading.push(source.name);
    const before = this.diagnostics.errorCount;
    const file = parse(source, this.diagnostics);
    const parsed = this.diagnostics.errorCount === before;
    const declarations = new Map<string, ast.Function | ast.Block>();
    const imports = new Map<string, Module>();
    const models: ast.Model[] = [];
    for (const d of file.declarations) {
      if (d.kind === "fn" || d.kind === "block") declarations.set(d.name.name, declarations.get(d.name.name) ?? d);
      else if (d.kind === "model") models.push(d);
      else
        for (const name of d.names) {
          const from = d.module.isPath
            ? this.#path(d.module.name, d.module.span, source)
            : this.#library(d.module, name);
          if (from) this.#import(from, name, d.module.name, imports);
        }
    }
    if (parsed) resolveNames(file, { builtins: this.host.builtins, library: libraryNames }, this.diagnostics);
    this.#loading.pop();
    const module: Module = { source, file, declarations, models, imports, parsed };
    this.#loaded.set(source.name, module);
    return module;
  }

  #import(
    from: Module,
    name: { readonly name: string; readonly span: Span },
    module: string,
    imports: Map<string, Module>,
  ): void {
    if (from.declarations.has(name.name)) {
      imports.set(name.name, from);
      return;
    }
    if (!from.parsed) return;
    const near = nearest(name.name, from.declarations.keys());
    this.diagnostics.report("E0210", name.span, `${module} declares no ${name.name}`, {
      fixes: near ? [{ message: `write ${near}`, edits: [{ span: name.span, text: near }] }] : [],
    });
  }

  #library(
    module: { readonly name: string; readonly span: Span },
    name: { readonly name: string; readonly span: Span },
  ): Module | null {
    if (module.name !== "std") {
      this.diagnostics.report("E0208", module.span, `there is no library ${module.name}`, {
        help: ['std is the library; a file is named by a string: import "./blocks.trafo": Block'],
      });
      return null;
    }
    const file = declaredIn.get(name.name);
    if (file) return this.load(new SourceFile(libraryName(file), library[file]!, true));
    const near = nearest(name.name, declaredIn.keys());
    this.diagnostics.report("E0210", name.span, `std declares no ${name.name}`, {
      fixes: near ? [{ message: `write ${near}`, edits: [{ span: name.span, text: near }] }] : [],
    });
    return null;
  }

  #path(written: string, span: Span, importer: SourceFile): Module | null {
    const name = resolvePath(importer.name, written);
    const circle = this.#loading.indexOf(name);
    if (circle >= 0) {
      this.diagnostics.report(
        "E0209",
        span,
        `files import each other: ${[...this.#loading.slice(circle), name].map(baseName).join(" → ")}`,
        {
          help: ["move what both need into a third file"],
        },
      );
      return null;
    }
    const known = this.#loaded.get(name);
    if (known) return known;
    const inLibrary = importer.library ? library[baseName(name)] : undefined;
    const text = importer.library ? (inLibrary ?? null) : this.host.readFile(name);
    if (text === null) {
      this.diagnostics.report("E0208", span, `there is no file ${written}`, { notes: [`looked for ${name}`] });
      return null;
    }
    return this.load(new SourceFile(name, text, importer.library));
  }
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** A path relative to the folder of the file that mentions it. */
export function resolvePath(importer: string, written: string): string {
  if (written.startsWith("/") || /^[a-z]+:/i.test(written)) return written;
  const parts = importer.split("/").slice(0, -1);
  for (const part of written.split("/")) {
    if (part === "." || part === "") continue;
    if (part === ".." && parts.length > 0 && parts.at(-1) !== "..") parts.pop();
    else parts.push(part);
  }
  return parts.join("/");
}
