/**
 * Finds the weights of a model in what the caller gives, checks them, and reads them into typed arrays.
 *
 * A weight has alternatives, and the first that the checkpoint holds is taken; each is one tensor or several that are
 * stacked along a new first axis. All that is missing or misshapen is reported at once, before any tensor is read.
 * Weights that come to the same tensors of a checkpoint share one array. What a model prepares of its weights is computed
 * as soon as they have arrived, and those that no run reads are let go, so that little more than the weights is held.
 */
import {
  type ByteSource,
  blobSource,
  bytesSource,
  fileSource,
  hasFiles,
  WeightsError,
  webSource,
} from "./byte-sources.js";
import { nearestHint } from "./names.js";
import { Preparation, type PreparedSpec } from "./prepared.js";
import {
  convertsTo,
  parseSafetensors,
  parseSafetensorsHeader,
  type SafetensorsType,
  safetensorsHeaderLength,
} from "./safetensors.js";
import { weightsFiles } from "./shards.js";
import {
  type ArrayOf,
  type ElementName,
  elementCount,
  type HeldArrayOf,
  type HeldElement,
  showShape,
} from "./tensors.js";
import { type HeldTensor, type PlannedRead, readAll } from "./weight-reads.js";

/** A tensor that is given by name. The kind of its array says its type; 16-bit numbers are f16 as bits. */
export interface NamedTensor {
  readonly data:
    | Float32Array
    | Float64Array
    | Int32Array
    | BigInt64Array
    | Int16Array
    | Int8Array
    | Uint16Array
    | Uint8Array
    | readonly number[];
  readonly shape: readonly number[];
}

/**
 * Weights: the bytes of a safetensors file, a Blob, a URL, a path (under Node, Deno and Bun), or tensors by name. A URL or
 * path may be that of an index (`model.safetensors.index.json`), whose files lie beside it; a path may be a folder's.
 * Bytes and arrays of the model's own type are read in place: leave them unchanged while the model is in use.
 */
export type WeightsSource =
  | ArrayBuffer
  | Uint8Array
  | Blob
  | URL
  | string
  | Readonly<Record<string, NamedTensor>>
  | ReadonlyMap<string, NamedTensor>;

/** How far the weights are read, in bytes. */
export interface WeightsProgress {
  readonly loaded: number;
  readonly total: number;
}

export interface WeightsOptions {
  /** One source, or several whose tensors complement each other, as the parts of a checkpoint in several files. */
  readonly weights?: WeightsSource | readonly WeightsSource[] | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: WeightsProgress) => void) | undefined;
}

/** What a model expects of one weight. Without `sources` it is the tensor of its own name. */
export interface WeightSpec {
  readonly type: ElementName;
  readonly shape: readonly number[];
  readonly sources?: readonly (readonly string[])[];
  /** Runs do not read it: it is let go when all that is prepared of it is. */
  readonly passing?: boolean;
}

type Held = Readonly<Record<string, { readonly type: HeldElement; readonly passing?: boolean }>>;

/** The arrays of a table by name: those that runs read. */
export type WeightsOf<Table extends Held> = {
  readonly [Name in keyof Table as Table[Name]["passing"] extends true
    ? never
    : Name]: HeldArrayOf[Table[Name]["type"]];
};

/** Reads the weights of a table, and prepares what is made of them. */
export async function loadWeights<
  Table extends Readonly<Record<string, WeightSpec>>,
  Prepared extends Readonly<Record<string, PreparedSpec>>,
>(table: Table, prepared: Prepared, options: WeightsOptions): Promise<WeightsOf<Table & Prepared>> {
  const preparation = new Preparation(table, prepared);
  await takeWeights(table, options, {
    room: () => null,
    take: (names, array) => {
      for (const name of names) preparation.take(name, array!);
    },
  });
  return preparation.arrays as WeightsOf<Table & Prepared>;
}

const weightsForms = "bytes, a Blob, a URL or a path of a .safetensors or of an index, or tensors by name";

/** Takes weights as they arrive. */
export interface WeightsTaker {
  /** An array that equal weights may be read into; null where they have none yet. */
  room(names: readonly string[]): ArrayOf[ElementName] | null;
  /** Takes equal weights. @param array null where they were read into their room */
  take(names: readonly string[], array: ArrayOf[ElementName] | null): void;
}

/** Reads the weights of a table and gives each on as soon as it has arrived. Equal ones are one array. */
export async function takeWeights(
  table: Readonly<Record<string, WeightSpec>>,
  options: WeightsOptions,
  taker: WeightsTaker,
): Promise<void> {
  // A caller in JavaScript may leave the options out.
  const { weights: given = [] } = (options as WeightsOptions | undefined) ?? {};
  const sources: readonly WeightsSource[] = Array.isArray(given) ? given : [given];
  if (sources.length === 0 && Object.keys(table).length > 0) {
    throw new WeightsError(`the model needs weights: ${weightsForms}`);
  }
  const opened: ByteSource[] = [];
  try {
    const held = new Map<string, HeldTensor>();
    const wanted = new Set(Object.entries(table).flatMap(([name, { sources }]) => sources?.flat() ?? [name]));
    for (const source of sources) {
      await openSource(source, wanted, options.signal, opened, held);
    }
    const keys = new Map<string, string>();
    const reads = planReads(table, held, opened.map((source) => source.file).join(", "), keys);
    const names = new Map<string, string[]>();
    for (const [name, key] of keys) names.set(key, [...(names.get(key) ?? []), name]);
    await readAll(reads, options, {
      room: (key) => taker.room(names.get(key)!),
      give: (key, array) => taker.take(names.get(key)!, array),
    });
  } finally {
    for (const source of opened) await source.close();
  }
}

/** Opens a source, checks its header and adds its tensors to those that are held. */
async function openSource(
  given: WeightsSource,
  wanted: ReadonlySet<string>,
  signal: AbortSignal | undefined,
  opened: ByteSource[],
  held: Map<string, HeldTensor>,
): Promise<void> {
  signal?.throwIfAborted();
  let source: ByteSource;
  const tag = Object.prototype.toString.call(given);
  if (typeof given === "string" || given instanceof URL) {
    const isUrl = given instanceof URL || /^[a-z][a-z0-9+.-]+:/i.test(given);
    const isFile = isUrl ? new URL(given).protocol === "file:" : hasFiles();
    for (const { at, tensors } of await weightsFiles(
      isFile && isUrl ? new URL(given) : given,
      isFile,
      wanted,
      signal,
    )) {
      const shard = isFile ? await fileSource(at, signal) : await webSource(at, signal);
      await holdTensors(shard, opened, held);
      const lacking = tensors?.find((name) => held.get(name)?.source !== shard);
      if (lacking !== undefined) {
        throw new WeightsError(`${given} says that ${shard.file} holds tensor "${lacking}", which it does not`);
      }
    }
    return;
  } else if (tag === "[object ArrayBuffer]" || tag === "[object SharedArrayBuffer]") {
    source = bytesSource(new Uint8Array(given as ArrayBuffer), "the given bytes");
  } else if (ArrayBuffer.isView(given)) {
    source = bytesSource(new Uint8Array(given.buffer, given.byteOffset, given.byteLength), "the given bytes");
  } else if (tag === "[object Blob]" || tag === "[object File]") {
    source = blobSource(given as Blob, signal);
  } else if (tag !== "[object Object]" && tag !== "[object Map]") {
    throw new WeightsError(`the model needs weights: ${weightsForms}; ${tag} is none of these`);
  } else {
    return openNamed(given as Readonly<Record<string, NamedTensor>> | ReadonlyMap<string, NamedTensor>, opened, held);
  }
  await holdTensors(source, opened, held);
}

/** Checks the header of a source and adds its tensors. Where there are several, only the last stays connected. */
async function holdTensors(source: ByteSource, opened: ByteSource[], held: Map<string, HeldTensor>): Promise<void> {
  await opened.at(-1)?.pause();
  opened.push(source);
  for (const [name, entry] of (await readHeader(source)).tensors) {
    const other = held.get(name);
    if (other) throw new WeightsError(`${other.source.file} and ${source.file} both hold a tensor "${name}"`);
    held.set(name, { source, entry });
  }
}

async function readHeader(source: ByteSource): Promise<ReturnType<typeof parseSafetensors>> {
  if (source.bytes) return parseSafetensors(source.bytes, source.file);
  const prefix = new Uint8Array(8);
  const found = await source.read(0, prefix, () => {});
  const text = new Uint8Array(safetensorsHeaderLength(prefix.subarray(0, found), source.size, source.file));
  if ((await source.read(8, text, () => {})) < text.length) {
    throw new WeightsError(`${source.file} is cut off within its header of ${text.length} bytes`);
  }
  return parseSafetensorsHeader(text, source.size, source.file);
}

/** The safetensors type of each kind of array. */
const typesByArray: Readonly<Record<string, SafetensorsType>> = {
  Float32Array: "F32",
  Float64Array: "F64",
  Int32Array: "I32",
  BigInt64Array: "I64",
  Int16Array: "I16",
  Int8Array: "I8",
  Uint16Array: "F16",
  Uint8Array: "U8",
};

/** Adds tensors that are given by name: each is a source of its own, of its bytes. */
function openNamed(
  tensors: Readonly<Record<string, NamedTensor>> | ReadonlyMap<string, NamedTensor>,
  opened: ByteSource[],
  held: Map<string, HeldTensor>,
): void {
  const isMap = Object.prototype.toString.call(tensors) === "[object Map]";
  const all = isMap ? (tensors as ReadonlyMap<string, NamedTensor>) : Object.entries(tensors);
  opened.push(bytesSource(new Uint8Array(0), "the given object"));
  for (const [name, tensor] of all) {
    const data = Array.isArray(tensor?.data)
      ? Float64Array.from(tensor.data)
      : (tensor?.data as Float32Array | undefined);
    const type = data && typesByArray[Object.prototype.toString.call(data).slice(8, -1)];
    if (!data || !type || !Array.isArray(tensor.shape)) {
      throw new WeightsError(`the given tensor "${name}" is not { data, shape } with an array of numbers`);
    }
    if (held.has(name)) throw new WeightsError(`the tensor "${name}" is given twice`);
    const shape = tensor.shape as readonly number[];
    if (elementCount(shape) !== data.length) {
      throw new WeightsError(
        `the given tensor "${name}" has the shape ${showShape(shape)}, but ${data.length} elements`,
      );
    }
    const source = bytesSource(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), "the given object");
    held.set(name, { source, entry: { name, type, shape, start: 0, end: data.byteLength } });
  }
}

/**
 * Chooses an alternative for every weight and lists the tensors to read, by source and offset.
 * @param keys gets, for each weight, the key of its array: equal for weights that share one
 */
function planReads(
  table: Readonly<Record<string, WeightSpec>>,
  held: ReadonlyMap<string, HeldTensor>,
  file: string,
  keys: Map<string, string>,
): PlannedRead[] {
  const problems: string[] = [];
  const reads = new Map<string, PlannedRead[]>();
  for (const [name, spec] of Object.entries(table)) {
    const alternatives = spec.sources ?? [[name]];
    const chosen = alternatives.find((parts) => parts.every((part) => held.has(part)));
    if (!chosen) {
      problems.push(missingWeight(name, alternatives, held, file));
      continue;
    }
    const key = JSON.stringify([chosen, spec.type]);
    keys.set(name, key);
    const tensors = chosen.map((part) => held.get(part)!);
    // A stack of one tensor cannot be told from a tensor but by its shape.
    const stacks = chosen.length > 1 || tensors[0]!.entry.shape.length === spec.shape.length - 1;
    const [count, ...rest] = stacks ? spec.shape : [1, ...spec.shape];
    for (const { entry, source } of tensors) {
      const where = entry.name === name ? `weight "${name}"` : `weight "${name}" (tensor "${entry.name}")`;
      if (!convertsTo(entry.type, spec.type)) {
        problems.push(`${where} is ${spec.type}, but ${source.file} holds ${entry.type}`);
      } else if (count !== chosen.length) {
        problems.push(
          `${where} has the shape ${showShape(spec.shape)}, but ${source.file} holds ${showShape(entry.shape)}`,
        );
      } else if (showShape(entry.shape) !== showShape(rest)) {
        problems.push(`${where} has the shape ${showShape(rest)}, but ${source.file} holds ${showShape(entry.shape)}`);
      }
    }
    const elements = elementCount(spec.shape);
    const list = tensors.map((tensor, part) => ({
      ...tensor,
      key,
      type: spec.type,
      elements,
      part,
      parts: chosen.length,
    }));
    if (!reads.has(key)) reads.set(key, list);
  }
  if (problems.length > 0) throw new WeightsError(summary(problems));
  return inOrder([...reads.values()].flat(), held);
}

/**
 * The order of reading: source by source, as the bytes lie there, so that a download is read as it arrives. But where any
 * byte can be had at any time, the largest tensors come first: what they are packed from lies where others will.
 */
function inOrder(reads: readonly PlannedRead[], held: ReadonlyMap<string, HeldTensor>): PlannedRead[] {
  const order = new Map<ByteSource, number>();
  for (const { source } of held.values()) if (!order.has(source)) order.set(source, order.size);
  const bytesOf = ({ entry }: PlannedRead): number => entry.end - entry.start;
  const total = reads.reduce((sum, each) => sum + bytesOf(each), 0);
  const large = (each: PlannedRead): number => {
    return each.source.isSequential || each.parts > 1 || bytesOf(each) * 16 < total ? 0 : bytesOf(each);
  };
  return [...reads].sort(
    (a, b) => large(b) - large(a) || order.get(a.source)! - order.get(b.source)! || a.entry.start - b.entry.start,
  );
}

function missingWeight(
  name: string,
  alternatives: readonly (readonly string[])[],
  held: ReadonlyMap<string, HeldTensor>,
  file: string,
): string {
  const missing = alternatives.map((parts) => parts.find((part) => !held.has(part))!);
  const list = missing.map((part) => `"${part}"`).join(" nor ");
  const names = missing.length === 1 ? `no ${list}` : `neither ${list}`;
  const near = missing.map((part) => nearestHint(part, held.keys())).find((hint) => hint !== "") ?? "";
  return `weight "${name}" is missing: ${file} has ${names}${near}`;
}

/** All problems, a line each, up to a number that a person reads. */
function summary(problems: readonly string[]): string {
  const shown = 8;
  if (problems.length <= shown) return problems.join("\n");
  return [...problems.slice(0, shown), `and ${problems.length - shown} more`].join("\n");
}
