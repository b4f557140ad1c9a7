/**
 * The loops of a kernel that is not written yet: how often what is read in them is computed.
 *
 * This mirrors lowering: a value is computed in the innermost loop that its index depends on if it is one number per row
 * or costly, else where it is read.
 */
import type { ValueId } from "../../ir/graph/index.js";
import type { FusionClass } from "./classes.js";

/** A loop in its nest, or the kernel itself, which has no parent. */
export class Loop {
  static #count = 0;
  readonly id = Loop.#count++;
  readonly depth: number;
  /** How often its body runs in the whole kernel. */
  readonly total: number;

  constructor(
    readonly parent: Loop | null,
    extent: number,
    /** Whether it is summed over, not one of the result's. */
    readonly isSummed = false,
  ) {
    this.depth = parent === null ? 0 : parent.depth + 1;
    this.total = (parent?.total ?? 1) * extent;
  }
}

/** Why a value is stored; null where it is computed in place. */
export type Verdict = string | null;

/** The loops that the index along an axis depends on. */
export type AxisLoops = readonly Loop[];

/** A kernel in the making: the stored value that it writes, and what was found in it so far. */
export interface Group {
  readonly root: ValueId;
  readonly kernel: Loop;
  /** Number of values that are computed in it. */
  members: number;
  /** The contractions that are computed in it. */
  readonly contractions: ValueId[];
  /** Whether a loop along a row stands in it. */
  hasRows: boolean;
  /** Whether its root is computed element by element. */
  readonly isMap: boolean;
}

/** A value read in a kernel at one index. */
export interface Read {
  readonly group: Group;
  readonly axes: readonly AxisLoops[];
  /** The loop that it is read in. */
  readonly loop: Loop;
  /** Only element-wise operators stand between it and the root. */
  readonly direct: boolean;
  /** It is a factor of a contraction. */
  readonly factor: boolean;
  /** It is all that a contraction sums: each element is one term of one sum. */
  readonly isTerm: boolean;
  /** It is part of what a softmax is taken of. */
  readonly inSoftmax: boolean;
  /** It is part of the scores of an attention, which are computed once per query and key. */
  readonly inScores: boolean;
  /**
   * It is of the queries or keys of an attention: a schedule computes it once per query or key, ahead of the scores. The
   * number is what an element may cost in all, in additions; null anywhere else.
   */
  readonly staged: number | null;
  /** It is read only where an axis that indices choose from has elements: nothing may be computed ahead of that. */
  readonly guarded: boolean;
  /** What is computed more often on the way to it than it would be if it were stored. */
  readonly extra: number;
}

/** What holds of the read of a kernel's own result. */
export const firstRead = {
  factor: false,
  isTerm: false,
  inSoftmax: false,
  inScores: false,
  staged: null,
  guarded: false,
  extra: 0,
} as const satisfies Partial<Read>;

/** The innermost of the loops that an index depends on. */
export function innermost(kernel: Loop, axes: readonly AxisLoops[]): Loop {
  let found = kernel;
  for (const loop of axes.flat()) if (loop.depth > found.depth) found = loop;
  return found;
}

export function joinLoops(axes: readonly AxisLoops[]): AxisLoops {
  return [...new Set(axes.flat())].sort((a, b) => a.depth - b.depth);
}

/** A text that two indices share exactly if they depend on the same loops, axis by axis. */
export function axesKey(axes: readonly AxisLoops[]): string {
  return axes.map((loops) => joinLoops([loops]).map(({ id }) => id)).join("|");
}

/** Reads that are not one and the same. A number per row is one number, wherever in the row it is read. */
export function distinct(reads: readonly Read[], kind: FusionClass): readonly Read[] {
  if (kind !== "reduction" && kind !== "contraction") return reads;
  const found = new Map(reads.map((read) => [`${read.group.root} ${axesKey(read.axes)}`, read]));
  return [...found.values()];
}

/** Whether it is computed ahead of the scores of an attention. */
export function isStaged({ staged }: Read): boolean {
  return staged !== null;
}

/** The most that is computed more often on the way to it. */
export function mostOf(reads: readonly Read[]): number {
  return Math.max(...reads.map(({ extra }) => extra));
}

export function groupsOf(reads: readonly Read[]): number {
  return new Set(reads.map(({ group }) => group)).size;
}

/** How often something is computed, in words. */
export function times(repeats: number): string {
  return repeats < 2.5 ? "twice" : `${Math.round(repeats)} times`;
}
