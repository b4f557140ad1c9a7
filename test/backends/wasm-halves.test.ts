/** f16 in the memory of WebAssembly modules: every number keeps its bits, and f32 rounds to the nearest of them. */
import { expect, test } from "vitest";
import { importText } from "../../src/driver/module-runner.js";
import { Compilation } from "../../src/driver/pipeline.js";
import { memoryFiles } from "../../src/runtime/files.js";
import { halfValues, toHalf } from "../../src/runtime/host/half.js";
import type { Tensor } from "../../src/runtime/host/tensors.js";

interface Model {
  forward(inputs: object): Promise<Readonly<Record<string, Tensor>>>;
}

async function modelOf(text: string): Promise<Model> {
  const compilation = new Compilation({ files: memoryFiles(), path: "m.trafo", text, target: "wasm" });
  const { javascript } = await compilation.get("emit");
  const module = (await importText(javascript)) as { load(options: object): Promise<Model> };
  return module.load({});
}

test("every f16 goes through f32 and back", async () => {
  // An odd length: the last elements are no whole vector.
  const model = await modelOf(
    "model M() {\n  entry forward(x: f16[N]) -> (y: f16[N], z: [N]) { (f16(f32(x) * 1), f32(x)) }\n}\n",
  );
  const bits = Uint16Array.from({ length: 65535 }, (_, at) => at);
  const { y, z } = await model.forward({ x: { data: bits, shape: [bits.length], type: "f16" } });
  const values = halfValues();
  for (const [at, given] of bits.entries()) {
    const value = values[given]!;
    if (Number.isNaN(value)) {
      expect([values[y!.data[at]!], z!.data[at]]).toEqual([Number.NaN, Number.NaN]);
      continue;
    }
    if (y!.data[at] !== given || !Object.is(z!.data[at], value)) {
      expect([given, y!.data[at], z!.data[at]]).toEqual([given, given, value]);
    }
  }
});

test("f32 rounds to f16", async () => {
  const model = await modelOf("model M() {\n  entry forward(x: [N]) -> (y: f16[N]) { f16(x) }\n}\n");
  const special = [
    0,
    -0,
    65504,
    65519.9,
    65520,
    -1e30,
    Infinity,
    -Infinity,
    Number.NaN,
    2 ** -24,
    2 ** -25,
    1.5 * 2 ** -25,
  ];
  const data = Float32Array.from({ length: 4099 }, (_, at) => special[at] ?? Math.sin(at) * 10 ** ((at % 17) - 9));
  const { y } = await model.forward({ x: { data, shape: [data.length], type: "f32" } });
  const values = halfValues();
  for (const [at, value] of data.entries()) {
    expect([value, values[y!.data[at]!]]).toEqual([value, values[toHalf(value)]]);
  }
});
