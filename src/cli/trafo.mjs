#!/usr/bin/env node
/**
 * The `trafo` command. In a clone of the repository it first brings dist/ up to date with the sources, so that an edit
 * is never silently ignored; in an installed package there is nothing to do.
 */
import "./short-run.mjs";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const main = join(root, "dist", "src", "cli", "main.js");
const setupScript = join(root, ".ci", "setup.mjs");

/** Ends with the status of an internal error: what is wrong is the installation, not what the user gave. */
function stop(message) {
  process.stderr.write(`trafo: ${message}\n`);
  process.exit(3);
}

if (existsSync(setupScript)) {
  const { setup, SetupError } = await import(pathToFileURL(setupScript).href);
  try {
    const problems = await setup({ install: false });
    if (problems !== "")
      process.stderr.write(`${problems}\ntrafo: the sources have errors; running what they compile to\n`);
  } catch (error) {
    if (error instanceof SetupError) stop(error.message);
    throw error;
  }
}
if (!existsSync(main)) stop("dist/ is missing: run `npm run build`");
const { main: run } = await import(pathToFileURL(main).href).catch((error) => {
  stop(`dist/ does not load: ${error.message}`);
});
process.exitCode = await run(process.argv.slice(2));
