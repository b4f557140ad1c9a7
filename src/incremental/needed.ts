/** Which nodes some values of a Graph need. */
import type { Graph, ValueId } from "../ir/graph/index.js";

/** One mark for each node. Operands have smaller ids, so that one walk backwards finds all. */
export function neededFor(graph: Graph, values: readonly ValueId[]): Uint8Array {
  const needed = new Uint8Array(graph.nodes.length);
  for (const value of values) needed[value] = 1;
  for (let id = graph.nodes.length - 1; id >= 0; id--) {
    if (needed[id] === 1) for (const operand of graph.nodes[id]!.operands) needed[operand] = 1;
  }
  return needed;
}
