/** Calls: of built-in functions, declared functions and layers. Each body is elaborated where it is called. */
import type { Span } from "../../src/diagnostics/index.js";
import type { Scope } from "../../src/ir/graph/index.js";
import type { Size } from "../../src/sizes/index.js";
import { Environment } from "../check/environment.js";
import { isStaticType } from "../check/syntax-facts.js";
import { describe, type Given, type LayerValue, unknown, type Value } from "../check/values.js";
import type * as ast from "../syntax/index.js";
import { type BuiltinCall, builtins } from "./builtins/index.js";
import { fail } from "./context.js";
import type { Elaborator } from "./elaborator.js";
import { collect, match, staticValue } from "./match.js";
import { result } from "./result.js";

export function call(e: Elaborator, node: ast.ExpressionOf<"call">, env: Environment): Value {
  const callee = e.expression(node.callee, env);
  switch (callee.kind) {
    case "unknown":
      for (const a of node.arguments) e.expression(a.value, env);
      return unknown;
    case "builtin":
      return builtinCall(e, callee.name, node, env);
    case "function": {
      const { declaration } = callee;
      const given = collect(e, declaration.name.name, declaration.parameters, node.arguments, env);
      return callFunction(e, callee, given, node.span);
    }
    case "layer": {
      const given = collect(
        e,
        callee.block.declaration.name.name,
        callee.block.declaration.parameters,
        node.arguments,
        env,
      );
      return callLayer(e, callee, given, node.span);
    }
    case "block":
      return fail("E0416", `${callee.declaration.name.name} is a block: it owns weights, and needs a name for them`, {
        help: [`declare layer name = ${callee.declaration.name.name}(…) and call that`],
      });
    case "list":
      return fail("E0415", `${describe(callee)} cannot be called`, {
        help: ["for block in layers { x = block(x) } walks it; layers[0] takes one"],
      });
    default:
      return fail("E0415", `${describe(callee)} cannot be called`);
  }
}

function builtinCall(e: Elaborator, name: string, node: ast.ExpressionOf<"call">, env: Environment): Value {
  const builtin = builtins[name]!;
  const positional: Given[] = [];
  const named = new Map<string, Given & { readonly name: ast.Identifier }>();
  for (const a of node.arguments) {
    const value = e.expression(a.value, env);
    if (!a.name) positional.push({ value, span: a.value.span });
    else if (named.has(a.name.name)) fail("E0405", `${name}: ${a.name.name} is given twice`, { at: a.name.span });
    else named.set(a.name.name, { value, span: a.value.span, name: a.name });
  }
  const call: BuiltinCall = { name, positional, named, span: node.span };
  if ([...positional, ...named.values()].some((g) => g.value.kind === "unknown")) return unknown;
  return builtin.run(e.ctx, call);
}

/** Calls a declared function, in an environment of its own. */
export function callFunction(
  e: Elaborator,
  f: Extract<Value, { kind: "function" }>,
  given: ReadonlyMap<string, Given>,
  call: Span,
): Value {
  const { declaration, environment } = f;
  const name = declaration.name.name;
  const env = new Environment(environment, "body");
  const pack = e.ctx.guard(call, null, () =>
    match(e, { what: name, statics: [], parameters: declaration.parameters }, given, env),
  );
  if (pack === null) return unknown;
  const scope: Scope = { parent: e.ctx.scope, name, block: name, kind: "function" };
  return e.ctx.inside(call, name, scope, () => {
    const value = e.body(declaration.body, env);
    const { result: types } = declaration;
    if (!types) return value;
    return results(e, name, declaration, types, value, env, pack);
  });
}

/** The value of a body against the results that its declaration gives. */
function results(
  e: Elaborator,
  what: string,
  { body, resultIsTuple }: ast.Function | ast.Block,
  types: readonly ast.Type[],
  value: Value,
  env: Environment,
  pack: readonly Size[],
): Value {
  if (value.kind === "unknown") return value;
  return e.ctx.guard(lastSpan(body), unknown, () => {
    if (!resultIsTuple) return result(e, what, types[0]!, value, env, pack);
    if (value.kind !== "tuple" || value.items.length !== types.length)
      fail(
        "E0319",
        `${what} gives ${types.length} results; its body gives ${value.kind === "tuple" ? value.items.length : describe(value)}`,
      );
    return { kind: "tuple", items: value.items.map((v, i) => result(e, what, types[i]!, v, env, pack)) };
  });
}

/** Calls a layer: elaborates its block with its static arguments and these tensors. */
export function callLayer(e: Elaborator, layer: LayerValue, tensors: ReadonlyMap<string, Given>, call: Span): Value {
  const { declaration, environment } = layer.block;
  const block = declaration.name.name;
  const env = new Environment(environment, "body");
  const given = new Map([...layer.statics, ...tensors]);
  const signature = { what: block, statics: declaration.statics, parameters: declaration.parameters };
  const pack = e.ctx.guard(call, null, () => match(e, signature, given, env));
  if (pack === null) return unknown;
  const scope: Scope = { parent: e.ctx.scope, name: layer.name, block, kind: "layer" };
  const paths = e.paths;
  e.paths = layer.paths;
  try {
    return e.ctx.inside(call, `${block} ${layer.paths[0]}`, scope, () => {
      const value = e.body(declaration.body, env);
      return results(e, block, declaration, declaration.result, value, env, pack);
    });
  } finally {
    e.paths = paths;
  }
}

/** A block applied to its static arguments, or a choice between two. Null if unknown. */
export function applied(
  e: Elaborator,
  a: ast.Applied,
  env: Environment,
): { readonly block: Extract<Value, { kind: "block" }>; readonly statics: ReadonlyMap<string, Given> } | null {
  if (a.kind === "choose") {
    const condition = e.truth(a.condition, env, "the condition of if");
    return condition === null ? null : applied(e, condition ? a.yes : a.no, env);
  }
  const block = env.get(a.block.name);
  if (!block || block.kind === "unknown") return null;
  if (block.kind !== "block")
    fail("E0416", `a layer is a block with its static arguments; ${a.block.name} is ${describe(block)}`, {
      at: a.block.span,
    });
  const { declaration } = block;
  const what = declaration.name.name;
  const given = collect(e, what, declaration.statics, a.arguments, env);
  const statics = new Map<string, Given>();
  for (const p of declaration.statics) {
    const g = given.get(p.name.name);
    if (!g) {
      if (!p.default)
        fail("E0404", `${what}: the argument ${p.name.name} is missing`, {
          at: a.span,
          labels: [{ span: p.span, text: "declared here" }],
        });
      continue;
    }
    if (isStaticType(p.type, true) && p.type.dimensions === null)
      statics.set(p.name.name, {
        ...g,
        value: staticValue(e, `${what}: ${p.name.name}`, p.type, g.value, env, g.span),
      });
    else statics.set(p.name.name, g);
  }
  return { block, statics };
}

function lastSpan(body: ast.Body | ast.Expression): Span {
  return body.kind === "body" ? (body.statements.at(-1)?.span ?? body.span) : body.span;
}
