/**
 * A Graph as kernels: what they are called with, before the memory plan says where that is.
 *
 * What must stay true: a buffer is written by one call, before any call that reads it, but for a state, which holds what
 * earlier runs have written; calls stand in an order that can be run.
 */
import type { Location } from "../diagnostics/index.js";
import type { ValueId } from "../ir/graph/index.js";
import type { Kernel, KernelElement, Layout } from "../ir/kernel/index.js";
import type { BufferId, IndexCheck } from "../ir/plan/plan.js";
import type { Size, SizeVariable } from "../sizes/index.js";
import type { ElementPlace } from "./scatter.js";

/** Where the elements of a buffer come from, or for whom they are. */
export type Home =
  | { readonly kind: "input"; readonly name: string; readonly fill: number | null }
  | { readonly kind: "weight"; readonly name: string; readonly sources: readonly (readonly string[])[] }
  | { readonly kind: "output"; readonly name: string }
  /** Made once, when the weights have arrived. */
  | { readonly kind: "prepared" }
  /** Kept by a session from one run to the next. */
  | { readonly kind: "state"; readonly name: string }
  | { readonly kind: "temporary" };

export interface LoweredBuffer {
  /** The name that people know the value by: the user's, else that of its operator. */
  readonly name: string;
  readonly element: KernelElement;
  readonly shape: readonly Size[];
  readonly home: Home;
  /** The value of the Graph that it holds. */
  readonly value: ValueId;
  /** How it holds the value, where that is not row by row; its shape is that in memory. */
  readonly layout?: Layout;
}

/** One run of a kernel, on the buffers of its arguments in its order. */
export interface Call {
  readonly kernel: Kernel;
  readonly reads: readonly BufferId[];
  readonly writes: readonly BufferId[];
  /** As in a Dispatch: the sizes of the kernel, where they are not the entry's own. */
  readonly sizes?: readonly Size[];
  readonly location: Location | null;
  /** The layer that it belongs to, such as `h.0.attn`. */
  readonly scope: string;
  /** Of a call that only moves elements of its one argument into a state: where each goes. */
  readonly places?: ElementPlace;
}

export interface LoweredGraph {
  readonly name: string;
  readonly sizes: readonly SizeVariable[];
  readonly buffers: readonly LoweredBuffer[];
  /** What is computed once, from weights alone; it reads weights and what was prepared before. */
  readonly prepare: readonly Call[];
  /** What every run computes. */
  readonly calls: readonly Call[];
  /** All inputs of the entry, the weights that some call reads, and the outputs, each in the Graph's order. */
  readonly inputs: readonly BufferId[];
  readonly weights: readonly BufferId[];
  readonly outputs: readonly BufferId[];
  readonly indexChecks: readonly IndexCheck[];
  /** Whether its kernels are so short that beginning one costs about as much; of steps of one position. */
  readonly isShort?: boolean;
  /** Whether they are for devices where lanes share nothing. */
  readonly areApart?: boolean;
  /** A size that grows from run to run, and the greatest that it can be: memory is laid out for that. */
  readonly grows?: { readonly size: SizeVariable; readonly to: Size };
}

/** Without buffers that are neither the caller's nor read or written by any call. */
export function withoutUnused(lowered: LoweredGraph): LoweredGraph {
  const calls = [...lowered.prepare, ...lowered.calls];
  const used = new Set(calls.flatMap(({ reads, writes }) => [...reads, ...writes]));
  const isKept = (id: BufferId): boolean => used.has(id) || lowered.buffers[id]!.home.kind !== "temporary";
  const ids = new Map<BufferId, BufferId>();
  for (const id of lowered.buffers.keys()) if (isKept(id as BufferId)) ids.set(id as BufferId, ids.size as BufferId);
  if (ids.size === lowered.buffers.length) return lowered;
  const all = (some: readonly BufferId[]): readonly BufferId[] => some.map((id) => ids.get(id)!);
  const call = (each: Call): Call => ({ ...each, reads: all(each.reads), writes: all(each.writes) });
  return {
    ...lowered,
    buffers: lowered.buffers.filter((_, id) => ids.has(id as BufferId)),
    prepare: lowered.prepare.map(call),
    calls: lowered.calls.map(call),
    inputs: all(lowered.inputs),
    weights: all(lowered.weights),
    outputs: all(lowered.outputs),
  };
}
