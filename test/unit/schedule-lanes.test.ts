/** The steps that lanes work together by: what they make of a kernel, when they must not be taken, and random ones. */
import { describe, expect, it } from "vitest";
import { InternalError } from "../../src/diagnostics/index.js";
import {
  Buffer,
  binary,
  constant,
  type Kernel,
  kernelViolations,
  printKernel,
  unary,
  verifyKernel,
} from "../../src/ir/kernel/index.js";
import {
  applySchedule,
  applyStep,
  parseSchedule,
  printSchedule,
  ScheduleError,
  type Step,
} from "../../src/schedule/index.js";
import { legaliseForWgsl } from "../../src/schedule/legalise/wgsl.js";
import { type Size, SizeVariable, size } from "../../src/sizes/index.js";
import { at, kernelOf, loop, product, randomArguments, resultOf, store } from "../support/naive-kernels.js";
import { Random } from "../support/random.js";
import { randomLaneStep } from "../support/random-schedule.js";

const N = size(new SizeVariable("N", 0, null));
const f = (value: number) => constant(value, "f32");

const matmul = (): Kernel => product(size(6), size(8), size(4));

/** y[i, n] = exp(x[i, n]) / sum over n of exp(x[i, n]) */
function rows(extent = N, changes = false): Kernel {
  const x = new Buffer("x", "f32", [size(3), extent], "global");
  const y = new Buffer("y", "f32", [size(3), extent], "global");
  const sum = new Buffer("sum", "f32", [], "private");
  return kernelOf(
    "rows",
    [x],
    [y],
    [
      loop("i", size(3), (i) => [
        { kind: "alloc", buffer: sum },
        store(sum, [], f(0)),
        loop("n", extent, (n) => [store(sum, [], unary("exp", at(x, i, n)), changes ? null : "add")]),
        loop("m", extent, (m) => [store(y, [i, m], binary("div", unary("exp", at(x, i, m)), at(sum)))]),
      ]),
    ],
  );
}

/** What a kernel writes, of random numbers that a seed decides, to nine digits: sums are taken in another order. */
function ran(kernel: Kernel, seed: number, length = 7): readonly string[] {
  const given = randomArguments(kernel, () => length, seed);
  return resultOf(kernel, () => length, given).map((each) => (each + 0).toPrecision(9));
}

function refusal(kernel: Kernel, text: string): string {
  try {
    applySchedule(kernel, parseSchedule(text));
  } catch (error) {
    expect(error).toBeInstanceOf(ScheduleError);
    return (error as ScheduleError).message;
  }
  return "nothing";
}

/** The kernel after some steps, with its barriers. */
function legal(kernel: Kernel, text: string): Kernel {
  const made = legaliseForWgsl(applySchedule(kernel, parseSchedule(text)));
  expect(verifyKernel(made)).toEqual([]);
  return made;
}

const lanes =
  "split k 2 exact into ko ki; split i 2 exact into io ii; split j 4 exact into jo ji; reorder io jo ii ji; mark io grid.x; mark jo grid.x; mark ii lane.y; mark ji lane.x";
const of = (loop: string, axes: string, more = "along 0 1"): string =>
  `${lanes}; share sum left ${loop} tile ${more} over ${axes} into fill`;

describe("share", () => {
  it("lets lanes compute a factor together, and wait for each other", () => {
    const made = legal(matmul(), of("ko", "ii ki"));
    const text = printKernel(made);
    expect(text).toContain("alloc tile: f32[2, 2] workgroup");
    expect(text.match(/barrier/g)).toHaveLength(2);
    expect(ran(made, 3)).toEqual(ran(matmul(), 3));
  });

  it("fills several neighbours at a time, and along the first axis", () => {
    for (const more of ["along 0 1", "across 1 1", "along 3 1"]) {
      const made = legal(matmul(), of("ko", "ii ki", more));
      expect(ran(made, 5), more).toEqual(ran(matmul(), 5));
    }
    const wide = `${lanes}; share sum left ko tile along 0 2 over ii ki into fill part`;
    expect(ran(legal(matmul(), wide), 7)).toEqual(ran(matmul(), 7));
  });

  it.each([
    ["share sum left k tile along 0 1 over k into fill", "share: k stands in no lanes"],
    [of("ko", "ii x"), "share: x is neither a lane around ko nor a loop in it"],
    [of("ko", "ki"), "share: the factor of sum depends on ii too"],
    [of("ko", "ii ki", "across 0 2"), "share: 1 names are given to fill tile"],
    [
      `${lanes}; share sum left ko tile across 0 2 over ii ki into fill part`,
      "share: tile is not filled by 2 neighbours at a time",
    ],
    [
      `${lanes}; share sum left ko tile along 0 3 over ii ki into fill part`,
      "share: tile is not filled by 3 neighbours at a time",
    ],
    [of("ko", "ii ki").replace("into fill", "into ii"), "share: the name ii is taken in product"],
    [of("nowhere", "ii ki"), "share: there is no loop nowhere; the loops of product are io, jo, ii, ji, ko, ki"],
    [of("ko", "ii ki").replace("sum", "other"), "share: ko updates other at 0 places, not at one"],
    [
      `${of("ko", "ii ki")}; share sum left ko again along 0 1 over ii ki into fill2`,
      "share: the factor of sum reads tile, which ko writes",
    ],
  ])("%s: %s", (text, message) => {
    expect(refusal(matmul(), text)).toBe(message);
  });

  it("refuses extents that are not constant", () => {
    const text = "mark i lane.x; share sum right j tile along 0 1 over k into fill";
    expect(refusal(product(size(6), size(8), N), text)).toBe("share: the extent of k is not constant");
  });
});

describe("spread", () => {
  const spread = (count: number, names: string): string => `mark i grid.x; spread i ${count} into ${names}`;

  it("lets lanes share the loops of a row, whatever its length", () => {
    const made = legal(rows(), spread(4, "lane no part all mo"));
    for (const length of [0, 1, 3, 4, 5, 17]) {
      expect(ran(made, 1, length), `${length}`).toEqual(ran(rows(), 1, length));
    }
  });

  it("lets lanes meet by what the device has for it", () => {
    const made = legal(rows(), "mark i grid.x; spread i 5 meeting into lane no mo");
    expect(printKernel(made)).toContain("meet sum_part add");
    for (const length of [0, 1, 4, 5, 6, 17]) {
      expect(ran(made, 1, length), `${length}`).toEqual(ran(rows(), 1, length));
    }
  });

  it.each([
    ["spread i 5 into lane no part all mo", "spread: 5 lanes are not made of equal groups"],
    ["spread i 1 into lane no part all mo", "spread: 1 lanes are not made of equal groups"],
    ["spread i 4 into lane no part all", "spread: too few names are given"],
    ["spread i 4 into lane no part all mo more", "spread: 1 names too many are given"],
    ["spread i 4 into n no part all mo", "spread: the name n is taken in rows"],
    ["mark m unroll; spread i 4 into lane no part all mo", "mark: the extent N of m is not constant"],
    [
      "split m 4 guard into mo mi; mark mo parallel; spread i 4 into lane no part all mo2",
      "spread: mo is a loop of the kind parallel",
    ],
  ])("%s: %s", (text, message) => {
    expect(refusal(rows(), text)).toBe(message);
  });

  it("refuses lanes in lanes", () => {
    const names = "into lane ko part all";
    expect(refusal(matmul(), `mark i lane.y; spread j 4 ${names}`)).toBe("spread: j stands in the lanes i");
    expect(refusal(matmul(), `mark j lane.x; spread j 4 ${names}`)).toBe("spread: j is one of the lanes itself");
    const twice = `spread j 4 ${names}; spread i 4 into lane2 jo`;
    expect(refusal(matmul(), twice)).toBe("spread: the lanes lane stand in i");
  });

  it("lets lanes share a row that they fill together, and the sums of columns that all of them run", () => {
    const K = size(10);
    const [x, w] = [new Buffer("x", "f32", [size(3), K], "global"), new Buffer("w", "f32", [size(7), K], "global")];
    const [y, v] = [
      new Buffer("y", "f32", [size(3), size(7)], "global"),
      new Buffer("v", "f32", [size(7), K], "global"),
    ];
    const [square, sum, other] = ["square", "sum", "other"].map((name) => new Buffer(name, "f32", [], "private"));
    const rowOf = (i: Size, k: Size) => binary("div", at(x, i, k), at(square!));
    const kernel = kernelOf(
      "normalised",
      [x, w, v],
      [y],
      [
        loop("i", size(3), (i) => [
          { kind: "alloc", buffer: square! },
          store(square!, [], f(1)),
          loop("k", K, (k) => [store(square!, [], binary("mul", at(x, i, k), at(x, i, k)), "add")]),
          loop("j", size(7), (j) => [
            ...[sum!, other!].flatMap((buffer) => [{ kind: "alloc", buffer } as const, store(buffer, [], f(0))]),
            loop("n", K, (n) => [store(sum!, [], binary("mul", rowOf(i, n), at(w, j, n)), "add")]),
            loop("m", K, (m) => [store(other!, [], binary("mul", rowOf(i, m), at(v, j, m)), "add")]),
            store(y, [i, j], binary("mul", at(sum!), at(other!))),
          ]),
        ]),
      ],
    );
    expect(verifyKernel(kernel)).toEqual([]);
    const staged = "split j 4 clamp into jo ji; stage sum left jo workgroup row into fill; repeat jo";
    const names = "lane ko a b fo no c d mo e g";
    const made = legal(kernel, `${staged}; mark i grid.x; mark jo grid.x; spread jo 6 over ji into ${names}`);
    // Both sums read the row, which is computed once.
    expect(printKernel(made).match(/\/ square/g)).toHaveLength(1);
    for (const seed of [1, 2]) expect(ran(made, seed)).toEqual(ran(kernel, seed));
    expect(refusal(kernel, "repeat n")).toBe("repeat: something stands behind n");
    expect(refusal(kernel, "repeat i; repeat k")).toBe("repeat: something stands behind k");
    expect(refusal(rows(), "repeat m; repeat m")).toBe("nothing");
  });

  it("refuses a row that does more than to sum", () => {
    expect(refusal(rows(N, true), spread(4, "lane no part all mo"))).toBe("spread: n stores to sum");
  });

  it("refuses what is both stored and read", () => {
    const y = new Buffer("y", "f32", [size(3), N], "global");
    const shifted = kernelOf(
      "shifted",
      [],
      [y],
      [
        loop("i", size(3), (i) => [
          loop("n", N, (n) => [store(y, [i, n], f(1))]),
          loop("m", N, (m) => [store(y, [i, m], at(y, i, m))]),
        ]),
      ],
    );
    expect(refusal(shifted, "spread i 4 into lane no mo")).toBe("spread: y is both stored and read in i");
  });
});

it("random steps of lanes do not change what kernels compute", () => {
  const taken = new Map<string, number>();
  let compared = 0;
  for (let seed = 1; seed <= 400; seed++) {
    const random = new Random(seed);
    const naive =
      seed % 3 === 0
        ? rows(size(7))
        : seed % 3 === 1
          ? matmul()
          : product(size(4), size(4), size(8), { transposed: true });
    let kernel = naive;
    const steps: Step[] = [];
    for (let attempt = 0; attempt < 12; attempt++) {
      const step = randomLaneStep(kernel, random);
      if (step === null) break;
      try {
        const next = applyStep(kernel, step);
        // What is not proven is left to other tests.
        if (kernelViolations(next).length > 0) continue;
        kernel = next;
      } catch (error) {
        if (error instanceof ScheduleError) continue;
        throw new Error(`seed ${seed}: ${printSchedule([...steps, step])}`, { cause: error });
      }
      steps.push(step);
      taken.set(step.step, (taken.get(step.step) ?? 0) + 1);
    }
    const where = `seed ${seed}: ${printSchedule(steps)}`;
    expect(parseSchedule(printSchedule(steps)), where).toEqual(steps);
    let made: Kernel;
    try {
      made = legaliseForWgsl(kernel);
    } catch (error) {
      // Lanes that would have to wait under a condition are no kernel of a GPU.
      if (error instanceof InternalError && error.message.includes("under a condition")) continue;
      throw error;
    }
    compared++;
    expect(ran(made, seed), where).toEqual(ran(naive, seed));
  }
  expect(compared).toBeGreaterThan(200);
  expect(taken.get("share")).toBeGreaterThan(20);
  expect(taken.get("spread")).toBeGreaterThan(20);
});
