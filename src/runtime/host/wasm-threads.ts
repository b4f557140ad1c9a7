/**
 * Compiles the code of a module for this machine and runs it on one or more threads.
 *
 * A run is one call of the module, on every thread with another part. While it lasts, threads wait for each other in the
 * module itself; between runs the others wait in `workerText`, and sleep if nothing comes for a while. Where threads
 * cannot be had (a page that is not cross-origin isolated, a policy that forbids workers) there is one.
 */
import { hasFiles } from "./byte-sources.js";
import { floorDivide, floorMod } from "./functions.js";

/** What the module asks of its host. */
export function wasmImports(memory: WebAssembly.Memory): WebAssembly.Imports {
  const host = { memory, pow: Math.pow, floorDivide, floorMod, sinOfLarge: Math.sin, cosOfLarge: Math.cos };
  return { host };
}

interface Exports {
  readonly run: (calls: number, part: number, parts: number) => void;
}

/** Where the number of runs so far is, and then the calls of the latest; -1 ends the threads. In words of 4 bytes. */
const runsWord = 48;
const callsWord = 49;
/** Not 0 when a thread has ended in the middle of a run, or is gone: nobody then waits for it. */
const lostWord = 50;
/** Where threads sleep that wait for each other in a run. */
const meetingsWord = 32;

/** A thread, under Node or in a browser. */
interface Helper {
  /** Resolves when it waits for runs. */
  readonly ready: Promise<void>;
  terminate(): void;
}

export class Threads {
  readonly memory: WebAssembly.Memory;
  readonly count: number;
  readonly exports: Exports;
  readonly helpers: readonly Helper[];

  constructor(memory: WebAssembly.Memory, exports: Exports, helpers: readonly Helper[]) {
    this.memory = memory;
    this.count = helpers.length + 1;
    this.exports = exports;
    this.helpers = helpers;
  }

  /** @throws RangeError where the number of threads is none. */
  static async start(code: Uint8Array<ArrayBuffer>, wanted: number): Promise<Threads> {
    if (!Number.isSafeInteger(wanted) || wanted < 1)
      throw new RangeError(`threads is ${wanted}, which is no whole number from 1`);
    const several = wanted > 1 ? await severalThreads(code, wanted) : null;
    if (several !== null) return several;
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
    const { instance } = await WebAssembly.instantiate(code, wasmImports(memory));
    return new Threads(memory, instance.exports as unknown as Exports, []);
  }

  /** @throws Error where one of several threads is lost. */
  run(calls: number): void {
    if (this.count === 1) return this.exports.run(calls, 0, 1);
    if (this.#isLost()) throw new Error(lostMessage);
    wake(this.memory, calls);
    try {
      this.exports.run(calls, 0, this.count);
    } catch (error) {
      if (this.#isLost()) throw new Error(lostMessage, { cause: error });
      // The others wait for this one, which will not come.
      lose(this.memory);
      throw error;
    }
  }

  #isLost(): boolean {
    return Atomics.load(new Int32Array(this.memory.buffer), lostWord) !== 0;
  }

  /** Ends the other threads. */
  stop(): void {
    if (this.count > 1) wake(this.memory, -1);
    for (const helper of this.helpers) helper.terminate();
  }
}

const lostMessage = "a thread of the model has ended, so that the others cannot finish: load the model again";

/** Tells all threads that one is lost. */
function lose(memory: WebAssembly.Memory): void {
  const words = new Int32Array(memory.buffer);
  Atomics.store(words, lostWord, 1);
  Atomics.notify(words, meetingsWord);
}

/** Gives the other threads something to do. */
function wake(memory: WebAssembly.Memory, calls: number): void {
  const words = new Int32Array(memory.buffer);
  Atomics.store(words, callsWord, calls);
  Atomics.add(words, runsWord, 1);
  Atomics.notify(words, runsWord);
}

/** Several threads on one shared memory; null where this host has not got them. */
async function severalThreads(code: Uint8Array<ArrayBuffer>, count: number): Promise<Threads | null> {
  const helpers: Helper[] = [];
  try {
    const module = await WebAssembly.compile(onSharedMemory(code));
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
    for (let part = 1; part < count; part++) helpers.push(await startHelper({ module, memory, part, parts: count }));
    await Promise.all(helpers.map(({ ready }) => ready));
    const { exports } = await WebAssembly.instantiate(module, wasmImports(memory));
    return new Threads(memory, exports as unknown as Exports, helpers);
  } catch {
    for (const helper of helpers) helper.terminate();
    return null;
  }
}

/** The code with a memory that threads share: the flags of the limits of its import say so. */
function onSharedMemory(code: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const name = [..."memory"].map((letter) => letter.charCodeAt(0));
  const start = code.findIndex((_, at) => name.every((byte, i) => code[at + i] === byte));
  const shared = code.slice();
  shared[start + name.length + 1] = 3;
  return shared;
}

/** What a thread runs; `given` and `tell` are the host's. */
function workerText(): string {
  return `
const floorDivide = ${floorDivide};
const floorMod = ${floorMod};
async function main({ module, memory, part, parts }, tell) {
  const host = { memory, pow: Math.pow, floorDivide, floorMod, sinOfLarge: Math.sin, cosOfLarge: Math.cos };
  const { exports } = await WebAssembly.instantiate(module, { host });
  const words = new Int32Array(memory.buffer);
  let runs = Atomics.load(words, ${runsWord});
  tell();
  for (;;) {
    for (let turn = 0; turn < 20000 && Atomics.load(words, ${runsWord}) === runs; turn++);
    Atomics.wait(words, ${runsWord}, runs);
    runs = Atomics.load(words, ${runsWord});
    const calls = Atomics.load(words, ${callsWord});
    if (calls < 0) return;
    try {
      exports.run(calls, part, parts);
    } catch (error) {
      Atomics.store(words, ${lostWord}, 1);
      Atomics.notify(words, ${meetingsWord});
      throw error;
    }
  }
}`;
}

interface Given {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly part: number;
  readonly parts: number;
}

/** What is used of the module node:worker_threads. */
interface WorkerThreads {
  readonly Worker: new (
    text: string,
    options: { eval: boolean; workerData: Given },
  ) => {
    once(event: string, listen: (value: unknown) => void): unknown;
    unref(): void;
    terminate(): Promise<number>;
  };
}

async function startHelper(given: Given): Promise<Helper> {
  return hasFiles() ? nodeHelper(given) : pageHelper(given);
}

async function nodeHelper(given: Given): Promise<Helper> {
  // Through a variable, so that bundlers for browsers do not look for the module.
  const moduleName: string = "node:worker_threads";
  const { Worker }: WorkerThreads = await import(/* webpackIgnore: true */ /* @vite-ignore */ moduleName);
  const start = "const { parentPort, workerData } = require('node:worker_threads');";
  const text = `${start}${workerText()}\nmain(workerData, () => parentPort.postMessage(0));`;
  const worker = new Worker(text, { eval: true, workerData: given });
  const ready = new Promise<void>((resolve, reject) => {
    worker.once("message", () => resolve());
    worker.once("error", reject);
    worker.once("exit", () => {
      lose(given.memory);
      reject(new Error("a worker ended"));
    });
  });
  // A thread that waits keeps no process alive.
  const settled = ready.finally(() => worker.unref());
  return { ready: settled, terminate: () => void worker.terminate() };
}

async function pageHelper(given: Given): Promise<Helper> {
  const text = `${workerText()}\nonmessage = ({ data }) => main(data, () => postMessage(0));`;
  const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  const worker = new Worker(url);
  const ready = new Promise<void>((resolve, reject) => {
    worker.onmessage = () => resolve();
    worker.onerror = () => {
      lose(given.memory);
      reject(new Error("a worker did not start"));
    };
  });
  worker.postMessage(given);
  return { ready: ready.finally(() => URL.revokeObjectURL(url)), terminate: () => worker.terminate() };
}
