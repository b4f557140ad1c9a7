/**
 * Which rows of a time axis a step computes of a value.
 *
 * - `new`: those of this step, positions P to P + N - 1; `last`: only the last of them;
 * - `all`: positions 0 to P + N - 1;
 * - a number w: those that a window of w reaches: w - 1 slots of earlier rows in any order, then the new ones.
 */
import { add, neg, type Size, SizeVariable, size } from "../sizes/index.js";
import type { TimeAxis } from "./facts.js";

export type View = "new" | "last" | "all" | number;

/** The view of each axis; null for an axis that is not over positions. */
export type Views = readonly (View | null)[];

export function viewsKey(views: Views): string {
  return views.map((each) => each ?? "-").join(" ");
}

/** Whether it is of this step's rows, so that a window may be counted from it. */
export function isNew(view: View | null | undefined): boolean {
  return view === "new" || view === "last";
}

/** The sizes of a step. */
export interface StepSizes {
  /** P, the positions before this step. */
  readonly past: SizeVariable;
  /** C, the positions that a session has room for; P + N is at most it. */
  readonly capacity: SizeVariable;
  /** N, its new positions. */
  readonly count: SizeVariable;
  /** P + N. */
  readonly length: Size;
}

/**
 * C, P and N for an entry whose T is at most the given size, so that P + N is.
 * @param taken names of the entry's other sizes; a name that is taken gets a stroke
 */
export function stepSizes(most: Size | null, taken: ReadonlySet<string>): StepSizes {
  const named = (name: string): string => (taken.has(name) ? named(`${name}'`) : name);
  const capacity = new SizeVariable(named("C"), 1, most);
  const past = new SizeVariable(named("P"), 0, add(size(capacity), -1));
  const count = new SizeVariable(named("N"), 1, add(size(capacity), neg(size(past))));
  return { capacity, past, count, length: add(size(past), size(count)) };
}

/** How many rows a view of an axis has. */
export function rowsOf(view: View, { before, after }: TimeAxis, { count, length }: StepSizes): Size {
  const fixed = before + after;
  if (view === "new") return add(size(count), fixed);
  if (view === "last") return size(1 + fixed);
  if (view === "all") return add(length, fixed);
  return add(size(count), view - 1 + fixed);
}
