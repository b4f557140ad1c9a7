/** Compares one output with what it should be, and says in words where it departs. */
import { isFloat } from "../ir/graph/index.js";
import { showShape, type Tensor } from "../runtime/host/tensors.js";
import { compareTensors, type Difference, numbersOf, sameShape } from "./compare.js";
import { place } from "./inputs.js";
import { type Allowed, roundedDifference } from "./rounded-weights.js";
import type { Row } from "./verify.js";

/** What a comparison of one output gives. */
export type Compared = Pick<Row, "passed" | "absolute" | "relative" | "rounded" | "detail">;

/** @param name what the output is called where it departs */
export function compareOutput(name: string, value: Tensor, expected: Tensor, allowed: Allowed): Compared {
  if (!sameShape(value.shape, expected.shape)) {
    const detail = `${name} is ${showShape(value.shape)}, and ${showShape(expected.shape)} is expected`;
    return { passed: false, absolute: null, relative: null, rounded: null, detail };
  }
  const difference = compareTensors(value, expected, allowed.tolerance);
  const { absolute, relative } = difference;
  const rounded = allowed.isRounded && isFloat(expected.type) ? roundedDifference(value, expected) : null;
  const passed = rounded === null ? difference.passed || allowed.isFree : rounded.deviation <= allowed.tolerance;
  return { passed, absolute, relative, rounded, detail: passed ? null : worst(name, value, expected, difference) };
}

function worst(name: string, value: Tensor, expected: Tensor, difference: Difference): string {
  const at = difference.worst;
  const [found, wanted] = [numbersOf(value)[at] ?? Number.NaN, numbersOf(expected)[at] ?? Number.NaN];
  const where = `${name}${place(at, value.shape)}`;
  if (Number.isNaN(found) && Number.isNaN(wanted)) return `${where} is NaN on both sides, which shows nothing`;
  return `${where} is ${found}, and ${wanted} is expected`;
}

/**
 * Compares decoded tokens. `absolute` counts those that differ: one is a failure, unless weights are rounded: one near tie
 * decides otherwise, and all that follows is another text.
 */
export function compareTokens(found: Tensor, expected: Tensor, allowed: Allowed): Compared {
  if (!sameShape(found.shape, expected.shape)) {
    const detail = `greedy is ${showShape(found.shape)}, and ${showShape(expected.shape)} is expected`;
    return { passed: false, absolute: null, relative: null, rounded: null, detail };
  }
  let differ = 0;
  let first = -1;
  for (let i = 0; i < expected.data.length; i++) {
    if (found.data[i] === expected.data[i]) continue;
    differ++;
    if (first < 0) first = i;
  }
  if (first < 0) return { passed: true, absolute: 0, relative: 0, rounded: null, detail: null };
  const token = found.data[first] === -1 ? "not a number in its scores" : found.data[first];
  const detail = `greedy${place(first, expected.shape)} is ${token}, and ${expected.data[first]} is expected`;
  const passed = allowed.isFree;
  return { passed, absolute: differ, relative: differ / expected.data.length, rounded: null, detail };
}
