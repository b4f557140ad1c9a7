/**
 * Where the bytes of a weights file come from: memory, a Blob, the web, or a file on disk.
 *
 * All are read in ascending order of offsets, so that a download can be taken apart while it arrives and is never held
 * whole. Files and Blobs give only what is asked for.
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
  /** Fills `target` from `offset`, which is not before the end of what was read last. Returns the bytes that were there. */
  read(offset: number, target: Uint8Array, onBytes: (count: number) => void): Promise<number>;
  close(): Promise<void>;
}

/** Files and Blobs are read in pieces of this size, so that progress shows and an abort is heard. */
const pieceBytes = 1 << 24;

export function bytesSource(bytes: Uint8Array, file: string): ByteSource {
  return {
    file,
    size: bytes.byteLength,
    bytes,
    async read(offset, target, onBytes) {
      const part = bytes.subarray(offset, offset + target.length);
      target.set(part);
      onBytes(part.length);
      return part.length;
    },
    async close() {},
  };
}

export function blobSource(blob: Blob, signal: AbortSignal | undefined): ByteSource {
  const name = (blob as { name?: unknown }).name;
  return {
    file: typeof name === "string" && name !== "" ? name : "the Blob",
    size: blob.size,
    bytes: null,
    async read(offset, target, onBytes) {
      const count = Math.max(0, Math.min(target.length, blob.size - offset));
      for (let at = 0; at < count; at += pieceBytes) {
        signal?.throwIfAborted();
        const end = Math.min(at + pieceBytes, count);
        target.set(new Uint8Array(await blob.slice(offset + at, offset + end).arrayBuffer()), at);
        onBytes(end - at);
      }
      return count;
    },
    async close() {},
  };
}

/** A download. Its length is unknown: the one that a server declares is that of the compressed bytes. */
export async function webSource(url: string | URL, signal: AbortSignal | undefined): Promise<ByteSource> {
  const file = String(url).startsWith("data:") ? "the data: URL" : String(url);
  let response: Response;
  try {
    response = await fetch(url, signal ? { signal } : {});
  } catch (error) {
    signal?.throwIfAborted();
    throw new WeightsError(`${file} cannot be fetched: ${error instanceof Error ? error.message : error}`);
  }
  if (!response.ok)
    throw new WeightsError(`${file} cannot be fetched: ${response.status} ${response.statusText}`.trimEnd());
  const reader = response.body?.getReader();
  let piece = new Uint8Array(0);
  let position = 0;
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
    bytes: null,
    async read(offset, target, onBytes) {
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
    async close() {
      await reader?.cancel().catch(() => {});
    },
  };
}

/** What is used of the module node:fs/promises. */
interface FileSystem {
  open(path: string | URL): Promise<{
    stat(): Promise<{ size: number }>;
    read(target: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }>;
    close(): Promise<void>;
  }>;
}

/** A file on disk, under Node, Deno or Bun. */
export async function fileSource(path: string | URL, signal: AbortSignal | undefined): Promise<ByteSource> {
  // Through a variable, so that bundlers for browsers do not look for the module.
  const moduleName: string = "node:fs/promises";
  const fileSystem: FileSystem = await import(/* webpackIgnore: true */ /* @vite-ignore */ moduleName);
  const fail = (error: unknown): never => {
    throw new WeightsError(`${path} cannot be read: ${error instanceof Error ? error.message : error}`);
  };
  const handle = await fileSystem.open(path).catch(fail);
  return {
    file: String(path),
    size: (await handle.stat()).size,
    bytes: null,
    async read(offset, target, onBytes) {
      let filled = 0;
      while (filled < target.length) {
        signal?.throwIfAborted();
        const length = Math.min(pieceBytes, target.length - filled);
        const { bytesRead } = await handle.read(target, filled, length, offset + filled).catch(fail);
        if (bytesRead === 0) break;
        filled += bytesRead;
        onBytes(bytesRead);
      }
      return filled;
    },
    close: () => handle.close(),
  };
}

/** Whether this host reads files: a text that is no URL is then a path, and else relative to the page. */
export function hasFiles(): boolean {
  const { process } = globalThis as { process?: { versions?: { node?: string } } };
  return process?.versions?.node !== undefined;
}
