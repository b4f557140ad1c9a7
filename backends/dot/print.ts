/**
 * Writes a Picture as DOT: one node a line, one edge a line, in the order of the picture.
 *
 * Names come from users, checkpoints and files of others: whatever they hold, the text stays valid DOT, and a label
 * shows what the name is.
 */
import { boxesOf, type Cluster, type Edge, isCluster, type Picture, type PictureNode } from "./picture.js";
import {
  type Attributes,
  clusterStyle,
  edgeStyle,
  foldedStyle,
  graphStyle,
  inks,
  kindStyle,
  nodeStyle,
} from "./style.js";

/** From here on Graphviz is asked for less beauty, or it would take minutes. */
const manyNodes = 600;
const longestLine = 72;

/** A quoted string of DOT that stands for this text, in one line. */
export function quote(text: string): string {
  return `"${escaped(text)}"`;
}

/** A label of several lines; each line is a text of its own. */
export function quoteLines(lines: readonly string[]): string {
  return `"${lines.map((line) => escaped(shortened(line))).join("\\n")}"`;
}

/** Graphviz reads escapes that begin with a backslash and HTML entities in labels; C strings end at NUL. */
function escaped(text: string): string {
  return text
    .replace(/\p{Surrogate}/gu, "\ufffd")
    .replace(/[\p{Control}\u2028\u2029\ufffe\uffff]/gu, " ")
    .replaceAll("\\", "\\\\")
    .replaceAll('"', '\\"')
    .replaceAll("&", "&amp;");
}

function shortened(line: string): string {
  const characters = [...line];
  return characters.length <= longestLine ? line : `${characters.slice(0, longestLine - 1).join("")}…`;
}

function list(attributes: Attributes): string {
  return Object.entries(attributes)
    .map(([name, value]) => `${name}=${typeof value === "number" ? value : quote(value)}`)
    .join(", ");
}

function nodeLine(node: PictureNode): string {
  const style = { ...kindStyle[node.kind], ...(node.folded ? foldedStyle[node.folded] : {}) };
  const label = node.kind === "junction" ? '""' : quoteLines([node.title, ...node.details]);
  const kind = node.folded ? `${node.kind} ${node.folded}` : node.kind;
  const attributes = [`label=${label}`, `class=${quote(kind)}`, `tooltip=${quoteLines(node.tooltip.split("\n"))}`];
  const extra = list(style);
  if (extra !== "") attributes.push(extra);
  return `${quote(node.id)} [${attributes.join(", ")}];`;
}

function edgeLine(edge: Edge, targets: Targets): string {
  const attributes: Record<string, string | number> = {};
  if (edge.label !== "") attributes.label = ` ${edge.label} `;
  if (edge.kind === "side") Object.assign(attributes, { class: "side", color: inks.side });
  else if (closeness(edge, targets) > 1) attributes.weight = closeness(edge, targets);
  if (targets.points.has(edge.to)) attributes.arrowhead = "none";
  const text = list(attributes);
  return `${quote(edge.from)} -> ${quote(edge.to)}${text === "" ? "" : ` [${text}]`};`;
}

/**
 * How much Graphviz should care for a short arrow. What is fed by one box only stays close to it, so that parallel
 * branches begin side by side; what stands in one cluster stays together.
 */
function closeness(edge: Edge, targets: Targets): number {
  const single = targets.feeds.get(edge.to) === 1;
  const together = targets.clusters.get(edge.to) === targets.clusters.get(edge.from);
  return (single ? 3 : 1) * (together ? 2 : 1);
}

/** What the arrows of a picture lead to. */
interface Targets {
  /** The cluster that a box stands in. */
  readonly clusters: ReadonlyMap<string, string>;
  /** How many arrows of the main flow end at a box. */
  readonly feeds: ReadonlyMap<string, number>;
  readonly points: ReadonlySet<string>;
}

function targetsOf(picture: Picture): Targets {
  const feeds = new Map<string, number>();
  for (const { to, kind } of picture.edges) if (kind === "flow") feeds.set(to, (feeds.get(to) ?? 0) + 1);
  const clusters = new Map<string, string>();
  const points = new Set<string>();
  for (const { node, path } of boxesOf(picture.items)) {
    clusters.set(node.id, path.at(-1) ?? "");
    if (node.kind === "junction") points.add(node.id);
  }
  return { feeds, clusters, points };
}

function clusterLines(cluster: Cluster, depth: number): string[] {
  const attributes = [
    `label=${quoteLines([cluster.title])}`,
    `class=${quote(cluster.repeated ? "layer repeated" : "layer")}`,
    `tooltip=${quoteLines(cluster.tooltip.split("\n"))}`,
    list(clusterStyle(depth, cluster.repeated)),
  ];
  return [
    `subgraph ${quote(`cluster ${cluster.id}`)} {`,
    `  graph [${attributes.join(", ")}];`,
    ...itemLines(cluster.items, depth + 1).map((line) => `  ${line}`),
    "}",
  ];
}

function itemLines(items: readonly (PictureNode | Cluster)[], depth: number): string[] {
  return items.flatMap((item) => (isCluster(item) ? clusterLines(item, depth) : [nodeLine(item)]));
}

/** The picture as a digraph in DOT, with a newline at its end. */
export function printPicture(picture: Picture): string {
  const targets = targetsOf(picture);
  const large = targets.clusters.size > manyNodes;
  const graph = large ? { ...graphStyle, splines: "polyline", nslimit: 2, mclimit: 0.5 } : graphStyle;
  const lines = [
    `digraph ${quote(picture.name)} {`,
    `  graph [label=${quoteLines([picture.title])}, ${list(graph)}];`,
    `  node [${list(nodeStyle)}];`,
    `  edge [${list(edgeStyle)}];`,
    ...itemLines(picture.items, 0).map((line) => `  ${line}`),
    ...picture.edges.map((edge) => `  ${edgeLine(edge, targets)}`),
    "}",
  ];
  return `${lines.join("\n")}\n`;
}
