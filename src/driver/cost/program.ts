/** What each entry of a compiled program costs, for all its sizes or for given ones. */
import type { Graph } from "../../ir/graph/index.js";
import { type Size, type SizeVariable, size, substitute } from "../../sizes/index.js";
import { checkBounds } from "../inputs.js";
import type { Compilation } from "../pipeline.js";
import { costOf, type EntryCost, mapEntry } from "./costs.js";

/**
 * The costs of the entries, in their order: formulas in the sizes that are not given.
 * @throws UserError if the program is wrong; E0611 for a size that an entry cannot have; E0616 where there are no graphs
 */
export function costsOf(
  compilation: Compilation,
  sizes: ReadonlyMap<string, number> = new Map(),
): readonly EntryCost[] {
  const { entries } = compilation.get("graph");
  const plans = compilation.get("plan");
  return entries.map((graph, i) => withSizes(graph, costOf(graph, plans[i]!), sizes));
}

/** The costs of an entry with numbers for some of its sizes. @throws UserError E0611 */
export function withSizes(graph: Graph, cost: EntryCost, sizes: ReadonlyMap<string, number>): EntryCost {
  const bound = new Map<SizeVariable, number>();
  for (const variable of graph.sizes) {
    const value = sizes.get(variable.name);
    if (value !== undefined) bound.set(variable, value);
  }
  checkBounds(bound, "E0611");
  return bound.size === 0 ? cost : mapEntry(cost, (value) => at(value, bound));
}

/** A formula with numbers for sizes. */
function at(value: Size, bound: ReadonlyMap<SizeVariable, number>): Size {
  return substitute(value, (variable) => {
    const number = bound.get(variable);
    return number === undefined ? null : size(number);
  });
}
