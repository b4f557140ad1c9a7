/**
 * Where blocks lie in the arena, as formulas in the run-time sizes.
 *
 * A block begins at the largest of the ends of those below it that live at one time with it. Ends are sums, and where it
 * depends on the sizes which of them is largest, the offset is a maximum of sums. What is proven never to be the largest
 * is left out, so that most offsets are plain sums; too many are replaced by fewer sums that are never smaller.
 */
import {
  add,
  evaluate,
  isAtMost,
  maximum,
  rangeOf,
  render,
  type Size,
  type SizeVariable,
  size,
  sizeOfTerm,
  sub,
} from "../sizes/index.js";
import { conflictsOf, type Interval, ordersOf, samplesOf } from "./order.js";

/** Of how many sums an offset may be the maximum. */
const most = 6;

export interface Layout {
  /** For each interval where it begins. */
  readonly offsets: readonly Size[];
  /** Where the last ends. */
  readonly bytes: Size;
}

/** The layout that takes the least memory at its worst, of those the one with the shortest formulas. */
export function layoutOf(intervals: readonly Interval[], sizes: readonly SizeVariable[]): Layout {
  if (intervals.length === 0) return { offsets: [], bytes: size(0) };
  const conflicts = conflictsOf(intervals);
  const samples = samplesOf(sizes);
  const layouts = ordersOf(intervals, conflicts, sizes).map((order) => {
    const layout = layoutIn(order, intervals, conflicts, sizes);
    const length = new Set(layout.offsets).size + render(layout.bytes).length;
    return { layout, length, bytes: samples.map((sample) => valueAt(layout.bytes, sample)) };
  });
  const least = samples.map((_, at) => Math.max(1, Math.min(...layouts.map(({ bytes }) => bytes[at]!))));
  const costs = layouts.map(({ layout, length, bytes }) => {
    const worst = Math.max(...bytes.map((each, at) => each / least[at]!));
    // A hundredth more memory is worth a shorter formula.
    return { layout, length, worst: Math.ceil(worst * 100 - 1e-6) };
  });
  costs.sort((a, b) => a.worst - b.worst || a.length - b.length);
  return costs[0]!.layout;
}

/** The places of intervals that lie in this order. */
function layoutIn(
  order: readonly number[],
  intervals: readonly Interval[],
  conflicts: readonly (readonly number[])[],
  sizes: readonly SizeVariable[],
): Layout {
  const highest = new Highest(sizes);
  const rank = new Map(order.map((interval, at) => [interval, at]));
  const offsets: Size[] = intervals.map(() => size(0));
  const ends: (readonly Size[])[] = intervals.map(() => []);
  for (const interval of order) {
    const below = conflicts[interval]!.filter((other) => rank.get(other)! < rank.get(interval)!);
    // What lies below another of them ends before that begins.
    const covered = new Set(
      below.flatMap((other) => conflicts[other]!.filter((each) => rank.get(each)! < rank.get(other)!)),
    );
    const start = highest.of(below.filter((other) => !covered.has(other)).flatMap((other) => ends[other]!));
    offsets[interval] = start.reduce(maximum);
    ends[interval] = start.map((each) => add(each, intervals[interval]!.bytes));
  }
  return { offsets, bytes: highest.of(ends.flat()).reduce(maximum) };
}

/** Finds which of several sums may be the largest. */
class Highest {
  readonly #known = new Map<string, readonly Size[]>();
  readonly #samples: readonly ReadonlyMap<SizeVariable, number>[];

  constructor(sizes: readonly SizeVariable[]) {
    this.#samples = samplesOf(sizes);
  }

  /** Sums of which the largest is at least, and nearly always exactly, the largest of these; 0 for none. */
  of(sums: readonly Size[]): readonly Size[] {
    const distinct = [...new Set(sums)].sort((a, b) => a.id - b.id);
    if (distinct.length === 0) return [size(0)];
    const key = distinct.map((each) => each.id).join();
    let result = this.#known.get(key);
    if (result === undefined) {
      result = this.#few(undominated(distinct));
      this.#known.set(key, result);
    }
    return result;
  }

  /** While there are too many, joins the two that it costs least to join. */
  #few(sums: readonly Size[]): readonly Size[] {
    let left = sums;
    while (left.length > most) {
      const largest = this.#samples.map((sample) => Math.max(1, ...left.map((each) => valueAt(each, sample))));
      let best: { cost: number; joined: Size } | null = null;
      for (const [i, a] of left.entries()) {
        for (const b of left.slice(i + 1)) {
          const joined = join(a, b);
          const cost = Math.max(...this.#samples.map((sample, at) => valueAt(joined, sample) / largest[at]!));
          if (best === null || cost < best.cost) best = { cost, joined };
        }
      }
      const { joined } = best!;
      left = undominated([...left, joined]);
    }
    return left;
  }
}

/** Without those that another is proven never to be smaller than. */
function undominated(sums: readonly Size[]): readonly Size[] {
  const left = [...sums];
  for (let i = 0; i < left.length; ) {
    if (left.some((other, at) => at !== i && isAtMost(left[i]!, other))) left.splice(i, 1);
    else i++;
  }
  return left;
}

/** A sum that is never smaller than either: with the larger coefficient of each product. */
function join(a: Size, b: Size): Size {
  const more = sub(b, a).terms.map((term) => ({ term, product: sizeOfTerm({ ...term, coefficient: 1 }) }));
  if (more.some(({ product }) => rangeOf(product).min < 0)) return add(a, b);
  return more.reduce((sum, { term }) => (term.coefficient > 0 ? add(sum, sizeOfTerm(term)) : sum), a);
}

function valueAt(value: Size, sample: ReadonlyMap<SizeVariable, number>): number {
  try {
    return evaluate(value, (variable) => sample.get(variable) ?? 1);
  } catch {
    return Number.MAX_SAFE_INTEGER;
  }
}
