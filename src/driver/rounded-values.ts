/**
 * The numbers that a weight is held as, in plain loops: what the operators of `quantization` must come to, written once more.
 *
 * Every step is rounded to f32, as the interpreter rounds it, so that halves fall to the same side.
 */
import { largestHalf, roundToBrainFloat, roundToFiniteHalf } from "../ir/graph/rounding.js";
import type { Holding } from "../passes/index.js";

type Integers = Extract<Holding, { readonly format: "integers" }>;

/** @param shape that of the weight @returns what is computed with instead of `numbers`, in f32 */
export function roundedValues(numbers: Float32Array, shape: readonly number[], holding: Holding): Float32Array {
  if (holding.format === "bf16") return numbers.map(roundToBrainFloat);
  if (holding.format === "integers") return ofIntegers(numbers, shape, holding);
  const { of, count } = partsOf(shape, { axes: holding.summed, axis: -1, group: null });
  const { most, least } = extremes(numbers, of, count);
  const scales = most.map((each, part) => {
    const largest = Math.max(each, -least[part]!);
    return largest <= largestHalf ? 1 : Math.fround(largest * Math.fround(1 / largestHalf));
  });
  return numbers.map((each, i) => roundToFiniteHalf(Math.fround(each / scales[of[i]!]!)) * scales[of[i]!]!);
}

/** Which numbers have one scale: for each the index of its part, and how many parts there are. */
function partsOf(shape: readonly number[], { axes, axis, group }: Integers["cut"]): { of: Int32Array; count: number } {
  // How many parts there are along each axis, and how many numbers of it are in one.
  const lengths = shape.map((extent, at) => (!axes.includes(at) ? 1 : at === axis && group !== null ? group : extent));
  let of = new Int32Array(1);
  let count = 1;
  for (const [at, extent] of shape.entries()) {
    const parts = extent / lengths[at]!;
    const wider = new Int32Array(of.length * extent);
    for (let outer = 0; outer < of.length; outer++) {
      for (let i = 0; i < extent; i++) wider[outer * extent + i] = of[outer]! * parts + Math.floor(i / lengths[at]!);
    }
    of = wider;
    count *= parts;
  }
  return { of, count };
}

function extremes(numbers: Float32Array, of: Int32Array, count: number): { most: Float32Array; least: Float32Array } {
  const [most, least] = [new Float32Array(count).fill(-Infinity), new Float32Array(count).fill(Infinity)];
  for (let i = 0; i < numbers.length; i++) {
    const part = of[i]!;
    // A NaN makes its part one.
    most[part] = Math.max(most[part]!, numbers[i]!);
    least[part] = Math.min(least[part]!, numbers[i]!);
  }
  return { most, least };
}

function ofIntegers(numbers: Float32Array, shape: readonly number[], { cut, storage }: Integers): Float32Array {
  const { of, count } = partsOf(shape, cut);
  const { most, least } = extremes(numbers, of, count);
  const held = (value: number): number => (storage.scales === "f32" ? value : roundToFiniteHalf(value));
  const { bits, hasLeast } = storage;
  const counts = hasLeast ? ([8, 15] as const) : bits === 8 ? ([17, 32] as const) : ([4, 8] as const);
  const steps = storage.isSearched ? stepsOf(numbers, of, most, hasLeast ? least : null, least, counts) : null;
  const scales = most.map((largest, part) => {
    const smallest = least[part]!;
    if (hasLeast) return held(Math.fround(Math.fround(largest - smallest) / (steps?.[part] ?? 15)));
    if (bits === 8) return held(Math.fround(Math.max(largest, -smallest) / (steps?.[part] ?? 127)));
    const count = steps?.[part] ?? 8;
    return held(Math.fround((largest > -smallest ? largest : smallest) / (count < 8 ? count : -8)));
  });
  const [lowest, highest, zero] = bits === 8 ? [-127, 127, 0] : [0, 15, hasLeast ? 0 : 8];
  return numbers.map((each, i) => {
    const [scale, base] = [scales[of[i]!]!, hasLeast ? held(least[of[i]!]!) : 0];
    const exact = Math.fround(Math.fround(Math.fround(each - base) / scale) + zero);
    const code = Math.min(Math.max(Math.floor(Math.fround(exact + 0.5)), lowest), highest);
    // Of zeros alone the scale is 0, and any code will do.
    return Math.fround(Math.fround(((Number.isNaN(code) ? 0 : code) - zero) * scale) + base);
  });
}

/** For each part, the number of steps from its base, or 0, to its end that leaves numbers nearest to whole ones. */
function stepsOf(
  numbers: Float32Array,
  of: Int32Array,
  most: Float32Array,
  base: Float32Array | null,
  least: Float32Array,
  [from, to]: readonly [number, number],
): Float32Array {
  const chosen = new Float32Array(most.length).fill(to);
  const best = new Float32Array(most.length).fill(Infinity);
  const range = most.map((end, part) => (base === null ? Math.max(end, -least[part]!) : end - base[part]!));
  for (let steps = from; steps <= to; steps++) {
    const perUnit = range.map((each) => steps / each);
    const worst = new Float32Array(most.length);
    for (let i = 0; i < numbers.length; i++) {
      const part = of[i]!;
      const first = base === null ? 0 : Math.fround(base[part]! * perUnit[part]!);
      const each = Math.fround(Math.fround(numbers[i]! * perUnit[part]!) - first);
      worst[part] = Math.max(worst[part]!, Math.abs(Math.fround(each - Math.floor(Math.fround(each + 0.5)))));
    }
    for (let part = 0; part < most.length; part++) {
      if (!(worst[part]! < best[part]!)) continue;
      best[part] = worst[part]!;
      chosen[part] = steps;
    }
  }
  return chosen;
}
