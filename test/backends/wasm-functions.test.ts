/**
 * The functions that WebAssembly has no instructions for, against f64: the largest error in units in the last place of
 * f32, over many numbers of every magnitude, and what they give for 0, infinities and NaN.
 */
import { setFlagsFromString } from "node:v8";
import { describe, expect, test } from "vitest";
import { call, calleesOf, get, Local, op } from "../../backends/wasm/code/tree.js";
import { encodeModule, functionOf } from "../../backends/wasm/index.js";
import { erf } from "../../src/runtime/host/erf.js";

if (process.version.startsWith("v20.")) setFlagsFromString("--experimental-wasm-relaxed-simd");

type Single = (x: number) => number;

/** The function as one of a number. */
async function compiled(name: string, isRelaxed: boolean): Promise<Single> {
  const functions = [functionOf(name)!];
  for (const each of functions)
    for (const callee of calleesOf(each)) {
      const made = functionOf(callee);
      if (made !== null && !functions.some((known) => known.name === callee)) functions.push(made);
    }
  const x = new Local("x", "f32");
  const isVector = functions[0]!.parameters[0]!.type === "v128";
  const value = isVector
    ? op("f32x4.extract_lane", [call(name, op("f32x4.splat", [get(x)]))], { lane: 2 })
    : call(name, get(x));
  functions.push({ name: "test", parameters: [x], result: "f32", body: [value], comment: "" });
  const imports = ["sinOfLarge", "cosOfLarge"].map((each) => ({
    name: each,
    parameters: ["f32" as const],
    result: "f32" as const,
  }));
  const module = { imports, functions, kernels: [], relaxed: new Map(), exports: ["test"] };
  const bytes = encodeModule(module, { isRelaxed });
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
  const { instance } = await WebAssembly.instantiate(bytes, {
    host: { memory, sinOfLarge: Math.sin, cosOfLarge: Math.cos },
  });
  return instance.exports.test as Single;
}

/** The distance of neighbouring f32 at a number. */
function unit(value: number): number {
  const exponent = Math.max(-126, Math.floor(Math.log2(Math.abs(value))));
  return 2 ** (exponent - 23);
}

function largestError(f: Single, exact: Single, numbers: readonly number[]): { units: number; at: number } {
  let worst = { units: 0, at: 0 };
  for (const each of numbers) {
    const x = Math.fround(each);
    const [found, wanted] = [f(x), exact(x)];
    if (Object.is(found, Math.fround(wanted))) continue;
    const units = Math.abs(found - wanted) / unit(wanted);
    if (!(units <= worst.units)) worst = { units, at: x };
  }
  return worst;
}

/** Numbers from `low` to `high`, and of every magnitude between them and 0. */
function numbersIn(low: number, high: number): number[] {
  const even = Array.from({ length: 100_000 }, (_, i) => low + ((high - low) * i) / 99_999);
  const small = [low, high].flatMap((end) => Array.from({ length: 20_000 }, (_, i) => end * 2 ** (-i / 300)));
  return [...even, ...small];
}

describe.each([false, true])("with relaxed SIMD: %s", (isRelaxed) => {
  test.each<[string, Single, number, number, number]>([
    ["exp4", Math.exp, -103, 89, 1.5],
    ["tanh4", Math.tanh, -12, 12, 2.5],
    ["erf4", erf, -5, 5, 2],
    ["log", Math.log, 0, 1e6, 0.51],
    ["log2", Math.log2, 0, 3, 0.51],
    ["sin", Math.sin, -1e6, 1e6, 0.51],
    ["sin", Math.sin, -8, 8, 0.51],
    ["cos", Math.cos, -1e6, 1e6, 0.51],
    ["cos", Math.cos, -8, 8, 0.51],
  ])("%s", async (name, exact, low, high, most) => {
    const { units, at } = largestError(await compiled(name, isRelaxed), exact, numbersIn(low, high));
    expect(units, `at ${at}`).toBeLessThanOrEqual(most);
  });

  test.each<[string, Single]>([
    ["exp4", Math.exp],
    ["tanh4", Math.tanh],
    ["erf4", erf],
    ["log", Math.log],
    ["log2", Math.log2],
    ["sin", Math.sin],
    ["cos", Math.cos],
  ])("%s of what is special", async (name, exact) => {
    const f = await compiled(name, isRelaxed);
    for (const x of [0, -0, 1, -1, 1e4, -1e4, 3e38, -3e38, 1e-45, -1e-45, Infinity, -Infinity, Number.NaN]) {
      const single = Math.fround(x);
      const wanted = Math.fround(exact(single));
      expect(
        Math.abs(f(single) - wanted) <= Math.abs(wanted) * 1e-6 || Object.is(f(single), wanted),
        `${name}(${x}) = ${f(single)}, not ${wanted}`,
      ).toBe(true);
    }
  });
});
