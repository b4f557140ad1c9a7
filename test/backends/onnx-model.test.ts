/** What an ONNX model holds, and what must be the same as in Trafo where ONNX says something else. */
import { describe, expect, it } from "vitest";
import { modelParts, type OnnxModel, onnxModel } from "../../backends/onnx/index.js";
import { SourceFile } from "../../src/diagnostics/index.js";
import { onnxFiles } from "../../src/driver/onnx-files.js";
import { Compilation } from "../../src/driver/pipeline.js";
import { interpret } from "../../src/interpreter/graph.js";
import { type Tensor as Evaluated, tensorOf } from "../../src/interpreter/tensor.js";
import { type Graph, parseGraph } from "../../src/ir/graph/index.js";
import { joined, memoryFiles } from "../../src/runtime/files.js";
import type { Tensor } from "../../src/runtime/host/tensors.js";
import { difference } from "../fuzz/lower-comparison.js";
import { noRuntime, runModel } from "./onnx-support.js";

const graphOf = (text: string): Graph => parseGraph(new SourceFile("test.graph", text));
const floats = (shape: readonly number[], ...values: number[]): Evaluated => tensorOf("f32", shape, values);
const whole = (shape: readonly number[], ...values: number[]): Evaluated => tensorOf("i32", shape, values);
const noWeights = (): never => expect.fail("there is no weight");

const dense = `
model Dense(width: int = 3) {
  layer inner = Inner(width)
  entry forward(x: [B, T <= 8, width], keep: i32[B, T] = 1) -> (y: [B, T, width], z: [B, T, width]) {
    let h = inner(x)
    (h, h)
  }
}
block Inner(width: int)(x: [B, T, width]) -> [B, T, width] {
  param weight: [width, width]
  let product = x @ weight
  product + x
}
`;
const weight: Tensor = { data: Float32Array.from({ length: 9 }, (_, i) => i), shape: [3, 3], type: "f32" };

function compiled(text = dense): Compilation {
  return new Compilation({ files: memoryFiles(), path: "dense.trafo", text });
}

function modelOf(text = dense): OnnxModel {
  const { elaborated, sourceLine } = compiled(text);
  const [graph] = elaborated.program.entries;
  return onnxModel({ graph: graph!, name: "Dense", producerVersion: "1", weight: () => weight, sourceLine });
}

describe("a model", () => {
  it("has the names, sizes and lines of the source", () => {
    const { nodes, inputs, outputs, metadata, initializers } = modelOf();
    expect(inputs.map(({ value, documentation }) => [value.name, documentation])).toEqual([
      ["x", "f32[B, T, 3]"],
      ["keep", "i32[B, T], 1 everywhere where it is not known"],
    ]);
    expect(outputs.map(({ value }) => value.name)).toEqual(["y", "z"]);
    const product = nodes.find(({ operator }) => operator === "MatMul")!;
    expect(product).toMatchObject({ name: "inner/product/MatMul", outputs: [{ name: "inner/product" }] });
    expect(product.documentation).toBe("dense.trafo:11:17 let product = x @ weight");
    expect(product.inputs.map(({ name }) => name)).toEqual(["x", "inner.weight"]);
    expect(initializers.map(({ value, shape }) => [value.name, shape])).toEqual([["inner.weight", [3, 3]]]);
    expect([...metadata]).toEqual([
      ["trafo.model", "Dense"],
      ["trafo.entry", "forward"],
      ["trafo.size.B", "0.."],
      ["trafo.size.T", "0..8"],
    ]);
  });

  it("is as long as it says, and holds its weights", () => {
    const parts = modelParts(modelOf());
    const bytes = joined(parts);
    expect(bytes.length).toBe(parts.length);
    expect(Buffer.from(bytes).includes(Buffer.from(weight.data.buffer as ArrayBuffer))).toBe(true);
  });

  it("reads a weight only when its bytes are written", () => {
    const { elaborated } = compiled();
    let reads = 0;
    const weights = () => {
      reads++;
      return weight;
    };
    const options = { program: elaborated.program, name: "dense", weights, documentation: null, producerVersion: "1" };
    const files = onnxFiles({ ...options, beside: true, sourceLine: () => null });
    expect(files.map(([name]) => name)).toEqual(["dense.onnx.data", "dense-forward.onnx"]);
    expect(reads).toBe(0);
    expect(joined(files[0]![1])).toEqual(new Uint8Array(weight.data.buffer as ArrayBuffer));
    const model = Buffer.from(joined(files[1]![1]));
    expect(reads).toBe(1);
    expect(model.includes("dense.onnx.data")).toBe(true);
    expect(model.includes(Buffer.from(weight.data.buffer as ArrayBuffer))).toBe(false);
  });

  it("puts weights beside where a model would pass 2 GiB", () => {
    const large =
      "model M() {\n  param table: [30000, 20000]\n  entry forward(i: i32[B]) -> (y: [B, 20000]) { table[i] }\n}\n";
    const { program } = compiled(large).elaborated;
    const options = { program, name: "m", weights: noWeights, beside: false, documentation: null };
    const files = onnxFiles({ ...options, sourceLine: () => null });
    expect(files.map(([name]) => name)).toEqual(["m.onnx.data", "m-forward.onnx"]);
    expect(files[0]![1].length).toBe(30000 * 20000 * 4);
    expect(files[1]![1].length).toBeLessThan(2000);
  });

  it("refuses what ONNX cannot express", () => {
    const model = "model M() {\n  entry forward(x: [B, T]) -> (x: [B, T]) { x + 1 }\n}\n";
    expect(() => modelOf(model)).toThrow("E0502");
    const hidden = graphOf(
      "graph @f(%x: f32[2*T + 1]) sizes { T: 1..8 } {\n  %1 = size {value = T} : i32[]\n  %2 = iota {axis = 0} : i32[T]\n  return %2 as y\n}\n",
    );
    const options = { graph: hidden, name: "f", producerVersion: "1", weight: noWeights };
    expect(() => onnxModel(options)).toThrow("no input of entry f shows the size T");
  });
});

/** A graph with one input x and one output y. */
const one = (body: string, x = "f32[B, T]"): Graph =>
  graphOf(`graph @f(%x: ${x}) sizes { B: 0..9, T: 0..99 } {\n${body}\n}\n`);

async function agrees(graph: Graph, x: Evaluated, tolerance = 1e-6): Promise<void> {
  const inputs = new Map([["x", x]]);
  const sizes = Object.fromEntries(graph.sizes.map(({ name }, axis) => [name, x.shape[axis] ?? 0]));
  const given = { inputs, sizes, weights: noWeights };
  const expected = interpret(graph, { inputs, sizes, precision: "f32" }).outputs;
  expect(difference(await runModel(graph, given), expected, tolerance)).toBeNull();
}

const special = [Number.NaN, Infinity, -Infinity, 0, -0, 1e4, -1e4, 1, -1, 2.5, -2.5, 3e9, -3e9];

describe.runIf(noRuntime === null)("agrees with the interpreter", () => {
  it.each([
    ["a row that is hidden whole", floats([2, 3], -Infinity, -Infinity, -Infinity, 1, -Infinity, 2)],
    ["NaN among hidden ones", floats([2, 3], Number.NaN, -Infinity, -Infinity, -Infinity, 1, Number.NaN)],
    ["infinity", floats([1, 3], Infinity, 0, -Infinity)],
    ["large numbers", floats([1, 4], 1e4, -1e4, 9999, 0)],
    ["no rows", floats([0, 3])],
    ["rows of nothing", floats([3, 0])],
    [
      "a long row with a NaN",
      floats([1, 67], ...Array.from({ length: 67 }, (_, i) => (i === 20 ? Number.NaN : -Infinity))),
    ],
  ])("softmax of %s", async (_, x) => {
    await agrees(one("  %1 = softmax %x {axis = 1} : f32[B, T]\n  return %1 as y"), x);
  });

  it.each(["max", "min", "sum", "mean"])("%s of special numbers and of nothing", async (operator) => {
    const graph = one(`  %1 = ${operator} %x {axis = 1} : f32[B, 1]\n  return %1 as y`);
    await agrees(graph, floats([1, special.length], ...special));
    await agrees(graph, floats([2, 3], 1, -2, 3, 0.5, -Infinity, 7));
    await agrees(graph, floats([2, 0]));
    await agrees(graph, floats([0, 2]));
  });

  it("argmax and topk, NaN first and the lower index among equals", async () => {
    const graph = one("  %1 = argmax %x {axis = 1} : i32[B, 1]\n  return %1 as y");
    await agrees(
      graph,
      floats([3, 4], 1, Number.NaN, Infinity, 2, 5, 7, 7, -1, -Infinity, -Infinity, -Infinity, -Infinity),
    );
    await agrees(graph, floats([2, 0]));
    const top = one("  %1 = topk %x {k = 3} : i32[B, 3]\n  return %1 as y", "f32[B, 5]");
    await agrees(top, floats([2, 5], 1, Number.NaN, Infinity, 2, 2, 3, 3, 3, 3, 3));
    await agrees(top, floats([0, 5]));
  });

  it("casts to i32", async () => {
    const numbers = [...special, 2147483520, -2147483648, 2147483648, 0.99, -0.99];
    await agrees(one("  %1 = cast %x : i32[B, T]\n  return %1 as y"), floats([1, numbers.length], ...numbers));
  });

  it.each(["floor_div", "mod", "pow"])("%s of special numbers", async (operator) => {
    const pairs = special
      .flatMap((a) => special.map((b) => [a, b] as const))
      .filter(([a, b]) => (Math.abs(a) < 1e5 && Math.abs(b) < 1e3) || Number.isNaN(a + b));
    const graph = graphOf(
      `graph @f(%a: f32[N], %b: f32[N]) sizes { N: 0..999 } {\n  %2 = ${operator} %a, %b : f32[N]\n  return %2 as y\n}\n`,
    );
    const columns = [0, 1].map((at) => floats([pairs.length], ...pairs.map((pair) => pair[at]!)));
    const inputs = new Map([
      ["a", columns[0]!],
      ["b", columns[1]!],
    ]);
    const expected = interpret(graph, { inputs, precision: "f32" }).outputs;
    const found = await runModel(graph, { inputs, sizes: { N: pairs.length }, weights: noWeights });
    expect(difference(found, expected, 1e-5)).toBeNull();
  });

  it.each(["floor_div", "mod", "pow"])("%s of whole numbers, by 0 and -1 too", async (operator) => {
    const numbers = [0, 1, -1, 2, -2, 3, -7, 7, 31, 2 ** 31 - 1, -(2 ** 31)];
    const pairs = numbers.flatMap((a) => numbers.map((b) => [a, b] as const));
    const variable = `  %2 = ${operator} %a, %b : i32[N]`;
    const constants = numbers.map(
      (value, i) =>
        `  %${3 + 2 * i} = constant {value = ${value}} : i32[]\n  %${4 + 2 * i} = ${operator} %a, %${3 + 2 * i} : i32[N]`,
    );
    const outputs = ["%2 as y", ...numbers.map((_, i) => `%${4 + 2 * i} as y${i}`)];
    const graph = graphOf(
      `graph @f(%a: i32[N], %b: i32[N]) sizes { N: 0..999 } {\n${[variable, ...constants].join("\n")}\n  return ${outputs.join(", ")}\n}\n`,
    );
    const columns = [0, 1].map((at) => whole([pairs.length], ...pairs.map((pair) => pair[at]!)));
    const inputs = new Map([
      ["a", columns[0]!],
      ["b", columns[1]!],
    ]);
    const expected = interpret(graph, { inputs, precision: "f32" }).outputs;
    const found = await runModel(graph, { inputs, sizes: { N: pairs.length }, weights: noWeights });
    expect(difference(found, expected, 0)).toBeNull();
  });
});
