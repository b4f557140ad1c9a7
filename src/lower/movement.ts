/**
 * Lowering of the operators that move elements.
 *
 * Transposing, reshaping, broadcasting and slicing are arithmetic on indices, done by whoever reads. `concat`, `take`
 * and `element` are kernels.
 */
import {
  type Buffer,
  binary,
  constant,
  type Expression,
  index,
  type Statement,
  select,
  truth,
} from "../ir/kernel/index.js";
import { add, constantOf, neg, type Size, size } from "../sizes/index.js";
import { broadcastIndex, clamped, type Index, isPopulated, isSingle, plus, zero } from "./addresses.js";
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

/**
 * One nest of loops per operand, each storing at its place in the result; one for all where they are stacked, so that what
 * several are made of is computed once, as the halves of a head that is turned.
 */
export const concatBody: BodyRule<"concat"> = ({ attributes: { axis }, operands, at }, out, writer) => {
  const [first] = operands;
  if (operands.every(({ shape }) => isSingle(shape[axis]!))) {
    const place = (from: Index, number: number) => from.with(axis, index(size(number)));
    return writer.nest(first!.shape, (from) => operands.map((_, i) => store(out, place(from, i), at(i, from))));
  }
  let start: Size = size(0);
  return operands.flatMap(({ shape }, operand) => {
    const offset = start;
    start = add(start, shape[axis]!);
    return writer.nest(shape, (from) => [store(out, from.with(axis, plus(from[axis]!, offset)), at(operand, from))]);
  });
};

/** The element of the operand in which the index lies. Indices into the others are clamped: they are read as well. */
export const concatElement: ElementRule<"concat"> = ({ attributes: { axis }, operands, at }, result) => {
  const [first, ...others] = operands;
  let start: Size = first!.shape[axis]!;
  let element = at(0, result.with(axis, clamped(result[axis]!, start)));
  for (const [i, { shape }] of others.entries()) {
    const inside = clamped(plus(result[axis]!, neg(start)), shape[axis]!);
    const isBefore = binary("lt", result[axis]!, index(start));
    element = select(isBefore, element, at(i + 1, result.with(axis, inside)));
    start = add(start, shape[axis]!);
  }
  return element;
};

/** The result's axes are those of x with the axes of the indices in place of one. */
export const takeElement: ElementRule<"take"> = ({ attributes: { axis }, operands, at }, result) => {
  const [x, indices] = [operands[0]!, operands[1]!];
  const end = axis + indices.shape.length;
  const chosen = clamped(at(1, result.slice(axis, end)), x.shape[axis]!);
  return at(0, [...result.slice(0, axis), chosen, ...result.slice(end)]);
};

export const takeBody: BodyRule<"take"> = (operation, out, writer) =>
  writer.nest(operation.type.shape, (result) => {
    const extent = operation.operands[0]!.shape[operation.attributes.axis]!;
    return storeChosen(out, result, takeElement(operation, result), [extent]);
  });

export const elementElement: ElementRule<"element"> = ({ operands, at }, result) => {
  const [x, ...indices] = operands;
  return at(
    0,
    indices.map(({ shape }, axis) => clamped(at(axis + 1, broadcastIndex(result, shape)), x!.shape[axis]!)),
  );
};

export const elementBody: BodyRule<"element"> = (operation, out, writer) =>
  writer.nest(operation.type.shape, (result) =>
    storeChosen(out, result, elementElement(operation, result), operation.operands[0]!.shape),
  );

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
