/** The statements of a body. */

import type { ElementType } from "../../src/ir/graph/index.js";
import type { Size } from "../../src/sizes/index.js";
import { size as sizeFrom } from "../../src/sizes/index.js";
import type { Environment } from "../check/environment.js";
import { describe, integer, isRunning, type LayerValue, tensor, unknown, type Value } from "../check/values.js";
import type * as ast from "../syntax/index.js";
import { applied } from "./calls.js";
import { fail } from "./context.js";
import type { Elaborator } from "./elaborator.js";
import { assertion } from "./requirements.js";
import { countOf } from "./statics.js";
import { joinPath } from "./weights.js";

/** Elaborates a statement. Gives the value of an expression or an `if`; of others the unknown value. */
export function statement(e: Elaborator, s: ast.Statement, env: Environment): Value {
  switch (s.kind) {
    case "expression":
      return e.expression(s.value, env);
    case "let": {
      const value = e.expression(s.value, env);
      if (s.unpacks) return unpack(e, s, value, env);
      bind(e, s.names[0]!, value, env);
      return unknown;
    }
    case "assign": {
      const value = e.expression(s.value, env);
      if (isRunning(value) && value.kind === "tensor" && !e.ctx.abstract)
        e.ctx.builder.nameValue(value.id, s.name.name);
      env.find(s.name.name)?.set(s.name.name, e.ctx.diagnostics.has("E0206") ? unknown : value);
      return unknown;
    }
    case "assert":
      assertion(e, s, env);
      return unknown;
    case "if":
      return branch(e, s, env);
    case "for":
      return loop(e, s, env);
    case "param":
      return param(e, s, env);
    case "layer":
      return layer(e, s, env);
  }
}

function bind(e: Elaborator, name: ast.Identifier, value: Value, env: Environment): void {
  if (name.name === "_") return;
  if (value.kind === "tensor" && !e.ctx.abstract) e.ctx.builder.nameValue(value.id, name.name);
  env.set(name.name, value);
}

function unpack(e: Elaborator, s: ast.LetStatement, value: Value, env: Environment): Value {
  const parts = e.ctx.guard(s.value.span, null, () => e.parts(value, s.names.length));
  s.names.forEach((name, i) => {
    bind(e, name, parts?.[i] ?? unknown, env);
  });
  return unknown;
}

/** The taken branch stands in the place of the statement. While a block is checked by itself both may be. */
function branch(e: Elaborator, s: ast.IfStatement, env: Environment): Value {
  const condition = e.ctx.guard(s.condition.span, null, () => e.truth(s.condition, env, "the condition of if"));
  const no = (): Value => {
    if (!s.no) return unknown;
    return s.no.kind === "if"
      ? e.ctx.guard(s.no.span, unknown, () => branch(e, s.no as ast.IfStatement, env))
      : e.statements(s.no.statements, env);
  };
  if (condition === true) return e.statements(s.yes.statements, env);
  if (condition === false) return no();
  if (!e.ctx.abstract) return forget(s, env);
  const before = new Map(env.entries());
  const yes = e.statements(s.yes.statements, env);
  const afterYes = new Map(env.entries());
  for (const [name, value] of before) env.set(name, value);
  const other = no();
  for (const [name, value] of afterYes) {
    const now = env.own(name) ?? value;
    if (now !== value) env.set(name, e.either(value, now));
  }
  return e.either(yes, other);
}

/** The condition is wrong, and reported: what either branch would set is unknown. */
function forget(s: ast.IfStatement, env: Environment): Value {
  const branches = [s.yes.statements, s.no === null ? [] : s.no.kind === "if" ? [s.no] : s.no.statements].flat();
  for (const each of branches) {
    if (each.kind === "if") forget(each, env);
    else if (each.kind === "assign") env.find(each.name.name)?.set(each.name.name, unknown);
    else if (each.kind === "let") for (const { name } of each.names) env.set(name, unknown);
    else if (each.kind === "param" || each.kind === "layer") env.set(each.name.name, unknown);
  }
  return unknown;
}

function loop(e: Elaborator, s: ast.ForStatement, env: Environment): Value {
  const over = e.expression(s.over, env);
  if (over.kind === "unknown") {
    const inside = e.inner(env);
    inside.set(s.name.name, unknown);
    e.statements(s.body.statements, inside);
    return unknown;
  }
  for (const item of items(e, s, over)) {
    const inside = e.inner(env);
    inside.set(s.name.name, item);
    e.statements(s.body.statements, inside);
  }
  return unknown;
}

function items(e: Elaborator, s: ast.ForStatement, over: Value): readonly Value[] {
  if (s.each) {
    if (over.kind === "list") return over.items;
    return fail("E0407", `for … in walks an array of layers or a list, not ${describe(over)}`, {
      at: s.over.span,
      help: over.kind === "integer" ? [`for ${s.name.name}: ${e.text(s.over)} { … } counts`] : [],
    });
  }
  if (over.kind === "list")
    return fail("E0407", "for … : counts to a number", {
      at: s.over.span,
      help: [`for ${s.name.name} in ${e.text(s.over)} { … } walks the list`],
    });
  const n = e.ctx.guard(s.over.span, null, () => countOf(e.ctx, over, "the count of for"));
  return n === null ? [unknown] : Array.from({ length: n }, (_, i) => integer(i));
}

function strings(e: Elaborator, paths: readonly ast.Expression[], env: Environment): string[] | null {
  const texts: string[] = [];
  for (const p of paths) {
    const v = e.expression(p, env);
    if (v.kind === "unknown") return null;
    if (v.kind !== "string") return fail("E0403", `a path is a string; ${describe(v)} is given`, { at: p.span });
    texts.push(v.value);
  }
  return texts;
}

/** A param is a weight of the graph: its path is the layer's and its own. */
function param(e: Elaborator, s: ast.ParamStatement, env: Environment): Value {
  const { ctx } = e;
  env.set(s.name.name, unknown);
  const dims = s.type.dimensions;
  if (!dims) fail("E0301", `the param ${s.name.name} is a tensor: its type gives its sizes`, { at: s.type.span });
  const stacked = dims[0]?.kind === "index" ? dims[0] : null;
  const shape: Size[] = [];
  for (const d of dims) {
    if (d.kind === "rest") fail("E0402", `a param has known sizes: ${s.name.name} cannot have …`, { at: d.span });
    const n = e.ctx.guard(d.span, null, () =>
      e.knownWhole(d.kind === "index" ? d.count : d.size, env, `a size of the param ${s.name.name}`),
    );
    if (n === null) {
      if (!ctx.abstract) return unknown;
      const s2 = e.size(d.kind === "index" ? d.count : d.size, env, "a size");
      if (s2 === null) return unknown;
      shape.push(s2);
      continue;
    }
    if (n < 0) fail("E0417", `a size of the param ${s.name.name} is ${n}`, { at: d.span });
    const written = d.kind === "index" ? d.count : d.size;
    const names = e.namesIn(written);
    if (written.kind !== "name" && names.length && names.every((name) => env.find(name)?.kind === "model"))
      ctx.nameSize(n, e.text(written));
    shape.push(sizeFrom(n));
  }
  const inside = e.inner(env);
  if (stacked) inside.set(stacked.name.name, unknown);
  const written = strings(e, s.paths, inside) ?? [];
  const own = written.length ? written : [s.name.name];
  const alternatives = e.paths.flatMap((owner) => own.map((p) => joinPath(owner, p)));
  const count = stacked && !ctx.abstract ? e.count(stacked.count, env, "the count of tensors that are stacked") : null;
  const element = s.type.element as ElementType;
  const sources = alternatives.map((path) => {
    if (!stacked) return [path];
    const hole = `{${stacked.name.name}}`;
    if (!path.includes(hole))
      fail("E0721", `the path of ${s.name.name} must hold ${hole}, once for each tensor that is stacked`, {
        at: s.span,
      });
    return Array.from({ length: count ?? 1 }, (_, i) => path.replaceAll(hole, String(i)));
  });
  if (ctx.abstract) {
    env.set(s.name.name, tensor(ctx.assume({ element, shape })));
    return unknown;
  }
  const wire = ctx.weights.weight(ctx, sources, element, shape, s.span);
  ctx.builder.nameValue(wire.id, s.name.name);
  env.set(s.name.name, tensor(wire));
  return unknown;
}

function layer(e: Elaborator, s: ast.LayerStatement, env: Environment): Value {
  env.set(s.name.name, unknown);
  const names = strings(e, s.paths, env);
  if (names === null) return unknown;
  const paths = e.ctx.weights.layerPaths(e.paths, names.length ? names : [s.name.name]);
  const make = (scope: Environment, name: string, own: readonly string[]): LayerValue | null => {
    const made = applied(e, s.value, scope);
    return made && { kind: "layer", ...made, paths: own, name, owner: e.ctx.scope };
  };
  if (!s.array) {
    const one = make(env, s.name.name, paths);
    if (one) env.set(s.name.name, one);
    return unknown;
  }
  const count = e.count(s.array.count, env, `the number of ${s.name.name}`);
  if (count === null) {
    // Checked by itself: one stands for all.
    const inside = e.inner(env);
    if (s.array.index) inside.set(s.array.index.name, unknown);
    const one = make(inside, s.name.name, paths);
    env.set(s.name.name, one ? { kind: "list", items: [one] } : unknown);
    return unknown;
  }
  // The index stands where the path says so, else at its end.
  const hole = s.array.index ? `{${s.array.index.name}}` : null;
  const pathsOf = (i: number) =>
    hole !== null && names.some((n) => n.includes(hole))
      ? e.ctx.weights.layerPaths(
          e.paths,
          names.map((n) => (n.includes(hole) ? n.replaceAll(hole, String(i)) : `${n}.${i}`)),
        )
      : paths.map((p) => `${p}.${i}`);
  const items: Value[] = [];
  for (let i = 0; i < count; i++) {
    const inside = e.inner(env);
    if (s.array.index) inside.set(s.array.index.name, integer(i));
    items.push(make(inside, `${s.name.name}.${i}`, pathsOf(i)) ?? unknown);
  }
  env.set(s.name.name, { kind: "list", items });
  return unknown;
}
