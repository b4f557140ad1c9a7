/**
 * What a value is where all its time axes have one index: whether a query's own key is surely visible.
 *
 * A finite mask needs it: a row in which all is masked by a finite number is the plain mean of all keys, later ones
 * included. What must stay true: a number is what the value is there for all data, "ordinary" is no masked score.
 */
import { binaryFunction, castFunction, unaryFunctions } from "../interpreter/graph-functions.js";
import type { BinaryOperator, ElementType, UnaryOperator } from "../ir/graph/index.js";
import { type Affine, constantForm, differenceOf } from "./affine.js";
import { type Diagonal, deepest, type Facts } from "./facts.js";

function diagonalOf({ constant, diagonal }: Facts): Diagonal {
  return constant ?? diagonal;
}

/** Whether it surely is no masked score. */
export function isVisible(each: Diagonal): boolean {
  return each === "ordinary" || (each !== "unknown" && each > deepest);
}

function number(value: number): Diagonal {
  return Number.isNaN(value) ? "unknown" : value;
}

export function unaryDiagonal(operator: UnaryOperator, operand: Facts): Diagonal {
  const own = diagonalOf(operand);
  return typeof own === "number" ? number(unaryFunctions[operator](own)) : own;
}

export function castDiagonal(operand: Facts, from: ElementType, to: ElementType): Diagonal {
  const own = diagonalOf(operand);
  if (typeof own === "number") return castFunction(to)(own);
  // A cast boolean is 0 or 1, which is no mask yet.
  return from === "bool" ? "ordinary" : own;
}

export function binaryDiagonal(operator: BinaryOperator, left: Facts, right: Facts, element: ElementType): Diagonal {
  const [a, b] = [diagonalOf(left), diagonalOf(right)];
  if (typeof a === "number" && typeof b === "number") return number(binaryFunction(operator, element)(a, b));
  if (operator === "mul" && (a === 0 || b === 0)) return 0;
  if (operator === "and" && (a === 0 || b === 0)) return 0;
  if (operator === "or" && (a === 1 || b === 1)) return 1;
  return isVisible(a) && isVisible(b) ? "ordinary" : "unknown";
}

export function whereDiagonal(condition: Facts, yes: Facts, no: Facts): Diagonal {
  const chosen = diagonalOf(condition);
  if (typeof chosen === "number") return diagonalOf(chosen === 0 ? no : yes);
  return isVisible(diagonalOf(yes)) && isVisible(diagonalOf(no)) ? "ordinary" : "unknown";
}

/** A comparison of positions there: the indices of time axes are one, so that the form is its constant. */
export function comparisonDiagonal(
  operator: BinaryOperator,
  left: Facts,
  right: Facts,
  isTime: (axis: number) => boolean,
): Diagonal {
  const own = (form: Affine | null): number | null => {
    if (form === null) return null;
    const axes = [...form.coefficients];
    if (!axes.every(([axis]) => isTime(axis))) return null;
    return axes.reduce((sum, [, each]) => sum + each, 0) === 0 ? form.constant : null;
  };
  const apply = (a: number, b: number): Diagonal => binaryFunction(operator, "i32")(a, b);
  if (left.affine !== null && right.affine !== null) {
    const e = own(differenceOf(left.affine, right.affine));
    if (e !== null) return apply(e, 0);
  }
  const [near, far] = [own(left.absolute), own(right.absolute)];
  const [most, least] = [constantForm(right.affine), constantForm(left.affine)];
  if (near !== null && most !== null) return apply(Math.abs(near), most);
  if (far !== null && least !== null) return apply(least, Math.abs(far));
  return "unknown";
}
