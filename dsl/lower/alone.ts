/**
 * Checks functions and blocks by themselves, with sizes and static values that stand for any: what no size could
 * satisfy is a mistake whether a model uses it or not.
 *
 * A mistake that a use has shown already is not shown again: diagnostics at one place with one code are one.
 */
import { Diagnostics, primarySpan, type Span } from "../../src/diagnostics/index.js";
import { type ElementType, GraphBuilder, GraphTypeError } from "../../src/ir/graph/index.js";
import { type Size, SizeVariable, size } from "../../src/sizes/index.js";
import { Environment } from "../check/environment.js";
import type { Module } from "../check/modules.js";
import { isAnySize, isStaticType } from "../check/syntax-facts.js";
import { type Comprehension, float, type Given, integer, tensor, unknown, type Value } from "../check/values.js";
import type * as ast from "../syntax/index.js";
import { callFunction, callLayer } from "./calls.js";
import { Context, Requirements } from "./context.js";
import { Elaborator } from "./elaborator.js";
import { element } from "./operators.js";
import { WeightTable } from "./weights.js";

/** Reports what is wrong with each function and block of a module, whatever its arguments. */
export function checkAlone(module: Module, file: Environment, diagnostics: Diagnostics): void {
  const shown = new Set<string>();
  for (const d of diagnostics.sorted) {
    const span = primarySpan(d);
    if (span && d.severity === "error") shown.add(lineOf(span));
  }
  const check = (d: ast.Function | ast.Block, env: Environment) => {
    const own = new Diagnostics(diagnostics);
    attempt(d, env, own, "tensors");
    // What takes single numbers may be meant for the elements of comprehensions, where other rules hold.
    if (own.hasErrors && d.parameters.some(isScalar)) {
      const inside = new Diagnostics(diagnostics);
      attempt(d, env, inside, "elements");
      if (!inside.hasErrors) return;
    }
    for (const found of own.sorted) {
      const span = primarySpan(found);
      if (found.severity === "error" && span && !shown.has(lineOf(span))) diagnostics.add(found);
    }
  };
  for (const d of module.declarations.values()) check(d, file);
  for (const model of module.models) {
    const env = new Environment(file, "model");
    for (const p of model.statics) env.set(p.name.name, anyStatic(p));
    for (const m of model.members) {
      if (m.kind === "let") for (const name of m.names) env.set(name.name, unknown);
      if (m.kind === "fn") env.set(m.name.name, { kind: "function", declaration: m, environment: env });
      if (m.kind === "block") env.set(m.name.name, { kind: "block", declaration: m, environment: env });
    }
    for (const m of model.members) if (m.kind === "fn" || m.kind === "block") check(m, env);
  }
}

/** What an argument of type `i32[]` stands for: both have no axes. */
type Scalars = "tensors" | "elements";

function isScalar(p: ast.Parameter): boolean {
  return p.type.dimensions?.length === 0;
}

function attempt(d: ast.Function | ast.Block, env: Environment, diagnostics: Diagnostics, scalars: Scalars): void {
  try {
    alone(d, env, diagnostics, scalars);
  } catch (e) {
    // Sizes that only may agree can meet in a way that the graph cannot hold; nothing is known then.
    if (!(e instanceof GraphTypeError)) throw e;
  }
}

function lineOf(span: Span): string {
  return `${span.file.name}:${span.file.position(span.start).line}`;
}

/** A static argument of any value: a size for an int, a number that is none for a float, else unknown. */
function anyStatic(p: ast.Parameter): Value {
  if (p.type.dimensions !== null) return unknown;
  if (p.type.element === "int") return integer(size(new SizeVariable(p.name.name, 0, null)));
  return p.type.element === "float" ? float(Number.NaN) : unknown;
}

function alone(d: ast.Function | ast.Block, env: Environment, diagnostics: Diagnostics, scalars: Scalars): void {
  const ctx = new Context(
    diagnostics,
    new GraphBuilder(d.name.name, []),
    new WeightTable(null),
    true,
    null,
    new Requirements(),
  );
  const e = new Elaborator(ctx);
  const statics = d.kind === "block" ? d.statics : [];
  const sizes = new Map<string, Size>();
  const scope = new Environment(env, "body");
  const given = new Map<string, Given>();
  for (const p of [...statics, ...d.parameters]) {
    if (!isStaticType(p.type, statics.includes(p))) continue;
    const value = anyStatic(p);
    scope.set(p.name.name, value);
    given.set(p.name.name, { value, span: p.span });
  }
  const rest = size(new SizeVariable("...", 1, null));
  const space: Comprehension = { sizes: [], variables: [], facts: [] };
  if (scalars === "elements") ctx.comprehension = space;
  const names = new Set([...statics, ...d.parameters].map((p) => p.name.name));
  for (const p of d.parameters) {
    if (isStaticType(p.type, false)) continue;
    const shape: Size[] = [];
    let open = false;
    for (const x of p.type.dimensions ?? []) {
      if (x.kind === "rest") shape.push(rest);
      if (x.kind !== "size") continue;
      if (isAnySize(x.size)) {
        shape.push(size(new SizeVariable("_", 1, null)));
        continue;
      }
      const bare =
        x.size.kind === "name" && !names.has(x.size.name) && env.find(x.size.name)?.kind !== "model"
          ? x.size.name
          : null;
      if (bare !== null && !sizes.has(bare)) {
        const s = size(new SizeVariable(bare, 1, null));
        sizes.set(bare, s);
        scope.set(bare, integer(s));
      }
      const s = bare === null ? ctx.guard(x.span, null, () => e.size(x.size, scope, "a size")) : sizes.get(bare)!;
      if (s === null) open = true;
      else shape.push(s);
    }
    const any = () => ctx.assume({ element: p.type.element as ElementType, shape });
    const single = scalars === "elements" && isScalar(p);
    const value: Value = open ? unknown : single ? element(space, any(), { fromData: true }) : tensor(any());
    given.set(p.name.name, { value, span: p.span });
  }
  if (d.kind === "fn") {
    callFunction(e, { kind: "function", declaration: d, environment: env }, given, d.name.span);
    return;
  }
  const owned = new Map([...given].filter(([name]) => statics.some((p) => p.name.name === name)));
  const tensors = new Map([...given].filter(([name]) => !owned.has(name)));
  const layer = {
    kind: "layer",
    block: { kind: "block", declaration: d, environment: env },
    statics: owned,
    paths: [d.name.name],
    name: d.name.name,
    owner: null,
  } as const;
  callLayer(e, layer, tensors, d.name.span);
}
