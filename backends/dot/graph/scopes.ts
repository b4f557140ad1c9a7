/**
 * The tree of layers and calls that a Graph's nodes come from.
 *
 * Each call of a layer or function has a scope of its own, and nodes carry it; here scopes become one tree. Two calls of
 * one layer differ in id and agree in path, which is where its weights are. Ids follow from names alone, so that adding a
 * layer changes no other's id.
 */
import type { Graph, Scope } from "../../../src/ir/graph/index.js";

export interface Layer {
  /** The path, with a number where it is not the first call: `h.0.attn.split_heads#2`. Unique. */
  readonly id: string;
  /** The names from the root, such as `h.0.attn.attention`; the root's is empty. */
  readonly path: string;
  readonly name: string;
  readonly block: string;
  readonly kind: Scope["kind"];
  readonly parent: Layer | null;
  readonly depth: number;
  readonly children: Layer[];
  /** What its nodes carry; null for the root of a Graph without layers. */
  readonly scope: Scope | null;
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
    path: "",
    name: "",
    block: top === null ? "" : rootOf(top).block,
    kind: "model",
    parent: null,
    depth: 0,
    children: [],
    scope: top === null ? null : rootOf(top),
  };
  const all: Layer[] = [root];
  const known = new Map<Scope, Layer>();
  const ids = new Set([""]);

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
    const { name, block, kind } = scope;
    const wanted = parent === root ? name : `${parent.id}.${name}`;
    let id = wanted;
    for (let call = 2; ids.has(id); call++) id = `${wanted}#${call}`;
    const path = parent === root ? name : `${parent.path}.${name}`;
    const layer: Layer = { id, path, name, block, kind, parent, depth: parent.depth + 1, children: [], scope };
    parent.children.push(layer);
    ids.add(id);
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

/** True where `path` is that of `layer` or of one in it, in whichever call. */
export function owns(layer: Layer, path: string): boolean {
  return layer.path === "" || path === layer.path || path.startsWith(`${layer.path}.`);
}

/** How the source calls it: `h.0 : Block`, or a function's name; the model by its own. */
export function titleOf(layer: Layer): string {
  if (layer.name === "") return layer.block;
  return layer.kind === "function" || layer.block === "" ? layer.name : `${layer.name} : ${layer.block}`;
}
