/**
 * What the caller's indices must satisfy. Kernels clamp an index to its axis, so that nothing is read out of bounds; but
 * a token that is not in the vocabulary is a mistake of the caller, who is told.
 */
import type { Graph, ValueId } from "../ir/graph/index.js";
import type { IndexCheck } from "../ir/plan/plan.js";
import { minimum, type Size } from "../sizes/index.js";
import { movedFrom } from "./in-place.js";

/** One check per input whose elements, moved or not, are used as indices: the smallest of the axes that they index. */
export function indexChecksOf(graph: Graph, computed: ReadonlySet<ValueId>): readonly IndexCheck[] {
  const limits = new Map<string, Size>();
  for (const [id, { operator, operands, attributes }] of graph.nodes.entries()) {
    if (!computed.has(id as ValueId) || (operator !== "take" && operator !== "element")) continue;
    const { shape } = graph.types[operands[0]!]!;
    for (const [axis, operand] of operands.slice(1).entries()) {
      const node = graph.nodes[movedFrom(graph, operand)]!;
      if (node.operator !== "input") continue;
      const extent = shape["axis" in attributes ? attributes.axis : axis]!;
      const { name } = node.attributes;
      const known = limits.get(name);
      limits.set(name, known === undefined ? extent : minimum(known, extent));
    }
  }
  return [...limits].map(([input, limit]) => ({ input, limit }));
}
