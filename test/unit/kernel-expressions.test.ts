import { describe, expect, test } from "vitest";
import {
  Buffer,
  binary,
  cast,
  constant,
  type Expression,
  expressionText,
  falsehood,
  index,
  load,
  select,
  truth,
  unary,
} from "../../src/ir/kernel/index.js";
import { add, mul, render, SizeVariable, size } from "../../src/sizes/index.js";

const T = new SizeVariable("T", 1, 64);
const t = new SizeVariable("t", 0, add(size(T), -1));
const free = new SizeVariable("free", 0, null);
const x = new Buffer("x", "f32", [size(T)], "global");
const ids = new Buffer("ids", "i32", [size(T)], "global");
const at = index(size(t));
const xt = load(x, [at]);
const id = load(ids, [at]);
const text = (e: Expression): string => expressionText(e, { buffer: (b) => b.name, size: render, shared: () => null });

test("equal expressions are one object", () => {
  expect(binary("add", load(x, [at]), constant(1, "f32"))).toBe(binary("add", xt, constant(1, "f32")));
  expect(load(new Buffer("x", "f32", [size(T)], "global"), [at])).not.toBe(xt);
  expect(constant(0, "f32")).not.toBe(constant(-0, "f32"));
  expect(constant(0, "f32")).not.toBe(constant(0, "f16"));
  expect(constant(Number.NaN, "f32")).toBe(constant(Number.NaN, "f32"));
  expect(binary("sub", xt, id.element === "i32" ? cast(id, "f32") : xt)).toBe(binary("sub", xt, cast(id, "f32")));
});

test("types are kept and checked", () => {
  expect(binary("lt", xt, xt).element).toBe("bool");
  expect(cast(xt, "f16").element).toBe("f16");
  expect(() => binary("add", xt, id)).toThrow("add does not take f32 and i32");
  expect(() => binary("and", xt, xt)).toThrow("and does not take f32 and f32");
  expect(() => unary("exp", id)).toThrow("exp does not take i32");
  expect(() => select(xt, xt, xt)).toThrow("select does not take f32, f32 and f32");
  expect(() => load(x, [])).toThrow("x has 1 axes and is read at []");
  expect(() => load(x, [xt])).toThrow("x has 1 axes and is read at [f32]");
  expect(() => constant(1.5, "i32")).toThrow("1.5 is not a number of type i32");
  expect(() => constant(2, "bool")).toThrow("2 is not a truth value");
});

describe("i32 arithmetic on sizes", () => {
  test("stays a size where it does not wrap around", () => {
    expect(binary("add", at, constant(3, "i32"))).toBe(index(add(size(t), 3)));
    expect(binary("mul", at, index(4))).toBe(index(mul(size(t), 4)));
    expect(binary("floor_div", binary("mul", at, index(4)), index(4))).toBe(at);
    expect(binary("mod", at, index(size(T)))).toBe(at);
    expect(binary("max", at, index(0))).toBe(at);
    expect(unary("neg", index(5))).toBe(index(-5));
    expect(unary("abs", at)).toBe(at);
  });

  test("is an operation where it may", () => {
    const big = index(2 ** 31 - 1);
    expect(binary("add", big, at).kind).toBe("binary");
    expect(binary("add", index(size(free)), index(1)).kind).toBe("binary");
    expect(binary("mul", binary("mul", big, big), big).kind).toBe("binary");
    expect(unary("neg", index(-(2 ** 31))).kind).toBe("unary");
  });

  test("does not divide by what may be 0", () => {
    expect(binary("floor_div", at, at).kind).toBe("binary");
    expect(binary("mod", at, index(0)).kind).toBe("binary");
  });

  test("comparisons are decided where ranges decide them", () => {
    expect(binary("lt", at, index(size(T)))).toBe(truth);
    expect(binary("le", index(size(T)), at)).toBe(falsehood);
    expect(binary("eq", at, at)).toBe(truth);
    expect(binary("ne", at, index(-1))).toBe(truth);
    expect(binary("le", at, index(3)).kind).toBe("binary");
  });
});

test("folding is exact for every operand", () => {
  const zero = constant(0, "f32");
  const one = constant(1, "f32");
  expect(binary("mul", xt, one)).toBe(xt);
  expect(binary("sub", xt, zero)).toBe(xt);
  // -0 + 0 is 0; NaN * 0 is NaN.
  expect(binary("add", xt, zero)).not.toBe(xt);
  expect(binary("sub", xt, constant(-0, "f32"))).not.toBe(xt);
  expect(binary("mul", xt, zero)).not.toBe(zero);
  // NaN == NaN is false.
  expect(binary("eq", xt, xt)).not.toBe(truth);
  expect(binary("and", binary("lt", xt, one), falsehood)).toBe(falsehood);
  expect(binary("or", falsehood, binary("lt", xt, one))).toBe(binary("lt", xt, one));
  expect(unary("not", unary("not", binary("lt", xt, one)))).toBe(binary("lt", xt, one));
  expect(select(truth, xt, zero)).toBe(xt);
  expect(select(binary("lt", xt, one), zero, zero)).toBe(zero);
  expect(cast(index(7), "f32")).toBe(constant(7, "f32"));
  // 2^24 + 1 is no f32.
  expect(cast(index(2 ** 24 + 1), "f32").kind).toBe("cast");
  expect(cast(truth, "f32")).toBe(one);
  expect(cast(xt, "f32")).toBe(xt);
});

test("text has parentheses where precedence asks for them", () => {
  const y = unary("exp", xt);
  expect(text(binary("mul", binary("add", xt, y), y))).toBe("(x[t] + exp(x[t])) * exp(x[t])");
  expect(text(binary("sub", xt, binary("sub", xt, y)))).toBe("x[t] - (x[t] - exp(x[t]))");
  expect(text(unary("neg", binary("mul", xt, y)))).toBe("-(x[t] * exp(x[t]))");
  expect(text(binary("add", id, index(add(size(t), 1))))).toBe("ids[t] + (t + 1)");
  expect(text(unary("not", binary("lt", xt, y)))).toBe("not (x[t] < exp(x[t]))");
  expect(text(binary("max", cast(id, "f32"), constant(0.1, "f32")))).toBe("max(f32(ids[t]), 0.1)");
  expect(text(constant(Math.fround(0.1), "f32"))).toBe("0.1");
  expect(text(constant(1, "f16"))).toBe("1.0h");
  expect(text(constant(-Infinity, "f32"))).toBe("-inf");
  expect(text(truth)).toBe("true");
});
