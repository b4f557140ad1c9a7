/** What a built-in function is: its documentation and an example, for the reference, and its elaboration. */
import { nearest, type Span } from "../../../src/diagnostics/index.js";
import { describe, type Given, numberOf, type TensorValue, type Value } from "../../check/values.js";
import type * as ast from "../../syntax/index.js";
import { type Context, fail } from "../context.js";
import { axisOf } from "../operators.js";
import { knownWhole } from "../statics.js";

/** The arguments of one call, none of them unknown. */
export interface BuiltinCall {
  readonly name: string;
  readonly positional: readonly Given[];
  readonly named: ReadonlyMap<string, Given & { readonly name: ast.Identifier }>;
  readonly span: Span;
}

export interface Builtin {
  /** The call with its types, as the reference prints it. */
  readonly signature: string;
  readonly documentation: string;
  /** A use that compiles: a fragment as in dsl/reference, whose first line may say what is given. */
  readonly example: string;
  readonly topic:
    | "Mathematics"
    | "Choice and conversion"
    | "Reductions"
    | "Shapes"
    | "Products"
    | "Search"
    | "Constants";
  readonly run: (ctx: Context, call: BuiltinCall) => Value;
}

/**
 * Checks the shape of a call: `names` are positional (and may be given by name), `options` are named only.
 * `rest` allows any number of further positional arguments.
 */
export function signature(
  call: BuiltinCall,
  names: readonly string[],
  options: readonly string[] = [],
): Map<string, Given> {
  const { name, positional, named } = call;
  const given = new Map<string, Given>();
  positional.forEach((g, i) => {
    const parameter = names[i];
    if (parameter === undefined) {
      const option = options[i - names.length];
      fail(
        "E0405",
        `${name} takes ${names.length} argument${names.length === 1 ? "" : "s"}${options.length ? ` and ${options.join(", ")} by name` : ""}; ${positional.length} are given`,
        {
          at: g.span,
          help:
            name === "max" || name === "min"
              ? [`${name} reduces one tensor; ${name}imum(a, b) works element by element`]
              : option
                ? [`write ${option} = …`]
                : [],
        },
      );
    }
    given.set(parameter, g);
  });
  for (const [key, g] of named) {
    if (!names.includes(key) && !options.includes(key)) {
      const all = [...names, ...options];
      const near =
        nearest(key, all) ?? (key === "dim" ? "axis" : key === "keepdim" || key === "keepdims" ? "keep" : null);
      fail("E0405", `${name} has no argument ${key}`, {
        at: g.name.span,
        help: near ? [] : [`its arguments are ${all.join(", ")}`],
        fixes: near ? [{ message: `write ${near}`, edits: [{ span: g.name.span, text: near }] }] : [],
      });
    }
    if (given.has(key)) fail("E0405", `${name}: ${key} is given twice`, { at: g.name.span });
    given.set(key, g);
  }
  const missing = names.find((n) => !given.has(n));
  if (missing) fail("E0404", `${name}: the argument ${missing} is missing`);
  return given;
}

/** An argument as a tensor. */
export function tensorArgument(call: BuiltinCall, g: Given): TensorValue {
  if (g.value.kind === "tensor") return g.value;
  return fail("E0307", `${call.name} works on a tensor, not on ${describe(g.value)}`, {
    at: g.span,
    help: g.value.kind === "element" ? ["a comprehension works on elements: use it outside, and index the result"] : [],
  });
}

/** The option `axis`, counted from the end if negative. */
export function axisOption(
  ctx: Context,
  call: BuiltinCall,
  x: TensorValue,
  given: ReadonlyMap<string, Given>,
  otherwise = -1,
): number {
  const g = given.get("axis");
  const axis = g ? knownWhole(ctx, g.value, `${call.name}: axis`) : otherwise;
  return axisOf(x, axis ?? otherwise, call.name);
}

/** The option `keep`. */
export function keepOption(call: BuiltinCall, given: ReadonlyMap<string, Given>): boolean {
  const g = given.get("keep");
  if (!g) return true;
  if (g.value.kind !== "boolean")
    fail("E0403", `${call.name}: keep is a static boolean; ${describe(g.value)} is given`, { at: g.span });
  return numberOf(g.value) === 1;
}

/** An argument as a string. */
export function stringArgument(call: BuiltinCall, g: Given, what: string): string {
  if (g.value.kind === "string") return g.value.value;
  return fail("E0403", `${call.name}: ${what} is a string; ${describe(g.value)} is given`, { at: g.span });
}
