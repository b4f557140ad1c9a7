/**
 * Tiles whose factors do not divide: products of all sizes around the tile's, known and not, after every step, made legal
 * and emitted. What lies around the arrays is NaN, and must neither be read nor written.
 */
import { describe, expect, test } from "vitest";
import { printKernel as emitKernel } from "../../backends/typescript/kernels.js";
import type { Tensor } from "../../src/interpreter/tensor.js";
import { type Buffer, type Kernel, verifyKernel } from "../../src/ir/kernel/index.js";
import {
  applyStep,
  legaliseForTypeScript,
  printSchedule,
  schedulesForTypeScript,
  typeScriptPolicy,
} from "../../src/schedule/index.js";
import { evaluate, SizeVariable, size } from "../../src/sizes/index.js";
import { type ProductOptions, product, randomArguments, resultOf } from "../support/naive-kernels.js";

const policy = { ...typeScriptPolicy, leastWork: 0 };
const rows = [1, 2, 3, 4, 6, 9];
const columns = [1, 3, 4, 5, 8, 11];
const terms = [1, 2, 4, 7];
const variables = {
  M: new SizeVariable("M", 0, null),
  N: new SizeVariable("N", 0, null),
  K: new SizeVariable("K", 0, null),
};

type Sizes = Readonly<Record<string, number>>;

/** Runs the emitted function on arrays that lie between NaN, and looks at what is around them afterwards. */
function emitted(kernel: Kernel, sizes: Sizes, given: ReadonlyMap<Buffer, Tensor>): readonly number[] {
  const { parameters, lines } = emitKernel(kernel);
  const margin = 16;
  const all: { memory: Float32Array; view: Float32Array }[] = [];
  let written = new Float32Array();
  const values = parameters.map(({ name, buffer }) => {
    if (buffer === null) return sizes[name]!;
    const count = buffer.shape.reduce((total, each) => total * evaluate(each, (variable) => sizes[variable.name]!), 1);
    const memory = new Float32Array(count + 2 * margin).fill(Number.NaN);
    const view = memory.subarray(margin, margin + count);
    view.set(given.get(buffer)?.data ?? []);
    all.push({ memory, view });
    if (kernel.writes.includes(buffer)) written = view;
    return view;
  });
  new Function(...parameters.map(({ name }) => name), lines.join("\n"))(...values);
  for (const { memory, view } of all) {
    const outside = [...memory.subarray(0, margin), ...memory.subarray(margin + view.length)];
    expect(outside.every(Number.isNaN)).toBe(true);
  }
  return [...written];
}

function expectClose(actual: readonly number[], wanted: readonly number[], tolerance: number, where: string): void {
  expect(actual.length, where).toBe(wanted.length);
  const worst = wanted.reduce((most, value, i) => Math.max(most, Math.abs(value - actual[i]!)), 0);
  // Not `toBeLessThan`: a NaN must fail.
  expect(worst <= tolerance, `${where}: off by ${worst}`).toBe(true);
}

/** Schedules a kernel step by step and compares each with the naive one for all of these sizes. */
function sweep(kernel: Kernel, all: readonly Sizes[]): number {
  const steps = schedulesForTypeScript(kernel, policy).flat();
  const where = `${kernel.name} ${JSON.stringify(all[0])}: ${printSchedule(steps)}`;
  const stages = [kernel];
  for (const step of steps) stages.push(applyStep(stages.at(-1)!, step));
  stages.push(legaliseForTypeScript(stages.at(-1)!));
  for (const stage of stages) expect(verifyKernel(stage), where).toEqual([]);
  for (const sizes of all) {
    const sizeOf = (variable: SizeVariable): number => sizes[variable.name]!;
    const given = randomArguments(kernel, sizeOf, 1);
    const wanted = resultOf(kernel, sizeOf, given);
    for (const stage of stages.slice(1)) expect(resultOf(stage, sizeOf, given), where).toEqual(wanted);
    expectClose(emitted(stages.at(-1)!, sizes, given), wanted, 1e-5, `${where} for ${JSON.stringify(sizes)}`);
  }
  return steps.length;
}

const kinds: readonly ProductOptions[] = [{}, { transposed: true }, { epilogue: true }, { gated: true }];
const every = rows.flatMap((M) => columns.flatMap((N) => terms.map((K) => ({ M, N, K }))));

describe.each(kinds)("products, %o", (options) => {
  test("of known sizes", () => {
    let tiled = 0;
    for (const { M, N, K } of every) if (sweep(product(size(M), size(N), size(K), options), [{ M, N, K }]) > 0) tiled++;
    // A single term has no loop, and a single column and row no tile.
    expect(tiled).toBe(every.filter(({ M, N, K }) => K > 1 && M * N > 1).length);
  });

  test("of sizes that are known when running", () => {
    const { M, N, K } = variables;
    const empty = [
      { M: 0, N: 5, K: 2 },
      { M: 4, N: 0, K: 2 },
      { M: 4, N: 5, K: 0 },
    ];
    expect(sweep(product(size(M), size(N), size(K), options), [...every, ...empty])).toBeGreaterThan(5);
    for (const known of [4, 11]) {
      const some = every.filter((each) => each.N === known);
      expect(
        sweep(
          product(size(M), size(known), size(7), options),
          some.filter((each) => each.K === 7),
        ),
      ).toBeGreaterThan(5);
    }
    expect(
      sweep(
        product(size(4), size(N), size(K), options),
        every.filter((each) => each.M === 4),
      ),
    ).toBeGreaterThan(5);
  });
});

test.each([
  [1, 1],
  [1, 8],
  [2, 2],
  [4, 3],
  [5, 6],
])("a tile of %d by %d", (tileRows, tileColumns) => {
  const { M, N, K } = variables;
  const kernel = product(size(M), size(N), size(K));
  const steps = schedulesForTypeScript(kernel, { ...policy, tile: { rows: tileRows, columns: tileColumns } }).flat();
  const made = legaliseForTypeScript(steps.reduce(applyStep, kernel));
  expect(verifyKernel(made)).toEqual([]);
  for (const sizes of every.filter((each) => each.K === 7)) {
    const sizeOf = (variable: SizeVariable): number => sizes[variable.name as keyof typeof sizes];
    const given = randomArguments(kernel, sizeOf, 2);
    expectClose(emitted(made, sizes, given), resultOf(kernel, sizeOf, given), 1e-5, JSON.stringify(sizes));
  }
});
