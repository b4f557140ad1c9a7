/**
 * A Picture: boxes in nested clusters and arrows between them, without a word about Graphviz or about Graphs.
 *
 * Every stage of the compiler that can be drawn makes a Picture with everything in it, each cluster with the box that it
 * becomes when it is closed; what is shown is chosen afterwards (view.ts), on the command line as in a page. So nothing in
 * this folder may import anything from outside of it: it runs in pages as it stands.
 *
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

/** A tensor as boxes and arrows name it. */
export interface Tensor {
  /** The same for one value, whatever shape it is seen in. */
  readonly value: number;
  readonly name: string | null;
  /** Its element type and shape, in the user's names. */
  readonly type: string;
}

export interface PictureNode {
  readonly id: string;
  readonly kind: Kind;
  /** What the box holds when it stands for more than one operator. */
  readonly folded: "layer" | "function" | "kernel" | null;
  /** The first line. */
  readonly title: string;
  /** The lines under it, less prominent; `loops` stand below them, at the left, as code does. */
  readonly details: readonly string[];
  readonly loops: readonly string[];
  /** Shown when the pointer rests on the box, line by line. */
  readonly tooltip: readonly string[];
  /** What it gives; null if it gives several tensors, or none. */
  readonly gives: Tensor | null;
  /** Only lays elements out anew: an arrow can tell as much. */
  readonly isPlumbing: boolean;
  /** What it costs, in the unit of the picture; null where nothing is counted. */
  readonly cost: number | null;
  /** A mark that it shares with others: where it goes, what became of it. */
  readonly mark: Mark | null;
  /** The ids of the operators in it, where it stands for several. */
  readonly members: readonly string[];
  /** The key of the code that computes it, where there is one to show. */
  readonly code: string | null;
}

/** A hue that belongs together, or what a pass did. */
export type Mark = number | "gone" | "new";

export interface Cluster {
  readonly id: string;
  /** `loading` is a kernel that runs once, when the weights have arrived; `side` one of two pictures. */
  readonly kind: "layer" | "function" | "kernel" | "loading" | "side";
  readonly title: string;
  /** True where it stands for several equal layers in a row. */
  readonly repeated: boolean;
  readonly tooltip: readonly string[];
  readonly items: readonly Item[];
  /** The box that it is when closed; null if it is always open. */
  readonly box: PictureNode | null;
  /** Whether it is closed unless somebody opens it. */
  readonly closed: boolean;
  readonly mark: Mark | null;
  readonly code: string | null;
}

export type Item = PictureNode | Cluster;

export interface Edge {
  readonly from: string;
  readonly to: string;
  /** What flows along it; null for an arrow without a word. */
  readonly tensor: Tensor | null;
  /** The main flow of data, or what weights and indices add to it. */
  readonly kind: "flow" | "side";
}

export interface Picture {
  /** The identifier of the graph in DOT. */
  readonly name: string;
  readonly title: string;
  readonly items: readonly Item[];
  readonly edges: readonly Edge[];
  /** What `cost` counts, such as `FLOP`; null if the colours are those of kinds. */
  readonly unit: string | null;
}

/** Whether a cluster is what one kernel computes. */
export function isKernel({ kind }: Cluster): boolean {
  return kind === "kernel" || kind === "loading";
}

export function isCluster(item: Item): item is Cluster {
  return "items" in item;
}

/** All boxes of a picture, in order, each with the ids of the clusters around it, outermost first. */
export function* boxesOf(
  items: readonly Item[],
  path: readonly string[] = [],
): Generator<{ readonly node: PictureNode; readonly path: readonly string[] }> {
  for (const item of items) {
    if (isCluster(item)) yield* boxesOf(item.items, [...path, item.id]);
    else yield { node: item, path };
  }
}

/** All clusters, each before those in it. */
export function* clustersOf(items: readonly Item[]): Generator<Cluster> {
  for (const item of items) {
    if (!isCluster(item)) continue;
    yield item;
    yield* clustersOf(item.items);
  }
}

/** `B, T, 4*D` as `scores: [B, T, 4*D]` where it has a name. */
export function tensorText({ name, type }: Pick<Tensor, "name" | "type">): string {
  return name ? `${name}: ${type}` : type;
}

/** A box with nothing but what is given. */
export function plainNode(given: Pick<PictureNode, "id" | "kind" | "title"> & Partial<PictureNode>): PictureNode {
  return {
    folded: null,
    details: [],
    loops: [],
    tooltip: [],
    gives: null,
    isPlumbing: false,
    cost: null,
    mark: null,
    members: [],
    code: null,
    ...given,
  };
}
