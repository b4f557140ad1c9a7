/**
 * The files of the machine, for Node. The only file of the compiler, beside the command line, that needs Node, so that
 * everything else also runs in a browser.
 */
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { type Code, UserError } from "../diagnostics/index.js";
import type { FileContents, Files } from "../runtime/files.js";

/** What the system's codes mean, in words. */
const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "this user may not",
  EPERM: "this user may not",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of the path is a file",
  EEXIST: "a file stands where a folder is needed",
  ENOSPC: "the disk is full",
  EROFS: "the disk can only be read",
  ENAMETOOLONG: "the name is too long",
  EMFILE: "too many files are open",
};

/** Runs a call of the system; what it refuses becomes the user's error. */
function system<T>(code: Code, doing: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    const name = error instanceof Error && "code" in error ? String(error.code) : null;
    if (name === null) throw error;
    throw UserError.of(code, `cannot ${doing}: ${reasons[name] ?? name}`);
  }
}

/** The files of this machine. */
export function nodeFiles(): Files {
  return {
    kind: (path) => {
      const stat = system("E0601", `read ${path}`, () => {
        try {
          return statSync(path, { throwIfNoEntry: false });
        } catch (error) {
          // Below a file there is nothing.
          if (error instanceof Error && "code" in error && error.code === "ENOTDIR") return undefined;
          throw error;
        }
      });
      return stat === undefined ? null : stat.isDirectory() ? "folder" : "file";
    },
    list: (folder) => system("E0601", `read the folder ${folder}`, () => readdirSync(folder).sort()),
    size: (path) => system("E0601", `read ${path}`, () => statSync(path).size),
    read: (path, start, length) => system("E0601", `read ${path}`, () => readRange(path, start, length)),
    write: (path, contents) => system("E0604", `write ${path}`, () => writeWhole(path, contents)),
  };
}

function readRange(path: string, start: number, length: number): Uint8Array {
  const file = openSync(path, "r");
  try {
    // What has no length, such as a pipe, is refused by its size; a regular file gives no more than it has.
    const most = Math.max(0, Math.min(length, fstatSync(file).size - start));
    const bytes = new Uint8Array(most);
    let done = 0;
    while (done < most) {
      const count = readSync(file, bytes, done, Math.min(most - done, 1 << 30), start + done);
      if (count === 0) break;
      done += count;
    }
    return done === most ? bytes : bytes.subarray(0, done);
  } finally {
    closeSync(file);
  }
}

/** Makes a folder and those above it, one by one: Node's own way never ends where none can be made, as in /proc. */
function makeFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  if (dirname(path) !== path) makeFolder(dirname(path));
  try {
    mkdirSync(path);
  } catch (error) {
    // Another process may have been faster.
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw error;
  }
}

/** Writes beside the target and renames, so that a reader never sees half a file. */
function writeWhole(path: string, contents: FileContents): void {
  makeFolder(dirname(path));
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    throw UserError.of("E0604", `cannot write ${path}: it is a folder`);
  }
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  try {
    writeContents(temporary, contents);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

function writeContents(path: string, contents: FileContents): void {
  if (typeof contents === "string" || contents instanceof Uint8Array) {
    writeFileSync(path, contents);
    return;
  }
  const file = openSync(path, "w");
  try {
    for (const part of contents.parts()) {
      for (let at = 0; at < part.length; ) at += writeSync(file, part, at, Math.min(part.length - at, 1 << 30));
    }
  } finally {
    closeSync(file);
  }
}
