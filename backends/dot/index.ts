/** Pictures of what is compiled: DOT for Graphviz, and SVG and PNG drawn from it. */
import type { Graph } from "../../src/ir/graph/index.js";
import { type GraphPictureOptions, pictureOfGraph } from "./graph/artist.js";
import type { Picture } from "./picture/picture.js";
import { printPicture } from "./picture/print.js";
import { viewOf } from "./picture/view.js";

export { type GraphPictureOptions, pictureOfGraph } from "./graph/artist.js";
export type { KernelFacts } from "./graph/sheet.js";
export { type PackedGraphviz, pageOf } from "./page/html.js";
export { sideBySide } from "./picture/diff.js";
export type { Cluster, Edge, Item, Kind, Picture, PictureNode } from "./picture/picture.js";
export { printPicture } from "./picture/print.js";
export { viewOf } from "./picture/view.js";

/** A Picture in DOT, with its clusters closed as it says. */
export function dotOfPicture(picture: Picture): string {
  return printPicture(viewOf(picture));
}

/** A Graph in DOT. */
export function dotOfGraph(graph: Graph, options: GraphPictureOptions = {}): string {
  return dotOfPicture(pictureOfGraph(graph, options));
}
