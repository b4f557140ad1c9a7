/**
 * Matching the arguments of a call with a signature (grammar.md, "Matching"): explicit statics bind, tensors bind the
 * names of their sizes from left to right, defaults fill in, and then every dimension is evaluated and compared.
 * Nothing is solved for.
 */
import type { DiagnosticParts, Span } from "../../src/diagnostics/index.js";
import { nearest } from "../../src/diagnostics/index.js";
import type { ElementType } from "../../src/ir/graph/index.js";
import { isAtMost, rangeOf, render, type Size, sub } from "../../src/sizes/index.js";
import { Environment } from "../check/environment.js";
import { isAnySize, isStaticType } from "../check/syntax-facts.js";
import {
  describe,
  type ElementValue,
  float,
  type Given,
  integer,
  isNumber,
  isRunning,
  numberOf,
  type TensorValue,
  unknown,
  type Value,
} from "../check/values.js";
import type * as ast from "../syntax/index.js";
import { fail } from "./context.js";
import type { Elaborator } from "./elaborator.js";
import { broadcastShapes, cast, element, filled } from "./operators.js";
import { sizeOf } from "./statics.js";

export interface Signature {
  /** What is called, for messages: `LayerNorm`. */
  readonly what: string;
  readonly statics: readonly ast.Parameter[];
  readonly parameters: readonly ast.Parameter[];
}

/** The arguments of a call, by the name of the parameter. Reports too many, unknown and doubled ones. */
export function collect(
  e: Elaborator,
  what: string,
  parameters: readonly ast.Parameter[],
  args: readonly ast.Argument[],
  env: Environment,
): Map<string, Given> {
  const given = new Map<string, Given>();
  let place = 0;
  for (const a of args) {
    let name = a.name?.name;
    if (name === undefined) {
      const p = parameters[place++];
      if (!p) {
        const n = parameters.length;
        fail(
          "E0405",
          `${what} takes ${n === 0 ? "no arguments" : `${n} argument${n === 1 ? "" : "s"}`}; ${args.length} are given`,
          {
            at: a.span,
            help: n ? [`they are ${parameters.map((q) => q.name.name).join(", ")}`] : [],
          },
        );
      }
      name = p.name.name;
    } else if (!parameters.some((p) => p.name.name === name)) {
      const near = nearest(
        name,
        parameters.map((p) => p.name.name),
      );
      fail("E0405", `${what} has no argument ${name}`, {
        at: a.name!.span,
        help: [
          parameters.length ? `its arguments are ${parameters.map((p) => p.name.name).join(", ")}` : "it takes none",
        ],
        fixes: near ? [{ message: `write ${near}`, edits: [{ span: a.name!.span, text: near }] }] : [],
      });
    }
    if (given.has(name))
      fail("E0405", `${what}: ${name} is given twice`, {
        at: a.span,
        labels: [{ span: given.get(name)!.span, text: "first here" }],
      });
    given.set(name, { value: e.expression(a.value, env), span: a.value.span });
  }
  return given;
}

/** A static value as a parameter's type wants it. */
export function staticValue(e: Elaborator, what: string, type: ast.Type, v: Value, env: Environment, at?: Span): Value {
  if (v.kind === "unknown") return v;
  if (type.dimensions !== null) return staticList(e, what, type, v, env, at);
  const wrong = (word: string): never =>
    fail("E0403", `${what} is ${word}; ${describe(v)} is given`, {
      at,
      help: isRunning(v) ? ["a tensor's contents are known only when running: no tensor decides what gets built"] : [],
    });
  switch (type.element) {
    case "int": {
      if (!isNumber(v)) return wrong("a whole number");
      const s = sizeOf(v, what);
      return s === null ? v : integer(s);
    }
    case "float": {
      if (!isNumber(v)) return wrong("a number");
      const n = numberOf(v);
      if (n === null) {
        if (e.ctx.abstract) return { kind: "unknown" };
        return fail("E0402", `${what} must be known when compiling; ${describe(v)} is given`, { at });
      }
      return float(n);
    }
    case "bool":
      return v.kind === "boolean" ? v : wrong("a static boolean");
    case "string":
      return v.kind === "string" ? v : wrong("a string");
    case "fn":
      return v.kind === "function" || v.kind === "builtin" ? v : wrong("a function");
    default:
      return wrong("a tensor");
  }
}

function staticList(e: Elaborator, what: string, type: ast.Type, v: Value, env: Environment, at?: Span): Value {
  const d = type.dimensions![0];
  if (!d || d.kind === "rest") return fail("E0403", `${what} is a list: its type gives its length`, { at });
  const length = e.count(d.kind === "index" ? d.count : d.size, env, `the length of ${what}`);
  if (length === null) return { kind: "unknown" };
  const items = v.kind === "list" ? v.items : new Array<Value>(length).fill(v);
  if (items.length !== length) fail("E0409", `${what} has ${items.length} items; its length is ${length}`, { at });
  const item: ast.Type = { ...type, dimensions: null };
  return { kind: "list", items: items.map((x, i) => staticValue(e, `${what}[${i}]`, item, x, env, at)) };
}

/** The value of a default; `kinds: string[i: n] = expr` computes each item. */
function defaultOf(e: Elaborator, p: ast.Parameter, env: Environment): Value {
  const d = p.type.dimensions?.[0];
  if (d?.kind !== "index") return e.expression(p.default!, env);
  const length = e.count(d.count, env, `the length of ${p.name.name}`);
  if (length === null) return { kind: "unknown" };
  const items = Array.from({ length }, (_, i) => {
    const inside = new Environment(env, "inner");
    inside.set(d.name.name, integer(i));
    return e.expression(p.default!, inside);
  });
  return { kind: "list", items };
}

/** Binds the arguments in `env`, the scope of the called body. Gives the broadcast of what `...` stands for. */
export function match(
  e: Elaborator,
  signature: Signature,
  given: ReadonlyMap<string, Given>,
  env: Environment,
): Size[] {
  const { what } = signature;
  const all = [...signature.statics, ...signature.parameters];
  const isStatic = (p: ast.Parameter) => isStaticType(p.type, signature.statics.includes(p));
  const binder = new SizeBinder(e, signature, env);
  for (const p of all) {
    const g = given.get(p.name.name);
    if (g && isStatic(p) && p.type.dimensions === null)
      env.set(p.name.name, staticValue(e, `${what}: ${p.name.name}`, p.type, g.value, env, g.span));
  }
  for (const p of all) {
    const g = given.get(p.name.name);
    if (g && !isStatic(p)) binder.bind(p, g);
  }
  binder.bindUnknown();
  for (const p of all) {
    const { name } = p.name;
    if (env.own(name)) continue;
    const g = given.get(name);
    if (!g && !p.default)
      fail("E0404", `${what}: the argument ${name} is missing`, { labels: [{ span: p.span, text: "declared here" }] });
    if (isStatic(p))
      env.set(name, staticValue(e, `${what}: ${name}`, p.type, g ? g.value : defaultOf(e, p, env), env, g?.span));
    else if (!g) {
      const value = defaultOf(e, p, env);
      if (isRunning(value)) binder.bind(p, { value, span: p.default!.span });
      else env.set(name, value);
    }
  }
  for (const p of all) if (!isStatic(p)) binder.check(p, given.get(p.name.name)?.span);
  return binder.rest();
}

/** Binds the sizes that tensors bring, then compares them all. */
class SizeBinder {
  readonly #packs: (readonly Size[])[] = [];

  constructor(
    readonly e: Elaborator,
    readonly signature: Signature,
    readonly env: Environment,
  ) {}

  /** The sizes that only unknown tensors would bind are unknown. */
  bindUnknown(): void {
    for (const p of this.signature.parameters) {
      if (this.env.own(p.name.name)?.kind !== "unknown") continue;
      for (const d of p.type.dimensions ?? [])
        if (d.kind === "size" && d.size.kind === "name" && !this.#isArgument(d.size.name) && !this.#known(d.size.name))
          this.env.set(d.size.name, unknown);
    }
  }

  /** Checks rank and element type, and binds the bare names not yet bound. */
  bind(p: ast.Parameter, { value, span }: Given): void {
    const { e, env } = this;
    const { what } = this.signature;
    if (!isRunning(value)) {
      if (value.kind !== "unknown" && value.kind !== "boolean" && !isNumber(value))
        fail("E0307", `${what}: ${p.name.name} is a tensor; ${describe(value)} is given`, {
          at: span,
          help: value.kind === "layer" ? ["call the layer"] : [],
        });
      env.set(p.name.name, value);
      return;
    }
    const dims = p.type.dimensions!;
    const named = dims.filter((d) => d.kind !== "rest");
    const hasRest = named.length !== dims.length;
    const shape = value.kind === "element" ? [] : value.type.shape;
    if (shape.length < named.length || (!hasRest && shape.length !== named.length))
      fail(
        "E0301",
        `${what}: ${p.name.name} has ${hasRest ? "at least " : ""}${named.length} ${named.length === 1 ? "axis" : "axes"}; ${describe(value)} is given`,
        {
          at: span,
          labels: [{ span: p.span, text: "declared here" }],
        },
      );
    const converted = this.#elements(p, value, span);
    const tail = shape.slice(shape.length - named.length);
    named.forEach((d, i) => {
      const size = d.kind === "size" ? d.size : null;
      if (size?.kind !== "name" || isAnySize(size) || this.#isArgument(size.name) || this.#known(size.name)) return;
      env.set(size.name, integer(tail[i]!), {
        span: e.ctx.frames.at(-1) ? span : size.span,
        text:
          render(tail[i]!) === size.name
            ? `${size.name} comes from ${p.name.name}`
            : `${size.name} is ${render(tail[i]!)}, from ${p.name.name}`,
      });
    });
    if (hasRest) this.#packs.push(shape.slice(0, shape.length - named.length));
    env.set(p.name.name, converted);
  }

  #elements(p: ast.Parameter, value: TensorValue | ElementValue, span: Span): Value {
    const want = p.type.element as ElementType;
    const have = value.type.element;
    if (have === want) return value;
    if (value.kind === "element" && have === "i32" && want === "f32")
      return element(value.comprehension, cast(this.e.ctx, value, "f32"), { fromData: value.fromData });
    return fail("E0308", `${this.signature.what}: ${p.name.name} is ${want}; ${describe(value)} is given`, {
      at: span,
      labels: [{ span: p.span, text: "declared here" }],
      help: [want === "bool" ? "compare, as in x != 0" : `convert with ${want}(…)`],
    });
  }

  #isArgument(name: string): boolean {
    return (
      this.signature.statics.some((p) => p.name.name === name) ||
      this.signature.parameters.some((p) => p.name.name === name)
    );
  }

  /** A size that the signature may mention: bound already, or static in the enclosing model; never a name of the file. */
  #known(name: string): boolean {
    const scope = this.env.find(name);
    return scope !== null && scope.kind !== "file" && scope.kind !== "builtin";
  }

  /** Every dimension is evaluated and compared; a number or boolean fills the named ones. */
  check(p: ast.Parameter, given: Span | undefined): void {
    const { e, env } = this;
    const { what } = this.signature;
    const value = env.own(p.name.name)!;
    if (value.kind === "unknown") return;
    const dims = p.type.dimensions!.filter((d) => d.kind === "size");
    if (!isRunning(value)) {
      env.set(p.name.name, this.#fill(p, value, dims, given));
      return;
    }
    const shape = value.kind === "element" ? [] : value.type.shape;
    const tail = shape.slice(shape.length - dims.length);
    let assumed = false;
    const wanted = dims.map((d, i) => {
      const n = tail[i]!;
      if (isAnySize(d.size)) return n;
      const s = e.size(d.size, env, `${what}: a size of ${p.name.name}`);
      if (s === null) return n;
      if (d.bound) this.#bound(p, d.size, n, e.size(d.bound, env, "a bound"), given);
      if (s === n) return s;
      if (!e.ctx.agrees(s, n)) this.#differs(p, d, n, s, value, given);
      assumed = true;
      return s;
    });
    if (assumed) {
      const pack = shape.slice(0, shape.length - dims.length);
      env.set(p.name.name, { ...value, ...e.ctx.assume({ element: value.type.element, shape: [...pack, ...wanted] }) });
    }
  }

  #bound(p: ast.Parameter, text: ast.Expression, n: Size, limit: Size | null, given: Span | undefined): void {
    if (limit === null || isAtMost(n, limit)) return;
    if (this.e.ctx.abstract && rangeOf(sub(n, limit)).min <= 0) return;
    fail(
      "E0412",
      `${this.signature.what}: ${this.e.text(text)} of ${p.name.name} is ${render(n)}, but at most ${render(limit)}`,
      { at: given },
    );
  }

  #differs(
    p: ast.Parameter,
    d: { readonly size: ast.Expression; readonly span: Span },
    n: Size,
    s: Size,
    value: Value,
    given: Span | undefined,
  ): never {
    const { e, env } = this;
    const written = e.text(d.size);
    const origins = e.namesIn(d.size).flatMap((name) => {
      const origin = env.originOf(name);
      return origin ? [{ span: origin.span, text: origin.text }] : [];
    });
    const parts: DiagnosticParts & { at?: Span } = {
      label: describe(value),
      labels: [{ span: p.span, text: `${p.name.name} is declared here` }, ...origins],
      notes: e.ctx.origins(n, s),
      help: e.ctx.unproven(n, s),
    };
    const is = written === render(s) ? written : `${written} = ${render(s)}`;
    return fail(
      "E0302",
      `${this.signature.what}: ${p.name.name} has the size ${render(n)} where ${is} is declared`,
      given ? { ...parts, at: given } : parts,
    );
  }

  #fill(
    p: ast.Parameter,
    value: Value,
    dims: readonly { readonly size: ast.Expression }[],
    given: Span | undefined,
  ): Value {
    const { e, env } = this;
    const kind = p.type.element as ElementType;
    const n = numberOf(value);
    if ((value.kind === "boolean") !== (kind === "bool"))
      fail("E0307", `${this.signature.what}: ${p.name.name} is a tensor of ${kind}; ${describe(value)} is given`, {
        at: given,
      });
    const shape = dims.map((d) => e.size(d.size, env, `${this.signature.what}: a size of ${p.name.name}`));
    if (shape.some((s) => s === null)) return { kind: "unknown" };
    if (n === null) return { kind: "unknown" };
    if (kind === "i32" && !Number.isInteger(n))
      fail("E0306", `${this.signature.what}: ${p.name.name} is i32; ${describe(value)} is given`, { at: given });
    return filled(e.ctx, n, kind, shape as Size[]);
  }

  /** The broadcast of what `...` stands for in the arguments. */
  rest(): Size[] {
    if (this.#packs.length === 0) return [];
    return broadcastShapes(this.e.ctx, this.#packs, `${this.signature.what}: the leading axes of the arguments`);
  }
}
