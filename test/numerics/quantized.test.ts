/**
 * Weights held as whole numbers: every rung of the ladder computes what the interpreter makes of the same graph, whatever
 * the sizes, and what rounding changes is bounded as the theory has it.
 */
import { describe, expect, it } from "vitest";
import type { BackendName } from "../../src/driver/backends.js";
import { givenTensor } from "../../src/driver/inputs.js";
import { kernelRunner } from "../../src/driver/kernel-runner.js";
import { moduleRunner } from "../../src/driver/module-runner.js";
import { nodeFiles } from "../../src/driver/node-files.js";
import { Compilation } from "../../src/driver/pipeline.js";
import { type EntryRun, runEntries } from "../../src/driver/run.js";
import { interpreterRunner, type Runner } from "../../src/driver/targets.js";
import type { PlanBuffer } from "../../src/ir/plan/plan.js";
import type { WeightsFormat } from "../../src/passes/index.js";
import { Checkpoint } from "../../src/runtime/checkpoint.js";
import { memoryFiles } from "../../src/runtime/files.js";
import type { Tensor } from "../../src/runtime/host/tensors.js";
import { checkpointWeights, randomWeights, readWeights } from "../../src/runtime/weights.js";
import { checkpointCases, decoders } from "../support/decoders.js";
import { Random } from "../support/random.js";

type Given = ReadonlyMap<string, ReturnType<typeof givenTensor>>;

/** The largest difference over the largest magnitude. */
function difference(found: Tensor, wanted: Tensor): number {
  expect(found.shape).toEqual(wanted.shape);
  let [error, largest] = [0, 1e-30];
  for (let i = 0; i < wanted.data.length; i++) {
    error = Math.max(error, Math.abs(found.data[i]! - wanted.data[i]!));
    largest = Math.max(largest, Math.abs(wanted.data[i]!));
  }
  return error / largest;
}

async function outputsOf(runner: Runner, compilation: Compilation, inputs: Given): Promise<Map<string, Tensor>> {
  const runs: readonly EntryRun[] = await runEntries(runner, compilation.program, inputs);
  runner.dispose();
  return new Map(runs.flatMap(({ outputs }) => [...outputs]));
}

/** Compares all rungs, for the graphs that a target has; the outputs that the interpreter gives. */
async function climb(
  compilation: Compilation,
  weights: ReadonlyMap<string, Tensor>,
  inputs: Given,
  target: BackendName,
  where: string,
): Promise<Map<string, Tensor>> {
  const graphs = compilation.get("optimize").entries;
  const wanted = await outputsOf(interpreterRunner(graphs, weights, "f32"), compilation, inputs);
  const runners = {
    kernels: () => kernelRunner(compilation, weights),
    [target]: () => moduleRunner(target, compilation, weights),
  };
  for (const [name, start] of Object.entries(runners)) {
    for (const [output, tensor] of await outputsOf(await start(), compilation, inputs)) {
      expect(difference(tensor, wanted.get(output)!), `${output} on ${name}: ${where}`).toBeLessThan(1e-4);
    }
  }
  return wanted;
}

const targets = ["typescript", "wasm"] as const satisfies readonly BackendName[];
const formats = ["int8", "int4"] as const satisfies readonly WeightsFormat[];

function floats(random: Random, shape: readonly number[]): Tensor {
  const count = shape.reduce((product, each) => product * each, 1);
  return { data: Float32Array.from({ length: count }, () => random.next() * 2 - 1), shape, type: "f32" };
}

function compile(text: string, weights: WeightsFormat, target: BackendName): Compilation {
  return new Compilation({ files: memoryFiles(), path: "quantized.trafo", text, weights, target });
}

/** A layer in each orientation, as wide and deep as is asked. */
const layers = {
  "x @ w": (inner: number, columns: number) => `[${inner}, ${columns}]`,
  "x @ w.T": (inner: number, columns: number) => `[${columns}, ${inner}]`,
};

describe.each(formats)("layers in %s", (format) => {
  const sizes = [
    [16, 16],
    [17, 19],
    [31, 16],
    [32, 33],
    [64, 48],
    [67, 40],
    [96, 100],
    [1, 32],
    [128, 1],
    [512, 20],
  ] as const;
  it.each(sizes)("sum %i numbers for %i columns", async (inner, columns) => {
    const random = new Random(inner * 1000 + columns);
    for (const [product, shape] of Object.entries(layers)) {
      const text = `model M() {\n  param w: ${shape(inner, columns)}\n  param b: [${columns}]\n  entry forward(x: [T, ${inner}]) -> (y: [T, ${columns}]) { ${product} + b }\n}\n`;
      for (const target of targets) {
        const compilation = compile(text, format, target);
        const weights = readWeights(compilation.program.entries, randomWeights(inner + columns));
        for (const rows of [1, 2, 5]) {
          const x = floats(random, [rows, inner]);
          const given = new Map([["x", givenTensor(x, "x")]]);
          const where = `${product}, ${rows} rows, ${target}`;
          const rounded = await climb(compilation, weights, given, target, where);
          const exact = compile(text, "f32", target);
          const runner = interpreterRunner(exact.program.entries, weights, "f64");
          const wanted = (await outputsOf(runner, exact, given)).get("y")!;
          expectBound(
            rounded.get("y")!,
            wanted,
            x,
            weights.get("w")!,
            product === "x @ w.T",
            // What is as large as the largest, and of the other sign, is a whole step off.
            format === "int8" ? 127 : 4,
          );
        }
      }
    }
  });
});

/** Rounding moves a weight by half a step at most, and a step is the largest magnitude of its column over the limit. */
function expectBound(found: Tensor, wanted: Tensor, x: Tensor, w: Tensor, transposed: boolean, limit: number): void {
  const [rows, inner] = x.shape as readonly [number, number];
  const columns = wanted.shape[1]!;
  for (let column = 0; column < columns; column++) {
    let largest = 0;
    for (let k = 0; k < inner; k++) {
      largest = Math.max(largest, Math.abs(w.data[transposed ? column * inner + k : k * columns + column]!));
    }
    for (let row = 0; row < rows; row++) {
      let sum = 0;
      for (let k = 0; k < inner; k++) sum += Math.abs(x.data[row * inner + k]!);
      const error = Math.abs(found.data[row * columns + column]! - wanted.data[row * columns + column]!);
      // What rows are rounded to in integers adds far less: a thousandth of a step of weights is allowed for it.
      expect(error).toBeLessThanOrEqual(((sum * largest) / (2 * limit)) * 1.02 + 1e-6);
    }
  }
}

const programs: Readonly<Record<string, { text: string; inputs: (random: Random) => Record<string, Tensor> }>> = {
  "a table that is also the last projection": {
    text: `model M() {
  param table: [37, 24]
  entry forward(ids: i32[B, T]) -> (y: [B, T, 37]) { table[ids] @ table.T }
}
`,
    inputs: (random) => ({
      ids: { data: Int32Array.from({ length: 6 }, () => Math.floor(random.next() * 37)), shape: [2, 3], type: "i32" },
    }),
  },
  "heads, two axes of which are summed over": {
    text: `model M() {
  param wide: [24, 3, 16]
  param back: [3, 16, 24]
  entry forward(x: [B, T, 24]) -> (y: [B, T, 24]) {
    let h = einsum("b t d, d h e -> b t h e", x, wide)
    einsum("b t h e, h e d -> b t d", h * h, back)
  }
}
`,
    inputs: (random) => ({ x: floats(random, [2, 3, 24]) }),
  },
  "a batch of matrices": {
    text: `model M() {
  param w: [3, 32, 20]
  entry forward(x: [3, T, 32]) -> (y: [3, T, 20]) { x @ w }
}
`,
    inputs: (random) => ({ x: floats(random, [3, 5, 32]) }),
  },
  "chosen experts": {
    text: `model M() {
  param experts: [4, 20, 32]
  entry forward(x: [T, 32], chosen: i32[T, 2]) -> (y: [T, 2, 20]) {
    einsum("t d, t a f d -> t a f", x, experts[chosen])
  }
}
`,
    inputs: (random) => ({
      x: floats(random, [3, 32]),
      chosen: { data: Int32Array.of(0, 3, 1, 2, 3, 0), shape: [3, 2], type: "i32" },
    }),
  },
  "projections of one value, gates and values": {
    text: `model M() {
  param q: [32, 32]
  param k: [32, 32]
  param v: [32, 32]
  param gate: [32, 48]
  param up: [32, 48]
  param down: [48, 32]
  entry forward(x: [T, 32]) -> (y: [T, 32]) {
    let a = softmax((x @ q) @ (x @ k).T) @ (x @ v)
    (tanh(a @ gate) * (a @ up)) @ down
  }
}
`,
    inputs: (random) => ({ x: floats(random, [5, 32]) }),
  },
};

describe.each(formats)("%s", (format) => {
  it.each(Object.keys(programs))("of %s", async (name) => {
    const { text, inputs } = programs[name]!;
    const given = new Map(
      Object.entries(inputs(new Random(7))).map(([each, tensor]) => [each, givenTensor(tensor, each)]),
    );
    for (const target of targets) {
      const compilation = compile(text, format, target);
      const weights = readWeights(compilation.program.entries, randomWeights(3));
      await climb(compilation, weights, given, target, `${name}, ${target}`);
      expect(compilation.reports.some(({ pass, changed }) => pass === "quantization" && changed)).toBe(true);
    }
  });
});

describe.each(["f16", "bf16"] as const)("%s", (format) => {
  it.each(Object.keys(programs))("of %s", async (name) => {
    const { text, inputs } = programs[name]!;
    const given = new Map(
      Object.entries(inputs(new Random(9))).map(([each, tensor]) => [each, givenTensor(tensor, each)]),
    );
    for (const target of targets) {
      const compilation = compile(text, format, target);
      const weights = readWeights(compilation.program.entries, randomWeights(6));
      await climb(compilation, weights, given, target, `${name}, ${target}`);
      const [plan] = compilation.get("plan");
      const read = new Set(plan!.dispatches.flatMap(({ reads }) => reads.map((id) => plan!.buffers[id]!)));
      const held = [...read].filter(({ place }) => place.kind === "weight" || place.kind === "prepared");
      const [codes, ...scales] = new Set(held.map(({ element }) => element));
      expect([codes, ...scales].sort()).toEqual(format === "f16" ? ["f16f", "f32"] : ["bf16"]);
    }
  });

  // Odd and even lengths of sums, panels that are full and not, tiles of rows.
  it.each([
    [16, 16],
    [17, 19],
    [34, 20],
    [70, 33],
  ] as const)("of %i numbers for %i columns, whatever numbers they are", async (inner, columns) => {
    const odd = [0, -0, 65504, 65519, 1e30, -3e38, 6e-8, -1e-7, 1e-40, 5.9e-5, 1 + 2 ** -9, Number.NaN, Infinity];
    for (const target of targets) {
      const text = `model M() {\n  param w: [${inner}, ${columns}]\n  entry forward(x: [T, ${inner}]) -> (y: [T, ${columns}]) { x @ w }\n}\n`;
      const compilation = compile(text, format, target);
      const random = new Random(inner);
      const w = floats(random, [inner, columns]);
      for (const [at, value] of odd.entries()) w.data[at % columns] = value;
      for (const rows of [1, 7]) {
        const given = new Map([["x", givenTensor(floats(random, [rows, inner]), "x")]]);
        const graphs = compilation.get("optimize").entries;
        const weights = new Map([["w", w]]);
        const wanted = (await outputsOf(interpreterRunner(graphs, weights, "f32"), compilation, given)).get("y")!;
        const found = (await outputsOf(await moduleRunner(target, compilation, weights), compilation, given)).get("y")!;
        for (const [at, value] of found.data.entries()) {
          const expected = wanted.data[at]!;
          if (Number.isFinite(expected)) {
            const error = Math.abs(value - expected) / Math.max(1, Math.abs(expected));
            expect(error, `${at} on ${target}: ${value} for ${expected}`).toBeLessThan(1e-5);
          } else expect(Number.isFinite(value), `${at} on ${target}: ${value} for ${expected}`).toBe(false);
        }
      }
    }
  });
});

describe("what is held", () => {
  const layer = (inner: number, columns: number): string =>
    `model M() {\n  param w: [${inner}, ${columns}]\n  entry forward(x: [T, ${inner}]) -> (y: [T, ${columns}]) { x @ w }\n}\n`;
  const readBy = (compilation: Compilation): PlanBuffer[] => {
    const [plan] = compilation.get("plan");
    const ids = new Set(plan!.dispatches.flatMap(({ reads }) => reads));
    const buffers = [...ids].map((id) => plan!.buffers[id]!);
    return buffers.filter(({ place }) => place.kind === "weight" || place.kind === "prepared");
  };
  const heldBy = (compilation: Compilation): string[] => readBy(compilation).map(({ element }) => element);

  it.each(["typescript", "wasm", "wgsl"] as const)("is bytes or words on %s, and no f32 but scales", (target) => {
    for (const format of formats) {
      const codes = target === "wgsl" ? "i32" : format === "int8" ? "i8" : "i16";
      expect(heldBy(compile(layer(64, 32), format, target)).sort()).toEqual(["f32", codes]);
    }
  });

  it("is f32 where a scale is not worth it, and a remark says so", () => {
    const compilation = compile(layer(8, 32), "int8", "wasm");
    expect(heldBy(compilation)).toEqual(["f32"]);
    const remarks = compilation.reports.flatMap((report) => report.remarks);
    expect(remarks.map(({ message }) => message)).toContain(
      "the weight of a product stays f32: it sums 8 numbers, too few for a scale",
    );
  });

  it("is f32 where it decides which matrices are chosen, and where they choose a bias with them", () => {
    const experts = `import std: gated_experts

model M() {
  param table: [64, 32]
  param places: [64, 2, 32]
  param score: [16, 32]
  param bias: [16, 32]
  param up: [16, 32, 32]
  entry forward(ids: i32[T]) -> (y: [T, 32]) {
    let x = table[ids] + einsum("t k d -> t d", places[ids])
    let (share, chosen) = topk(softmax(x @ score.T), 2)
    gated_experts(x, chosen, share, up, up, up) + einsum("t k d -> t d", bias[chosen])
  }
}
`;
    const compilation = compile(experts, "int8", "wasm");
    const plain = readBy(compilation).filter(({ element }) => element === "f32");
    expect(plain.map(({ name }) => name).sort()).toEqual([
      "bias",
      "places.scale",
      "score.packed",
      "table.scale",
      "up.scale",
    ]);
    const remarks = compilation.reports.flatMap((report) => report.remarks);
    expect(remarks.map(({ message }) => message)).toContain(
      "the weight of a product stays f32: it scores the matrices that are chosen",
    );
  });

  it("is what it is without the pass", () => {
    const request = {
      files: memoryFiles(),
      path: "m.trafo",
      text: layer(64, 32),
      weights: "int8",
      target: "wasm",
    } as const;
    const compilation = new Compilation({ ...request, optimize: { without: ["quantization"] } });
    expect(heldBy(compilation)).toEqual(["f32"]);
  });
});

describe("rows of anything", () => {
  const text = `model M() {\n  param w: [32, 16]\n  entry forward(x: [T, 32]) -> (y: [T, 16]) { x @ w }\n}\n`;
  const rows: Readonly<Record<string, (at: number) => number>> = {
    zeros: () => 0,
    "tiny numbers": (at) => 1e-42 * (at - 16),
    "large numbers": (at) => 1e4 * Math.sin(at),
    "one number among zeros": (at) => (at === 3 ? -1e4 : 0),
  };
  it.each(Object.keys(rows))("%s", async (name) => {
    const x: Tensor = {
      data: Float32Array.from({ length: 32 }, (_, at) => rows[name]!(at)),
      shape: [1, 32],
      type: "f32",
    };
    for (const target of targets) {
      const compilation = compile(text, "int8", target);
      const weights = readWeights(compilation.program.entries, randomWeights(5));
      await climb(compilation, weights, new Map([["x", givenTensor(x, "x")]]), target, `${name}, ${target}`);
    }
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])(
    "with %d make no number of it, and leave other rows alone",
    async (odd) => {
      const data = Float32Array.from({ length: 64 }, (_, at) => Math.cos(at));
      data[5] = odd;
      const x: Tensor = { data, shape: [2, 32], type: "f32" };
      const compilation = compile(text, "int8", "wasm");
      const weights = readWeights(compilation.program.entries, randomWeights(5));
      const runner = await moduleRunner("wasm", compilation, weights);
      const y = (await outputsOf(runner, compilation, new Map([["x", givenTensor(x, "x")]]))).get("y")!;
      expect([...y.data.subarray(0, 16)].some((value) => Number.isFinite(value))).toBe(false);
      expect([...y.data.subarray(16)].every((value) => Number.isFinite(value))).toBe(true);
    },
  );
});

const shown = new Set(["gpt2/checkpoint", "llama/checkpoint", "t5/checkpoint"]);

describe.each(decoders.filter(({ name }) => shown.has(name)))("$name", ({ program, checkpoint }) => {
  it.each(targets)("on %s is what the interpreter makes of the same graph", async (target) => {
    const opened = Checkpoint.open(nodeFiles(), checkpoint);
    for (const weights of formats) {
      const compilation = new Compilation({ files: nodeFiles(), path: program, checkpoint: opened, weights, target });
      const held = readWeights(compilation.elaborated.program.entries, checkpointWeights(opened));
      const graphs = compilation.get("optimize").entries;
      const { inputs } = checkpointCases(checkpoint)[0]!;
      const wanted = await outputsOf(interpreterRunner(graphs, held, "f32"), compilation, inputs);
      const found = await outputsOf(await moduleRunner(target, compilation, held), compilation, inputs);
      for (const [name, tensor] of found) expect(difference(tensor, wanted.get(name)!), name).toBeLessThan(1e-3);
    }
  });
});
