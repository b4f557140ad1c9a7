/**
 * In which order blocks lie in the arena, from its start up.
 *
 * A block begins where the highest of those end that lie below it and live at one time with it. That is right for every
 * order and all sizes, so an order decides nothing but how much memory is taken. Good ones come from packing the blocks
 * for some sizes, the largest first, each into the smallest gap that holds it; of these orders those are taken that come
 * closest to the largest live set at all of those sizes.
 *
 * What must stay true: the result depends on nothing but the blocks and the sizes, so that compiling is reproducible.
 */
import { evaluate, rangeOf, type Size, type SizeVariable, size } from "../sizes/index.js";

/** Something that needs bytes from one call to another, both included. */
export interface Interval {
  readonly first: number;
  readonly last: number;
  readonly bytes: Size;
}

/** For each interval those that live at one time with it. */
export function conflictsOf(intervals: readonly Interval[]): readonly (readonly number[])[] {
  const conflicts: number[][] = intervals.map(() => []);
  let alive: number[] = [];
  const byStart = intervals.map((_, i) => i).sort((a, b) => intervals[a]!.first - intervals[b]!.first || a - b);
  for (const i of byStart) {
    alive = alive.filter((other) => intervals[other]!.last >= intervals[i]!.first);
    for (const other of alive) {
      conflicts[i]!.push(other);
      conflicts[other]!.push(i);
    }
    alive.push(i);
  }
  return conflicts;
}

/** The most bytes that live at one time. */
export function largestLiveSet(
  intervals: readonly { first: number; last: number }[],
  bytes: readonly number[],
): number {
  const changes = intervals.flatMap(({ first, last }, i) => [
    { at: first, bytes: bytes[i]! },
    { at: last + 1, bytes: -bytes[i]! },
  ]);
  changes.sort((a, b) => a.at - b.at || a.bytes - b.bytes);
  let [live, most] = [0, 0];
  for (const change of changes) {
    live += change.bytes;
    most = Math.max(most, live);
  }
  return most;
}

/** Values of the sizes that stand for all: few and many of each, with few and many of the others. */
export function samplesOf(sizes: readonly SizeVariable[]): readonly ReadonlyMap<SizeVariable, number>[] {
  const within = (variable: SizeVariable, value: number): number => {
    const [min, max] = [rangeOf(size(variable)).min, rangeOf(size(variable)).max];
    const bounded = Math.max(1, Math.min(Math.max(value, min), max));
    return Math.max(1, Math.floor(bounded / variable.step)) * variable.step;
  };
  const samples = new Map<string, ReadonlyMap<SizeVariable, number>>();
  const add = (value: (i: number) => number): void => {
    const sample = new Map(sizes.map((variable, i) => [variable, within(variable, value(i))]));
    samples.set([...sample.values()].join(), sample);
  };
  for (const all of [64, 1, 2, 4, 6, 8, 12, 16, 32, 128, 256, 512, 4096]) add(() => all);
  for (let i = 0; i < Math.min(sizes.length, 4); i++) {
    for (const [one, others] of [
      [1, 128],
      [128, 1],
      [1024, 16],
      [2, 1024],
    ] as const) {
      add((each) => (each === i ? one : others));
    }
  }
  return [...samples.values()];
}

/** The bytes of each interval at a sample; null where they cannot be computed. */
function bytesAt(intervals: readonly Interval[], sample: ReadonlyMap<SizeVariable, number>): readonly number[] | null {
  try {
    return intervals.map(({ bytes }) =>
      Math.max(
        0,
        evaluate(bytes, (variable) => sample.get(variable) ?? 1),
      ),
    );
  } catch {
    // A product beyond the exact whole numbers: no memory is that large.
    return null;
  }
}

/** How many orders are worth a closer look. */
const finalists = 8;

/**
 * The best orders of the intervals' places, lowest first, as lists of indices. Each takes hardly more memory than the first
 * for the samples, but the formulas of its offsets may be simpler.
 */
export function ordersOf(
  intervals: readonly Interval[],
  conflicts: readonly (readonly number[])[],
  sizes: readonly SizeVariable[],
): readonly (readonly number[])[] {
  const samples = samplesOf(sizes).flatMap((sample) => {
    const bytes = bytesAt(intervals, sample);
    return bytes === null ? [] : [{ bytes, least: Math.max(1, largestLiveSet(intervals, bytes)) }];
  });
  const known = new Map<string, { order: readonly number[]; cost: Cost }>();
  const consider = (order: readonly number[]): void => {
    const key = order.join();
    if (!known.has(key)) known.set(key, { order, cost: costOf(order, conflicts, samples) });
  };
  consider(intervals.map((_, i) => i));
  for (const { bytes } of samples) {
    for (const sorted of prioritiesOf(intervals, bytes)) consider(packed(sorted, conflicts, bytes));
  }
  const found = [...known.values()].sort((a, b) => a.cost.worst - b.cost.worst || a.cost.mean - b.cost.mean);
  const enough = found[0]!.cost.worst * 1.01;
  return found
    .filter(({ cost }) => cost.worst <= enough)
    .slice(0, finalists)
    .map(({ order }) => order);
}

/** Orders in which intervals choose their places: the largest first, or those that hold much for long. */
function prioritiesOf(intervals: readonly Interval[], bytes: readonly number[]): readonly (readonly number[])[] {
  const by = (weight: (i: number) => number): readonly number[] =>
    intervals
      .map((_, i) => i)
      .sort((a, b) => weight(b) - weight(a) || intervals[a]!.first - intervals[b]!.first || a - b);
  const length = (i: number): number => intervals[i]!.last - intervals[i]!.first + 1;
  return [
    by((i) => bytes[i]!),
    by((i) => bytes[i]! * length(i)),
    by(length),
    by((i) => bytes[i]! * Math.sqrt(length(i))),
  ];
}

/** Places each in the smallest gap between those that it conflicts with; the order of the places. */
function packed(
  sorted: readonly number[],
  conflicts: readonly (readonly number[])[],
  bytes: readonly number[],
): readonly number[] {
  const start = new Array<number>(sorted.length).fill(-1);
  for (const i of sorted) {
    const around = conflicts[i]!.filter((other) => start[other]! >= 0).sort((a, b) => start[a]! - start[b]!);
    let [top, bestStart, bestGap] = [0, -1, Number.POSITIVE_INFINITY];
    for (const other of around) {
      const gap = start[other]! - top;
      if (gap >= bytes[i]! && gap < bestGap) [bestStart, bestGap] = [top, gap];
      top = Math.max(top, start[other]! + bytes[other]!);
    }
    start[i] = bestStart >= 0 ? bestStart : top;
  }
  return [...sorted].sort((a, b) => start[a]! - start[b]! || a - b);
}

/** The bytes that an order takes. */
function bytesOfOrder(
  order: readonly number[],
  conflicts: readonly (readonly number[])[],
  bytes: readonly number[],
): number {
  const end = new Array<number>(order.length).fill(-1);
  let most = 0;
  for (const i of order) {
    let start = 0;
    for (const other of conflicts[i]!) start = Math.max(start, end[other]!);
    end[i] = start + bytes[i]!;
    most = Math.max(most, end[i]!);
  }
  return most;
}

/** The worst ratio to the largest live set, and the mean, which decides between equals. */
interface Cost {
  readonly worst: number;
  readonly mean: number;
}

function costOf(
  order: readonly number[],
  conflicts: readonly (readonly number[])[],
  samples: readonly { readonly bytes: readonly number[]; readonly least: number }[],
): Cost {
  const ratios = samples.map(({ bytes, least }) => bytesOfOrder(order, conflicts, bytes) / least);
  // Rounded, so that which of two equals comes first does not hang on the order of a sum.
  const rounded = (value: number): number => Math.round(value * 1e6) / 1e6;
  return { worst: rounded(Math.max(1, ...ratios)), mean: rounded(ratios.reduce((sum, each) => sum + each, 0)) };
}
