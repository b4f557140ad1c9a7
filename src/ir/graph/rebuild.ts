/** The walk that passes share: every node of a Graph in order, emitted anew. */
import { GraphBuilder } from "./builder.js";
import type { Graph, ValueId } from "./graph.js";
import type { Node, NodeOf, OperatorName } from "./operators.js";

/** Emits what stands for `node`, whose operands are now `operands`; `id` is its id in the old graph. */
export type Rewrite = (builder: GraphBuilder, node: Node, operands: readonly ValueId[], id: ValueId) => ValueId;

/** What callers call the graph, and the sizes that it is over. */
type Interface = Pick<Graph, "name" | "sizes">;

/** Emits a node unchanged on other operands. */
export function emitNode<K extends OperatorName>(
  builder: GraphBuilder,
  node: NodeOf<K>,
  operands: readonly ValueId[] = node.operands,
): ValueId {
  const { operator, attributes } = node as NodeOf<OperatorName>;
  return builder.emit(operator, operands, attributes);
}

/**
 * A graph with each node replaced by what `rewrite` emits for it (by default itself). Origins and names of the old
 * node go to what replaces it; inputs keep their order; what no output needs is gone.
 * @param sizes those of the new graph.
 */
export function rebuild(graph: Graph, rewrite: Rewrite = emitNode, { name, sizes }: Interface = graph): Graph {
  const builder = new GraphBuilder(name, sizes);
  const renamed: ValueId[] = [];
  for (const [index, node] of graph.nodes.entries()) {
    const id = index as ValueId;
    builder.origin = { location: graph.locations[id] ?? null, scope: graph.scopes[id] ?? null };
    const value = rewrite(
      builder,
      node,
      node.operands.map((operand) => renamed[operand]!),
      id,
    );
    const own = graph.names[id];
    if (own) builder.nameValue(value, own);
    renamed.push(value);
  }
  return builder.finish(graph.outputs.map(({ name, value }) => ({ name, value: renamed[value]! })));
}
