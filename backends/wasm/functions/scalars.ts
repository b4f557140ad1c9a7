/**
 * log, log2, sin and cos of one f32, computed in f64 and rounded once, and arithmetic of i32 that WebAssembly traps on.
 *
 * What they compute in f64 errs by less than 1e-9 of the result, so that the f32 is the nearest one but for ties that are
 * nearly missed: 0.51 units in the last place, which test/backends/wasm-functions.test.ts measures.
 */
import { type Code, call, type FunctionCode, f32, f64, get, i32, Local, op, set } from "../code/tree.js";

const add = (a: Code, b: Code): Code => op("f64.add", [a, b]);
const sub = (a: Code, b: Code): Code => op("f64.sub", [a, b]);
const mul = (a: Code, b: Code): Code => op("f64.mul", [a, b]);
const div = (a: Code, b: Code): Code => op("f64.div", [a, b]);
const toSingle = (x: Code): Code => op("f32.demote_f64", [x]);
const choose = (condition: Code, yes: Code, no: Code): Code => op("select", [yes, no, condition]);
const when = (condition: Code, ...body: readonly Code[]): Code => ({ kind: "if", condition, body, otherwise: [] });
const giveBack = (value: Code): Code => op("return", [value]);

function polynomial(coefficients: readonly number[], x: Local): Code {
  return coefficients
    .slice(0, -1)
    .reduceRight<Code>((sum, each) => add(mul(sum, get(x)), f64(each)), f64(coefficients.at(-1)!));
}

/**
 * log x = e log 2 + log m with m in [√½, √2), and log m = 2 (s + s³/3 + s⁵/5 + …) with s = (m - 1) / (m + 1).
 * @param unit 1 for the natural logarithm; else the logarithm of e to the wanted base
 */
function logarithm(name: string, unit: number): FunctionCode {
  const x = new Local("x", "f32");
  const [m, s, z] = ["m", "s", "z"].map((each) => new Local(each, "f64")) as [Local, Local, Local];
  const [bits, e, shift] = ["bits", "e", "shift"].map((each) => new Local(each, "i32")) as [Local, Local, Local];
  const series = Array.from({ length: 9 }, (_, i) => 2 / (2 * i + 1));
  const rootOfHalf = 0x3f3504f3;
  return {
    name,
    parameters: [x],
    result: "f32",
    comment: `the logarithm of an f32${unit === 1 ? "" : " to base 2"}`,
    body: [
      when(op("f32.eq", [get(x), f32(0)]), giveBack(f32(Number.NEGATIVE_INFINITY))),
      // Also where x is NaN.
      when(op("i32.eqz", [op("f32.ge", [get(x), f32(0)])]), giveBack(f32(Number.NaN))),
      when(op("f32.eq", [get(x), f32(Number.POSITIVE_INFINITY)]), giveBack(get(x))),
      when(op("f32.lt", [get(x), f32(2 ** -126)]), set(x, op("f32.mul", [get(x), f32(2 ** 24)])), set(shift, i32(24))),
      set(bits, op("i32.reinterpret_f32", [get(x)])),
      set(e, op("i32.shr_s", [op("i32.sub", [get(bits), i32(rootOfHalf)]), i32(23)])),
      set(bits, op("i32.sub", [get(bits), op("i32.shl", [get(e), i32(23)])])),
      set(m, op("f64.promote_f32", [op("f32.reinterpret_i32", [get(bits)])])),
      set(s, div(sub(get(m), f64(1)), add(get(m), f64(1)))),
      set(z, mul(get(s), get(s))),
      toSingle(
        add(
          mul(op("f64.convert_i32_s", [op("i32.sub", [get(e), get(shift)])]), f64(Math.LN2 * unit)),
          mul(mul(get(s), polynomial(series, z)), f64(unit)),
        ),
      ),
    ],
  };
}

export const log = (): FunctionCode => logarithm("log", 1);
export const log2 = (): FunctionCode => logarithm("log2", Math.LOG2E);

function factorial(n: number): number {
  return n <= 1 ? 1 : n * factorial(n - 1);
}

/** Of (sin r - r) / r³ and (cos r - 1) / r² in r², which at |r| <= π/4 leave less than 1e-11. */
const sineSeries = [3, 5, 7, 9, 11, 13].map((n, i) => (i % 2 === 0 ? -1 : 1) / factorial(n));
const cosineSeries = [2, 4, 6, 8, 10, 12].map((n, i) => (i % 2 === 0 ? -1 : 1) / factorial(n));

/** π/2 as a sum of two: the first has so few digits that its product with a number below 2^20 is exact. */
const quarterTurn = [1.5707963267341256, 6.077100506506192e-11] as const;
const mostQuarters = 2 ** 20;

/** sin x or cos x = sin (x + π/2): x is brought to |r| <= π/4 by whole quarters; the host reduces what is very large. */
function wave(name: string, hostName: string, quarters: number): FunctionCode {
  const x = new Local("x", "f32");
  const [y, r, z] = ["y", "r", "z"].map((each) => new Local(each, "f64")) as [Local, Local, Local];
  const n = new Local("n", "i32");
  const value = new Local("value", "f64");
  const sine = add(get(r), mul(mul(get(r), get(z)), polynomial(sineSeries, z)));
  const cosine = add(f64(1), mul(get(z), polynomial(cosineSeries, z)));
  const isOdd = op("i32.and", [get(n), i32(1)]);
  return {
    name,
    parameters: [x],
    result: "f32",
    comment: `${name} of an f32`,
    body: [
      set(y, op("f64.nearest", [mul(op("f64.promote_f32", [get(x)]), f64(2 / Math.PI))])),
      // Also where x is NaN or infinite.
      when(
        op("i32.eqz", [op("f64.lt", [op("f64.abs", [get(y)]), f64(mostQuarters)])]),
        giveBack(call(hostName, get(x))),
      ),
      set(
        r,
        sub(sub(op("f64.promote_f32", [get(x)]), mul(get(y), f64(quarterTurn[0]))), mul(get(y), f64(quarterTurn[1]))),
      ),
      set(z, mul(get(r), get(r))),
      set(n, op("i32.add", [op("i32.trunc_sat_f64_s", [get(y)]), i32(quarters)])),
      set(value, choose(isOdd, cosine, sine)),
      toSingle(choose(op("i32.and", [get(n), i32(2)]), op("f64.neg", [get(value)]), get(value))),
    ],
  };
}

export const sin = (): FunctionCode => wave("sin", "sinOfLarge", 0);
export const cos = (): FunctionCode => wave("cos", "cosOfLarge", 1);

/** a // b and a % b of i32, both 0 for b = 0; the quotient of the lowest number by -1 wraps to itself. */
export function floorDivide(): FunctionCode {
  const [a, b] = [new Local("a", "i32"), new Local("b", "i32")];
  const quotient = new Local("quotient", "i32");
  return {
    name: "floor_div",
    parameters: [a, b],
    result: "i32",
    comment: "the whole number below a / b; 0 for b = 0",
    body: [
      when(op("i32.eqz", [get(b)]), giveBack(i32(0))),
      when(op("i32.eq", [get(b), i32(-1)]), giveBack(op("i32.sub", [i32(0), get(a)]))),
      set(quotient, op("i32.div_s", [get(a), get(b)])),
      op("i32.sub", [get(quotient), differs(a, b)]),
    ],
  };
}

export function floorModulo(): FunctionCode {
  const [a, b] = [new Local("a", "i32"), new Local("b", "i32")];
  return {
    name: "floor_mod",
    parameters: [a, b],
    result: "i32",
    comment: "the remainder with the sign of b; 0 for b = 0",
    body: [
      when(op("i32.eqz", [get(b)]), giveBack(i32(0))),
      op("i32.add", [op("i32.rem_s", [get(a), get(b)]), op("select", [get(b), i32(0), differs(a, b)])]),
    ],
  };
}

/** 1 where there is a remainder and its sign is not that of b, else 0. */
function differs(a: Local, b: Local): Code {
  const rest = op("i32.rem_s", [get(a), get(b)]);
  return op("i32.and", [op("i32.ne", [rest, i32(0)]), op("i32.lt_s", [op("i32.xor", [get(a), get(b)]), i32(0)])]);
}

/** x^n of i32, which wraps around; for a negative n 1 / x^|n| rounded towards 0, and 0 for x = 0. */
export function power(): FunctionCode {
  const [x, n] = [new Local("x", "i32"), new Local("n", "i32")];
  const result = new Local("result", "i32");
  const isOdd = op("i32.and", [get(n), i32(1)]);
  return {
    name: "pow_i32",
    parameters: [x, n],
    result: "i32",
    comment: "x to the power of n, in i32",
    body: [
      when(
        op("i32.lt_s", [get(n), i32(0)]),
        when(op("i32.eq", [get(x), i32(1)]), giveBack(i32(1))),
        when(op("i32.eq", [get(x), i32(-1)]), giveBack(op("i32.sub", [i32(1), op("i32.shl", [isOdd, i32(1)])]))),
        giveBack(i32(0)),
      ),
      set(result, i32(1)),
      {
        kind: "loop",
        name: "squares",
        body: [
          when(isOdd, set(result, op("i32.mul", [get(result), get(x)]))),
          set(x, op("i32.mul", [get(x), get(x)])),
          set(n, op("i32.shr_u", [get(n), i32(1)])),
          { kind: "repeat", loop: "squares", condition: get(n) },
        ],
      },
      get(result),
    ],
  };
}
