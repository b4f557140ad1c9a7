/** The builder: sharing, folding, numbering, names and origins; and the helpers on top of it. */
import { describe, expect, test } from "vitest";
import { InternalError } from "../../src/diagnostics/index.js";
import { GraphBuilder } from "../../src/ir/graph/builder.js";
import type { ValueId } from "../../src/ir/graph/graph.js";
import { dropAxis, insertAxis, matmul, reduce, scalar, transposeLast } from "../../src/ir/graph/helpers.js";
import { printGraph } from "../../src/ir/graph/printer.js";
import { emitNode, rebuild } from "../../src/ir/graph/rebuild.js";
import { typeText } from "../../src/ir/graph/type-text.js";
import type { ElementType } from "../../src/ir/graph/types.js";
import { type Size, SizeVariable, size } from "../../src/sizes/index.js";

const B = new SizeVariable("B", 0, 8);
const T = new SizeVariable("T", 0, 16);

function setUp() {
  const builder = new GraphBuilder("g", [B, T]);
  const input = (name: string, shape: readonly (Size | SizeVariable | number)[], element: ElementType = "f32") =>
    builder.emit("input", [], {
      name,
      element,
      shape: shape.map((each) => (typeof each === "number" || each instanceof SizeVariable ? size(each) : each)),
      fill: null,
    });
  const text = (value: ValueId) => typeText(builder.typeOf(value));
  return { builder, input, text };
}

describe("sharing", () => {
  test("the same node is one value, another attribute or operand another", () => {
    const { builder, input } = setUp();
    const x = input("x", [B, T]);
    const y = input("y", [B, T]);
    expect(builder.emit("add", [x, y], {})).toBe(builder.emit("add", [x, y], {}));
    expect(builder.emit("add", [x, y], {})).not.toBe(builder.emit("add", [y, x], {}));
    expect(builder.emit("add", [x, y], {})).not.toBe(builder.emit("sub", [x, y], {}));
    expect(builder.emit("sum", [x], { axis: 0 })).not.toBe(builder.emit("sum", [x], { axis: 1 }));
    expect(input("x", [B, T])).toBe(x);
  });

  test("constants: 0 and -0 differ, NaN is one, numbers round to their element type", () => {
    const { builder } = setUp();
    expect(scalar(builder, 0, "f32")).not.toBe(scalar(builder, -0, "f32"));
    expect(scalar(builder, Number.NaN, "f32")).toBe(scalar(builder, Number.NaN, "f32"));
    expect(scalar(builder, 0.1, "f32")).toBe(scalar(builder, Math.fround(0.1), "f32"));
    expect(scalar(builder, 0.1, "f32")).not.toBe(scalar(builder, 0.1, "f16"));
    expect(scalar(builder, -0, "i32")).toBe(scalar(builder, 0, "i32"));
    const tenth = builder.nodeOf(scalar(builder, 0.1, "f16"));
    expect(tenth.attributes).toEqual({ value: 0.0999755859375, element: "f16" });
  });

  test("two size variables of one name are not confused", () => {
    const { builder } = setUp();
    const other = new SizeVariable("T", 0, 16);
    const a = builder.emit("size", [], { value: size(T) });
    expect(builder.emit("size", [], { value: size(other) })).not.toBe(a);
  });

  test("einsum labels are renumbered", () => {
    const { builder, input } = setUp();
    const x = input("x", [B, T]);
    const a = builder.emit("einsum", [x], { inputs: [[7, 3]], output: [3] });
    expect(builder.emit("einsum", [x], { inputs: [[0, 1]], output: [1] })).toBe(a);
  });

  test("a second, different input of one name is a mistake of the compiler", () => {
    const { input } = setUp();
    input("x", [B]);
    expect(() => input("x", [T])).toThrow(InternalError);
  });
});

describe("folding", () => {
  test("what moves nothing is its operand", () => {
    const { builder, input } = setUp();
    const x = input("x", [B, T]);
    const shape = [size(B), size(T)];
    expect(builder.emit("transpose", [x], { permutation: [0, 1] })).toBe(x);
    expect(builder.emit("reshape", [x], { shape })).toBe(x);
    expect(builder.emit("broadcast", [x], { shape })).toBe(x);
    expect(builder.emit("slice", [x], { axis: 1, start: size(0), length: size(T) })).toBe(x);
    expect(builder.emit("cast", [x], { to: "f32" })).toBe(x);
    expect(builder.emit("concat", [x], { axis: 0 })).toBe(x);
  });

  test("two transposes are one, two reshapes are one, and together perhaps nothing", () => {
    const { builder, input } = setUp();
    const x = input("x", [B, T, 3]);
    const once = builder.emit("transpose", [x], { permutation: [1, 2, 0] });
    const twice = builder.emit("transpose", [once], { permutation: [1, 2, 0] });
    expect(builder.nodeOf(twice)).toMatchObject({ operands: [x], attributes: { permutation: [2, 0, 1] } });
    expect(builder.emit("transpose", [twice], { permutation: [1, 2, 0] })).toBe(x);
    const flat = builder.emit("reshape", [x], { shape: [size(T), size(3), size(B)] });
    const back = builder.emit("reshape", [flat], { shape: [size(3), size(B), size(T)] });
    expect(builder.nodeOf(back).operands).toEqual([x]);
    expect(builder.emit("reshape", [back], { shape: [size(B), size(T), size(3)] })).toBe(x);
  });

  test("concat drops what is empty on its axis", () => {
    const { builder, input } = setUp();
    const [x, empty, y] = [input("x", [B, T]), input("e", [B, 0]), input("y", [B, 2])];
    expect(builder.emit("concat", [empty, x, empty], { axis: 1 })).toBe(x);
    expect(builder.nodeOf(builder.emit("concat", [x, empty, y], { axis: 1 })).operands).toEqual([x, y]);
    expect(builder.emit("concat", [empty, empty], { axis: 1 })).toBe(empty);
  });

  test("what may change a value stays", () => {
    const { builder, input } = setUp();
    const x = input("x", [B, T]);
    const zero = scalar(builder, 0, "f32");
    expect(builder.emit("add", [x, zero], {})).not.toBe(x);
    expect(builder.emit("slice", [x], { axis: 1, start: size(1), length: size(0) })).not.toBe(x);
    expect(builder.emit("cast", [builder.emit("cast", [x], { to: "f16" })], { to: "f32" })).not.toBe(x);
  });
});

describe("finish", () => {
  test("keeps all inputs first, drops what is not needed, and numbers without gaps", () => {
    const { builder, input } = setUp();
    const x = input("x", [B]);
    builder.emit("exp", [x], {});
    const y = builder.emit("tanh", [x], {});
    input("unused", [T]);
    const graph = builder.finish([{ name: "y", value: y }]);
    expect(graph.nodes.map(({ operator, operands }) => [operator, operands])).toEqual([
      ["input", []],
      ["input", []],
      ["tanh", [0]],
    ]);
    expect(graph.outputs).toEqual([{ name: "y", value: 2 }]);
  });

  test("the builder can go on after it", () => {
    const { builder, input } = setUp();
    const x = input("x", [B]);
    const first = printGraph(builder.finish([{ name: "x", value: x }]));
    builder.emit("exp", [x], {});
    expect(printGraph(builder.finish([{ name: "x", value: x }]))).toBe(first);
  });

  test("origins go to new nodes, the first name stays", () => {
    const { builder, input } = setUp();
    const x = input("x", [B]);
    const location = { file: "m.trafo", line: 3, column: 5 };
    builder.origin = { location, scope: null };
    const y = builder.emit("exp", [x], {});
    builder.origin = { location: null, scope: null };
    expect(builder.emit("exp", [x], {})).toBe(y);
    builder.nameValue(y, "first");
    builder.nameValue(y, "second");
    const graph = builder.finish([{ name: "y", value: y }]);
    expect(graph.locations).toEqual([null, location]);
    expect(graph.names).toEqual([null, "first"]);
  });

  test("takes a hundred thousand nodes", () => {
    const { builder, input } = setUp();
    let value = input("x", [B]);
    for (let i = 0; i < 100_000; i++) value = builder.emit(i % 2 === 0 ? "sin" : "cos", [value], {});
    expect(rebuild(builder.finish([{ name: "y", value }])).nodes.length).toBe(100_001);
  });
});

describe("rebuild", () => {
  test("replaces nodes, and names and origins follow", () => {
    const { builder, input } = setUp();
    const x = input("x", [B]);
    builder.origin = { location: { file: "m.trafo", line: 1, column: 1 }, scope: null };
    const y = builder.emit("exp", [x], {});
    builder.nameValue(y, "hidden");
    const graph = builder.finish([{ name: "y", value: builder.emit("neg", [y], {}) }]);
    const replaced = rebuild(graph, (next, node, operands) =>
      node.operator === "exp" ? next.emit("sin", operands, {}) : emitNode(next, node, operands),
    );
    expect(replaced.nodes.map(({ operator }) => operator)).toEqual(["input", "sin", "neg"]);
    expect(replaced.names[1]).toBe("hidden");
    expect(replaced.locations[1]).toEqual({ file: "m.trafo", line: 1, column: 1 });
  });
});

describe("helpers", () => {
  test("matmul follows NumPy", () => {
    const { builder, input, text } = setUp();
    const [v, m, a, b] = [input("v", [3]), input("m", [3, 4]), input("a", [B, 1, T, 3]), input("b", [5, 3, 2])];
    expect(text(matmul(builder, v, v))).toBe("f32[]");
    expect(text(matmul(builder, v, m))).toBe("f32[4]");
    expect(text(matmul(builder, a, v))).toBe("f32[B, 1, T]");
    expect(text(matmul(builder, a, m))).toBe("f32[B, 1, T, 4]");
    expect(text(matmul(builder, a, b))).toBe("f32[B, 5, T, 2]");
    expect(text(matmul(builder, v, b))).toBe("f32[5, 2]");
    expect(() => matmul(builder, scalar(builder, 1, "f32"), v)).toThrow("rank 1 or more");
  });

  test("axes come and go", () => {
    const { builder, input, text } = setUp();
    const x = input("x", [B, T, 3]);
    expect(text(insertAxis(builder, x, 1))).toBe("f32[B, 1, T, 3]");
    expect(dropAxis(builder, insertAxis(builder, x, 3), 3)).toBe(x);
    expect(text(transposeLast(builder, x))).toBe("f32[B, 3, T]");
    expect(text(reduce(builder, "sum", x, [0, 2]))).toBe("f32[1, T, 1]");
    expect(text(reduce(builder, "max", x, [0, 2], false))).toBe("f32[T]");
  });
});
