/**
 * Gives each layer masks and tables of positions of its own, which a Graph shares among all layers: drawn operator by
 * operator, those of the first layer would have arrows to all others.
 */
import type { Graph, Node, Scope, ValueId } from "../../../src/ir/graph/index.js";
import { ancestors, type Layer, layerTree } from "./scopes.js";
import { valueFacts } from "./values.js";

/** The graph with copies, and for each node the one that it was copied from. */
export function withOwnIndices(graph: Graph): { readonly graph: Graph; readonly origin: readonly number[] } {
  const tree = layerTree(graph);
  const { isStatic } = valueFacts(graph);
  const nodes: Node[] = [];
  const scopes: (Scope | null)[] = [];
  const origin: number[] = [];
  const copies = new Map<string, ValueId>();
  const copiedScopes = new Map<string, Scope>();

  /** The scope of a shared value as it would be below another layer of the same block. */
  const scopeIn = (home: Layer, outer: Layer, scope: Scope): Scope => {
    if (scope === outer.scope || scope.parent === null) return home.scope ?? scope;
    const key = `${home.id} ${layerIds.get(scope)}`;
    const known = copiedScopes.get(key);
    if (known !== undefined) return known;
    const copy = home === outer ? scope : { ...scope, parent: scopeIn(home, outer, scope.parent) };
    copiedScopes.set(key, copy);
    return copy;
  };
  const layerIds = new Map(tree.all.flatMap(({ scope, id }) => (scope === null ? [] : [[scope, id] as const])));

  const add = (id: number, home: Layer | null, consumer: Layer): ValueId => {
    const key = `${id} ${home?.id ?? ""}`;
    const known = copies.get(key);
    if (known !== undefined) return known;
    const node = graph.nodes[id]!;
    const operands = node.operands.map((operand) => place(operand, home ?? consumer));
    const scope = graph.scopes[id] ?? null;
    const outer = home === null ? null : outerOf(tree.of[id]!, home);
    scopes[nodes.length] = outer === null || home === null || scope === null ? scope : scopeIn(home, outer, scope);
    origin[nodes.length] = id;
    const value = (nodes.push({ ...node, operands } as Node) - 1) as ValueId;
    copies.set(key, value);
    return value;
  };
  const place = (operand: number, consumer: Layer): ValueId => {
    if (!isStatic[operand]) return copies.get(`${operand} `)!;
    const home = [...ancestors(consumer)].find((at) => outerOf(tree.of[operand]!, at) !== null) ?? tree.root;
    return add(operand, home, consumer);
  };
  graph.nodes.forEach((_, id) => {
    if (!isStatic[id]) add(id, null, tree.of[id]!);
  });
  const outputs = graph.outputs.map(({ name, value }) => ({ name, value: place(value, tree.root) }));
  const made = {
    ...graph,
    nodes,
    scopes,
    types: origin.map((id) => graph.types[id]!),
    locations: origin.map((id) => graph.locations[id] ?? null),
    names: origin.map((id) => graph.names[id] ?? null),
    placements: origin.map((id) => graph.placements[id] ?? null),
    outputs,
  };
  return { graph: made, origin };
}

/** The layer around a value that is of the same block as `home`. */
function outerOf(layer: Layer, home: Layer): Layer | null {
  return [...ancestors(layer)].find((at) => at.kind === home.kind && at.block === home.block) ?? null;
}
