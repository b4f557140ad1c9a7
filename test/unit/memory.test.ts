/** The memory plan: what may lie in the place of what, how close the arena comes to the largest live set, mutants. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { nodeFiles } from "../../src/driver/node-files.js";
import { Compilation } from "../../src/driver/pipeline.js";
import { GraphBuilder, type ValueId } from "../../src/ir/graph/index.js";
import {
  Buffer,
  binary,
  constant,
  type Expression,
  index,
  type Kernel,
  load,
  type Statement,
  verifyKernel,
} from "../../src/ir/kernel/index.js";
import type { Plan } from "../../src/ir/plan/index.js";
import { lowerGraph } from "../../src/lower/index.js";
import { isIdentity, mayReplace } from "../../src/memory/in-place.js";
import { checkPlan, largestLiveBytes, planGraph } from "../../src/memory/index.js";
import { Checkpoint } from "../../src/runtime/checkpoint.js";
import { add, evaluate, mul, type Size, SizeVariable, size, sub } from "../../src/sizes/index.js";
import { randomGraph } from "../support/random-graph.js";
import { randomRun } from "../support/random-graph-run.js";

const T = new SizeVariable("T", 0, null);
const t = size(T);

/** A loop over 0 … extent - 1. */
function loop(name: string, extent: Size, body: (at: Size) => readonly Statement[]): Statement {
  const variable = new SizeVariable(name, 0, sub(extent, 1));
  return { kind: "for", variable, extent, loop: "serial", body: body(size(variable)) };
}

function store(buffer: Buffer, at: readonly (Size | number)[], value: Expression): Statement {
  return { kind: "store", buffer, index: at.map((each) => index(each)), value, update: null };
}

const read = (buffer: Buffer, ...at: (Size | number)[]): Expression =>
  load(
    buffer,
    at.map((each) => index(each)),
  );

/** A kernel of one argument and one result. */
function kernelOf(
  from: readonly Size[],
  to: readonly Size[],
  body: (x: Buffer, y: Buffer) => readonly Statement[],
  elements: readonly ["f32" | "i32" | "bool" | "f16", "f32" | "i32" | "bool" | "f16"] = ["f32", "f32"],
): Kernel {
  const [x, y] = [new Buffer("x", elements[0], from, "global"), new Buffer("y", elements[1], to, "global")];
  const kernel = { name: "k", reads: [x], writes: [y], sizes: [T], body: body(x, y), location: null };
  expect(verifyKernel(kernel)).toEqual([]);
  return kernel;
}

describe("a result may take the place of what is read", () => {
  const of = (...given: Parameters<typeof kernelOf>): boolean => mayReplace(kernelOf(...given), 0, 0);
  const four = size(4);

  test("where each element is made of the one in its place", () => {
    expect(of([t], [t], (x, y) => [loop("i", t, (i) => [store(y, [i], read(x, i))])])).toBe(true);
  });
  test("of another shape with the same elements", () => {
    const kernel = kernelOf([t, four], [mul(t, 4)], (x, y) => [
      loop("i", t, (i) => [loop("j", four, (j) => [store(y, [add(mul(i, 4), j)], read(x, i, j))])]),
    ]);
    expect(mayReplace(kernel, 0, 0)).toBe(true);
  });
  test("where a row is read before it is written", () => {
    const rows = (x: Buffer, y: Buffer): readonly Statement[] => [
      loop("i", t, (i) => {
        const sum = new Buffer("sum", "f32", [], "private");
        return [
          { kind: "alloc", buffer: sum },
          store(sum, [], constant(0, "f32")),
          loop("j", four, (j) => [store(sum, [], binary("add", read(sum), read(x, i, j)))]),
          loop("k", four, (k) => [store(y, [i, k], binary("div", read(x, i, k), read(sum)))]),
        ];
      }),
    ];
    expect(of([t, four], [t, four], rows)).toBe(true);
  });
  test("of tiles, whose loop moves further than they are wide", () => {
    const tiles = (by: number) => (x: Buffer, y: Buffer) => [
      loop("i", t, (i) => [
        store(y, [mul(i, 2)], read(x, mul(i, 2))),
        store(y, [add(mul(i, 2), 1)], read(x, add(mul(i, 2), by))),
      ]),
    ];
    expect(of([add(mul(t, 2), 1)], [add(mul(t, 2), 1)], tiles(1))).toBe(true);
    expect(of([add(mul(t, 2), 1)], [add(mul(t, 2), 1)], tiles(0))).toBe(false);
    expect(of([add(mul(t, 2), 1)], [add(mul(t, 2), 1)], tiles(2))).toBe(false);
  });
  test("but not where a neighbour is read after it was written", () => {
    const shifted = (by: number) => (x: Buffer, y: Buffer) => [
      store(y, [0], constant(0, "f32")),
      store(y, [3], constant(0, "f32")),
      loop("i", size(2), (i) => [store(y, [add(i, 1)], read(x, add(i, 1 + by)))]),
    ];
    expect(of([four], [four], shifted(-1))).toBe(false);
    expect(of([four], [four], shifted(1))).toBe(false);
  });
  test("nor where a row is read for each of its elements, or turned", () => {
    const sums = (x: Buffer, y: Buffer): readonly Statement[] => [
      loop("i", t, (i) => [
        loop("j", four, (j) => [
          store(y, [i, j], constant(0, "f32")),
          loop("k", four, (k) => [store(y, [i, j], binary("add", read(y, i, j), read(x, i, k)))]),
        ]),
      ]),
    ];
    expect(of([t, four], [t, four], sums)).toBe(false);
    const turned = (x: Buffer, y: Buffer) => [
      loop("i", four, (i) => [loop("j", four, (j) => [store(y, [i, j], read(x, j, i))])]),
    ];
    expect(of([four, four], [four, four], turned)).toBe(false);
  });
  test("nor where a loop comes back to it, or a later statement reads it", () => {
    const twice = (x: Buffer, y: Buffer) => [
      loop("n", size(2), () => [loop("i", t, (i) => [store(y, [i], binary("add", read(x, i), read(x, i)))])]),
    ];
    expect(of([t], [t], twice)).toBe(false);
    const later = (x: Buffer, y: Buffer) => [
      loop("i", t, (i) => [store(y, [i], constant(0, "f32")), store(y, [i], binary("add", read(y, i), read(x, i)))]),
    ];
    expect(of([t], [t], later)).toBe(false);
    const apart = (x: Buffer, y: Buffer) => [
      loop("i", t, (i) => [store(y, [mul(i, 2)], read(x, mul(i, 2)))]),
      loop("k", t, (k) => [store(y, [add(mul(k, 2), 1)], read(x, add(mul(k, 2), 1)))]),
    ];
    // True, and not proven: no loop variable tells that 2*i and 2*k + 1 differ.
    expect(of([mul(t, 2)], [mul(t, 2)], apart)).toBe(false);
  });
  test("nor where arrays differ", () => {
    const copy = (x: Buffer, y: Buffer) => [loop("i", t, (i) => [store(y, [i], binary("eq", read(x, i), read(x, i)))])];
    expect(of([t], [t], copy, ["f32", "bool"])).toBe(false);
    expect(of([t], [t], copy, ["bool", "bool"])).toBe(true);
  });
  test("a copy of everything in its order is an identity", () => {
    const copy = (order: boolean) =>
      kernelOf([four, four], [four, four], (x, y) => [
        loop("i", four, (i) => [loop("j", four, (j) => [store(y, [i, j], order ? read(x, i, j) : read(x, j, i))])]),
      ]);
    expect([isIdentity(copy(true)), isIdentity(copy(false))]).toEqual([true, false]);
    const part = kernelOf([four], [four], (x, y) => [loop("i", size(3), (i) => [store(y, [i], read(x, i))])]);
    expect(isIdentity(part)).toBe(false);
  });
});

test("an output that only reshapes what was computed is computed where it lies", () => {
  const g = new GraphBuilder("f", [T]);
  const x = g.emit("input", [], { name: "x", element: "f32", shape: [t, size(4)], fill: null });
  const computed = g.emit("exp", [x], {});
  const flat = g.emit("reshape", [computed], { shape: [mul(t, 4)] });
  const turned = g.emit("transpose", [computed], { permutation: [1, 0] });
  const planOf = (value: ValueId): Plan => planGraph(lowerGraph(g.finish([{ name: "y", value }])));
  const plan = planOf(flat);
  expect(plan.dispatches).toHaveLength(1);
  expect(plan.arenaBytes).toBe(size(0));
  expect(checkPlan(plan, () => 3)).toEqual([]);
  expect(checkPlan({ ...plan, dispatches: [] }, () => 3).join()).toContain("is never written");
  expect(planOf(turned).dispatches).toHaveLength(2);
});

const root = join(dirnameOf(import.meta.url), "..", "..");

function dirnameOf(url: string): string {
  return fileURLToPath(new URL(".", url));
}

/** The worst ratio of a plan's arena to its largest live set for some sizes, and where. */
function worstRatio(plan: Plan): { ratio: number; at: string } {
  let worst = { ratio: 1, at: "" };
  const counts = [1, 2, 7, 16, 64, 128, 500, 1024];
  const values = plan.sizes.length > 2 ? [1, 7, 64, 500] : counts;
  const walk = (at: number, bound: ReadonlyMap<SizeVariable, number>): void => {
    if (at < plan.sizes.length) {
      for (const value of values) walk(at + 1, new Map([...bound, [plan.sizes[at]!, value]]));
      return;
    }
    const sizeOf = (variable: SizeVariable): number => {
      const most = variable.max === null ? Number.POSITIVE_INFINITY : evaluate(variable.max, () => 1);
      return Math.min(bound.get(variable)!, most);
    };
    const problems = checkPlan(plan, sizeOf);
    const [arena, live] = [evaluate(plan.arenaBytes, sizeOf), largestLiveBytes(plan, sizeOf)];
    const where = plan.sizes.map((variable) => `${variable.name}=${sizeOf(variable)}`).join();
    expect(problems, where).toEqual([]);
    if (live > 0 && arena / live > worst.ratio) worst = { ratio: arena / live, at: where };
  };
  walk(0, new Map());
  return worst;
}

describe("the arena is at most 1.1 times the largest live set", () => {
  test.each(["bert", "gpt2", "llama", "t5", "vaswani"])("of %s", (name) => {
    const files = nodeFiles();
    const path = join(root, "examples", name);
    const checkpoint = Checkpoint.open(files, join(path, "checkpoint"), null);
    const compilation = new Compilation({ files, path: join(path, `${name}.trafo`), checkpoint });
    for (const plan of compilation.get("plan")) {
      const { ratio, at } = worstRatio(plan);
      expect(ratio, `${plan.name} at ${at}`).toBeLessThanOrEqual(1.1);
    }
  });
  test("of GPT-2 small", () => {
    const path = join(root, "examples", "gpt2", "gpt2.trafo");
    const compilation = new Compilation({ files: nodeFiles(), path, text: readFileSync(path, "utf8") });
    for (const plan of compilation.get("plan")) expect(worstRatio(plan).ratio).toBeLessThanOrEqual(1.1);
  });
  test("of random graphs", () => {
    const ratios: number[] = [];
    for (let seed = 1; seed <= 60; seed++) {
      const graph = randomGraph(seed, { smooth: true, nodes: 40 });
      const plan = planGraph(lowerGraph(graph));
      for (const variant of [0, 1, 2]) {
        const { sizes } = randomRun(graph, seed + variant);
        const sizeOf = (variable: SizeVariable): number => sizes[variable.name]!;
        expect(checkPlan(plan, sizeOf), `seed ${seed}`).toEqual([]);
        const live = largestLiveBytes(plan, sizeOf);
        if (live > 0) ratios.push(evaluate(plan.arenaBytes, sizeOf) / live);
      }
    }
    expect(Math.max(...ratios)).toBeLessThanOrEqual(1.1);
  });
});
