/**
 * exp, tanh and erf of four f32 at once, which WebAssembly has no instructions for.
 *
 * Polynomials are fitted to least relative error (reweighted least squares in Chebyshev points), with what is known of
 * the function held fixed: 1 + x of exp, x of tanh. Largest errors against f64, which test/backends/wasm-functions.test.ts
 * measures: exp 1.5, tanh 2.5, erf 2 units in the last place. NaN gives NaN, infinities their limits, and exp runs through
 * the subnormal numbers to 0.
 */
import { type Code, type FunctionCode, f32x4, get, i32x4, Local, op, set } from "../code/tree.js";

export const add = (a: Code, b: Code): Code => op("f32x4.add", [a, b]);
export const sub = (a: Code, b: Code): Code => op("f32x4.sub", [a, b]);
export const mul = (a: Code, b: Code): Code => op("f32x4.mul", [a, b]);
export const select = (condition: Code, yes: Code, no: Code): Code => op("v128.bitselect", [yes, no, condition]);
const i32 = (value: number): Code => op("i32.const", [], { values: [value] });

/** c[0] + c[1] x + c[2] x² + … */
function polynomial(coefficients: readonly number[], x: Local): Code {
  return coefficients
    .slice(0, -1)
    .reduceRight<Code>((sum, each) => add(mul(sum, get(x)), f32x4(each)), f32x4(coefficients.at(-1)!));
}

/** Added to a number below 2^22 in magnitude, it leaves the nearest whole number in the lowest bits. */
const magic = 1.5 * 2 ** 23;

/**
 * 2^y for y in -125 … 125: a polynomial of what y has beyond the nearest whole number, which is added to the exponent.
 * @param y what is left of it stays in it
 * @param n for the whole number, in the lowest bits
 */
function exp2(y: Local, n: Local): { readonly before: readonly Code[]; readonly power: Code } {
  return {
    before: [set(n, add(get(y), f32x4(magic))), set(y, sub(get(y), sub(get(n), f32x4(magic))))],
    power: op("i32x4.add", [polynomial(exp2Near, y), op("i32x4.shl", [get(n), i32(23)])]),
  };
}

/** 2^r on [-½, ½] */
const exp2Near = [
  1, 0.6931470036506653, 0.24022242426872253, 0.05550733581185341, 0.009671512991189957, 0.001326472731307149,
];

/** 2^n for whole n in -126 … 127, as i32 lanes. */
function powerOfTwo(n: Code): Code {
  return op("i32x4.shl", [op("i32x4.add", [n, i32x4(127)]), i32(23)]);
}

/**
 * exp(x) = 2^n exp(r) with r = x - n log 2, |r| <= log(2) / 2. The factor 2^n is applied in two halves, so that results
 * may be subnormal or infinite.
 */
export function exp(): FunctionCode {
  const [x, y, r, p] = ["x", "y", "r", "p"].map((name) => new Local(name, "v128")) as [Local, Local, Local, Local];
  const n = new Local("n", "v128");
  const half = new Local("half", "v128");
  return {
    name: "exp4",
    parameters: [x],
    result: "v128",
    comment: "exp of four f32",
    body: [
      // With the limit first, NaN passes.
      set(y, op("f32x4.pmax", [op("f32x4.pmin", [get(x), f32x4(89)]), f32x4(-104)])),
      set(r, op("f32x4.nearest", [mul(get(y), f32x4(Math.LOG2E))])),
      set(n, op("i32x4.trunc_sat_f32x4_s", [get(r)])),
      // log 2 as a sum of two: the first has so few digits that its product with n is exact.
      set(r, sub(sub(get(y), mul(get(r), f32x4(0.693145751953125))), mul(get(r), f32x4(1.428606820309417e-6)))),
      set(p, polynomial(expTail, r)),
      set(p, add(f32x4(1), add(get(r), mul(mul(get(r), get(r)), get(p))))),
      set(half, op("i32x4.shr_s", [get(n), i32(1)])),
      mul(mul(get(p), powerOfTwo(get(half))), powerOfTwo(op("i32x4.sub", [get(n), get(half)]))),
    ],
  };
}

/** (exp(r) - 1 - r) / r² */
const expTail = [
  0.4999999403953552, 0.1666652113199234, 0.04166838899254799, 0.008368715643882751, 0.0013814602280035615,
];

/** x + x³ P(x²) near 0, else 1 - 2 / (1 + 2^(2 |x| / log 2)) with the sign of x; from 10 on it is 1 in f32. */
export function tanh(): FunctionCode {
  const { x, magnitude, y, n, z } = vectors();
  const { before, power } = exp2(y, n);
  const far = sub(f32x4(1), op("f32x4.div", [f32x4(2), add(f32x4(1), power)]));
  const near = add(get(x), mul(mul(get(x), get(z)), polynomial(tanhNear, z)));
  return {
    name: "tanh4",
    parameters: [x],
    result: "v128",
    comment: "tanh of four f32",
    body: [
      set(magnitude, op("f32x4.abs", [get(x)])),
      set(y, mul(op("f32x4.pmin", [get(magnitude), f32x4(10)]), f32x4(2 * Math.LOG2E))),
      ...before,
      set(y, withSign(far, x)),
      set(z, mul(get(x), get(x))),
      select(op("f32x4.ge", [get(magnitude), f32x4(0.625)]), get(y), near),
    ],
  };
}

/** (tanh(√z) / √z - 1) / z */
const tanhNear = [
  -0.3333328068256378, 0.13331441581249237, -0.05373971536755562, 0.02063908614218235, -0.005704986397176981,
];

function vectors(): { readonly [K in "x" | "magnitude" | "y" | "n" | "z"]: Local } {
  const local = (name: string): Local => new Local(name, "v128");
  return { x: local("x"), magnitude: local("magnitude"), y: local("y"), n: local("n"), z: local("z") };
}

/** A number that is not negative, with the sign of another. */
function withSign(magnitude: Code, x: Local): Code {
  return op("v128.or", [magnitude, op("v128.and", [get(x), i32x4(-2147483648)])]);
}

/** x + x P(x²) below 1, else 1 - 2^-(|x| Q(|x|)) with the sign of x; from 4 on it is 1 in f32. */
export function erf(): FunctionCode {
  const { x, magnitude, y, n, z } = vectors();
  const t = z;
  const { before, power } = exp2(y, n);
  const near = add(get(x), mul(get(x), polynomial(erfNear, z)));
  return {
    name: "erf4",
    parameters: [x],
    result: "v128",
    comment: "the error function of four f32",
    body: [
      set(magnitude, op("f32x4.abs", [get(x)])),
      set(t, op("f32x4.pmin", [get(magnitude), f32x4(4)])),
      set(y, mul(get(t), polynomial(erfFar, t))),
      ...before,
      set(y, withSign(sub(f32x4(1), power), x)),
      set(z, mul(get(x), get(x))),
      // With what is far as the exception, NaN stays.
      select(op("f32x4.ge", [get(magnitude), f32x4(1)]), get(y), near),
    ],
  };
}

/** erf(√z) / √z - 1 */
const erfNear = [
  0.12837916612625122, -0.3761262595653534, 0.1128358542919159, -0.026853810995817184, 0.005188327748328447,
  -0.0008010193705558777, 7.853860734030604e-5,
];
/** log(1 - erf(t)) / (t log 2) on [1, 4] */
const erfFar = [
  -1.6280525922775269, -0.9173109531402588, -0.15165048837661743, 0.032891202718019485, -0.004597783554345369,
  0.0003038928552996367,
];
