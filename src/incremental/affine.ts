/** Whole numbers that are affine in positions, and what comparing them says of the positions. */
import type { BinaryOperator } from "../ir/graph/index.js";
import { always, meet, type Predicate } from "./predicate.js";

/** The sum of coefficient * index(axis), and a constant. No coefficient is 0. */
export interface Affine {
  readonly coefficients: ReadonlyMap<number, number>;
  readonly constant: number;
}

export function affineConstant(constant: number): Affine {
  return { coefficients: new Map(), constant };
}

export function affineIndex(axis: number): Affine {
  return { coefficients: new Map([[axis, 1]]), constant: 0 };
}

/** scale * a + constant. */
export function scaled(a: Affine, scale: number, constant = 0): Affine {
  const coefficients = new Map<number, number>();
  if (scale !== 0) for (const [axis, each] of a.coefficients) coefficients.set(axis, each * scale);
  return { coefficients, constant: a.constant * scale + constant };
}

export function sumOf(a: Affine, b: Affine): Affine {
  const coefficients = new Map(a.coefficients);
  for (const [axis, each] of b.coefficients) {
    const total = (coefficients.get(axis) ?? 0) + each;
    if (total === 0) coefficients.delete(axis);
    else coefficients.set(axis, total);
  }
  return { coefficients, constant: a.constant + b.constant };
}

export function differenceOf(a: Affine, b: Affine): Affine {
  return sumOf(a, scaled(b, -1));
}

/** The form over other axes, or null if it has an axis that is gone. */
export function renamedAffine(a: Affine | null, axes: ReadonlyMap<number, number>): Affine | null {
  if (a === null) return null;
  const coefficients = new Map<number, number>();
  for (const [axis, each] of a.coefficients) {
    const to = axes.get(axis);
    if (to === undefined || coefficients.has(to)) return null;
    coefficients.set(to, each);
  }
  return { coefficients, constant: a.constant };
}

/** The constant of a form without positions, else null. */
export function constantForm(a: Affine | null): number | null {
  return a !== null && a.coefficients.size === 0 ? a.constant : null;
}

/** What a <= most says: a difference of two indices is bounded, or nothing. */
function atMost(a: Affine, most: number): Predicate {
  if (a.coefficients.size === 0) return a.constant <= most ? always : "never";
  const terms = [...a.coefficients];
  const left = terms.find(([, each]) => each === 1);
  const right = terms.find(([, each]) => each === -1);
  if (terms.length !== 2 || !left || !right) return always;
  return [{ left: left[0], right: right[0], most: most - a.constant }];
}

/** What holds where a comparison is true, and where it is false. */
export interface Outcomes {
  readonly yes: Predicate;
  readonly no: Predicate;
}

/** a <= 0 and its contrary, a >= 1. */
function signs(a: Affine, most: number): Outcomes {
  return { yes: atMost(a, most), no: atMost(scaled(a, -1), -most - 1) };
}

/** A comparison of two affine forms. */
export function comparison(operator: BinaryOperator, a: Affine, b: Affine): Outcomes {
  const e = differenceOf(a, b);
  const equal = meet(atMost(e, 0), atMost(scaled(e, -1), 0));
  switch (operator) {
    case "le":
      return signs(e, 0);
    case "lt":
      return signs(e, -1);
    case "eq":
      return { yes: equal, no: always };
    case "ne":
      return { yes: always, no: equal };
    default:
      return { yes: always, no: always };
  }
}

/** A comparison of |form| (on the left if `isLeft`) with a constant. */
export function absoluteComparison(
  operator: BinaryOperator,
  form: Affine,
  constant: number,
  isLeft: boolean,
): Outcomes {
  const within = (most: number): Predicate => meet(atMost(form, most), atMost(scaled(form, -1), most));
  if (operator !== "le" && operator !== "lt") return { yes: always, no: always };
  const strict = operator === "lt";
  // |form| < c, or c < |form|, which fails where |form| <= c.
  if (isLeft) return { yes: within(strict ? constant - 1 : constant), no: always };
  return { yes: always, no: within(strict ? constant : constant - 1) };
}
