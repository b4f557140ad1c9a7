/** What is wrong with the options of `load` is said by modules of every target, before anything is read. */
import { describe, expect, test } from "vitest";
import { backendNames } from "../../src/driver/backends.js";
import { importText } from "../../src/driver/module-runner.js";
import { compile } from "../../src/index.js";
import { memoryFiles } from "../../src/runtime/files.js";

interface Module {
  load(options?: unknown): Promise<{ dispose(): void }>;
}

const text = "model M() {\n  param w: [4]\n  entry forward(x: [T, 4]) -> (y: [T, 4]) { x * w }\n}\n";
const weights = { w: { data: Float32Array.of(1, 2, 3, 4), shape: [4] } };

describe.each(backendNames)("on %s", (target) => {
  const module = compile({ files: memoryFiles(), path: "m.trafo", text, target }).then(
    async ({ javascript }) => (await importText(javascript)) as Module,
  );

  test.each<[object, string]>([
    [{ weights, thread: 2 }, 'the model has no option "thread" (the nearest name is "threads")'],
    [{ weight: weights }, 'the model has no option "weight" (the nearest name is "weights")'],
    [{ weights, onprogress: () => {} }, 'the model has no option "onprogress" (the nearest name is "onProgress")'],
    [{ weights, quantized: true }, 'the model has no option "quantized"'],
    [{ weights, threads: 0 }, "threads is 0: it is a whole number from 1"],
    [{ weights, threads: "2" }, "threads is 2: it is a whole number from 1"],
  ])("an option that means nothing: %o", async (options, message) => {
    const { load } = await module;
    await expect(load(options)).rejects.toMatchObject({ name: "InputError", message });
  });
});

test("the options of another target are passed over", async () => {
  const { javascript } = await compile({ files: memoryFiles(), path: "m.trafo", text });
  const { load } = (await importText(javascript)) as Module;
  const model = await load({ weights, threads: 2, device: undefined, signal: undefined });
  model.dispose();
});
