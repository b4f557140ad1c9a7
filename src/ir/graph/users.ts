import type { Graph, ValueId } from "./graph.js";

/** The values whose nodes read a value, by the value, each once, in their order. Outputs of the Graph are no users. */
export function usersOf({ nodes }: Graph): readonly (readonly ValueId[])[] {
  const users: ValueId[][] = nodes.map(() => []);
  for (const [id, { operands }] of nodes.entries()) {
    for (const operand of new Set(operands)) users[operand]!.push(id as ValueId);
  }
  return users;
}
