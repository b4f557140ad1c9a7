/**
 * Sizes against brute force: random expressions over small ranges, evaluated at all assignments. The seeds are fixed;
 * SIZES_FUZZ=<n> runs n times as many cases. A failure prints the smallest failing expression found.
 */
import { describe, expect, it } from "vitest";
import {
  add,
  compare,
  DivisionByZero,
  evaluate,
  floorDiv,
  isAtMost,
  isNonNegative,
  maximum,
  minimum,
  mod,
  mul,
  parseSize,
  rangeOf,
  render,
  type Size,
  SizeVariable,
  size,
  sub,
  substitute,
} from "../../src/sizes/index.js";

const scale = Number(process.env.SIZES_FUZZ ?? 1);

/** mulberry32: a small generator with a 32-bit state. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let x = Math.imul(state ^ (state >>> 15), 1 | state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) % below;
  };
}

const S = new SizeVariable("S", 1, 4);
const z = new SizeVariable("z", -2, 2);
const variables: readonly SizeVariable[] = [
  S,
  new SizeVariable("T", 0, null),
  z,
  new SizeVariable("i", 0, 7),
  new SizeVariable("M", -1, 7, 4),
  new SizeVariable("s", 0, sub(size(S), 1)),
  new SizeVariable("w", size(z), add(size(z), size(S))),
];
const names = new Map(variables.map((variable) => [variable.name, variable]));

type Assignment = ReadonlyMap<SizeVariable, number>;

/** Every assignment within the ranges; the unbounded variable stops early, at values that also are not consecutive. */
const assignments: readonly Assignment[] = variables.reduce<Assignment[]>(
  (all, variable) =>
    all.flatMap((outer) => {
      const bound = (a: Size): number => evaluate(a, (each) => outer.get(each)!);
      const low = bound(variable.min);
      const values =
        variable.max === null
          ? [0, 1, 2, 3, 5, 12]
          : Array.from({ length: (bound(variable.max) - low) / variable.step + 1 }, (_, i) => low + i * variable.step);
      return values.map((value) => new Map([...outer, [variable, value]]));
    }),
  [new Map()],
);

/** An expression as it is written, with its own evaluation. */
type Expression =
  | { readonly op: "number"; readonly value: number }
  | { readonly op: "variable"; readonly variable: SizeVariable }
  | { readonly op: BinaryName; readonly a: Expression; readonly b: Expression };

type BinaryName = "+" | "-" | "*" | "//" | "%" | "min" | "max";

const operators: {
  readonly [K in BinaryName]: readonly [(a: Size, b: Size) => Size, (a: number, b: number) => number];
} = {
  "+": [add, (a, b) => a + b],
  "-": [sub, (a, b) => a - b],
  "*": [mul, (a, b) => a * b],
  "//": [floorDiv, (a, b) => Math.floor(a / b)],
  "%": [mod, (a, b) => a - b * Math.floor(a / b)],
  min: [minimum, Math.min],
  max: [maximum, Math.max],
};
const choices: readonly BinaryName[] = ["+", "+", "-", "*", "//", "//", "%", "min", "max"];

function randomExpression(random: (below: number) => number, depth: number): Expression {
  if (depth === 0 || random(6) === 0) {
    if (random(3) === 0) return { op: "number", value: random(12) - 3 };
    return { op: "variable", variable: variables[random(variables.length)]! };
  }
  const op = choices[random(choices.length)]!;
  const a = randomExpression(random, depth - 1);
  const b = randomExpression(random, depth - 1 - random(2) < 0 ? 0 : depth - 1);
  return { op, a, b };
}

/** Null if a divisor is zero whatever the values. */
function build(expression: Expression): Size | null {
  try {
    return buildSize(expression);
  } catch (error) {
    if (error instanceof DivisionByZero) return null;
    throw error;
  }
}

function buildSize(expression: Expression): Size {
  if (expression.op === "number") return size(expression.value);
  if (expression.op === "variable") return size(expression.variable);
  return operators[expression.op][0](buildSize(expression.a), buildSize(expression.b));
}

/** NaN where a divisor is zero. */
function direct(expression: Expression, at: Assignment): number {
  if (expression.op === "number") return expression.value;
  if (expression.op === "variable") return at.get(expression.variable)!;
  const a = direct(expression.a, at);
  const b = direct(expression.b, at);
  if ((expression.op === "//" || expression.op === "%") && b === 0) return Number.NaN;
  return operators[expression.op][1](a, b);
}

function written(expression: Expression): string {
  if (expression.op === "number") return String(expression.value);
  if (expression.op === "variable") return expression.variable.name;
  return `(${written(expression.a)} ${expression.op} ${written(expression.b)})`;
}

/** A claim about one expression: null if it holds, otherwise what is wrong. */
type Claim = (expression: Expression) => string | null;

/** The smallest failing part of a failing expression, or of one with a part replaced by one of its own parts. */
function shrink(expression: Expression, claim: Claim): Expression {
  for (const smaller of smallerThan(expression)) if (claim(smaller) !== null) return shrink(smaller, claim);
  return expression;
}

function* smallerThan(expression: Expression): Generator<Expression> {
  if (expression.op === "number" || expression.op === "variable") return;
  const { op, a, b } = expression;
  yield a;
  yield b;
  for (const smaller of smallerThan(a)) yield { op, a: smaller, b };
  for (const smaller of smallerThan(b)) yield { op, a, b: smaller };
}

function check(seed: number, count: number, claim: Claim, depth = 3): void {
  const random = generator(seed);
  for (let i = 0; i < count * scale; i++) {
    const expression = randomExpression(random, depth);
    if (claim(expression) === null) continue;
    const smallest = shrink(expression, claim);
    expect.fail(`${written(smallest)}: ${claim(smallest)}`);
  }
}

function at(assignment: Assignment): string {
  return [...assignment].map(([variable, value]) => `${variable.name}=${value}`).join(" ");
}

function valueAt(a: Size, assignment: Assignment): number {
  return evaluate(a, (variable) => assignment.get(variable)!);
}

/** Every few assignments, starting anywhere, so that many expressions see all kinds of values in little time. */
function* sample(random: (below: number) => number, count: number): Generator<Assignment> {
  for (let i = 0; i < count; i++) yield assignments[random(assignments.length)]!;
}

describe("sizes against brute force", { timeout: 600_000 * scale }, () => {
  it("keeps the value", () => {
    const random = generator(1);
    check(11, 6000, (expression) => {
      const a = build(expression);
      if (a === null) return null;
      for (const assignment of sample(random, 60)) {
        const expected = direct(expression, assignment);
        if (Number.isNaN(expected)) continue;
        const actual = valueAt(a, assignment);
        if (actual !== expected) return `${render(a)} is ${actual}, not ${expected}, at ${at(assignment)}`;
      }
      return null;
    });
  });

  it("normalises a normal form to itself", () => {
    check(12, 8000, (expression) => {
      const a = build(expression);
      if (a === null) return null;
      const again = substitute(a, () => null);
      return again === a ? null : `${render(a)} becomes ${render(again)}`;
    });
  });

  it("reads its own text", () => {
    check(13, 8000, (expression) => {
      const a = build(expression);
      if (a === null) return null;
      const again = parseSize(render(a), (name) => names.get(name) ?? null);
      return again === a ? null : `${render(a)} is read as ${render(again)}`;
    });
  });

  it("has ranges that hold", () => {
    const random = generator(2);
    check(14, 5000, (expression) => {
      const a = build(expression);
      if (a === null) return null;
      const { min, max } = rangeOf(a);
      for (const assignment of sample(random, 60)) {
        const value = direct(expression, assignment);
        if (value < min || value > max) return `${value} outside ${min}..${max} at ${at(assignment)}`;
      }
      return null;
    });
  });

  it("proves only what is true", () => {
    let proven = 0;
    check(15, 5000, (expression) => {
      const a = build(expression);
      if (a === null || !isNonNegative(a)) return null;
      proven++;
      for (const assignment of assignments) {
        const value = direct(expression, assignment);
        if (value < 0) return `${render(a)} >= 0 is proven but it is ${value} at ${at(assignment)}`;
      }
      return null;
    });
    expect(proven).toBeGreaterThan(500);
  });

  it("compares rightly", () => {
    const seen = { equal: 0, different: 0, unknown: 0 };
    check(16, 5000, (expression) => {
      if (expression.op === "number" || expression.op === "variable") return null;
      const a = build(expression.a);
      const b = build(expression.b);
      if (a === null || b === null) return null;
      const answer = compare(a, b);
      seen[answer]++;
      const atMost = isAtMost(a, b);
      if (answer === "unknown" && !atMost) return null;
      for (const assignment of assignments) {
        const left = direct(expression.a, assignment);
        const right = direct(expression.b, assignment);
        if (Number.isNaN(left) || Number.isNaN(right)) continue;
        const wrong =
          (answer === "equal" && left !== right) ||
          (answer === "different" && left === right) ||
          (atMost && left > right);
        if (wrong) return `${answer}, at most ${atMost}: ${left} and ${right} at ${at(assignment)}`;
      }
      return null;
    });
    expect(seen.different).toBeGreaterThan(200);
  });

  it("uses facts only where they hold", () => {
    const random = generator(3);
    let proven = 0;
    check(
      17,
      3000,
      (expression) => {
        if (expression.op === "number" || expression.op === "variable") return null;
        const a = build(expression.a);
        const fact = build(expression.b);
        const other = randomExpression(random, 1);
        const second = build(other);
        if (a === null || fact === null || second === null) return null;
        if (isNonNegative(a) || !isNonNegative(a, [fact, second])) return null;
        proven++;
        for (const assignment of assignments) {
          if (!(direct(expression.b, assignment) >= 0 && direct(other, assignment) >= 0)) continue;
          if (direct(expression.a, assignment) < 0) return `with ${written(other)}, at ${at(assignment)}`;
        }
        return null;
      },
      2,
    );
    expect(proven).toBeGreaterThan(50);
  });

  it("decides divisions of affine sizes by constants as finely as their values differ", () => {
    // Over a block of residues, two quotients with one divisor are equal for all values only if they are one object.
    const i = size(new SizeVariable("i", 0, null));
    const byValues = new Map<string, Size>();
    for (let divisor = 1; divisor <= 6; divisor++) {
      for (let shift = -13; shift <= 13; shift++) {
        const quotient = floorDiv(add(i, shift), divisor);
        const values = Array.from({ length: 40 }, (_, value) => evaluate(quotient, () => value)).join();
        const known = byValues.get(values) ?? quotient;
        byValues.set(values, known);
        expect(quotient).toBe(known);
      }
    }
  });
});
