/**
 * Rounding of numbers to the element types, so that constants are the same in the Graph, in dumps and in every target.
 */
import type { ElementType } from "./types.js";

/** The largest finite number of f16. */
export const largestHalf = 65504;

/**
 * The nearest f16, ties to even, as IEEE 754 binary16 with subnormals; from 65520 on it is infinite.
 * Scaled by a power of two, the spacing of f16 at the number becomes 1, and rounding is to whole numbers.
 */
export function roundToHalf(value: number): number {
  const magnitude = Math.abs(value);
  if (!(magnitude < 65520)) return Number.isNaN(value) ? value : value < 0 ? -Infinity : Infinity;
  // 2^-24 is the spacing of subnormals and of the lowest normals; 10 bits follow the leading one.
  const exponent = magnitude < 2 ** -14 ? -14 : exponentOf(magnitude);
  const spacing = 2 ** (exponent - 10);
  const scaled = magnitude / spacing;
  const floor = Math.floor(scaled);
  const rest = scaled - floor;
  const up = rest > 0.5 || (rest === 0.5 && floor % 2 === 1);
  const rounded = (up ? floor + 1 : floor) * spacing;
  return value < 0 || Object.is(value, -0) ? -rounded : rounded;
}

const bits = new DataView(new ArrayBuffer(8));

/** The exponent of the leading bit of a normal positive number. */
function exponentOf(value: number): number {
  bits.setFloat64(0, value);
  return (bits.getUint16(0) >> 4) - 1023;
}

/** The f16 with these 16 bits. */
export function halfFromBits(encoding: number): number {
  const sign = encoding & 0x8000 ? -1 : 1;
  const exponent = (encoding >> 10) & 31;
  const fraction = encoding & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** The number as its element type holds it: f32 and f16 round; i32 and bool only lose the sign of a zero. */
export function roundTo(element: ElementType, value: number): number {
  return element === "f32" ? Math.fround(value) : element === "f16" ? roundToHalf(value) : value + 0;
}
