/**
 * The Plan: in which order an entry's kernels run, and in which bytes. A flat list; every runtime executes the same.
 */
import type { Location } from "../../diagnostics/index.js";
import { type Size, type SizeVariable, size } from "../../sizes/index.js";
import type { Kernel, KernelElement } from "../kernel/kernel.js";

export type BufferId = number & { readonly __brand: "BufferId" };

/**
 * Where a buffer's bytes are. Arena offsets and lengths are in bytes, multiples of 16 (the formula is rounded up). A buffer
 * that is no output may lie in the memory of one, until that output is written over it.
 */
export type Place =
  | { readonly kind: "input"; readonly name: string; readonly fill: number | null }
  | { readonly kind: "weight"; readonly name: string; readonly sources: readonly (readonly string[])[] }
  /** `holds`: where no kernel writes the output itself, the buffer in its memory that has its elements in their order. */
  | { readonly kind: "output"; readonly name: string; readonly holds?: BufferId }
  /** Computed once, when the model is loaded. Entries of one module share what has one name: its elements are the same. */
  | { readonly kind: "prepared"; readonly name: string }
  /**
   * Kept by a session from one run to the next, under one name in all plans of its steps. A dispatch writes it in place;
   * what it does not write stays. It begins as zeros.
   */
  | { readonly kind: "state"; readonly name: string }
  | { readonly kind: "arena"; readonly offset: Size; readonly bytes: Size };

export interface PlanBuffer {
  /** A name for people: the user's, where there is one. */
  readonly name: string;
  readonly element: KernelElement;
  readonly shape: readonly Size[];
  readonly place: Place;
}

/** One run of a kernel: `reads` and `writes` are the buffers of its arguments, in its order. */
export interface Dispatch {
  readonly kernel: number;
  readonly reads: readonly BufferId[];
  readonly writes: readonly BufferId[];
  /**
   * The sizes of the kernel, in its order, where they are not the entry's own: it then takes all rows of a buffer as one
   * axis, B*T rows for B sequences of T positions, and its arguments are the same elements in other shapes.
   */
  readonly sizes?: readonly Size[];
  readonly location: Location | null;
  /** The layer that it belongs to, such as `h.0.attn`; empty for the model itself. */
  readonly scope: string;
}

/** A check before a run: elements of an input that are used as indices lie in 0 … limit - 1. */
export interface IndexCheck {
  readonly input: string;
  readonly limit: Size;
}

export interface Plan {
  /** The entry's name. */
  readonly name: string;
  readonly sizes: readonly SizeVariable[];
  readonly buffers: readonly PlanBuffer[];
  /** Distinct kernels; equal layers share them. */
  readonly kernels: readonly Kernel[];
  /**
   * What runs once, when the weights have arrived, and writes what is prepared. It reads weights and what was prepared
   * before; what no dispatch of a run reads is not needed after it.
   */
  readonly prepare: readonly Dispatch[];
  /** What every run runs. */
  readonly dispatches: readonly Dispatch[];
  /** Buffers by place: in the order of the entry's arguments and results. */
  readonly inputs: readonly BufferId[];
  readonly weights: readonly BufferId[];
  readonly outputs: readonly BufferId[];
  readonly indexChecks: readonly IndexCheck[];
  /** Bytes of the arena, as a formula in the sizes. */
  readonly arenaBytes: Size;
  /** A size that grows from run to run, and what it is at most: places in the arena are those for that, so that they stay. */
  readonly grows?: { readonly size: SizeVariable; readonly to: Size };
}

/** What a size of a kernel is where it is run, in the sizes of the entry. */
export function sizeWhere(
  { sizes }: Pick<Dispatch, "sizes">,
  kernel: Pick<Kernel, "sizes">,
  variable: SizeVariable,
): Size {
  return sizes?.[kernel.sizes.indexOf(variable)] ?? size(variable);
}
