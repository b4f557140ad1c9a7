/**
 * Products of every shape around those of tiles, with a bias and an activation, in memory whose every other byte is a NaN:
 * results agree with f64, and no byte around them changes. Rows and columns of softmax and norms likewise. All of it also
 * as hosts with relaxed SIMD run it.
 */
import { setFlagsFromString } from "node:v8";
import { expect, test } from "vitest";
import { encodeModule } from "../../backends/wasm/index.js";
import { WasmKernels } from "../../backends/wasm/module.js";
import { Compilation } from "../../src/driver/pipeline.js";
import { interpret } from "../../src/interpreter/graph.js";
import type { BufferId, Dispatch, Plan } from "../../src/ir/plan/plan.js";
import { memoryFiles } from "../../src/runtime/files.js";
import { evaluate, type Size } from "../../src/sizes/index.js";

if (process.version.startsWith("v20.")) setFlagsFromString("--experimental-wasm-relaxed-simd");

const gap = 128;
const canary = 0x7fc0dead;

/** Runs a plan with every buffer at a place of its own. */
async function run(
  kernels: WasmKernels,
  plan: Plan,
  rows: number,
  given: ReadonlyMap<string, Float32Array>,
  isRelaxed: boolean,
): Promise<{ output: Float32Array; isUntouched: boolean }> {
  const memory = new WebAssembly.Memory({ initial: 64, maximum: 65536 });
  const { instance } = await WebAssembly.instantiate(encodeModule(kernels.module, { isRelaxed }), {
    host: { memory, pause: () => {} },
  });
  const words = new Int32Array(memory.buffer);
  words.fill(canary);
  const numberOf = (size: Size): number => evaluate(size, () => rows);
  const countOf = (id: BufferId): number =>
    plan.buffers[id]!.shape.reduce((product, each) => product * numberOf(each), 1);
  let at = 4096;
  const addresses = plan.buffers.map((_, id) => {
    const address = at;
    at += 16 * Math.ceil((4 * countOf(id as BufferId)) / 16) + gap;
    return address;
  });
  for (const [id, { place }] of plan.buffers.entries()) {
    if (place.kind !== "weight" && place.kind !== "input") continue;
    new Float32Array(memory.buffer, addresses[id]!, countOf(id as BufferId)).set(given.get(place.name)!);
  }
  const start = instance.exports.run as (calls: number, part: number, parts: number) => void;
  const runAll = (dispatches: readonly Dispatch[]): void => {
    for (const { kernel, reads, writes } of dispatches) {
      const code = plan.kernels[kernel]!;
      const operands = [...[...reads, ...writes].map((id) => addresses[id]!), ...code.sizes.map(() => rows), at];
      words.set([kernels.of(code).number, 4 * (operands.length + 2), ...operands, -1], 16);
      start(64, 0, 1);
      const scratch = numberOf(kernels.of(code).scratch) / 4;
      words.fill(canary, at / 4, at / 4 + scratch);
    }
  };
  runAll(plan.prepare);
  runAll(plan.dispatches);
  const [id] = plan.outputs;
  const output = new Float32Array(memory.buffer, addresses[id!]!, countOf(id!)).slice();
  const isUntouched = addresses.every((address, each) => {
    const end = address / 4 + countOf(each as BufferId);
    const next = (addresses[each + 1] ?? at) / 4;
    return words.subarray(end, next).every((word) => word === canary);
  });
  return { output, isUntouched };
}

function numbers(count: number, seed: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => Math.sin(i * 12.9898 + seed * 78.233) * 1.5);
}

async function check(text: string, rows: readonly number[], shapes: Readonly<Record<string, readonly number[]>>) {
  const compilation = new Compilation({ files: memoryFiles(), path: "tails.trafo", text, target: "wasm" });
  const [graph] = compilation.program.entries;
  const [plan] = compilation.get("plan");
  const kernels = new WasmKernels({ name: "tails", plans: [plan!] });
  for (const count of rows) {
    const given = new Map(
      Object.entries(shapes).map(([name, shape], seed) => {
        const elements = shape.reduce((product, each) => product * (each < 0 ? count : each), 1);
        return [name, numbers(elements, seed)] as const;
      }),
    );
    const tensor = (name: string) => ({
      element: "f32" as const,
      shape: shapes[name]!.map((each) => (each < 0 ? count : each)),
      data: Float64Array.from(given.get(name)!),
    });
    const { outputs } = interpret(graph!, {
      inputs: new Map(plan!.inputs.map((id) => [plan!.buffers[id]!.name, tensor(plan!.buffers[id]!.name)])),
      weights: tensor,
      precision: "f64",
    });
    const wanted = Object.values(outputs)[0]!.data;
    for (const isRelaxed of [false, true]) {
      const { output, isUntouched } = await run(kernels, plan!, count, given, isRelaxed);
      const where = `${text} with M = ${count}${isRelaxed ? ", relaxed" : ""}`;
      expect(isUntouched, where).toBe(true);
      const worst = output.reduce((most, value, i) => {
        const error = Math.abs(value - wanted[i]!) / Math.max(1, Math.abs(wanted[i]!));
        return Math.max(error, most);
      }, 0);
      expect(worst, where).toBeLessThan(1e-4);
    }
  }
}

const counts = [1, 2, 3, 4, 5, 7, 15, 16, 17, 31, 33, 35, 64];

test.each(counts)("products of %i columns", async (columns) => {
  for (const inner of [1, 2, 7, 17, 64]) {
    const shapes = { x: [-1, inner], w: [inner, columns], b: [columns] };
    const model = (body: string): string =>
      `model Tails() {\n  param w: [${inner}, ${columns}]\n  param b: [${columns}]\n  entry forward(x: [M, ${inner}]) -> (y: [M, ${columns}]) { ${body} }\n}\n`;
    await check(model("x @ w + b"), [1, 2, 3, 5, 6, 8, 13], shapes);
    for (const rows of [3, 6, 9]) {
      await check(model("tanh(x @ w + b)").replaceAll("M,", `${rows},`), [rows], { ...shapes, x: [rows, inner] });
    }
  }
});

test.each(counts)("products with transposed weights of %i columns", async (columns) => {
  const text = `model Tails() {\n  param w: [${columns}, 9]\n  entry forward(x: [M, 9]) -> (y: [M, ${columns}]) { x @ w.T }\n}\n`;
  await check(text, [1, 2, 5, 7], { x: [-1, 9], w: [columns, 9] });
});

test.each(counts)("rows of %i", async (columns) => {
  const model = (body: string): string =>
    `model Rows() {\n  entry forward(x: [M, ${columns}]) -> (y: [M, ${columns}]) { ${body} }\n}\n`;
  for (const body of [
    "softmax(x)",
    "x * exp(x) - erf(x)",
    "x - mean(x)",
    "(x - mean(x)) * rsqrt(mean((x - mean(x)) ** 2) + 1e-5)",
  ])
    await check(model(body), [1, 3], { x: [-1, columns] });
});
