/** Contractions that one kernel computes side by side, as the gate and the values of a gated layer. */
import { equalTypes, type Graph, type ValueId } from "../../ir/graph/index.js";

/**
 * Whether a contraction may be computed beside the one that a kernel has: it sums over the same axes, of as many elements,
 * and reads one of its factors, so that the loops of both are the same and that factor is near. Of more than two, the sums
 * would not fit into registers.
 * Of few rows whose sums lanes share there is no factor to keep near: any other sum for the same elements will do, as of what goes
 * down beside attention. Where each lane sums up columns of its own, two sums of other lengths cost more than a kernel.
 */
export function isTwin(
  { nodes, types }: Graph,
  value: ValueId,
  others: readonly ValueId[],
  areShared: boolean,
): boolean {
  const [other, ...more] = others;
  const [a, b] = [nodes[value]!, nodes[other!]!];
  if (more.length > 0 || a.operator !== "einsum" || b.operator !== "einsum") return false;
  if (areShared) return true;
  if (a.operands.length !== b.operands.length) return false;
  const isSame = (left: readonly number[], right: readonly number[]): boolean => left.join() === right.join();
  return (
    isSame(a.attributes.output, b.attributes.output) &&
    a.attributes.inputs.every((labels, i) => isSame(labels, b.attributes.inputs[i]!)) &&
    a.operands.every((operand, i) => equalTypes(types[operand]!, types[b.operands[i]!]!)) &&
    a.operands.some((operand, i) => operand === b.operands[i])
  );
}
