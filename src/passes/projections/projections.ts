/**
 * Products of one value with several weights become one: queries, keys and values of an attention, of any widths, with
 * biases and scales or without. The weights are joined at load, and each reader gets its columns as a slice, which is
 * arithmetic on indices. So the value is read once, and one kernel runs where several did.
 *
 * Needs: contractions that name their axes (movement). Guarantees: only what has a buffer of its own is merged. Where a
 * function that is computed with a product follows it, such as an activation, merging would need a kernel more.
 */
import { emitNode, type Graph, rebuild, type Scope, type ValueId } from "../../ir/graph/index.js";
import { render } from "../../sizes/index.js";
import { fusion } from "../fusion/fuse.js";
import type { Pass, PassContext } from "../pass.js";
import { groupsOf } from "./groups.js";
import { type Member, Products } from "./members.js";
import { Merging } from "./merge.js";

export const projections: Pass = {
  name: "projections",
  about: "products of one value with several weights as one, whose weights are joined at load",
  run: mergeProjections,
};

const rule = "products of one value";

function mergeProjections(graph: Graph, context: PassContext): Graph {
  const products = new Products(graph);
  if (!products.areAlike()) return graph;
  products.place(fusion.run(graph, { ...context, remark: () => {} }).placements);
  const { groups, missed } = groupsOf(graph, products);
  for (const { product, reason } of missed) {
    const message = `a product stays alone: ${reason}`;
    context.remark({ rule, kind: "missed", location: graph.locations[product.value] ?? null, message });
  }
  if (groups.length === 0) return graph;
  for (const group of groups) {
    const location = graph.locations[group[0]!.value] ?? null;
    context.remark({ rule, kind: "fired", location, message: describe(graph, group) });
  }
  return merged(graph, groups, context.mostBuffers);
}

function merged(graph: Graph, groups: readonly (readonly Member[])[], mostBuffers: number): Graph {
  const byFirst = new Map(groups.map((group) => [group[0]!.value, group]));
  const parts = new Map<ValueId, ValueId>();
  let merging: Merging | null = null;
  return rebuild(graph, (builder, node, operands, id) => {
    merging ??= new Merging(graph, builder, mostBuffers);
    const group = byFirst.get(id);
    if (group !== undefined) {
      const scopes = group.map(({ value }) => graph.scopes[value] ?? null);
      builder.origin = { ...builder.origin, scope: scopes.reduce(commonScope) };
      const made = merging.parts(group, operands[1 - group[0]!.position]!);
      for (const [i, { root }] of group.entries()) parts.set(root, made[i]!);
    }
    return parts.get(id) ?? emitNode(builder, node, operands);
  });
}

/** The innermost layer or function around both. */
function commonScope(a: Scope | null, b: Scope | null): Scope | null {
  const around = new Set<Scope | null>();
  for (let at = a; at !== null; at = at.parent) around.add(at);
  let at = b;
  while (at !== null && !around.has(at)) at = at.parent;
  return at;
}

/** `3 products in one, of 32 + 16 + 16 columns: a.trafo:12:3, a.trafo:13:3, a.trafo:14:3`. */
function describe({ types, locations }: Graph, group: readonly Member[]): string {
  const columns = group.map(({ weight, column }) => render(types[weight]!.shape[column.ofWeight]!));
  const places = group.flatMap(({ value }) => {
    const location = locations[value];
    return location ? [`${location.file}:${location.line}:${location.column}`] : [];
  });
  const from = places.length === 0 ? "" : `: ${[...new Set(places)].join(", ")}`;
  return `${group.length} products in one, of ${columns.join(" + ")} columns${from}`;
}
