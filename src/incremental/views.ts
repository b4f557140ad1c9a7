/**
 * Which rows of a time axis a step computes of a value.
 *
 * - `new`: those of this step, positions P to P + N - 1; `last`: only the last of them;
 * - `all`: positions 0 to P + N - 1;
 * - a number w: those that a window of w reaches: w slots of earlier rows in any order, then the new ones; of a step of one
 *   position w slots, its own row among them. A window of 1 reaches the new rows alone.
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
  /** Whether N is 1, and a new row takes its slot before a window is read. */
  readonly isOne: boolean;
}

/** How many rows of a window are kept: what falls out of it as a row is added stays until then. */
export function slotsOf(window: number): number {
  return window === 1 ? 0 : window;
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
  return { capacity, past, count, length: add(size(past), size(count)), isOne: false };
}

/** How many rows a view of an axis has. */
export function rowsOf(view: View, { before, after }: TimeAxis, { count, length, isOne }: StepSizes): Size {
  const fixed = before + after;
  if (view === "new") return add(size(count), fixed);
  if (view === "last") return size(1 + fixed);
  if (view === "all") return add(length, fixed);
  const slots = slotsOf(view);
  return isOne && slots > 0 ? size(slots + fixed) : add(size(count), slots + fixed);
}
