/** What a session keeps between steps. */
import type { ElementType, ValueId } from "../ir/graph/index.js";
import type { Size } from "../sizes/index.js";

/**
 * - `append`: rows 0 to P - 1 of a value; a step adds its own;
 * - `ring`: the last w rows, position p in slot p mod w;
 * - `carry`: the last row of a running sum;
 * - `tail`: the last k rows, for what reads a fixed number of positions back;
 * - `once`: a value of the sequence as a whole, which `begin` computes.
 */
export type StateKind = "append" | "ring" | "carry" | "tail" | "once";

export interface State {
  /** The name of the step's input that is given it, and of the output (of the step, or of begin) that is its next value. */
  readonly name: string;
  readonly kind: StateKind;
  readonly element: ElementType;
  /** As the step is given it: an append has P rows. All but an append begin as zeros, or as what begin gives. */
  readonly shape: readonly Size[];
  /** The axis over positions; null for `once`. */
  readonly axis: number | null;
  /** For a ring, w. */
  readonly window: number | null;
  /** The value of the whole entry that it holds rows of. */
  readonly value: ValueId;
}

/** The prefix of the names of states, which no input of a user's has. */
export const statePrefix = "past.";
