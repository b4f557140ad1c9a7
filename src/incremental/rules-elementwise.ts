/** Facts of element-wise operators. */

import { binaryFunction, castFunction, unaryFunctions } from "../interpreter/graph-functions.js";
import {
  type BinaryOperator,
  binaryOperators,
  type ElementType,
  type UnaryOperator,
  unaryOperators,
} from "../ir/graph/index.js";
import { type Affine, absoluteComparison, comparison, constantForm, differenceOf, scaled, sumOf } from "./affine.js";
import type { FactsRule, NodeContext } from "./analysis.js";
import { broadcastMap } from "./axes.js";
import { binaryDiagonal, castDiagonal, comparisonDiagonal, unaryDiagonal, whereDiagonal } from "./diagonal.js";
import { deepest, type Facts, type Fill, movedFacts, normalFills } from "./facts.js";
import { binaryFills, castFills, unaryFills, whereFills } from "./fills.js";
import type { Predicate } from "./predicate.js";

/** The operands in the axes of the result. */
function aligned(context: NodeContext<"where" | BinaryOperator>): Facts[] {
  return context.operands.map((facts, i) =>
    movedFacts(facts, broadcastMap(context.types[i]!.shape, context.type.shape)),
  );
}

/** A mask that an operator undoes is remembered, to be named where it is missed. */
function withLost(
  context: NodeContext<UnaryOperator | BinaryOperator>,
  operator: string,
  operands: readonly Facts[],
  result: Facts,
): Facts {
  const isMask = ({ value, where }: Fill): boolean => value <= deepest && where !== "never";
  const was = operands.some(({ fills }) => fills.some(isMask));
  if (!was || result.fills.some((each) => isMask(each) || each.value === 0)) return result;
  const left = result.fills.find(({ where }) => where !== "never");
  const text =
    left === undefined
      ? `after ${operator} a masked score is anything`
      : `after ${operator} a masked score is ${left.soft ? "about " : ""}${Number(left.value.toPrecision(6))}`;
  return { ...result, lost: result.lost ?? { node: context.id, text } };
}

function unaryRule(operator: UnaryOperator): FactsRule<UnaryOperator> {
  return (context) => {
    const [operand] = context.operands as [Facts];
    const { fills, assumesDeep } = unaryFills(operator, operand);
    if (assumesDeep) context.assume("deep");
    const constant = operand.constant === null ? null : unaryFunctions[operator](operand.constant);
    const result: Facts = {
      ...operand,
      constant,
      fills,
      diagonal: unaryDiagonal(operator, operand),
      affine: operator === "neg" && operand.affine !== null ? scaled(operand.affine, -1) : null,
      absolute: operator === "abs" ? operand.affine : null,
    };
    return withLost(context, operator, [operand], bounded(result, context.type.element));
  };
}

/** What is a boolean is never taken for an ordinary score. */
function bounded(facts: Facts, element: ElementType): Facts {
  return element === "bool" && facts.diagonal === "ordinary" ? { ...facts, diagonal: "unknown" } : facts;
}

export const castRule: FactsRule<"cast"> = ({ operands: [operand], attributes: { to }, types: [from] }) => {
  const facts = operand!;
  const { element } = from!;
  const constant = facts.constant === null ? null : castFunction(to)(facts.constant);
  const diagonal = castDiagonal(facts, element, to);
  return bounded({ ...facts, constant, fills: castFills(facts, to), diagonal, affine: null, absolute: null }, to);
};

function affineOf(operator: BinaryOperator, a: Affine | null, b: Affine | null): Affine | null {
  if (a === null || b === null) return null;
  if (operator === "add") return sumOf(a, b);
  if (operator === "sub") return differenceOf(a, b);
  if (operator !== "mul") return null;
  const [left, right] = [constantForm(a), constantForm(b)];
  if (right !== null) return scaled(a, right);
  return left === null ? null : scaled(b, left);
}

const comparisons: ReadonlySet<BinaryOperator> = new Set(["lt", "le", "eq", "ne"]);

/** Where a comparison of positions is false, and where true. */
function comparisonFills(operator: BinaryOperator, left: Facts, right: Facts, time: Facts["time"]): readonly Fill[] {
  const outcomes = (() => {
    if (left.affine !== null && right.affine !== null) return comparison(operator, left.affine, right.affine);
    const [most, least] = [constantForm(right.affine), constantForm(left.affine)];
    if (left.absolute !== null && most !== null) return absoluteComparison(operator, left.absolute, most, true);
    if (right.absolute !== null && least !== null) return absoluteComparison(operator, right.absolute, least, false);
    return null;
  })();
  if (outcomes === null) return [];
  const ofTime = (p: Predicate): Predicate =>
    p === "never" ? p : p.filter((each) => time.has(each.left) && time.has(each.right));
  return normalFills([
    { value: 0, where: ofTime(outcomes.yes), soft: false },
    { value: 1, where: ofTime(outcomes.no), soft: false },
  ]);
}

function binaryRule(operator: BinaryOperator): FactsRule<BinaryOperator> {
  return (context) => {
    const [left, right] = aligned(context) as [Facts, Facts];
    const base = context.joined([left, right]);
    const { element } = context.types[0]!;
    const isConstant = left.constant !== null && right.constant !== null;
    const constant = isConstant ? binaryFunction(operator, element)(left.constant!, right.constant!) : null;
    if (comparisons.has(operator)) {
      const ofPositions = element === "i32" && constant === null;
      const fills = ofPositions
        ? comparisonFills(operator, left, right, base.time)
        : binaryFills(operator, left, right, element);
      const diagonal = ofPositions
        ? comparisonDiagonal(operator, left, right, (axis) => base.time.has(axis))
        : binaryDiagonal(operator, left, right, element);
      return bounded({ ...base, constant, fills, diagonal }, "bool");
    }
    const result: Facts = {
      ...base,
      constant,
      fills: binaryFills(operator, left, right, element),
      diagonal: binaryDiagonal(operator, left, right, element),
      affine: element === "i32" ? affineOf(operator, left.affine, right.affine) : null,
    };
    return withLost(context, operator, [left, right], bounded(result, context.type.element));
  };
}

export const whereRule: FactsRule<"where"> = (context) => {
  const [condition, yes, no] = aligned(context) as [Facts, Facts, Facts];
  const fills = whereFills(condition, yes, no);
  const diagonal = whereDiagonal(condition, yes, no);
  const base = context.joined([condition, yes, no]);
  const isMask = fills.some(({ value }) => value <= deepest);
  return bounded({ ...base, fills, diagonal, lost: isMask ? null : base.lost }, context.type.element);
};

export const unaryRules = Object.fromEntries(unaryOperators.map((each) => [each, unaryRule(each)])) as {
  readonly [K in UnaryOperator]: FactsRule<K>;
};
export const binaryRules = Object.fromEntries(binaryOperators.map((each) => [each, binaryRule(each)])) as {
  readonly [K in BinaryOperator]: FactsRule<K>;
};
