/**
 * What the builder folds: operators that move nothing, and two movements that are one.
 *
 * Only what needs no thought belongs here; everything else is a named rule of a pass, where it is counted and can be
 * looked at. What must stay true: the folded value has the type that was inferred for the node.
 */
import { constantOf } from "../../sizes/index.js";
import type { GraphBuilder } from "./builder.js";
import type { ValueId } from "./graph.js";
import { isZero } from "./infer-shapes.js";
import type { Attributes, OperatorName } from "./operators.js";
import { same } from "./type-rules.js";
import type { TensorType } from "./types.js";

type Fold<K extends OperatorName> = (
  builder: GraphBuilder,
  operands: readonly ValueId[],
  attributes: Attributes[K],
  type: TensorType,
) => ValueId | null;

const operandOfEqualType: Fold<OperatorName> = (builder, operands, _, type) => {
  const from = builder.typeOf(operands[0]!);
  const equal =
    from.element === type.element &&
    from.shape.length === type.shape.length &&
    from.shape.every((size, axis) => same(size, type.shape[axis]!));
  return equal ? operands[0]! : null;
};

const table: { readonly [K in OperatorName]?: Fold<K> } = {
  broadcast: operandOfEqualType,
  cast: operandOfEqualType,

  reshape: (builder, operands, attributes, type) => {
    const inner = builder.nodeOf(operands[0]!);
    if (inner.operator === "reshape") return builder.emit("reshape", inner.operands, attributes);
    return operandOfEqualType(builder, operands, attributes, type);
  },

  transpose: (builder, operands, { permutation }) => {
    const inner = builder.nodeOf(operands[0]!);
    if (inner.operator === "transpose") {
      const both = permutation.map((axis) => inner.attributes.permutation[axis]!);
      return builder.emit("transpose", inner.operands, { permutation: both });
    }
    return permutation.every((from, to) => from === to) ? operands[0]! : null;
  },

  slice: (builder, operands, attributes, type) =>
    constantOf(attributes.start) === 0 ? operandOfEqualType(builder, operands, attributes, type) : null,

  concat: (builder, operands, { axis }) => {
    const kept = operands.filter((operand) => !isZero(builder.typeOf(operand).shape[axis]!));
    if (kept.length === 0) return operands[0]!;
    if (kept.length === 1) return kept[0]!;
    return kept.length < operands.length ? builder.emit("concat", kept, { axis }) : null;
  },
};

/** The value that the node is without being computed, or null where it must be. */
export function fold<K extends OperatorName>(
  builder: GraphBuilder,
  operator: K,
  operands: readonly ValueId[],
  attributes: Attributes[K],
  type: TensorType,
): ValueId | null {
  return table[operator]?.(builder, operands, attributes, type) ?? null;
}
