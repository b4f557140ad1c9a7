/** Kernels made by hand, printed as functions: what they read like, and what they compute. */
import { afterAll, describe, expect, test } from "vitest";
import { emitTypeScript } from "../../backends/typescript/index.js";
import { printKernel } from "../../backends/typescript/kernels.js";
import { InternalError } from "../../src/diagnostics/index.js";
import { interpretPlan } from "../../src/interpreter/kernel-plan.js";
import { type Tensor, tensorOf } from "../../src/interpreter/tensor.js";
import {
  Buffer,
  binary,
  cast,
  constant,
  type Expression,
  index,
  type Kernel,
  type KernelElement,
  type LoopKind,
  load,
  type Statement,
  select,
  type UpdateOperator,
  unary,
} from "../../src/ir/kernel/index.js";
import type { BufferId, Plan, PlanBuffer } from "../../src/ir/plan/index.js";
import { add, floorDiv, mod, mul, type Size, SizeVariable, size, sub } from "../../src/sizes/index.js";
import { difference } from "../fuzz/lower-comparison.js";
import { fromTensor, importText, strictDiagnostics, toTensor } from "./typescript-support.js";

const T = new SizeVariable("T", 0, 1000);
const N = new SizeVariable("N", 0, 1000);
const n = size(N);
const t = size(T);

function global(name: string, element: KernelElement, ...shape: readonly (Size | number)[]): Buffer {
  return new Buffer(
    name,
    element,
    shape.map((each) => (typeof each === "number" ? size(each) : each)),
    "global",
  );
}
function local(name: string, element: KernelElement, ...shape: readonly Size[]): Buffer {
  return new Buffer(name, element, shape, "private");
}
function loop(
  name: string,
  extent: Size | number,
  body: (at: Size) => readonly Statement[],
  kind: LoopKind = "serial",
): Statement {
  const end = typeof extent === "number" ? size(extent) : extent;
  const variable = new SizeVariable(name, 0, sub(end, 1));
  return { kind: "for", variable, extent: end, loop: kind, body: body(size(variable)) };
}
function at(...positions: readonly (Size | number | Expression)[]): Expression[] {
  return positions.map((each) => (typeof each === "object" && "kind" in each ? each : index(each)));
}
function get(buffer: Buffer, ...positions: readonly (Size | number | Expression)[]): Expression {
  return load(buffer, at(...positions));
}
function set(
  buffer: Buffer,
  positions: readonly (Size | number)[],
  value: Expression,
  update: UpdateOperator | null = null,
): Statement {
  return { kind: "store", buffer, index: at(...positions), value, update };
}
function alloc(buffer: Buffer): Statement {
  return { kind: "alloc", buffer };
}
function f32(value: number): Expression {
  return constant(Math.fround(value), "f32");
}

function kernelOf(
  name: string,
  reads: readonly Buffer[],
  writes: readonly Buffer[],
  sizes: readonly SizeVariable[],
  body: readonly Statement[],
): Kernel {
  return { name, reads, writes, sizes, body, location: { file: "hand.trafo", line: 3, column: 5 } };
}

/** An entry that runs one kernel on its inputs. */
function planOf(kernel: Kernel, name = "run"): Plan {
  const place = (buffer: Buffer): PlanBuffer["place"] =>
    kernel.reads.includes(buffer)
      ? { kind: "input", name: buffer.name, fill: null }
      : { kind: "output", name: buffer.name };
  const buffers = [...kernel.reads, ...kernel.writes].map((buffer): PlanBuffer => {
    return { name: buffer.name, element: buffer.element, shape: buffer.shape, place: place(buffer) };
  });
  const ids = [...buffers.keys()] as BufferId[];
  const reads = ids.slice(0, kernel.reads.length);
  const writes = ids.slice(kernel.reads.length);
  return {
    name,
    sizes: kernel.sizes,
    buffers,
    kernels: [kernel],
    dispatches: [{ kernel: 0, reads, writes, location: kernel.location, scope: "" }],
    inputs: reads,
    weights: [],
    outputs: writes,
    indexChecks: [],
    arenaBytes: size(0),
  };
}

/** All modules, to be checked at once. */
const emitted: Record<string, string> = {};
afterAll(() => expect(strictDiagnostics(emitted)).toEqual([]), 120_000);

/** The outputs of the emitted kernel. */
async function run(kernel: Kernel, inputs: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> {
  const { typescript, javascript } = emitTypeScript({ name: "hand", plans: [planOf(kernel)] });
  emitted[`hand${Object.keys(emitted).length}.ts`] = typescript;
  const model = await (await importText(javascript)).load();
  const given = Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, toTensor(tensor)]));
  const outputs = await model.run!(given);
  return Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, fromTensor(tensor)]));
}

/** Runs the kernel here and on the interpreter, which must agree. */
async function compare(
  kernel: Kernel,
  inputs: Readonly<Record<string, Tensor>>,
  tolerance = 0,
  precision: "f32" | "f64" = "f32",
): Promise<void> {
  const expected = interpretPlan(planOf(kernel), {
    inputs: new Map(Object.entries(inputs)),
    weights: () => expect.fail("no weights"),
    precision,
  });
  expect(difference(await run(kernel, inputs), expected, tolerance)).toBeNull();
}

function text(kernel: Kernel): string {
  const { parameters, lines } = printKernel(kernel);
  return [`(${parameters.map((each) => `${each.name}: ${each.type}`).join(", ")})`, ...lines].join("\n");
}

function floats(...values: readonly number[]): Tensor {
  return tensorOf("f32", [values.length], values.map(Math.fround));
}
function integers(...values: readonly number[]): Tensor {
  return tensorOf("i32", [values.length], values);
}

/** One element of the result for each of some inputs. */
function elementwise(
  inputs: Readonly<Record<string, KernelElement>>,
  result: KernelElement,
  body: (...values: readonly Expression[]) => Expression,
): Kernel {
  const reads = Object.entries(inputs).map(([name, element]) => global(name, element, n));
  const y = global("y", result, n);
  return kernelOf(
    "map",
    reads,
    [y],
    [N],
    [loop("i", n, (i) => [set(y, [i], body(...reads.map((each) => get(each, i))))])],
  );
}

const specials = [Number.NaN, Infinity, -Infinity, 0, -0, 1.5, -1.5, 2.5, -2.5, 3e9, -3e9, 1e-40, 7, -7];

describe("a matrix product", () => {
  function product(k: Size | number): Kernel {
    const extent = typeof k === "number" ? size(k) : k;
    const [x, w, y] = [global("x", "f32", t, extent), global("w", "f32", extent, n), global("y", "f32", t, n)];
    const sum = local("sum", "f32");
    const body = loop("t", t, (row) => [
      loop("n", n, (column) => [
        alloc(sum),
        set(sum, [], f32(0)),
        loop("k", extent, (at) => [set(sum, [], binary("mul", get(x, row, at), get(w, at, column)), "add")]),
        set(y, [row, column], get(sum)),
      ]),
    ]);
    return kernelOf("einsum", [x, w], [y], [N, T], [body]);
  }

  test("reads like this", () => {
    expect(text(product(64))).toMatchInlineSnapshot(`
      "(x: Float32Array, w: Float32Array, y: Float32Array, N: number, T: number)
      for (let t = 0; t < T; t++) {
        const xRow = t * 64;
        for (let n = 0; n < N; n++) {
          let sum = 0;
          for (let k = 0; k < 64; k++) {
            sum += x[xRow + k] * w[k * N + n];
          }
          y[t * N + n] = sum;
        }
      }"
    `);
  });

  test.each([
    [1, 1, 1],
    [2, 3, 5],
    [7, 1, 13],
    [17, 31, 19],
    [0, 3, 2],
    [3, 0, 2],
    [3, 2, 0],
  ])("%i x %i x %i", async (rows, inner, columns) => {
    const matrix = (r: number, c: number): Tensor =>
      tensorOf(
        "f32",
        [r, c],
        Array.from({ length: r * c }, (_, i) => Math.fround(Math.sin(i * 7 + r))),
      );
    await compare(product(inner), { x: matrix(rows, inner), w: matrix(inner, columns) }, 1e-5);
  });
});

describe("numbers that decide something are rounded as f32 has them", () => {
  const step = f32(0.1);

  test("angles", async () => {
    const kernel = elementwise({ x: "i32" }, "f32", (x) =>
      unary("sin", binary("mul", binary("mul", cast(x!, "f32"), step), step)),
    );
    expect(text(kernel)).toMatchInlineSnapshot(`
      "(x: Int32Array, y: Float32Array, N: number)
      for (let i = 0; i < N; i++) {
        const product = Math.fround(Math.fround(x[i]) * 0.10000000149011612);
        y[i] = Math.sin(Math.fround(product * 0.10000000149011612));
      }"
    `);
    await compare(kernel, { x: integers(1, 3, 12345, 999999, 16777217) });
  });
  test("comparisons", async () => {
    const third = f32(1 / 3);
    const kernel = elementwise({ x: "f32" }, "bool", (x) =>
      binary("eq", binary("mul", binary("div", x!, f32(3)), f32(3)), binary("add", binary("sub", x!, third), third)),
    );
    expect(text(kernel)).toMatchInlineSnapshot(`
      "(x: Float32Array, y: Uint8Array, N: number)
      for (let i = 0; i < N; i++) {
        const xValue = x[i];
        const sum = Math.fround(Math.fround(xValue - 0.3333333432674408) + 0.3333333432674408);
        y[i] = Math.fround(Math.fround(xValue / 3) * 3) === sum ? 1 : 0;
      }"
    `);
    await compare(kernel, { x: floats(1, 2, 3, 0.1, 0.7, 1e10, ...specials) });
  });
  test("floor, casts and remainders", async () => {
    const kernel = elementwise({ x: "f32" }, "i32", (x) => {
      const scaled = binary("mul", x!, step);
      const floor = cast(unary("floor", binary("add", scaled, f32(1))), "i32");
      return binary(
        "add",
        floor,
        binary("add", cast(binary("mod", scaled, step), "i32"), cast(binary("floor_div", scaled, step), "i32")),
      );
    });
    await compare(kernel, { x: floats(10, 20, 30, 99.99999, -10, ...specials) });
  });
  test("not the sign, which rounding keeps", () => {
    const relu = elementwise({ x: "f32" }, "f32", (x) => select(binary("lt", f32(0), x!), x!, f32(0)));
    expect(text(relu)).toMatchInlineSnapshot(`
      "(x: Float32Array, y: Float32Array, N: number)
      for (let i = 0; i < N; i++) {
        const xValue = x[i];
        y[i] = xValue > 0 ? xValue : 0;
      }"
    `);
  });
  test("sums only once they are read", () => {
    const [x, y] = [global("x", "f32", n), global("y", "i32")];
    const sum = local("sum", "f32");
    const kernel = kernelOf(
      "count",
      [x],
      [y],
      [N],
      [
        alloc(sum),
        set(sum, [], f32(0)),
        loop("i", n, (i) => [set(sum, [], binary("mul", get(x, i), step), "add")]),
        set(y, [], cast(binary("mul", get(sum), step), "i32")),
      ],
    );
    expect(text(kernel)).toMatchInlineSnapshot(`
      "(x: Float32Array, y: Int32Array, N: number)
      let sum = 0;
      for (let i = 0; i < N; i++) {
        sum += x[i] * 0.10000000149011612;
      }
      y[0] = toInt32(Math.fround(Math.fround(sum) * 0.10000000149011612));"
    `);
  });
  test("values that only move are not", () => {
    const [x, y] = [global("x", "f32", n), global("y", "i32")];
    const [best, at] = [local("best", "f32"), local("best_at", "i32")];
    const kernel = kernelOf(
      "argmax",
      [x],
      [y],
      [N],
      [
        alloc(best),
        set(best, [], f32(-Infinity)),
        alloc(at),
        set(at, [], index(0)),
        loop("i", n, (i) => [
          {
            kind: "if",
            condition: binary("lt", get(best), get(x, i)),
            body: [set(best, [], get(x, i)), set(at, [], index(i))],
          },
        ]),
        set(y, [], get(at)),
      ],
    );
    expect(text(kernel)).toMatchInlineSnapshot(`
      "(x: Float32Array, y: Int32Array, N: number)
      let best = -Infinity;
      let best_at = 0;
      for (let i = 0; i < N; i++) {
        if (best < x[i]) {
          best = x[i];
          best_at = i;
        }
      }
      y[0] = best_at;"
    `);
  });
});

describe("i32", () => {
  const values = [0, 1, -1, 2, -2, 7, -7, 46341, 65537, 123456789, 2147483647, -2147483648];
  const pairs = values.flatMap((a) => values.map((b) => [a, b] as const));
  const inputs = { a: integers(...pairs.map(([a]) => a)), b: integers(...pairs.map(([, b]) => b)) };

  test.each(["add", "sub", "mul", "floor_div", "mod", "max", "min", "pow"] as const)(
    "%s wraps around",
    async (operator) => {
      const exponent = (b: Expression): Expression => (operator === "pow" ? binary("mod", b, index(40)) : b);
      await compare(
        elementwise({ a: "i32", b: "i32" }, "i32", (a, b) => binary(operator, a!, exponent(b!))),
        inputs,
      );
    },
  );
  test.each(["lt", "le", "eq", "ne"] as const)("%s", async (operator) => {
    await compare(
      elementwise({ a: "i32", b: "i32" }, "bool", (a, b) => binary(operator, a!, b!)),
      inputs,
    );
  });
  test.each(["neg", "abs"] as const)("%s", async (operator) => {
    await compare(
      elementwise({ a: "i32", b: "i32" }, "i32", (a) => unary(operator, a!)),
      inputs,
    );
    // No zero is negative, which a division would tell.
    await compare(
      elementwise({ a: "i32", b: "i32" }, "f32", (a) => binary("div", f32(1), cast(unary(operator, a!), "f32"))),
      inputs,
    );
  });
  test("does not wrap where it cannot, and is divided as cheaply as is right", () => {
    const kernel = elementwise({ a: "i32", b: "i32" }, "i32", (a, b) => {
      const small = binary("min", binary("max", a!, index(0)), index(99));
      const digit = binary("mod", binary("floor_div", small, index(10)), index(3));
      return binary("add", binary("mul", digit, index(5)), binary("floor_div", binary("mul", a!, b!), index(4)));
    });
    expect(text(kernel)).toMatchInlineSnapshot(`
      "(a: Int32Array, b: Int32Array, y: Int32Array, N: number)
      for (let i = 0; i < N; i++) {
        const aValue = a[i];
        const product = (((Math.min(Math.max(aValue, 0), 99) / 10) | 0) % 3) * 5;
        y[i] = (product + Math.floor(Math.imul(aValue, b[i]) / 4)) | 0;
      }"
    `);
  });
  test("sums wrap around", async () => {
    const [x, y] = [global("x", "i32", n), global("y", "i32")];
    const sum = local("sum", "i32");
    const kernel = kernelOf(
      "sum",
      [x],
      [y],
      [N],
      [alloc(sum), set(sum, [], index(0)), loop("i", n, (i) => [set(sum, [], get(x, i), "add")]), set(y, [], get(sum))],
    );
    await compare(kernel, { x: integers(2147483647, 2147483647, 5) });
  });
});

describe("floats", () => {
  const pairs = specials.flatMap((a) => specials.map((b) => [a, b] as const));
  const inputs = { a: floats(...pairs.map(([a]) => a)), b: floats(...pairs.map(([, b]) => b)) };

  test.each(["add", "sub", "mul", "div", "pow", "max", "min", "mod", "floor_div"] as const)("%s", async (operator) => {
    await compare(
      elementwise({ a: "f32", b: "f32" }, "f32", (a, b) => binary(operator, a!, b!)),
      inputs,
    );
  });
  test.each(["lt", "le", "eq", "ne"] as const)("%s", async (operator) => {
    await compare(
      elementwise({ a: "f32", b: "f32" }, "bool", (a, b) => unary("not", binary(operator, a!, b!))),
      inputs,
    );
  });
  test.each([
    "neg",
    "abs",
    "exp",
    "log",
    "log2",
    "sqrt",
    "rsqrt",
    "sin",
    "cos",
    "tanh",
    "erf",
    "floor",
    "ceil",
  ] as const)("%s", async (operator) => {
    await compare(
      elementwise({ a: "f32", b: "f32" }, "f32", (a) => unary(operator, a!)),
      inputs,
    );
  });
  test("squares and cubes", async () => {
    const kernel = elementwise({ a: "f32", b: "f32" }, "f32", (a, b) =>
      binary("add", binary("pow", a!, f32(3)), binary("pow", binary("sub", a!, b!), f32(2))),
    );
    expect(text(kernel)).toMatchInlineSnapshot(`
      "(a: Float32Array, b: Float32Array, y: Float32Array, N: number)
      for (let i = 0; i < N; i++) {
        const aValue = a[i];
        const difference = aValue - b[i];
        y[i] = aValue * aValue * aValue + difference * difference;
      }"
    `);
    await compare(kernel, inputs, 1e-6);
  });
  test("casts to i32 truncate and saturate", async () => {
    const kernel = elementwise({ a: "f32", b: "f32" }, "i32", (a) => cast(a!, "i32"));
    expect((await run(kernel, { a: floats(...specials), b: floats(...specials) })).y!.data).toEqual(
      Int32Array.of(0, 2147483647, -2147483648, 0, 0, 1, -1, 2, -2, 2147483647, -2147483648, 0, 7, -7),
    );
  });
  test("are true where they are not 0", async () => {
    const kernel = elementwise({ a: "f32", b: "f32" }, "f32", (a, b) =>
      cast(binary("or", cast(a!, "bool"), cast(b!, "bool")), "f32"),
    );
    await compare(kernel, inputs);
  });
});

test("f16 lies as bits and rounds where it is stored", async () => {
  const [x, y] = [global("x", "f16", n), global("y", "f16", n)];
  const kernel = kernelOf(
    "half",
    [x],
    [y],
    [N],
    [
      loop("i", n, (i) => [
        set(y, [i], cast(binary("mul", cast(get(x, i), "f32"), f32(1 / 3)), "f16")),
        set(y, [i], cast(cast(binary("add", get(x, i), constant(1, "f16")), "f16"), "f16"), "add"),
        set(y, [i], get(x, i), "max"),
      ]),
    ],
  );
  expect(text(kernel)).toMatchInlineSnapshot(`
    "(x: Uint16Array, y: Uint16Array, N: number)
    const halves = halfValues();
    for (let i = 0; i < N; i++) {
      y[i] = toHalf(halves[x[i]] * 0.3333333432674408);
      y[i] = toHalf(halves[y[i]] + (halves[x[i]] + 1));
      y[i] = toHalf(Math.max(halves[y[i]], halves[x[i]]));
    }"
  `);
  await compare(kernel, { x: tensorOf("f16", [5], [1, -2, 0.333251953125, 65504, 2 ** -24]) }, 1e-3);
  const rounded = elementwise({ a: "f32" }, "bool", (a) => binary("eq", cast(cast(a!, "f16"), "f32"), a!));
  await compare(rounded, { a: floats(1, 0.1, 65504, 65520, 1e-8, Number.NaN) });
});

test("bool is 0 and 1 in arrays and true and false in variables", async () => {
  const [x, y, mask] = [global("x", "f32", n), global("y", "bool", n), global("mask", "bool", n)];
  const [any, all] = [local("any", "bool"), local("all", "bool")];
  const kernel = kernelOf(
    "bools",
    [x, mask],
    [y],
    [N],
    [
      alloc(any),
      set(any, [], constant(0, "bool")),
      alloc(all),
      set(all, [], constant(1, "bool")),
      loop("i", n, (i) => [
        set(any, [], binary("and", get(mask, i), binary("lt", get(x, i), f32(0))), "max"),
        set(all, [], get(mask, i), "min"),
        set(y, [i], get(mask, i)),
      ]),
      loop("i", n, (i) => [
        set(
          y,
          [i],
          binary("or", binary("and", get(any), unary("not", get(y, i))), binary("eq", get(all), get(mask, i))),
        ),
      ]),
    ],
  );
  expect(text(kernel)).toMatchInlineSnapshot(`
    "(x: Float32Array, mask: Uint8Array, y: Uint8Array, N: number)
    let any2 = false as boolean;
    let all = true as boolean;
    for (let i = 0; i < N; i++) {
      any2 = any2 || (mask[i] !== 0 && x[i] < 0);
      all = all && mask[i] !== 0;
      y[i] = mask[i];
    }
    for (let i = 0; i < N; i++) {
      y[i] = (any2 && y[i] === 0) || all === (mask[i] !== 0) ? 1 : 0;
    }"
  `);
  for (const bits of [
    [1, 1, 1],
    [0, 1, 0],
    [0, 0, 0],
  ]) {
    await compare(kernel, { x: floats(-1, 2, -3), mask: tensorOf("bool", [3], bits) });
  }
});

describe("private arrays", () => {
  const [x, y] = [global("x", "f32", t, n), global("y", "f32", t, n)];
  const [row, count] = [local("row", "f32", n, size(2)), local("count", "i32", n)];
  const kernel = kernelOf(
    "scratch",
    [x],
    [y],
    [N, T],
    [
      loop("t", t, (r) => [
        alloc(row),
        alloc(count),
        loop("i", n, (i) => [
          set(row, [i, 0], get(x, r, i)),
          set(row, [i, 1], binary("mul", get(x, r, i), f32(2))),
          set(count, [i], index(i)),
          set(count, [i], index(1), "add"),
        ]),
        loop("i", n, (i) => [set(row, [i, 0], get(row, sub(sub(n, 1), i), 1), "add")]),
        loop("i", n, (i) => [set(y, [r, i], binary("mul", get(row, i, 0), cast(get(count, i), "f32")))]),
      ]),
    ],
  );

  test("are parameters, on the arena", async () => {
    expect(text(kernel)).toMatchInlineSnapshot(`
      "(x: Float32Array, y: Float32Array, row: Float64Array, count: Int32Array, N: number, T: number)
      for (let t = 0; t < T; t++) {
        const row2 = t * N;
        for (let i = 0; i < N; i++) {
          row[i * 2] = x[row2 + i];
          row[i * 2 + 1] = x[row2 + i] * 2;
          count[i] = i;
          count[i] += 1;
        }
        for (let i = 0; i < N; i++) {
          row[i * 2] += row[(N - i - 1) * 2 + 1];
        }
        for (let i = 0; i < N; i++) {
          y[row2 + i] = row[i * 2] * count[i];
        }
      }"
    `);
    for (const [rows, columns] of [
      [1, 1],
      [2, 3],
      [3, 7],
      [0, 2],
      [2, 0],
    ] as const) {
      const values = Array.from({ length: rows * columns }, (_, i) => Math.fround(i / 3));
      await compare(kernel, { x: tensorOf("f32", [rows, columns], values) }, 1e-6);
    }
  });
});

describe("what moves out of loops", () => {
  test("never what changes in them", async () => {
    const [x, y] = [global("x", "f32", n), global("y", "f32", n)];
    const scale = local("scale", "f32");
    const root = (): Expression => binary("div", f32(1), unary("sqrt", binary("add", get(scale), f32(1))));
    const kernel = kernelOf(
      "hazard",
      [x],
      [y],
      [N],
      [
        alloc(scale),
        set(scale, [], f32(3)),
        // The same expression before, in and after a loop that changes what it reads.
        set(y, [0], binary("add", root(), root())),
        loop("i", n, (i) => [
          set(y, [i], binary("mul", get(x, i), root())),
          { kind: "if", condition: binary("lt", f32(0), get(x, i)), body: [set(scale, [], root())] },
          set(y, [i], root(), "add"),
        ]),
        loop("i", n, (i) => [set(y, [i], binary("mul", root(), get(x, i)), "add")]),
      ],
    );
    expect(text(kernel)).toMatchInlineSnapshot(`
      "(x: Float32Array, y: Float32Array, N: number)
      let scale = 3;
      const quotient = 1 / Math.sqrt(scale + 1);
      y[0] = quotient + quotient;
      for (let i = 0; i < N; i++) {
        y[i] = x[i] * (1 / Math.sqrt(scale + 1));
        if (x[i] > 0) {
          scale = 1 / Math.sqrt(scale + 1);
        }
        y[i] += 1 / Math.sqrt(scale + 1);
      }
      const quotient2 = 1 / Math.sqrt(scale + 1);
      for (let i = 0; i < N; i++) {
        y[i] += quotient2 * x[i];
      }"
    `);
    await compare(kernel, { x: floats(1, -2, 3, -4, 5) }, 1e-6);
  });

  test("never what an if keeps from being read", async () => {
    const [x, y] = [global("x", "f32", n), global("y", "f32", n)];
    const kernel = kernelOf(
      "guarded",
      [x],
      [y],
      [N],
      [
        loop("i", n, (i) => [
          set(y, [i], f32(0)),
          {
            kind: "if",
            condition: binary("le", index(1), index(i)),
            body: [
              loop("j", 3, (j) => [
                set(y, [i], binary("mul", unary("exp", get(x, sub(i, 1))), cast(index(j), "f32")), "add"),
              ]),
            ],
          },
        ]),
      ],
    );
    expect(text(kernel)).toMatchInlineSnapshot(`
      "(x: Float32Array, y: Float32Array, N: number)
      for (let i = 0; i < N; i++) {
        y[i] = 0;
        if (i >= 1) {
          const exponential = Math.exp(x[i - 1]);
          for (let j = 0; j < 3; j++) {
            y[i] += exponential * j;
          }
        }
      }"
    `);
    await compare(kernel, { x: floats(1, -2, 0.5) }, 1e-6);
  });

  test("rows, shared by what has one shape", async () => {
    const [x, w, y] = [global("x", "f32", t, 3, n), global("w", "f32", n), global("y", "f32", t, 3, n)];
    const kernel = kernelOf(
      "rows",
      [x, w],
      [y],
      [N, T],
      [
        loop("t", t, (r) => [
          loop("h", 3, (h) => [
            loop("i", n, (i) => [set(y, [r, h, i], binary("mul", get(x, r, h, i), get(w, i)))]),
            loop("i", n, (i) => [set(y, [r, h, i], get(x, r, h, sub(sub(n, 1), i)), "add")]),
          ]),
        ]),
      ],
    );
    expect(text(kernel)).toMatchInlineSnapshot(`
      "(x: Float32Array, w: Float32Array, y: Float32Array, N: number, T: number)
      for (let t = 0; t < T; t++) {
        for (let h = 0; h < 3; h++) {
          const row = (t * 3 + h) * N;
          for (let i = 0; i < N; i++) {
            y[row + i] = x[row + i] * w[i];
          }
          const xRow = (t * 3 + h) * N + N - 1;
          for (let i = 0; i < N; i++) {
            y[row + i] += x[xRow - i];
          }
        }
      }"
    `);
    await compare(
      kernel,
      {
        x: tensorOf(
          "f32",
          [2, 3, 2],
          Array.from({ length: 12 }, (_, i) => i),
        ),
        w: floats(2, 3),
      },
      1e-6,
    );
  });
});

test("indices are written as sums of strides, with divisions as cheap as is right", async () => {
  const [x, y] = [global("x", "f32", t, 12), global("y", "f32", t, 3, 4)];
  const kernel = kernelOf(
    "indices",
    [x],
    [y],
    [T],
    [
      loop("t", t, (r) => [
        loop("h", 3, (h) => [
          loop("k", 4, (k) => {
            const flat = add(mul(h, 4), k);
            const shifted = mod(sub(flat, 5), 12);
            const half = floorDiv(sub(flat, 5), 2);
            const value = binary("add", get(x, r, flat), get(x, r, shifted));
            return [set(y, [r, floorDiv(flat, 4), mod(flat, 4)], binary("add", value, cast(index(half), "f32")))];
          }),
        ]),
      ]),
    ],
  );
  expect(text(kernel)).toMatchInlineSnapshot(`
    "(x: Float32Array, y: Float32Array, T: number)
    for (let t = 0; t < T; t++) {
      const xRow2 = t * 12;
      for (let h = 0; h < 3; h++) {
        const yRow = (t * 3 + h) * 4;
        const xRow = t * 12 + h * 4;
        for (let k = 0; k < 4; k++) {
          y[yRow + k] = x[xRow + k] + x[xRow2 + ((h * 4 + k + 7) % 12)] + (h * 2 + (((k + 1) / 2) | 0) - 3);
        }
      }
    }"
  `);
  await compare(kernel, {
    x: tensorOf(
      "f32",
      [2, 12],
      Array.from({ length: 24 }, (_, i) => i),
    ),
  });
});

test("names never meet: reserved words, functions, sizes, loops, names with other characters", async () => {
  const names = [
    "do",
    "Math",
    "erf",
    "halves",
    "x y",
    "1st",
    "N",
    "i",
    "sum",
    "toHalf",
    "arguments",
    "__proto__",
    "Float32Array",
  ];
  const reads = names.map((name) => global(name, "f32", n));
  const y = global("y", "f32", n);
  const kernel = kernelOf(
    "function",
    reads,
    [y],
    [N],
    [
      loop("i", n, (i) => [
        set(
          y,
          [i],
          unary(
            "erf",
            reads.map((each) => get(each, i)).reduce((a, b) => binary("add", a, b)),
          ),
        ),
      ]),
    ],
  );
  await compare(kernel, Object.fromEntries(names.map((name, i) => [name, floats(i / 100, -i / 50)])), 1e-6);
});

test("loops of every kind run one after another, and barriers are refused", async () => {
  const [x, y] = [global("x", "f32", n), global("y", "f32", n)];
  for (const kind of ["parallel", "grid.x", "lane.y"] as const) {
    await compare(kernelOf("copy", [x], [y], [N], [loop("i", n, (i) => [set(y, [i], get(x, i))], kind)]), {
      x: floats(1, 2, 3),
    });
  }
  expect(() => printKernel(kernelOf("wait", [x], [y], [N], [{ kind: "barrier" }]))).toThrow(InternalError);
  expect(() =>
    printKernel(kernelOf("wait", [x], [y], [N], [alloc(new Buffer("tile", "f32", [], "workgroup"))])),
  ).toThrow(InternalError);
});
