/**
 * The run-time sizes and the inputs of an entry.
 *
 * A size is introduced by the first axis that is its name, or a known multiple of it (`4 * N`): the run divides the axis
 * and finds it. Its range and step are what the declarations and the entry's requirements say together; sizes that are
 * required to be equal are one variable.
 */
import type { ElementType } from "../../src/ir/graph/index.js";
import {
  bindingOf,
  constantOf,
  isAtMost,
  leastCommonMultiple,
  render,
  type Size,
  SizeVariable,
  size,
} from "../../src/sizes/index.js";
import type { Environment } from "../check/environment.js";
import { type BoundName, boundName, isAnySize } from "../check/syntax-facts.js";
import { describe, integer, isNumber, numberOf, tensor } from "../check/values.js";
import type * as ast from "../syntax/index.js";
import { fail, type Requirements } from "./context.js";
import type { Elaborator } from "./elaborator.js";

type SizeDimension = Extract<ast.Dimension, { kind: "size" }>;

/** Declares an entry's run-time sizes and its inputs in `env`; `order` takes the variables in order of declaration. */
export function declareInputs(e: Elaborator, entry: ast.Entry, env: Environment, order: SizeVariable[]): void {
  const sizes = new Map<string, SizeVariable>();
  const isKnown = (name: string) => env.own(name) !== undefined || env.find(name)?.kind === "model";
  for (const p of entry.parameters)
    for (const d of p.type.dimensions ?? []) {
      if (d.kind === "rest")
        fail("E0402", "an entry names each axis of its inputs: ... cannot stand here", { at: d.span });
      if (d.kind !== "size") continue;
      if (isAnySize(d.size))
        fail("E0402", "an entry names each axis of its inputs: _ cannot stand here", { at: d.span });
      const bound = boundName(d.size, isKnown);
      if (!bound) {
        if (d.bound) furtherBound(e, d, d.bound, env);
        continue;
      }
      const { name } = bound.name;
      const v = sizeVariable(e, bound, d, env, sizes);
      if (!order.includes(v)) order.push(v);
      sizes.set(name, v);
      const { span } = bound.name;
      env.set(name, integer(size(v)), { span, text: `${name} is a run-time size of ${entry.name.name}` });
    }
  for (const p of entry.parameters) input(e, p, env);
}

/** The variable of a name that an axis binds: one that is there already, of a size that is required to be equal, or a new one. */
function sizeVariable(
  e: Elaborator,
  { name: { name }, factors }: BoundName,
  d: SizeDimension,
  env: Environment,
  sizes: ReadonlyMap<string, SizeVariable>,
): SizeVariable {
  const { requirements } = e.ctx;
  let times = 1;
  for (const factor of factors) {
    const s = e.size(factor, env, `a factor of ${name}`) ?? size(1);
    const known = constantOf(s);
    if (known === null)
      fail("E0402", `${e.text(d.size)} binds no size: its factor ${render(s)} is known only when running`, {
        at: d.span,
      });
    times *= known;
  }
  if (times < 1 || !Number.isSafeInteger(times))
    fail("E0417", `${e.text(d.size)} binds no size: the factor of ${name} is ${times}`, { at: d.span });
  const limit = d.bound ? e.knownWhole(d.bound, env, `the bound of ${e.text(d.size)}`) : null;
  const declared = limit === null ? Number.POSITIVE_INFINITY : Math.floor(limit / times);
  const names = [...requirements.sameAs(name)];
  const other = names.map((each) => sizes.get(each)).find((v) => v !== undefined);
  if (other) {
    if (Number.isFinite(declared)) requirements.atMost(other, declared);
    return other;
  }
  const { least, most, step } = asked(requirements, names);
  const highest = Math.min(declared, most);
  const v = new SizeVariable(name, least, Number.isFinite(highest) ? highest : null, step);
  if (Number.isFinite(highest) && constantOf(v.min)! > constantOf(v.max!)!) {
    const parts = [`at least ${least}`, `at most ${highest}`, ...(step > 1 ? [`a multiple of ${step}`] : [])];
    const help = ["what the entry declares and asserts, and what the blocks that it reaches ask, holds for no value"];
    fail("E0418", `no ${name} is ${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`, { at: d.span, notes: help });
  }
  return v;
}

/** What is required of a size that has these names. */
function asked({ least, most, steps }: Requirements, names: readonly string[]) {
  return {
    least: Math.max(...names.map((name) => least.get(name) ?? 0)),
    most: Math.min(...names.map((name) => most.get(name) ?? Number.POSITIVE_INFINITY)),
    step: names.map((name) => steps.get(name) ?? 1).reduce(leastCommonMultiple),
  };
}

/** A bound of an axis whose size is bound already. */
function furtherBound(e: Elaborator, d: SizeDimension, bound: ast.Expression, env: Environment): void {
  const [s, limit] = [e.size(d.size, env, "a size"), e.knownWhole(bound, env, `the bound of ${e.text(d.size)}`)];
  if (s === null || limit === null || isAtMost(s, limit)) return;
  const binding = bindingOf(s);
  if (!binding)
    fail("E0411", `${e.text(d.size)} <= ${e.text(bound)} cannot be required of the run-time sizes`, {
      at: d.span,
      notes: [`it is a bound of ${render(s)}`],
      help: ["a bound stands on one size, or on a multiple of one"],
    });
  e.ctx.requirements.atMost(binding.variable, Math.floor(limit / binding.times));
}

function input(e: Elaborator, p: ast.Parameter, env: Environment): void {
  // A second one of the name is reported by name resolution.
  if (env.own(p.name.name)) return;
  const { element, dimensions } = p.type;
  if (!dimensions || element === "int" || element === "float" || element === "string" || element === "fn")
    fail("E0217", `the input ${p.name.name} is a tensor: f32[] is one number`, { at: p.type.span });
  const shape: Size[] = [];
  for (const d of dimensions) {
    if (d.kind !== "size") fail("E0402", `an entry names each axis of its inputs`, { at: d.span });
    const s = e.size(d.size, env, `a size of ${p.name.name}`);
    if (s === null) {
      env.set(p.name.name, { kind: "unknown" });
      return;
    }
    shape.push(s);
  }
  let fill: number | null = null;
  if (p.default) {
    const v = e.expression(p.default, env);
    fill = numberOf(v);
    if (
      v.kind !== "unknown" &&
      (fill === null || (v.kind === "boolean") !== (element === "bool") || (!isNumber(v) && v.kind !== "boolean"))
    )
      fail("E0403", `the default of the input ${p.name.name} is a number that fills it; ${describe(v)} is given`, {
        at: p.default.span,
      });
  }
  const kind = element as ElementType;
  env.set(p.name.name, tensor(e.ctx.emit("input", [], { name: p.name.name, element: kind, shape, fill })));
}
