/**
 * Random programs of products, tables and experts, with weights held in every format: each target gives what the interpreter
 * makes of the same graph, and what weights as they are give is near. Every shader, in all variants, is one that Dawn takes; a
 * device runs them where there is one.
 *
 * FUZZ_WEIGHTS sets how many, FUZZ_SEED the first seed; a failure names its seed.
 */
import { afterAll, describe, expect, test } from "vitest";
import type { BackendName } from "../../src/driver/backends.js";
import { givenTensor } from "../../src/driver/inputs.js";
import { kernelRunner } from "../../src/driver/kernel-runner.js";
import { moduleRunner } from "../../src/driver/module-runner.js";
import { Compilation } from "../../src/driver/pipeline.js";
import { runEntries } from "../../src/driver/run.js";
import { interpreterRunner, type Runner } from "../../src/driver/targets.js";
import { lacksDevice } from "../../src/driver/webgpu.js";
import { weightsFormats } from "../../src/passes/index.js";
import { memoryFiles } from "../../src/runtime/files.js";
import type { Tensor } from "../../src/runtime/host/tensors.js";
import { requestsOf } from "../../src/runtime/weights.js";
import { nullDevice, withValidShaders } from "../backends/wgsl-support.js";
import { Random } from "../support/random.js";

const first = Number(process.env.FUZZ_SEED ?? 1);
const count = Number(process.env.FUZZ_WEIGHTS ?? 6);
const formats = weightsFormats.filter((each) => each !== "f32");
/** How far outputs may be from those of weights as they are, by root mean square. Of few bits in layer upon layer: far. */
const nearness = { f16: 0.01, bf16: 0.1, int8: 0.2, int4: 2 } as const;

const widths = [1, 15, 16, 17, 24, 31, 32, 33, 40, 48, 64, 66, 96];

/** A program: a table or numbers at first, then layers of all kinds, and perhaps the table again. */
function programOf(random: Random): string {
  const parameters: string[] = [];
  const lines: string[] = [];
  const parameter = (shape: readonly number[]): string => {
    parameters.push(`param w${parameters.length}: [${shape.join(", ")}]`);
    return `w${parameters.length - 1}`;
  };
  const words = random.of([16, 20, 37]);
  let width = random.of(widths);
  const table = random.chance(0.6) ? parameter([words, width]) : null;
  const input = table === null ? `x: [T, ${width}]` : `ids: i32[T]`;
  lines.push(`let h0 = ${table === null ? "x" : `${table}[ids]`}`);
  const start = width;
  const layers = 1 + random.below(3);
  const product = (value: string, to: number): string =>
    random.chance(0.5) ? `${value} @ ${parameter([width, to])}` : `${value} @ ${parameter([to, width])}.T`;
  for (let layer = 0; layer < layers; layer++) {
    const value = `h${layer}`;
    const to = random.of(widths);
    const kind = random.below(4);
    if (kind === 0) lines.push(`let h${layer + 1} = tanh(${product(value, to)}) * (${product(value, to)})`);
    else if (kind === 1) lines.push(`let h${layer + 1} = ${product(value, to)} + ${parameter([to])}`);
    else if (kind === 2) {
      const heads = random.of([1, 2, 3]);
      const inner = random.of([16, 18]);
      const wide = parameter([width, heads, inner]);
      const back = parameter([heads, inner, to]);
      lines.push(`let a${layer} = einsum("t d, d h e -> t h e", ${value}, ${wide})`);
      lines.push(`let h${layer + 1} = einsum("t h e, h e d -> t d", a${layer}, ${back})`);
    } else {
      const experts = parameter([3, to, width]);
      lines.push(`let h${layer + 1} = einsum("t d, t f d -> t f", ${value}, ${experts}[chosen])`);
    }
    width = to;
  }
  const last = `h${layers}`;
  const isTied = table !== null && width === start;
  const [result, columns] = isTied ? [`${last} @ ${table}.T`, words] : [last, width];
  const isChosen = lines.some((line) => line.includes("[chosen]"));
  return [
    "model M() {",
    ...parameters.map((each) => `  ${each}`),
    `  entry forward(${input}${isChosen ? ", chosen: i32[T]" : ""}) -> (y: [T, ${columns}]) {`,
    ...lines.map((each) => `    ${each}`),
    `    ${result}`,
    "  }",
    "}",
    "",
  ].join("\n");
}

/** Numbers of any scale, some columns and some elements of them zeros. */
function numbers(random: Random, shape: readonly number[], scale: number): Tensor {
  const length = shape.reduce((product, each) => product * each, 1);
  const hole = random.below(8);
  const data = Float32Array.from({ length }, (_, at) => (at % 8 === hole ? 0 : (random.next() * 2 - 1) * scale));
  return { data, shape, type: "f32" };
}

const noDevice = await lacksDevice();
const valid = nullDevice();
afterAll(async () => (await valid).destroy());

async function outputOf(
  runner: Runner,
  compilation: Compilation,
  given: ReadonlyMap<string, ReturnType<typeof givenTensor>>,
) {
  const [run] = await runEntries(runner, compilation.program, given);
  runner.dispose();
  return run!.outputs.get("y")!.data as Float32Array;
}

/** The root mean square of differences, over that of what is wanted. */
function deviation(found: Float32Array, wanted: Float32Array): number {
  let [errors, squares] = [0, 0];
  for (const [at, value] of wanted.entries()) {
    errors += (found[at]! - value) ** 2;
    squares += value ** 2;
  }
  return errors === 0 ? 0 : Math.sqrt(errors / squares);
}

describe.each(formats)("random programs in %s", (format) => {
  const seeds = Array.from({ length: count }, (_, at) => first + at);
  test.each(seeds)("seed %i", async (seed) => {
    const random = new Random(seed);
    const text = programOf(random);
    const scale = 10 ** (random.below(5) - 2);
    const rows = random.of([1, 2, 5, 9]);
    const compile = (weights: typeof format | "f32", target: BackendName): Compilation =>
      new Compilation({ files: memoryFiles(), path: "fuzz.trafo", text, weights, target });
    const exact = compile("f32", "wasm");
    const entries = exact.program.entries;
    const weights = new Map(
      requestsOf(entries).map(({ name, shape }) => [name, numbers(random, shape, scale / Math.sqrt(shape[0]!))]),
    );
    const wholes = (below: number): Tensor => {
      return { data: Int32Array.from({ length: rows }, () => random.below(below)), shape: [rows], type: "i32" };
    };
    const inputs: Record<string, Tensor> = {};
    if (text.includes("(x: ")) inputs.x = numbers(random, [rows, Number(/x: \[T, (\d+)\]/.exec(text)![1])], 3);
    else inputs.ids = wholes(16);
    if (text.includes("chosen: ")) inputs.chosen = wholes(3);
    const given = new Map(Object.entries(inputs).map(([name, tensor]) => [name, givenTensor(tensor, name)]));
    const plain = await outputOf(interpreterRunner(entries, weights, "f64"), exact, given);
    for (const target of ["typescript", "wasm", "wgsl"] as const) {
      const compilation = compile(format, target);
      if (target === "wgsl") await withValidShaders(compilation, await valid);
      const graphs = compilation.get("optimize").entries;
      const wanted = await outputOf(interpreterRunner(graphs, weights, "f32"), compilation, given);
      const where = `seed ${seed} on ${target} in ${format}:\n${text}`;
      const isRun = target !== "wgsl" || noDevice === null;
      for (const start of [
        () => kernelRunner(compilation, weights),
        ...(isRun ? [() => moduleRunner(target, compilation, weights)] : []),
      ]) {
        const found = await outputOf(await start(), compilation, given);
        // A row that is rounded again may round the other way, by one part in ten thousand.
        expect(deviation(found, wanted), where).toBeLessThan(1e-3);
      }
      expect(deviation(wanted, plain), where).toBeLessThan(nearness[format]);
    }
  });
});
