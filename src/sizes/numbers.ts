/** Whole-number helpers with Python's rounding, and interval arithmetic that rounds outward. */
import type { SizeRange } from "./form.js";

/** floor(a / b). Through the remainder, which JavaScript computes exactly, because a / b may round up. */
export function floorQuotient(a: number, b: number): number {
  return (a - floorRemainder(a, b)) / b;
}

/** a - b*floor(a / b): zero or of the sign of b. */
export function floorRemainder(a: number, b: number): number {
  const remainder = a % b;
  if (remainder === 0) return 0;
  return remainder < 0 === b < 0 ? remainder : remainder + b;
}

export const unbounded: SizeRange = { min: -Infinity, max: Infinity };

/** Bounds beyond the exact whole numbers may be rounded; this moves them outward. */
export function outward(min: number, max: number): SizeRange {
  const limit = Number.MAX_SAFE_INTEGER;
  return {
    min: min < -limit ? -Infinity : Math.min(min, limit),
    max: max > limit ? Infinity : Math.max(max, -limit),
  };
}

export function addRanges(a: SizeRange, b: SizeRange): SizeRange {
  return outward(a.min + b.min, a.max + b.max);
}

/** An infinite bound stands for arbitrarily large finite values, so that zero times it is zero. */
function product(a: number, b: number): number {
  return a === 0 || b === 0 ? 0 : a * b;
}

export function multiplyRanges(a: SizeRange, b: SizeRange): SizeRange {
  const corners = [product(a.min, b.min), product(a.min, b.max), product(a.max, b.min), product(a.max, b.max)];
  return outward(Math.min(...corners), Math.max(...corners));
}

/** An even power is not negative, which a product of two independent ranges would not know. */
export function powerRange(base: SizeRange, exponent: number): SizeRange {
  let power: SizeRange = { min: 1, max: 1 };
  for (let i = 0; i < exponent; i++) power = multiplyRanges(power, base);
  return exponent % 2 === 0 ? { min: Math.max(power.min, 0), max: power.max } : power;
}

/** The range of a // b, for b of at least 1. */
export function floorDivRange(a: SizeRange, b: SizeRange): SizeRange {
  return {
    min: floorBound(a.min, a.min >= 0 ? b.max : b.min),
    max: floorBound(a.max, a.max >= 0 ? b.min : b.max),
  };
}

function floorBound(a: number, b: number): number {
  if (!Number.isFinite(a)) return a;
  if (!Number.isFinite(b)) return a >= 0 ? 0 : -1;
  return floorQuotient(a, b);
}

export function intersectRanges(a: SizeRange, b: SizeRange): SizeRange {
  return { min: Math.max(a.min, b.min), max: Math.min(a.max, b.max) };
}
