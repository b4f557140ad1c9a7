/**
 * What is known of the elements of a comprehension as indices, so that a read can be proven to lie inside its axis.
 *
 * An i32 element is a list of cases: a formula over the index variables, valid where the case's facts (each at least 0)
 * hold. A boolean element says which facts hold when it is true, and when it is false. Nothing known is always safe: the
 * read is then refused, or, if it depends on data, clamped.
 */
import type { BinaryOperator, UnaryOperator } from "../../src/ir/graph/index.js";
import {
  absolute,
  add,
  floorDiv,
  maximum,
  minimum,
  mod,
  mul,
  neg,
  rangeOf,
  type Size,
  size,
  sub,
} from "../../src/sizes/index.js";
import type { ElementValue, IndexCase, TensorValue, Truth, Value } from "../check/values.js";

/** More cases than this are not worth keeping. */
const mostCases = 16;

/** The cases of a value as an index: of an element its own, of a static whole number itself. */
export function casesOf(v: Value): readonly IndexCase[] | null {
  if (v.kind === "integer") return [{ facts: [], value: v.size }];
  return v.kind === "element" ? v.cases : null;
}

type Formula = (a: Size, b: Size) => Size | null;

const formulas: Partial<Record<BinaryOperator | UnaryOperator, Formula>> = {
  add,
  sub,
  mul,
  floor_div: (a, b) => (rangeOf(b).min > 0 || rangeOf(b).max < 0 ? floorDiv(a, b) : null),
  mod: (a, b) => (rangeOf(b).min > 0 || rangeOf(b).max < 0 ? mod(a, b) : null),
  maximum,
  minimum,
  neg: (a) => neg(a),
  abs: (a) => absolute(a),
};

/** The cases of an operator's result: each combination of the operands' cases. */
export function combineCases(operator: BinaryOperator | UnaryOperator, operands: readonly Value[]): IndexCase[] | null {
  const formula = formulas[operator];
  const [left, right] = [casesOf(operands[0]!), operands[1] ? casesOf(operands[1]) : [{ facts: [], value: size(0) }]];
  if (!formula || !left || !right || left.length * right.length > mostCases) return null;
  const result: IndexCase[] = [];
  for (const a of left)
    for (const b of right) {
      const value = formula(a.value, b.value);
      if (value === null) return null;
      result.push({ facts: [...a.facts, ...b.facts], value });
    }
  return result;
}

/** The cases of a choice: those of either side, with what the condition says there. */
export function selectCases(
  condition: TensorValue | ElementValue,
  yes: readonly IndexCase[] | null,
  no: readonly IndexCase[] | null,
): IndexCase[] | null {
  if (!yes || !no || yes.length + no.length > mostCases) return null;
  const truth = condition.kind === "element" ? condition.truth : null;
  return [
    ...yes.map((c) => ({ facts: [...c.facts, ...(truth?.whenTrue ?? [])], value: c.value })),
    ...no.map((c) => ({ facts: [...c.facts, ...(truth?.whenFalse ?? [])], value: c.value })),
  ];
}

/** What a comparison or connective of elements says about sizes. */
export function truthOf(operator: BinaryOperator, operands: readonly Value[]): Truth | null {
  const [a, b] = operands as [Value, Value];
  if (operator === "and") return { whenTrue: [...factsOf(a, true), ...factsOf(b, true)], whenFalse: [] };
  if (operator === "or") return { whenTrue: [], whenFalse: [...factsOf(a, false), ...factsOf(b, false)] };
  const [left, right] = [casesOf(a), casesOf(b)];
  if (left?.length !== 1 || right?.length !== 1) return null;
  const [x, y] = [left[0]!.value, right[0]!.value];
  const under = sub(y, x);
  const over = sub(x, y);
  switch (operator) {
    case "lt":
      return { whenTrue: [sub(under, 1)], whenFalse: [over] };
    case "le":
      return { whenTrue: [under], whenFalse: [sub(over, 1)] };
    case "eq":
      return { whenTrue: [under, over], whenFalse: [] };
    case "ne":
      return { whenTrue: [], whenFalse: [under, over] };
    default:
      return null;
  }
}

function factsOf(v: Value, truth: boolean): readonly Size[] {
  if (v.kind !== "element" || !v.truth) return [];
  return truth ? v.truth.whenTrue : v.truth.whenFalse;
}
