/**
 * Two pictures of one program side by side, before and after a pass, and what became of what: operators that share a
 * kernel afterwards have its colour before as well; what is only on one side is marked as gone or new.
 *
 * Operators are the same if they have the same id, which follows from layers and names alone.
 */
import {
  boxesOf,
  type Cluster,
  clustersOf,
  type Edge,
  type Item,
  isCluster,
  isKernel,
  type Mark,
  type Picture,
  type PictureNode,
} from "./picture.js";

/**
 * @param titles what stands over each side
 * @param whole the same two, where these show a part: what is not in them is gone, or new
 */
export function sideBySide(
  [before, after]: readonly [Picture, Picture],
  titles: readonly [string, string],
  whole: readonly [Picture, Picture] = [before, after],
): Picture {
  const kernels = jointKernels(after);
  const [old, made] = whole.map(operatorsOf) as [ReadonlySet<string>, ReadonlySet<string>];
  const markBefore = ({ id }: PictureNode): Mark | null => kernels.get(id) ?? (made.has(id) ? null : "gone");
  const markAfter = ({ id }: PictureNode): Mark | null => (old.has(id) ? null : "new");
  const left = side("before", before, titles[0], markBefore, () => null);
  const right = side("after", after, titles[1], markAfter, ({ items }) =>
    common(items, ({ id }) => kernels.get(id) ?? null),
  );
  const edges = [...renamed(before.edges, "before"), ...renamed(after.edges, "after")];
  return { ...after, items: [left, right], edges };
}

function isOperator({ kind, isPlumbing }: PictureNode): boolean {
  return !isPlumbing && !["input", "output", "weight", "index", "junction"].includes(kind);
}

function operatorsOf({ items }: Picture): ReadonlySet<string> {
  return new Set([...boxesOf(items)].flatMap(({ node }) => (isOperator(node) ? [node.id] : [])));
}

/** A number for each kernel of several operators, at each of them. */
function jointKernels({ items }: Picture): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  let number = 0;
  for (const cluster of clustersOf(items)) {
    if (!isKernel(cluster)) continue;
    const operators = [...boxesOf(cluster.items)].filter(({ node }) => isOperator(node));
    if (operators.length < 2) continue;
    for (const { node } of operators) if (!found.has(node.id)) found.set(node.id, number);
    number++;
  }
  return found;
}

/** The mark that all operators in a cluster have; the most frequent one where they differ. */
function common(items: readonly Item[], markOf: (node: PictureNode) => Mark | null): Mark | null {
  const counts = new Map<Mark | null, number>();
  for (const { node } of boxesOf(items)) {
    if (isOperator(node)) counts.set(markOf(node), (counts.get(markOf(node)) ?? 0) + 1);
  }
  const [[mark] = [null]] = [...counts].sort((a, b) => b[1] - a[1]);
  return mark;
}

function side(
  name: string,
  picture: Picture,
  title: string,
  markOf: (node: PictureNode) => Mark | null,
  markOfKernel: (kernel: Cluster) => Mark | null,
): Cluster {
  const node = (item: PictureNode): PictureNode => ({
    ...item,
    id: `${name} ${item.id}`,
    mark: isOperator(item) ? markOf(item) : null,
  });
  const walk = (items: readonly Item[]): Item[] =>
    items.map((item): Item => {
      if (!isCluster(item)) return node(item);
      const mark = isKernel(item) ? markOfKernel(item) : null;
      const box =
        item.box === null
          ? null
          : { ...item.box, id: `${name} ${item.box.id}`, mark: mark ?? common(item.items, markOf) };
      return { ...item, id: `${name} ${item.id}`, items: walk(item.items), box, mark };
    });
  const items = walk(picture.items);
  const frame = {
    kind: "side",
    title,
    repeated: false,
    tooltip: [],
    box: null,
    closed: false,
    mark: null,
    code: null,
  } as const;
  return { ...frame, id: name, items };
}

function renamed(edges: readonly Edge[], name: string): Edge[] {
  return edges.map((edge) => ({ ...edge, from: `${name} ${edge.from}`, to: `${name} ${edge.to}` }));
}
