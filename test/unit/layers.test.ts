/** Who may import whom: the order of the folders, as docs of the layout give it, is checked here. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

/** The folders in order: each imports only what stands before it, and itself. Later prefixes are more specific. */
const order = [
  "src/runtime/host",
  "src/diagnostics",
  "src/sizes",
  "src/ir",
  "src/interpreter",
  "src/incremental",
  "dsl",
  "src/passes",
  "src/lower",
  "src/schedule",
  "src/memory",
  "src/runtime",
  "backends/common",
  "backends",
  "src/driver",
  "src/index.ts",
  "src/node.ts",
  "src/cli",
] as const;

interface Import {
  readonly from: string;
  /** A path from the root, or the name of a package. */
  readonly to: string;
  readonly isPackage: boolean;
  readonly isTypeOnly: boolean;
  readonly isDynamic: boolean;
}

function walk(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === "node_modules" || entry.name === "vscode" ? [] : walk(path);
    return path.endsWith(".ts") && !path.endsWith(".generated.ts") ? [path] : [];
  });
}

/** The text with comments taken out; strings stay, as they hold what is imported. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
}

function importsOf(path: string): Import[] {
  const text = withoutComments(readFileSync(path, "utf8"));
  const from = relative(root, path).replaceAll("\\", "/");
  const found: Import[] = [];
  const add = (specifier: string, isTypeOnly: boolean, isDynamic: boolean) => {
    const isPackage = !specifier.startsWith(".");
    const to = isPackage
      ? specifier
      : relative(root, join(dirname(path), specifier))
          .replaceAll("\\", "/")
          .replace(/\.js$/, ".ts");
    found.push({ from, to, isPackage, isTypeOnly, isDynamic });
  };
  for (const match of text.matchAll(/^(?:import|export)\s+([^"';]*?)\s*from\s*"([^"]+)"/gm)) {
    const what = match[1] ?? "";
    const names = /\{([\s\S]*)\}/.exec(what)?.[1];
    const isType = (name: string) => name.trim() === "" || name.trim().startsWith("type ");
    const onlyTypes = what.startsWith("type ") || (names?.split(",").every(isType) ?? false);
    add(match[2] ?? "", onlyTypes, false);
  }
  for (const match of text.matchAll(/^import\s*"([^"]+)"/gm)) add(match[1] ?? "", false, false);
  for (const match of text.matchAll(/\bimport\(\s*"([^"]+)"\s*\)/g)) add(match[1] ?? "", false, true);
  return found;
}

const files = ["src", "dsl", "backends"].flatMap((folder) => walk(join(root, folder)));
const imports = files.flatMap(importsOf);
const within = (path: string, folder: string) => path === folder || path.startsWith(`${folder}/`);

/** The position of a file's folder in the order; of those that hold it, the most specific. */
function rank(path: string): number {
  let best = -1;
  for (const [i, folder] of order.entries()) {
    if (within(path, folder) && (best < 0 || folder.length > order[best]!.length)) best = i;
  }
  return best;
}

const show = ({ from, to }: Import) => `${from} imports ${to}`;
const inside = imports.filter(({ isPackage }) => !isPackage);

describe("the layout", () => {
  it("has a place for every file", () => {
    expect(files.map((path) => relative(root, path)).filter((path) => rank(path) < 0)).toEqual([]);
    expect(imports.length).toBeGreaterThan(50);
  });

  it("lets each folder import only what stands before it", () => {
    expect(inside.filter(({ from, to }) => rank(to) > rank(from) || rank(to) < 0).map(show)).toEqual([]);
  });

  it("keeps kernels apart from graphs, and backends from each other", () => {
    const wrong = inside.filter(({ from, to }) => within(from, "src/ir/kernel") && within(to, "src/ir/graph"));
    const backend = (path: string) => /^backends\/(?!common\/)[^/]+/.exec(path)?.[0];
    const across = inside.filter(({ from, to }) => {
      const [a, b] = [backend(from), backend(to)];
      return a !== undefined && b !== undefined && a !== b;
    });
    expect([...wrong, ...across].map(show)).toEqual([]);
  });

  it("keeps host code, which goes into every generated module, to itself", () => {
    const host = imports.filter(({ from }) => within(from, "src/runtime/host"));
    const wrong = host.filter(({ to, isPackage, isDynamic }) =>
      isPackage ? !isDynamic : !within(to, "src/runtime/host"),
    );
    expect(wrong.map(show)).toEqual([]);
  });

  it("has no cycles of imports that remain when types are gone", () => {
    const edges = new Map<string, string[]>();
    for (const { from, to, isTypeOnly, isDynamic } of inside)
      if (!isTypeOnly && !isDynamic) edges.set(from, [...(edges.get(from) ?? []), to]);
    const state = new Map<string, "open" | "done">();
    const cycles: string[] = [];
    const visit = (path: string, above: readonly string[]) => {
      if (state.get(path) === "done") return;
      if (state.get(path) === "open") {
        cycles.push([...above.slice(above.indexOf(path)), path].join(" -> "));
        return;
      }
      state.set(path, "open");
      for (const next of edges.get(path) ?? []) visit(next, [...above, path]);
      state.set(path, "done");
    };
    for (const path of edges.keys()) visit(path, []);
    expect(cycles).toEqual([]);
  });

  it("runs in a browser but for the command line, files and Graphviz", () => {
    const may = ["src/cli", "src/node.ts", "src/driver/node-files.ts", "backends/dot/render.ts"];
    const node = imports.filter(({ to, isDynamic }) => to.startsWith("node:") && !isDynamic);
    expect(node.filter(({ from }) => !may.some((path) => within(from, path))).map(show)).toEqual([]);
    const reached = new Set<string>();
    const reach = (path: string) => {
      if (reached.has(path)) return;
      reached.add(path);
      for (const { from, to, isTypeOnly } of inside) if (from === path && !isTypeOnly) reach(to);
    };
    reach("src/index.ts");
    expect([...reached].filter((path) => may.some((folder) => within(path, folder)))).toEqual([]);
  });

  it("keeps packages where they belong", () => {
    const homes: Readonly<Record<string, string>> = { commander: "src/cli", chevrotain: "dsl/syntax" };
    const wrong = imports.filter(({ from, to }) => homes[to] !== undefined && !within(from, homes[to]));
    expect(wrong.map(show)).toEqual([]);
  });
});
