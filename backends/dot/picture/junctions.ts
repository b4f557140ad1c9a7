/**
 * Gathers arrows: where one box feeds several boxes of a cluster that it does not stand in, one arrow goes to a point in
 * the cluster, and from there on. A residual stream then enters its layer once, and stays inside it.
 */
import { boxesOf, type Cluster, type Edge, isCluster, type Picture, type PictureNode, plainNode } from "./picture.js";

/** The clusters around each box, outermost first. */
type Paths = ReadonlyMap<string, readonly string[]>;

export function withJunctions(picture: Picture): Picture {
  const paths: Paths = new Map([...boxesOf(picture.items)].map(({ node, path }) => [node.id, path] as const));
  const points = new Map<string, PictureNode[]>();
  const outgoing = new Map<string, Edge[]>();
  for (const edge of picture.edges) {
    const edges = outgoing.get(edge.from);
    if (edges === undefined) outgoing.set(edge.from, [edge]);
    else edges.push(edge);
  }
  const rewritten: Edge[] = [];
  for (const [from, edges] of outgoing) rewritten.push(...gathered(from, paths.get(from) ?? [], edges, paths, points));
  return { ...picture, items: withPoints(picture.items, points), edges: rewritten };
}

/** The arrows from one box, of which those that enter the same cluster go through a point in it. */
function gathered(
  from: string,
  path: readonly string[],
  edges: readonly Edge[],
  paths: Paths,
  points: Map<string, PictureNode[]>,
): Edge[] {
  const common = (edge: Edge): number => {
    const target = paths.get(edge.to) ?? [];
    let shared = 0;
    while (shared < path.length && path[shared] === target[shared]) shared++;
    return shared;
  };
  const groups = new Map<string, Edge[]>();
  for (const edge of edges) {
    const entered = (paths.get(edge.to) ?? [])[common(edge)] ?? "";
    groups.set(entered, [...(groups.get(entered) ?? []), edge]);
  }
  return [...groups].flatMap(([entered, group]) => {
    const targets = new Set(group.map((edge) => edge.to));
    if (entered === "" || targets.size < 2) return group;
    const inside = commonPath([...targets].map((target) => paths.get(target) ?? []));
    const cluster = inside.at(-1) ?? entered;
    const kind = group.every((edge) => edge.kind === "side") ? "side" : "flow";
    const before = points.get(cluster) ?? [];
    const id = before.length === 0 ? `${cluster}/in` : `${cluster}/in#${before.length + 1}`;
    const point = plainNode({ id, kind: "junction", title: "", tooltip: [from] });
    points.set(cluster, [...before, point]);
    const onward = group.map((edge) => ({ ...edge, from: id }));
    return [{ from, to: id, tensor: null, kind } as const, ...gathered(id, inside, onward, paths, points)];
  });
}

function commonPath(paths: readonly (readonly string[])[]): readonly string[] {
  const [first = []] = paths;
  const end = first.findIndex((id, depth) => paths.some((path) => path[depth] !== id));
  return end < 0 ? first : first.slice(0, end);
}

function withPoints(items: Picture["items"], points: ReadonlyMap<string, readonly PictureNode[]>): Picture["items"] {
  return items.map((item) =>
    isCluster(item)
      ? ({ ...item, items: [...(points.get(item.id) ?? []), ...withPoints(item.items, points)] } satisfies Cluster)
      : item,
  );
}
