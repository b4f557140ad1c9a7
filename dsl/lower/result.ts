/** The value of a body against the declared type of its result. */
import type { ElementType } from "../../src/ir/graph/index.js";
import type { Size } from "../../src/sizes/index.js";
import type { Environment } from "../check/environment.js";
import { isStaticType } from "../check/syntax-facts.js";
import { describe, isRunning, numberOf, shapeText, type Value } from "../check/values.js";
import type * as ast from "../syntax/index.js";
import { fail } from "./context.js";
import type { Elaborator } from "./elaborator.js";
import { staticValue } from "./match.js";
import { cast, element, filled } from "./operators.js";

/** Checks a body's value against the declared result; a number fills it. */
export function result(
  e: Elaborator,
  what: string,
  type: ast.Type,
  v: Value,
  env: Environment,
  pack: readonly Size[],
): Value {
  if (v.kind === "unknown") return v;
  if (isStaticType(type, false)) return staticValue(e, `the result of ${what}`, type, v, env);
  const sizes = type.dimensions!.map((d) =>
    d.kind === "size" ? e.size(d.size, env, `${what}: a size of the result`) : null,
  );
  const unknownSize = type.dimensions!.some((d, i) => d.kind === "size" && sizes[i] === null);
  if (unknownSize) return v;
  const wanted = type.dimensions!.flatMap((d, i) => (d.kind === "rest" ? pack : [sizes[i]!]));
  const kind = type.element as ElementType;
  if (!isRunning(v)) {
    const n = numberOf(v);
    if (n === null || (v.kind === "boolean") !== (kind === "bool"))
      fail("E0303", `${what} gives ${kind}${shapeText(wanted)}; its body gives ${describe(v)}`, { at: type.span });
    return filled(e.ctx, n, kind, wanted);
  }
  const have = v.kind === "element" ? [] : v.type.shape;
  const written = e.text(type);
  const computed = `${kind}${shapeText(wanted)}`;
  const declared = computed.endsWith(written) ? written : `${written} = ${computed}`;
  if (have.length !== wanted.length || !have.every((n, i) => e.ctx.agrees(n, wanted[i]!))) {
    const differing = have.length === wanted.length ? have.findIndex((n, i) => !e.ctx.agrees(n, wanted[i]!)) : -1;
    fail("E0303", `${what} gives ${declared}; its body gives ${v.type.element}${shapeText(have)}`, {
      labels: [{ span: type.span, text: "declared here" }],
      notes: differing >= 0 ? e.ctx.origins(have[differing]!, wanted[differing]!) : [],
      help: differing >= 0 ? e.ctx.unproven(have[differing]!, wanted[differing]!) : [],
    });
  }
  if (v.kind === "element" && v.type.element === "i32" && kind === "f32")
    return element(v.comprehension, cast(e.ctx, v, "f32"), { fromData: v.fromData });
  if (v.type.element !== kind)
    fail("E0303", `${what} gives ${kind}; its body gives ${v.type.element}`, {
      labels: [{ span: type.span, text: "declared here" }],
      help: [`convert with ${kind === "bool" ? "a comparison" : `${kind}(…)`}`],
    });
  if (v.kind === "tensor" && have.some((n, i) => n !== wanted[i]))
    return { ...v, ...e.ctx.assume({ element: kind, shape: wanted }) };
  return v;
}
