/** Element-wise mathematics, of static numbers, tensors and elements alike. */

import type { UnaryOperator } from "../../../src/ir/graph/index.js";
import { erf } from "../../../src/runtime/host/erf.js";
import { absolute, maximum, minimum } from "../../../src/sizes/index.js";
import {
  describe,
  float,
  integer,
  isNumber,
  isRunning,
  numberOf,
  tensor,
  unknown,
  type Value,
} from "../../check/values.js";
import { type Context, fail } from "../context.js";
import { binary, convert, lift, unary, where } from "../operators.js";
import { type Builtin, signature } from "./builtin.js";

/** A function of one number; a run-time size is computed when running. */
function elementwise(
  name: UnaryOperator & string,
  of: (x: number) => number,
  documentation: string,
  example: string,
  whole = false,
): Builtin {
  return {
    signature: `${name}(x: [...]) -> [...]`,
    documentation,
    example,
    topic: "Mathematics",
    run: (ctx, call) => {
      const { value: v } = signature(call, ["x"]).get("x")!;
      if (isRunning(v)) return unary(ctx, name, v, name);
      if (!isNumber(v)) fail("E0307", `${name} does not take ${describe(v)}`);
      if (name === "abs" && v.kind === "integer") return integer(absolute(v.size));
      const x = numberOf(v);
      if (x === null) return ctx.abstract ? unknown : unary(ctx, name, tensor(lift(ctx, v, "f32")), name);
      const y = of(x);
      if (Number.isNaN(y) && !Number.isNaN(x)) fail("E0407", `${name} of ${x} is not a number`);
      return whole && Number.isSafeInteger(y) ? integer(y) : float(y);
    },
  };
}

function extreme(name: "maximum" | "minimum", documentation: string, example: string): Builtin {
  return {
    signature: `${name}(a: [...], b: [...]) -> [...]`,
    documentation,
    example,
    topic: "Mathematics",
    run: (ctx, call) => {
      const given = signature(call, ["a", "b"]);
      const [a, b] = [given.get("a")!.value, given.get("b")!.value];
      if (isRunning(a) || isRunning(b)) return binary(ctx, name, a, b);
      if (!isNumber(a) || !isNumber(b)) fail("E0407", `${name} does not take ${describe(isNumber(a) ? b : a)}`);
      if (a.kind === "integer" && b.kind === "integer")
        return integer(name === "maximum" ? maximum(a.size, b.size) : minimum(a.size, b.size));
      const [x, y] = [numberOf(a), numberOf(b)];
      if (x === null || y === null)
        return ctx.abstract ? unknown : binary(ctx, name, tensor(lift(ctx, a, "f32")), tensor(lift(ctx, b, "f32")));
      return float(name === "maximum" ? Math.max(x, y) : Math.min(x, y));
    },
  };
}

function conversion(name: "i32" | "f32" | "f16", documentation: string, example: string): Builtin {
  return {
    signature: `${name}(x: [...]) -> ${name === "f32" ? "" : name}[...]`,
    documentation,
    example,
    topic: "Choice and conversion",
    run: (ctx, call) => {
      const { value: v } = signature(call, ["x"]).get("x")!;
      if (isRunning(v)) return convert(ctx, v, name);
      if (!isNumber(v)) fail("E0407", `${name} does not take ${describe(v)}`);
      const x = numberOf(v);
      if (name === "i32") {
        if (v.kind === "integer") return v;
        if (!Number.isSafeInteger(Math.trunc(x ?? 0))) fail("E0407", `i32 of ${x} is no whole number`);
        return integer(Math.trunc(x ?? 0));
      }
      if (x === null) return ctx.abstract ? unknown : tensor(lift(ctx, v, name));
      return float(x);
    },
  };
}

const whereBuiltin: Builtin = {
  signature: "where(condition: bool[...], yes: [...], no: [...]) -> [...]",
  documentation: "The elements of `yes` where the condition is true, those of `no` elsewhere. All three broadcast.",
  example: "# scores: [B, T, S], mask: bool[T, S]\nwhere(mask, scores, -inf)",
  topic: "Choice and conversion",
  run: (ctx: Context, call): Value => {
    const given = signature(call, ["condition", "yes", "no"]);
    const condition = given.get("condition")!;
    if (!isRunning(condition.value))
      fail("E0309", `the condition of where is a tensor; ${describe(condition.value)} is given`, {
        at: condition.span,
        help: condition.value.kind === "boolean" ? ["if … then … else … chooses by a static condition"] : [],
      });
    return where(ctx, condition.value, given.get("yes")!.value, given.get("no")!.value);
  },
};

export const mathematics: Readonly<Record<string, Builtin>> = {
  exp: elementwise("exp", Math.exp, "e to the power of x.", "# x: [B, T]\nexp(x) / sum(exp(x))"),
  log: elementwise("log", Math.log, "The natural logarithm.", "# probs: [B, T, V]\n-sum(probs * log(probs))"),
  log2: elementwise("log2", Math.log2, "The logarithm to base 2.", "# heads: int\n2 ** floor(log2(heads))"),
  sqrt: elementwise("sqrt", Math.sqrt, "The square root.", "# x: [B, T, D]\nx * sqrt(D)"),
  rsqrt: elementwise(
    "rsqrt",
    (x) => 1 / Math.sqrt(x),
    "1 / sqrt(x).",
    "# x: [B, T, D]\nx * rsqrt(mean(x ** 2) + 1e-6)",
  ),
  sin: elementwise("sin", Math.sin, "The sine of an angle in radians.", "# angle: [T, D]\nsin(angle)"),
  cos: elementwise("cos", Math.cos, "The cosine of an angle in radians.", "# angle: [T, D]\ncos(angle)"),
  tanh: elementwise("tanh", Math.tanh, "The hyperbolic tangent.", "# logits: [B, T, V]\n30 * tanh(logits / 30)"),
  erf: elementwise("erf", erf, "The error function.", "# x: [B, T, D]\n0.5 * x * (1 + erf(x / sqrt(2)))"),
  floor: elementwise(
    "floor",
    Math.floor,
    "The greatest whole number not above x. Of a static number it is a whole number, which may serve as a size.",
    "# x: [B, T]\nx - floor(x)",
    true,
  ),
  ceil: elementwise(
    "ceil",
    Math.ceil,
    "The least whole number not below x. Of a static number it is a whole number, which may serve as a size.",
    "# width: int\n64 * ceil(8 / 3 * width / 64)",
    true,
  ),
  abs: elementwise("abs", Math.abs, "The absolute value, of f32 and i32.", "# x: [B, T]\nx / max(abs(x))"),
  maximum: extreme(
    "maximum",
    "The larger of two, element by element; NaN if either is.",
    "# x: [B, T, D]\nmaximum(x, 0)",
  ),
  minimum: extreme(
    "minimum",
    "The smaller of two, element by element; NaN if either is.",
    "# x: [B, T, D]\nminimum(maximum(x, -7), 7)",
  ),
  where: whereBuiltin,
  i32: conversion(
    "i32",
    "To i32: truncates toward zero, saturates, gives 0 for NaN. Booleans give 0 and 1.",
    "# x: [B, T]\ni32(floor(x))",
  ),
  f32: conversion("f32", "To f32. Booleans give 0 and 1.", "# keep: i32[B, T], x: [B, T]\nx * f32(keep)"),
  f16: conversion("f16", "To f16, rounded to the nearest, ties to even.", "# x: [B, T]\nf32(f16(x))"),
};
