/** Lowering of einsum: for an element of the output, a sum in one loop per label that is not in the output. */
import { contractionOrder } from "../ir/graph/index.js";
import { binary, cast, constant, type Expression } from "../ir/kernel/index.js";
import type { Size } from "../sizes/index.js";
import { type Index, isSingle, zero } from "./addresses.js";
import { accumulatorOf } from "./rows.js";
import type { Operation, Share, StagedRule } from "./rules.js";

export const einsumOrder = ({ attributes, isRow }: Operation<"einsum">): readonly number[] =>
  contractionOrder(attributes, isRow);

/**
 * What a softmax divides by is one number per row: where the kernel computes the softmax, its numerators are summed, and
 * the sum is divided.
 */
export const einsumElement: StagedRule<"einsum"> = ({ attributes, operands, type, at, share }, result, writer) => {
  const { inputs, output } = attributes;
  const extents = new Map<number, Size>();
  for (const [operand, labels] of inputs.entries()) {
    for (const [axis, label] of labels.entries()) {
      const extent = operands[operand]!.shape[axis]!;
      // An axis of size 1 repeats along what the others have for the label.
      if (!extents.has(label) || isSingle(extents.get(label)!)) extents.set(label, extent);
    }
  }
  const summed = [...extents.keys()].filter((label) => !output.includes(label));
  const element = accumulatorOf(type.element);

  const shares = new Set<Share>();
  const numeratorOf = (factor: Expression, depth: number): Expression => {
    const found = share(factor);
    if (found === null || writer.depthOf(found.row, found.rows) > depth) return factor;
    shares.add(found);
    return found.numerator;
  };
  const product = (depth: number, positions: ReadonlyMap<number, Expression>): Expression => {
    const factors = inputs.map((labels, operand) => {
      const { shape } = operands[operand]!;
      const from: Index = labels.map((label, axis) => (isSingle(shape[axis]!) ? zero : positions.get(label)!));
      return cast(numeratorOf(at(operand, from), depth), element);
    });
    return factors.reduce((left, right) => binary("mul", left, right));
  };

  const outer = output.map((label, axis): [number, Expression] => [label, result[axis]!]);
  if (summed.length === 0) return cast(product(-1, new Map(outer)), type.element);
  const sum = writer.stage(result, type.shape, () => {
    const sum = writer.scalar("sum", constant(0, element));
    const { depth } = writer;
    const terms = writer.nest(
      summed.map((label) => extents.get(label)!),
      (inner) => {
        const places = summed.map((label, i): [number, Expression] => [label, inner[i]!]);
        return [sum.update("add", product(depth, new Map([...outer, ...places])))];
      },
    );
    return [sum, terms];
  });
  const finished = [...shares].reduce((value, { finish }) => finish(value), sum.value);
  return cast(finished, type.element);
};
