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

function edgeLine(edge: Edge, ends: Ends): string {
  const attributes: Record<string, string | number> = {};
  if (edge.label !== "") attributes.label = ` ${edge.label} `;
  if (edge.kind === "side") Object.assign(attributes, { class: "side", color: inks.side });
  else if (closeness(edge, ends) > 1) attributes.weight = closeness(edge, ends);
  if (ends.points.has(edge.to)) attributes.arrowhead = "none";
  const text = list(attributes);
  return `${quote(edge.from)} -> ${quote(edge.to)}${text === "" ? "" : ` [${text}]`};`;
}

/** What the arrows of a picture begin and end at. */
interface Ends {
  /** How many arrows of the main flow end at a box. */
  readonly into: ReadonlyMap<string, number>;
  /** How many arrows begin at a box. */
  readonly outOf: ReadonlyMap<string, number>;
  readonly points: ReadonlySet<string>;
}

/**
 * How much Graphviz should care for a short, straight arrow. What is fed by one box only stays close to it, so that
 * parallel branches begin side by side; a branch goes straight to where it ends, and the residual stream around it.
 */
function closeness(edge: Edge, { into, outOf }: Ends): number {
  if (into.get(edge.to) === 1) return 3;
  return outOf.get(edge.from) === 1 ? 2 : 1;
}

function endsOf(picture: Picture, nodes: readonly PictureNode[]): Ends {
  const into = new Map<string, number>();
  const outOf = new Map<string, number>();
  for (const { from, to, kind } of picture.edges) {
    outOf.set(from, (outOf.get(from) ?? 0) + 1);
    if (kind === "flow") into.set(to, (into.get(to) ?? 0) + 1);
  }
  return { into, outOf, points: new Set(nodes.filter(({ kind }) => kind === "junction").map(({ id }) => id)) };
}

function clusterLines(cluster: Cluster, depth: number): string[] {
  const attributes = [
    `label=${quoteLines([roomy(cluster.title)])}`,
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

/** With blanks at the end: the title is drawn bold, and Graphviz measures it as if it were not. */
function roomy(title: string): string {
  return title === "" ? "" : `${title}${" ".repeat(2 + Math.ceil(title.length / 8))}`;
}

function itemLines(items: readonly (PictureNode | Cluster)[], depth: number): string[] {
  return items.flatMap((item) => (isCluster(item) ? clusterLines(item, depth) : [nodeLine(item)]));
}

/** The picture as a digraph in DOT, with a newline at its end. */
export function printPicture(picture: Picture): string {
  const nodes = [...boxesOf(picture.items)].map(({ node }) => node);
  const ends = endsOf(picture, nodes);
  const large = nodes.length > manyNodes;
  const graph = large ? { ...graphStyle, splines: "polyline", nslimit: 2, mclimit: 0.5 } : graphStyle;
  const lines = [
    `digraph ${quote(picture.name)} {`,
    `  graph [label=${quoteLines([picture.title])}, ${list(graph)}];`,
    `  node [${list(nodeStyle)}];`,
    `  edge [${list(edgeStyle)}];`,
    ...itemLines(picture.items, 0).map((line) => `  ${line}`),
    ...picture.edges.map((edge) => `  ${edgeLine(edge, ends)}`),
    "}",
  ];
  return `${lines.join("\n")}\n`;
}
