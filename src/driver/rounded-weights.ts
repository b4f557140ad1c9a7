/** How far a program may be from what it is compared with when its weights, or all numbers, are held in fewer bits. */
import type { WeightsFormat } from "../passes/index.js";
import type { Tensor } from "../runtime/host/tensors.js";
import { numbersOf } from "./compare.js";
import type { PrecisionName } from "./precision.js";

/** What passes. */
export interface Allowed {
  /** The largest error, or where something is rounded the largest deviation. */
  readonly tolerance: number;
  readonly isRounded: boolean;
  /** Whether tokens and other whole numbers may differ: one near tie decides otherwise, and all that follows is another text. */
  readonly isFree: boolean;
}

/** How far two tensors are apart, of which one is computed with rounded weights. */
export interface RoundedDifference {
  /** The root mean square of the errors over that of the expected values; NaN if there is a NaN or an infinity. */
  readonly deviation: number;
  /** The share of the rows along the last axis whose largest element is at the same place; null for what has no rows. */
  readonly agreement: number | null;
}

/**
 * What passes unless the user says. Rounding a weight to f16 moves it by up to 1/2048 of itself, to bf16 by up to 1/256, to
 * 8 bits by up to 1/254 of the largest of its column, to 4 bits by up to 1/16 of its group, and by 1/8 where two of its ends
 * are far apart; what that makes of an output depends on the model, and grows with its depth. What is not even near, as with
 * scales of another matrix, deviates by 1 or more.
 */
const usual: { readonly [K in WeightsFormat]: number } = { f32: 1e-4, f16: 5e-3, bf16: 5e-2, int8: 0.1, int4: 1 };

/** What passes where what lies between kernels is kept in f16 too, which rounds it dozens of times on its way. */
const usualInHalves = 1e-2;

export function allowedOf(format: WeightsFormat, precision: PrecisionName, tolerance?: number): Allowed {
  const isHalf = precision === "f16";
  const least = isHalf ? Math.max(usual[format], usualInHalves) : usual[format];
  const isRounded = isHalf || format !== "f32";
  return { tolerance: tolerance ?? least, isRounded, isFree: isRounded };
}

/** How many units of the whole numbers that rows are rounded to may come together, over all layers of a deep model. */
const unitsOfRows = 32;

/**
 * What passes of what is computed with the same rounded weights: the order of sums in f32, and what the target rounds besides.
 * @param rows the least of the whole numbers that it rounds rows to; null where it rounds none
 */
export function allowedOfSame(precision: PrecisionName, rows: number | null): Allowed {
  const ofRows = rows === null ? 0 : unitsOfRows / rows;
  const tolerance = Math.max(usual.f32, ofRows, precision === "f16" ? usualInHalves : 0);
  return { tolerance, isRounded: true, isFree: tolerance > usual.f32 };
}

export function roundedDifference(found: Tensor, expected: Tensor): RoundedDifference {
  const [a, b] = [numbersOf(found), numbersOf(expected)];
  let [errors, squares] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    errors += (a[i]! - b[i]!) ** 2;
    squares += b[i]! ** 2;
  }
  const deviation = errors === 0 ? 0 : Math.sqrt(errors / squares);
  return { deviation, agreement: agreementOf(a, b, expected.shape.at(-1) ?? 1) };
}

function agreementOf(a: ArrayLike<number>, b: ArrayLike<number>, width: number): number | null {
  if (width < 2 || b.length === 0) return null;
  let agree = 0;
  for (let start = 0; start < b.length; start += width) {
    if (largestAt(a, start, width) === largestAt(b, start, width)) agree++;
  }
  return agree / (b.length / width);
}

/** The place of the first of the largest elements of a row. */
function largestAt(values: ArrayLike<number>, start: number, width: number): number {
  let best = 0;
  for (let i = 1; i < width; i++) if (values[start + i]! > values[start + best]!) best = i;
  return best;
}
