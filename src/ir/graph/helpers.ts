/** Small compositions of operators that lowering and passes share. Each only emits through the builder. */
import { size } from "../../sizes/index.js";
import type { GraphBuilder } from "./builder.js";
import type { ValueId } from "./graph.js";
import type { ReductionOperator } from "./operators.js";
import { GraphTypeError } from "./type-rules.js";
import { typeText } from "./type-text.js";
import type { ElementType } from "./types.js";

/** One number. */
export function scalar(builder: GraphBuilder, value: number, element: ElementType): ValueId {
  return builder.emit("constant", [], { value, element });
}

/**
 * NumPy's `a @ b`: the last axis of a meets the axis before the last of b (its only one, if it has one), leading axes
 * broadcast, and an operand of rank 1 leaves no axis behind.
 * @throws GraphTypeError for an operand of rank 0, or where sizes differ.
 */
export function matmul(builder: GraphBuilder, a: ValueId, b: ValueId): ValueId {
  const [left, right] = [builder.typeOf(a), builder.typeOf(b)];
  if (left.shape.length === 0 || right.shape.length === 0) {
    throw new GraphTypeError(`@ takes tensors of rank 1 or more and is given ${typeText(left)} and ${typeText(right)}`);
  }
  const [inner, row, column, firstLeading] = [0, 1, 2, 3];
  const leading = (rank: number): number[] =>
    Array.from({ length: Math.max(0, rank - 2) }, (_, axis) => firstLeading + (rank - 3 - axis));
  const ofLeft = left.shape.length === 1 ? [inner] : [...leading(left.shape.length), row, inner];
  const ofRight = right.shape.length === 1 ? [inner] : [...leading(right.shape.length), inner, column];
  const output = leading(Math.max(left.shape.length, right.shape.length));
  if (left.shape.length > 1) output.push(row);
  if (right.shape.length > 1) output.push(column);
  return builder.emit("einsum", [a, b], { inputs: [ofLeft, ofRight], output });
}

/** The value without an axis of size 1. */
export function dropAxis(builder: GraphBuilder, value: ValueId, axis: number): ValueId {
  const { shape } = builder.typeOf(value);
  return builder.emit("reshape", [value], { shape: shape.toSpliced(axis, 1) });
}

/** The value with a new axis of size 1 before `axis`. */
export function insertAxis(builder: GraphBuilder, value: ValueId, axis: number): ValueId {
  const { shape } = builder.typeOf(value);
  return builder.emit("reshape", [value], { shape: shape.toSpliced(axis, 0, size(1)) });
}

/** A reduction over several axes, which stay with size 1 if `keep` and vanish otherwise. */
export function reduce(
  builder: GraphBuilder,
  operator: Exclude<ReductionOperator, "argmax">,
  value: ValueId,
  axes: readonly number[],
  keep = true,
): ValueId {
  const reduced = axes.reduce<ValueId>((from, axis) => builder.emit(operator, [from], { axis }), value);
  if (keep) return reduced;
  const shape = builder.typeOf(reduced).shape.filter((_, axis) => !axes.includes(axis));
  return builder.emit("reshape", [reduced], { shape });
}

/** The value with its last two axes exchanged. */
export function transposeLast(builder: GraphBuilder, value: ValueId): ValueId {
  const rank = builder.typeOf(value).shape.length;
  const permutation = Array.from({ length: rank }, (_, axis) => axis);
  permutation.push(...permutation.splice(rank - 2, 2).reverse());
  return builder.emit("transpose", [value], { permutation });
}
