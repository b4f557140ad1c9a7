/** What values cost that are made of indices, without and with what is known at load. */
import { type Graph, loadTimeValues, type Node, type ValueId } from "../../ir/graph/index.js";
import { classOf, costOf } from "./classes.js";
import type { Sizes } from "./reads.js";

/** For each value what computing an element costs, in additions; null for what is not asked about. */
type Costs = readonly (number | null)[];

/** The operands that an element is computed of; null where its cost is not asked about. */
type Operands = (node: Node, id: number) => readonly ValueId[] | null;

/**
 * For each value that is made of indices alone, element by element, what computing an element costs, without what is
 * made of fewer elements (that is better stored where it has them); null for all others.
 */
export function costsOfIndices(graph: Graph, sizes: Sizes): Costs {
  const count = (id: number): number =>
    graph.types[id]!.shape.reduce((product, extent) => product * sizes.of(extent), 1);
  const isWithin = (operand: number, id: number): boolean => count(operand) * 2 >= count(id);
  return costsOf(graph, (node) => (isElementwise(node) ? node.operands : null), isWithin);
}

/**
 * The same for values that are made of indices and of what is known at load, element by element or chosen of it; null as
 * well for what is known at load itself.
 */
export function costsOfTables(graph: Graph): Costs {
  const isLoadTime = loadTimeValues(graph);
  const costs = costsOf(graph, (node, id) => {
    if (isLoadTime[id]) return [];
    const [table, ...indices] = node.operands;
    const isGather = node.operator === "element" && isLoadTime[table!];
    return isGather ? indices : isElementwise(node) ? node.operands : null;
  });
  return costs.map((cost, id) => (isLoadTime[id] ? null : cost));
}

function isElementwise({ operator }: Node): boolean {
  const kind = classOf(operator);
  return kind === "index" || kind === "map" || kind === "move";
}

/** @param isWithin whether what an operand costs is part of what its reader does */
function costsOf(
  graph: Graph,
  operandsOf: Operands,
  isWithin: (operand: number, id: number) => boolean = () => true,
): Costs {
  const costs: (number | null)[] = [];
  for (const [id, node] of graph.nodes.entries()) {
    const operands = operandsOf(node, id);
    const isMade = operands?.every((operand) => costs[operand] !== null) === true;
    const own = operands?.length === 0 ? 0 : costOf(graph, id as ValueId);
    const beneath = (operand: ValueId): number => (isWithin(operand, id) ? costs[operand]! : 0);
    costs.push(isMade ? operands.reduce((sum, operand) => sum + beneath(operand), own) : null);
  }
  return costs;
}
