/**
 * Index comprehensions: `[t: T, s: S] => expr` is the tensor whose element at (t, s) is expr.
 *
 * The body is elaborated once, over the whole index space: an index is an `iota` along its axis, arithmetic broadcasts,
 * a read gathers. What is known of an index as a formula proves reads in bounds (indices.ts).
 */

import { isNonNegative, rangeOf, render, type Size, SizeVariable, size, sub } from "../../src/sizes/index.js";
import { Environment } from "../check/environment.js";
import {
  type Comprehension,
  describe,
  type ElementValue,
  isRunning,
  numberOf,
  tensor,
  unknown,
  type Value,
} from "../check/values.js";
import type * as ast from "../syntax/index.js";
import { fail } from "./context.js";
import type { Elaborator } from "./elaborator.js";
import { settled } from "./indexing.js";
import { constant, element, where } from "./operators.js";

export function comprehension(e: Elaborator, node: ast.ExpressionOf<"comprehension">, env: Environment): Value {
  const { ctx } = e;
  const sizes: Size[] = [];
  for (const { name, size: written } of node.indices) {
    const s = e.size(written, env, `the size of ${name.name}`);
    if (s === null) return unknown;
    if (rangeOf(s).max < 0) fail("E0417", `the size of ${name.name} is ${render(s)}`, { at: written.span });
    if (!ctx.abstract && !isNonNegative(s))
      fail("E0417", `the size of ${name.name}, ${render(s)}, may lie below 0`, { at: written.span, help: settled(s) });
    sizes.push(s);
  }
  const variables = node.indices.map(({ name }, i) => new SizeVariable(name.name, 0, sub(sizes[i]!, 1)));
  const space: Comprehension = { sizes, variables, facts: [] };
  const inside = new Environment(env, "inner");
  node.indices.forEach(({ name }, axis) => {
    const shape = sizes.map((s, i) => (i === axis ? s : size(1)));
    const iota = ctx.emit("iota", [], { axis, shape });
    inside.set(
      name.name,
      element(space, iota, { fromData: false, cases: [{ facts: [], value: size(variables[axis]!) }] }),
    );
  });
  const outer = ctx.comprehension;
  ctx.comprehension = space;
  const value = e.body(node.body, inside);
  ctx.comprehension = outer;
  return whole(e, space, value);
}

/** The tensor of a comprehension from the value of its body. */
function whole(e: Elaborator, space: Comprehension, v: Value): Value {
  const { ctx } = e;
  if (v.kind === "unknown") return v;
  const given = `the body of a comprehension gives one element, not ${describe(v)}`;
  if (!isRunning(v)) {
    const n = numberOf(v);
    if (n === null && v.kind !== "integer") fail("E0316", given);
    const wire =
      n === null
        ? ctx.emit("size", [], { value: (v as { size: Size }).size })
        : constant(ctx, n, v.kind === "boolean" ? "bool" : v.kind === "integer" ? "i32" : "f32");
    return tensor(ctx.emit("broadcast", [wire], { shape: space.sizes }), n);
  }
  if (v.kind === "element" ? v.comprehension !== space : v.type.shape.length > 0)
    fail("E0316", given, { help: ["index the tensor on every axis"] });
  return tensor(ctx.emit("broadcast", [v], { shape: space.sizes }));
}

/** `if` on an element selects; each branch may rely on the condition. */
export function conditionalElement(
  e: Elaborator,
  condition: ElementValue,
  node: ast.ExpressionOf<"conditional">,
  env: Environment,
): Value {
  if (condition.type.element !== "bool")
    fail("E0307", `the condition of if is bool, not ${condition.type.element}`, {
      at: node.condition.span,
      help: ["write a comparison"],
    });
  const space = condition.comprehension;
  const outer = space.facts;
  const under = (facts: readonly Size[], branch: ast.Expression): Value => {
    space.facts = [...outer, ...facts];
    const value = e.expression(branch, env);
    space.facts = outer;
    return value;
  };
  const yes = under(condition.truth?.whenTrue ?? [], node.yes);
  const no = under(condition.truth?.whenFalse ?? [], node.no);
  if (yes.kind === "unknown" || no.kind === "unknown") return unknown;
  return where(e.ctx, condition, yes, no);
}
