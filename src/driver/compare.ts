/** How far values depart from those that were expected. */
import { halfValues } from "../runtime/host/half.js";
import type { Tensor } from "../runtime/host/tensors.js";

/** The largest differences of two tensors of one shape. */
export interface Difference {
  /** The largest absolute error; NaN if there is a NaN on either side, Infinity if an infinity stands against a number. */
  readonly absolute: number;
  /** The largest absolute error over the largest finite magnitude that was expected. */
  readonly relative: number;
  /** The offset of the element that departs most from what the tolerance allows. */
  readonly worst: number;
  readonly passed: boolean;
}

/** The elements of a tensor as numbers; f16 from its bits. */
export function numbersOf(tensor: Tensor): ArrayLike<number> {
  if (tensor.type !== "f16") return tensor.data;
  const table = halfValues();
  return Float32Array.from(tensor.data as Uint16Array, (bits) => table[bits] ?? Number.NaN);
}

/** Whether two shapes are equal. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

/** The largest magnitude of some numbers that is less than a limit. */
export function largestMagnitude(values: ArrayLike<number>, limit = Number.POSITIVE_INFINITY): number {
  let largest = 0;
  for (let i = 0; i < values.length; i++) {
    const magnitude = Math.abs(values[i]!);
    if (magnitude > largest && magnitude < limit) largest = magnitude;
  }
  return largest;
}

/**
 * What the tolerance is multiplied by. It is absolute for outputs of ordinary magnitude, from 1 to 100; stricter for
 * smaller ones, such as probabilities, which it would wave through; and relative beyond, where f32 itself is coarser.
 */
function scaleOf(largest: number): number {
  if (largest === 0) return 1;
  return largest < 1 ? largest : Math.max(1, largest / 100);
}

/**
 * Compares element by element. A float passes if |a - b| is at most tolerance × scale. Whole numbers must be equal. NaN
 * never passes, nor an infinity against anything but itself.
 * @param givenScale another scale than that of the expected values
 */
export function compareValues(
  found: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  exact = false,
  givenScale: number | null = null,
): Difference {
  const largest = largestMagnitude(expected);
  const allowed = exact ? 0 : tolerance * (givenScale ?? scaleOf(largest));
  let absolute = 0;
  let worst = 0;
  let worstExcess = Number.NEGATIVE_INFINITY;
  let passed = true;
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [found[i]!, expected[i]!];
    const isNumber = !Number.isNaN(a) && !Number.isNaN(b);
    const error = a === b ? 0 : Math.abs(a - b);
    const excess = isNumber ? error - allowed : Number.POSITIVE_INFINITY;
    if (excess > 0) passed = false;
    if (!isNumber) absolute = Number.NaN;
    else if (!Number.isNaN(absolute)) absolute = Math.max(absolute, error);
    if (excess > worstExcess) {
      worstExcess = excess;
      worst = i;
    }
  }
  const relative = absolute === 0 ? 0 : largest === 0 ? absolute : absolute / largest;
  return { absolute, relative, worst, passed };
}

/** Compares tensors of one shape; integers and booleans exactly. */
export function compareTensors(found: Tensor, expected: Tensor, tolerance: number): Difference {
  const exact = expected.type === "i32" || expected.type === "bool";
  return compareValues(numbersOf(found), numbersOf(expected), tolerance, exact);
}
