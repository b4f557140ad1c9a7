/**
 * Writes a Picture as DOT: one node a line, one edge a line, in the order of the picture.
 *
 * Names come from users, checkpoints and files of others: whatever they hold, the text stays valid DOT, and a label
 * shows what the name is.
 */
import {
  boxesOf,
  type Cluster,
  type Edge,
  type Item,
  isCluster,
  isKernel,
  type Picture,
  type PictureNode,
  tensorText,
} from "./picture.js";
import {
  type Attributes,
  clusterStyle,
  edgeStyle,
  foldedStyle,
  graphStyle,
  heatStyle,
  inks,
  kindStyle,
  markStyle,
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

/** What all boxes of a picture are drawn with. */
interface Context {
  readonly unit: string | null;
  /** The cost of the most costly box. */
  readonly most: number;
}

function nodeLine(node: PictureNode, { unit, most }: Context): string {
  const counted = unit !== null && (node.cost ?? 0) > 0 && node.kind !== "junction";
  const share = most > 0 ? (node.cost ?? 0) / most : 0;
  const heat = unit === null || node.kind === "junction" ? {} : heatStyle(share);
  const style = {
    ...kindStyle[node.kind],
    ...(node.folded ? foldedStyle[node.folded] : {}),
    ...heat,
    ...markStyle(node.mark),
  };
  const lines = [node.title, ...node.details, ...(counted ? [`${amount(node.cost ?? 0)}${unit}`] : [])];
  const label = node.kind === "junction" ? '""' : withLoops(quoteLines(lines), node.loops);
  const kind = [node.kind, ...(node.folded ? [node.folded] : []), ...(counted && share > 0.3 ? ["hot"] : [])].join(" ");
  const attributes = [`label=${label}`, `class=${quote(kind)}`, `tooltip=${quoteLines(node.tooltip)}`];
  const extra = list(style);
  if (extra !== "") attributes.push(extra);
  return `${quote(node.id)} [${attributes.join(", ")}];`;
}

/** The label with lines of code under it, which begin at the left and keep their indentation. */
function withLoops(label: string, loops: readonly string[]): string {
  if (loops.length === 0) return label;
  const lines = loops.map(
    (line) => `${escaped(shortened(line)).replace(/^ +/, (blanks) => "\u00a0".repeat(2 * blanks.length))}\\l`,
  );
  return `${label.slice(0, -1)}\\n${lines.join("")}"`;
}

/** `1.2 M`: three digits and a prefix. */
export function amount(value: number): string {
  const prefixes = ["", "k", "M", "G", "T", "P", "E"];
  let [at, rest] = [0, value];
  for (; rest >= 999.5 && at < prefixes.length - 1; at++) rest /= 1000;
  return `${at === 0 ? Math.round(rest) : Number(rest.toPrecision(3))} ${prefixes[at]}`;
}

function edgeLine(edge: Edge, ends: Ends): string {
  const attributes: Record<string, string | number> = {};
  if (edge.tensor !== null) attributes.label = ` ${tensorText(edge.tensor)} `;
  if (edge.kind === "side") Object.assign(attributes, { class: "side", color: inks.side });
  else if (closeness(edge, ends) > 1) attributes.weight = closeness(edge, ends);
  if (ends.points.has(edge.to)) attributes.arrowhead = "none";
  const length = edge.kind === "flow" ? leastLength(edge, ends) : 1;
  if (length > 1) attributes.minlen = length;
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
  /** The clusters around each box. */
  readonly paths: ReadonlyMap<string, readonly string[]>;
  /** How many boxes stand one above the other over each box that no input reaches: weights, and what is made of them. */
  readonly supplies: ReadonlyMap<string, { readonly depth: number; readonly from: ReadonlySet<string> }>;
}

/**
 * Weights, and what is made of them at load, lie above the box that takes them. Unless an arrow that enters their cluster
 * at that box leaves room for them, the cluster begins beside the end of the one before it, and the picture drifts
 * sideways.
 */
function leastLength({ from, to }: Edge, { paths, supplies }: Ends): number {
  const supply = supplies.get(to);
  const outside = new Set(paths.get(from));
  const entered = (paths.get(to) ?? []).find((cluster) => !outside.has(cluster));
  return supply !== undefined && entered !== undefined && supply.from.has(entered) ? supply.depth + 1 : 1;
}

/**
 * How much Graphviz should care for a short, straight arrow. What is fed by one box only stays close to it, so that
 * parallel branches begin side by side; a branch goes straight to where it ends, and the residual stream around it.
 */
function closeness(edge: Edge, { into, outOf }: Ends): number {
  if (into.get(edge.to) === 1) return 3;
  return outOf.get(edge.from) === 1 ? 2 : 1;
}

function endsOf(picture: Picture): Ends {
  const into = new Map<string, number>();
  const outOf = new Map<string, number>();
  const boxes = [...boxesOf(picture.items)];
  const paths = new Map(boxes.map(({ node, path }) => [node.id, path] as const));
  for (const { from, to, kind } of picture.edges) {
    outOf.set(from, (outOf.get(from) ?? 0) + 1);
    if (kind === "flow") into.set(to, (into.get(to) ?? 0) + 1);
  }
  const points = new Set(boxes.filter(({ node }) => node.kind === "junction").map(({ node }) => node.id));
  return { into, outOf, points, paths, supplies: suppliesOf(picture.edges, paths) };
}

/** Follows arrows that begin where no input is. */
function suppliesOf(edges: readonly Edge[], paths: Ends["paths"]): Ends["supplies"] {
  const sides = new Map<string, string[]>();
  for (const { from, to, kind } of edges) if (kind === "side") sides.set(to, [...(sides.get(to) ?? []), from]);
  const found = new Map<string, { depth: number; from: Set<string> }>();
  const visit = (id: string): { depth: number; from: Set<string> } => {
    const known = found.get(id);
    if (known !== undefined) return known;
    const made = { depth: 0, from: new Set<string>() };
    found.set(id, made);
    for (const side of sides.get(id) ?? []) {
      const above = visit(side);
      made.depth = Math.max(made.depth, above.depth + 1);
      for (const cluster of [...above.from, ...(paths.get(side) ?? [])]) made.from.add(cluster);
    }
    return made;
  };
  for (const id of sides.keys()) visit(id);
  return found;
}

function clusterLines(cluster: Cluster, depth: number, context: Context): string[] {
  const cost = isKernel(cluster) ? (cluster.box?.cost ?? null) : null;
  const counted = context.unit !== null && cost !== null;
  const heat = counted ? heatStyle(context.most > 0 ? cost / context.most : 0) : {};
  const attributes = [
    `label=${quoteLines([roomy(counted ? `${cluster.title} \u00b7 ${amount(cost ?? 0)}${context.unit}` : cluster.title)])}`,
    `class=${quote(cluster.repeated ? `${cluster.kind} repeated` : cluster.kind)}`,
    `tooltip=${quoteLines(cluster.tooltip)}`,
    list({ ...clusterStyle(cluster, depth), ...heat }),
  ];
  return [
    `subgraph ${quote(`cluster ${cluster.id}`)} {`,
    `  graph [${attributes.join(", ")}];`,
    ...itemLines(cluster.items, depth + 1, context).map((line) => `  ${line}`),
    "}",
  ];
}

/** With blanks at the end: the title is drawn bold, and Graphviz measures it as if it were not. */
function roomy(title: string): string {
  return title === "" ? "" : `${title}${" ".repeat(2 + Math.ceil(title.length / 6))}`;
}

function itemLines(items: readonly Item[], depth: number, context: Context): string[] {
  return items.flatMap((item) => (isCluster(item) ? clusterLines(item, depth, context) : [nodeLine(item, context)]));
}

/** The cost of the most costly box or kernel. */
function mostOf(items: readonly Item[]): number {
  return items.reduce((most, item) => {
    if (!isCluster(item)) return Math.max(most, item.cost ?? 0);
    return Math.max(most, mostOf(item.items), isKernel(item) ? (item.box?.cost ?? 0) : 0);
  }, 0);
}

/** The picture as a digraph in DOT, with a newline at its end. */
export function printPicture(picture: Picture): string {
  const nodes = [...boxesOf(picture.items)].map(({ node }) => node);
  const ends = endsOf(picture);
  const large = nodes.length > manyNodes;
  const graph = large ? { ...graphStyle, splines: "polyline", nslimit: 2, mclimit: 0.5 } : graphStyle;
  const context = { unit: picture.unit, most: mostOf(picture.items) };
  const lines = [
    `digraph ${quote(picture.name)} {`,
    `  graph [label=${quoteLines([picture.title])}, ${list(graph)}];`,
    `  node [${list(nodeStyle)}];`,
    `  edge [${list(edgeStyle)}];`,
    ...itemLines(picture.items, 0, context).map((line) => `  ${line}`),
    ...picture.edges.map((edge) => `  ${edgeLine(edge, ends)}`),
    "}",
  ];
  return `${lines.join("\n")}\n`;
}
