/** The packages of peers, from test/bench/node_modules or the project's own; a peer that is missing is left out. */
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const require = createRequire(import.meta.url);
const told = new Set();

/** Some packages are only to be imported, others only to be required. */
function resolved(name) {
  try {
    return require.resolve(name);
  } catch {
    return fileURLToPath(import.meta.resolve(name));
  }
}

/** The path of a package's entry, or null, which is told once. @param what to tell npm for it */
export function pathOf(name, what = "") {
  try {
    return resolved(name);
  } catch {
    if (!told.has(name)) console.log(`${name} is left out: npm install --prefix test/bench ${what}`.trimEnd());
    told.add(name);
    return null;
  }
}

/** The folder of a package's entry. */
export const folderOf = (name) => dirname(pathOf(name));

/** Imports a package, or gives null. */
export async function load(name, what = "") {
  const path = pathOf(name, what);
  if (path === null) return null;
  const module = await import(pathToFileURL(path).href);
  return module.default ?? module;
}
