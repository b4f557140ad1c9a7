/**
 * What of a picture is shown: closes clusters into boxes, lets arrows stand for what only lays elements out anew, joins
 * movements, and leads arrows into clusters at one point.
 *
 * Each step takes a picture and gives one, so that the command line and a page show the same for the same choice.
 */
import { withJunctions } from "./junctions.js";
import { clustersOf, type Edge, type Item, isCluster, isKernel, type Picture, type PictureNode } from "./picture.js";

/** The picture as it is laid out. @param isClosed by id; as the picture says where it gives null */
export function viewOf(picture: Picture, isClosed: (id: string) => boolean | null = () => null): Picture {
  const shown = [closed(picture, isClosed), turned, withoutPlumbing, withoutNeedlessLabels, withoutChains, unwrapped];
  const [first, ...steps] = shown as [Picture, ...((picture: Picture) => Picture)[]];
  return withJunctions(steps.reduce((made, step) => step(made), first));
}

// ---- closing

function closed(picture: Picture, isClosed: (id: string) => boolean | null): Picture {
  const boxes = new Map<string, string>();
  const close = (items: readonly Item[]): Item[] =>
    items.flatMap((item): Item[] => {
      if (!isCluster(item)) return [item];
      const { box } = item;
      if (box === null || !(isClosed(item.id) ?? item.closed)) return [{ ...item, items: close(item.items) }];
      const members = nodesIn(item.items);
      for (const { id } of members) boxes.set(id, box.id);
      return [{ ...box, members: members.filter(({ isPlumbing }) => !isPlumbing).map(({ id }) => id) }];
    });
  const items = close(picture.items);
  return { ...picture, items, edges: moved(picture.edges, (id) => boxes.get(id) ?? id) };
}

function nodesIn(items: readonly Item[]): PictureNode[] {
  return items.flatMap((item) => (isCluster(item) ? nodesIn(item.items) : [item]));
}

/** Arrows between other boxes: none from a box to itself, and none twice. */
function moved(edges: readonly Edge[], to: (id: string) => string): Edge[] {
  const kept = new Map<string, Edge>();
  for (const edge of edges) {
    const made = { ...edge, from: to(edge.from), to: to(edge.to) };
    const key = JSON.stringify([made.from, made.to, made.tensor]);
    if (made.from !== made.to && !kept.has(key)) kept.set(key, made);
  }
  return [...kept.values()];
}

function grouped(edges: readonly Edge[], key: (edge: Edge) => string): ReadonlyMap<string, readonly Edge[]> {
  const groups = new Map<string, Edge[]>();
  for (const edge of edges) {
    const group = groups.get(key(edge));
    if (group === undefined) groups.set(key(edge), [edge]);
    else group.push(edge);
  }
  return groups;
}

/** The picture with boxes left out (null) or changed. */
function withNodes(picture: Picture, change: (node: PictureNode) => PictureNode | null): Picture {
  const walk = (items: readonly Item[]): Item[] =>
    items.flatMap((item): readonly Item[] | Item =>
      isCluster(item) ? { ...item, items: walk(item.items) } : (change(item) ?? []),
    );
  return { ...picture, items: walk(picture.items) };
}

// ---- movements

/**
 * A movement followed by a transpose that only it goes through is one box: a pass may have joined the transposes of two
 * layers, and the shape in between exists nowhere.
 */
function turned(picture: Picture): Picture {
  const [into, outOf] = [grouped(picture.edges, ({ to }) => to), grouped(picture.edges, ({ from }) => from)];
  const nodes = new Map(nodesIn(picture.items).map((node) => [node.id, node]));
  const gone = new Map<string, string>();
  const changed = new Map<string, PictureNode>();
  for (const node of nodes.values()) {
    const [edge, ...others] = outOf.get(node.id) ?? [];
    const next = edge === undefined || others.length > 0 ? undefined : nodes.get(edge.to);
    if (node.kind !== "movement" || node.isPlumbing || next === undefined) continue;
    if (!next.isPlumbing || !next.title.startsWith("transpose") || into.get(next.id)?.length !== 1) continue;
    gone.set(next.id, node.id);
    const details = node.details.slice(0, -1).concat(next.details);
    changed.set(node.id, { ...node, title: `${node.title} \u00b7 transpose`, details, gives: next.gives });
  }
  const made = withNodes(picture, (node) => (gone.has(node.id) ? null : (changed.get(node.id) ?? node)));
  return { ...made, edges: moved(picture.edges, (id) => gone.get(id) ?? id) };
}

/** Draws what only lays elements out anew as arrows that tell the new shape, but where nothing else is in a cluster. */
function withoutPlumbing(picture: Picture): Picture {
  const kept = new Set<string>();
  for (const { kind, items } of clustersOf(picture.items)) {
    const nodes = nodesIn(items);
    if (kind !== "side" && nodes.every(({ isPlumbing }) => isPlumbing)) for (const { id } of nodes) kept.add(id);
  }
  const into = grouped(picture.edges, ({ to }) => to);
  /** The arrow that an arrow from such a box stands for. */
  const start = new Map<string, Edge>();
  for (const { id, isPlumbing } of nodesIn(picture.items)) {
    const [edge, ...others] = into.get(id) ?? [];
    if (!isPlumbing || kept.has(id) || edge === undefined || others.length > 0) continue;
    start.set(id, edge);
  }
  const whole = (edge: Edge): Edge => {
    let made = edge;
    for (let at = start.get(edge.from); at !== undefined; at = start.get(at.from)) made = joined(at, made);
    return made;
  };
  const made = withNodes(picture, (node) => (start.has(node.id) ? null : node));
  const edges = picture.edges.filter(({ to }) => !start.has(to)).map(whole);
  return { ...made, edges: moved(edges, (id) => id) };
}

/** One arrow for two: it carries the value of the first in the shape of the second. */
function joined(first: Edge, second: Edge): Edge {
  const [a, b] = [first.tensor, second.tensor];
  const tensor = a === null || b === null ? b : { ...b, value: a.value, name: b.name ?? a.name };
  return { from: first.from, to: second.to, tensor, kind: first.kind };
}

/** Arrows say only what the box that they come from does not. */
function withoutNeedlessLabels(picture: Picture): Picture {
  const gives = new Map(nodesIn(picture.items).map((node) => [node.id, node.gives]));
  const edges = picture.edges.map((edge) => {
    const said = gives.get(edge.from) ?? null;
    if (edge.tensor === null || said?.value !== edge.tensor.value) return edge;
    return { ...edge, tensor: said.type === edge.tensor.type ? null : { ...edge.tensor, name: null } };
  });
  return { ...picture, edges: moved(edges, (id) => id) };
}

/** Joins boxes that only move elements, one after the other, into one: `q · split_heads`. */
function withoutChains(picture: Picture): Picture {
  const [into, outOf] = [grouped(picture.edges, ({ to }) => to), grouped(picture.edges, ({ from }) => from)];
  const parents = new Map<string, string>();
  const note = (items: readonly Item[], parent: string): void => {
    for (const item of items) {
      if (isCluster(item)) note(item.items, item.id);
      else parents.set(item.id, parent);
    }
  };
  note(picture.items, "");
  const kept = new Map(nodesIn(picture.items).map((node) => [node.id, node]));
  const gone = new Map<string, string>();
  for (const id of [...kept.keys()]) {
    const [edge, ...others] = outOf.get(id) ?? [];
    const [first, next] = [kept.get(id), kept.get(edge?.to ?? "")];
    if (first?.kind !== "movement" || next?.kind !== "movement" || first.isPlumbing || next.isPlumbing) continue;
    if (others.length > 0 || into.get(next.id)?.length !== 1 || edge?.tensor !== null) continue;
    if (parents.get(id) !== parents.get(next.id)) continue;
    const title = `${first.gives?.name ?? first.title} \u00b7 ${next.title}`;
    const members = [...membersOf(first), ...membersOf(next)];
    kept.delete(id);
    kept.set(next.id, { ...next, title, members, tooltip: [...first.tooltip, ...next.tooltip] });
    gone.set(id, next.id);
  }
  const end = (id: string): string => {
    let at = id;
    for (let next = gone.get(at); next !== undefined; next = gone.get(at)) at = next;
    return at;
  };
  const made = withNodes(picture, (node) => kept.get(node.id) ?? null);
  return { ...made, edges: moved(picture.edges, end) };
}

/** The operators that a box stands for, by the ids that they have when they are drawn. */
export function membersOf({ id, members }: PictureNode): readonly string[] {
  return members.length > 0 ? members : [id];
}

// ---- clusters

/** Clusters with nothing in them vanish, and a layer that is one kernel is one frame. */
function unwrapped(picture: Picture): Picture {
  const walk = (items: readonly Item[]): Item[] =>
    items.flatMap((item): Item[] => {
      if (!isCluster(item)) return [item];
      const inside = walk(item.items);
      const [only, ...others] = inside;
      if (only === undefined) return [];
      if (others.length > 0 || item.kind === "side") return [{ ...item, items: inside }];
      if (isKernel(item) && !isCluster(only)) {
        const tooltip = [...item.tooltip, ...only.tooltip.slice(1)];
        const cost = item.box?.cost ?? only.cost;
        return [{ ...only, folded: "kernel", tooltip, mark: item.mark, cost, code: item.code }];
      }
      if (isKernel(item) || item.repeated) return [{ ...item, items: inside }];
      if (isCluster(only) && isKernel(only)) {
        return [{ ...only, title: `${only.title} \u00b7 ${item.title}`, tooltip: [...item.tooltip, ...only.tooltip] }];
      }
      if (!isCluster(only) && only.folded === "kernel") {
        return [{ ...only, title: `${only.title} \u00b7 ${item.title}`, tooltip: [...item.tooltip, ...only.tooltip] }];
      }
      return [{ ...item, items: inside }];
    });
  return { ...picture, items: walk(picture.items) };
}
