/**
 * All set-up of a clone: dependencies, generated modules, compilation to dist/. `npm start`, `npm test` and
 * `npm run build` run it, and so does `trafo` in a clone, so that nobody runs stale code without knowing.
 *
 * Quiet and quick where there is nothing to do: the sizes and times of all sources are compared with those of the last
 * compilation. Safe to run twice at once: one works, the other waits. Plain Node without dependencies, in a syntax that
 * old versions can read far enough to be told that they are too old.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const dist = join(root, "dist");
const stamp = join(dist, ".sources");
const cache = join(root, ".cache");
const lock = join(cache, "setup.lock");
const folders = ["src", "dsl", "backends"];
const oldestNode = 20;

/** A failure that a person can mend; its message says how. */
export class SetupError extends Error {}

/**
 * Brings dependencies, generated modules and dist/ up to date.
 * @param options.install false to complain about missing dependencies instead of installing them
 * @param options.say prints a line of progress
 * @returns the compiler's messages, empty if the sources are sound; dist/ is made in any case
 * @throws SetupError if something must be done by hand
 */
export async function setup(options = {}) {
  const { install = true, say = (line) => process.stderr.write(`${line}\n`) } = options;
  if (Number(process.versions.node.split(".")[0]) < oldestNode) {
    throw new SetupError(`Trafo needs Node ${oldestNode} or later; this is ${process.version}. See https://nodejs.org`);
  }
  if (isInstalled() && isCompiled()) return "";
  await acquire(say);
  try {
    if (!isInstalled()) {
      if (!install) throw new SetupError("node_modules is missing or does not match package-lock.json: run `npm ci`");
      installDependencies(say);
    }
    return isCompiled() ? "" : await compile(say);
  } finally {
    release();
  }
}

/** Whether every package of package-lock.json is installed in its version; those for other systems may be missing. */
function isInstalled() {
  const wanted = readJson(join(root, "package-lock.json"));
  const found = readJson(join(root, "node_modules", ".package-lock.json"));
  if (wanted === null || found === null) return false;
  return Object.entries(wanted.packages).every(([path, { version, optional }]) => {
    if (path === "") return true;
    const installed = found.packages[path];
    return installed ? installed.version === version : optional === true;
  });
}

function installDependencies(say) {
  say("Installing dependencies (npm ci) …");
  const npm = process.env.npm_execpath;
  const viaNode = npm?.endsWith(".js") ?? false;
  const options = {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit"],
    shell: !viaNode && process.platform === "win32",
  };
  // From what npm has kept of earlier installations, and if that does not do, from the registry alone.
  for (const words of [["ci", "--prefer-offline"], ["ci"]]) {
    const { status } = spawnSync(viaNode ? process.execPath : "npm", viaNode ? [npm, ...words] : words, options);
    if (status === 0 && isInstalled()) return;
  }
  throw new SetupError("npm ci did not succeed: see its messages above, mend the cause, and run `npm ci` again");
}

/** The paths under a folder, sorted; without node_modules and hidden ones. */
function walk(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => name !== "node_modules" && !name.startsWith("."))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? walk(path) : [path];
    });
}

/** A hash of the name, size and time of all that dist/ is made from. */
function fingerprint() {
  const sources = folders.flatMap((folder) => walk(join(root, folder))).filter((path) => /\.(ts|trafo)$/.test(path));
  const more = ["tsconfig.json", "package-lock.json", ".ci/embed.mjs"].map((path) => join(root, path));
  const hash = createHash("sha256");
  for (const path of [...sources, ...more]) {
    const { size, mtimeMs } = statSync(path);
    hash.update(`${relative(root, path)} ${size} ${mtimeMs}\n`);
  }
  return hash.digest("hex");
}

function isCompiled() {
  return read(stamp) === fingerprint();
}

/** Makes the generated modules and compiles; returns the compiler's complaints. */
async function compile(say) {
  const { embed } = await import("./embed.mjs");
  await embed();
  say("Compiling …");
  // Taken before the compiler reads, so that a file that changes meanwhile is compiled again the next time.
  const sources = fingerprint();
  rmSync(stamp, { force: true });
  const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
  const result = spawnSync(process.execPath, [compiler, "-p", "tsconfig.json", "--pretty", "false"], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  if (result.error) throw new SetupError(`the TypeScript compiler does not run: ${result.error.message}`);
  prune();
  if (result.status === 0) writeFileSync(stamp, sources);
  return result.status === 0 ? "" : (result.stdout + result.stderr).trim();
}

/** Removes from dist/ what was made from sources that are gone. */
function prune() {
  for (const path of walk(dist)) {
    const made = /^(.*?)(\.d\.ts|\.js)(\.map)?$/.exec(relative(dist, path));
    if (made && !existsSync(join(root, `${made[1]}.ts`))) rmSync(path, { force: true });
  }
}

/**
 * Waits until no other process is at work here. The lock is a folder with the number of the process that made it: it comes to
 * its place with the number in it, and only where no other is.
 */
async function acquire(say) {
  const own = `${lock}.${process.pid}.own`;
  let told = false;
  for (;;) {
    try {
      mkdirSync(own, { recursive: true });
      writeFileSync(join(own, "pid"), String(process.pid));
    } catch (error) {
      throw new SetupError(`cannot write to ${cache}: ${error.message}`);
    }
    if (moved(own, lock)) return;
    if (isAbandoned(lock)) breakLock();
    else if (!told) {
      say("Waiting for another set-up to end …");
      told = true;
    }
    await new Promise((done) => setTimeout(done, 100));
  }
}

/** Takes this process's own lock away. */
function release() {
  if (read(join(lock, "pid")) === String(process.pid)) takeAway(() => true);
}

/** Takes an abandoned lock away. Of several that try, one succeeds; a lock that was made meanwhile is put back. */
function breakLock() {
  takeAway(isAbandoned);
}

/** Removes the lock, which is nowhere to be seen half removed, unless another is found in its place. */
function takeAway(isWanted) {
  const taken = `${lock}.${process.pid}`;
  if (moved(lock, taken) && (isWanted(taken) || !moved(taken, lock))) rmSync(taken, { recursive: true, force: true });
}

/** Renames a folder, unless it is gone or another with something in it is in the place. */
function moved(from, to) {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    // Windows says EPERM of a place that is taken.
    if (["ENOENT", "ENOTEMPTY", "EEXIST", "EPERM"].includes(error.code)) return false;
    throw error;
  }
}

/** Whether the process that made a lock is gone. */
function isAbandoned(path) {
  try {
    const pid = Number(read(join(path, "pid")) ?? 0);
    // One without a number is of an older set-up, which makes the folder first: while it is young it is not abandoned.
    if (!pid) return Date.now() - statSync(path).mtimeMs > 5000;
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error.code === "ESRCH";
  }
}

function read(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

function readJson(path) {
  const text = read(path);
  return text === null ? null : JSON.parse(text);
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    const problems = await setup();
    if (problems !== "") {
      console.error(problems);
      process.exitCode = 1;
    }
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
