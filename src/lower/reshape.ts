/**
 * Where the element of a reshaped tensor lies in the operand.
 *
 * Both shapes are cut into common factors from the left, as far as their sizes divide: [B, T, 768] and [B, T, 12, 64]
 * meet in the factors B, T, 12, 64, so that a merge of axes costs a multiplication and a split a division and a
 * remainder by the inner factor alone. Axes without common factors ([6, 4] and [4, 6]) go through one linear index.
 */
import { InternalError } from "../diagnostics/index.js";
import type { Expression } from "../ir/kernel/index.js";
import { compare, constantOf, exactDivide, mul, type Size, size } from "../sizes/index.js";
import { type Index, isSingle, plus, quotient, remainder, times, zero } from "./addresses.js";

/** A factor of an axis. The factors of an axis stand outermost first, and their product is its size. */
interface Factor {
  readonly axis: number;
  readonly size: Size;
}

/** Factors on both sides that hold the same elements in the same order. Each axis has at most one factor in a group. */
interface Group {
  readonly from: readonly Factor[];
  readonly to: readonly Factor[];
}

/** The index into the operand, of shape `from`, of the element at index `at` of the result, of shape `to`. */
export function reshapeIndex(from: readonly Size[], to: readonly Size[], at: Index): Index {
  // An empty tensor has no element to be read.
  if ([...from, ...to].some((extent) => constantOf(extent) === 0)) return from.map(() => zero);
  const groups = commonFactors(from, to);
  const result = from.map(() => zero);
  for (const [number, group] of groups.entries()) {
    const linear = group.to.reduce<Expression>((sum, factor) => {
      const inner = product(laterFactors(groups, number, "to", factor.axis));
      const outermost = !groups.slice(0, number).some((each) => each.to.some(({ axis }) => axis === factor.axis));
      const shifted = quotient(at[factor.axis]!, inner);
      return plus(times(sum, factor.size), outermost ? shifted : remainder(shifted, factor.size));
    }, zero);
    for (const [place, factor] of group.from.entries()) {
      const shifted = quotient(linear, product(group.from.slice(place + 1)));
      const index = place === 0 ? shifted : remainder(shifted, factor.size);
      result[factor.axis] = plus(times(result[factor.axis]!, factor.size), index);
    }
  }
  return result;
}

/** The factors of an axis in the groups after this one. */
function laterFactors(groups: readonly Group[], number: number, side: keyof Group, axis: number): Factor[] {
  return groups.slice(number + 1).flatMap((group) => group[side].filter((factor) => factor.axis === axis));
}

function product(factors: readonly Factor[]): Size {
  return factors.reduce((result, factor) => mul(result, factor.size), size(1));
}

/** What is left of a shape, without axes of size 1. */
function factorsOf(shape: readonly Size[]): Factor[] {
  return shape.map((extent, axis) => ({ axis, size: extent })).filter((factor) => !isSingle(factor.size));
}

function commonFactors(fromShape: readonly Size[], toShape: readonly Size[]): readonly Group[] {
  const groups: Group[] = [];
  const from = factorsOf(fromShape);
  const to = factorsOf(toShape);
  while (from.length > 0 && to.length > 0) {
    const [a, b] = [from.shift()!, to.shift()!];
    const restOfB = exactDivide(b.size, a.size);
    const restOfA = exactDivide(a.size, b.size);
    if (restOfB !== null) {
      groups.push({ from: [a], to: [{ ...b, size: a.size }] });
      if (!isSingle(restOfB)) to.unshift({ ...b, size: restOfB });
    } else if (restOfA !== null) {
      groups.push({ from: [{ ...a, size: b.size }], to: [b] });
      from.unshift({ ...a, size: restOfA });
    } else {
      groups.push(mergedGroup([a, ...from], [b, ...to]));
      from.splice(0, groups.at(-1)!.from.length - 1);
      to.splice(0, groups.at(-1)!.to.length - 1);
    }
  }
  const rest = { from: [...from], to: [...to] };
  return rest.from.length + rest.to.length > 0 ? [...groups, rest] : groups;
}

/** The fewest factors from the left on both sides that hold equally many elements. */
function mergedGroup(from: readonly Factor[], to: readonly Factor[]): Group {
  for (let count = 2; count <= from.length + to.length; count++) {
    for (let ofFrom = Math.max(1, count - to.length); ofFrom <= Math.min(from.length, count - 1); ofFrom++) {
      const group = { from: from.slice(0, ofFrom), to: to.slice(0, count - ofFrom) };
      if (compare(product(group.from), product(group.to)) === "equal") return group;
    }
  }
  throw new InternalError("the shapes of a reshape hold different numbers of elements");
}
