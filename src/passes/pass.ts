/**
 * What a pass is: a function from a Graph to a Graph that computes the same, and the notes it makes on the way.
 *
 * A pass never changes its graph. It gives remarks for what it did (`fired`) and for what it nearly did (`missed`), with
 * the source line, so that people can see why a program compiles to what it does.
 */
import type { Location } from "../diagnostics/index.js";
import type { Graph } from "../ir/graph/index.js";
import type { HeldWeights } from "./quantization/format.js";

/** Something that a rule did at a node, or why it did not. */
export interface Remark {
  /** The name of the rule, unique in its pass. */
  readonly rule: string;
  readonly kind: "fired" | "missed";
  readonly location: Location | null;
  /** What happened, or the reason; empty where the rule's name says it all. */
  readonly message: string;
}

/** What a pass is given besides its graph. */
export interface PassContext {
  /** How large weights are held; null for as they are. */
  readonly weights: HeldWeights | null;
  /** The buffers that a kernel can read and write. */
  readonly mostBuffers: number;
  /** When rows are few; null where the target makes nothing of it. */
  readonly fewRows: FewRows | null;
  readonly remark: (remark: Remark) => void;
}

/** Rows that are so few that products of them compute what they are made of. */
export interface FewRows {
  readonly most: number;
  /** Whether lanes share nothing, so that each computes a row anew. */
  readonly areApart: boolean;
}

export interface Pass {
  /** One or two words, for the command line: `--dump-after NAME`. */
  readonly name: string;
  /** What it does, in one line. */
  readonly about: string;
  readonly run: (graph: Graph, context: PassContext) => Graph;
}
