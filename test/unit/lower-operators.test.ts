/** Every operator, lowered and interpreted by its kernel, against the graph's interpreter, on small and odd sizes. */
import { describe, expect, test } from "vitest";
import {
  type Attributes,
  binaryOperators,
  type ElementType,
  GraphBuilder,
  type OperatorName,
  reductionOperators,
  unaryOperators,
  type ValueId,
} from "../../src/ir/graph/index.js";
import { verifyKernel } from "../../src/ir/kernel/index.js";
import { lowerGraph } from "../../src/lower/index.js";
import { checkPlan, planGraph } from "../../src/memory/index.js";
import { add, mul, type Size, SizeVariable, size, sub } from "../../src/sizes/index.js";
import { planDifference } from "../fuzz/lower-comparison.js";
import { randomRun } from "../support/random-graph-run.js";

const N = new SizeVariable("N", 0, 13);
const M = new SizeVariable("M", 1, 5);
const [n, m] = [size(N), size(M)];

/** Emits nodes with new inputs as operands. */
class Builder {
  readonly graph = new GraphBuilder("case", [N, M]);
  #inputs = 0;

  input(element: ElementType, ...shape: readonly (Size | number)[]): ValueId {
    const sizes = shape.map((each) => (typeof each === "number" ? size(each) : each));
    return this.emit("input", [], { name: `x${this.#inputs++}`, element, shape: sizes, fill: null });
  }

  emit<K extends OperatorName>(operator: K, operands: readonly ValueId[], attributes: Attributes[K]): ValueId {
    return this.graph.emit(operator, operands, attributes);
  }
}

type Cases = readonly ((b: Builder) => ValueId)[];

const floats: readonly ElementType[] = ["f32", "f16"];
const numbers: readonly ElementType[] = ["f32", "f16", "i32"];

const unaryCases = (operator: (typeof unaryOperators)[number]): Cases => {
  const elements = operator === "not" ? (["bool"] as const) : ["neg", "abs"].includes(operator) ? numbers : floats;
  return elements.map((element) => (b: Builder) => b.emit(operator, [b.input(element, n, 3)], {}));
};

const binaryCases = (operator: (typeof binaryOperators)[number]): Cases => {
  const logic = operator === "and" || operator === "or";
  const elements: readonly ElementType[] = logic ? ["bool"] : operator === "div" ? floats : numbers;
  return elements.flatMap((element) => [
    (b: Builder) => b.emit(operator, [b.input(element, n, m), b.input(element, m)], {}),
    (b: Builder) => b.emit(operator, [b.input(element, 3, 1), b.input(element, n, 1, m)], {}),
    (b: Builder) => b.emit(operator, [b.input(element), b.input(element, 1)], {}),
  ]);
};

const reductionCases = (operator: (typeof reductionOperators)[number]): Cases => {
  const logic = operator === "any" || operator === "all";
  const elements: readonly ElementType[] = logic ? ["bool"] : operator === "mean" ? floats : numbers;
  return elements.flatMap((element) =>
    [0, 1, 2].map((axis) => (b: Builder) => b.emit(operator, [b.input(element, 3, n, 1)], { axis })),
  );
};

function casesOf<K extends string>(names: readonly K[], cases: (name: K) => Cases): { readonly [name in K]: Cases } {
  return Object.fromEntries(names.map((name) => [name, cases(name)])) as { [name in K]: Cases };
}

const einsum = (
  element: ElementType,
  shapes: readonly (readonly (Size | number)[])[],
  inputs: readonly (readonly number[])[],
  output: readonly number[],
): Cases[number] => {
  return (b) =>
    b.emit(
      "einsum",
      shapes.map((shape) => b.input(element, ...shape)),
      { inputs, output },
    );
};

const iota = (b: Builder, axis: number, ...shape: readonly Size[]): ValueId => b.emit("iota", [], { axis, shape });

const cases: { readonly [K in OperatorName]: Cases } = {
  ...casesOf(unaryOperators, unaryCases),
  ...casesOf(binaryOperators, binaryCases),
  ...casesOf(reductionOperators, reductionCases),
  input: [(b) => b.input("f32", n, m), (b) => b.input("bool")],
  weight: [(b) => b.emit("weight", [], { name: "w", element: "f32", shape: [size(3), size(5)], sources: [["w"]] })],
  constant: [
    (b) => b.emit("constant", [], { value: 0.1, element: "f32" }),
    (b) => b.emit("constant", [], { value: 0.1, element: "f16" }),
    (b) => b.emit("constant", [], { value: -7, element: "i32" }),
    (b) => b.emit("constant", [], { value: 1, element: "bool" }),
  ],
  size: [(b) => b.emit("size", [], { value: sub(mul(n, m), 3) })],
  iota: [(b) => iota(b, 0, n, m), (b) => iota(b, 1, n, m)],
  cast: (["f32", "f16", "i32", "bool"] as const).flatMap((to) =>
    (["f32", "f16", "i32", "bool"] as const).map((from) => (b: Builder) => b.emit("cast", [b.input(from, n)], { to })),
  ),
  where: [
    (b) => b.emit("where", [b.input("bool", n, 1), b.input("f32", m), b.input("f32")], {}),
    // A mask of indices alone, computed where it is used.
    (b) => {
      const mask = b.emit("le", [iota(b, 1, n, n), iota(b, 0, n, n)], {});
      return b.emit(
        "where",
        [mask, b.input("f32", n, n), b.emit("constant", [], { value: -Infinity, element: "f32" })],
        {},
      );
    },
  ],
  softmax: [
    (b) => b.emit("softmax", [b.input("f32", n, m)], { axis: 0 }),
    (b) => b.emit("softmax", [b.input("f16", m, n)], { axis: 1 }),
  ],
  cumsum: numbers.map((element) => (b: Builder) => b.emit("cumsum", [b.input(element, 2, n, m)], { axis: 1 })),
  einsum: [
    ...numbers.flatMap((element) => [
      einsum(
        element,
        [
          [2, n, m],
          [m, 7],
        ],
        [
          [0, 1, 2],
          [2, 3],
        ],
        [0, 1, 3],
      ),
      einsum(
        element,
        [
          [n, m],
          [n, m],
        ],
        [
          [0, 1],
          [0, 1],
        ],
        [],
      ),
    ]),
    // Size 1 repeats; an outer product; one operand; three operands.
    einsum(
      "f32",
      [
        [1, n],
        [m, n],
      ],
      [
        [0, 1],
        [0, 1],
      ],
      [0],
    ),
    einsum(
      "f32",
      [
        [n, 1],
        [1, m],
      ],
      [
        [0, 1],
        [1, 2],
      ],
      [0, 2],
    ),
    einsum("f32", [[n], [m]], [[0], [1]], [1, 0]),
    einsum("f32", [[n, 3]], [[0, 1]], [1, 0]),
    einsum("f32", [[n], [n, m], [m]], [[0], [0, 1], [1]], [0, 1]),
  ],
  transpose: [(b) => b.emit("transpose", [b.input("f32", n, m, 3)], { permutation: [2, 0, 1] })],
  reshape: [
    (b) => b.emit("reshape", [b.input("f32", n, 12)], { shape: [n, size(3), size(4)] }),
    (b) => b.emit("reshape", [b.input("f32", n, m)], { shape: [mul(n, m)] }),
    (b) => b.emit("reshape", [b.input("i32", 6, n)], { shape: [size(2), mul(n, 3)] }),
    (b) => b.emit("reshape", [b.input("f32", 6, 4)], { shape: [size(4), size(6)] }),
    (b) => b.emit("reshape", [b.input("f32", n, 6, m)], { shape: [mul(n, 2), size(3), m] }),
    (b) => b.emit("reshape", [b.input("f32", 1, n, 1)], { shape: [n] }),
    (b) => b.emit("reshape", [b.input("f32", 1, 1)], { shape: [] }),
    (b) => b.emit("reshape", [b.input("f32", 0, n)], { shape: [size(5), size(0)] }),
  ],
  broadcast: [
    (b) => b.emit("broadcast", [b.input("f32", 1, m)], { shape: [size(2), n, m] }),
    (b) => b.emit("broadcast", [b.input("f32")], { shape: [n] }),
  ],
  slice: [
    (b) => b.emit("slice", [b.input("f32", 13, m)], { axis: 0, start: size(0), length: n }),
    (b) => b.emit("slice", [b.input("f32", add(n, 2), 3)], { axis: 0, start: size(2), length: n }),
  ],
  concat: [
    (b) => b.emit("concat", [b.input("f32", n, 2), b.input("f32", m, 2), b.input("f32", 3, 2)], { axis: 0 }),
    (b) => b.emit("concat", [b.input("bool", 2, n), b.input("bool", 2, 1)], { axis: 1 }),
  ],
  take: [
    (b) => b.emit("take", [b.input("f32", 5, m), b.input("i32", n, 2)], { axis: 0 }),
    (b) => b.emit("take", [b.input("f32", 2, m, 3), b.input("i32")], { axis: 1 }),
    // The axis that is indexed may be empty.
    (b) => b.emit("take", [b.input("i32", m, n), b.input("i32", 3)], { axis: 1 }),
    (b) => b.emit("take", [b.input("i32", m, 0), b.input("i32", 3)], { axis: 1 }),
    (b) => b.emit("take", [b.input("f32", 11), iota(b, 0, n)], { axis: 0 }),
  ],
  element: [
    (b) => b.emit("element", [b.input("f32", 4, m), b.input("i32", n, 1), b.input("i32", 3)], {}),
    (b) => b.emit("element", [b.input("f32", n, m), b.input("i32", 2), b.input("i32")], {}),
    (b) => b.emit("element", [b.input("f32")], {}),
  ],
  topk: numbers.flatMap((element) => [
    (b: Builder) => b.emit("topk", [b.input(element, n, 7)], { k: 3 }),
    (b: Builder) => b.emit("topk", [b.input(element, 5)], { k: 5 }),
    (b: Builder) => b.emit("topk", [b.input(element, 2, m)], { k: 1 }),
    (b: Builder) => b.emit("topk", [b.input(element, n, m)], { k: 0 }),
  ]),
};

const sizes = [
  { N: 0, M: 1 },
  { N: 1, M: 1 },
  { N: 1, M: 5 },
  { N: 3, M: 2 },
  { N: 13, M: 5 },
];

describe.each(Object.entries(cases))("%s", (_, list) => {
  test.each(list.map((make, i) => [i, make] as const))("case %i", (_, make) => {
    const b = new Builder();
    const value = make(b);
    const graph = b.graph.finish([{ name: "y", value }]);
    const plan = planGraph(lowerGraph(graph));
    for (const kernel of plan.kernels) expect(verifyKernel(kernel)).toEqual([]);
    for (const [seed, values] of sizes.entries()) {
      for (const special of [false, true]) {
        const run = randomRun(graph, seed, { sizes: values, special });
        expect(checkPlan(plan, (variable) => run.sizes[variable.name]!)).toEqual([]);
        expect(planDifference(graph, plan, run, "f64", 1e-9), JSON.stringify(run.sizes)).toBeNull();
      }
    }
  });
});
