/** Facts of operators that combine the elements of an axis. */
import type { OperatorName, ReductionOperator } from "../ir/graph/index.js";
import { reductionOperators } from "../ir/graph/index.js";
import type { FactsRule, NodeContext } from "./analysis.js";
import { labelExtents, labelMap } from "./axes.js";
import { deepest, type Facts, type Fill, identityMap, movedFacts, normalFills, nothingKnown } from "./facts.js";
import { productFills } from "./fills.js";
import { isRefused, type ReductionKind, reduceOver } from "./reduction.js";

/** Applies the rule to one axis over positions; refuses, or notes what is read and assumed. */
function reduceTime(context: NodeContext<OperatorName>, facts: Facts, axis: number, kind: ReductionKind): void {
  const reduced = reduceOver(facts, axis, kind, context.time.name);
  if (isRefused(reduced)) {
    const { message, notes, help } = reduced;
    const { lost } = facts;
    context.refuse("future", message, {
      notes,
      help,
      related: lost && { node: lost.node, text: "here the mask is lost" },
    });
    return;
  }
  context.reads.set(axis, [reduced.bands, ...(facts.whole.get(axis) ?? [])]);
  if (reduced.assumed.deep) context.assume("deep");
  if (reduced.assumed.rowUnproven) context.assume("row");
}

/** What the result of a reduction is known to be: nothing, but for a maximum or sum over an axis that facts do not mention. */
function reductionRule(operator: ReductionOperator): FactsRule<ReductionOperator> {
  return (context) => {
    const { axis } = context.attributes;
    const [facts] = context.operands as [Facts];
    const rank = context.type.shape.length;
    const left = movedFacts(facts, identityMap(rank, axis));
    const diagonal = context.type.element === "bool" ? "unknown" : "ordinary";
    const plain: Facts = { ...left, affine: null, absolute: null, constant: null, fills: [], diagonal };
    if (!facts.time.has(axis)) {
      const fills = left.fills.filter(({ value, soft }) => !soft && keepsFill(operator, value));
      return { ...plain, fills: context.type.element === "i32" && operator === "argmax" ? [] : fills };
    }
    if (operator === "mean" || operator === "argmax") {
      const what = operator === "mean" ? "this mean" : "this argmax";
      context.refuse("future", `${what} over ${context.time.name} mixes all positions into one`, {
        notes: operator === "mean" ? ["it divides by the final length, which a step does not know"] : [],
      });
    } else reduceTime(context, facts, axis, operator);
    return { ...plain, heavy: true };
  };
}

/** Whether c, reduced with itself, is c. */
function keepsFill(operator: ReductionOperator, value: number): boolean {
  if (operator === "sum") return value === 0 || !Number.isFinite(value);
  return operator !== "argmax";
}

export const reductionRules = Object.fromEntries(reductionOperators.map((each) => [each, reductionRule(each)])) as {
  readonly [K in ReductionOperator]: FactsRule<K>;
};

/** Minus infinity, or a mask deep enough, becomes 0. */
export const softmaxRule: FactsRule<"softmax"> = (context) => {
  const { axis } = context.attributes;
  const [facts] = context.operands as [Facts];
  const overTime = facts.time.has(axis);
  if (overTime) reduceTime(context, facts, axis, "softmax");
  const masked = facts.fills.filter(({ value }) => (overTime ? value <= deepest : value === -Infinity));
  const fills = normalFills(masked.map((each): Fill => ({ value: 0, where: each.where, soft: false })));
  const moved = movedFacts(facts, identityMap(context.type.shape.length));
  const whole = new Map(moved.whole);
  if (overTime) whole.set(axis, context.reads.get(axis) ?? []);
  return {
    ...moved,
    whole,
    affine: null,
    absolute: null,
    constant: null,
    fills,
    diagonal: "ordinary",
    heavy: moved.heavy || overTime,
  };
};

export const cumsumRule: FactsRule<"cumsum"> = (context) => {
  const { axis } = context.attributes;
  const [facts] = context.operands as [Facts];
  const rows = facts.time.get(axis);
  const plain: Facts = { ...facts, affine: null, absolute: null, constant: null, fills: [], diagonal: "ordinary" };
  if (rows === undefined) return plain;
  if (rows.before + rows.after > 0) {
    context.refuse("layout", "a running sum goes over static rows before or behind the positions");
  }
  return { ...plain, heavy: true, ordered: new Set([...facts.ordered, axis]) };
};

export const topkRule: FactsRule<"topk"> = (context) => {
  const [facts] = context.operands as [Facts];
  const last = context.type.shape.length - 1;
  if (facts.time.has(last)) {
    context.refuse("future", `this topk compares all positions along ${context.time.name}`);
  }
  const moved = movedFacts(facts, identityMap(last));
  return { ...moved, affine: null, absolute: null, constant: null, fills: [], diagonal: "ordinary" };
};

/**
 * A product of elements, and sums over labels. Labels are eliminated one at a time: what is gone cannot bound the next,
 * or a trace over s = t would pass.
 */
export const einsumRule: FactsRule<"einsum"> = (context) => {
  const { inputs, output } = context.attributes;
  const extents = labelExtents(inputs, context.types);
  const operands = context.operands.map((facts, i) =>
    movedFacts(facts, labelMap(inputs[i]!, context.types[i]!, extents)),
  );
  const joined = context.joined(operands);
  let product: Facts = { ...joined, fills: productFills(operands), diagonal: "ordinary" };
  for (const label of extents.keys()) {
    if (output.includes(label)) continue;
    const rest = new Map([...extents.keys()].filter((each) => each !== label).map((each) => [each, each]));
    if (product.time.has(label)) {
      // Lost masks are named, but in a product they are missed only where nothing else bounds it.
      reduceTime(context, product, label, "sum");
    }
    product = movedFacts(product, rest);
  }
  const result = movedFacts(product, new Map(output.map((label, axis) => [label, axis])));
  const { time, level, fills, ordered, whole, lost } = result;
  return { ...nothingKnown, time, level, fills, ordered, whole, lost, heavy: true };
};
