/**
 * Movement: what only moves elements is merged with its neighbours, or moved towards those who read it.
 *
 * Needs nothing before it. Guarantees: an einsum reads no transposed operand, but names its axes; a function of one value
 * stands before a transpose or reshape of its result, next to what computes its operand, so that fusion finds both
 * together.
 */
import {
  type BinaryOperator,
  binaryOperators,
  equalTypes,
  type GraphBuilder,
  isUnary,
  type Node,
  type OperatorName,
  type UnaryOperator,
  unaryOperators,
  type ValueId,
} from "../ir/graph/index.js";
import { add, constantOf, isAtMost, type Size, size, sub } from "../sizes/index.js";
import type { Pass } from "./pass.js";
import { type Rule, rewrite } from "./rewrite.js";

const transposedOperand: Rule = {
  name: "transpose as names of axes",
  operators: ["einsum"],
  apply: ({ builder, node }) => {
    if (node.operator !== "einsum") return null;
    const at = node.operands.findIndex((operand) => builder.nodeOf(operand).operator === "transpose");
    const inner = at < 0 ? null : builder.nodeOf(node.operands[at]!);
    if (inner?.operator !== "transpose") return null;
    const labels = inner.attributes.permutation.map(() => 0);
    for (const [axis, from] of inner.attributes.permutation.entries())
      labels[from] = node.attributes.inputs[at]![axis]!;
    const { inputs, output } = node.attributes;
    return builder.emit("einsum", node.operands.with(at, inner.operands[0]!), {
      inputs: inputs.with(at, labels),
      output,
    });
  },
};

/** An axis that is repeated for an einsum need not be, if another operand shows how long it is. */
const repeatedOperand: Rule = {
  name: "einsum repeats what it reads",
  operators: ["einsum"],
  apply: ({ builder, node }) => {
    if (node.operator !== "einsum") return null;
    const { inputs, output } = node.attributes;
    for (const [at, operand] of node.operands.entries()) {
      const inner = builder.nodeOf(operand);
      if (inner.operator !== "broadcast") continue;
      const from = builder.typeOf(inner.operands[0]!).shape;
      const to = builder.typeOf(operand).shape;
      const lead = to.length - from.length;
      const labels = inputs[at]!;
      const isRepeated = (axis: number): boolean =>
        axis < lead || constantOf(from[axis - lead]!) !== constantOf(to[axis]!);
      const shownElsewhere = (label: number, extent: Size): boolean =>
        inputs.some((each, i) => {
          const axis = each.indexOf(label);
          return i !== at && axis >= 0 && builder.typeOf(node.operands[i]!).shape[axis] === extent;
        });
      if (!labels.every((label, axis) => !isRepeated(axis) || shownElsewhere(label, to[axis]!))) continue;
      return builder.emit("einsum", node.operands.with(at, inner.operands[0]!), {
        inputs: inputs.with(at, labels.slice(lead)),
        output,
      });
    }
    return null;
  },
};

const sliceOfSlice: Rule = {
  name: "slice of a slice",
  operators: ["slice"],
  apply: ({ builder, node }) => {
    const inner = builder.nodeOf(node.operands[0]!);
    if (node.operator !== "slice" || inner.operator !== "slice") return null;
    const { axis, start, length } = node.attributes;
    if (inner.attributes.axis !== axis) return null;
    return builder.emit("slice", inner.operands, { axis, start: add(inner.attributes.start, start), length });
  },
};

const sliceOfConcat: Rule = {
  name: "slice of a part",
  operators: ["slice"],
  apply: ({ builder, node }) => {
    const inner = builder.nodeOf(node.operands[0]!);
    if (node.operator !== "slice" || inner.operator !== "concat") return null;
    const { axis, start, length } = node.attributes;
    if (inner.attributes.axis !== axis) return null;
    let before: Size = size(0);
    for (const operand of inner.operands) {
      const after = add(before, builder.typeOf(operand).shape[axis]!);
      if (isAtMost(before, start) && isAtMost(add(start, length), after)) {
        return builder.emit("slice", [operand], { axis, start: sub(start, before), length });
      }
      before = after;
    }
    return null;
  },
};

/** Element-wise operators repeat their operands themselves. */
const repeatedElementwise: Rule = {
  name: "repeated where it is read",
  operators: [...binaryOperators, "where"],
  apply: ({ builder, node, type }) => {
    const at = node.operands.findIndex((operand) => builder.nodeOf(operand).operator === "broadcast");
    if (at < 0) return null;
    for (const [position, operand] of node.operands.entries()) {
      const inner = builder.nodeOf(operand);
      if (inner.operator !== "broadcast") continue;
      const operands = node.operands.with(position, inner.operands[0]!);
      const value = builder.emit(node.operator as BinaryOperator | "where", operands, {});
      if (equalTypes(builder.typeOf(value), type)) return value;
    }
    return null;
  },
};

/** f(move(x)) as move(f(x)), where f is a function of one value, or of one value and a number. */
const movedLater: Rule = {
  name: "moved after it is computed",
  operators: [...unaryOperators, ...binaryOperators, "cast"],
  apply: ({ builder, node, uses }) => {
    const at = node.operands.findIndex((operand) => isMoved(builder.nodeOf(operand)));
    if (at < 0 || uses[at]! > 1) return null;
    const isNumber = (operand: ValueId): boolean => builder.typeOf(operand).shape.length === 0;
    if (!node.operands.every((operand, position) => position === at || isNumber(operand))) return null;
    const inner = builder.nodeOf(node.operands[at]!);
    const value = applied(builder, node, node.operands.with(at, inner.operands[0]!));
    return inner.operator === "transpose"
      ? builder.emit("transpose", [value], inner.attributes)
      : inner.operator === "reshape"
        ? builder.emit("reshape", [value], inner.attributes)
        : null;
  },
};

function isMoved({ operator }: Node): boolean {
  return operator === "transpose" || operator === "reshape";
}

function applied(builder: GraphBuilder, node: Node, operands: readonly ValueId[]): ValueId {
  if (node.operator === "cast") return builder.emit("cast", operands, node.attributes);
  const operator: OperatorName = node.operator;
  return builder.emit(isUnary(operator) ? (operator as UnaryOperator) : (operator as BinaryOperator), operands, {});
}

export const movementRules: readonly Rule[] = [
  transposedOperand,
  repeatedOperand,
  sliceOfSlice,
  sliceOfConcat,
  repeatedElementwise,
  movedLater,
];

export const movement: Pass = {
  name: "movement",
  about: "transposes, reshapes, broadcasts and slices merged, and moved towards their readers",
  run: (graph, context) => rewrite(graph, movementRules, context),
};
