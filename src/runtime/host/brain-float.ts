/** bf16, the upper half of an f32, as bits. Rounding is to nearest, ties to even; every NaN becomes the usual one. */

let brainFloatTable: Float32Array | null = null;

/** The values of all 65536 numbers, by their bits. Made at the first use. */
export function brainFloatValues(): Float32Array {
  brainFloatTable ??= new Float32Array(Uint32Array.from({ length: 65536 }, (_, bits) => bits << 16).buffer);
  return brainFloatTable;
}

const singleScratch = new Float32Array(1);
const singleBits = new Uint32Array(singleScratch.buffer);

/** The bits of the bf16 that is nearest to an f32. */
export function toBrainFloat(value: number): number {
  if (Number.isNaN(value)) return 0x7fc0;
  singleScratch[0] = value;
  const bits = singleBits[0]!;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

/** An f32 rounded to bf16. */
export function roundToBrainFloat(value: number): number {
  return brainFloatValues()[toBrainFloat(value)]!;
}
