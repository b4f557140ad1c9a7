/**
 * Half precision (IEEE 754 binary16) as bits, for hosts without Float16Array.
 *
 * Rounding is to nearest, ties to even, in one step from f64: going through f32 would round twice.
 */

let halfTable: Float32Array | null = null;

/** The values of all 65536 half-precision numbers, by their bits. Made at the first use. */
export function halfValues(): Float32Array {
  if (halfTable) return halfTable;
  const table = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits++) {
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    let value: number;
    if (exponent === 31) value = fraction === 0 ? Number.POSITIVE_INFINITY : Number.NaN;
    else if (exponent === 0) value = fraction * 2 ** -24;
    else value = (1024 + fraction) * 2 ** (exponent - 25);
    table[bits] = bits >= 32768 ? -value : value;
  }
  halfTable = table;
  return table;
}

const doubleScratch = new Float64Array(1);
const doubleWords = new Uint32Array(doubleScratch.buffer);

/** The bits of the half-precision number nearest to a value. */
export function toHalf(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  doubleScratch[0] = value;
  const high = doubleWords[1]!;
  const sign = (high >>> 16) & 0x8000;
  const magnitude = Math.abs(value);
  // 65520 lies half-way between the largest finite number and the next power of two.
  if (magnitude >= 65520) return sign | 0x7c00;
  const exponent = Math.max(((high >>> 20) & 0x7ff) - 1023, -14);
  // In units of the last place; adding and subtracting 2^52 rounds to a whole number, ties to even.
  const units = magnitude * 2 ** (10 - exponent) + 4503599627370496 - 4503599627370496;
  // The sum lets a fraction that rounds up to 2048 carry into the exponent, and 1024 units be the least normal number.
  return sign | (((exponent + 14) << 10) + units);
}

/** A value rounded to half precision. */
export function roundToHalf(value: number): number {
  return halfValues()[toHalf(value)]!;
}

/** The bits of the nearest finite half-precision number; those of 0 for NaN. */
export function toFiniteHalf(value: number): number {
  return Number.isNaN(value) ? 0 : toHalf(Math.min(Math.max(value, -65504), 65504));
}

/** A value rounded to a finite half-precision number, as `toFiniteHalf`. */
export function roundToFiniteHalf(value: number): number {
  return halfValues()[toFiniteHalf(value)]!;
}
