/** Sizes: the normal form, proofs and text, on the examples that the compiler meets. The fuzz test is next to it. */
import { describe, expect, it } from "vitest";
import {
  absolute,
  add,
  bindingOf,
  compare,
  constantOf,
  DivisionByZero,
  divisibleBy,
  evaluate,
  exactDivide,
  floorDiv,
  isAtMost,
  isLess,
  isNonNegative,
  maximum,
  minimum,
  mod,
  mul,
  neg,
  parseSize,
  rangeOf,
  render,
  type Size,
  SizeOverflow,
  SizeSyntaxError,
  SizeVariable,
  size,
  sub,
  substitute,
  variablesOf,
} from "../../src/sizes/index.js";

function extent(name: string, min = 1, max: number | null = null): [Size, SizeVariable] {
  const variable = new SizeVariable(name, min, max);
  return [size(variable), variable];
}

/** An index variable over 0..count-1. */
function index(name: string, count: Size | number): Size {
  return size(new SizeVariable(name, 0, sub(count, 1)));
}

const [B] = extent("B");
const [D, dVariable] = extent("D");
const [H] = extent("H");
const [S] = extent("S");
const [T, tVariable] = extent("T");
const [n] = extent("n");

describe("normal form", () => {
  it("makes equal polynomials identical", () => {
    expect(add(T, 1)).toBe(add(1, T));
    expect(mul(B, T)).toBe(mul(T, B));
    expect(mul(add(T, 1), sub(T, 1))).toBe(sub(mul(T, T), 1));
    expect(sub(T, T)).toBe(size(0));
    expect(size(new SizeVariable("T", 1, null))).not.toBe(T);
  });

  it("splits multiples of the divisor off", () => {
    const i = size(new SizeVariable("i", 0, null));
    const j = size(new SizeVariable("j", 0, null));
    expect(floorDiv(add(mul(8, j), i), 8)).toBe(add(j, floorDiv(i, 8)));
    expect(floorDiv(add(mul(8, j), index("i", 8)), 8)).toBe(j);
    expect(floorDiv(sub(mul(H, n), 1), n)).toBe(sub(H, 1));
    expect(floorDiv(add(mul(H, n), index("i", n)), n)).toBe(H);
    expect(floorDiv(add(T, 9), 8)).toBe(add(1, floorDiv(add(T, 1), 8)));
    expect(floorDiv(add(mul(16, j), mul(2, i)), 4)).toBe(add(mul(4, j), floorDiv(i, 2)));
  });

  it("keeps division and remainder consistent", () => {
    for (const b of [size(4), n, add(n, 1), mul(3, n)]) {
      expect(add(mul(b, floorDiv(T, b)), mod(T, b))).toBe(T);
      expect(sub(T, mod(T, b))).toBe(mul(b, floorDiv(T, b)));
      expect(mod(mod(T, b), b)).toBe(mod(T, b));
    }
    expect(mod(mod(T, 8), 4)).toBe(mod(T, 4));
    expect(mod(add(T, 8), 4)).toBe(mod(T, 4));
    expect(floorDiv(mod(T, 8), 8)).toBe(size(0));
    const h = index("h", mul(H, n));
    expect(add(mul(floorDiv(h, n), n), mod(h, n))).toBe(h);
  });

  it("joins nested divisions", () => {
    expect(floorDiv(floorDiv(T, 3), 4)).toBe(floorDiv(T, 12));
    expect(floorDiv(floorDiv(T, n), 4)).toBe(floorDiv(T, mul(4, n)));
    expect(floorDiv(add(floorDiv(T, 2), 3), 2)).toBe(floorDiv(add(T, 6), 4));
    expect(floorDiv(mul(2, T), 4)).toBe(floorDiv(T, 2));
    expect(floorDiv(mul(n, T), mul(n, 4))).toBe(floorDiv(T, 4));
    expect(floorDiv(add(mul(8, T), index("i", 8)), 16)).toBe(floorDiv(T, 2));
  });

  it("makes rounding up the same however it is written", () => {
    expect(neg(floorDiv(neg(T), 4))).toBe(floorDiv(add(T, 3), 4));
    expect(add(floorDiv(sub(T, 1), 4), 1)).toBe(floorDiv(add(T, 3), 4));
    expect(floorDiv(T, -4)).toBe(floorDiv(neg(T), 4));
    expect(neg(floorDiv(neg(T), n))).toBe(add(floorDiv(sub(T, 1), n), 1));
  });

  it("drops minima and maxima whose order is known", () => {
    expect(minimum(T, add(T, 1))).toBe(T);
    expect(maximum(T, 1)).toBe(T);
    expect(maximum(maximum(S, T), S)).toBe(maximum(T, S));
    expect(minimum(S, maximum(S, T))).toBe(S);
    expect(maximum(add(T, 1), 4)).toBe(add(maximum(T, 3), 1));
    expect(maximum(mul(2, T), mul(2, S))).toBe(mul(2, maximum(S, T)));
    expect(absolute(T)).toBe(T);
    expect(absolute(neg(T))).toBe(T);
    expect(absolute(sub(S, T))).toBe(absolute(sub(T, S)));
  });

  it("simplifies nothing that a zero divisor would make wrong", () => {
    const z = size(new SizeVariable("z", 0, null));
    const quotient = floorDiv(mul(z, T), z);
    expect(render(quotient)).toBe("T*z // z");
    const values = (variable: SizeVariable): number => (variable === tVariable ? 5 : 0);
    expect(() => evaluate(quotient, values)).toThrow(DivisionByZero);
    expect(() => floorDiv(T, 0)).toThrow(DivisionByZero);
    expect(() => mod(T, 0)).toThrow(DivisionByZero);
  });

  it("is exact or throws", () => {
    const large = size(Number.MAX_SAFE_INTEGER);
    expect(() => add(large, 1)).toThrow(SizeOverflow);
    expect(() => mul(mul(large, T), 2)).toThrow(SizeOverflow);
    expect(() => size(0.5)).toThrow(SizeOverflow);
    expect(compare(mul(large, T), mul(-2, T))).toBe("unknown");
    expect(compare(T, large)).toBe("unknown");
    expect(compare(neg(T), large)).toBe("different");
    expect(isLess(large, T)).toBe(false);
    expect(render(floorDiv(T, add(large, D)))).toBe(`T // (D + ${Number.MAX_SAFE_INTEGER})`);
    expect(maximum(large, T)).toBe(maximum(T, large));
  });
});

describe("exact quotients", () => {
  it("finds those that hold for all values", () => {
    expect(exactDivide(mul(4, D), D)).toBe(size(4));
    expect(exactDivide(mul(4, D), 2)).toBe(mul(2, D));
    expect(exactDivide(sub(mul(T, T), 1), add(T, 1))).toBe(sub(T, 1));
    expect(exactDivide(sub(T, mod(T, 4)), 4)).toBe(floorDiv(T, 4));
    expect(exactDivide(T, 2)).toBeNull();
    expect(exactDivide(mul(3, T), mul(2, T))).toBeNull();
    expect(exactDivide(4, 0)).toBeNull();
  });
});

describe("comparison", () => {
  it("tells equal, different and unknown apart", () => {
    expect(compare(D, mul(4, D))).toBe("different");
    expect(compare(3, 4)).toBe("different");
    expect(compare(T, add(T, 1))).toBe("different");
    expect(compare(mul(B, T), mul(2, mul(B, T)))).toBe("different");
    expect(compare(mul(2, S), add(mul(2, T), 1))).toBe("different");
    expect(compare(mod(T, 4), 4)).toBe("different");
    expect(compare(T, S)).toBe("unknown");
    expect(compare(T, 1)).toBe("unknown");
    expect(compare(mul(H, floorDiv(D, H)), D)).toBe("unknown");
    expect(compare(add(T, S), add(S, T))).toBe("equal");
    expect(compare(sub(maximum(S, T), S), maximum(0, sub(T, S)))).toBe("equal");
  });

  it("uses declared ranges", () => {
    const [small] = extent("small", 1, 8);
    const [large] = extent("large", 9, 12);
    expect(compare(small, large)).toBe("different");
    expect(rangeOf(sub(large, small))).toEqual({ min: 1, max: 11 });
    expect(rangeOf(mod(T, 4))).toEqual({ min: 0, max: 3 });
    expect(rangeOf(mod(small, 100))).toEqual({ min: 1, max: 8 });
    expect(rangeOf(mod(floorDiv(T, 4), 2))).toEqual({ min: 0, max: 1 });
    expect(rangeOf(T)).toEqual({ min: 1, max: Infinity });
    expect(rangeOf(sub(sub(S, 1), index("s", S)))).toEqual({ min: 0, max: Infinity });
  });
});

describe("proofs about indices", () => {
  const s = index("s", S);
  const t = index("t", T);

  it("bounds index variables by their extents", () => {
    expect(isAtMost(s, sub(S, 1))).toBe(true);
    expect(isLess(s, S)).toBe(true);
    expect(isLess(s, sub(S, 1))).toBe(false);
    expect(isNonNegative(sub(add(s, S), 1))).toBe(true);
    const any = size(new SizeVariable("X", 0, null));
    expect(isNonNegative(sub(any, 1))).toBe(false);
    expect(isLess(0, any)).toBe(false);
    expect(isNonNegative(sub(add(index("x", any), any), 1))).toBe(true);
  });

  it("proves flattened indices in bounds", () => {
    const b = index("b", B);
    expect(isLess(add(mul(b, T), t), mul(B, T))).toBe(true);
    expect(isLess(add(mul(add(mul(b, T), t), D), index("d", D)), mul(mul(B, T), D))).toBe(true);
    expect(isLess(add(mul(b, add(T, 1)), t), mul(B, T))).toBe(false);
  });

  it("proves split and merged heads in bounds", () => {
    const h = index("h", mul(H, n));
    expect(isAtMost(floorDiv(h, n), sub(H, 1))).toBe(true);
    expect(isLess(mod(h, n), n)).toBe(true);
    expect(isNonNegative(mod(h, n))).toBe(true);
    expect(isAtMost(mod(h, n), h)).toBe(true);
    expect(isAtMost(floorDiv(floorDiv(h, n), 2), floorDiv(sub(H, 1), 2))).toBe(true);
  });

  it("proves halves in bounds", () => {
    const half = floorDiv(D, 2);
    const i = index("i", mul(2, half));
    expect(isLess(floorDiv(i, 2), half)).toBe(true);
    expect(isLess(add(index("k", half), half), D)).toBe(true);
    expect(isAtMost(floorDiv(index("d", D), 2), floorDiv(sub(D, 1), 2))).toBe(true);
    expect(isLess(add(mul(2, index("k", half)), 1), D)).toBe(true);
    expect(isLess(floorDiv(index("d", D), 2), half)).toBe(false); // D may be odd
    const even = mul(2, D);
    expect(isLess(floorDiv(index("e", even), 2), floorDiv(even, 2))).toBe(true);
  });

  it("uses facts", () => {
    const cached = add(t, sub(S, T));
    expect(isNonNegative(cached)).toBe(false);
    expect(isNonNegative(cached, [cached])).toBe(true);
    expect(isNonNegative(cached, [sub(S, T)])).toBe(true);
    expect(isLess(cached, S, [cached])).toBe(true);
    expect(isNonNegative(sub(s, t), [sub(s, T)])).toBe(true);
    expect(isNonNegative(sub(S, B), [sub(S, T), sub(T, B)])).toBe(true);
  });

  it("proves a padded convolution in bounds", () => {
    for (const [stride, padding] of [
      [1, 1],
      [2, 3],
      [16, 0],
    ] as const) {
      const kernel = 2 * padding + 3;
      const out = add(floorDiv(sub(add(T, 2 * padding), kernel), stride), 1);
      const position = sub(add(mul(stride, index("o", out)), index("k", kernel)), padding);
      expect(isNonNegative(position)).toBe(padding === 0);
      const guards = [position, sub(sub(T, 1), position)];
      expect(isNonNegative(position, guards)).toBe(true);
      expect(isLess(position, T, guards)).toBe(true);
      expect(isNonNegative(add(position, padding))).toBe(true);
      expect(isLess(position, add(T, padding))).toBe(true); // without guards
    }
    const [stride] = extent("stride");
    const position = sub(add(mul(stride, t), index("k", 5)), 2);
    expect(isLess(position, S, [position, sub(sub(S, 1), position)])).toBe(true);
  });

  it("proves tiles in bounds", () => {
    const tiles = floorDiv(add(T, 63), 64);
    const position = add(mul(64, index("tile", tiles)), index("lane", 64));
    expect(isLess(position, mul(64, tiles))).toBe(true);
    expect(isLess(position, add(T, 63))).toBe(true);
    expect(isLess(position, T)).toBe(false);
    const clipped = index("i", minimum(64, sub(T, mul(64, index("block", tiles)))));
    expect(isLess(clipped, 64)).toBe(true);
    const block = size(new SizeVariable("block", 0, sub(tiles, 1)));
    const within = index("i", minimum(64, sub(T, mul(64, block))));
    expect(isLess(add(mul(64, block), within), T)).toBe(true);
    expect(isAtMost(T, mul(64, tiles))).toBe(true);
  });

  it("bounds minima and maxima", () => {
    expect(isLess(minimum(s, t), T)).toBe(true);
    expect(isLess(maximum(s, t), add(S, T))).toBe(true);
    expect(isLess(maximum(s, t), maximum(S, T))).toBe(true);
    expect(isNonNegative(absolute(sub(s, t)))).toBe(true);
    expect(isLess(absolute(sub(s, t)), maximum(S, T))).toBe(true);
    expect(isLess(minimum(maximum(sub(s, t), 0), sub(T, 1)), T)).toBe(true);
  });
});

describe("text", () => {
  const cases: readonly (readonly [Size, string])[] = [
    [size(0), "0"],
    [size(-3), "-3"],
    [mul(4, D), "4*D"],
    [add(T, 1), "T + 1"],
    [mul(T, B), "B*T"],
    [floorDiv(add(T, 2), 3), "(T + 2) // 3"],
    [mod(T, 4), "T % 4"],
    [maximum(3, T), "max(T, 3)"],
    [minimum(S, T), "min(S, T)"],
    [sub(mul(2, n), 1), "2*n - 1"],
    [sub(T, S), "T - S"],
    [sub(1, T), "-T + 1"],
    [neg(floorDiv(T, 4)), "-(T // 4)"],
    [mul(2, floorDiv(T, 4)), "2*(T // 4)"],
    [mul(B, mod(T, 4)), "B*(T % 4)"],
    [add(floorDiv(T, 4), mod(T, 4)), "T - 3*(T // 4)"],
    [add(mul(4, floorDiv(S, 4)), mod(T, 4)), "4*(S // 4) + T % 4"],
    [neg(mod(T, n)), "-(T % n)"],
    [floorDiv(mul(8, D), 3), "8*D // 3"],
    [floorDiv(T, mul(2, n)), "T // (2*n)"],
    [mod(floorDiv(T, 4), 2), "(T // 4) % 2"],
    [mod(add(T, 1), n), "(T + 1) % n"],
    [mul(T, T), "T*T"],
    [absolute(sub(S, T)), "max(S - T, T - S)"],
    [mul(mul(B, maximum(S, T)), 3), "3*B*max(S, T)"],
  ];

  it("is canonical", () => {
    for (const [value, text] of cases) expect(render(value)).toBe(text);
  });

  it("is read back", () => {
    const names = new Map([B, D, H, S, T, n].map((each) => [render(each), variablesOf(each)[0]!]));
    for (const [value, text] of cases) expect(parseSize(text, (name) => names.get(name) ?? null)).toBe(value);
  });

  it("follows Python's precedence", () => {
    const parse = (text: string): Size => parseSize(text, (name) => (name === "T" ? tVariable : null));
    expect(constantOf(parse("-7 // 2 * 3 % 5"))).toBe(3);
    expect(parse("-T // 2")).toBe(floorDiv(neg(T), 2));
    expect(parse(" 2 * ( T - -1 ) ")).toBe(add(mul(2, T), 2));
    expect(parse("max(T, 3, 4)")).toBe(maximum(T, 4));
  });

  it("reports where a text is wrong", () => {
    const offsetOf = (text: string): number => {
      try {
        parseSize(text, (name) => (name === "T" ? tVariable : null));
      } catch (error) {
        if (error instanceof SizeSyntaxError) return error.offset;
        throw error;
      }
      return -1;
    };
    expect(offsetOf("T + X")).toBe(4);
    expect(offsetOf("T +")).toBe(3);
    expect(offsetOf("(T")).toBe(2);
    expect(offsetOf("T $ 1")).toBe(2);
    expect(offsetOf("T 1")).toBe(2);
    expect(offsetOf("max(T,)")).toBe(6);
    expect(offsetOf("T / 2")).toBe(2);
    expect(() => parseSize("T // 0", () => tVariable)).toThrow(DivisionByZero);
  });
});

describe("substitution and evaluation", () => {
  it("normalises again", () => {
    const a = add(mul(4, D), floorDiv(T, 4));
    const at = (variable: SizeVariable): Size | null => (variable === dVariable ? size(768) : null);
    expect(substitute(a, at)).toBe(add(3072, floorDiv(T, 4)));
    expect(substitute(a, (variable) => (variable === tVariable ? mul(8, n) : null))).toBe(add(mul(4, D), mul(2, n)));
    expect(substitute(a, () => null)).toBe(a);
    expect(variablesOf(a)).toEqual([dVariable, tVariable]);
    expect(evaluate(a, (variable) => (variable === dVariable ? 2 : 11))).toBe(10);
  });
});

describe("variables that a number divides", () => {
  const T = new SizeVariable("T", 1, 50, 12);
  const t = size(T);
  const lookup = (name: string) => (name === "T" ? T : null);

  it("have bounds that are multiples", () => {
    expect([render(T.min), render(T.max!), T.step]).toEqual(["12", "48", 12]);
    expect(rangeOf(floorDiv(t, 4))).toEqual({ min: 3, max: 12 });
  });
  it("are proven to be divided", () => {
    expect(exactDivide(t, 4)).toBe(floorDiv(t, 4));
    expect(mod(t, 6)).toBe(size(0));
    expect(mul(floorDiv(t, 4), 4)).toBe(t);
    expect(compare(t, 25)).toBe("different");
    expect(isAtMost(floorDiv(t, 3), sub(t, 8))).toBe(true);
  });
  it.each([
    "T",
    "T // 4",
    "5*T",
    "5*(T // 12)",
    "T // 24",
    "T*(T // 12)",
    "(T // 3) % 5",
    "(T + 12) // 24",
    "max(T // 4, 5)",
  ])("are read as they are written: %s", (text) => {
    expect(render(parseSize(text, lookup))).toBe(text);
  });
  it("take only multiples as values", () => {
    expect(evaluate(floorDiv(t, 8), () => 36)).toBe(4);
    expect(() => evaluate(t, () => 10)).toThrow("T is 10, which is no multiple of 12");
    expect(render(substitute(add(floorDiv(t, 4), 1), () => size(24)))).toBe("7");
  });
  it("are bound by axes that are whole multiples of them", () => {
    const times = (text: string) => bindingOf(parseSize(text, lookup))?.times ?? null;
    expect(["T", "2*T", "T // 4", "T + 1", "T*T", "3", "0"].map(times)).toEqual([1, 2, null, null, null, null, null]);
    expect(divisibleBy(floorDiv(t, 6), 4)?.step).toBe(24);
    expect(divisibleBy(mul(t, 3), 8)?.step).toBe(24);
  });
});
