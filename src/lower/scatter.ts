/**
 * Where rows that a session appends come from: a value with a kernel of its own, of whose elements they are some, moved. A
 * schedule may let that kernel write them to their place (schedule/scatter.ts), which saves the call that copies them.
 */
import type { Graph, ValueId } from "../ir/graph/index.js";
import { binary, type Expression, index } from "../ir/kernel/index.js";
import { add, isAtMost, neg, type Size, size } from "../sizes/index.js";
import { type Index, plus, remainder } from "./addresses.js";
import { reshapeIndex } from "./reshape.js";
import type { JoinedRows } from "./states.js";

/** Where the state has its place for an element of the value, and what must hold for it to have one. */
export type ElementPlace = (at: Index) => { readonly condition: Expression | null; readonly at: Index };

/** Where a new row has its place among those before. */
export function joinedAt(row: Expression, past: Size, slots: number | null): Expression {
  const position = plus(row, past);
  return slots === null ? position : remainder(position, size(slots));
}

/**
 * The places of a value's elements in a state; null where something is computed in between.
 * @param isStored whether a value lies in memory
 */
export function appendedPlace(
  graph: Graph,
  { state, rows, slots }: JoinedRows,
  past: Size,
  isStored: (value: ValueId) => boolean,
): ElementPlace | null {
  const path: ValueId[] = [];
  for (let from = rows; !isStored(from); from = graph.nodes[from]!.operands[0]!) {
    const { operator } = graph.nodes[from]!;
    if (operator !== "slice" && operator !== "transpose" && operator !== "reshape") return null;
    path.unshift(from);
  }
  return (at) => {
    const conditions: Expression[] = [];
    let place = at;
    for (const id of path) {
      const node = graph.nodes[id]!;
      const from = graph.types[node.operands[0]!]!.shape;
      if (node.operator === "transpose") place = node.attributes.permutation.map((axis) => place[axis]!);
      if (node.operator === "reshape") place = reshapeIndex(graph.types[id]!.shape, from, place);
      if (node.operator !== "slice") continue;
      const { axis, start, length } = node.attributes;
      const [own, end] = [place[axis]!, add(start, length)];
      if (start !== size(0)) conditions.push(binary("le", index(start), own));
      if (!isAtMost(from[axis]!, end)) conditions.push(binary("lt", own, index(end)));
      place = place.with(axis, plus(own, neg(start)));
    }
    const condition = conditions.length === 0 ? null : conditions.reduce((a, b) => binary("and", a, b));
    return { condition, at: place.with(state.axis!, joinedAt(place[state.axis!]!, past, slots)) };
  };
}
