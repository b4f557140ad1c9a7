/** What lowering decides: what has a kernel, what is computed in place, how indices of movements look. */
import { describe, expect, test } from "vitest";
import { type Graph, GraphBuilder, type ValueId } from "../../src/ir/graph/index.js";
import { printKernel } from "../../src/ir/kernel/index.js";
import { type LoweredGraph, lowerGraph } from "../../src/lower/index.js";
import { mul, render, type Size, SizeVariable, size } from "../../src/sizes/index.js";

const B = new SizeVariable("B", 1, 8);
const T = new SizeVariable("T", 1, 64);
const [b, t] = [size(B), size(T)];

function graphOf(make: (g: GraphBuilder) => Readonly<Record<string, ValueId>>): Graph {
  const builder = new GraphBuilder("f", [B, T]);
  const outputs = make(builder);
  return builder.finish(Object.entries(outputs).map(([name, value]) => ({ name, value })));
}

const input = (g: GraphBuilder, name: string, ...shape: readonly (Size | number)[]): ValueId =>
  g.emit("input", [], {
    name,
    element: "f32",
    shape: shape.map((each) => (typeof each === "number" ? size(each) : each)),
    fill: null,
  });

const ids = (g: GraphBuilder, name: string, ...shape: readonly Size[]): ValueId =>
  g.emit("input", [], { name, element: "i32", shape, fill: null });

const kernelNames = ({ calls }: LoweredGraph): readonly string[] => calls.map((call) => call.kernel.name);

/** The last lines of the only kernel: what it stores. */
function stored(make: (g: GraphBuilder) => ValueId): string {
  const { calls } = lowerGraph(graphOf((g) => ({ y: make(g) })));
  expect(calls).toHaveLength(1);
  return printKernel(calls[0]!.kernel).trimEnd().split("\n").at(-1)!.trim();
}

describe("movement is arithmetic on indices", () => {
  const reshaped = (from: readonly (Size | number)[], to: readonly (Size | number)[]): string =>
    stored((g) =>
      g.emit("reshape", [input(g, "x", ...from)], {
        shape: to.map((each) => (typeof each === "number" ? size(each) : each)),
      }),
    );

  test("splitting and merging axes divides by the inner factor alone", () => {
    expect(reshaped([b, t, 768], [b, t, 12, 64])).toBe("reshape[b, t, i, j] = x[b, t, 64*i + j]");
    expect(reshaped([b, t, 12, 64], [b, t, 768])).toBe("reshape[b, t, i] = x[b, t, i // 64, i % 64]");
    expect(reshaped([b, t, 3], [mul(b, t), 3])).toBe("reshape[i, j] = x[i // T, i % T, j]");
    expect(reshaped([mul(b, t)], [b, t])).toBe("reshape[b, t] = x[T*b + t]");
    expect(reshaped([t, 8], [mul(t, 4), 2])).toBe("reshape[i, j] = x[i // 4, j + 2*(i % 4)]");
    expect(reshaped([1, t, 1], [t])).toBe("reshape[t] = x[0, t, 0]");
  });

  test("axes without common factors go through one linear index", () => {
    expect(reshaped([6, 4], [4, 6])).toBe("reshape[i, j] = x[(6*i + j) // 4, (6*i + j) % 4]");
  });

  test("of movements", () => {
    const text = stored((g) => {
      const turned = g.emit("transpose", [input(g, "x", t, 4)], { permutation: [1, 0] });
      const cut = g.emit("slice", [turned], { axis: 0, start: size(1), length: size(2) });
      return g.emit("broadcast", [cut], { shape: [b, size(2), t] });
    });
    expect(text).toBe("broadcast[b, i, t] = x[t, i + 1]");
  });
});

test("what is made of indices alone is computed by whoever reads it", () => {
  const lowered = lowerGraph(
    graphOf((g) => {
      const rows = g.emit("iota", [], { axis: 0, shape: [t, t] });
      const columns = g.emit("iota", [], { axis: 1, shape: [t, t] });
      const mask = g.emit("le", [columns, rows], {});
      const none = g.emit("constant", [], { value: -Infinity, element: "f32" });
      return { y: g.emit("where", [mask, input(g, "x", t, t), none], {}) };
    }),
  );
  expect(kernelNames(lowered)).toEqual(["where"]);
  expect(printKernel(lowered.calls[0]!.kernel)).toContain("where[t, t2] = select(t2 <= t, x[t, t2], -inf)");
});

test("the kernel of a softmax", () => {
  const { calls } = lowerGraph(graphOf((g) => ({ y: g.emit("softmax", [input(g, "x", b, t)], { axis: 1 }) })));
  expect(printKernel(calls[0]!.kernel)).toBe(`kernel softmax
  sizes  B: 1..8, T: 1..64
  reads  x: f32[B, T]
  writes softmax: f32[B, T]
  for b in 0..B
    alloc largest: f32 private
    largest = -inf
    for t2 in 0..T
      largest max= x[b, t2]
    alloc shift: f32 private
    shift = select(largest == -inf, 0.0, largest)
    alloc total: f32 private
    total = 0.0
    for t3 in 0..T
      total += exp(x[b, t3] - shift)
    for t in 0..T
      softmax[b, t] = select(total == 0.0, 0.0, exp(x[b, t] - shift) / total)
`);
});

test("names are the user's, the layers are in the scope", () => {
  const builder = new GraphBuilder("f", [T]);
  const root = { parent: null, name: "", block: "Model", kind: "model" } as const;
  const layer = { parent: root, name: "h.0", block: "Block", kind: "layer" } as const;
  const inner = { parent: layer, name: "mlp", block: "MLP", kind: "layer" } as const;
  const call = { parent: inner, name: "gelu", block: "gelu", kind: "function" } as const;
  const location = { file: "a.trafo", line: 3, column: 5 };
  const x = input(builder, "x", t);
  const shape = [size(1)];
  const w = builder.emit("weight", [], { name: "h.0.mlp.scale", element: "f32", shape, sources: [["s"]] });
  builder.origin = { location, scope: call };
  const scaled = builder.emit("mul", [x, w], {});
  builder.nameValue(scaled, "scaled");
  const lowered = lowerGraph(builder.finish([{ name: "y", value: builder.emit("exp", [scaled], {}) }]));
  expect(lowered.calls.map((each) => each.scope)).toEqual(["h.0.mlp", "h.0.mlp"]);
  expect(lowered.buffers.map((each) => each.name)).toEqual(["x", "h.0.mlp.scale", "scaled", "y"]);
  expect(printKernel(lowered.calls[0]!.kernel)).toBe(`kernel mul  ; a.trafo:3:5
  sizes  T: 1..64
  reads  x: f32[T]
  reads  scale: f32[1] constant
  writes scaled: f32[T]
  for t in 0..T
    scaled[t] = x[t] * scale[0]
`);
});

describe("outputs", () => {
  test("that are inputs, weights or movements of them are copies", () => {
    const lowered = lowerGraph(
      graphOf((g) => {
        const x = input(g, "x", t, 2);
        const w = g.emit("weight", [], { name: "w", element: "f32", shape: [size(3)], sources: [["w"]] });
        return { a: x, b: w, c: g.emit("transpose", [x], { permutation: [1, 0] }) };
      }),
    );
    expect(kernelNames(lowered)).toEqual(["copy", "copy", "copy"]);
    expect(lowered.outputs.map((id) => lowered.buffers[id]!.name)).toEqual(["a", "b", "c"]);
  });

  test("of one value are written once and copied", () => {
    const lowered = lowerGraph(
      graphOf((g) => {
        const y = g.emit("exp", [input(g, "x", t)], {});
        return { a: y, b: y, c: g.emit("neg", [y], {}) };
      }),
    );
    expect(kernelNames(lowered).toSorted()).toEqual(["copy", "exp", "neg"]);
    expect(new Set(lowered.outputs).size).toBe(3);
    const exp = lowered.calls.find((each) => each.kernel.name === "exp")!;
    expect(lowered.buffers[exp.writes[0]!]!.home).toEqual({ kind: "output", name: "a" });
  });

  test("of indices alone are computed", () => {
    const lowered = lowerGraph(graphOf((g) => ({ y: g.emit("iota", [], { axis: 0, shape: [t] }) })));
    expect(kernelNames(lowered)).toEqual(["iota"]);
  });
});

test("all inputs are arguments; weights that nobody reads are not loaded", () => {
  const lowered = lowerGraph(
    graphOf((g) => {
      const x = input(g, "x", t);
      input(g, "unused", t);
      const w = g.emit("weight", [], { name: "w", element: "f32", shape: [], sources: [["w"]] });
      const never = g.emit("constant", [], { value: 0, element: "bool" });
      // The condition is known, so that w is not read.
      return { y: g.emit("exp", [g.emit("where", [never, w, x], {})], {}) };
    }),
  );
  expect(lowered.inputs.map((id) => lowered.buffers[id]!.name)).toEqual(["x", "unused"]);
  expect(lowered.weights).toEqual([]);
  expect(kernelNames(lowered)).toEqual(["where", "exp"]);
});

describe("checks of indices", () => {
  const checks = (make: (g: GraphBuilder) => Readonly<Record<string, ValueId>>): readonly string[] =>
    lowerGraph(graphOf(make)).indexChecks.map(({ input, limit }) => `${input} < ${render(limit)}`);

  test("are of inputs that are indices, moved or not, with the smallest limit", () => {
    const found = checks((g) => {
      const tokens = ids(g, "tokens", b, t);
      const turned = g.emit("reshape", [g.emit("transpose", [tokens], { permutation: [1, 0] })], {
        shape: [mul(b, t)],
      });
      return {
        a: g.emit("take", [input(g, "x", 50, 3), tokens], { axis: 0 }),
        b: g.emit("take", [input(g, "z", 2, 40), turned], { axis: 1 }),
        c: g.emit("element", [input(g, "v", 7, t), ids(g, "i"), ids(g, "j")], {}),
      };
    });
    expect(found).toEqual(["tokens < 40", "i < 7", "j < T"]);
  });

  test("are not of computed indices", () => {
    const found = checks((g) => {
      const one = g.emit("constant", [], { value: 1, element: "i32" });
      return { y: g.emit("take", [input(g, "x", 9), g.emit("add", [ids(g, "i", t), one], {})], { axis: 0 }) };
    });
    expect(found).toEqual([]);
  });
});
