/** The interpreter against the values of PyTorch in test/fixtures/torch, which make_torch_values.py writes. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { interpret } from "../../src/interpreter/graph.js";
import { elementsOf, type Tensor } from "../../src/interpreter/tensor.js";
import { GraphBuilder } from "../../src/ir/graph/builder.js";
import { operatorNames } from "../../src/ir/graph/infer.js";
import type { Attributes, OperatorName } from "../../src/ir/graph/operators.js";
import { type ElementType, isFloat } from "../../src/ir/graph/types.js";
import { type Size, size } from "../../src/sizes/index.js";

interface StoredTensor {
  readonly element: ElementType;
  readonly shape: readonly number[];
  readonly data: readonly (number | "nan" | "inf" | "-inf")[];
}

interface Case {
  readonly operator: Exclude<OperatorName, "input" | "weight" | "constant" | "size">;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly operands: readonly StoredTensor[];
  readonly f32: StoredTensor;
  readonly f64?: StoredTensor;
}

const path = new URL("../fixtures/torch/operators.json", import.meta.url);
const { cases } = JSON.parse(readFileSync(path, "utf8")) as { readonly cases: readonly Case[] };

const words = { nan: Number.NaN, inf: Infinity, "-inf": -Infinity };

/** `wide` keeps the numbers as they stand, otherwise floats are rounded to f32 (they are stored by their shortest text). */
function tensor({ element, shape, data }: StoredTensor, wide = false): Tensor {
  const numbers = data.map((each) => (typeof each === "number" ? each : words[each]));
  if (element === "i32") return { element, shape, data: Int32Array.from(numbers) };
  if (element === "bool") return { element, shape, data: Uint8Array.from(numbers) };
  return { element, shape, data: wide ? Float64Array.from(numbers) : Float32Array.from(numbers) };
}

/** Sizes stand in the fixture as plain numbers. */
function withSizes(attributes: Case["attributes"]): Readonly<Record<string, unknown>> {
  const convert = (key: string, value: unknown): unknown => {
    if (key === "shape") return (value as number[]).map((each): Size => size(each));
    return key === "start" || key === "length" ? size(value as number) : value;
  };
  return Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, convert(key, value)]));
}

function evaluate<K extends Case["operator"]>(operator: K, given: Case, precision: "f32" | "f64"): Tensor {
  const builder = new GraphBuilder("case", []);
  const operands = given.operands.map(({ element, shape }, i) =>
    builder.emit("input", [], { name: `x${i}`, element, shape: shape.map((each) => size(each)), fill: null }),
  );
  const value = builder.emit(operator, operands, withSizes(given.attributes) as unknown as Attributes[K]);
  const graph = builder.finish([{ name: "y", value }]);
  const inputs = new Map(given.operands.map((operand, i) => [`x${i}`, tensor(operand)]));
  return interpret(graph, { inputs, precision }).outputs.y!;
}

/** Rounded correctly by PyTorch too (its sqrt is not), so that the results are the same to the last bit. */
const correctlyRounded: ReadonlySet<OperatorName> = new Set([
  "neg",
  "abs",
  "floor",
  "ceil",
  "add",
  "sub",
  "mul",
  "div",
  "floor_div",
  "mod",
  "maximum",
  "minimum",
  "max",
  "min",
  "where",
  "cast",
  "transpose",
  "reshape",
  "broadcast",
  "slice",
  "concat",
  "take",
  "element",
]);

/** Sums may cancel, so that their errors are relative to their summands, which are around 10. */
const sums: ReadonlySet<OperatorName> = new Set(["sum", "mean", "einsum", "cumsum"]);

/** Compares with a tolerance relative to each value, or to `least` where that is larger. */
function expectClose(actual: Tensor, expected: Tensor, relative: number, least: number, what: string): void {
  expect(actual.element, what).toBe(expected.element);
  expect(actual.shape, what).toEqual(expected.shape);
  expect(actual.data.length, what).toBe(elementsOf(expected.shape));
  for (let i = 0; i < actual.data.length; i++) {
    const [a, e] = [actual.data[i]!, expected.data[i]!];
    const same = a === e || (Number.isNaN(a) && Number.isNaN(e));
    if (same || Math.abs(a - e) <= relative * Math.max(Math.abs(e), least)) continue;
    expect.fail(`${what}: element ${i} is ${a}, and ${e} in PyTorch`);
  }
}

describe("operators agree with PyTorch", () => {
  const byOperator = new Map<Case["operator"], Case[]>();
  for (const each of cases) byOperator.set(each.operator, [...(byOperator.get(each.operator) ?? []), each]);

  test("all are covered", () => {
    const leaves = ["input", "weight", "constant", "size"];
    expect(operatorNames.filter((name) => !leaves.includes(name) && !byOperator.has(name as Case["operator"]))).toEqual(
      [],
    );
  });

  test.each([...byOperator])("%s", (operator, group) => {
    for (const given of group) {
      const what = `${operator} ${JSON.stringify(given.attributes)} of ${given.operands.map((x) => `${x.element}[${x.shape}]`)}`;
      const least = sums.has(operator) ? 10 : 0;
      const half = [given.f32, ...given.operands].some(({ element }) => element === "f16");
      const exact = correctlyRounded.has(operator) || !isFloat(given.f32.element);
      const tolerance = exact ? 0 : half ? 2 ** -10 : 2e-6;
      expectClose(evaluate(operator, given, "f32"), tensor(given.f32), tolerance, least, `${what} in f32`);
      if (given.f64)
        expectClose(
          evaluate(operator, given, "f64"),
          tensor(given.f64, true),
          exact ? 0 : 1e-15,
          least,
          `${what} in f64`,
        );
    }
  });
});
