/** The two variants of a module: with relaxed SIMD where the host has it, and without; both agree with f64. */
import { setFlagsFromString } from "node:v8";
import { expect, test } from "vitest";
import { compile } from "../../src/index.js";
import { memoryFiles } from "../../src/runtime/files.js";
import { importText } from "./typescript-support.js";

if (process.version.startsWith("v20.")) setFlagsFromString("--experimental-wasm-relaxed-simd");

const [rows, inner, columns] = [15, 37, 35];
const numbers = (count: number): Float32Array => Float32Array.from({ length: count }, (_, i) => Math.sin(i * 12.9898));

test("sums of products agree with f64 with relaxed SIMD and without", async () => {
  const text = `model Product() {\n  param w: [${inner}, ${columns}]\n  entry forward(x: [M, ${inner}]) -> (y: [M, ${columns}]) { x @ w }\n}\n`;
  const { javascript } = await compile({ files: memoryFiles(), path: "product.trafo", text, target: "wasm" });
  expect(javascript).toMatch(/relaxedPlaces=\[\s*\d+,/);
  const { load } = await importText(javascript);
  const [x, w] = [numbers(rows * inner), numbers(inner * columns)];
  const { validate } = WebAssembly;
  const run = async (hasRelaxed: boolean): Promise<{ data: ArrayLike<number>; answers: readonly boolean[] }> => {
    const answers: boolean[] = [];
    WebAssembly.validate = (code) => {
      answers.push(validate(code) && (hasRelaxed || answers.length === 0));
      return answers.at(-1)!;
    };
    try {
      const model = await load({ weights: { w: { data: w, shape: [inner, columns], type: "f32" } } });
      const { y } = await model.forward!({ x: { data: x, shape: [rows, inner], type: "f32" } });
      model.dispose();
      return { data: y!.data, answers };
    } finally {
      WebAssembly.validate = validate;
    }
  };
  const [relaxed, plain] = [await run(true), await run(false)];
  expect(relaxed.answers).toEqual([true, true]);
  expect(plain.answers).toEqual([true, false]);
  for (const { data } of [relaxed, plain]) {
    for (let at = 0; at < rows * columns; at++) {
      const [row, column] = [Math.floor(at / columns), at % columns];
      let wanted = 0;
      for (let k = 0; k < inner; k++) wanted += x[row * inner + k]! * w[k * columns + column]!;
      expect(Math.abs(data[at]! - wanted)).toBeLessThan(1e-5);
    }
  }
});
