/** Which values are computed in place by whoever reads them. */
import type { Graph, ValueId } from "../ir/graph/index.js";
import { rules } from "./table.js";

/**
 * For each value whether it has no kernel: because fusion placed it inline, because it only moves elements of another, or
 * because it is made of indices alone (constants, sizes, iota, and what is computed from them element by element).
 */
export function computedInPlace(graph: Graph): readonly boolean[] {
  const ofIndices: boolean[] = [];
  return graph.nodes.map(({ operator, operands }, id) => {
    const { kind } = rules[operator];
    ofIndices[id] = (kind === "map" || kind === "inline") && operands.every((operand) => ofIndices[operand]);
    const placement = graph.placements[id] ?? null;
    return placement === null ? kind === "inline" || ofIndices[id] : placement === "inline";
  });
}

/** The value that this one only moves elements of: itself, if it moves none. */
export function movedFrom(graph: Graph, value: ValueId): ValueId {
  let from = value;
  for (;;) {
    const { operator, operands } = graph.nodes[from]!;
    if (rules[operator].kind !== "inline") return from;
    from = operands[0]!;
  }
}
