/** Lowering of einsum: a loop per label of the output, inside them a loop per label that is summed over. */
import { binary, cast, constant, type Expression } from "../ir/kernel/index.js";
import type { Size } from "../sizes/index.js";
import { type Index, isSingle, zero } from "./addresses.js";
import { accumulatorOf } from "./rows.js";
import type { BodyRule } from "./rules.js";
import { store } from "./writer.js";

export const einsumBody: BodyRule<"einsum"> = ({ attributes, operands, type, at }, out, writer) => {
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

  const product = (positions: ReadonlyMap<number, Expression>): Expression => {
    const factors = inputs.map((labels, operand) => {
      const { shape } = operands[operand]!;
      const from: Index = labels.map((label, axis) => (isSingle(shape[axis]!) ? zero : positions.get(label)!));
      return cast(at(operand, from), element);
    });
    return factors.reduce((left, right) => binary("mul", left, right));
  };

  return writer.nest(type.shape, (result) => {
    const outer = output.map((label, axis): [number, Expression] => [label, result[axis]!]);
    if (summed.length === 0) return [store(out, result, cast(product(new Map(outer)), out.element))];
    const sum = writer.scalar("sum", constant(0, element));
    const terms = writer.nest(
      summed.map((label) => extents.get(label)!),
      (inner) => [
        sum.update(
          "add",
          product(new Map([...outer, ...summed.map((label, i): [number, Expression] => [label, inner[i]!])])),
        ),
      ],
    );
    return [...sum.begin, ...terms, store(out, result, cast(sum.value, out.element))];
  });
};
