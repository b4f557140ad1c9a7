/** Threads: the same numbers as one, ends, and nothing that keeps a process alive. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { compile } from "../../src/index.js";
import { nodeFiles } from "../../src/node.js";
import { type DecodingModel, sessionOf } from "../support/decoding-module.js";
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

test.each([2, 3, 5])("%i threads give what one gives", async (threads) => {
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

test("steps and generation on threads give what they give on one", async () => {
  const { load } = await module();
  const models = await Promise.all([1, 2, 5].map((threads) => load({ weights, threads })));
  const [one, ...others] = await Promise.all(
    (models as unknown as DecodingModel[]).map(async (model) => {
      const session = await sessionOf(model, "forward")({ capacity: 12 });
      const logits: number[][] = [];
      for (const ids of [[5, 6, 7], [8], [9, 10, 11, 12, 13], [1]])
        logits.push([...(await session.step({ input_ids: [ids] })).logits!.data]);
      session.dispose();
      const tokens: number[] = [];
      for await (const { token } of model.generate({ prompt: [3, 1, 4], maxTokens: 9, seed: 2 })) tokens.push(token);
      return { logits, tokens };
    }),
  );
  expect(one!.tokens).toHaveLength(9);
  for (const each of others) expect(each).toEqual(one);
  for (const each of models) each.dispose();
});

test.each([0, -1, 1.5, Number.NaN, "2"])("%s threads are none", async (threads) => {
  const { load } = await module();
  await expect(load({ weights, threads })).rejects.toThrow(`threads is ${threads}: it is a whole number from 1`);
});

test("threads keep no process alive", async () => {
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

test("one thread computes in a page that is not isolated, which has no SharedArrayBuffer", async () => {
  const { load } = await module();
  const { SharedArrayBuffer: Shared } = globalThis;
  Object.defineProperty(globalThis, "SharedArrayBuffer", { value: undefined, configurable: true, writable: true });
  try {
    const model = await load({ weights, threads: 4 });
    expect((await model.forward!({ input_ids: [[1, 2, 3]] })).logits!.shape).toEqual([1, 3, 99]);
    model.dispose();
  } finally {
    Object.defineProperty(globalThis, "SharedArrayBuffer", { value: Shared, configurable: true, writable: true });
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

test.each([
  ["vectors", "WebAssembly.validate = () => false;"],
  ["WebAssembly", "delete globalThis.WebAssembly;"],
])("without %s the module beside it computes, and its absence is told", async (_, without) => {
  const folder = mkdtempSync(join(tmpdir(), "trafo-vectors-"));
  const checkpoint = "examples/gpt2/checkpoint";
  const program = { path: "examples/gpt2/gpt2.trafo", files: nodeFiles(), checkpoint };
  try {
    const script = `
      ${without}
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
    expect(main()).toBe("WebAssembly with vectors does not run here\n");
    writeFileSync(join(folder, "gpt2.fallback.js"), (await compile(program)).javascript);
    expect(main()).toBe("1,3,99\n");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
