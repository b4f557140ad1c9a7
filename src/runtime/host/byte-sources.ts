/**
 * Where the bytes of a weights file come from: memory, a Blob, the web, or a file on disk.
 *
 * A download is read in ascending order of offsets, so that it can be taken apart while it arrives and is never held
 * whole. Files and Blobs give only what is asked for, in any order.
 */

/** What is wrong with the weights that a model was given. */
export class WeightsError extends Error {
  override name = "WeightsError";
}

export interface ByteSource {
  /** How errors call it. */
  readonly file: string;
  /** The number of bytes, or null where only reading to the end would tell. */
  readonly size: number | null;
  /** All bytes, where they lie in memory anyway. */
  readonly bytes: Uint8Array | null;
  /** Whether bytes can only be read in ascending order. */
  readonly isSequential: boolean;
  /** Fills `target` from `offset`, which is not before the end of what a sequential one read last. Returns the bytes that were there. */
  read(offset: number, target: Uint8Array, onBytes: (count: number) => void): Promise<number>;
  /** Lets a connection go until there is more to read. */
  pause(): Promise<void>;
  close(): Promise<void>;
}

/** A file or download, of which all may be read as text. */
export interface TextSource extends ByteSource {
  /** All of it, of which nothing was read before. */
  text(): Promise<string>;
}

/** Files are read in pieces of this size, so that progress shows and an abort is heard. */
const pieceBytes = 1 << 24;
/** Blobs give pieces as new arrays, of which the host holds some until it collects them. */
const blobBytes = 1 << 20;

export function bytesSource(bytes: Uint8Array, file: string): ByteSource {
  return {
    file,
    size: bytes.byteLength,
    isSequential: false,
    bytes,
    async read(offset, target, onBytes) {
      const part = bytes.subarray(offset, offset + target.length);
      target.set(part);
      onBytes(part.length);
      return part.length;
    },
    async pause() {},
    async close() {},
  };
}

export function blobSource(blob: Blob, signal: AbortSignal | undefined): ByteSource {
  const name = (blob as { name?: unknown }).name;
  return {
    file: typeof name === "string" && name !== "" ? name : "the Blob",
    size: blob.size,
    isSequential: false,
    bytes: null,
    async read(offset, target, onBytes) {
      const count = Math.max(0, Math.min(target.length, blob.size - offset));
      for (let at = 0; at < count; at += blobBytes) {
        signal?.throwIfAborted();
        const end = Math.min(at + blobBytes, count);
        target.set(new Uint8Array(await blob.slice(offset + at, offset + end).arrayBuffer()), at);
        onBytes(end - at);
      }
      return count;
    },
    async pause() {},
    async close() {},
  };
}

/**
 * A download. Its length is unknown: the one that a server declares is that of the compressed bytes. After a pause it is
 * asked for from where reading goes on; a server that gives all of it again is read over.
 */
export async function webSource(url: string | URL, signal: AbortSignal | undefined): Promise<TextSource> {
  const file = String(url).startsWith("data:") ? "the data: URL" : String(url);
  const request = async (from: number): Promise<Response> => {
    const headers: Record<string, string> = from > 0 ? { range: `bytes=${from}-` } : {};
    let response: Response;
    try {
      response = await fetch(url, signal ? { signal, headers } : { headers });
    } catch (error) {
      signal?.throwIfAborted();
      throw new WeightsError(`${file} cannot be fetched: ${error instanceof Error ? error.message : error}`);
    }
    // Where nothing is left, a download was cut off: its reader finds no bytes.
    if (!response.ok && !(from > 0 && response.status === 416))
      throw new WeightsError(`${file} cannot be fetched: ${response.status} ${response.statusText}`.trimEnd());
    return response;
  };
  const first = await request(0);
  let reader = first.body?.getReader();
  let paused = false;
  let piece = new Uint8Array(0);
  let position = 0;
  const pause = async (): Promise<void> => {
    await reader?.cancel().catch(() => {});
    piece = new Uint8Array(0);
    paused = true;
  };
  const resume = async (offset: number): Promise<void> => {
    const response = await request(offset);
    reader = response.ok ? response.body?.getReader() : undefined;
    position = response.status === 200 ? 0 : offset;
    paused = false;
  };
  /** Takes up to `count` bytes off the stream; nothing at its end. */
  const take = async (count: number): Promise<Uint8Array> => {
    while (piece.length === 0) {
      const next = await reader?.read();
      if (!next || next.done) return piece;
      piece = next.value;
    }
    const part = piece.subarray(0, count);
    piece = piece.subarray(part.length);
    position += part.length;
    return part;
  };
  return {
    file,
    size: null,
    isSequential: true,
    bytes: null,
    async read(offset, target, onBytes) {
      if (target.length === 0) return 0;
      if (paused) await resume(offset);
      while (position < offset) if ((await take(offset - position)).length === 0) return 0;
      let filled = 0;
      while (filled < target.length) {
        const part = await take(target.length - filled);
        if (part.length === 0) break;
        target.set(part, filled);
        filled += part.length;
        onBytes(part.length);
      }
      return filled;
    },
    async text() {
      const decoder = new TextDecoder();
      let text = "";
      for (;;) {
        const part = await take(Number.MAX_SAFE_INTEGER);
        if (part.length === 0) return text + decoder.decode();
        text += decoder.decode(part, { stream: true });
      }
    },
    pause,
    close: pause,
  };
}

/** What is used of the module node:fs/promises. */
interface FileSystem {
  open(path: string | URL): Promise<{
    stat(): Promise<{ size: number }>;
    read(target: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }>;
    close(): Promise<void>;
  }>;
  stat(path: string | URL): Promise<{ isDirectory(): boolean }>;
  readdir(path: string | URL): Promise<string[]>;
}

async function fileSystem(): Promise<FileSystem> {
  // Through a variable, so that bundlers for browsers do not look for the module.
  const moduleName: string = "node:fs/promises";
  return import(/* webpackIgnore: true */ /* @vite-ignore */ moduleName);
}

/** Runs a call of the system; what it refuses is said of the path. */
async function fileCall<T>(path: string | URL, call: (system: FileSystem) => Promise<T>): Promise<T> {
  try {
    return await call(await fileSystem());
  } catch (error) {
    throw new WeightsError(`${path} cannot be read: ${error instanceof Error ? error.message : error}`);
  }
}

/** Whether a folder stands at a path. */
export function isFolder(path: string | URL): Promise<boolean> {
  return fileCall(path, async (system) => (await system.stat(path)).isDirectory());
}

/** The names in a folder. */
export function listFolder(path: string | URL): Promise<string[]> {
  return fileCall(path, (system) => system.readdir(path));
}

/** A file in a folder. */
export function joinFile(folder: string | URL, name: string): string | URL {
  if (!(folder instanceof URL)) return `${folder.replace(/[/\\]+$/, "")}/${name}`;
  return new URL(encodeURIComponent(name), folder.href.endsWith("/") ? folder : `${folder.href}/`);
}

/** A file on disk, under Node, Deno or Bun. */
export async function fileSource(path: string | URL, signal: AbortSignal | undefined): Promise<TextSource> {
  const handle = await fileCall(path, (system) => system.open(path));
  const { size } = await fileCall(path, () => handle.stat());
  const read: ByteSource["read"] = async (offset, target, onBytes) => {
    let filled = 0;
    while (filled < target.length) {
      signal?.throwIfAborted();
      const length = Math.min(pieceBytes, target.length - filled);
      const { bytesRead } = await fileCall(path, () => handle.read(target, filled, length, offset + filled));
      if (bytesRead === 0) break;
      filled += bytesRead;
      onBytes(bytesRead);
    }
    return filled;
  };
  return {
    file: String(path),
    size,
    isSequential: false,
    bytes: null,
    read,
    async text() {
      const bytes = new Uint8Array(size);
      return new TextDecoder().decode(bytes.subarray(0, await read(0, bytes, () => {})));
    },
    async pause() {},
    close: () => handle.close(),
  };
}

/** Whether this host reads files: a text that is no URL is then a path, and else relative to the page. */
export function hasFiles(): boolean {
  const { process } = globalThis as { process?: { versions?: { node?: string } } };
  return process?.versions?.node !== undefined;
}
