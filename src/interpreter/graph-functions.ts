/**
 * The element-wise functions on numbers: what each operator gives for one element.
 *
 * Results are not rounded here; whoever stores them rounds to the element type. i32 results may leave the range of i32,
 * and wrap when they are stored in an Int32Array. Booleans are 0 and 1. Where PyTorch defines more than IEEE 754 does,
 * it is followed, except in `pow` (see there).
 */
import type { BinaryOperator, UnaryOperator } from "../ir/graph/operators.js";
import { type ElementType, integerLimits, isFloat } from "../ir/graph/types.js";
import { erf } from "../runtime/host/erf.js";

export const unaryFunctions: { readonly [K in UnaryOperator]: (x: number) => number } = {
  neg: (x) => -x,
  abs: Math.abs,
  exp: Math.exp,
  log: Math.log,
  log2: Math.log2,
  sqrt: Math.sqrt,
  rsqrt: (x) => 1 / Math.sqrt(x),
  sin: Math.sin,
  cos: Math.cos,
  tanh: Math.tanh,
  erf,
  floor: Math.floor,
  ceil: Math.ceil,
  not: (x) => (x === 0 ? 1 : 0),
};

type Binary = (a: number, b: number) => number;

/** `a % b` has the sign of a in JavaScript; here the result has the sign of b, as in Python. By 0 it is NaN. */
function floorMod(a: number, b: number): number {
  const rest = a % b;
  return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
}

/**
 * The whole number below a / b, found through the exact remainder: a quotient that is barely below a whole number
 * would round up to it. As PyTorch's floor_divide, an infinite a gives NaN.
 */
function floorDivide(a: number, b: number): number {
  if (b === 0) return a / b;
  const rest = a % b;
  const quotient = (a - rest) / b - (rest !== 0 && rest < 0 !== b < 0 ? 1 : 0);
  if (quotient === 0) return a / b < 0 || Object.is(a / b, -0) ? -0 : 0;
  const floor = Math.floor(quotient);
  return quotient - floor > 0.5 ? floor + 1 : floor;
}

/** x^n modulo 2^32 by repeated squaring; 1 / x^|n| rounded towards 0 for a negative n, and 0 for x = 0. */
function integerPower(x: number, n: number): number {
  if (n < 0) return x === 1 ? 1 : x === -1 ? (n % 2 === 0 ? 1 : -1) : 0;
  let result = 1;
  for (let square = x, rest = n; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = Math.imul(result, square);
    square = Math.imul(square, square);
  }
  return result;
}

const onFloats: { readonly [K in BinaryOperator]: Binary } = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  floor_div: floorDivide,
  mod: floorMod,
  // As JavaScript has it: 1 ** NaN is NaN, and so is (-1) ** inf; C and PyTorch give 1.
  pow: (a, b) => a ** b,
  maximum: Math.max,
  minimum: Math.min,
  lt: (a, b) => (a < b ? 1 : 0),
  le: (a, b) => (a <= b ? 1 : 0),
  eq: (a, b) => (a === b ? 1 : 0),
  ne: (a, b) => (a !== b ? 1 : 0),
  and: (a, b) => (a !== 0 && b !== 0 ? 1 : 0),
  or: (a, b) => (a !== 0 || b !== 0 ? 1 : 0),
};

const onIntegers: { readonly [K in BinaryOperator]: Binary } = {
  ...onFloats,
  mul: Math.imul,
  floor_div: (a, b) => (b === 0 ? 0 : Math.floor(a / b)),
  mod: (a, b) => (b === 0 ? 0 : floorMod(a, b)),
  pow: integerPower,
};

/** The function of two elements of the given type. */
export function binaryFunction(operator: BinaryOperator, element: ElementType): Binary {
  return (isFloat(element) ? onFloats : onIntegers)[operator];
}

/** To an integer type: truncates, saturates, NaN gives 0. */
function toInteger(x: number, { min, max }: ReturnType<typeof integerLimits>): number {
  if (Number.isNaN(x)) return 0;
  return Math.min(Math.max(Math.trunc(x), min), max) + 0;
}

/** A number as an element of another type, before rounding. */
export function castFunction(to: ElementType): (x: number) => number {
  if (isFloat(to)) return (x) => x;
  if (to === "bool") return (x) => (x === 0 ? 0 : 1);
  const limits = integerLimits(to);
  return (x) => toInteger(x, limits);
}

/** Negative if a comes before b among the largest: NaN first, then descending. 0 for equals. */
export function compareDescending(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) ? (Number.isNaN(b) ? 0 : -1) : 1;
  return a === b ? 0 : a > b ? -1 : 1;
}
