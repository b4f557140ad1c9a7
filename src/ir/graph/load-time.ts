/** Which values of a Graph are known when its model is loaded: what is made of weights and constants alone. */
import { constantOf, type Size } from "../../sizes/index.js";
import type { Graph } from "./graph.js";
import type { Node } from "./operators.js";

/** One answer per value: whether it depends on no input and on no size that only a run knows. */
export function loadTimeValues({ nodes, types }: Graph): readonly boolean[] {
  const known: boolean[] = [];
  for (const [id, node] of nodes.entries()) {
    const sizes = [...types[id]!.shape, ...sizesOf(node)];
    known.push(
      node.operator !== "input" &&
        node.operands.every((operand) => known[operand]!) &&
        sizes.every((each) => constantOf(each) !== null),
    );
  }
  return known;
}

/** The sizes that a node computes with, besides its shapes. */
function sizesOf(node: Node): readonly Size[] {
  if (node.operator === "size") return [node.attributes.value];
  return node.operator === "slice" ? [node.attributes.start] : [];
}
