/**
 * The step that most steps are: one new position of a few sequences. It is the step that gives the last position, with those
 * sizes known, so that products have few rows and no position hides another.
 */
import { attributesWith } from "../ir/graph/attributes.js";
import {
  type Graph,
  type GraphBuilder,
  type Node,
  type OperatorName,
  rebuild,
  type ValueId,
} from "../ir/graph/index.js";
import { constantOf, rangeOf, type Size, SizeVariable, size, substitute, variablesOf } from "../sizes/index.js";
import type { Derived } from "./derive.js";
import type { State } from "./states.js";

export interface OneStep {
  readonly graph: Graph;
  /** Those of `Derived`, in the sizes of this graph. */
  readonly states: readonly State[];
  /** The size that counts sequences, and the most that there may be; null where one step is of one sequence. */
  readonly few: { readonly batch: SizeVariable; readonly most: number } | null;
  /** The most sequences, where their number is the first axis of what a step takes. */
  readonly most: number;
}

/** @param name of the graph @param most sequences, where their number is the first axis of what a step takes */
export function oneStep({ one, states, sizes }: Derived, name: string, most: number): OneStep {
  const graph = one();
  const batch = batchOf(graph, sizes.count);
  const fewer =
    batch === null ? null : new SizeVariable(batch.name, batch.min, Math.min(most, rangeOf(size(batch)).max));
  const of = (variable: SizeVariable): Size | null => {
    if (variable === sizes.count) return size(1);
    return variable === batch && fewer !== null ? size(fewer) : null;
  };
  const known = (each: Size): Size => substitute(each, of);
  const kept = graph.sizes.filter((each) => each !== sizes.count).map((each) => (each === batch ? fewer! : each));
  return {
    graph: rebuild(graph, (builder, node, operands) => emitOver(builder, node, operands, known), { name, sizes: kept }),
    states: states.map((state) => ({ ...state, shape: state.shape.map(known) })),
    few: batch === null ? null : { batch, most },
    most,
  };
}

/** The size of the first axis of what a step takes, if nothing else depends on how large it may be. */
function batchOf({ nodes, sizes }: Graph, count: SizeVariable): SizeVariable | null {
  for (const { operator, attributes } of nodes) {
    if (operator !== "input" || !attributes.shape.some((each) => variablesOf(each).includes(count))) continue;
    const batch = sizes.find((each) => size(each) === attributes.shape[0]);
    if (batch === undefined || batch === count || batch.step > 1 || (constantOf(batch.min) ?? 2) > 1) return null;
    const isBound = sizes.some(({ min, max }) => [min, max].some((each) => each && variablesOf(each).includes(batch)));
    return isBound ? null : batch;
  }
  return null;
}

/** A node with every size in its attributes replaced. */
function emitOver(
  builder: GraphBuilder,
  { operator, attributes }: Node,
  operands: readonly ValueId[],
  replaced: (size: Size) => Size,
): ValueId {
  return builder.emit<OperatorName>(operator, operands, attributesWith<OperatorName>(operator, attributes, replaced));
}
