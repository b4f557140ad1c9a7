/**
 * Which sizes fit into i32.
 *
 * A size that only the run knows counts positions of a buffer, and buffers have fewer than 2^31 elements: so it is below
 * 2^31 whether or not its range says so, and the difference of two fits, as does the sum of two that are bounded by a
 * third. Where there is no element at all, larger sizes could be given, but then nothing is computed.
 */
import { attempt, rangeOf, type Size, SizeVariable, size, substitute } from "../../sizes/index.js";

const most = 2 ** 31 - 1;

/** Variables without a largest value, and those that are bounded by them, as ones that fit into i32. */
const bounded = new WeakMap<SizeVariable, Size>();
const known = new WeakMap<Size, boolean>();

/** Whether every value of a size fits into i32. */
export function fitsWord(value: Size): boolean {
  const found = known.get(value) ?? (isWord(value) || isWord(attempt(() => substitute(value, ofVariable))));
  known.set(value, found);
  return found;
}

function isWord(value: Size | null): boolean {
  if (value === null) return false;
  const { min, max } = rangeOf(value);
  return min >= -(2 ** 31) && max <= most;
}

function ofVariable(variable: SizeVariable): Size {
  const found = bounded.get(variable);
  if (found !== undefined) return found;
  const [min, max] = [substitute(variable.min, ofVariable), variable.max && substitute(variable.max, ofVariable)];
  const isSame = min === variable.min && max !== null && max === variable.max;
  const made = isSame ? variable : new SizeVariable(variable.name, min, max ?? most, variable.step);
  bounded.set(variable, size(made));
  return size(made);
}
