import { describe, expect, test } from "vitest";
import { interpretKernel, KernelError, Memory } from "../../src/interpreter/kernel.js";
import { tensorOf } from "../../src/interpreter/tensor.js";
import {
  Buffer,
  binary,
  cast,
  constant,
  type Expression,
  index,
  type Kernel,
  type LoopKind,
  load,
  type Statement,
  unary,
} from "../../src/ir/kernel/index.js";
import { add, type Size, SizeVariable, size, sub } from "../../src/sizes/index.js";

const N = new SizeVariable("N", 0, 64);
const n = size(N);
const x = new Buffer("x", "f32", [n], "global");
const y = new Buffer("y", "f32", [n], "global");
const i = new SizeVariable("i", 0, sub(n, 1));
const at = index(size(i));
const lane = new SizeVariable("lane", 0, 3);
const laneAt = index(size(lane));

type UpdateOperator = Extract<Statement, { kind: "store" }>["update"];

const loop = (
  variable: SizeVariable,
  extent: Size,
  body: readonly Statement[],
  kind: LoopKind = "serial",
): Statement => ({
  kind: "for",
  variable,
  extent,
  loop: kind,
  body,
});
const store = (
  buffer: Buffer,
  indices: readonly Expression[],
  value: Expression,
  update: UpdateOperator = null,
): Statement => ({ kind: "store", buffer, index: indices, value, update });
const alloc = (buffer: Buffer): Statement => ({ kind: "alloc", buffer });
const barrier: Statement = { kind: "barrier" };

function kernel(body: readonly Statement[], parts: Partial<Kernel> = {}): Kernel {
  return { name: "k", reads: [x], writes: [y], sizes: [N], body, location: null, ...parts };
}

/** Runs a kernel of x and y on these numbers. */
function run(made: Kernel, data: readonly number[], precision: "f64" | "f32" = "f64"): number[] {
  const count = data.length;
  const memories = new Map([
    ...made.reads.map((each) => [each, Memory.of(tensorOf(each.element, [count], data), precision === "f64")] as const),
    ...made.writes.map((each) => [each, new Memory(each.element, [count], precision === "f64")] as const),
  ]);
  interpretKernel(made, { sizeOf: () => count, memories, precision });
  return [...memories.get(made.writes[0]!)!.tensor().data];
}

const f = (value: number): Expression => constant(value, "f32");

test("loops, private memory and updates", () => {
  const s = new Buffer("s", "f32", [], "private");
  const body = [
    alloc(s),
    store(s, [], f(0)),
    loop(i, n, [store(s, [], load(x, [at]), "add"), store(y, [at], load(s, []))]),
  ];
  expect(run(kernel(body), [1, 2, 4])).toEqual([1, 3, 7]);
  expect(run(kernel(body), [])).toEqual([]);
  const largest = [
    alloc(s),
    store(s, [], f(-Infinity)),
    loop(i, n, [store(s, [], load(x, [at]), "max"), store(y, [at], load(s, []))]),
  ];
  expect(run(kernel(largest), [1, 3, 2, Number.NaN, 5])).toEqual([1, 3, 3, Number.NaN, Number.NaN]);
});

test("precision f32 rounds every result, f64 what is made of indices", () => {
  const third = binary("div", load(x, [at]), f(3));
  const body = [loop(i, n, [store(y, [at], binary("mul", third, f(3)))])];
  expect(run(kernel(body), [5])).toEqual([5]);
  expect(run(kernel(body), [0.1], "f32")).toEqual([Math.fround(Math.fround(Math.fround(0.1) / 3) * 3)]);
  const position = unary("sin", cast(index(add(size(i), 7)), "f32"));
  const table = [loop(i, n, [store(y, [at], position)])];
  expect(run(kernel(table), [0])).toEqual([Math.fround(Math.sin(7))]);
});

test("i32 wraps around", () => {
  const a = new Buffer("a", "i32", [n], "global");
  const b = new Buffer("b", "i32", [n], "global");
  const body = [loop(i, n, [store(b, [at], binary("add", load(a, [at]), load(a, [at])))])];
  expect(run(kernel(body, { reads: [a], writes: [b] }), [2 ** 31 - 1, 5])).toEqual([-2, 10]);
});

describe("what must not be", () => {
  const fails = (body: readonly Statement[], parts: Partial<Kernel> = {}): string => {
    try {
      run(kernel(body, parts), [1, 2, 3, 4]);
    } catch (error) {
      expect(error).toBeInstanceOf(KernelError);
      return (error as Error).message;
    }
    return "nothing";
  };

  test("an index out of bounds", () => {
    const next = index(add(size(i), 1));
    expect(fails([loop(i, n, [store(y, [at], load(x, [next]))])])).toBe(
      "kernel k reads x[4] out of bounds: axis 0 has 4 elements at i = 3",
    );
    expect(fails([loop(i, n, [store(y, [next], f(0))])])).toContain("kernel k writes y[4] out of bounds");
    expect(fails([store(y, [index(-1)], f(0))])).toBe("kernel k writes y[-1] out of bounds: axis 0 has 4 elements");
  });

  test("a read or update of what was not written", () => {
    const s = new Buffer("s", "f32", [size(2)], "private");
    expect(fails([alloc(s), loop(i, n, [store(y, [at], load(s, [index(1)]))])])).toBe(
      "kernel k reads s[1] before it is written at i = 0",
    );
    expect(fails([loop(i, n, [store(y, [at], f(1), "add")])])).toContain("reads y[0] before it is written");
    // Each iteration has new memory.
    const body = [alloc(s), store(y, [at], f(0)), store(s, [index(0)], f(1))];
    const again = [alloc(s), store(y, [at], load(s, [index(0)]))];
    expect(fails([loop(i, n, [...body]), loop(i, n, again)])).toContain("reads s[0] before it is written");
  });

  test("an output that is not written", () => {
    expect(fails([store(y, [index(2)], f(0))])).toBe("kernel k does not write y[0]");
  });

  test("an argument of another shape", () => {
    expect(fails([], { writes: [new Buffer("y", "f32", [add(n, 1)], "global")] })).toContain(
      "is given f32[4] for y: f32[5]",
    );
  });

  test("iterations that meet", () => {
    const s = new Buffer("s", "f32", [], "private");
    const racing = (kind: LoopKind): string =>
      fails([
        alloc(s),
        store(s, [], f(0)),
        loop(i, n, [store(s, [], load(x, [at]), "add"), store(y, [at], f(0))], kind),
      ]);
    expect(racing("serial")).toBe("nothing");
    for (const kind of ["parallel", "grid.x", "lane.x", "vector"] as const) {
      expect(racing(kind)).toContain("s[] which another iteration");
    }
    const neighbours = [store(y, [index(0)], f(0)), loop(i, n, [store(y, [at], load(y, [index(0)]))], "parallel")];
    expect(fails(neighbours)).toContain("which another iteration");
  });
});

describe("lanes", () => {
  const shared = new Buffer("shared", "f32", [size(4)], "workgroup");
  const mirrored = index(sub(size(3), size(lane)));
  const four = [1, 2, 3, 4];

  test("see what other lanes wrote before the barrier", () => {
    const body = (between: readonly Statement[]): readonly Statement[] => [
      alloc(shared),
      loop(
        lane,
        size(4),
        [store(shared, [laneAt], load(x, [laneAt])), ...between, store(y, [laneAt], load(shared, [mirrored]))],
        "lane.x",
      ),
    ];
    expect(run(kernel(body([barrier])), four)).toEqual([4, 3, 2, 1]);
    expect(() => run(kernel(body([])), four)).toThrow("shared[3] before it is written");
  });

  test("add up in a tree, with a barrier in each round", () => {
    const round = new SizeVariable("round", 0, 1);
    const distance = sub(size(2), size(round));
    const near = binary("lt", laneAt, index(distance));
    const sum = binary("add", load(shared, [laneAt]), load(shared, [index(add(size(lane), distance))]));
    const body = [
      alloc(shared),
      loop(
        lane,
        size(4),
        [
          store(shared, [laneAt], load(x, [laneAt])),
          barrier,
          loop(round, size(2), [{ kind: "if", condition: near, body: [store(shared, [laneAt], sum)] }, barrier]),
          store(y, [laneAt], load(shared, [index(0)])),
        ],
        "lane.x",
      ),
    ];
    expect(run(kernel(body), four)).toEqual([10, 10, 10, 10]);
  });

  test("meet in a scalar, as often as they pass", () => {
    const own = new Buffer("own", "f32", [], "private");
    const meet = (update: "add" | "max" | "min"): Statement => ({ kind: "meet", buffer: own, update });
    const met = (...meetings: readonly Statement[]): unknown => {
      const inner = [alloc(own), store(own, [], load(x, [laneAt])), ...meetings, store(y, [laneAt], load(own, []))];
      return run(kernel([loop(lane, size(4), inner, "lane.x")]), four);
    };
    expect(met(meet("add"))).toEqual([10, 10, 10, 10]);
    expect(met(meet("max"))).toEqual([4, 4, 4, 4]);
    expect(met(meet("min"), meet("add"))).toEqual([4, 4, 4, 4]);
    const turns = new SizeVariable("turn", 0, 1);
    expect(met(loop(turns, size(2), [meet("add")]))).toEqual([40, 40, 40, 40]);
    const some = { kind: "if" as const, condition: binary("lt", laneAt, index(2)), body: [meet("add")] };
    expect(() => met(some)).toThrow("2 of 4 lanes lane");
    const others = { kind: "if" as const, condition: binary("le", index(2), laneAt), body: [barrier] };
    expect(() => met(some, others)).toThrow("lanes lane wait for different things");
  });

  test("of two axes wait for each other", () => {
    const row = new SizeVariable("row", 0, 1);
    const column = new SizeVariable("column", 0, 1);
    const place = index(add(add(size(row), size(row)), size(column)));
    const opposite = index(sub(sub(sub(size(3), size(row)), size(row)), size(column)));
    const inner = [store(shared, [place], load(x, [place])), barrier, store(y, [place], load(shared, [opposite]))];
    const body = [alloc(shared), loop(row, size(2), [loop(column, size(2), inner, "lane.x")], "lane.y")];
    expect(run(kernel(body), four)).toEqual([4, 3, 2, 1]);
  });

  test("must all reach a barrier", () => {
    const condition = binary("lt", laneAt, index(2));
    const body = [loop(lane, size(4), [{ kind: "if" as const, condition, body: [barrier] }], "lane.x")];
    expect(() => run(kernel(body), four)).toThrow("a barrier is reached by 2 of 4 lanes lane");
  });
});

test("time does not grow with the paths through shared parts", () => {
  let value: Expression = load(x, [at]);
  for (let k = 0; k < 60; k++) value = binary("mul", f(0.5), binary("add", value, value));
  expect(run(kernel([loop(i, n, [store(y, [at], value)])]), [3])).toEqual([3]);
});
