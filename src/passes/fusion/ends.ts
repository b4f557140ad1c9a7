/** What a value ends: the contraction whose result it is, scaled or with something added, element by element. */
import type { Graph, ValueId } from "../../ir/graph/index.js";
import { elementCount } from "../../ir/graph/infer-shapes.js";
import { compare } from "../../sizes/index.js";
import { classOf } from "./classes.js";

/**
 * The contraction that a value is of, element by element, where nothing else reads it; null if there is none.
 * @param readers how often each value is read
 */
export function contractionOf(
  graph: Graph,
  value: ValueId,
  readers: Int32Array,
  outputs: ReadonlySet<ValueId>,
): ValueId | null {
  const count = elementCount(graph.types[value]!.shape);
  let at = value;
  for (;;) {
    const next = graph.nodes[at]!.operands.find((operand) => {
      const kind = classOf(graph.nodes[operand]!.operator);
      const isSame = compare(elementCount(graph.types[operand]!.shape), count) === "equal";
      return isSame && readers[operand] === 1 && (kind === "contraction" || kind === "map");
    });
    if (next === undefined || outputs.has(next)) return null;
    if (classOf(graph.nodes[next]!.operator) === "contraction") return next;
    at = next;
  }
}

/** Whether a value is only i32 made of smaller integers, as loading them does. */
export function isWidened({ nodes, types }: Graph, value: ValueId): boolean {
  const { operator, operands } = nodes[value]!;
  const from = operator === "cast" ? types[operands[0]!]!.element : null;
  return types[value]!.element === "i32" && (from === "i8" || from === "i16");
}
