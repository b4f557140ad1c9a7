/** Threads: the same numbers as one, ends, and nothing that keeps a process alive. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import workers, { Worker, type WorkerOptions } from "node:worker_threads";
import { expect, test } from "vitest";
import { compile } from "../../src/index.js";
import { nodeFiles } from "../../src/node.js";
import { importText, type LoadedModule } from "./typescript-support.js";

const weights = "examples/gpt2/checkpoint/model.safetensors";

async function moduleText(): Promise<string> {
  const checkpoint = "examples/gpt2/checkpoint";
  const options = { path: "examples/gpt2/gpt2.trafo", files: nodeFiles(), checkpoint, target: "wasm" } as const;
  return (await compile(options)).javascript;
}

let loaded: Promise<LoadedModule> | null = null;

function module(): Promise<LoadedModule> {
  loaded ??= moduleText().then(importText);
  return loaded;
}

/** Lengths that leave some threads without work, and that fit no tile. */
const lengths = [1, 2, 3, 17, 64];

test.each([2, 3, 5])("%i threads give what one gives", { timeout: 60_000 }, async (threads) => {
  const { load } = await module();
  const [one, several] = [await load({ weights }), await load({ weights, threads })];
  for (const length of [...lengths, ...lengths]) {
    const input_ids = [Array.from({ length }, (_, i) => (i * 7) % 99)];
    const expected = (await one.forward!({ input_ids })).logits!;
    const found = (await several.forward!({ input_ids })).logits!;
    expect(found.data).toEqual(expected.data);
  }
  one.dispose();
  several.dispose();
  await expect(several.forward!({ input_ids: [[1]] })).rejects.toThrow("disposed");
});

test.each([0, -1, 1.5])("%d threads are none", async (threads) => {
  const { load } = await module();
  await expect(load({ weights, threads })).rejects.toThrow(`threads is ${threads}, which is no whole number from 1`);
});

test("threads keep no process alive", { timeout: 60_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "trafo-threads-"));
  try {
    writeFileSync(join(folder, "gpt2.mjs"), await moduleText());
    const script = `
      import { load } from "./gpt2.mjs";
      const options = { weights: ${JSON.stringify(join(process.cwd(), weights))}, threads: 3 };
      const model = await load(options);
      const first = (await model.forward({ input_ids: [[1, 2, 3]] })).logits.data[0];
      console.log(first);
    `;
    writeFileSync(join(folder, "main.mjs"), script);
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(folder, "main.mjs")], { encoding: "utf8" });
    expect(stderr).toBe("");
    expect(Number.isFinite(Number(stdout))).toBe(true);
    expect(status).toBe(0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("one thread computes where memory cannot be shared", async () => {
  const { load } = await module();
  const { Memory } = WebAssembly;
  class Unshared extends Memory {
    constructor(options: WebAssembly.MemoryDescriptor) {
      if (options.shared) throw new RangeError("no memory is shared");
      super(options);
    }
  }
  WebAssembly.Memory = Unshared;
  try {
    const model = await load({ weights, threads: 4 });
    expect((await model.forward!({ input_ids: [[1, 2, 3]] })).logits!.shape).toEqual([1, 3, 99]);
    model.dispose();
  } finally {
    WebAssembly.Memory = Memory;
  }
});

test("without vectors the module beside it computes, and its absence is told", { timeout: 60_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "trafo-vectors-"));
  const checkpoint = "examples/gpt2/checkpoint";
  const program = { path: "examples/gpt2/gpt2.trafo", files: nodeFiles(), checkpoint };
  try {
    const script = `
      WebAssembly.validate = () => false;
      WebAssembly.instantiate = () => { throw new Error("no vectors"); };
      const { load } = await import("./gpt2.mjs");
      try {
        const model = await load({ weights: ${JSON.stringify(join(process.cwd(), weights))}, threads: 2 });
        console.log((await model.forward({ input_ids: [[1, 2, 3]] })).logits.shape.join());
      } catch (error) {
        console.log(error.message.split(",")[0]);
      }
    `;
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    writeFileSync(join(folder, "gpt2.mjs"), await moduleText());
    writeFileSync(join(folder, "main.mjs"), script);
    const main = (): string => spawnSync(process.execPath, [join(folder, "main.mjs")], { encoding: "utf8" }).stdout;
    expect(main()).toBe("WebAssembly has no vectors here\n");
    writeFileSync(join(folder, "gpt2.fallback.js"), (await compile(program)).javascript);
    expect(main()).toBe("1,3,99\n");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** Loads the model on threads whose text may be changed; gives the workers too. */
async function loadWatched(threads: number, change: (text: string) => string) {
  const started: Worker[] = [];
  class Watched extends Worker {
    constructor(text: string, options: WorkerOptions) {
      super(change(text), options);
      started.push(this);
    }
  }
  workers.Worker = Watched as typeof Worker;
  syncBuiltinESMExports();
  try {
    const { load } = await module();
    return { model: await load({ weights, threads }), started };
  } finally {
    workers.Worker = Worker;
    syncBuiltinESMExports();
  }
}

const lost = "a thread of the model has ended";

test.each([2, 4])("of %i threads one that fails in a run ends it", { timeout: 60_000 }, async (threads) => {
  const run = "exports.run(calls, part, parts);";
  // A word that nobody else uses says when.
  const failing = `if (part === 1 && Atomics.load(words, 60) === 1) throw new Error("gone"); ${run}`;
  const memories: WebAssembly.Memory[] = [];
  const { Memory } = WebAssembly;
  WebAssembly.Memory = class extends Memory {
    constructor(options: WebAssembly.MemoryDescriptor) {
      super(options);
      memories.push(this);
    }
  };
  try {
    const { model } = await loadWatched(threads, (text) => {
      expect(text).toContain(run);
      return text.replace(run, failing);
    });
    const input_ids = [[1, 2, 3]];
    await model.forward!({ input_ids });
    new Int32Array(memories[0]!.buffer)[60] = 1;
    await expect(model.forward!({ input_ids })).rejects.toThrow(lost);
    await expect(model.forward!({ input_ids })).rejects.toThrow(lost);
    model.dispose();
  } finally {
    WebAssembly.Memory = Memory;
  }
});

test("a thread that is gone is told of", { timeout: 60_000 }, async () => {
  const { model, started } = await loadWatched(3, (text) => text);
  const input_ids = [[1, 2, 3]];
  await model.forward!({ input_ids });
  await started[1]!.terminate();
  await expect(model.forward!({ input_ids })).rejects.toThrow(lost);
  await expect(model.forward!({ input_ids })).rejects.toThrow(lost);
  model.dispose();
});
