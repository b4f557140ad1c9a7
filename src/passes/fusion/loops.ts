/**
 * The loops of a kernel that is not written yet: how often what is read in them is computed.
 *
 * This mirrors lowering: a value is computed in the innermost loop that its index depends on if it is one number per row
 * or costly, else where it is read.
 */
import type { ValueId } from "../../ir/graph/index.js";

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
  ) {
    this.depth = parent === null ? 0 : parent.depth + 1;
    this.total = (parent?.total ?? 1) * extent;
  }
}

/** The loops that the index along an axis depends on. */
export type AxisLoops = readonly Loop[];

/** A kernel in the making: the stored value that it writes, and what was found in it so far. */
export interface Group {
  readonly root: ValueId;
  readonly kernel: Loop;
  /** Number of values that are computed in it. */
  members: number;
  hasContraction: boolean;
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
  /** It is part of what a softmax is taken of. */
  readonly inSoftmax: boolean;
  /** It is read only where an axis that indices choose from has elements: nothing may be computed ahead of that. */
  readonly guarded: boolean;
  /** What is computed more often on the way to it than it would be if it were stored. */
  readonly extra: number;
}

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
