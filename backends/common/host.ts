/**
 * The host code that a module carries: those declarations of src/runtime/host that it needs, directly or through one
 * another, under the header of their file. Nothing else differs from the files that are tested on their own.
 */
import { InternalError } from "../../src/diagnostics/index.js";
import { hostFiles } from "../../src/runtime/host/declarations.generated.js";
import { joinScripts, plainScript, type Script } from "./script.js";

type HostFile = (typeof hostFiles)[string];
type Declaration = HostFile["declarations"][number];

/** In the order of reading: what callers meet first stands first. */
const order = [
  "tensors.ts",
  "instance.ts",
  "wasm.ts",
  "wasm-memory.ts",
  "wasm-holding.ts",
  "wasm-threads.ts",
  "wasm-workers.ts",
  "carried-code.ts",
  "device-model.ts",
  "device-instance.ts",
  "device-binding.ts",
  "device-tensors.ts",
  "device.ts",
  "device-shaders.ts",
  "device-weights.ts",
  "device-limits.ts",
  "device-times.ts",
  "session.ts",
  "generation.ts",
  "chooser.ts",
  "beam-search.ts",
  "sampling.ts",
  "session-bytes.ts",
  "session-arrays.ts",
  "wasm-session.ts",
  "device-session.ts",
  "device-chooser.ts",
  "options.ts",
  "inputs.ts",
  "elements.ts",
  "weights.ts",
  "weight-reads.ts",
  "prepared.ts",
  "shards.ts",
  "byte-sources.ts",
  "safetensors.ts",
  "safetensors-writer.ts",
  "names.ts",
  "half.ts",
  "brain-float.ts",
  "functions.ts",
  "erf.ts",
];

const files: readonly HostFile[] = order.map((name) => {
  const file = hostFiles[name];
  if (file === undefined) throw new InternalError(`the host file ${name} is not embedded: run .ci/embed.mjs`);
  return file;
});

/** Every name that host code may declare, so that a module's own names stay clear of them. */
export function hostNames(): ReadonlySet<string> {
  return new Set(files.flatMap((file) => file.declarations.flatMap(({ names }) => names)));
}

/**
 * The host code that some names need.
 * @param exported the names that callers of the module can use
 * @param isShort whether its JavaScript has short names inside of declarations
 */
export function hostScript(roots: Iterable<string>, exported: ReadonlySet<string>, isShort = false): Script {
  const byName = new Map<string, Declaration[]>();
  for (const { declarations } of files) {
    for (const declaration of declarations) {
      for (const name of declaration.names) byName.set(name, [...(byName.get(name) ?? []), declaration]);
    }
  }
  const rootNames = new Set(roots);
  const needed = new Set<Declaration>();
  const visit = (name: string): void => {
    for (const declaration of byName.get(name) ?? []) {
      if (needed.has(declaration)) continue;
      needed.add(declaration);
      for (const mentioned of declaration.mentions) visit(mentioned);
    }
  };
  for (const root of rootNames) {
    if (!byName.has(root)) throw new InternalError(`the host code has no ${root}`);
    visit(root);
  }
  const aliases = new Map<string, string>();
  /** What nobody else calls by its name has a short one, which no name of a program is. */
  const called = (name: string): string => {
    if (rootNames.has(name) || exported.has(name)) return name;
    const alias = aliases.get(name) ?? `$${aliases.size.toString(36)}`;
    aliases.set(name, alias);
    return alias;
  };
  const parts: Script[] = [];
  for (const { header, declarations } of files) {
    const used = declarations.filter((declaration) => needed.has(declaration));
    if (used.length === 0) continue;
    const scripts = used.map(({ names, text, script: whole, short }): Script => {
      const script = isShort
        ? shortScript(
            short.replace(marked, (_, name) => called(name)),
            whole.lines[0] ?? 0,
          )
        : whole;
      if (!names.some((name) => exported.has(name))) return { text, script };
      return { text: exportOf(text), script: { ...script, text: script.text === "" ? "" : exportOf(script.text) } };
    });
    const code = joinScripts(scripts, (i) => (isOverload(scripts[i - 1]!, scripts[i]!) ? "\n" : "\n\n"));
    const note = plainScript(asNote(header));
    // A note about types alone says nothing of the JavaScript.
    const isLeft = code.script.text !== "";
    parts.push(joinScripts([isLeft ? note : { ...note, script: { text: "", lines: [] } }, code], () => "\n\n"));
  }
  return joinScripts(parts, () => "\n\n");
}

/** A name that need not stay, as `.ci/embed.mjs` marks it. */
const marked = /§(\w+)§/g;

/** All of it comes from the line where the declaration begins. */
function shortScript(text: string, line: number): Script["script"] {
  return text === "" ? { text, lines: [] } : { text, lines: text.split("\n").map(() => line) };
}

/** A signature of a function and what follows it stand together. */
function isOverload(before: Script, after: Script): boolean {
  return /^function \w+\(/.test(after.text) && before.text.endsWith(";") && /\): [^\n]*;$/.test(before.text);
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
