/** Pictures of what is compiled: DOT for Graphviz, and SVG and PNG drawn from it. */
export type { DotOptions } from "./folding.js";
export { dotOfGraph, pictureOfGraph } from "./graph.js";
export type { Cluster, Edge, Kind, Picture, PictureNode } from "./picture.js";
export { printPicture } from "./print.js";
export { renderDot } from "./render.js";
