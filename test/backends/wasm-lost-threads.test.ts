/** Threads that fail, end or do not start: no run waits for them for ever, and none gives wrong numbers. */
import { syncBuiltinESMExports } from "node:module";
import workers, { Worker, type WorkerOptions } from "node:worker_threads";
import { expect, test } from "vitest";
import { compile } from "../../src/index.js";
import { memoryFiles } from "../../src/runtime/files.js";
import { importText, type LoadedModel } from "./typescript-support.js";

/** The remainder of floats is computed by the host, number by number, so that a test can look on. */
const text = "model Rest() {\n  entry forward(x: [N]) -> (y: [N]) { (x % 3.0) * 2.0 }\n}\n";
const x = Float32Array.from({ length: 4099 }, (_, i) => i / 7);
const wanted = x.map((each) => Math.fround(each % 3) * 2);
const given = { x: { data: x, shape: [x.length], type: "f32" } };

/** What the threads of a test tell each other, in the words of the model's memory that nobody else uses. */
const [flag, workersFail] = [40, 41];

interface Watched {
  readonly model: LoadedModel;
  readonly started: readonly Worker[];
  /** What workers say they are in a run by. */
  readonly joined: readonly Int32Array[];
  readonly words: Int32Array;
}

/**
 * Loads the model with a remainder of its own for this thread and for workers, which see `words`.
 * @param changed what workers' text becomes
 * @param unheard an event of workers that the model does not hear of
 */
async function watched(
  threads: number,
  mine: (words: Int32Array) => void,
  others: string,
  changed = (worker: string): string => worker,
  unheard = "",
): Promise<Watched> {
  const { javascript } = await compile({
    path: "rest.trafo",
    files: memoryFiles([["rest.trafo", text]]),
    target: "wasm",
  });
  const own = /floorDivide, ?floorMod, ?sinOfLarge/;
  // The first place is this thread's, the other is in the text for workers.
  const looking = javascript.replace(
    own,
    "floorDivide, floorMod: (a, b) => { globalThis.look(); return floorMod(a, b); }, sinOfLarge",
  );
  expect(looking).not.toBe(javascript);
  const started: Worker[] = [];
  const joined: Int32Array[] = [];
  class Changed extends Worker {
    constructor(worker: string, options: WorkerOptions) {
      expect(worker).toMatch(own);
      const failing = `floorDivide, floorMod: (a, b) => { ${others}; return floorMod(a, b); }, sinOfLarge`;
      super(changed(worker.replace(own, failing)), { ...options, resourceLimits: { maxOldGenerationSizeMb: 16 } });
      started.push(this);
      joined.push((options.workerData as { readonly joined: Int32Array }).joined);
      const on = this.on.bind(this);
      const hear = (event: string, listener: () => void): this => (event === unheard ? this : on(event, listener));
      Object.assign(this, { on: hear });
    }
  }
  const { Memory } = WebAssembly;
  const memories: WebAssembly.Memory[] = [];
  WebAssembly.Memory = class extends Memory {
    constructor(options: WebAssembly.MemoryDescriptor) {
      super(options);
      memories.push(this);
    }
  };
  workers.Worker = Changed as typeof Worker;
  syncBuiltinESMExports();
  try {
    const model = await (await importText(looking)).load({ threads });
    const words = new Int32Array(memories[0]!.buffer);
    Object.assign(globalThis, { look: () => mine(words) });
    return { model, started, joined, words };
  } finally {
    WebAssembly.Memory = Memory;
    workers.Worker = Worker;
    syncBuiltinESMExports();
  }
}

const run = async ({ model }: Watched) => (await model.forward!(given)).y!.data;
const lost = "a thread of the model has ended in a run";

/** Waits until so many workers compute, which a test that fails does not. */
const forWorkers =
  (count: number) =>
  (words: Int32Array): void => {
    for (let turn = 0; turn < 20_000 && Atomics.load(words, flag) < count; turn++)
      Atomics.wait(words, flag, Atomics.load(words, flag), 10);
    if (Atomics.load(words, flag) < count) throw new Error("no worker computes");
  };
const here = `Atomics.store(words, ${flag}, 1); Atomics.notify(words, ${flag})`;

test.each([2, 4])("of %i threads all do something", async (threads) => {
  const all = await watched(
    threads,
    forWorkers(threads - 1),
    // Whoever has begun waits for the rest, so that there is something left for them.
    `if (!globalThis.seen) {
      globalThis.seen = true;
      Atomics.add(words, ${flag}, 1);
      for (let turn = 0; turn < 20_000 && Atomics.load(words, ${flag}) < ${threads - 1}; turn++)
        Atomics.wait(words, ${flag}, Atomics.load(words, ${flag}), 10);
    }`,
  );
  expect(await run(all)).toEqual(wanted);
  all.model.dispose();
});

test.each([
  [2, "throws", "throw new Error('gone')"],
  [4, "throws", "throw new Error('gone')"],
  [2, "exits", "process.exit()"],
  [3, "exits", "process.exit()"],
  [2, "needs too much memory", "for (const all = []; ; ) all.push([...Array(1000).keys()])"],
])("of %i threads one that %s with work that it has taken ends the run", async (threads, _, how) => {
  const fail = `${here}; if (Atomics.exchange(words, ${workersFail}, 0) === 1) { ${how} }`;
  const all = await watched(threads, forWorkers(1), fail);
  expect(await run(all)).toEqual(wanted);
  Atomics.store(all.words, flag, 0);
  Atomics.store(all.words, workersFail, 1);
  await expect(run(all)).rejects.toThrow(lost);
  await expect(run(all)).rejects.toThrow(lost);
  all.model.dispose();
  await expect(run(all)).rejects.toThrow("disposed");
});

test.each(["", "online"])("a thread that takes its time is waited for: %s", async (unheard) => {
  const slow = `${here}; if (Atomics.add(words, ${workersFail}, 1) < 3) Atomics.wait(words, 42, 0, 150)`;
  const all = await watched(2, forWorkers(1), slow, undefined, unheard);
  expect(await run(all)).toEqual(wanted);
  expect(all.words[workersFail]).toBeGreaterThan(2);
  all.model.dispose();
});

test("what goes wrong in this thread ends the run, and the model", async () => {
  const all = await watched(
    3,
    (words) => {
      Atomics.store(words, flag, 1);
      Atomics.notify(words, flag);
      throw new Error("not here");
    },
    // Workers leave something to this thread.
    `for (let turn = 0; turn < 20_000 && Atomics.load(words, ${flag}) === 0; turn++) Atomics.wait(words, ${flag}, 0, 10)`,
  );
  await expect(run(all)).rejects.toThrow("not here");
  await expect(run(all)).rejects.toThrow(lost);
  all.model.dispose();
});

test("threads that end between runs are not needed", async () => {
  const all = await watched(3, () => {}, here);
  expect(await run(all)).toEqual(wanted);
  for (const each of all.started) {
    await each.terminate();
    for (let turn = 0; turn < 3; turn++) expect(await run(all)).toEqual(wanted);
  }
  all.model.dispose();
});

test("a thread that ends as it comes too late to a run is not needed", async () => {
  const all = await watched(3, () => {}, here);
  expect(await run(all)).toEqual(wanted);
  Atomics.store(all.joined[0]!, 0, 1);
  await all.started[0]!.terminate();
  expect(await run(all)).toEqual(wanted);
  all.model.dispose();
});

test("a thread that ends at any time costs a run at most", async () => {
  for (let turn = 0; turn < 8; turn++) {
    const all = await watched(2, () => {}, here);
    for (let before = 0; before < turn % 3; before++) await run(all);
    void all.started[0]!.terminate();
    for (let after = 0; after < 20; after++) {
      const found = await run(all).catch((error: unknown) => String(error));
      if (typeof found === "string") expect(found).toContain(lost);
      else expect(found).toEqual(wanted);
    }
    all.model.dispose();
  }
});

test.each([
  ["throw", (worker: string) => `throw new Error("no worker");${worker}`],
  ["end", (worker: string) => `process.exit();${worker}`],
  ["are no program", () => "{"],
])("one thread computes where workers %s at their start", async (_, changed) => {
  const all = await watched(3, () => {}, here, changed);
  expect(await run(all)).toEqual(wanted);
  expect(all.words[flag]).toBe(0);
  all.model.dispose();
});

test("one thread computes where there can be no workers", async () => {
  const all = await watched(
    3,
    () => {},
    here,
    () => {
      throw new Error("no workers here");
    },
  );
  expect(await run(all)).toEqual(wanted);
  all.model.dispose();
});

test("dispose ends the workers", async () => {
  const all = await watched(3, () => {}, here);
  const ends = Promise.all(all.started.map((each) => new Promise((resolve) => each.once("exit", resolve))));
  await run(all);
  all.model.dispose();
  expect(await ends).toHaveLength(2);
});
