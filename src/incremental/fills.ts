/** Where a number is known for all data, through element-wise operators: one rule per way in which it passes. */
import { binaryFunction, castFunction, unaryFunctions } from "../interpreter/graph-functions.js";
import type { BinaryOperator, ElementType, UnaryOperator } from "../ir/graph/index.js";
import { deepest, type Facts, type Fill, fillsOf, normalFills, whereNot } from "./facts.js";
import { always, join, meet, type Predicate } from "./predicate.js";

/** What is known of a result, and whether a finite mask was taken to be deep enough that exp gives 0. */
export interface FoundFills {
  readonly fills: readonly Fill[];
  readonly assumesDeep: boolean;
}

/** Outside of the predicate the operand is c, so that the result is f(c). */
export function unaryFills(operator: UnaryOperator, operand: Facts): FoundFills {
  let assumesDeep = false;
  const fills = operand.fills.flatMap((each): Fill[] => {
    if (!each.soft) return [{ ...each, value: unaryFunctions[operator](each.value) }];
    if (operator !== "exp" || each.value > deepest) return [];
    assumesDeep = true;
    return [{ value: 0, where: each.where, soft: false }];
  });
  return { fills: normalFills(fills), assumesDeep };
}

export function castFills(operand: Facts, to: ElementType): readonly Fill[] {
  const kept = operand.fills.filter(({ soft }) => !soft || to === "f32" || to === "f16");
  return normalFills(kept.map((each) => ({ ...each, value: castFunction(to)(each.value) })));
}

export function binaryFills(
  operator: BinaryOperator,
  left: Facts,
  right: Facts,
  element: ElementType,
): readonly Fill[] {
  const found: Fill[] = [];
  const apply = binaryFunction(operator, element);
  for (const a of fillsOf(left)) {
    for (const b of fillsOf(right)) {
      const soft = a.soft || b.soft;
      if (soft && !passesSoft(operator, a, b)) continue;
      found.push({ value: apply(a.value, b.value), where: join(a.where, b.where), soft });
    }
  }
  for (const fill of fillsOf(left)) found.push(...absorbed(operator, fill, "left"));
  for (const fill of fillsOf(right)) found.push(...absorbed(operator, fill, "right"));
  return normalFills(found.filter(({ where }) => where !== "never"));
}

/** "About c" stays so in sums, and times a number. */
function passesSoft(operator: BinaryOperator, a: Fill, b: Fill): boolean {
  if (operator === "add" || operator === "sub") return true;
  if (operator === "mul") return a.where === "never" || b.where === "never";
  return operator === "div" && b.where === "never";
}

/** What an operator gives for c and anything, where that is known. */
function absorbed(operator: BinaryOperator, { value, where, soft }: Fill, side: "left" | "right"): Fill[] {
  const exactly = (result: number): Fill[] => (soft ? [] : [{ value: result, where, soft: false }]);
  switch (operator) {
    case "add":
    case "sub": {
      const signed = operator === "sub" && side === "right" ? -value : value;
      if (!Number.isFinite(signed)) return exactly(signed);
      return signed <= deepest ? [{ value: signed, where, soft: true }] : [];
    }
    case "mul":
      return value === 0 ? exactly(0) : [];
    case "div":
      return value === 0 && side === "left" ? exactly(0) : [];
    case "minimum":
      return value === -Infinity ? exactly(value) : [];
    case "maximum":
      return value === Infinity ? exactly(value) : [];
    case "and":
      return value === 0 ? exactly(0) : [];
    case "or":
      return value === 1 ? exactly(1) : [];
    default:
      return [];
  }
}

/**
 * where(condition, yes, no) is not c only where the condition may hold and `yes` may differ from c, or where it may fail
 * and `no` may.
 */
export function whereFills(condition: Facts, yes: Facts, no: Facts): readonly Fill[] {
  const [holds, fails] = [whereNot(condition, 0), whereNot(condition, 1)];
  const branches = [yes, no] as const;
  const values = branches.flatMap((branch) => fillsOf(branch).map(({ value, soft }) => ({ value, soft })));
  const found = values.map(({ value, soft }): Fill => {
    // What is exactly c is about c as well.
    const differs = (branch: Facts) =>
      fillsOf(branch)
        .filter((each) => each.value === value && (soft || !each.soft))
        .reduce((all: Predicate, each) => meet(all, each.where), always);
    return { value, soft, where: join(meet(holds, differs(yes)), meet(fails, differs(no))) };
  });
  return normalFills(found.filter(({ where }) => where !== "never"));
}

/** An einsum multiplies elements: where one factor is 0, so is the product. */
export function productFills(operands: readonly Facts[]): readonly Fill[] {
  return normalFills(operands.flatMap((each) => fillsOf(each).filter(({ value, soft }) => value === 0 && !soft)));
}
