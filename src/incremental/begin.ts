/** What is computed once for a sequence: the part of an entry that gives the states of kind `once`. */
import { emitNode, type Graph, GraphBuilder, type ValueId } from "../ir/graph/index.js";
import type { Analysis } from "./analysis.js";
import { neededFor } from "./needed.js";
import type { State } from "./states.js";

/** The graph from all inputs without positions to the states, or null if there is none. */
export function beginGraph(name: string, { graph, facts, time }: Analysis, states: readonly State[]): Graph | null {
  const once = states.filter(({ kind }) => kind === "once");
  if (once.length === 0) return null;
  const builder = new GraphBuilder(
    name,
    graph.sizes.filter((each) => each !== time),
  );
  const needed = neededFor(
    graph,
    once.map(({ value }) => value),
  );
  const values = new Map<ValueId, ValueId>();
  for (const [index, node] of graph.nodes.entries()) {
    const id = index as ValueId;
    const isInput = node.operator === "input" && facts[id]!.time.size === 0;
    if (needed[id] !== 1 && !isInput) continue;
    builder.origin = { location: graph.locations[id] ?? null, scope: graph.scopes[id] ?? null };
    const value = emitNode(
      builder,
      node,
      node.operands.map((operand) => values.get(operand)!),
    );
    const own = graph.names[id];
    if (own) builder.nameValue(value, own);
    values.set(id, value);
  }
  return builder.finish(once.map(({ name: state, value }) => ({ name: state, value: values.get(value)! })));
}
