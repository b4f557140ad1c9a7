/**
 * Functions on numbers that JavaScript does not have, as the language defines them. A module carries those it uses.
 */

/** To i32: truncates, saturates, NaN gives 0. */
export function toInt32(x: number): number {
  return Math.max(-2147483648, Math.min(x, 2147483647)) | 0;
}

/** The remainder with the sign of b, as Python's `%`; NaN for b = 0. */
export function floorMod(a: number, b: number): number {
  const rest = a % b;
  return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
}

/**
 * The whole number below a / b, found through the exact remainder: a quotient that is barely below a whole number
 * would round up to it. An infinite a gives NaN.
 */
export function floorDivide(a: number, b: number): number {
  if (b === 0) return a / b;
  const rest = a % b;
  const quotient = (a - rest) / b - (rest !== 0 && rest < 0 !== b < 0 ? 1 : 0);
  if (quotient === 0) return a / b < 0 || Object.is(a / b, -0) ? -0 : 0;
  const floor = Math.floor(quotient);
  return quotient - floor > 0.5 ? floor + 1 : floor;
}

/** The whole number below a / b in i32; 0 for b = 0. */
export function divideIntegers(a: number, b: number): number {
  return b === 0 ? 0 : Math.floor(a / b) | 0;
}

/** The remainder with the sign of b in i32; 0 for b = 0. */
export function moduloIntegers(a: number, b: number): number {
  return b === 0 ? 0 : floorMod(a, b) | 0;
}

/** x^n in i32, which wraps around; for a negative n 1 / x^|n| rounded towards 0, and 0 for x = 0. */
export function powerOfIntegers(x: number, n: number): number {
  if (n < 0) return x === 1 ? 1 : x === -1 ? (n % 2 === 0 ? 1 : -1) : 0;
  let result = 1;
  for (let square = x, rest = n; rest > 0; rest >>= 1) {
    if (rest % 2 === 1) result = Math.imul(result, square);
    square = Math.imul(square, square);
  }
  return result;
}
