/**
 * The Graph: what one entry of a model computes. Pure, typed, in static single assignment.
 *
 * Nodes lie in dense arrays behind branded ids; each gives one value, so a node's id is its value's id; operands have
 * smaller ids, so the order of the array is a topological order. `types`, `locations`, `scopes` and `names` lie
 * parallel to `nodes`, and so do `placements`, which fusion decides. A Graph is immutable: a pass re-emits it through a GraphBuilder (builder.ts).
 */
import type { Location } from "../../diagnostics/index.js";
import type { SizeVariable } from "../../sizes/index.js";
import type { Node } from "./operators.js";
import type { TensorType } from "./types.js";

/** The id of a node and of the value that it gives. */
export type ValueId = number & { readonly __brand: "ValueId" };

/**
 * The place in the tree of layers that a node came from, for pictures, profiles and names in generated code.
 * The root has the model's name as its block and an empty name.
 */
export interface Scope {
  readonly parent: Scope | null;
  /** The name of the layer in its block, with its index: `attn`, `h.3`; or of a called function: `attention`. */
  readonly name: string;
  /** The name of the block, model or function. */
  readonly block: string;
  /** A layer owns weights, a function does not. */
  readonly kind: "model" | "layer" | "function";
}

/**
 * Whether a value has a buffer. `stored`: it has one, which one kernel writes. `inline`: it has none; every kernel that
 * reads an element of it computes that element itself. Meaning is the same either way.
 */
export type Placement = "stored" | "inline";

export interface GraphOutput {
  readonly name: string;
  readonly value: ValueId;
}

export interface Graph {
  /** The entry's name. */
  readonly name: string;
  /** The sizes that are known only when running, in order of declaration, with their ranges. */
  readonly sizes: readonly SizeVariable[];
  readonly nodes: readonly Node[];
  readonly types: readonly TensorType[];
  /** Where in the source a node comes from; null for a node that a pass made up. */
  readonly locations: readonly (Location | null)[];
  readonly scopes: readonly (Scope | null)[];
  /** The name that the user gave to the value, or null. */
  readonly names: readonly (string | null)[];
  /** What fusion decided for each value; null where that is left to lowering. */
  readonly placements: readonly (Placement | null)[];
  readonly outputs: readonly GraphOutput[];
  /** The size that counts the positions of an entry that can be computed step by step; passes drop it. */
  readonly incremental?: string;
}

/** A model: its entries, in the order of the source. Weights are named in the graphs' `weight` nodes. */
export interface Program {
  readonly name: string;
  readonly entries: readonly Graph[];
}
