/**
 * Algebra: neutral and absorbing constants, double negation, powers by small whole numbers, chains of constants.
 *
 * Needs nothing before it. Guarantees: a constant operand of a commutative operator is the right one; what another pass
 * looks for (a scale, an offset) is one multiplication or addition by a constant.
 *
 * Rules keep NaN and infinities as they are (`x * 0` stays: it is NaN for an infinite x), and every number but for the
 * last digit of its rounding; the sign of a zero is free where PyTorch's own kernels leave it free (x + 0).
 */
import { type BinaryOperator, type ElementType, isFloat, type OperatorName, scalar } from "../ir/graph/index.js";
import { isNarrowFloat } from "../ir/graph/types.js";
import { constantOf } from "../sizes/index.js";
import { decideComparison } from "./comparisons.js";
import { constantRules } from "./constants.js";
import { asType, numberOf, roundedNumber, splat } from "./facts.js";
import { maskRules } from "./masks.js";
import type { Pass } from "./pass.js";
import { type Match, type Rule, rewrite } from "./rewrite.js";
import { weightedRules } from "./weighted.js";

const commutative: readonly OperatorName[] = ["add", "mul", "maximum", "minimum", "eq", "ne", "and", "or"];

/** The constant that the right operand is; null where it is none, or the left one is one too. */
function rightNumber({ builder, node }: Match): number | null {
  return numberOf(builder, node.operands[0]!) === null ? numberOf(builder, node.operands[1]!) : null;
}

/** The left operand, in the type of the node. */
function left(match: Match): ReturnType<Rule["apply"]> {
  return asType(match.builder, match.operand(0), match.type);
}

const constantsRight: Rule = {
  name: "constants to the right",
  operators: commutative,
  apply: ({ builder, node }) => {
    const [a, b] = [node.operands[0]!, node.operands[1]!];
    if (numberOf(builder, a) === null || numberOf(builder, b) !== null) return null;
    return builder.emit(node.operator as BinaryOperator, [b, a], {});
  },
};

/** What leaves the left operand as it is, for floats and whole numbers. */
const neutral: Partial<Record<OperatorName, number>> = { add: 0, sub: 0, mul: 1, div: 1, pow: 1, and: 1, or: 0 };

const neutralConstant: Rule = {
  name: "neutral constant",
  operators: Object.keys(neutral) as OperatorName[],
  apply: (match) => (rightNumber(match) === neutral[match.node.operator] ? left(match) : null),
};

const absorbingConstant: Rule = {
  name: "absorbing constant",
  operators: ["and", "or", "mul", "pow"],
  apply: (match) => {
    const number = rightNumber(match);
    const { builder, type } = match;
    switch (match.node.operator) {
      case "and":
        return number === 0 ? splat(builder, 0, type) : null;
      case "or":
        return number === 1 ? splat(builder, 1, type) : null;
      case "mul":
        return number === 0 && type.element === "i32" ? splat(builder, 0, type) : null;
      default:
        // Every number to the power of 0 is 1, NaN too.
        return number === 0 ? splat(builder, 1, type) : null;
    }
  },
};

const equalOperands: Rule = {
  name: "equal operands",
  operators: ["and", "or", "maximum", "minimum"],
  apply: (match) => (match.operand(0) === match.operand(1) ? match.operand(0) : null),
};

const twice: Rule = {
  name: "done twice",
  operators: ["neg", "not", "abs", "floor", "ceil"],
  apply: (match) => {
    const inner = match.operandNode(0);
    const { operator } = match.node;
    if (operator === "neg" || operator === "not") return inner.operator === operator ? inner.operands[0]! : null;
    if (operator === "abs" && inner.operator === "neg") return match.builder.emit("abs", inner.operands, {});
    return inner.operator === operator || (operator !== "abs" && isWhole(inner.operator)) ? match.operand(0) : null;
  },
};

function isWhole(operator: OperatorName): boolean {
  return operator === "floor" || operator === "ceil";
}

/** x ** 2 as x * x, x ** 3 as x * x * x, x ** -1 as 1 / x. */
const smallPower: Rule = {
  name: "power by multiplication",
  operators: ["pow"],
  apply: (match) => {
    const { builder, type } = match;
    const number = rightNumber(match);
    const x = left(match);
    if (x === null) return null;
    if (number === 2) return builder.emit("mul", [x, x], {});
    if (number === 3) return builder.emit("mul", [builder.emit("mul", [x, x], {}), x], {});
    const isReciprocal = number === -1 && isFloat(type.element);
    return isReciprocal ? builder.emit("div", [scalar(builder, 1, type.element), x], {}) : null;
  },
};

const subtractedConstant: Rule = {
  name: "subtracting a constant adds its negative",
  operators: ["sub"],
  apply: (match) => {
    const { builder, type } = match;
    const number = rightNumber(match);
    const negative = number === null ? null : roundedNumber(-number, type.element);
    if (negative === null) return null;
    return builder.emit("add", [match.operand(0), scalar(builder, negative, type.element)], {});
  },
};

const addedNegative: Rule = {
  name: "adding a negative subtracts",
  operators: ["add", "sub"],
  apply: ({ builder, node }) => {
    const [a, b] = [node.operands[0]!, node.operands[1]!];
    const inner = builder.nodeOf(b);
    if (inner.operator !== "neg") return null;
    return builder.emit(node.operator === "add" ? "sub" : "add", [a, inner.operands[0]!], {});
  },
};

const minusOne: Rule = {
  name: "times -1 is the negative",
  operators: ["mul"],
  apply: (match) => {
    if (rightNumber(match) !== -1) return null;
    const x = left(match);
    return x === null ? null : match.builder.emit("neg", [x], {});
  },
};

/** The largest magnitude whose power of two has an exact reciprocal that is no subnormal. */
const largestPower: Partial<Record<ElementType, number>> = { f32: 2 ** 126, f16: 2 ** 14 };

const exactReciprocal: Rule = {
  name: "dividing by a power of two multiplies",
  operators: ["div"],
  apply: (match) => {
    const { builder, type } = match;
    const number = rightNumber(match);
    const largest = largestPower[type.element] ?? 0;
    if (number === null || !(Math.abs(number) <= largest && Math.abs(number) >= 1 / largest)) return null;
    if (!Number.isInteger(Math.log2(Math.abs(number)))) return null;
    return builder.emit("mul", [match.operand(0), scalar(builder, 1 / number, type.element)], {});
  },
};

/**
 * (x + c) + d and (x * c) * d. Floats: both of one sign, or both growing or both shrinking, so that nothing overflows
 * or is lost that was not before.
 */
const constantChain: Rule = {
  name: "chain of constants",
  operators: ["add", "mul"],
  apply: (match) => {
    const { builder, node, type } = match;
    const inner = match.operandNode(0);
    const outerNumber = rightNumber(match);
    if (inner.operator !== node.operator || outerNumber === null || type.element === "f16") return null;
    const innerNumber = numberOf(builder, inner.operands[1]!);
    if (innerNumber === null || numberOf(builder, inner.operands[0]!) !== null) return null;
    const both = joined(node.operator === "add", innerNumber, outerNumber, type.element);
    const x = both === null ? null : asType(builder, inner.operands[0]!, type);
    if (x === null || both === null) return null;
    return builder.emit(node.operator as "add" | "mul", [x, scalar(builder, both, type.element)], {});
  },
};

function joined(isSum: boolean, a: number, b: number, element: ElementType): number | null {
  if (element === "i32") return isSum ? (a + b) | 0 : Math.imul(a, b);
  if (isSum) return Math.sign(a) === Math.sign(b) && Math.abs(a + b) < 1e30 ? a + b : null;
  const [small, large] = [Math.min(Math.abs(a), Math.abs(b)), Math.max(Math.abs(a), Math.abs(b))];
  const product = a * b;
  const isSafe = (small >= 1 || large <= 1) && Math.abs(product) >= 1e-30 && Math.abs(product) <= 1e30;
  return isSafe ? product : null;
}

const decidedWhere: Rule = {
  name: "choice that is decided",
  operators: ["where"],
  apply: (match) => {
    const { builder, node, type } = match;
    const [condition, yes, no] = [node.operands[0]!, node.operands[1]!, node.operands[2]!];
    const number = numberOf(builder, condition);
    if (number !== null) return asType(builder, number === 0 ? no : yes, type);
    if (yes === no) return asType(builder, yes, type);
    const inner = builder.nodeOf(condition);
    return inner.operator === "not" ? builder.emit("where", [inner.operands[0]!, no, yes], {}) : null;
  },
};

const decidedComparison: Rule = {
  name: "comparison that is decided",
  operators: ["lt", "le", "eq", "ne"],
  apply: (match) => {
    const decided = decideComparison(match.builder, match.value);
    return decided === null ? null : splat(match.builder, decided ? 1 : 0, match.type);
  },
};

/** To bool or f32 and on, to f32 and back: a cast whose values the next one takes as they were. */
const castChain: Rule = {
  name: "chain of casts",
  operators: ["cast"],
  apply: ({ builder, node, type, value }) => {
    const inner = builder.nodeOf(node.operands[0]!);
    if (inner.operator !== "cast") return null;
    const from = builder.typeOf(inner.operands[0]!).element;
    const isExact = from === "bool" || (isNarrowFloat(from) && inner.attributes.to === "f32");
    if (!isExact || value === inner.operands[0]) return null;
    return builder.emit("cast", inner.operands, { to: type.element });
  },
};

const singleElement: Rule = {
  name: "reduction of one element",
  operators: ["sum", "mean", "max", "min", "any", "all"],
  apply: (match) => {
    const { attributes } = match.node;
    const axis = "axis" in attributes ? attributes.axis : 0;
    return constantOf(match.operandType(0).shape[axis]!) === 1 ? match.operand(0) : null;
  },
};

export const algebraRules: readonly Rule[] = [
  ...constantRules,
  constantsRight,
  neutralConstant,
  absorbingConstant,
  equalOperands,
  twice,
  smallPower,
  subtractedConstant,
  addedNegative,
  minusOne,
  exactReciprocal,
  constantChain,
  decidedWhere,
  decidedComparison,
  castChain,
  singleElement,
  ...maskRules,
  ...weightedRules,
];

export const algebra: Pass = {
  name: "algebra",
  about: "neutral constants, powers, chains of constants, choices that are decided, masks",
  run: (graph, context) => rewrite(graph, algebraRules, context),
};
