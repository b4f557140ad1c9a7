/** `assert`: what is known is decided now; what speaks of run-time sizes becomes a requirement of the entry. */

import {
  bindingOf,
  constantOf,
  divisibleBy,
  evaluate,
  rangeOf,
  render,
  type Size,
  type SizeVariable,
  size,
  splitModulo,
  sub,
  variablesOf,
} from "../../src/sizes/index.js";
import type { Environment } from "../check/environment.js";
import { childrenOf } from "../check/syntax-facts.js";
import { describe, type Value } from "../check/values.js";
import type * as ast from "../syntax/index.js";
import { fail } from "./context.js";
import type { Elaborator } from "./elaborator.js";

/** Elaborates an assertion: fails if it does not hold, and requires of the run-time sizes what it says of them. */
export function assertion(e: Elaborator, s: ast.AssertStatement, env: Environment): void {
  const condition = s.condition.kind === "group" ? s.condition.value : s.condition;
  if (condition.kind === "compare" && condition.operators.length === 1 && require(e, condition, env)) return;
  const v = e.truth(s.condition, env, "an assertion");
  if (v === false) {
    const known = staticsIn(s.condition, env);
    fail("E0406", `the assertion does not hold: ${s.message}`, {
      at: s.condition.span,
      notes: known.length > 0 ? [known.join(", ")] : [],
    });
  }
}

/** `width is 32` for each name of an expression that stands for a static value. */
function staticsIn(condition: ast.Expression, env: Environment): string[] {
  const names = new Set<string>();
  const visit = (x: ast.Expression) => {
    if (x.kind === "name") names.add(x.name);
    for (const child of childrenOf(x)) visit(child);
  };
  visit(condition);
  return [...names].flatMap((name) => {
    const text = staticText(env.get(name));
    return text === null ? [] : [`${name} is ${text}`];
  });
}

function staticText(v: Value | undefined): string | null {
  if (v?.kind === "string") return JSON.stringify(v.value);
  if (v?.kind === "boolean" || v?.kind === "float") return String(v.value);
  return v?.kind === "integer" ? render(v.size) : null;
}

/** Whether the comparison speaks of a run-time size in a form that can be required of it. */
function require(e: Elaborator, c: ast.ExpressionOf<"compare">, env: Environment): boolean {
  const [a, b] = c.operands.map((x) => e.expression(x, env)) as [Value, Value];
  if (a.kind === "unknown" || b.kind === "unknown") return true;
  if (a.kind !== "integer" || b.kind !== "integer") return false;
  const operator = c.operators[0]!.operator;
  const difference = sub(a.size, b.size);
  if (constantOf(difference) !== null) return false;
  const range = rangeOf(difference);
  const { requirements } = e.ctx;
  if (e.ctx.abstract) return true;
  switch (operator) {
    case "==": {
      const [x, y] = [variableOf(a.size), variableOf(b.size)];
      if (x && y) requirements.equal(x, y);
      else if (x && constantOf(b.size) !== null) exactly(e, x, constantOf(b.size)!);
      else if (y && constantOf(a.size) !== null) exactly(e, y, constantOf(a.size)!);
      else if (!divides(e, difference)) return unsupported(e, c, a, b);
      return true;
    }
    case ">=":
    case ">":
      return bound(e, c, difference, operator === ">" ? 1 : 0, range.min, a, b);
    case "<=":
    case "<":
      return bound(e, c, sub(size(0), difference), operator === "<" ? 1 : 0, -range.max, a, b);
    case "!=":
      return false;
  }
}

function exactly(e: Elaborator, v: SizeVariable, n: number): void {
  e.ctx.requirements.atLeast(v, n);
  e.ctx.requirements.atMost(v, n);
}

/** Requires that a number divides a size, if the difference is the remainder of that; otherwise false. */
function divides(e: Elaborator, difference: Size): boolean {
  const split = splitModulo(difference);
  if (!split || split.rest !== size(0) || constantOf(split.factor) === null) return false;
  const divisor = constantOf(split.modulus);
  const found = divisor === null || divisor < 1 ? null : divisibleBy(split.dividend, divisor);
  if (found === null) return false;
  e.ctx.requirements.multipleOf(found.variable, found.step);
  return true;
}

/** Requires `difference >= least` of its one variable. */
function bound(
  e: Elaborator,
  c: ast.ExpressionOf<"compare">,
  difference: Size,
  least: number,
  known: number,
  a: Value,
  b: Value,
): boolean {
  if (known >= least) return true;
  const variables = variablesOf(difference);
  const v = variables[0];
  if (variables.length !== 1 || !v) return unsupported(e, c, a, b);
  const at = (steps: number) => evaluate(difference, () => steps * v.step);
  const [zero, slope] = [at(0), at(1) - at(0)];
  if (slope === 0 || at(1000) !== zero + 1000 * slope) return unsupported(e, c, a, b);
  const limit = (least - zero) / slope;
  if (slope > 0) e.ctx.requirements.atLeast(v, Math.ceil(limit) * v.step);
  else e.ctx.requirements.atMost(v, Math.floor(limit) * v.step);
  return true;
}

function unsupported(e: Elaborator, c: ast.Expression, a: Value, b: Value): never {
  return fail("E0411", `${e.text(c)} cannot be required of the run-time sizes`, {
    at: c.span,
    notes: [`it compares ${describe(a)} with ${describe(b)}`],
    help: ["an assertion on run-time sizes is a bound of one size, a number that divides one, or the equality of two"],
  });
}

function variableOf(s: Size): SizeVariable | null {
  const binding = bindingOf(s);
  return binding?.times === 1 ? binding.variable : null;
}
