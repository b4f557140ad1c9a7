/** The interpreter where PyTorch has no say: edges that operators.ts defines, precisions, sizes and inputs. */
import { describe, expect, test } from "vitest";
import { SourceFile } from "../../src/diagnostics/index.js";
import { InterpreterInputError, type InterpretOptions, interpret } from "../../src/interpreter/graph.js";
import { type Tensor, tensorOf } from "../../src/interpreter/tensor.js";
import type { Graph } from "../../src/ir/graph/graph.js";
import { parseGraph } from "../../src/ir/graph/parser.js";
import { erf } from "../../src/runtime/host/erf.js";
import { randomGraph } from "../support/random-graph.js";
import { randomRun } from "../support/random-graph-run.js";

/** A graph in text form; `head` is what stands in the parentheses and after them. */
function graphOf(head: string, body: string): Graph {
  return parseGraph(new SourceFile("test", `graph @test${head} {\n${body}\n}`));
}

function run(
  graph: Graph,
  inputs: Record<string, Tensor>,
  options: Partial<InterpretOptions> = {},
): Record<string, Tensor> {
  return interpret(graph, { precision: "f32", inputs, ...options }).outputs;
}

const f32 = (shape: number[], values: number[]): Tensor => ({ element: "f32", shape, data: Float32Array.from(values) });
const i32 = (shape: number[], values: number[]): Tensor => tensorOf("i32", shape, values);
const list = (tensor: Tensor | undefined): number[] => [...tensor!.data];

const [nan, inf] = [Number.NaN, Infinity];
const [low, high] = [-(2 ** 31), 2 ** 31 - 1];

/** A binary operator on two lists of i32. */
function integers(operator: string, a: number[], b: number[]): number[] {
  const graph = graphOf(
    `(%a: i32[${a.length}], %b: i32[${b.length}])`,
    `%2 = ${operator} %a, %b : i32[${a.length}]\nreturn %2 as y`,
  );
  return list(run(graph, { a: i32([a.length], a), b: i32([b.length], b) }).y);
}

describe("i32", () => {
  test("wraps around", () => {
    expect(integers("add", [high, low], [1, -1])).toEqual([low, high]);
    expect(integers("sub", [low, 0], [1, low])).toEqual([high, low]);
    expect(integers("mul", [65536, high, 123456789], [65536, high, 987654321])).toEqual([0, 1, -67153019]);
    expect(integers("floor_div", [low], [-1])).toEqual([low]);
    const unary = graphOf("(%a: i32[2])", "%1 = neg %a : i32[2]\n%2 = abs %a : i32[2]\nreturn %1 as n, %2 as a");
    const outputs = run(unary, { a: i32([2], [low, -3]) });
    expect([list(outputs.n), list(outputs.a)]).toEqual([
      [low, 3],
      [low, 3],
    ]);
  });

  test("floors, and by 0 it gives 0", () => {
    expect(integers("floor_div", [7, -7, 7, -7, 5, low], [2, 2, -2, -2, 0, 0])).toEqual([3, -4, -4, 3, 0, 0]);
    expect(integers("mod", [7, -7, 7, -7, 5, low], [3, 3, -3, -3, 0, 0])).toEqual([1, 2, -2, -1, 0, 0]);
  });

  test("powers wrap, and negative exponents truncate", () => {
    expect(integers("pow", [3, -2, 2, 10, 0, 7], [4, 3, 33, 10, 0, 1])).toEqual([81, -8, 0, 1410065408, 1, 7]);
    expect(integers("pow", [2, 1, -1, -1, 0, low], [-1, -5, -2, -3, -1, low])).toEqual([0, 1, 1, -1, 0, 0]);
    expect(integers("pow", [3, -1], [high, high])).toEqual([-1431655765, -1]);
  });

  test("a cast truncates, saturates, and takes NaN as 0", () => {
    const graph = graphOf("(%x: f32[8])", "%1 = cast %x : i32[8]\nreturn %1 as y");
    const y = run(graph, { x: f32([8], [1.9, -1.9, nan, inf, -inf, 3e9, -3e9, -0]) }).y;
    expect(list(y)).toEqual([1, -1, 0, high, low, high, low, 0]);
  });
});

describe("floats", () => {
  test("pow is JavaScript's", () => {
    const graph = graphOf("(%x: f32[4], %y: f32[4])", "%2 = pow %x, %y : f32[4]\nreturn %2 as z");
    const z = run(graph, { x: f32([4], [1, -1, -8, 0]), y: f32([4], [nan, inf, 1 / 3, 0]) }).z;
    expect(list(z)).toEqual([nan, nan, nan, 1]);
  });

  test("erf is odd, grows, and ends at 1", () => {
    let before = -1;
    for (let x = -7; x <= 7; x += 1 / 512) {
      const y = erf(x);
      expect(y).toBe(-erf(-x));
      expect(y).toBeGreaterThanOrEqual(before);
      before = y;
    }
    expect([erf(inf), erf(-inf), erf(nan), erf(0), erf(-0), erf(6)]).toEqual([1, -1, nan, 0, -0, 1]);
    // Abramowitz & Stegun, table 7.1; 2x/√π for small x, down to the smallest number.
    expect(erf(0.5)).toBe(0.5204998778130465);
    expect(erf(2)).toBe(0.9953222650189527);
    expect(erf(1e-300)).toBeCloseTo(1.1283791670955126e-300, 310);
    expect(erf(5e-324)).toBe(5e-324);
  });

  test("softmax of -inf alone, or of nothing, is zero; NaN spreads over its row", () => {
    const graph = graphOf(
      "(%x: f32[4, 2], %e: f32[2, 0])",
      "%2 = softmax %x {axis = 1} : f32[4, 2]\n%3 = softmax %e {axis = 1} : f32[2, 0]\nreturn %2 as y, %3 as e",
    );
    const { y, e } = run(graph, { x: f32([4, 2], [-inf, -inf, -inf, 3, nan, 1, 1e4, -1e4]), e: f32([2, 0], []) });
    expect(list(y)).toEqual([0, 0, 0, 1, nan, nan, 1, 0]);
    expect(list(e)).toEqual([]);
  });

  test("reductions of nothing", () => {
    const lines = ["sum", "mean", "max", "min", "argmax"].map(
      (op, i) => `%${i + 3} = ${op} %x {axis = 1} : ${op === "argmax" ? "i32" : "f32"}[2, 1]`,
    );
    lines.push(
      "%8 = max %n {axis = 0} : i32[1]",
      "%9 = min %n {axis = 0} : i32[1]",
      "%10 = sum %n {axis = 0} : i32[1]",
    );
    lines.push("%11 = any %b {axis = 0} : bool[1]", "%12 = all %b {axis = 0} : bool[1]");
    const names = ["sum", "mean", "max", "min", "argmax", "imax", "imin", "isum", "any", "all"];
    const graph = graphOf(
      "(%x: f32[2, 0], %n: i32[0], %b: bool[0])",
      `${lines.join("\n")}\nreturn ${names.map((name, i) => `%${i + 3} as ${name}`).join(", ")}`,
    );
    const outputs = run(graph, { x: f32([2, 0], []), n: i32([0], []), b: tensorOf("bool", [0], []) });
    expect(Object.fromEntries(names.map((name) => [name, list(outputs[name])]))).toEqual({
      sum: [0, 0],
      mean: [nan, nan],
      max: [-inf, -inf],
      min: [inf, inf],
      argmax: [0, 0],
      imax: [low],
      imin: [high],
      isum: [0],
      any: [0],
      all: [1],
    });
  });

  test("argmax and topk: NaN is largest, the lower index first among equals", () => {
    const graph = graphOf(
      "(%x: f32[3, 4])",
      "%1 = argmax %x {axis = 1} : i32[3, 1]\n%2 = topk %x {k = 4} : i32[3, 4]\nreturn %1 as a, %2 as t",
    );
    const { a, t } = run(graph, { x: f32([3, 4], [1, nan, 5, nan, 2, 3, 3, 2, -0, 0, -inf, -0]) });
    expect(list(a)).toEqual([1, 1, 0]);
    expect(list(t)).toEqual([1, 3, 2, 0, 1, 2, 0, 3, 0, 1, 3, 2]);
  });
});

describe("indices", () => {
  test("are clamped, and an empty axis gives 0", () => {
    const graph = graphOf(
      "(%x: f32[T, 2], %i: i32[3]) sizes { T: 0..4 }",
      `%2 = take %x, %i {axis = 0} : f32[3, 2]
       %3 = constant {value = 5} : i32[]
       %4 = element %x, %i, %3 : f32[3]
       return %2 as t, %4 as e`,
    );
    const i = i32([3], [-4, 1, 9]);
    const { t, e } = run(graph, { x: f32([2, 2], [1, 2, 3, 4]), i });
    expect([list(t), list(e)]).toEqual([
      [1, 2, 3, 4, 3, 4],
      [2, 4, 4],
    ]);
    const empty = run(graph, { x: f32([0, 2], []), i });
    expect([list(empty.t), list(empty.e)]).toEqual([
      [0, 0, 0, 0, 0, 0],
      [0, 0, 0],
    ]);
  });

  test("a slice that leaves its axis is an error of the run", () => {
    const graph = graphOf(
      "(%x: f32[T]) sizes { T: 0..4 }",
      "%1 = slice %x {axis = 0, start = T - 1, length = 1} : f32[1]\nreturn %1 as y",
    );
    expect(list(run(graph, { x: f32([3], [1, 2, 3]) }).y)).toEqual([3]);
    expect(() => run(graph, { x: f32([0], []) })).toThrow("a slice from -1 to 0 leaves an axis of size 0");
  });

  test("topk needs k elements", () => {
    const graph = graphOf("(%x: f32[T]) sizes { T: 0..4 }", "%1 = topk %x {k = 2} : i32[2]\nreturn %1 as y");
    expect(() => run(graph, { x: f32([1], [1]) })).toThrow(InterpreterInputError);
  });
});

describe("precision", () => {
  const angles = graphOf(
    "(%x: f32[T]) sizes { T: 0..5000 }",
    `%1 = iota {axis = 0} : i32[T]
     %2 = cast %1 : f32[T]
     %3 = constant {value = 0.7} : f32[]
     %4 = mul %2, %3 : f32[T]
     %5 = sin %4 : f32[T]
     %6 = mul %x, %3 : f32[T]
     %7 = add %5, %x : f32[T]
     return %5 as table, %6 as scaled, %7 as sum`,
  );

  test("f64 keeps digits of what depends on float inputs, and rounds tables as f32 does", () => {
    const x = f32(
      [4001],
      Array.from({ length: 4001 }, (_, i) => i),
    );
    const wide = run(angles, { x }, { precision: "f64" });
    const narrow = run(angles, { x });
    const factor = Math.fround(0.7);
    expect(list(wide.table)).toEqual(list(narrow.table));
    expect(list(wide.table)[4000]).toBe(Math.fround(Math.sin(Math.fround(4000 * factor))));
    expect(list(wide.scaled)[333]).toBe(333 * factor);
    expect(list(narrow.scaled)[333]).toBe(Math.fround(333 * factor));
    expect(list(wide.sum)[7]).toBe(list(wide.table)[7]! + 7);
  });

  test("f16 rounds once, in f32 precision", () => {
    const graph = graphOf(
      "(%x: f16[2], %y: f16[2])",
      "%2 = mul %x, %y : f16[2]\n%3 = cast %2 : f32[2]\nreturn %3 as z",
    );
    const inputs = {
      x: { ...f32([2], [0.1, 300]), element: "f16" as const },
      y: { ...f32([2], [0.1, 300]), element: "f16" as const },
    };
    expect(list(run(graph, inputs).z)).toEqual([0.0099945068359375, inf]);
    expect(list(run(graph, inputs, { precision: "f64" }).z)[1]).toBe(90000);
  });

  test("sums are kept in f64 inside of one operator", () => {
    const graph = graphOf(
      "(%x: f32[3])",
      "%1 = sum %x {axis = 0} : f32[1]\n%2 = einsum %x, %x {inputs = [[0], [0]], output = []} : f32[]\nreturn %1 as s, %2 as e",
    );
    const outputs = run(graph, { x: f32([3], [2 ** 24, 1, -(2 ** 24)]) });
    expect([list(outputs.s), list(outputs.e)]).toEqual([[1], [2 ** 49]]);
  });
});

describe("a run", () => {
  const graph = graphOf(
    "(%x: f32[B, T], %mask: bool[B, 2*T] = 1, %bias: f32[T] = -0.5) sizes { B: 1..4, T: 0..8 }",
    `%3 = add %x, %bias : f32[B, T]
     %4 = size {value = B*T + 1} : i32[]
     %5 = weight {name = "w", sources = [["w"]]} : f32[2]
     return %3 as y, %4 as n, %mask as m, %5 as w`,
  );
  const w = f32([2], [1, 2]);
  const weights = (): Tensor => w;
  const x = f32([2, 1], [1, 2]);

  test("finds its sizes and fills what is not given", () => {
    const { y, n, m } = run(graph, { x }, { weights });
    expect([y!.shape, list(y), list(n), list(m)]).toEqual([[2, 1], [0.5, 1.5], [3], [1, 1, 1, 1]]);
    const given = new Map([
      ["x", x],
      ["bias", f32([1], [3])],
    ]);
    expect(list(interpret(graph, { inputs: given, weights, precision: "f32" }).outputs.y)).toEqual([4, 5]);
  });

  test("shows every value", () => {
    const seen: number[] = [];
    run(graph, { x }, { weights, trace: (id, { data }) => seen.push(id, data.length) });
    expect(seen).toEqual([0, 2, 1, 4, 2, 1, 3, 2, 4, 1, 5, 2]);
  });

  test.each<[string, Record<string, Tensor>, string]>([
    ["a missing input", {}, "input x of @test is missing"],
    ["an unknown input", { x, z: x }, "@test has no input z"],
    ["a wrong rank", { x: f32([2], [1, 2]) }, "no input shows the size"],
    ["a wrong element type", { x: i32([2, 1], [1, 2]) }, "input x is i32[2, 1], and must be f32[2, 1] (f32[B, T])"],
    ["sizes that contradict", { x, bias: f32([2], [1, 2]) }, "T is 1, but axis 0 of input bias has size 2"],
    [
      "composite sizes that contradict",
      { x, mask: tensorOf("bool", [2, 3], [1, 1, 1, 0, 0, 0]) },
      "must be bool[2, 2]",
    ],
    ["sizes out of range", { x: f32([5, 1], [1, 2, 3, 4, 5]) }, "B is 5, and must be a whole number from 1 to 4"],
    ["data that does not fill the shape", { x: f32([2, 1], [1]) }, "input x holds 1 elements in a Float32Array"],
  ])("refuses %s", (_, inputs, message) => {
    expect(() => run(graph, inputs, { weights })).toThrow(message);
    expect(() => run(graph, inputs, { weights })).toThrow(InterpreterInputError);
  });

  test("refuses weights that do not fit, or none", () => {
    expect(() => run(graph, { x })).toThrow("the weight w is not given");
    expect(() => run(graph, { x }, { weights: () => x })).toThrow("weight w is f32[2, 1], and must be f32[2]");
  });

  test("takes sizes that no input shows", () => {
    const loop = graphOf("(%x: i32[N] = 7) sizes { N: 0..9 }", "return %x as y");
    expect(list(run(loop, {}, { sizes: { N: 3 } }).y)).toEqual([7, 7, 7]);
    expect(() => run(loop, {})).toThrow("no input shows the size N");
    expect(() => run(loop, {}, { sizes: { N: 10 } })).toThrow("from 0 to 9");
  });
});

test.each([
  { B: 0, T: 0 },
  { B: 1, T: 1 },
  { B: 0, T: 5 },
  { B: 3, T: 0 },
  { B: 1, T: 5 },
  { B: 3, T: 5 },
])("random graphs run at %o, in both precisions, with every shape as typed", (sizes) => {
  for (let seed = 1000; seed < 1080; seed++) {
    const graph = randomGraph(seed);
    for (const precision of ["f32", "f64"] as const) {
      let values = 0;
      const trace = (_: number, { shape, data }: Tensor): void => {
        values++;
        expect(data.length, `seed ${seed}`).toBe(shape.reduce((a, b) => a * b, 1));
      };
      interpret(graph, { ...randomRun(graph, seed, { sizes, special: true }), precision, trace });
      expect(values).toBe(graph.nodes.length);
    }
  }
});
