/**
 * Files as Trafo sees them. The command line gives the real ones (driver/node-files.ts); a browser or a test gives them
 * from memory. All is synchronous, so that a header can be read in the middle of a check; paths use `/`.
 *
 * What goes wrong here is the user's: each failure is a UserError of the family E06 that names the path.
 */
import { type Code, UserError } from "../diagnostics/index.js";
import { nearest } from "../diagnostics/nearest.js";

/** The contents of a file in parts, each made when it is written, for files of many gigabytes. */
export interface FileParts {
  /** The bytes of all parts together. */
  readonly length: number;
  readonly parts: () => Iterable<Uint8Array>;
}
export type FileContents = string | Uint8Array | FileParts;

export interface Files {
  /** What stands at a path, or null if nothing does. */
  kind(path: string): "file" | "folder" | null;
  /** The names in a folder, sorted. */
  list(folder: string): readonly string[];
  /** The length of a file in bytes. */
  size(path: string): number;
  /** Some bytes of a file; fewer if it ends before. */
  read(path: string, start: number, length: number): Uint8Array;
  /** Writes a whole file, making its folder; it takes its place only when complete. */
  write(path: string, contents: FileContents): void;
}

/** The folder of a path; `.` for a bare name. */
export function folderOf(path: string): string {
  const at = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"));
  if (at < 0) return ".";
  return at === 0 ? path.slice(0, 1) : path.slice(0, at);
}

/** The last part of a path. */
export function baseOf(path: string): string {
  return path.replace(/[/\\]+$/, "").replace(/^.*[/\\]/, "");
}

/** A path from a folder; an absolute path stays. `.` and `..` are resolved where the text allows. */
export function joinPath(folder: string, path: string): string {
  const absolute = path.startsWith("/") || /^[A-Za-z]:[/\\]/.test(path);
  const whole = absolute || folder === "." || folder === "" ? path : `${folder}/${path}`;
  const out: string[] = [];
  for (const part of whole.split(/[/\\]+/)) {
    if (part === ".") continue;
    if (part === ".." && out.length > 0 && out.at(-1) !== ".." && out.at(-1) !== "") out.pop();
    else out.push(part);
  }
  return out.join("/") || ".";
}

/**
 * The length of a file that must exist.
 * @throws UserError E0602 if a folder stands there, otherwise of `missing`.
 */
export function requireFile(files: Files, path: string, what = "the file", missing: Code = "E0601"): number {
  const kind = files.kind(path);
  if (kind === "file") return files.size(path);
  if (kind === "folder") {
    throw UserError.of("E0602", `${path} is a folder; ${what} must be a file`);
  }
  throw UserError.of(missing, `cannot read ${path}: there is no such file`, { help: nearby(files, path) });
}

/** The whole text of a file. @throws UserError E0601, E0602. */
export function readText(files: Files, path: string, what = "the file"): string {
  const length = requireFile(files, path, what);
  const text = new TextDecoder("utf-8").decode(files.read(path, 0, length));
  return text.startsWith("\ufeff") ? text.slice(1) : text;
}

/** Help that names the file that a mistyped path most likely meant. */
function nearby(files: Files, path: string): string[] {
  const folder = folderOf(path);
  if (files.kind(folder) !== "folder") return [`the folder ${folder} does not exist either`];
  const base = baseOf(path).toLowerCase();
  const same = files.list(folder).filter((name) => name.toLowerCase() === base || name.startsWith(`${base}.`));
  if (same.length > 0) return [`${folder} has ${same.join(", ")}`];
  // Endings are compared apart: two short names with one ending are not alike.
  const ending = /\.[^.]*$/.exec(baseOf(path))?.[0] ?? "";
  const stems = files
    .list(folder)
    .filter((name) => name.endsWith(ending))
    .map((name) => name.slice(0, name.length - ending.length));
  const stem = nearest(baseOf(path).slice(0, baseOf(path).length - ending.length), stems);
  return stem === null ? [] : [`${folder} has ${stem}${ending}`];
}

/** All parts in one piece. */
export function joined({ length, parts }: FileParts): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts()) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Files in memory, for browsers and tests: whole texts or bytes by path. Folders exist where a file lies under them. */
export function memoryFiles(contents: Iterable<readonly [string, string | Uint8Array]> = []): Files & {
  readonly contents: Map<string, Uint8Array>;
} {
  const bytes = new Map<string, Uint8Array>();
  const put = (path: string, data: FileContents) => {
    const isText = typeof data === "string";
    const whole = isText ? new TextEncoder().encode(data) : data instanceof Uint8Array ? data : joined(data);
    bytes.set(joinPath(".", path), whole);
  };
  for (const [path, data] of contents) put(path, data);
  const under = (folder: string) => {
    const path = joinPath(".", folder);
    const prefix = path === "." ? "" : `${path}/`;
    return [...bytes.keys()].filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  };
  const get = (path: string): Uint8Array => {
    const data = bytes.get(joinPath(".", path));
    if (!data) throw UserError.of("E0601", `cannot read ${path}: there is no such file`);
    return data;
  };
  return {
    contents: bytes,
    kind: (path) => (bytes.has(joinPath(".", path)) ? "file" : under(path).length > 0 ? "folder" : null),
    list: (folder) => [...new Set(under(folder).map((name) => name.split("/")[0] ?? name))].sort(),
    size: (path) => get(path).length,
    read: (path, start, length) => get(path).subarray(start, start + length),
    write: put,
  };
}
