/** The threads besides the first: workers that wait for runs and join them, under Node or in a page. */
import { hasFiles } from "./byte-sources.js";
import { floorDivide, floorMod } from "./functions.js";

/** Where in memory, in words of 4 bytes, is what threads tell each other; the functions of the module know some of it. */
export const words = {
  /** The step that is being done. */
  step: 17,
  /** How many sleep until it is over. */
  sleepers: 33,
  /** The step that the latest run began with. */
  begun: 48,
  /** Counts up when a run begins, which makes it odd, and when it ends. */
  runs: 52,
  /** The calls of the latest run. */
  calls: 53,
  /** Not 0 when a thread has failed. */
  lost: 54,
} as const;

/** For so long in milliseconds a worker may take to start before the others go on without it. */
const startTime = 10_000;

/** A thread besides the first. */
export interface Helper {
  /** Resolves when it waits for runs, or does not start. */
  readonly ready: Promise<void>;
  /** One word: 1 while it is in a run. */
  readonly joined: Int32Array;
  /** Whether it still computes; null where that cannot be told. */
  isAlive(): boolean | null;
  terminate(): void;
}

export interface Given {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly part: number;
  readonly parts: number;
  readonly joined: Int32Array;
}

export function isJoined({ joined }: { readonly joined: Int32Array }): boolean {
  return Atomics.load(joined, 0) !== 0;
}

/**
 * What a worker runs; `tell` is the host's. It joins a run before it looks whether the run goes on: either the end of the
 * run sees that it has joined, or it sees the end.
 */
function workerText(): string {
  return `
const floorDivide = ${floorDivide};
const floorMod = ${floorMod};
async function main({ module, memory, part, parts, joined }, tell) {
  const words = new Int32Array(memory.buffer);
  const leaving = {};
  let runs = 0;
  const leave = () => {
    Atomics.store(joined, 0, 0);
    Atomics.notify(joined, 0);
  };
  const join = () => {
    Atomics.store(joined, 0, 1);
    if (Atomics.load(words, ${words.runs}) === runs) return true;
    leave();
    return false;
  };
  const pause = (step) => {
    leave();
    Atomics.add(words, ${words.sleepers}, 1);
    Atomics.wait(words, ${words.step}, step);
    Atomics.sub(words, ${words.sleepers}, 1);
    if (!join()) throw leaving;
  };
  const host = { memory, pause, pow: Math.pow, floorDivide, floorMod, sinOfLarge: Math.sin, cosOfLarge: Math.cos };
  const { exports } = await WebAssembly.instantiate(module, { host });
  tell();
  for (;;) {
    let count = 0;
    const isBegun = () => ((count = Atomics.load(words, ${words.runs})) & 1) === 1 && count !== runs;
    for (let turn = 0; turn < 20000 && !isBegun(); turn++);
    if (!isBegun()) Atomics.wait(words, ${words.runs}, count);
    runs = count;
    if ((runs & 1) === 0 || !join()) continue;
    try {
      exports.run(Atomics.load(words, ${words.calls}), part, parts);
    } catch (error) {
      if (error === leaving) continue;
      Atomics.store(words, ${words.lost}, 1);
      leave();
      throw error;
    }
    leave();
  }
}`;
}

/**
 * Starts a worker; null where there can be none.
 * @param onEnd called when it has ended, or has not started, whatever the reason
 */
export async function startHelper(given: Given, onEnd: () => void): Promise<Helper | null> {
  try {
    return hasFiles() ? await nodeHelper(given, onEnd) : pageHelper(given, onEnd);
  } catch {
    return null;
  }
}

/** What is used of the module node:worker_threads. */
interface WorkerThreads {
  readonly Worker: new (
    text: string,
    options: { eval: boolean; execArgv: readonly string[]; workerData: Given },
  ) => {
    readonly performance?: { eventLoopUtilization(): { readonly idle: number; readonly active: number } };
    on(event: string, listen: (value: unknown) => void): unknown;
    unref(): void;
    terminate(): Promise<number>;
  };
}

async function nodeHelper(given: Given, onEnd: () => void): Promise<Helper> {
  // Through a variable, so that bundlers for browsers do not look for the module.
  const moduleName: string = "node:worker_threads";
  const { Worker }: WorkerThreads = await import(/* webpackIgnore: true */ /* @vite-ignore */ moduleName);
  const start = "const { parentPort, workerData } = require('node:worker_threads');";
  const text = `${start}${workerText()}\nmain(workerData, () => parentPort.postMessage(0));`;
  const worker = new Worker(text, { eval: true, execArgv: [], workerData: given });
  let isOnline = false;
  const ready = started((resolve) => {
    worker.on("online", () => {
      isOnline = true;
    });
    worker.on("message", resolve);
    // It is told of by its end.
    worker.on("error", () => {});
    worker.on("exit", () => {
      onEnd();
      resolve();
    });
  });
  return {
    // A thread that waits keeps no process alive.
    ready: ready.then(() => worker.unref()),
    joined: given.joined,
    isAlive: () => {
      // Of a thread that has ended, Node says that it was idle for -1 milliseconds, and later that it was neither idle nor
      // active; the latter also of one that it has not told of yet.
      const { idle, active } = (isOnline && worker.performance?.eventLoopUtilization()) || {};
      return idle === undefined || active === undefined ? null : idle >= 0 && active > 0;
    },
    terminate: () => void worker.terminate(),
  };
}

function pageHelper(given: Given, onEnd: () => void): Helper {
  const text = `${workerText()}\nonmessage = ({ data }) => main(data, () => postMessage(0));`;
  const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  const worker = new Worker(url);
  const ready = started((resolve) => {
    worker.onmessage = resolve;
    worker.onerror = () => {
      onEnd();
      resolve();
    };
  });
  worker.postMessage(given);
  return {
    ready: ready.then(() => URL.revokeObjectURL(url)),
    joined: given.joined,
    isAlive: () => null,
    terminate: () => worker.terminate(),
  };
}

/** Waits for a worker, but not for ever. */
function started(listen: (resolve: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, startTime);
    listen(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
