/** What emitted kernels compute with each type of numbers, on all that is special about them. */
import { describe, expect, test } from "vitest";
import { tensorOf } from "../../src/interpreter/tensor.js";
import { binary, cast, constant, type Expression, index, select, unary } from "../../src/ir/kernel/index.js";
import {
  alloc,
  checkEmitted,
  compare,
  elementwise,
  f32,
  floats,
  get,
  global,
  integers,
  kernelOf,
  local,
  loop,
  N,
  n,
  run,
  set,
  text,
} from "./typescript-hand.js";

checkEmitted();

const specials = [Number.NaN, Infinity, -Infinity, 0, -0, 1.5, -1.5, 2.5, -2.5, 3e9, -3e9, 1e-40, 7, -7];

describe("numbers that decide something are rounded as f32 has them", () => {
  const step = f32(0.1);

  test("angles", async () => {
    const kernel = elementwise({ x: "i32" }, "f32", (x) =>
      unary("sin", binary("mul", binary("mul", cast(x!, "f32"), step), step)),
    );
    expect(text(kernel)).toMatchInlineSnapshot(`
      "(x: Int32Array, y: Float32Array, N: number)
      for (let i = 0; i < N; i++) {
        const product = Math.fround(Math.fround(Math.fround(x[i]) * Math.fround(0.1)) * Math.fround(0.1));
        y[i] = Math.sin(product);
      }"
    `);
    await compare(kernel, { x: integers(1, 3, 12345, 999999, 16777217) });
  });
  test("angles of which another kernel takes the sine", () => {
    const frequency = (i: Expression) => binary("div", f32(1), binary("pow", f32(10000), binary("mul", i, step)));
    const [x, y, z] = [global("x", "i32", n), global("y", "f32", n), global("z", "f32", n)];
    const body = loop("i", n, (i) => {
      const place = cast(index(i), "f32");
      return [
        set(y, [i], binary("mul", place, frequency(place))),
        set(z, [i], binary("mul", cast(get(x, i), "f32"), frequency(place))),
      ];
    });
    expect(text(kernelOf("angles", [x], [y, z], [N], [body]))).toMatchInlineSnapshot(`
      "(x: Int32Array, y: Float32Array, z: Float32Array, N: number)
      for (let i = 0; i < N; i++) {
        y[i] = i * Math.fround(1 / Math.fround(10000 ** Math.fround(i * Math.fround(0.1))));
        const quotient = Math.fround(1 / Math.fround(10000 ** Math.fround(i * Math.fround(0.1))));
        z[i] = Math.fround(x[i]) * quotient;
      }"
    `);
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
        const sum = Math.fround(Math.fround(xValue - Math.fround(0.33333334)) + Math.fround(0.33333334));
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
        sum += x[i] * Math.fround(0.1);
      }
      y[0] = toInt32(Math.fround(Math.fround(sum) * Math.fround(0.1)));"
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
        y[i] = (product + (Math.imul(aValue, b[i]) >> 2)) | 0;
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
      y[i] = toHalf(halves[x[i]] * Math.fround(0.33333334));
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

test("conditions that are known are written as such", () => {
  const kernel = elementwise({ x: "f32" }, "bool", (x) =>
    binary(
      "or",
      binary("eq", f32(1), f32(2)),
      binary("and", binary("ne", x!, f32(Number.NaN)), cast(f32(0.5), "bool")),
    ),
  );
  expect(text(kernel)).toMatchInlineSnapshot(`
    "(x: Float32Array, y: Uint8Array, N: number)
    for (let i = 0; i < N; i++) {
      y[i] = false || (true && true) ? 1 : 0;
    }"
  `);
  expect(text(elementwise({ x: "f32" }, "bool", () => cast(f32(0.5), "bool")))).toMatchInlineSnapshot(`
    "(x: Float32Array, y: Uint8Array, N: number)
    for (let i = 0; i < N; i++) {
      y[i] = 1;
    }"
  `);
});
