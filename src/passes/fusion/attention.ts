/** Whether a softmax is computed by the contraction that reads it, so that its rows have no buffer: attention. */
import { attentionsOf, type Graph, type ValueId } from "../../ir/graph/index.js";
import { innermost, type Read, type Verdict } from "./loops.js";
import type { Sizes } from "./reads.js";

/** The loops of the result must compute each row once, and sum over the keys and over nothing that rows differ in. */
export function verdictOnAttention(graph: Graph, value: ValueId, reads: readonly Read[], sizes: Sizes): Verdict {
  const attention = attentionsOf(graph).get(value);
  const [read, ...others] = reads;
  if (attention === undefined || read === undefined || others.length > 0) return "its kernel reads it more than once";
  const { axis } = attention;
  const [key, ...more] = read.axes[axis]!;
  if (key === undefined || more.length > 0 || !key.isSummed) {
    return "the contraction that reads it does not sum over its keys";
  }
  const row = read.axes.with(axis, []);
  if (row.flat().some((loop) => loop.isSummed)) return "the contraction that reads it sums over its rows";
  const { shape } = graph.types[value]!;
  const rows = shape.reduce((product, extent, at) => (at === axis ? product : product * sizes.of(extent)), 1);
  const computed = innermost(read.group.kernel, row).total;
  return computed / rows > 1.01 ? "the loops of its kernel are in an order that computes rows more than once" : null;
}
