/**
 * Compiles the code of a module for this machine and runs it on one or more threads.
 *
 * A run is one call of the module on this thread. Other threads join it when they come to it, and do what they can get of
 * each kernel; nobody waits for one that has got nothing. So a thread that starts late, sleeps or is gone costs time
 * only. One that is lost with work that it had taken ends the run with an error, and the model with it.
 */
import { floorDivide, floorMod } from "./functions.js";
import { type Helper, isJoined, startHelper, words } from "./wasm-workers.js";

interface Exports {
  readonly run: (calls: number, part: number, parts: number) => void;
}

/** For so long, in milliseconds, a thread may be silent of which its host does not say whether it lives. */
const patience = 60_000;
/** For so long a thread sleeps at once that waits for others. */
const nap = 20;
/** Turns of spinning before. */
const spins = 10_000;
const lostMessage = "a thread of the model has ended in a run: load it again to run it";

export class Threads {
  readonly memory: WebAssembly.Memory;
  /** How many there are at most. */
  readonly count: number;
  /** Those besides this one. */
  readonly helpers = new Set<Helper>();
  readonly #words: Int32Array;
  readonly #maySleep: boolean;
  #exports: Exports | null = null;
  /** The step that others were waited for last, for how many milliseconds, and when. */
  #waited = { step: 0, time: 0, at: 0 };
  #isLost = false;

  constructor(memory: WebAssembly.Memory, count: number) {
    this.memory = memory;
    this.count = count;
    // Shared memory that grows leaves what lies at its start where it is.
    this.#words = new Int32Array(memory.buffer);
    this.#maySleep = count > 1 && maySleep(this.#words);
  }

  /** Begins to start threads; `allStarted` waits for them. @param wanted how many, from 1 */
  static async start(code: Uint8Array<ArrayBuffer>, wanted: number): Promise<Threads> {
    const shared = wanted > 1 ? sharedMemory() : null;
    const memory = shared ?? new WebAssembly.Memory(limits);
    const module = await WebAssembly.compile(shared === null ? code : onSharedMemory(code));
    const threads = new Threads(memory, shared === null ? 1 : wanted);
    const host = { memory, pow: Math.pow, floorDivide, floorMod, sinOfLarge: Math.sin, cosOfLarge: Math.cos };
    const pause = (step: number): void => threads.#pause(step);
    const { exports } = await WebAssembly.instantiate(module, { host: { ...host, pause } });
    threads.#exports = exports as unknown as Exports;
    for (let part = 1; part < threads.count; part++) await threads.#add(module, part);
    return threads;
  }

  async #add(module: WebAssembly.Module, part: number): Promise<void> {
    const given = {
      module,
      memory: this.memory,
      part,
      parts: this.count,
      joined: new Int32Array(new SharedArrayBuffer(4)),
    };
    const helper = await startHelper(given, () => {
      // Between runs, of which this hears, the others go on without it: one that had joined then came too late to a run, and
      // had taken nothing.
      if (helper !== null) this.helpers.delete(helper);
    });
    if (helper !== null) this.helpers.add(helper);
  }

  /** Resolves when the threads wait for runs that can be had. */
  async allStarted(): Promise<void> {
    await Promise.all([...this.helpers].map(({ ready }) => ready));
  }

  /** @throws Error where a thread is lost in a run, in this one or before. */
  run(calls: number): void {
    if (this.#isLost) throw new Error(lostMessage);
    const { run } = this.#exports!;
    if (this.helpers.size === 0) return run(calls, 0, 1);
    this.#begin(calls);
    try {
      run(calls, 0, this.count);
      this.#end();
    } catch (error) {
      const isOwn = !this.#isLost;
      this.#lose();
      // What this thread had taken is not done either.
      throw isOwn ? error : new Error(lostMessage, { cause: error });
    }
  }

  #begin(calls: number): void {
    Atomics.store(this.#words, words.calls, calls);
    Atomics.store(this.#words, words.begun, Atomics.load(this.#words, words.step));
    Atomics.add(this.#words, words.runs, 1);
    Atomics.notify(this.#words, words.runs);
  }

  /** Nobody joins any more, and those that have joined leave: they look at the calls until then. */
  #end(): void {
    Atomics.add(this.#words, words.runs, 1);
    const { step } = this.#waited;
    for (const helper of this.helpers)
      for (let turn = 0; isJoined(helper); turn++) if (turn > spins) this.#wait(helper.joined, 0, 1, step);
    if (Atomics.load(this.#words, words.lost) !== 0) throw new Error(lostMessage);
  }

  /** Waits for a step to be over that others have taken the rest of. */
  #pause(step: number): void {
    Atomics.add(this.#words, words.sleepers, 1);
    try {
      this.#wait(this.#words, words.step, step, step);
    } finally {
      Atomics.sub(this.#words, words.sleepers, 1);
    }
  }

  /** Sleeps for a moment while a word has a value, where this thread may. @throws Error where that will not change. */
  #wait(array: Int32Array, word: number, value: number, step: number): void {
    if (this.#maySleep && Atomics.wait(array, word, value, nap) !== "timed-out") return;
    const now = performance.now();
    const { time, at } = step === this.#waited.step ? this.#waited : { time: 0, at: now };
    // Time in which the whole machine slept does not count.
    this.#waited = { step, time: time + Math.min(now - at, 2 * nap), at: now };
    const isLate = this.#waited.time > patience;
    for (const helper of this.helpers) if (isJoined(helper) && !(helper.isAlive() ?? !isLate)) this.#isLost = true;
    if (this.#isLost || Atomics.load(this.#words, words.lost) !== 0) {
      this.#isLost = true;
      throw new Error(lostMessage);
    }
  }

  /** Gives up. */
  #lose(): void {
    this.#isLost = true;
    this.stop();
  }

  /** Ends the other threads. */
  stop(): void {
    for (const helper of this.helpers) helper.terminate();
    this.helpers.clear();
  }
}

const limits: WebAssembly.MemoryDescriptor = { initial: 1, maximum: 65536 };

/** Memory that threads share; null where they cannot. */
function sharedMemory(): WebAssembly.Memory | null {
  // A page that is not cross-origin isolated has not got it.
  if (typeof SharedArrayBuffer === "undefined") return null;
  try {
    return new WebAssembly.Memory({ ...limits, shared: true });
  } catch {
    return null;
  }
}

/** Whether this thread may sleep; that of a page may not. */
function maySleep(array: Int32Array): boolean {
  try {
    Atomics.wait(array, words.runs, -1, 0);
    return true;
  } catch {
    return false;
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
