/**
 * Lowering of the operators that move elements.
 *
 * Transposing, reshaping, broadcasting and slicing are arithmetic on indices, done by whoever reads. `concat`, `take`
 * and `element` are kernels.
 */
import { type Buffer, binary, constant, type Expression, index, type Statement, truth } from "../ir/kernel/index.js";
import { add, constantOf, type Size, size } from "../sizes/index.js";
import { broadcastIndex, clamped, type Index, isPopulated, plus, zero } from "./addresses.js";
import { reshapeIndex } from "./reshape.js";
import type { BodyRule, ElementRule } from "./rules.js";
import { store, when } from "./writer.js";

export const transposeElement: ElementRule<"transpose"> = ({ attributes, at }, result) => {
  const from = result.map(() => zero);
  for (const [axis, operandAxis] of attributes.permutation.entries()) from[operandAxis] = result[axis]!;
  return at(0, from);
};

export const reshapeElement: ElementRule<"reshape"> = ({ operands, type, at }, result) =>
  at(0, reshapeIndex(operands[0]!.shape, type.shape, result));

export const broadcastElement: ElementRule<"broadcast"> = ({ operands, at }, result) =>
  at(0, broadcastIndex(result, operands[0]!.shape));

/** Where it is not proven that the slice stays in the axis, indices are clamped: such sizes are refused before a run. */
export const sliceElement: ElementRule<"slice"> = ({ attributes: { axis, start }, operands, at }, result) =>
  at(0, result.with(axis, clamped(plus(result[axis]!, start), operands[0]!.shape[axis]!)));

/** One nest of loops per operand, each storing at its place in the result. */
export const concatBody: BodyRule<"concat"> = ({ attributes: { axis }, operands, at }, out, writer) => {
  let start: Size = size(0);
  return operands.flatMap(({ shape }, operand) => {
    const offset = start;
    start = add(start, shape[axis]!);
    return writer.nest(shape, (from) => [store(out, from.with(axis, plus(from[axis]!, offset)), at(operand, from))]);
  });
};

/** The result's axes are those of x with the axes of the indices in place of one. */
export const takeBody: BodyRule<"take"> = (operation, out, writer) => {
  const { axis } = operation.attributes;
  const [x, indices] = [operation.operands[0]!, operation.operands[1]!];
  const end = axis + indices.shape.length;
  return writer.nest(operation.type.shape, (result) => {
    const chosen = operation.at(1, result.slice(axis, end));
    const from = [...result.slice(0, axis), clamped(chosen, x.shape[axis]!), ...result.slice(end)];
    return storeChosen(out, result, operation.at(0, from), [x.shape[axis]!]);
  });
};

export const elementBody: BodyRule<"element"> = (operation, out, writer) => {
  const [x, ...indices] = operation.operands;
  return writer.nest(operation.type.shape, (result) => {
    const from = indices.map(({ shape }, axis) =>
      clamped(operation.at(axis + 1, broadcastIndex(result, shape)), x!.shape[axis]!),
    );
    return storeChosen(out, result, operation.at(0, from), x!.shape);
  });
};

/**
 * Stores an element that was chosen by indices. Where an axis that they choose from has no element, there is none to
 * clamp an index to, and 0 is stored instead, without reading.
 */
function storeChosen(out: Buffer, at: Index, value: Expression, axes: readonly Size[]): readonly Statement[] {
  const chosen = store(out, at, value);
  const doubtful = axes.filter((extent) => !isPopulated(extent));
  if (doubtful.length === 0) return [chosen];
  const nothing = store(out, at, constant(0, out.element));
  if (doubtful.some((extent) => constantOf(extent) === 0)) return [nothing];
  const populated = doubtful.map((extent) => binary("le", index(1), index(extent)));
  return [
    nothing,
    when(
      populated.reduce((all, each) => binary("and", all, each), truth),
      [chosen],
    ),
  ];
}
