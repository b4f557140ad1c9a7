/**
 * How pictures look: shapes and colours by kind, and the attributes that make Graphviz lay them out well.
 *
 * The hues are those of Okabe and Ito, which people with any form of colour blindness tell apart, as borders; fills are
 * tints of them on which black text stays legible. Inputs, weights and indices have shapes of their own as well, so
 * that no meaning rests on colour alone. Arial is a font whose widths Graphviz knows without asking the system, and
 * Arimo, Liberation Sans and Helvetica, one of which every system has, are as wide.
 */
import type { Cluster, Kind, Mark } from "./picture.js";

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
export const foldedStyle: { readonly [K in "layer" | "function" | "kernel"]: Attributes } = {
  layer: { penwidth: 1.8 },
  function: { style: "filled,rounded" },
  kernel: { penwidth: 1.8 },
};

/** Fills of nested clusters, by depth. */
const clusterFills = ["#f6f8fa", "#ffffff"] as const;

export function clusterStyle({ kind, repeated, mark }: Cluster, depth: number): Attributes {
  const frame = { style: "rounded,filled", fontsize: 11, margin: 10 };
  if (kind === "kernel") return { ...frame, fillcolor: "#eceaf6", color: "#5e4fa2", penwidth: 1.6, ...markStyle(mark) };
  if (kind === "loading") return { ...frame, style: "rounded,filled,dashed", fillcolor: "#fdf6e3", color: "#b27c00" };
  if (kind === "side") return { ...frame, fillcolor: "white", color: "#d0d7de", fontsize: 14, margin: 16 };
  const fillcolor = clusterFills[depth % 2] ?? "#ffffff";
  return { ...frame, fillcolor, color: repeated ? "#424a53" : "#afb8c1", penwidth: repeated ? 2 : 1 };
}

/** Pairs of a fill and a border for what belongs together; neighbours in the list are easy to tell apart. */
const markHues = [
  ["#dcd6f2", "#5e4fa2"],
  ["#fde2c0", "#b35806"],
  ["#cfe8dc", "#00684b"],
  ["#f9d3e3", "#9c2f67"],
  ["#cfe4f5", "#0b5c94"],
  ["#efeab3", "#756c00"],
] as const;

/** The colours of the things of one number. */
export function hueOf(number: number): { readonly fill: string; readonly border: string } {
  const [fill, border] = markHues[number % markHues.length]!;
  return { fill, border };
}

/** What a mark adds to a box or a cluster. */
export function markStyle(mark: Mark | null): Attributes {
  if (mark === null) return {};
  if (mark === "gone") return { style: "filled,dashed", color: "#c5221f", penwidth: 2 };
  if (mark === "new") return { color: "#188038", penwidth: 2.6 };
  const { fill, border } = hueOf(mark);
  return { fillcolor: fill, color: border, penwidth: 1.8 };
}

/** From what costs nothing to what costs most. */
const heatFills = ["#ffffff", "#fff7ec", "#fee8c8", "#fdd49e", "#fdb77a", "#fa9450"] as const;

/** The fill of a box that costs this share (0 … 1) of the most costly one; by square roots, as costs differ widely. */
export function heatStyle(share: number): Attributes {
  const step = share <= 0 ? 0 : Math.max(1, Math.ceil(Math.sqrt(share) * (heatFills.length - 1)));
  return { fillcolor: heatFills[Math.min(step, heatFills.length - 1)]!, color: "#8a6d4b" };
}
