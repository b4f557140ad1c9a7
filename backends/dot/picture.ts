/**
 * A Picture: boxes in nested clusters and arrows between them, without a word about Graphviz or about Graphs.
 *
 * Every stage of the compiler that can be drawn makes a Picture (graph.ts does so for Graphs), and print.ts writes it.
 * What must stay true: ids are unique in a Picture and depend only on what the thing is (its layer, its operator, its
 * name), never on how much stands before it, so that two pictures of similar programs can be compared.
 */

/** What a box stands for; style.ts says how each looks. */
export type Kind =
  /** An argument of the entry, or what comes from outside the part that is drawn. */
  | "input"
  | "output"
  | "weight"
  /** What depends on sizes and indices only: masks, position tables. */
  | "index"
  /** Sums of products: matrix products, attention scores, linear layers. */
  | "contraction"
  /** Reductions and whatever normalises: mean, softmax, norms. */
  | "reduction"
  | "elementwise"
  /** Picks elements by indices that are data: embeddings, top k. */
  | "selection"
  /** Moves elements without changing them: slices, heads that are split. */
  | "movement"
  /** A point at which one arrow becomes several. */
  | "junction";

export interface PictureNode {
  readonly id: string;
  readonly kind: Kind;
  /** What the box holds when it stands for more than one operator. */
  readonly folded: "layer" | "function" | null;
  /** The first line. */
  readonly title: string;
  /** The lines under it, less prominent. */
  readonly details: readonly string[];
  /** Shown when the pointer rests on the box. */
  readonly tooltip: string;
}

export interface Cluster {
  readonly id: string;
  readonly title: string;
  /** True where it stands for several equal layers in a row. */
  readonly repeated: boolean;
  readonly tooltip: string;
  readonly items: readonly (PictureNode | Cluster)[];
}

export interface Edge {
  readonly from: string;
  readonly to: string;
  /** Empty for none. */
  readonly label: string;
  /** The main flow of data, or what weights and indices add to it. */
  readonly kind: "flow" | "side";
}

export interface Picture {
  /** The identifier of the graph in DOT. */
  readonly name: string;
  readonly title: string;
  readonly items: readonly (PictureNode | Cluster)[];
  readonly edges: readonly Edge[];
}

export function isCluster(item: PictureNode | Cluster): item is Cluster {
  return "items" in item;
}

/** All boxes of a picture, in order, each with the ids of the clusters around it, outermost first. */
export function* boxesOf(
  items: Picture["items"],
  path: readonly string[] = [],
): Generator<{ readonly node: PictureNode; readonly path: readonly string[] }> {
  for (const item of items) {
    if (isCluster(item)) yield* boxesOf(item.items, [...path, item.id]);
    else yield { node: item, path };
  }
}
