/**
 * The memory of a model in WebAssembly: one linear memory, with the weights first, then what a run needs.
 *
 * From the start: 256 bytes by which threads wait for each other; what runs read from one to the next, each at its place;
 * and then the arena of a run. While weights arrive, what they are packed from lies where nothing lies yet.
 */
import { toHalf } from "./half.js";
import { type ArrayOf, bytesPerElement, type ElementName, elementCount, type HeldElement, viewOf } from "./tensors.js";

/** A weight, or what is computed of weights once. */
export interface HeldSpec<Type extends HeldElement = HeldElement> {
  readonly type: Type;
  readonly shape: readonly number[];
  /** Runs do not read it. */
  readonly passing?: boolean;
}

/** What a kernel computes of weights, or of what was computed before, when all of them have arrived. */
export interface ComputedSpec extends HeldSpec {
  readonly of: readonly string[];
  readonly kernel: number;
  /** The bytes of the kernel's private arrays. */
  readonly scratch: number;
}

/** What kernels do: runs a list of calls that lies in memory. */
export type RunCalls = (calls: number) => void;

const pageBytes = 65536;
const mostBytes = 65536 * pageBytes;
/** Where what runs read begins: before it lies what threads share. */
export const firstByte = 256;
/** Vectors may read this much behind the last element. */
export const slackBytes = 64;

/** The bytes of elements. */
export function wasmBytes(type: HeldElement, elements: number): number {
  return bytesPerElement[type] * elements;
}

export function aligned(bytes: number): number {
  return Math.ceil(bytes / 16) * 16;
}

export class WasmMemory {
  /** Where each weight and each part that runs read begins. */
  readonly addresses: Record<string, number> = Object.create(null);
  /** The first byte behind them. */
  readonly end: number;
  #bytes = new Uint8Array(0);

  readonly memory: WebAssembly.Memory;

  constructor(memory: WebAssembly.Memory, held: Readonly<Record<string, HeldSpec>>) {
    this.memory = memory;
    let at = firstByte;
    for (const [name, { type, shape, passing }] of Object.entries(held)) {
      if (passing) continue;
      this.addresses[name] = at;
      at += aligned(wasmBytes(type, elementCount(shape))) + slackBytes;
    }
    this.end = at;
    this.reserve(at);
  }

  /** Makes the memory at least as large as this. */
  reserve(bytes: number): void {
    const { byteLength } = this.memory.buffer;
    if (bytes > mostBytes) {
      throw new RangeError(
        `this takes ${bytes} bytes of memory with the weights, and WebAssembly has ${mostBytes} at most`,
      );
    }
    if (bytes <= byteLength) return;
    try {
      this.memory.grow(Math.ceil((bytes - byteLength) / pageBytes));
    } catch {
      throw new RangeError(`this takes ${bytes} bytes of memory with the weights, which this machine does not give`);
    }
  }

  /** All bytes; to be asked for again when the memory has grown. */
  get bytes(): Uint8Array {
    const { buffer } = this.memory;
    if (this.#bytes.buffer !== buffer || this.#bytes.length !== buffer.byteLength) this.#bytes = new Uint8Array(buffer);
    return this.#bytes;
  }

  /** Writes elements. */
  write(address: number, type: ElementName, data: ArrayOf[ElementName]): void {
    this.view(address, type, data.length).set(data);
  }

  /** Gives every element one value. */
  fill(address: number, type: ElementName, count: number, value: number): void {
    this.view(address, type, count).fill(type === "f16" ? toHalf(value) : value);
  }

  /** Elements where they lie, to be read before memory changes. */
  view(address: number, type: ElementName, count: number): ArrayOf[ElementName] {
    return viewOf(type, this.memory.buffer, address, count);
  }

  /** A copy of elements. */
  read(address: number, type: ElementName, count: number): ArrayOf[ElementName] {
    const view = this.view(address, type, count);
    // A `slice` is filled with zeros before.
    return new (view.constructor as new (from: typeof view) => typeof view)(view);
  }

  /** Writes a number to words of 4 bytes. */
  writeWords(words: readonly number[], value: number): void {
    const all = new Int32Array(this.memory.buffer);
    for (const word of words) all[word] = value;
  }

  /** Writes a list of calls, each a kernel's number and its arguments. Returns the first byte behind it. */
  writeCalls(address: number, calls: readonly (readonly number[])[]): number {
    const words = new Int32Array(this.memory.buffer);
    let at = address / 4;
    for (const [kernel, ...operands] of calls) {
      words[at++] = kernel!;
      words[at++] = 4 * (operands.length + 2);
      for (const each of operands) words[at++] = each;
    }
    words[at++] = -1;
    return 4 * at;
  }
}

/** The bytes that a list of calls takes. */
export function callBytes(calls: readonly (readonly number[])[]): number {
  return calls.reduce((sum, call) => sum + 4 * (call.length + 1), 4);
}

/** The words at which two lists of the same calls differ, of which the first begins at the word `at`. */
export function changedWords(
  at: number,
  calls: readonly (readonly number[])[],
  others: readonly (readonly number[])[],
): readonly number[] {
  const words: number[] = [];
  let start = at;
  for (const [number, call] of calls.entries()) {
    for (const [i, each] of call.entries()) if (each !== others[number]![i]) words.push(start + i + 1);
    start += call.length + 1;
  }
  return words;
}
