/** Static arithmetic: whole numbers and sizes are exact, fractions are f64, and nothing is computed when running. */
import {
  add,
  compare,
  constantOf,
  DivisionByZero,
  exactDivide,
  floorDiv,
  mod,
  mul,
  rangeOf,
  render,
  type Size,
  size,
  sub,
} from "../../src/sizes/index.js";
import { boolean, describe, type FloatValue, float, integer, isNumber, numberOf, type Value } from "../check/values.js";
import type * as ast from "../syntax/index.js";
import { type Context, fail } from "./context.js";

type Arithmetic = Exclude<ast.BinaryOperator, "and" | "or" | "@">;

/** A number from an exact or rounded computation: whole if `exact` is given and safe. */
function number(value: number, whole: boolean): Value {
  return whole && Number.isSafeInteger(value) ? integer(value) : float(value);
}

/** An operator on two static numbers; null where a run-time size makes it a computation for the graph. */
export function staticArithmetic(ctx: Context, operator: Arithmetic, a: Value, b: Value): Value | null {
  if (!isNumber(a) || !isNumber(b)) fail("E0407", `${operator} does not take ${describe(isNumber(a) ? b : a)}`);
  if (a.kind === "integer" && b.kind === "integer") {
    const exact = wholeArithmetic(ctx, operator, a.size, b.size);
    if (exact) return exact;
  }
  const [x, y] = [numberOf(a), numberOf(b)];
  if (x === null || y === null) return null;
  if ((operator === "/" || operator === "//" || operator === "%") && y === 0) fail("E0408", `${operator} by zero`);
  switch (operator) {
    case "+":
      return float(x + y);
    case "-":
      return float(x - y);
    case "*":
      return float(x * y);
    case "/":
      return float(x / y);
    case "//":
      return float(Math.floor(x / y));
    case "%":
      return float(x - y * Math.floor(x / y));
    case "**": {
      const power = x ** y;
      return number(power, a.kind === "integer" && b.kind === "integer" && y >= 0);
    }
  }
}

/** An operator on two whole numbers or sizes, or null if the result is no formula of them. */
function wholeArithmetic(ctx: Context, operator: Arithmetic, a: Size, b: Size): Value | null {
  switch (operator) {
    case "+":
      return integer(add(a, b));
    case "-":
      return integer(sub(a, b));
    case "*":
      return integer(mul(a, b));
    case "//":
    case "%":
      mayNotBeZero(ctx, operator, b);
      return divides(() => integer(operator === "//" ? floorDiv(a, b) : mod(a, b)), operator, b);
    case "/":
      return divides(() => quotient(ctx, a, b), operator, b);
    case "**": {
      const exponent = constantOf(b);
      if (constantOf(a) !== null || exponent === null || exponent < 0 || exponent > 8 || !Number.isInteger(exponent))
        return null;
      let power = size(1);
      for (let i = 0; i < exponent; i++) power = mul(power, a);
      return integer(power);
    }
  }
}

/** Refuses a run-time size that may be 0 as a divisor: every length from 0 on must run. */
function mayNotBeZero(ctx: Context, operator: string, b: Size): void {
  const { min, max } = rangeOf(b);
  if (ctx.abstract || constantOf(b) !== null || min > 0 || max < 0) return;
  fail("E0408", `${operator} by ${render(b)}, which may be 0 when running`, {
    help: [`assert ${render(b)} >= 1 in the entry says that it is not`],
  });
}

function divides(run: () => Value | null, operator: string, b: Size): Value | null {
  if (constantOf(b) === 0) fail("E0408", `${operator} by zero`);
  try {
    return run();
  } catch (e) {
    if (e instanceof DivisionByZero) fail("E0408", `${operator} by zero`);
    throw e;
  }
}

/** A whole quotient may serve as a size; another one remembers its numbers. Null for run-time sizes that may not divide. */
function quotient(ctx: Context, a: Size, b: Size): Value | null {
  const exact = exactDivide(a, b);
  if (exact) return integer(exact);
  const [x, y] = [constantOf(a), constantOf(b)];
  if (x !== null && y !== null) return float(x / y, [String(x), String(y)]);
  return ctx.abstract && rangeOf(b).min >= 0 ? integer(floorDiv(a, b)) : null;
}

/** A chain of comparisons of static values. */
export function staticComparison(ctx: Context, operator: ast.ComparisonOperator, a: Value, b: Value): Value {
  if (isNumber(a) && isNumber(b)) {
    if (a.kind === "integer" && b.kind === "integer") return compareSizes(ctx, operator, a.size, b.size);
    const [x, y] = [numberOf(a), numberOf(b)];
    if (x === null || y === null || (ctx.abstract && Number.isNaN(x + y)))
      return undecided(ctx, operator, describe(a), describe(b));
    return boolean(holds(operator, x, y));
  }
  const equality = operator === "==" || operator === "!=";
  const comparable = (a.kind === "string" && b.kind === "string") || (a.kind === "boolean" && b.kind === "boolean");
  if (!equality || !comparable) fail("E0407", `${operator} does not compare ${describe(a)} with ${describe(b)}`);
  return boolean((a.value === b.value) === (operator === "=="));
}

function holds(operator: ast.ComparisonOperator, x: number, y: number): boolean {
  switch (operator) {
    case "==":
      return x === y;
    case "!=":
      return x !== y;
    case "<":
      return x < y;
    case "<=":
      return x <= y;
    case ">":
      return x > y;
    case ">=":
      return x >= y;
  }
}

/** Compares sizes by proof: the same answer for every run, or an error that says so. */
function compareSizes(ctx: Context, operator: ast.ComparisonOperator, a: Size, b: Size): Value {
  const difference = rangeOf(sub(a, b));
  if (operator === "==" || operator === "!=") {
    const answer = compare(a, b);
    if (answer === "unknown") return undecided(ctx, operator, render(a), render(b));
    return boolean((answer === "equal") === (operator === "=="));
  }
  if (difference.max < 0) return boolean(operator === "<" || operator === "<=");
  if (difference.min > 0) return boolean(operator === ">" || operator === ">=");
  if (difference.max <= 0 && (operator === "<=" || operator === ">")) return boolean(operator === "<=");
  if (difference.min >= 0 && (operator === ">=" || operator === "<")) return boolean(operator === ">=");
  return undecided(ctx, operator, render(a), render(b));
}

function undecided(ctx: Context, operator: string, a: string, b: string): Value {
  if (ctx.abstract) return { kind: "unknown" };
  return fail("E0402", `${a} ${operator} ${b} is not known when compiling`, {
    notes: ["what gets built may not depend on a run-time size"],
    help: ["inside a comprehension an index may be compared with it; assert states a bound"],
  });
}

/** How many parts, items, layers or rounds a program may ask for: more is a mistake, and would never end. */
const mostParts = 10_000;

/** A value as a count that is known now: of layers, rounds, items or parts. Null for the unknown value. */
export function countOf(ctx: Context, v: Value, what: string): number | null {
  const n = knownWhole(ctx, v, what);
  if (n !== null && (n < 0 || n > mostParts))
    fail("E0417", `${what} is ${n}`, { notes: [`it lies between 0 and ${mostParts}`] });
  return n;
}

/**
 * A value as a size: a whole number, a size, a quotient that is whole, a float that is.
 * Null for the unknown value. Fails with `what` for anything else.
 */
export function sizeOf(v: Value, what: string): Size | null {
  if (v.kind === "unknown") return null;
  if (v.kind === "integer") return v.size;
  if (v.kind === "float") {
    if (v.quotient)
      fail("E0401", `${what}: ${v.quotient[0]} / ${v.quotient[1]} = ${shorten(v)} is no size`, {
        help: [`choose numbers that divide, or write // to round down`],
      });
    if (Number.isSafeInteger(v.value)) return size(v.value);
    if (Number.isNaN(v.value)) return null;
    fail("E0401", `${what}: ${v.value} is no whole number`);
  }
  return fail("E0403", `${what} is a whole number; ${describe(v)} is given`, {
    help:
      v.kind === "tensor" || v.kind === "element"
        ? ["a tensor's contents are known only when running: no tensor decides what gets built"]
        : [],
  });
}

function shorten(v: FloatValue): string {
  return String(Number(v.value.toPrecision(6)));
}

/** A value as a whole number that is known now. Null for the unknown value. */
export function knownWhole(ctx: Context, v: Value, what: string): number | null {
  const s = sizeOf(v, what);
  if (s === null) return null;
  const n = constantOf(s);
  if (n === null && ctx.abstract) return null;
  return n ?? fail("E0402", `${what} must be known when compiling; ${render(s)} is a run-time size`);
}
