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

/** The nearest f16 but for those that are no finite number: the largest for what is larger, 0 for NaN. */
export function roundToFiniteHalf(value: number): number {
  if (Number.isNaN(value)) return 0;
  return roundToHalf(Math.min(Math.max(value, -largestHalf), largestHalf));
}

/** The nearest bf16, ties to even, of what is an f32; as f32 has it, what is too large is infinite. */
export function roundToBrainFloat(value: number): number {
  if (!Number.isFinite(value)) return value;
  floats[0] = value;
  const rounded = words[0]! + 0x7fff + ((words[0]! >>> 16) & 1);
  words[0] = rounded & 0xffff0000;
  return floats[0]!;
}

const floats = new Float32Array(1);
const words = new Uint32Array(floats.buffer);

/** The number as its element type holds it: floats round; whole numbers and bool only lose the sign of a zero. */
export function roundTo(element: ElementType, value: number): number {
  switch (element) {
    case "f32":
      return Math.fround(value);
    case "f16":
      return roundToHalf(value);
    case "f16f":
      return roundToFiniteHalf(value);
    case "bf16":
      return roundToBrainFloat(value);
    default:
      return value + 0;
  }
}
