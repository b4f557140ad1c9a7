/** Type inference: what each operator accepts, gives and refuses. Types are written as in dumps. */
import { describe, expect, test } from "vitest";
import { GraphTypeError, inferType } from "../../src/ir/graph/infer.js";
import type { Attributes, OperatorName } from "../../src/ir/graph/operators.js";
import { typeText } from "../../src/ir/graph/type-text.js";
import { type ElementType, elementTypes, type TensorType } from "../../src/ir/graph/types.js";
import { parseSize, type Size, SizeVariable } from "../../src/sizes/index.js";

const variables = new Map(
  ["B", "T", "D"].map((name) => [name, new SizeVariable(name, name === "D" ? 1 : 0, 1024)] as const),
);

function sz(text: string): Size {
  return parseSize(text, (name) => variables.get(name) ?? null);
}

/** `f32[B, T]`. */
function type(text: string): TensorType {
  const [element, shape] = text.split(/[[\]]/);
  const sizes = shape === "" ? [] : shape!.split(",").map((each) => sz(each.trim()));
  return { element: elementTypes.find((each) => each === element) as ElementType, shape: sizes };
}

function infer<K extends OperatorName>(operator: K, operands: readonly string[], attributes: Attributes[K]): string {
  return typeText(inferType(operator, operands.map(type), attributes));
}

/** The message of the refusal. */
function refusal<K extends OperatorName>(operator: K, operands: readonly string[], attributes: Attributes[K]): string {
  try {
    return `accepted: ${infer(operator, operands, attributes)}`;
  } catch (error) {
    if (error instanceof GraphTypeError) return error.message;
    throw error;
  }
}

describe("element-wise operators", () => {
  test("broadcast from the right, the constant 1 against any size", () => {
    expect(infer("add", ["f32[B, 1, D]", "f32[T, D]"], {})).toBe("f32[B, T, D]");
    expect(infer("mul", ["f32[]", "f32[T]"], {})).toBe("f32[T]");
    expect(infer("add", ["i32[1]", "i32[0]"], {})).toBe("i32[0]");
    expect(infer("maximum", ["f16[2*T]", "f16[T + T]"], {})).toBe("f16[2*T]");
  });

  test("refuse sizes that are not proven equal, and show both types", () => {
    expect(refusal("add", ["f32[B, T]", "f32[B]"], {})).toBe("add: f32[B, T] and f32[B] do not broadcast");
    expect(refusal("add", ["f32[3]", "f32[4]"], {})).toBe("add: f32[3] and f32[4] do not broadcast");
  });

  test("take the element types of their table", () => {
    expect(infer("lt", ["i32[T]", "i32[]"], {})).toBe("bool[T]");
    expect(infer("eq", ["bool[T]", "bool[T]"], {})).toBe("bool[T]");
    expect(infer("not", ["bool[T]"], {})).toBe("bool[T]");
    expect(infer("neg", ["i32[T]"], {})).toBe("i32[T]");
    expect(refusal("div", ["i32[T]", "i32[T]"], {})).toBe("div takes f32, f16 and is given i32[T]");
    expect(refusal("exp", ["i32[T]"], {})).toBe("exp takes f32, f16 and is given i32[T]");
    expect(refusal("and", ["i32[T]", "i32[T]"], {})).toBe("and takes bool and is given i32[T]");
    expect(refusal("add", ["f32[T]", "f16[T]"], {})).toBe("add takes one element type and is given f32[T] and f16[T]");
    expect(refusal("lt", ["bool[T]", "bool[T]"], {})).toBe("lt takes f32, f16, i32 and is given bool[T]");
  });

  test("count their operands", () => {
    expect(refusal("add", ["f32[T]"], {})).toBe("add takes 2 operands and has 1: f32[T]");
    expect(refusal("exp", [], {})).toBe("exp takes 1 operand and has 0: nothing");
  });

  test("where takes a condition and two of one type", () => {
    expect(infer("where", ["bool[T, 1]", "f32[D]", "f32[]"], {})).toBe("f32[T, D]");
    expect(refusal("where", ["f32[T]", "f32[T]", "f32[T]"], {})).toContain("the condition of where takes bool");
    expect(refusal("where", ["bool[T]", "f32[T]", "i32[T]"], {})).toBe(
      "where takes one element type and is given f32[T] and i32[T]",
    );
  });

  test("cast keeps the shape", () => {
    expect(infer("cast", ["f32[B, T]"], { to: "i32" })).toBe("i32[B, T]");
  });
});

describe("leaves", () => {
  test("have the type that they declare", () => {
    expect(infer("input", [], { name: "x", element: "f32", shape: [sz("B")], fill: null })).toBe("f32[B]");
    expect(infer("constant", [], { value: 3, element: "i32" })).toBe("i32[]");
    expect(infer("size", [], { value: sz("2*T") })).toBe("i32[]");
    expect(infer("iota", [], { axis: 1, shape: [sz("B"), sz("T")] })).toBe("i32[B, T]");
  });

  test("hold numbers of their type", () => {
    expect(refusal("constant", [], { value: 0.5, element: "i32" })).toBe("constant: 0.5 is not a number of type i32");
    expect(refusal("constant", [], { value: 2 ** 31, element: "i32" })).toContain("not a number of type i32");
    expect(refusal("constant", [], { value: 2, element: "bool" })).toContain("not a number of type bool");
    expect(refusal("input", [], { name: "m", element: "bool", shape: [], fill: 3 })).toContain("the fill of input m");
    expect(refusal("iota", [], { axis: 2, shape: [sz("T")] })).toBe("iota along axis 2: i32[T] has no such axis");
  });
});

describe("operators along an axis", () => {
  test("keep the axis with size 1", () => {
    expect(infer("sum", ["f32[B, T]"], { axis: 1 })).toBe("f32[B, 1]");
    expect(infer("argmax", ["f32[B, T]"], { axis: 0 })).toBe("i32[1, T]");
    expect(infer("any", ["bool[T]"], { axis: 0 })).toBe("bool[1]");
    expect(infer("softmax", ["f32[B, T]"], { axis: 1 })).toBe("f32[B, T]");
    expect(infer("cumsum", ["i32[T]"], { axis: 0 })).toBe("i32[T]");
  });

  test("refuse other axes and elements", () => {
    expect(refusal("sum", ["f32[B, T]"], { axis: 2 })).toBe("sum along axis 2: f32[B, T] has no such axis");
    expect(refusal("sum", ["f32[T]"], { axis: -1 })).toContain("no such axis");
    expect(refusal("sum", ["f32[T]"], { axis: 0.5 })).toContain("no such axis");
    expect(refusal("mean", ["i32[T]"], { axis: 0 })).toContain("mean takes f32, f16");
    expect(refusal("all", ["f32[T]"], { axis: 0 })).toContain("all takes bool");
    expect(refusal("softmax", ["i32[T]"], { axis: 0 })).toContain("softmax takes f32, f16");
  });

  test("topk needs k elements, as far as is known", () => {
    expect(infer("topk", ["f32[B, 8]"], { k: 2 })).toBe("i32[B, 2]");
    expect(infer("topk", ["f32[B, T]"], { k: 2 })).toBe("i32[B, 2]");
    expect(refusal("topk", ["f32[B, 3]"], { k: 4 })).toBe("topk: the last axis of f32[B, 3] has less than 4");
    expect(refusal("topk", ["f32[]"], { k: 1 })).toContain("no such axis");
    expect(refusal("topk", ["f32[3]"], { k: -1 })).toContain("not a whole number");
  });
});

describe("einsum", () => {
  test("sums what the output lacks, and broadcasts size 1", () => {
    const matmul = {
      inputs: [
        [0, 1, 2],
        [2, 3],
      ],
      output: [0, 1, 3],
    };
    expect(infer("einsum", ["f32[B, T, D]", "f32[D, 4*D]"], matmul)).toBe("f32[B, T, 4*D]");
    expect(infer("einsum", ["f32[B, T, 1]", "f32[D, 4*D]"], matmul)).toBe("f32[B, T, 4*D]");
    expect(
      infer("einsum", ["f32[1, T]", "f32[B, 1]"], {
        inputs: [
          [0, 1],
          [0, 1],
        ],
        output: [1, 0],
      }),
    ).toBe("f32[T, B]");
    expect(infer("einsum", ["f32[T]"], { inputs: [[0]], output: [] })).toBe("f32[]");
  });

  test("refuses labels and sizes that do not fit", () => {
    expect(refusal("einsum", ["f32[B, T]", "f32[B]"], { inputs: [[0, 1], [1]], output: [0] })).toBe(
      "einsum [[0, 1], [1]] -> [0]: the sizes of label 1 differ in f32[B, T] and f32[B]",
    );
    expect(refusal("einsum", ["f32[B, B]"], { inputs: [[0, 0]], output: [0] })).toContain("stands once");
    expect(refusal("einsum", ["f32[B]"], { inputs: [[0]], output: [1] })).toContain("no operand has label 1");
    expect(refusal("einsum", ["f32[B]"], { inputs: [[0, 1]], output: [] })).toContain("do not fit f32[B]");
    expect(refusal("einsum", ["bool[B]"], { inputs: [[0]], output: [] })).toContain("einsum takes");
    expect(refusal("einsum", [], { inputs: [], output: [] })).toContain("at least one");
  });
});

describe("movement", () => {
  test("transpose and reshape", () => {
    expect(infer("transpose", ["f32[B, T, D]"], { permutation: [2, 0, 1] })).toBe("f32[D, B, T]");
    expect(infer("reshape", ["f32[B, T, 6]"], { shape: [sz("T*B"), sz("2"), sz("3")] })).toBe("f32[B*T, 2, 3]");
    expect(refusal("transpose", ["f32[B, T]"], { permutation: [0, 0] })).toContain(
      "does not permute the axes of f32[B, T]",
    );
    expect(refusal("reshape", ["f32[B, T]"], { shape: [sz("T")] })).toBe(
      "reshape: f32[B, T] and f32[T] differ in their number of elements",
    );
  });

  test("a number of elements beyond the exact whole numbers is refused", () => {
    expect(refusal("reshape", ["f32[1000000000, 1000000000]"], { shape: [sz("3")] })).toContain("reshape: the size");
  });

  test("broadcast repeats 1 and adds axes", () => {
    expect(infer("broadcast", ["f32[1, D]"], { shape: [sz("B"), sz("T"), sz("D")] })).toBe("f32[B, T, D]");
    expect(refusal("broadcast", ["f32[D]"], { shape: [sz("T")] })).toBe("broadcast: f32[D] does not broadcast to [T]");
    expect(refusal("broadcast", ["f32[B, T]"], { shape: [sz("T")] })).toContain("does not broadcast");
  });

  test("slice stays inside, as far as is known", () => {
    expect(infer("slice", ["f32[B, T]"], { axis: 1, start: sz("T - 1"), length: sz("1") })).toBe("f32[B, 1]");
    expect(refusal("slice", ["f32[B, 4]"], { axis: 1, start: sz("3"), length: sz("2") })).toBe(
      "slice from [3] with length [2] leaves axis 1 of f32[B, 4]",
    );
    expect(refusal("slice", ["f32[B, T]"], { axis: 1, start: sz("1"), length: sz("T") })).toContain("leaves axis 1");
    expect(refusal("slice", ["f32[4]"], { axis: 0, start: sz("-1"), length: sz("2") })).toContain("leaves axis 0");
  });

  test("concat adds along one axis", () => {
    expect(infer("concat", ["f32[B, T]", "f32[B, 1]"], { axis: 1 })).toBe("f32[B, T + 1]");
    expect(refusal("concat", ["f32[B, T]", "f32[T, T]"], { axis: 1 })).toBe(
      "concat along axis 1: f32[B, T] and f32[T, T] differ in another axis",
    );
    expect(refusal("concat", [], { axis: 0 })).toContain("at least one");
    expect(refusal("concat", ["f32[B]", "i32[B]"], { axis: 0 })).toContain("one element type");
  });

  test("take and element index with i32", () => {
    expect(infer("take", ["f32[100, D]", "i32[B, T]"], { axis: 0 })).toBe("f32[B, T, D]");
    expect(infer("take", ["f32[B, T, D]", "i32[]"], { axis: 1 })).toBe("f32[B, D]");
    expect(infer("element", ["f32[B, T]", "i32[T, 1]", "i32[D]"], {})).toBe("f32[T, D]");
    expect(infer("element", ["f32[]"], {})).toBe("f32[]");
    expect(refusal("take", ["f32[B]", "f32[T]"], { axis: 0 })).toContain("the indices of take takes i32");
    expect(refusal("element", ["f32[B, T]", "i32[T]"], {})).toBe(
      "element takes 2 indices for f32[B, T] and has 1: i32[T]",
    );
  });
});
