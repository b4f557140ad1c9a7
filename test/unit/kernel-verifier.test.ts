/** Every rule of verifier.ts is broken at least once, and what is right passes. */
import { describe, expect, test } from "vitest";
import { InternalError } from "../../src/diagnostics/index.js";
import {
  assertKernel,
  Buffer,
  binary,
  cast,
  constant,
  type Expression,
  index,
  type Kernel,
  kernelViolations,
  type LoopKind,
  load,
  type Statement,
  select,
  verifyKernel,
} from "../../src/ir/kernel/index.js";
import { add, floorDiv, mod, mul, type Size, SizeVariable, size, sub } from "../../src/sizes/index.js";

const T = new SizeVariable("T", 1, 64);
const n = size(T);
const loopOver = (name: string, extent: Size | number): SizeVariable =>
  new SizeVariable(name, 0, sub(typeof extent === "number" ? size(extent) : extent, 1));
const i = loopOver("i", n);
const at = index(size(i));
const x = new Buffer("x", "f32", [n], "global");
const y = new Buffer("y", "f32", [n], "global");
const ids = new Buffer("ids", "i32", [n], "global");
const one = constant(1, "f32");

function loop(
  variable: SizeVariable,
  extent: Size | number,
  body: readonly Statement[],
  kind: LoopKind = "serial",
): Statement {
  return { kind: "for", variable, extent: typeof extent === "number" ? size(extent) : extent, loop: kind, body };
}

function store(
  buffer: Buffer,
  indices: readonly Expression[],
  value: Expression,
  update: "add" | null = null,
): Statement {
  return { kind: "store", buffer, index: indices, value, update };
}

const alloc = (buffer: Buffer): Statement => ({ kind: "alloc", buffer });
const when = (condition: Expression, body: readonly Statement[]): Statement => ({ kind: "if", condition, body });
const barrier: Statement = { kind: "barrier" };

function kernel(body: readonly Statement[], parts: Partial<Kernel> = {}): Kernel {
  return { name: "k", reads: [x, ids], writes: [y], sizes: [T], body, location: null, ...parts };
}

const rulesOf = (broken: Kernel): readonly number[] => [...new Set(kernelViolations(broken).map((each) => each.rule))];
const rules = (body: readonly Statement[], parts: Partial<Kernel> = {}): readonly number[] =>
  rulesOf(kernel(body, parts));

const scalar = (name: string, scope: "private" | "workgroup" = "private"): Buffer => new Buffer(name, "f32", [], scope);

test("a sound kernel breaks no rule", () => {
  const s = scalar("s");
  const j = loopOver("j", n);
  const body = [
    loop(i, n, [
      alloc(s),
      store(s, [], constant(0, "f32")),
      loop(j, n, [store(s, [], load(x, [index(size(j))]), "add")]),
      store(y, [at], load(s, [])),
    ]),
  ];
  expect(verifyKernel(kernel(body))).toEqual([]);
});

test("all broken rules are reported, and shown in the text", () => {
  const broken = kernel([loop(i, n, [store(y, [index(add(size(i), 1))], load(x, [index(-1)])), barrier])]);
  expect(rulesOf(broken)).toEqual([8, 13]);
  expect(verifyKernel(broken)[0]).toBe("k: -1 may be out of bounds on axis 0 of x, T (rule 8)");
  let thrown: unknown;
  try {
    assertKernel(broken, "split");
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(InternalError);
  expect((thrown as InternalError).message).toContain("breaks 3 rules after split");
  expect((thrown as InternalError).details).toContain("y[i + 1] = x[-1]\n    ^ -1 may be out of bounds");
});

describe("rule 1: buffers and their scopes", () => {
  test("arguments are global and differ", () => {
    expect(rules([], { reads: [scalar("s")] })).toEqual([1]);
    expect(rules([], { reads: [x, x] })).toEqual([1]);
    expect(rules([], { reads: [y] })).toEqual([1]);
  });
  test("what is allocated is not global, and allocated once", () => {
    const s = scalar("s");
    expect(rules([alloc(new Buffer("g", "f32", [], "global"))])).toEqual([1]);
    expect(rules([alloc(s), alloc(s)])).toEqual([1]);
  });
});

test("rule 2: a buffer exists where it is used", () => {
  const s = scalar("s");
  expect(rules([store(s, [], one)])).toEqual([2]);
  expect(rules([loop(i, n, [alloc(s), store(s, [], one)]), store(s, [], one)])).toEqual([2]);
  expect(rules([store(s, [], one), alloc(s)])).toEqual([2]);
});

test("rule 3: what is only read is not stored to", () => {
  expect(rules([loop(i, n, [store(x, [at], one)])])).toEqual([3]);
});

test("rule 4: loops bind variables of their own, with their range", () => {
  const body = [store(y, [at], one)];
  expect(rules([loop(i, n, body), loop(i, n, body)])).toEqual([4]);
  expect(rules([loop(i, sub(n, 1), body)])).toEqual([4]);
  expect(rules([loop(new SizeVariable("j", 1, sub(n, 1)), n, [])])).toEqual([4]);
  expect(rules([loop(T, n, [])])).toEqual([4]);
});

test("rule 5: sizes are known where they stand", () => {
  expect(rules([store(y, [at], one)])).toEqual([5]);
  expect(rules([loop(i, n, [store(y, [at], one)])], { sizes: [] })).toEqual([5]);
  expect(rules([alloc(new Buffer("s", "f32", [size(i)], "private"))])).toEqual([5]);
});

test("rule 6: element types", () => {
  expect(rules([loop(i, n, [store(y, [at], index(1))])])).toEqual([6]);
  expect(rules([when(one, [])])).toEqual([6]);
  const broken = { kind: "binary", operator: "add", left: one, right: index(1), element: "f32" } as const;
  expect(rules([loop(i, n, [store(y, [at], broken)])])).toEqual([6]);
  const flag = new Buffer("flag", "bool", [], "private");
  const truth = constant(1, "bool");
  expect(rules([alloc(flag), store(flag, [], truth), store(flag, [], truth, "add")])).toEqual([6]);
});

test("rule 7: one index for each axis", () => {
  expect(rules([store(y, [], one)])).toEqual([7]);
  expect(rules([loop(i, n, [store(y, [at, at], one)])])).toEqual([7]);
});

describe("rule 8: indices are in bounds", () => {
  const stored = (value: Expression): readonly number[] => rules([loop(i, n, [store(y, [at], value)])]);
  const clamp = (e: Expression, last: Size | number): Expression =>
    binary("min", binary("max", e, index(0)), index(last));
  const id = load(ids, [at]);

  test("from ranges", () => {
    expect(stored(load(x, [at]))).toEqual([]);
    expect(stored(load(x, [index(sub(sub(n, 1), size(i)))]))).toEqual([]);
    expect(stored(load(x, [index(add(size(i), 1))]))).toEqual([8]);
    expect(stored(load(x, [index(sub(size(i), 1))]))).toEqual([8]);
    expect(stored(load(x, [index(n)]))).toEqual([8]);
  });

  test("from data only where it is clamped", () => {
    expect(stored(load(x, [id]))).toEqual([8]);
    expect(stored(load(x, [clamp(id, sub(n, 1))]))).toEqual([]);
    expect(stored(load(x, [clamp(id, n)]))).toEqual([8]);
    expect(stored(load(x, [binary("min", id, index(sub(n, 1)))]))).toEqual([8]);
    expect(stored(load(x, [binary("mod", id, index(n))]))).toEqual([]);
    expect(stored(load(x, [cast(binary("lt", id, index(0)), "i32")]))).toEqual([8]);
    expect(stored(load(x, [select(binary("lt", id, index(0)), at, index(0))]))).toEqual([]);
  });

  test("under conditions", () => {
    const next = index(add(size(i), 1));
    const guarded = (condition: Expression): readonly number[] =>
      rules([loop(i, n, [when(condition, [store(y, [next], one)])])]);
    expect(guarded(binary("lt", next, index(n)))).toEqual([]);
    expect(guarded(binary("and", binary("lt", next, index(n)), binary("lt", id, index(3))))).toEqual([]);
    expect(guarded(binary("le", next, index(n)))).toEqual([8]);
    expect(guarded(binary("or", binary("lt", next, index(n)), binary("lt", id, index(3))))).toEqual([8]);
  });

  test("where sizes may be 0, from loops that run", () => {
    const Z = new SizeVariable("Z", 0, 8);
    const flat = mul(size(Z), n);
    const k = loopOver("k", flat);
    const z = new Buffer("z", "f32", [n, size(Z)], "global");
    const split = [index(floorDiv(size(k), size(Z))), index(mod(size(k), size(Z)))];
    expect(rules([loop(k, flat, [store(z, split, one)])], { writes: [z], sizes: [T, Z] })).toEqual([]);
  });
});

test("rule 9: a store comes before what reads", () => {
  const s = scalar("s");
  expect(rules([loop(i, n, [alloc(s), store(y, [at], load(s, []))])])).toEqual([9]);
  expect(rules([loop(i, n, [store(y, [at], one, "add")])])).toEqual([9]);
  expect(rules([alloc(s), store(s, [], one, "add"), store(s, [], one)])).toEqual([9]);
});

test("rule 10: vector and unrolled loops have constant extents", () => {
  const body = [store(y, [at], one)];
  expect(rules([loop(i, n, body, "vector")])).toEqual([10]);
  expect(rules([loop(i, n, body, "unroll")])).toEqual([10]);
  const j = loopOver("j", 4);
  const four = new Buffer("four", "f32", [size(4)], "global");
  expect(rules([loop(j, 4, [store(four, [index(size(j))], one)], "vector")], { writes: [four] })).toEqual([]);
});

describe("rule 11: iterations do not meet", () => {
  const j = loopOver("j", 4);
  const jAt = size(j);
  const tiles = new Buffer("tiles", "f32", [mul(n, 4)], "global");
  const grid = new Buffer("grid", "f32", [n, size(4)], "global");
  const nest = (buffer: Buffer, ...indices: readonly Size[]): readonly number[] =>
    rules([loop(i, n, [loop(j, 4, [store(buffer, indices.map(index), one)])], "parallel")], { writes: [buffer] });

  test("stores at different places", () => {
    expect(nest(tiles, add(mul(size(i), 4), jAt))).toEqual([]);
    expect(nest(tiles, add(mul(jAt, n), size(i)))).toEqual([]);
    expect(nest(grid, size(i), jAt)).toEqual([]);
    expect(
      rules([loop(i, n, [store(grid, [at, index(mod(size(i), 4))], one)], "parallel")], { writes: [grid] }),
    ).toEqual([]);
  });

  test("stores at one place", () => {
    expect(rules([loop(i, n, [store(y, [index(0)], one)], "parallel")])).toEqual([11]);
    expect(nest(tiles, add(mul(size(i), 3), jAt))).toEqual([11]);
    expect(nest(tiles, jAt)).toEqual([11]);
    expect(rules([loop(i, n, [store(y, [index(floorDiv(size(i), 2))], one)], "grid.x")])).toEqual([11]);
  });

  test("split indices are joined again", () => {
    const flat = mul(n, 4);
    const k = loopOver("k", flat);
    const body = [store(grid, [index(floorDiv(size(k), 4)), index(mod(size(k), 4))], one)];
    expect(rules([loop(k, flat, body, "parallel")], { writes: [grid] })).toEqual([]);
  });

  test("what another iteration writes is not read", () => {
    const read = (from: Size): readonly number[] =>
      rules([store(y, [index(0)], one), loop(i, n, [store(y, [at], load(y, [index(from)]))], "parallel")]);
    expect(read(size(i))).toEqual([]);
    expect(read(size(0))).toEqual([11]);
  });

  test("lanes may, with barriers; memory of one iteration is its own", () => {
    const lane = loopOver("lane", 4);
    const shared = new Buffer("shared", "f32", [size(4)], "workgroup");
    const own = scalar("own");
    const other = index(sub(size(3), size(lane)));
    const body = [
      alloc(shared),
      loop(
        lane,
        4,
        [
          alloc(own),
          store(own, [], one),
          store(shared, [index(size(lane))], load(own, [])),
          barrier,
          store(grid, [at, index(size(lane))], load(shared, [other])),
        ],
        "lane.x",
      ),
    ];
    expect(rules([loop(i, n, body, "grid.x")], { writes: [grid] })).toEqual([]);
  });

  test("an element may be written by the one lane that a condition leaves", () => {
    const lane = loopOver("lane", 4);
    const first = binary("eq", index(size(lane)), index(0));
    const body = [loop(lane, 4, [when(first, [store(y, [at], one)])], "lane.x")];
    expect(rules([loop(i, n, body, "grid.x")])).toEqual([]);
  });
});

test("rule 12: grid loops are outermost", () => {
  expect(rules([loop(i, n, [loop(loopOver("j", 4), 4, [], "grid.x")])])).toEqual([12]);
  expect(rules([loop(i, n, [loop(loopOver("j", 4), 4, [], "grid.y")], "grid.x")])).toEqual([]);
});

test("rule 13: all lanes reach a barrier", () => {
  const lane = loopOver("lane", 4);
  const lanes = (...body: readonly Statement[]): readonly number[] => rules([loop(lane, 4, body, "lane.x")]);
  const laneAt = index(size(lane));
  expect(lanes(barrier)).toEqual([]);
  expect(lanes(when(binary("lt", laneAt, index(2)), [barrier]))).toEqual([13]);
  expect(lanes(when(binary("lt", load(ids, [index(0)]), index(2)), [barrier]))).toEqual([13]);
  expect(lanes(when(binary("lt", index(n), index(2)), [barrier]))).toEqual([]);
  expect(lanes(loop(loopOver("k", size(lane)), size(lane), [barrier]))).toEqual([13]);
  expect(rules([barrier])).toEqual([13]);
});

test("rule 13: the lanes of one loop meet, in a scalar of numbers that was stored to", () => {
  const lane = loopOver("lane", 4);
  const own = scalar("own");
  const meet = (buffer: Buffer): Statement => ({ kind: "meet", buffer, update: "add" });
  const lanes = (...body: readonly Statement[]): readonly number[] => rules([loop(lane, 4, body, "lane.x")]);
  const ready = [alloc(own), store(own, [], one)];
  expect(lanes(...ready, meet(own))).toEqual([]);
  expect(lanes(alloc(own), meet(own))).toEqual([9]);
  expect(lanes(meet(own))).toEqual([2]);
  expect(rules([...ready, meet(own)])).toEqual([13]);
  expect(lanes(...ready, when(binary("lt", index(size(lane)), index(2)), [meet(own)]))).toEqual([13]);
  const row = loopOver("row", 2);
  expect(rules([loop(row, 2, [loop(lane, 4, [...ready, meet(own)], "lane.x")], "lane.y")])).toEqual([13]);
  const many = new Buffer("many", "f32", [size(1)], "private");
  expect(lanes(alloc(many), store(many, [index(0)], one), meet(many))).toEqual([13]);
});
