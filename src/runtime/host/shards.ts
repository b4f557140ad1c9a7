/**
 * Weights in several files: the index that is published with them (`model.safetensors.index.json`) says which file holds
 * which tensor. Only the files that hold a tensor that is asked for are opened.
 *
 * Beside the index may stand any number of files, so a web server is asked for each again when its tensors are due: a
 * browser opens few connections to one server, and those that wait for their turn would hold them all.
 */
import { fileSource, isFolder, joinFile, listFolder, WeightsError, webSource } from "./byte-sources.js";

/** A file of weights, and the tensors that it must hold by its index; null for a file of its own. */
export interface WeightsFile {
  readonly at: string | URL;
  readonly tensors: readonly string[] | null;
}

const indexName = "model.safetensors.index.json";
const wholeName = "model.safetensors";

/**
 * The files behind a path or URL: itself, those that an index lists, or what a folder holds.
 * @param isFile whether it is on disk
 * @param wanted the names of tensors that a model may read; shards without any of them are left out
 */
export async function weightsFiles(
  given: string | URL,
  isFile: boolean,
  wanted: ReadonlySet<string>,
  signal: AbortSignal | undefined,
): Promise<readonly WeightsFile[]> {
  if (isFile && (await isFolder(given))) {
    const names = await listFolder(given);
    const only = names.filter((name) => name.endsWith(".safetensors") && name !== "io.safetensors");
    const name = [wholeName, indexName].find((known) => names.includes(known)) ?? (only.length === 1 ? only[0]! : null);
    if (name === null) {
      const what = only.length === 0 ? "no file of weights" : `several files of weights: ${only.sort().join(", ")}`;
      throw new WeightsError(`the folder ${given} holds ${what}`);
    }
    return weightsFiles(joinFile(given, name), true, wanted, signal);
  }
  if (!/\.json$/i.test(String(given).replace(/[?#].*$/, ""))) return [{ at: given, tensors: null }];
  const source = isFile ? await fileSource(given, signal) : await webSource(given, signal);
  let text: string;
  try {
    text = await source.text();
  } finally {
    await source.close();
  }
  const files = new Map<string, string[]>();
  for (const [tensor, file] of Object.entries(weightMap(text, source.file))) {
    if (typeof file !== "string" || file === "" || /[/\\]/.test(file)) {
      throw new WeightsError(`${source.file} gives no name of a file for tensor "${tensor}"`);
    }
    if (!wanted.has(tensor)) continue;
    const held = files.get(file);
    if (held) held.push(tensor);
    else files.set(file, [tensor]);
  }
  return [...files].map(([file, tensors]) => ({ at: siblingOf(given, file), tensors }));
}

/** Which file holds which tensor. */
function weightMap(text: string, file: string): Readonly<Record<string, unknown>> {
  let index: unknown;
  try {
    index = JSON.parse(text.startsWith("\ufeff") ? text.slice(1) : text);
  } catch (error) {
    throw new WeightsError(`${file} is not JSON (${error instanceof Error ? error.message : error})`);
  }
  const map = typeof index === "object" && index !== null ? (index as Record<string, unknown>).weight_map : undefined;
  if (typeof map !== "object" || map === null || Array.isArray(map)) {
    throw new WeightsError(`${file} is no index of weights: it has no object "weight_map"`);
  }
  return map as Readonly<Record<string, unknown>>;
}

/** The place of a file beside another. A query, such as a signature, goes along. */
function siblingOf(given: string | URL, name: string): string | URL {
  const text = String(given);
  const isUrl = given instanceof URL || /^[a-z][a-z0-9+.-]+:/i.test(text);
  const [path, query] = isUrl ? splitQuery(text) : [text, ""];
  const at = Math.max(path.lastIndexOf("/"), isUrl ? -1 : path.lastIndexOf("\\"));
  const beside = path.slice(0, at + 1) + (isUrl ? encodeURIComponent(name) : name) + query;
  return given instanceof URL ? new URL(beside) : beside;
}

function splitQuery(url: string): [path: string, query: string] {
  const at = url.search(/[?#]/);
  return at < 0 ? [url, ""] : [url.slice(0, at), url.slice(at)];
}
