/**
 * The tree of layers and calls that a Graph's nodes come from.
 *
 * Scopes are objects that each node carries; here they become one tree. A layer is known by its path, however often it
 * is called, since it owns its weights; two calls of one function are two. Ids follow from names alone, so that adding a
 * layer changes no other's id.
 */
import type { Graph, Scope } from "../../src/ir/graph/index.js";

export interface Layer {
  /** The path from the root, such as `h.0.attn.attention`; the root's is empty. Unique. */
  readonly id: string;
  readonly name: string;
  readonly block: string;
  readonly kind: Scope["kind"];
  readonly parent: Layer | null;
  readonly depth: number;
  readonly children: Layer[];
  /** How often it is called. */
  calls: number;
}

export interface LayerTree {
  readonly root: Layer;
  /** The layer of each node. */
  readonly of: readonly Layer[];
  /** All layers, each after its parent, in order of first appearance. */
  readonly all: readonly Layer[];
}

/** The layers of a Graph. Nodes that no layer claims belong to the root. */
export function layerTree(graph: Graph): LayerTree {
  const top = graph.scopes.find((scope) => scope !== null) ?? null;
  const root: Layer = {
    id: "",
    name: "",
    block: top === null ? "" : rootOf(top).block,
    kind: "model",
    parent: null,
    depth: 0,
    children: [],
    calls: 1,
  };
  const all: Layer[] = [root];
  const known = new Map<Scope, Layer>();
  const ids = new Map<string, Layer>([["", root]]);

  const layerOf = (scope: Scope | null): Layer => {
    if (scope === null || scope.parent === null) return root;
    const found = known.get(scope);
    if (found !== undefined) return found;
    const parent = layerOf(scope.parent);
    const layer = layerIn(parent, scope);
    known.set(scope, layer);
    return layer;
  };

  const layerIn = (parent: Layer, scope: Scope): Layer => {
    const path = parent === root ? scope.name : `${parent.id}.${scope.name}`;
    let id = path;
    for (let call = 2; ids.has(id); call++) {
      const same = ids.get(id);
      if (same?.parent === parent && same.kind !== "function" && scope.kind !== "function") {
        same.calls++;
        return same;
      }
      id = `${path}#${call}`;
    }
    const { name, block, kind } = scope;
    const layer: Layer = { id, name, block, kind, parent, depth: parent.depth + 1, children: [], calls: 1 };
    parent.children.push(layer);
    ids.set(id, layer);
    all.push(layer);
    return layer;
  };

  return { root, of: graph.scopes.map(layerOf), all };
}

function rootOf(scope: Scope): Scope {
  let at = scope;
  while (at.parent !== null) at = at.parent;
  return at;
}

/** The layer itself and those around it, innermost first. */
export function* ancestors(layer: Layer): Generator<Layer> {
  for (let at: Layer | null = layer; at !== null; at = at.parent) yield at;
}

/** True where `layer` is `outer` or lies in it. */
export function isWithin(layer: Layer, outer: Layer): boolean {
  let at = layer;
  while (at.depth > outer.depth && at.parent !== null) at = at.parent;
  return at === outer;
}

/** The path of a layer below one around it, without that one's own name. */
export function pathBelow(layer: Layer, outer: Layer): string {
  return outer.id === "" ? layer.id : layer.id.slice(outer.id.length + 1);
}

/** How the source calls it: `h.0 : Block`, or a function's name; the model by its own. */
export function titleOf(layer: Layer): string {
  if (layer.name === "") return layer.block;
  return layer.kind === "function" || layer.block === "" ? layer.name : `${layer.name} : ${layer.block}`;
}
