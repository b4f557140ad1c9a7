/** What programs mean: each construct of the language, elaborated and interpreted. */
import { describe, expect, it } from "vitest";
import { interpret } from "../../src/interpreter/graph.js";
import { type Tensor, tensorOf } from "../../src/interpreter/tensor.js";
import type { Attributes } from "../../src/ir/graph/index.js";
import { check, program } from "../support/program.js";

/** Counts up: the weight `name` of a shape holds 1, 2, 3 … */
function counting(_name: string, a: Attributes["weight"]): Tensor {
  const shape = a.shape.map((s) => Number(s.terms.length === 0 ? 0 : s.terms[0]!.coefficient));
  const n = shape.reduce((x, y) => x * y, 1);
  return tensorOf(
    a.element,
    shape,
    Array.from({ length: n }, (_, i) => i + 1),
  );
}

function f32(shape: number[], values: number[]): Tensor {
  return tensorOf("f32", shape, values);
}
function i32(shape: number[], values: number[]): Tensor {
  return tensorOf("i32", shape, values);
}

/** Runs the only entry of a model, and gives the elements of its first output. */
function run(
  text: string,
  inputs: Record<string, Tensor>,
  options: Parameters<typeof program>[1] = {},
): { shape: readonly number[]; data: number[] } {
  const graph = program(text, options).program.entries[0]!;
  const outputs = interpret(graph, { inputs, precision: "f32", weights: counting }).outputs;
  const first = outputs[graph.outputs[0]!.name]!;
  return { shape: first.shape, data: [...first.data] };
}

/** A model whose entry maps x: [B, T] by an expression. */
function mapped(result: string, body: string, before = ""): string {
  return `${before}\nmodel M() {\n  entry forward(x: [B, T]) -> (y: ${result}) { ${body} }\n}\n`;
}

const x23 = f32([2, 3], [1, 2, 3, 4, 5, 6]);

describe("operators", () => {
  it.each([
    ["x + 1", [2, 3, 4, 5, 6, 7]],
    ["-x ** 2", [-1, -4, -9, -16, -25, -36]],
    ["2 - x * 3", [-1, -4, -7, -10, -13, -16]],
    ["where(1 < x <= 4, x, 0)", [0, 2, 3, 4, 0, 0]],
    ["maximum(x, 3)", [3, 3, 3, 4, 5, 6]],
    ["x - mean(x)", [-1, 0, 1, -1, 0, 1]],
    ["x - max(x, axis = 0)", [-3, -3, -3, 0, 0, 0]],
    ["cumsum(x)", [1, 3, 6, 4, 9, 15]],
    ["f32(i32(x) // 2)", [0, 1, 1, 2, 2, 3]],
    ["f32(i32(x) % 4)", [1, 2, 3, 0, 1, 2]],
    ["if 1 < 2 then x else 0 * x", [1, 2, 3, 4, 5, 6]],
  ])("%s", (body, values) => expect(run(mapped("[B, T]", body), { x: x23 }).data).toEqual(values));

  it("a product of matrices broadcasts its leading axes", () => {
    const text = "model M() { entry forward(a: [B, 2, 3], b: [3, 2]) -> (y: [B, 2, 2]) { a @ b } }";
    const { data, shape } = run(text, { a: f32([1, 2, 3], [1, 2, 3, 4, 5, 6]), b: f32([3, 2], [1, 0, 0, 1, 1, 1]) });
    expect(shape).toEqual([1, 2, 2]);
    expect(data).toEqual([4, 5, 10, 11]);
  });

  it("a static side decides and, or", () => {
    expect(run(mapped("[B, T]", "where(true and x > 3, x, 0)"), { x: x23 }).data).toEqual([0, 0, 0, 4, 5, 6]);
    expect(
      run(mapped("[B, T]", "if false and heads > 1 then x else -x").replace("M()", "M(heads: int = 2)"), { x: x23 })
        .data[0],
    ).toBe(-1);
  });
});

describe("indexing", () => {
  it.each([
    ["[B]", "x[:, 0]", [1, 4]],
    ["[B]", "x[..., -1]", [3, 6]],
    ["[B, 2]", "x[:, 1:3]", [2, 3, 5, 6]],
    ["[B, 2]", "x[:, -2:T]", [2, 3, 5, 6]],
    ["[T]", "x[1]", [4, 5, 6]],
    ["[T, B]", "x.T", [1, 4, 2, 5, 3, 6]],
  ])("%s %s", (result, body, values) => {
    const text = `model M() {\n  entry forward(x: [B, T]) -> (y: ${result}) {\n    assert T >= 3, "three"\n    ${body}\n  }\n}`;
    expect(run(text, { x: x23 }).data).toEqual(values);
  });

  it("a tensor of indices gathers in its place", () => {
    const text =
      "model M() {\n  param table: [4, 2]\n  entry forward(ids: i32[B, T]) -> (y: [B, T, 2]) { table[ids] }\n}";
    const { shape, data } = run(text, { ids: i32([1, 3], [3, 0, 1]) });
    expect(shape).toEqual([1, 3, 2]);
    expect(data).toEqual([7, 8, 1, 2, 3, 4]);
  });

  it("an element at a fixed place asks for an axis that is not empty", () => {
    const elaborated = program("model M() { entry first(x: [B, T]) -> (y: [B]) { x[:, 1] } }");
    const graph = elaborated.program.entries[0]!;
    expect(graph.sizes.map((s) => [s.name, s.min.terms])).not.toEqual([]);
    expect(() => interpret(graph, { inputs: { x: f32([2, 1], [1, 2]) }, precision: "f32" })).toThrow(/T/);
  });
});

describe("comprehensions", () => {
  it.each([
    ["[t: T, b: B] => x[b, t]", "[T, B]", [1, 4, 2, 5, 3, 6]],
    ["[b: B, t: T] => if t > 0 then x[b, t - 1] else 0", "[B, T]", [0, 1, 2, 0, 4, 5]],
    ["[b: B, t: T] => if t + 1 < T then x[b, t + 1] else x[b, t]", "[B, T]", [2, 3, 3, 5, 6, 6]],
    ["[b: B, t: T] => x[b, T - 1 - t]", "[B, T]", [3, 2, 1, 6, 5, 4]],
    ["[b: B, t: 2 * T] => x[b, t // 2]", "[B, 2 * T]", [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]],
    ["[b: B, t: T] => x[b, maximum(minimum(t - 1, T - 1), 0)]", "[B, T]", [1, 1, 2, 4, 4, 5]],
    ["[b: B, t: T] => b * 10 + t", "[B, T]", [0, 1, 2, 10, 11, 12]],
  ])("%s", (body, result, values) => {
    const element = body.endsWith("+ t") ? "i32" : "";
    expect(run(mapped(element + result, body), { x: x23 }).data).toEqual(values);
  });

  it("an index that data gives is clamped", () => {
    const text =
      "model M() {\n  param table: [3]\n  entry forward(ids: i32[N]) -> (y: [N]) { [n: N] => table[ids[n]] }\n}";
    expect(run(text, { ids: i32([4], [-5, 0, 2, 9]) }).data).toEqual([1, 1, 3, 3]);
  });

  it("functions work on elements", () => {
    const before = "fn twice(v: []) -> [] = 2 * v";
    expect(run(mapped("[B, T]", "[b: B, t: T] => twice(x[b, t])", before), { x: x23 }).data).toEqual([
      2, 4, 6, 8, 10, 12,
    ]);
  });

  it("reads that cannot be proven are refused", () => {
    expect(check(mapped("[B, T]", "[b: B, t: T] => x[b, t + 1]")).codes).toEqual(["E0314:3"]);
    expect(check(mapped("[B, T]", "[b: B, t: T] => x[t, b]")).codes).toEqual(["E0314:3", "E0314:3"]);
    expect(check(mapped("[B, T]", "[b: B, t: T] => if t > 1 then x[b, t - 3] else 0")).codes).toEqual(["E0314:3"]);
  });
});

describe("statements", () => {
  it("for walks lists, layers and counts, and rebinds", () => {
    const text = `model M(gains: int[3] = [2, 3, 4]) {
  entry forward(x: [B, T]) -> (y: [B, T]) {
    for g in gains { x = x * g }
    for i: 3 { x = x + i }
    x
  }
}`;
    expect(run(text, { x: x23 }).data).toEqual([27, 51, 75, 99, 123, 147]);
  });

  it("a static if puts the taken branch in its place", () => {
    const text = (flag: boolean) => `model M(scaled: bool = ${flag}) {
  entry forward(x: [B, T]) -> (y: [B, T]) {
    if scaled { let factor = 2 } else { let factor = 1 }
    x * factor
  }
}`;
    expect(run(text(true), { x: x23 }).data).toEqual([2, 4, 6, 8, 10, 12]);
    expect(run(text(false), { x: x23 }).data).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("tuples, lists and tensors unpack", () => {
    const text = mapped("[B, T]", "let (a, _) = split(concat(x, x), 2)\n let (p, q) = stack(a, 2 * a)\n q - p");
    expect(run(text, { x: x23 }).data).toEqual([1, 2, 3, 4, 5, 6]);
  });
});

describe("weights and layers", () => {
  const linear = "import std: Linear\n";

  it("paths are the layers' names", () => {
    const text = `${linear}model M(width: int = 2, layers: int = 2) {
  layer h[layers] = Linear(width, bias = false) as "model.layers" | "layers"
  entry forward(x: [B, width]) -> (y: [B, width]) {
    for block in h { x = block(x) }
    x
  }
}`;
    const weights = (options: Parameters<typeof program>[1]) =>
      program(text, options).program.entries[0]!.nodes.flatMap((n) =>
        n.operator === "weight" ? [n.attributes.sources.map((s) => s.join("+"))] : [],
      );
    expect(weights({})).toEqual([
      ["model.layers.0.weight", "layers.0.weight"],
      ["model.layers.1.weight", "layers.1.weight"],
    ]);
    const header = { shape: [2, 2], dtype: "BF16" };
    const checkpoint = new Map([
      ["layers.0.weight", header],
      ["layers.1.weight", header],
      ["other", header],
    ]);
    expect(weights({ checkpoint })).toEqual([["layers.0.weight"], ["layers.1.weight"]]);
    expect(program(text, { checkpoint }).unread).toEqual(["other"]);
  });

  it("the index of an array of layers may stand within its path", () => {
    const text = `block P()(x: [B, D]) -> [B, D] {
  param weight: [D]
  x * weight
}
model M(layers: int = 2) {
  layer down[i: layers] = P() as "model.{i}.down" | "down"
  entry forward(x: [B, 3]) -> (y: [B, 3]) {
    for layer in down { x = layer(x) }
    x
  }
}`;
    const sourcesOf = (checkpoint?: ReadonlyMap<string, { shape: number[]; dtype: string }>) =>
      program(text, checkpoint ? { checkpoint } : {}).program.entries[0]!.nodes.flatMap((n) =>
        n.operator === "weight" ? [n.attributes.sources.map((names) => names[0])] : [],
      );
    expect(sourcesOf()).toEqual([
      ["model.0.down.weight", "down.0.weight"],
      ["model.1.down.weight", "down.1.weight"],
    ]);
    const header = { shape: [3], dtype: "F32" };
    const held = ["down.0.weight", "down.1.weight"].map((name) => [name, header] as const);
    expect(sourcesOf(new Map(held))).toEqual([["down.0.weight"], ["down.1.weight"]]);
  });
  it("a layer that is called twice shares its weights", () => {
    const text = `${linear}model M(width: int = 2) {
  layer up = Linear(width, bias = false)
  entry forward(x: [B, width]) -> (y: [B, width]) { up(up(x)) }
}`;
    const graph = program(text).program.entries[0]!;
    expect(graph.nodes.filter((n) => n.operator === "weight")).toHaveLength(1);
    expect(run(text, { x: f32([1, 2], [1, 1]) }).data).toEqual([17, 37]);
  });

  it("stacked weights read one tensor for each index", () => {
    const text = `model M(experts: int = 3, width: int = 2) {
  param w: [e: experts, width] as "experts.{e}.weight"
  entry forward(x: [B, width]) -> (y: [B, width]) { x + w[1] }
}`;
    const node = program(text).program.entries[0]!.nodes.find((n) => n.operator === "weight");
    expect(node?.operator === "weight" && node.attributes.sources).toEqual([
      ["experts.0.weight", "experts.1.weight", "experts.2.weight"],
    ]);
  });

  it("a layer may be one of two blocks", () => {
    const text = `import std: GatedMLP, Linear
model M(layers: int = 2, width: int = 2) {
  layer h[i: layers] = if i % 2 == 0 then Linear(width) else GatedMLP(3)
  entry forward(x: [B, width]) -> (y: [B, width]) { h[1](h[0](x)) }
}`;
    const names = program(text).program.entries[0]!.nodes.flatMap((n) =>
      n.operator === "weight" ? [n.attributes.name] : [],
    );
    expect(names).toEqual([
      "h.0.weight",
      "h.0.bias",
      "h.1.gate_proj.weight",
      "h.1.up_proj.weight",
      "h.1.down_proj.weight",
    ]);
  });

  it("a block may give several values", () => {
    const text = `block Router(n: int)(x: [..., D]) -> ([..., n], i32[..., n]) {
  param weight: [D]
  topk(x * weight, n)
}
model M(width: int = 3) {
  layer router = Router(2)
  entry forward(x: [B, width]) -> (best: [B, 2], chosen: i32[B, 2]) { router(x) }
}`;
    expect(run(text, { x: f32([1, 3], [3, 1, 2]) })).toEqual({ shape: [1, 2], data: [6, 3] });
    expect(check(text.replace("([..., n], i32[..., n])", "[..., n]")).codes).toContain("E0303:1");
  });

  it("the checkpoint's shapes and types are compared", () => {
    const text =
      "model M(width: int = 2) {\n  param w: [width]\n  entry forward(x: [B, width]) -> (y: [B, width]) { x * w }\n}";
    const held = (shape: number[], dtype: string) =>
      check(text, { checkpoint: new Map([["w", { shape, dtype }]]) }).codes;
    expect(held([2], "F16")).toEqual([]);
    expect(held([3], "F32")).toEqual(["E0707:2"]);
    expect(held([2], "I64")).toEqual(["E0708:2"]);
    expect(check(text, { checkpoint: new Map() }).codes).toEqual(["E0706:2"]);
  });
});

describe("settings and config.json", () => {
  const text = `model M(
  width: int = 4 from "hidden_size" | "n_embd",
  kinds: string[i: 2] = if i == 0 then "a" else "b" from "layer_types",
  theta: float = 10000 from "rope.theta",
  tied: bool = true,
) {
  entry forward(x: [B, width]) -> (y: [B, width]) { if tied and kinds[1] == "b" then x * theta else x }
}`;
  const statics = (options: Parameters<typeof program>[1]) =>
    Object.fromEntries(program(text, options).statics.map((s) => [s.name, s.value]));

  it("defaults, keys in order, dotted paths, null passed over", () => {
    expect(statics({})).toEqual({ width: 4, kinds: ["a", "b"], theta: 10000, tied: true });
    expect(
      statics({ config: { hidden_size: null, n_embd: 6, layer_types: ["x", "y"], rope: { theta: 5e5 } } }),
    ).toEqual({
      width: 6,
      kinds: ["x", "y"],
      theta: 5e5,
      tied: true,
    });
  });

  it("a setting goes before config.json", () => {
    const settings = new Map<string, string | boolean>([
      ["width", "8"],
      ["tied", false],
    ]);
    expect(statics({ config: { hidden_size: 5 }, settings })).toMatchObject({ width: 8, tied: false });
    expect(check(text, { settings: new Map([["widht", "8"]]) }).codes).toEqual(["E0414:1"]);
    expect(check(text, { settings: new Map([["width", "wide"]]) }).codes).toEqual(["E0414:2"]);
  });
});

describe("run-time sizes", () => {
  it("asserts become bounds of the entry", () => {
    const text =
      'model M() {\n  entry forward(x: [B, T]) -> (y: [B, 2]) {\n    assert T >= 2, "two"\n    x[:, 0:2]\n  }\n}';
    expect(run(text, { x: x23 }).data).toEqual([1, 2, 4, 5]);
    expect(check(text.replace(/ {4}assert.*\n/, "")).codes).toEqual(["E0315:3"]);
  });

  it("asserts make two sizes one", () => {
    const text =
      'model M() {\n  entry forward(a: [B, T], b: [B, S]) -> (y: [B, T]) {\n    assert T == S, "as long"\n    a + b\n  }\n}';
    expect(run(text, { a: x23, b: x23 }).data).toEqual([2, 4, 6, 8, 10, 12]);
    const graph = program(text).program.entries[0]!;
    expect(() => interpret(graph, { inputs: { a: x23, b: f32([2, 1], [1, 2]) }, precision: "f32" })).toThrow();
  });

  it("a reshape of run-time sizes keeps their product", () => {
    const text = mapped("[B * T]", 'rearrange(x, "b t -> (b t)")');
    expect(run(text, { x: x23 }).data).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("an empty run gives empty outputs", () => {
    const { shape, data } = run(mapped("[B, T]", "softmax(x)"), { x: f32([2, 0], []) });
    expect(shape).toEqual([2, 0]);
    expect(data).toEqual([]);
  });

  it("a size is a number where a tensor needs one", () => {
    expect(run(mapped("[B, T]", "x * T + sqrt(B * B * 4)"), { x: x23 }).data).toEqual([7, 10, 13, 16, 19, 22]);
  });
});

describe("signatures", () => {
  it("_ is any size, and binds nothing", () => {
    const before = "fn first(x: [_, _, N]) -> [N] = x[0, 0]";
    const text = `${before}\nmodel M() { entry forward(x: [2, 3, 4]) -> (y: [4]) { first(x) } }`;
    expect(
      run(text, {
        x: f32(
          [2, 3, 4],
          Array.from({ length: 24 }, (_, i) => i),
        ),
      }).data,
    ).toEqual([0, 1, 2, 3]);
    expect(check("model M() { entry forward(x: [_]) -> (y: [1]) { x[0:1] } }").codes).toEqual(["E0402:1"]);
  });

  it("files import each other's declarations", () => {
    const files = new Map([
      [
        "models/lib/blocks.trafo",
        'import "./acts.trafo": double\nblock Gain()(x: [..., D]) -> [..., D] {\n  param g: [D]\n  double(x) * g\n}',
      ],
      ["models/lib/acts.trafo", "fn double(x: [...]) -> [...] = x + x"],
    ]);
    const text = `import "./lib/blocks.trafo": Gain
model M(width: int = 2) {
  layer gain = Gain()
  entry forward(x: [B, width]) -> (y: [B, width]) { gain(x) }
}`;
    const { elaborated, diagnostics } = check(
      text,
      { readFile: (path) => files.get(path) ?? null },
      "models/main.trafo",
    );
    expect(diagnostics).toEqual([]);
    const [graph] = elaborated!.program.entries;
    const { y } = interpret(graph!, {
      inputs: { x: f32([1, 2], [1, 2]) },
      precision: "f32",
      weights: counting,
    }).outputs;
    expect([...y!.data]).toEqual([2, 8]);
  });
});

describe("element types", () => {
  it("f16 rounds, bool and i32 stay what they are", () => {
    const text = `model M() {
  entry forward(x: [B], ids: i32[B], keep: bool[B]) -> (half: f16[B], chosen: i32[B], both: bool[B]) {
    (f16(x) + f16(x), where(keep, ids, -ids), keep and x > 1)
  }
}`;
    const graph = program(text).program.entries[0]!;
    const inputs = { x: f32([2], [0.1, 2048.9]), ids: i32([2], [7, 8]), keep: tensorOf("bool", [2], [1, 0]) };
    const { half, chosen, both } = interpret(graph, { inputs, precision: "f32" }).outputs;
    expect([...half!.data]).toEqual([0.199951171875, 4096]);
    expect([...chosen!.data]).toEqual([7, -8]);
    expect([...both!.data]).toEqual([0, 0]);
  });
});

describe("entries", () => {
  it("several results and several entries", () => {
    const text = `model M(width: int = 2) {
  param w: [width]
  entry first(x: [B, width]) -> (double: [B, width], sum: [B, 1]) { (x * w, sum(x)) }
  entry second(double: [B, width]) -> (y: [B, width]) { -double }
}`;
    const { program: p } = program(text);
    expect(p.entries.map((e) => [e.name, e.outputs.map((o) => o.name)])).toEqual([
      ["first", ["double", "sum"]],
      ["second", ["y"]],
    ]);
    expect(p.entries[1]!.nodes.some((n) => n.operator === "weight")).toBe(false);
  });

  it("defaults fill inputs", () => {
    const text =
      "model M() { entry forward(x: [B, T], keep: i32[B, T] = 1) -> (y: [B, T]) { where(keep != 0, x, 0) } }";
    expect(run(text, { x: x23 }).data).toEqual([1, 2, 3, 4, 5, 6]);
  });
});
