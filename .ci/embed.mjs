/**
 * Turns texts into modules, so that a bundled or browser build of Trafo needs no file system: the host code that goes
 * into every generated module, and the standard library. Both results are ignored by git and made at set-up; a file is
 * written only if it changes, so that nothing is compiled again without need.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

const texts = [
  { folder: "src/runtime/host", extension: ".ts", about: "The host code of generated modules, by file name." },
  { folder: "dsl/std", extension: ".trafo", about: "The standard library, by file name." },
];

/** Writes `sources.generated.ts` in each folder of texts; returns the paths that changed. */
export function embed() {
  const changed = [];
  for (const { folder, extension, about } of texts) {
    const path = join(root, folder);
    mkdirSync(path, { recursive: true });
    const names = readdirSync(path).filter((name) => name.endsWith(extension) && !name.endsWith(".generated.ts"));
    const fields = names.sort().map((name) => {
      const text = readFileSync(join(path, name), "utf8").replaceAll("\r\n", "\n");
      return `  ${JSON.stringify(name)}:\n    ${JSON.stringify(text)},\n`;
    });
    const target = join(path, "sources.generated.ts");
    const module = `/** ${about} Made by .ci/embed.mjs. */\nexport const sources: Readonly<Record<string, string>> = {\n${fields.join("")}};\n`;
    if (read(target) === module) continue;
    writeFileSync(target, module);
    changed.push(target);
  }
  return changed;
}

function read(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const path of embed()) console.log(`wrote ${path}`);
}
