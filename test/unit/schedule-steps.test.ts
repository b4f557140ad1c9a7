/** What each step of a schedule makes of a kernel, and when it must not be taken. */
import { describe, expect, test } from "vitest";
import {
  Buffer,
  binary,
  cast,
  constant,
  index,
  type Kernel,
  load,
  printKernel,
  type Statement,
  verifyKernel,
} from "../../src/ir/kernel/index.js";
import { applySchedule, parseSchedule, ScheduleError } from "../../src/schedule/index.js";
import { add, mul, type Size, SizeVariable, size } from "../../src/sizes/index.js";
import { at, kernelOf, loop, product, store } from "../support/naive-kernels.js";

const N = size(new SizeVariable("N", 0, null));
const x = new Buffer("x", "f32", [size(10), N], "global");
const y = new Buffer("y", "f32", [size(10), N], "global");
const total = new Buffer("total", "f32", [size(10)], "global");
const f = (value: number) => constant(value, "f32");

/** y = 2 * x */
const twice = (): Kernel =>
  kernelOf(
    "twice",
    [x],
    [y],
    [loop("i", size(10), (i) => [loop("n", N, (n) => [store(y, [i, n], binary("mul", at(x, i, n), f(2)))])])],
  );

/** The sums of columns, in memory: total[i] += x[i, n]. */
const sums = (): Kernel =>
  kernelOf(
    "sums",
    [x],
    [total],
    [
      loop("i", size(10), (i) => [store(total, [i], f(0))]),
      loop("n", N, (n) => [loop("i2", size(10), (i) => [store(total, [i], at(x, i, n), "add")])]),
    ],
  );

const matmul = (): Kernel => product(size(6), size(8), N);

/** The statements after some steps, which keep the rules. */
function scheduled(kernel: Kernel, text: string): string {
  const made = applySchedule(kernel, parseSchedule(text));
  expect(verifyKernel(made)).toEqual([]);
  const lines = printKernel(made).split("\n");
  const first = lines.findIndex((line) => /^ {2}(for|alloc)/.test(line));
  return lines
    .slice(first, -1)
    .map((line) => line.slice(2))
    .join("\n");
}

/** Why some steps must not be taken. */
function refusal(kernel: Kernel, text: string): string {
  try {
    applySchedule(kernel, parseSchedule(text));
  } catch (error) {
    expect(error).toBeInstanceOf(ScheduleError);
    return (error as ScheduleError).message;
  }
  return "nothing";
}

describe("split", () => {
  test("exactly, under a condition, with a rest", () => {
    expect(scheduled(twice(), "split i 5 exact into io ii")).toBe(
      ["for io in 0..2", "  for ii in 0..5", "    for n in 0..N", "      y[ii + 5*io, n] = x[ii + 5*io, n] * 2.0"].join(
        "\n",
      ),
    );
    expect(scheduled(twice(), "split n 4 guard into no ni")).toBe(
      [
        "for i in 0..10",
        "  for no in 0..(N + 3) // 4",
        "    for ni in 0..4",
        "      if (ni + 4*no) < N",
        "        y[i, ni + 4*no] = x[i, ni + 4*no] * 2.0",
      ].join("\n"),
    );
    expect(scheduled(twice(), "split i 4 peel into io ii ir copies n2")).toBe(
      [
        "for io in 0..2",
        "  for ii in 0..4",
        "    for n in 0..N",
        "      y[ii + 4*io, n] = x[ii + 4*io, n] * 2.0",
        "for ir in 0..2",
        "  for n2 in 0..N",
        "    y[ir + 8, n2] = x[ir + 8, n2] * 2.0",
      ].join("\n"),
    );
  });

  test("what peel leaves over is gathered", () => {
    const kernel = scheduled(twice(), "split n 4 peel into no ni nr gather i 2 i2");
    expect(kernel).toBe(
      [
        "for i in 0..10",
        "  for no in 0..N // 4",
        "    for ni in 0..4",
        "      y[i, ni + 4*no] = x[i, ni + 4*no] * 2.0",
        "  if (i % 2) < 1",
        "    for i2 in 0..2",
        "      for nr in 0..N % 4",
        "        y[i + i2, nr + 4*(N // 4)] = x[i + i2, nr + 4*(N // 4)] * 2.0",
      ].join("\n"),
    );
    // The loop that gathers is still one that threads may share.
    expect(scheduled(twice(), "split n 4 peel into no ni nr gather i 5 i2; mark i parallel")).toContain("(i % 5) < 1");
    const gather = (of: string): string => refusal(twice(), `split n 4 peel into no ni nr gather ${of}`);
    expect(gather("i 3 i2")).toBe("split: 3 does not divide the extent 10 of i, which gathers");
    expect(gather("i 0 i2")).toBe("split: 0 is no factor for i");
    expect(gather("i 2 nr")).toBe("split: the name nr is taken in twice");
    expect(gather("k 2 i2")).toBe("split: there is no loop k; the loops of twice are i, n");
    expect(gather("n 2 n2")).toBe("split: 2 does not divide the extent N of n, which gathers");
    expect(refusal(twice(), "split i 3 peel into io ii ir copies n2 gather n 1 n3")).toBe(
      "split: i must stand in nothing but loops whose extents are free of it to be gathered in n",
    );
    expect(refusal(twice(), "split n 4 guard into no ni gather i 2 i2")).toBe(
      "split: nothing is left to gather: the tail is guard",
    );
  });

  test("is refused", () => {
    expect(refusal(twice(), "split i 3 exact into io ii")).toBe("split: 3 does not divide the extent 10 of i");
    expect(refusal(twice(), "split n 2 exact into no ni")).toBe("split: 2 does not divide the extent N of n");
    expect(refusal(twice(), "split i 5 peel into io ii ir copies n2")).toBe(
      "split: 5 divides the extent of i: there is no tail to peel",
    );
    expect(refusal(twice(), "split i 12 peel into io ii ir copies n2")).toBe(
      "split: i has only 10 iterations, fewer than 12",
    );
    expect(refusal(twice(), "split i 0 exact into io ii")).toBe("split: 0 is no factor for i");
    expect(refusal(twice(), "split k 2 exact into io ii")).toBe(
      "split: there is no loop k; the loops of twice are i, n",
    );
    expect(refusal(twice(), "split i 2 exact into io")).toBe("split: i becomes 2 loops, and 1 names are given");
    expect(refusal(twice(), "split i 3 peel into io ii ir")).toBe("split: 0 names are given for the copies of n in i");
    expect(refusal(twice(), "split i 2 exact into io n")).toBe("split: the name n is taken in twice");
    expect(refusal(twice(), "split i 2 exact into io io")).toBe("split: the name io is taken in twice");
    expect(refusal(twice(), "split i 2 exact into io N")).toBe("split: the name N is taken in twice");
    expect(refusal(twice(), "mark i vector; split i 2 exact into io ii")).toBe("split: i is a loop of the kind vector");
  });
});

describe("reorder", () => {
  test("brings independent loops into another order", () => {
    expect(scheduled(twice(), "reorder n i")).toBe(
      ["for n in 0..N", "  for i in 0..10", "    y[i, n] = x[i, n] * 2.0"].join("\n"),
    );
    // A loop that reduces stays in order for each result.
    expect(scheduled(sums(), "reorder i2 n")).toContain("for i2 in 0..10\n  for n in 0..N\n    total[i2] += x[i2, n]");
  });

  test("is refused", () => {
    expect(refusal(matmul(), "reorder k j")).toBe("reorder: k and nothing else must stand directly in j");
    expect(refusal(twice(), "reorder n")).toBe("reorder: fewer than two loops are named");
    expect(refusal(twice(), "reorder n n")).toBe("reorder: a loop of n, n is named twice");
    expect(refusal(sums(), "reorder i n")).toBe("reorder: n and nothing else must stand directly in i");
    const triangle = kernelOf(
      "triangle",
      [],
      [y],
      [
        loop("n", N, (n) => [loop("i", size(10), (i) => [store(y, [i, n], f(0))])]),
        loop("i2", size(10), (i) => [loop("j", add(i, 1), (j) => [loop("n2", N, (n) => [store(y, [j, n], f(1))])])]),
      ],
    );
    expect(refusal(triangle, "reorder j i2")).toBe("reorder: the extent of j depends on i2, which stands around it");
    expect(refusal(triangle, "reorder n2 j")).toBe("nothing");
    // The last value stays: the order of iterations matters.
    const last = kernelOf(
      "last",
      [x],
      [total],
      [loop("n", N, (n) => [loop("i", size(10), (i) => [store(total, [size(0)], at(x, i, n))])])],
    );
    expect(refusal(last, "reorder i n")).toBe(
      "reorder: iterations of i are not proven to be independent: they may meet in total",
    );
  });
});

describe("sink", () => {
  test("makes a tile of a scalar", () => {
    expect(scheduled(matmul(), "split j 4 exact into jo ji; sink ji into k")).toBe(
      [
        "for i in 0..6",
        "  for jo in 0..2",
        "    alloc sum: f32[4] private",
        "    for ji in 0..4",
        "      sum[ji] = 0.0",
        "    for k in 0..N",
        "      for ji in 0..4",
        "        sum[ji] += x[i, k] * w[k, ji + 4*jo]",
        "    for ji in 0..4",
        "      y[i, ji + 4*jo] = sum[ji]",
      ].join("\n"),
    );
    // Without entering it, only the statements are distributed.
    expect(scheduled(matmul(), "sink j")).toContain(
      "for j in 0..8\n    for k in 0..N\n      sum[j] += x[i, k] * w[k, j]",
    );
  });

  test("keeps neighbours that are not entered together", () => {
    expect(scheduled(matmul(), "split j 4 exact into jo ji; sink ji into k apart each")).toBe(
      [
        "for i in 0..6",
        "  for jo in 0..2",
        "    alloc sum: f32[4] private",
        "    for each in 0..4",
        "      sum[each] = 0.0",
        "    for k in 0..N",
        "      for ji in 0..4",
        "        sum[ji] += x[i, k] * w[k, ji + 4*jo]",
        "    for each in 0..4",
        "      y[i, each + 4*jo] = sum[each]",
      ].join("\n"),
    );
    // What only they use stays with them.
    expect(scheduled(matmul(), "sink j apart each")).toBe(
      [
        "for i in 0..6",
        "  for each in 0..8",
        "    alloc sum: f32 private",
        "    sum = 0.0",
        "    for k in 0..N",
        "      sum += x[i, k] * w[k, each]",
        "    y[i, each] = sum",
      ].join("\n"),
    );
    expect(refusal(matmul(), "sink j apart k")).toContain("sink: ");
  });

  test("is refused", () => {
    expect(refusal(matmul(), "sink k")).toBe("sink: the extent N of k is not constant");
    expect(refusal(matmul(), "sink j into m")).toBe("sink: j holds no loop m");
    expect(refusal(matmul(), "mark j vector; sink j into k")).toBe("sink: j is a loop of the kind vector");
    expect(refusal(product(size(6), size(8), size(4)), "sink k")).toBe(
      "sink: iterations of k are not proven to be independent: they may meet in sum",
    );
    const triangle = kernelOf(
      "triangle",
      [x],
      [y],
      [loop("i", size(10), (i) => [loop("j", add(i, 1), () => [loop("n", N, (n) => [store(y, [i, n], f(1))])])])],
    );
    expect(refusal(triangle, "sink i into j")).toBe("sink: the extent of j depends on i, which cannot be sunk into it");
    const shaped = kernelOf(
      "shaped",
      [x],
      [y],
      [
        loop("i", size(10), (i) => {
          const row = new Buffer("row", "f32", [add(i, 1)], "private");
          return [{ kind: "alloc", buffer: row }, store(row, [i], f(1)), store(y, [i, size(0)], at(row, i))];
        }),
      ],
    );
    expect(refusal(shaped, "sink i")).toBe("sink: the shape of row depends on i");
  });
});

describe("mark", () => {
  test("marks every loop of the name", () => {
    const text = scheduled(matmul(), "split j 4 exact into jo ji; sink ji into k; mark ji unroll; mark i grid.x");
    expect(text.match(/for ji in 0..4 unroll/g)).toHaveLength(3);
    expect(text).toContain("for i in 0..6 grid.x");
  });

  test("is refused", () => {
    expect(refusal(twice(), "mark n unroll")).toBe("mark: the extent N of n is not constant");
    expect(refusal(twice(), "mark n grid.x")).toBe("mark: n stands in a loop that is not of a grid");
    expect(refusal(sums(), "mark n parallel")).toBe(
      "mark: iterations of n are not proven to be independent: they may meet in total",
    );
    expect(refusal(matmul(), "split j 4 exact into jo ji; sink ji into k; split ji 2 exact into a b")).toBe(
      "split: 3 loops are called ji",
    );
  });
});

describe("peelGuard", () => {
  const split = "split n 4 guard into no ni; ";

  test("leaves no condition in the first part", () => {
    expect(scheduled(twice(), `${split}peelGuard no into nr copies ni2`)).toBe(
      [
        "for i in 0..10",
        "  for no in 0..N // 4",
        "    for ni in 0..4",
        "      y[i, ni + 4*no] = x[i, ni + 4*no] * 2.0",
        "  for nr in 0..(N + 3) // 4 - N // 4",
        "    for ni2 in 0..4",
        "      if (ni2 + 4*nr + 4*(N // 4)) < N",
        "        y[i, ni2 + 4*nr + 4*(N // 4)] = x[i, ni2 + 4*nr + 4*(N // 4)] * 2.0",
      ].join("\n"),
    );
    expect(scheduled(twice(), "split i 4 guard into io ii; peelGuard io into ir copies ii2 n2")).toContain(
      "for ir in 0..1\n  for ii2 in 0..4\n    if (ii2 + 4*ir + 8) < 10",
    );
  });

  test("is refused", () => {
    expect(refusal(twice(), "peelGuard n into nr")).toBe("peelGuard: there is no condition in n");
    expect(refusal(twice(), `${split}peelGuard no into nr`)).toBe(
      "peelGuard: 0 names are given for the copies of ni in no",
    );
    expect(refusal(twice(), `${split}peelGuard i into ir copies a b`)).toBe(
      "peelGuard: a condition in i says nothing about it",
    );
    expect(refusal(twice(), `${split}mark ni unroll; peelGuard ni into nr`)).toBe(
      "peelGuard: ni is a loop of the kind unroll",
    );
    const rising = kernelOf(
      "rising",
      [],
      [total],
      [
        loop("i", size(10), (i) => [
          store(total, [i], f(0)),
          { kind: "if", condition: binary("lt", index(size(3)), index(i)), body: [store(total, [i], f(1))] },
        ]),
      ],
    );
    expect(refusal(rising, "peelGuard i into r")).toBe("peelGuard: i - 4 does not fall with i by a whole number");
  });
});

describe("accumulate", () => {
  test("keeps what is updated in private memory", () => {
    expect(scheduled(sums(), "accumulate total n into in out")).toBe(
      [
        "for i in 0..10",
        "  total[i] = 0.0",
        "alloc total_tile: f32[10] private",
        "for in in 0..10",
        "  total_tile[in] = total[in]",
        "for n in 0..N",
        "  for i2 in 0..10",
        "    total_tile[i2] += x[i2, n]",
        "for out in 0..10",
        "  total[out] = total_tile[out]",
      ].join("\n"),
    );
  });

  test("is refused", () => {
    expect(refusal(sums(), "accumulate y n")).toBe("accumulate: n does not update y");
    expect(refusal(twice(), "accumulate y n into a b")).toBe(
      "accumulate: n does more with y than to update it at one place",
    );
    expect(refusal(sums(), "accumulate total i2")).toBe("accumulate: the place in total depends on i2");
    expect(refusal(sums(), "accumulate total n into a")).toBe(
      "accumulate: 1 names are given to copy in and out along i2",
    );
    expect(refusal(matmul(), "accumulate sum j")).toBe("accumulate: sum is allocated in j");
    const guarded = "split i2 4 guard into io ii; accumulate total n into a b c d";
    expect(refusal(sums(), guarded)).toBe("accumulate: total is updated under a condition");
    const long = kernelOf(
      "long",
      [x],
      [y],
      [
        loop("i", size(10), (i) => [loop("n", N, (n) => [store(y, [i, n], f(0))])]),
        loop("j", size(10), (j) => [loop("m", N, (m) => [store(y, [size(0), m], at(x, j, m), "add")])]),
      ],
    );
    expect(refusal(long, "accumulate y j into a b")).toBe("accumulate: the extent N of m is not constant");
    // Two iterations that update one element would be copied in twice.
    const meeting = kernelOf(
      "meeting",
      [x],
      [total],
      [
        loop("i", size(10), (i) => [store(total, [i], f(0))]),
        loop("n", N, (n) => [
          loop("a", size(2), (a) => [loop("b", size(2), (b) => [store(total, [add(a, b)], at(x, a, n), "add")])]),
        ]),
      ],
    );
    expect(refusal(meeting, "accumulate total n into p q r s")).toContain("not proven to be independent");
  });
});

describe("fold", () => {
  const bytes = new Buffer("bytes", "i8", [size(10), size(6)], "global");
  const whole = new Buffer("whole", "i32", [size(10)], "global");
  const product = (i: Size, k: Size) => binary("mul", cast(at(bytes, i, k), "i32"), index(i));
  /** The sums of rows of bytes, times the number of the row. */
  const rows = (add: (i: Size, k: Size) => Statement[]): Kernel =>
    kernelOf(
      "rows",
      [bytes],
      [whole],
      [
        loop("j", size(10), (i) => [store(whole, [i], index(0))]),
        loop("i", size(10), (i) => [loop("k", size(6), (k) => add(i, k))]),
      ],
    );
  const sums32 = rows((i, k) => [store(whole, [i], product(i, k), "add")]);

  test("adds at once what iterations add", () => {
    expect(scheduled(sums32, "split k 2 exact into ko ki; fold ki")).toContain(
      [
        "for i in 0..10",
        "  for ko in 0..3",
        "    whole[i] += i32(bytes[i, 2*ko]) * i + i32(bytes[i, 2*ko + 1]) * i",
      ].join("\n"),
    );
  });

  test("is refused", () => {
    expect(refusal(sums32, "fold i")).toBe("fold: i does more, or other, than to add");
    expect(refusal(sums32, "fold j")).toBe("fold: j does more, or other, than to add");
    expect(refusal(twice(), "fold n")).toBe("fold: n has N iterations, not 1 to 16");
    const running = rows((i, k) => [store(whole, [k], product(i, k), "add")]);
    expect(refusal(running, "fold k")).toBe("fold: the place in whole depends on k");
    const doubled = rows((i, k) => [store(whole, [i], binary("add", at(whole, i), product(i, k)), "add")]);
    expect(refusal(doubled, "fold k")).toBe("fold: what is added in k reads whole");
  });
});

describe("rfactor", () => {
  const row = (extent: Size): Kernel => {
    const sum = new Buffer("sum", "f32", [], "private");
    const z = new Buffer("z", "f32", [extent], "global");
    const out = new Buffer("out", "f32", [], "global");
    return kernelOf(
      "row",
      [z],
      [out],
      [
        { kind: "alloc", buffer: sum },
        store(sum, [], f(0)),
        loop("k", extent, (k) => [store(sum, [], at(z, k), "add")]),
        store(out, [], load(sum, [])),
      ],
    );
  };

  test("keeps a result for each iteration", () => {
    expect(scheduled(row(mul(N, 4)), "split k 4 exact into ko ki; rfactor ki ko into begin combine")).toBe(
      [
        "alloc sum: f32 private",
        "sum = 0.0",
        "alloc sum_part: f32[4] private",
        "for begin in 0..4",
        "  sum_part[begin] = 0.0",
        "for ko in 0..N",
        "  for ki in 0..4",
        "    sum_part[ki] += z[ki + 4*ko]",
        "for combine in 0..4",
        "  sum += sum_part[combine]",
        "out[] = sum",
      ]
        .join("\n")
        .replace("out[]", "out"),
    );
  });

  test("is refused", () => {
    const split = "split k 4 exact into ko ki; ";
    expect(refusal(row(mul(N, 4)), `${split}rfactor ko ki into a b`)).toBe("rfactor: ko does not stand in ki");
    expect(refusal(sums(), "rfactor i2 n into a b")).toBe("rfactor: the place in total changes in n");
    expect(refusal(twice(), "rfactor n i into a b")).toBe("rfactor: the extent N of n is not constant");
    expect(refusal(twice(), "reorder n i; rfactor i n into a b")).toBe("rfactor: i reduces nothing");
    expect(refusal(row(mul(N, 4)), `${split}rfactor ki ko into ko b`)).toBe("rfactor: the name ko is taken in row");
    const running = kernelOf(
      "running",
      [x],
      [total],
      [
        store(total, [size(0)], f(0)),
        loop("n", N, (n) => [
          loop("i", size(4), (i) => [
            store(total, [size(0)], at(x, i, n), "add"),
            store(total, [add(i, 1)], at(total, size(0))),
          ]),
        ]),
      ],
    );
    expect(refusal(running, "rfactor i n into a b")).toBe("rfactor: n does more with total than to update it once");
  });
});
