/** The packages of peers, from test/bench/node_modules or the project's own; a peer that is missing is left out. */
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { pathToFileURL } from "node:url";

const require = createRequire(import.meta.url);
const told = new Set();

/** The path of a package's entry, or null, which is told once. */
export function pathOf(name) {
  try {
    return require.resolve(name);
  } catch {
    if (!told.has(name)) console.log(`${name} is left out: npm install --prefix test/bench`);
    told.add(name);
    return null;
  }
}

/** The folder of a package's entry. */
export const folderOf = (name) => dirname(pathOf(name));

/** Imports a package, or gives null. */
export async function load(name) {
  const path = pathOf(name);
  if (path === null) return null;
  const module = await import(pathToFileURL(path).href);
  return module.default ?? module;
}
