/** Kernels whose rows are apart, over all rows as one. */
import { expect, test } from "vitest";
import { SourceFile } from "../../src/diagnostics/index.js";
import { Compilation } from "../../src/driver/pipeline.js";
import { kernelKey, parseKernel, printKernel } from "../../src/ir/kernel/index.js";
import type { LoweredGraph } from "../../src/lower/index.js";
import { memoryFiles } from "../../src/runtime/files.js";
import { overRows, rowsAsOne } from "../../src/schedule/rows-as-one.js";
import { render } from "../../src/sizes/index.js";

const kernel = (text: string) => parseKernel(new SourceFile("rows.kernel", text));

const head = (args: string): string => `kernel f\n  sizes  B: 0..inf, C: 1..64, N: 1..C\n${args}`;

test("sequences and positions become rows", () => {
  const product = kernel(`kernel product
  sizes  B: 0..inf, N: 0..8
  reads  x: f32[B, N, 3]
  reads  w: f32[5, 3]
  writes y: f32[B, N, 5]
  for b in 0..B
    for n in 0..N
      for i in 0..5
        alloc sum: f32 private
        sum = 0.0
        for j in 0..3
          sum += x[b, n, j] * w[i, j]
        y[b, n, i] = sum
`);
  const made = overRows(product)!;
  expect(render(made.count)).toBe("B*N");
  expect(printKernel(made.kernel)).toBe(`kernel product
  sizes  rows: 0..inf
  reads  x: f32[rows, 3]
  reads  w: f32[5, 3]
  writes y: f32[rows, 5]
  for n in 0..rows
    for i in 0..5
      alloc sum: f32 private
      sum = 0.0
      for j in 0..3
        sum += x[n, j] * w[i, j]
      y[n, i] = sum
`);
});

test("one position of each sequence is the same kernel", () => {
  const bodies = [
    ["B, N", "      ", "b, n", "    for n in 0..N\n"],
    ["B, 1", "    ", "b, 0", ""],
  ].map(([shape, space, place, inner]) => {
    const text = `  reads  x: f32[${shape}, 3]\n  writes y: f32[${shape}, 3]\n  for b in 0..B\n${inner}${space}for i in 0..3\n${space}  y[${place}, i] = x[${place}, i] + 1.0\n`;
    return printKernel(
      overRows(kernel(`kernel f\n  sizes  B: 0..inf${inner === "" ? "" : ", N: 1..8"}\n${text}`))!.kernel,
    );
  });
  expect(bodies[0]!.replaceAll("for n ", "for b ").replaceAll("[n,", "[b,")).toBe(bodies[1]);
});

test("calls say how many rows there are, and one kernel serves all steps", () => {
  const source = `model Rows() {
  param w: [3, 3]
  entry forward(x: [B, T, 3]) -> (y: [B, T, 3]) { exp(x @ w) }
  entry other(z: [S, U, 3]) -> (y: [S, U, 3]) { exp(z @ w) }
  entry last(x: [B, 1, 3]) -> (y: [B, 1, 3]) { exp(x @ w) }
}
`;
  const lowered = new Compilation({ files: memoryFiles(), path: "rows.trafo", text: source }).get("kernels");
  const over = rowsAsOne();
  const [forward, other, last] = lowered.map((each) => over(each));
  const rows = (of: LoweredGraph): unknown => of.calls.map(({ sizes }) => sizes?.map((each) => render(each)));
  expect([forward, other, last].map((each) => rows(each!))).toEqual([[["B*T"]], [["S*U"]], [["B"]]]);
  expect(new Set([forward, other].flatMap((each) => each!.calls.map(({ kernel }) => kernelKey(kernel)))).size).toBe(1);
});

test.each([
  [
    "the position is computed with",
    head(`  writes y: i32[B, N]\n  for b in 0..B\n    for n in 0..N\n      y[b, n] = n\n`),
  ],
  [
    "another row is read",
    head(
      `  reads  x: f32[B, N]\n  writes y: f32[B, N]\n  for b in 0..B\n    for n in 0..N\n      y[b, n] = x[b, N - 1 - n]\n`,
    ),
  ],
  [
    "a sum goes over rows",
    head(
      `  reads  x: f32[B, N]\n  writes y: f32[B, N]\n  for b in 0..B\n    for n in 0..N\n      alloc sum: f32 private\n      sum = 0.0\n      for m in 0..N\n        sum += x[b, m]\n      y[b, n] = sum\n`,
    ),
  ],
  [
    "rows lie in another order",
    head(`  reads  x: f32[N, B]\n  writes y: f32[B, N]\n  for b in 0..B\n    for n in 0..N\n      y[b, n] = x[n, b]\n`),
  ],
  [
    "a session keeps more of them",
    head(`  reads  x: f32[B, N]\n  writes y: f32[B, C]\n  for b in 0..B\n    for n in 0..N\n      y[b, n] = x[b, n]\n`),
  ],
  [
    "a size is computed with",
    head(
      `  reads  x: f32[B, N]\n  writes y: f32[B, N]\n  for b in 0..B\n    for n in 0..N\n      y[b, n] = x[b, n] * f32(N)\n`,
    ),
  ],
  [
    "something stands between the loops",
    head(
      `  reads  x: f32[B, N]\n  writes y: f32[B, N]\n  writes z: f32[B]\n  for b in 0..B\n    z[b] = 0.0\n    for n in 0..N\n      y[b, n] = x[b, n]\n`,
    ),
  ],
])("not where %s", (_, text) => {
  expect(overRows(kernel(text))).toBeNull();
});
