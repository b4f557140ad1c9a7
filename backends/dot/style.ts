/**
 * How pictures look: shapes and colours by kind, and the attributes that make Graphviz lay them out well.
 *
 * The hues are those of Okabe and Ito, which people with any form of colour blindness tell apart, as borders; fills are
 * tints of them on which black text stays legible. Inputs, weights and indices have shapes of their own as well, so
 * that no meaning rests on colour alone. Arial is a font whose widths Graphviz knows without asking the system, and
 * Arimo, Liberation Sans and Helvetica, one of which every system has, are as wide.
 */
import type { Kind } from "./picture.js";

export type Attributes = Readonly<Record<string, string | number>>;

/** The font that Graphviz measures with. */
export const fontName = "Arial";

/** Text in the colours of details, of titles and of arrows' labels. */
export const inks = { text: "#1b1f24", detail: "#57606a", edge: "#424a53", side: "#a0a8b2" } as const;

/** Attributes of the whole picture. */
export const graphStyle: Attributes = {
  fontname: fontName,
  fontsize: 15,
  fontcolor: inks.text,
  labelloc: "t",
  labeljust: "l",
  bgcolor: "white",
  rankdir: "TB",
  nodesep: 0.28,
  ranksep: 0.32,
  pad: 0.2,
  splines: "true",
};

/** Attributes of every node that its kind does not overrule. */
export const nodeStyle: Attributes = {
  fontname: fontName,
  fontsize: 11,
  fontcolor: inks.text,
  shape: "box",
  style: "filled",
  fillcolor: "white",
  color: "#6e7781",
  margin: "0.12,0.06",
  height: 0.3,
  width: 0.4,
};

export const edgeStyle: Attributes = {
  fontname: fontName,
  fontsize: 9,
  fontcolor: inks.detail,
  color: inks.edge,
  arrowsize: 0.6,
};

/** Attributes by what a node stands for. */
export const kindStyle: { readonly [K in Kind]: Attributes } = {
  input: { style: "filled,rounded", fillcolor: "#d9ecf8", color: "#0072b2" },
  output: { style: "filled,rounded,bold", fillcolor: "#d9ecf8", color: "#0072b2" },
  weight: { shape: "cylinder", fillcolor: "#fcefd2", color: "#b27c00" },
  index: { shape: "note", fillcolor: "#fbfad9", color: "#8f8600" },
  contraction: { fillcolor: "#d5efe6", color: "#007a59" },
  reduction: { fillcolor: "#f7e3ee", color: "#b0568c" },
  elementwise: {},
  selection: { fillcolor: "#fbe3d6", color: "#d55e00" },
  movement: { style: "filled,rounded", fillcolor: "#f3f4f6", color: "#d0d7de" },
  junction: { shape: "point", width: 0.06, height: 0.06, fillcolor: inks.edge, color: inks.edge },
};

/** What is added for a box that stands for a whole layer or call. */
export const foldedStyle: { readonly [K in "layer" | "function"]: Attributes } = {
  layer: { penwidth: 1.8 },
  function: { style: "filled,rounded" },
};

/** Fills of nested clusters, by depth. */
const clusterFills = ["#f6f8fa", "#ffffff", "#f6f8fa"] as const;

export function clusterStyle(depth: number, repeated: boolean): Attributes {
  return {
    style: "rounded,filled",
    fillcolor: clusterFills[depth % 2] ?? "#ffffff",
    color: repeated ? "#424a53" : "#afb8c1",
    penwidth: repeated ? 2 : 1,
    fontsize: 11,
    margin: 10,
  };
}
