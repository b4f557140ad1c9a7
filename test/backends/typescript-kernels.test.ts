/** Kernels made by hand, printed as functions: loops, offsets, memory, what moves out of loops, names. */
import { describe, expect, test } from "vitest";
import { emitTypeScript } from "../../backends/typescript/index.js";
import { printKernel } from "../../backends/typescript/kernels.js";
import { InternalError } from "../../src/diagnostics/index.js";
import { type Tensor, tensorOf } from "../../src/interpreter/tensor.js";
import { Buffer, binary, cast, type Expression, index, type Kernel, unary } from "../../src/ir/kernel/index.js";
import { add, floorDiv, mod, mul, type Size, size, sub } from "../../src/sizes/index.js";
import {
  alloc,
  checkEmitted,
  compare,
  f32,
  floats,
  get,
  global,
  kernelOf,
  local,
  loop,
  N,
  n,
  planOf,
  set,
  T,
  t,
  text,
} from "./typescript-hand.js";

checkEmitted();

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

test("the comment says where a kernel comes from and how it was scheduled", () => {
  const x = global("x", "f32", n);
  const y = global("y", "f32", n);
  const schedule = Array.from({ length: 12 }, (_, i) => `split i ${i + 2} exact into io ii`).join("; ");
  const kernel = { ...kernelOf("copy", [x], [y], [N], [loop("i", n, (i) => [set(y, [i], get(x, i))])]), schedule };
  const { typescript } = emitTypeScript({ name: "hand", plans: [planOf(kernel)] });
  expect(typescript.match(/\/\*\*\n \* hand\.trafo[\s\S]*?\*\//)?.[0]).toMatchInlineSnapshot(`
    "/**
     * hand.trafo:3:5: copy
     * Schedule: split i 2 exact into io ii; split i 3 exact into io ii; split i 4 exact into io ii; split
     * i 5 exact into io ii; split i 6 exact into io ii; split i 7 exact into io ii; split i 8 exact into
     * io ii; split i 9 exact into io ii; split i 10 exact into io ii; split i 11 exact into io ii; split i
     * 12 exact into io ii; split i 13 exact into io ii
     *
     * @param x f32[N]
     * @param y f32[N] (written)
     */"
  `);
});
