/**
 * Operators on tensors and elements: element types are brought together, shapes broadcast, and the operator emitted.
 *
 * Both kinds of value are wires of the graph; an element is a tensor over the index space of its comprehension, and
 * carries in addition what is known of it as an index (indices.ts).
 */
import type { BinaryOperator, ElementType, UnaryOperator } from "../../src/ir/graph/index.js";
import { isFloat } from "../../src/ir/graph/index.js";
import { constantOf, render, type Size, size } from "../../src/sizes/index.js";
import {
  type Comprehension,
  describe,
  type ElementValue,
  isRunning,
  numberOf,
  shapeText,
  type TensorValue,
  tensor,
  typeText,
  type Value,
  type Wire,
} from "../check/values.js";
import { type Context, fail } from "./context.js";
import { casesOf, combineCases, selectCases, truthOf } from "./indices.js";

const one = size(1);

/** A constant of rank 0. Fails for a whole number that i32 does not hold. */
export function constant(ctx: Context, value: number, element: ElementType): Wire {
  if (element === "i32" && (value | 0) !== value && !Object.is(value, -0))
    fail("E0306", `${value} is no number of type i32`, {
      notes: ["i32 holds whole numbers from -2147483648 to 2147483647"],
    });
  return ctx.emit("constant", [], { value, element });
}

export function cast(ctx: Context, wire: Wire, to: ElementType): Wire {
  return wire.type.element === to ? wire : ctx.emit("cast", [wire], { to });
}

/** A static number as a value of rank 0; a run-time size becomes one that is computed. */
export function lift(ctx: Context, v: Value, element: ElementType): Wire {
  const known = numberOf(v);
  if (known !== null) return constant(ctx, known, element);
  if (v.kind === "integer") return cast(ctx, ctx.emit("size", [], { value: v.size }), element);
  return fail("E0307", `${describe(v)} is no number`);
}

/** The result of an operator on several values: an element if any of them is one. */
function wrap(operands: readonly Value[], wire: Wire, parts: Partial<ElementValue> = {}): TensorValue | ElementValue {
  const elements = operands.filter((v): v is ElementValue => v.kind === "element");
  const first = elements[0];
  if (!first) return tensor(wire);
  return {
    kind: "element",
    ...wire,
    comprehension: first.comprehension,
    cases: null,
    truth: null,
    fromData: elements.some((e) => e.fromData) || operands.some((v) => v.kind === "tensor"),
    ...parts,
  };
}

/** An element of a comprehension, from a wire over its index space. */
export function element(comprehension: Comprehension, wire: Wire, parts: Partial<ElementValue> = {}): ElementValue {
  return { kind: "element", ...wire, comprehension, cases: null, truth: null, fromData: true, ...parts };
}

/**
 * Brings operands to one element type: static numbers take the type that they meet; in a comprehension i32 becomes f32
 * where it meets f32.
 */
export function together(
  ctx: Context,
  operands: readonly Value[],
  what: string,
): { wires: Wire[]; element: ElementType } {
  for (const v of operands)
    if (!isRunning(v) && numberOf(v) === null && v.kind !== "integer")
      fail("E0307", `${what} does not take ${describe(v)}`);
  const running = operands.filter(isRunning);
  const elements = running.filter((v) => v.kind === "element");
  const inComprehension = elements.length > 0;
  if (new Set(elements.map((e) => e.comprehension)).size > 1)
    fail("E0316", `${what}: a comprehension inside another cannot use its indices`, {
      help: ["give the inner one all indices"],
    });
  if (inComprehension) {
    const whole = running.find((v) => v.kind === "tensor" && v.type.shape.length > 0);
    if (whole)
      fail("E0316", `${what} meets ${describe(whole)} inside a comprehension, which works on elements`, {
        help: ["index the tensor on every axis"],
      });
  }
  const kinds = new Set(running.map((v) => v.type.element));
  let kind = [...kinds][0] ?? "f32";
  if (kinds.size > 1) {
    if (inComprehension && kinds.size === 2 && kinds.has("i32") && kinds.has("f32")) kind = "f32";
    else
      fail("E0306", `${what}: ${[...kinds].sort().join(" and ")} do not mix`, {
        notes: running.map((v) => `one operand is ${describe(v)}`).slice(0, 3),
        help: [
          kinds.has("bool")
            ? "a comparison makes booleans of numbers, where(…) or f32(…) numbers of booleans"
            : "convert one with f32(…), i32(…) or f16(…)",
        ],
      });
  }
  const fraction = operands.find((v) => v.kind === "float");
  if (kind === "i32" && fraction) {
    if (!inComprehension)
      fail("E0306", `${what}: an i32 tensor and ${describe(fraction)} do not mix`, {
        help: ["convert the tensor with f32(…)"],
      });
    kind = "f32";
  }
  for (const v of operands)
    if (!isRunning(v) && (v.kind === "boolean") !== (kind === "bool"))
      fail("E0306", `${what}: ${kind} and ${describe(v)} do not mix`, {
        help:
          kind === "bool"
            ? ["a comparison makes booleans of numbers"]
            : ["where(condition, 1, 0) makes numbers of booleans"],
      });
  const wires = operands.map((v) => (isRunning(v) ? cast(ctx, v, kind) : lift(ctx, v, kind)));
  return { wires, element: kind };
}

/**
 * The shape that several broadcast to, as in NumPy: right-aligned, where the constant 1 repeats. In an abstract check
 * sizes that may agree do. Fails with both shapes.
 */
export function broadcastShapes(ctx: Context, shapes: readonly (readonly Size[])[], what: string): Size[] {
  const rank = Math.max(0, ...shapes.map((s) => s.length));
  return Array.from({ length: rank }, (_, axis) => {
    let result: Size = one;
    for (const shape of shapes) {
      const n = shape[axis - rank + shape.length];
      if (n === undefined || n === one || n === result) continue;
      if (result === one) result = n;
      else if (!ctx.agrees(result, n))
        fail(
          "E0305",
          `${what}: ${shapes.map(shapeText).join(" and ")} do not broadcast: ${render(result)} meets ${render(n)}`,
          {
            notes: ["axes are aligned from the right; only a size of 1 repeats", ...ctx.origins(result, n)],
            help: ctx.unproven(result, n),
          },
        );
    }
    return result;
  });
}

/** In an abstract check, makes the sizes that only may agree the same, so that the graph can hold the operator. */
export function aligned(ctx: Context, wires: readonly Wire[], shape: readonly Size[]): Wire[] {
  if (!ctx.abstract) return [...wires];
  return wires.map((w) => {
    const offset = shape.length - w.type.shape.length;
    const wanted = w.type.shape.map((n, i) => (n === one ? n : shape[i + offset]!));
    return wanted.every((n, i) => n === w.type.shape[i]) ? w : ctx.assume({ element: w.type.element, shape: wanted });
  });
}

const words: Record<BinaryOperator, string> = {
  add: "+",
  sub: "-",
  mul: "*",
  div: "/",
  floor_div: "//",
  mod: "%",
  pow: "**",
  maximum: "maximum",
  minimum: "minimum",
  lt: "<",
  le: "<=",
  eq: "==",
  ne: "!=",
  and: "and",
  or: "or",
};

/**
 * An element-wise operator of two values, at least one of them a tensor or an element.
 * @param what the operator as it is written, where that is another: `a > b` is `b < a`
 */
export function binary(ctx: Context, operator: BinaryOperator, a: Value, b: Value, what = words[operator]): Value {
  const operands = operator === "div" ? [floats(ctx, a), floats(ctx, b)] : [a, b];
  const { wires, element: kind } = together(ctx, operands, what);
  const logical = operator === "and" || operator === "or";
  if (logical && kind !== "bool")
    fail("E0307", `${what} takes booleans, not ${describe(isRunning(a) && a.type.element !== "bool" ? a : b)}`, {
      help: ["compare first, as in x != 0"],
    });
  if (!logical && kind === "bool" && operator !== "eq" && operator !== "ne")
    fail("E0307", `${what} does not take booleans`, { help: ["f32(x) gives 0 and 1; where(x, a, b) chooses"] });
  const shape = broadcastShapes(
    ctx,
    wires.map((w) => w.type.shape),
    what,
  );
  if (operator === "add" && fillOf(b) === 0 && sameShape(wires[0]!, shape)) return a;
  if (operator === "add" && fillOf(a) === 0 && sameShape(wires[1]!, shape)) return b;
  const result = ctx.emit(operator, aligned(ctx, wires, shape), {});
  return wrap(operands, result, {
    cases: kind === "i32" ? combineCases(operator, operands) : null,
    truth: truthOf(operator, operands),
  });
}

function fillOf(v: Value): number | null {
  return v.kind === "tensor" ? v.fill : null;
}

function sameShape(wire: Wire, shape: readonly Size[]): boolean {
  return wire.type.shape.length === shape.length && wire.type.shape.every((n, i) => n === shape[i]);
}

/** `/` of i32 gives f32. */
function floats(ctx: Context, v: Value): Value {
  if (!isRunning(v) || v.type.element !== "i32") return v;
  return wrap([v], cast(ctx, v, "f32"), { fromData: v.kind === "element" && v.fromData });
}

/** An element-wise function of one tensor or element. */
export function unary(ctx: Context, operator: UnaryOperator, v: TensorValue | ElementValue, what: string): Value {
  let operand: Value = v;
  const kind = v.type.element;
  if (operator === "not") {
    if (kind !== "bool") fail("E0307", `not takes booleans, not ${describe(v)}`);
  } else if (kind === "bool") fail("E0307", `${what} does not take ${describe(v)}`, { help: ["f32(x) gives 0 and 1"] });
  else if (kind === "i32" && operator !== "abs" && operator !== "neg") {
    if (v.kind === "tensor") fail("E0307", `${what} takes f32, not ${describe(v)}`, { help: ["convert with f32(…)"] });
    operand = wrap([v], cast(ctx, v, "f32"), { fromData: v.fromData });
  }
  const result = ctx.emit(operator, [operand as Wire & Value], {});
  return wrap([operand], result, {
    fromData: v.kind === "element" && v.fromData,
    cases: kind === "i32" ? combineCases(operator, [v]) : null,
    truth:
      operator === "not" && v.kind === "element" && v.truth
        ? { whenTrue: v.truth.whenFalse, whenFalse: v.truth.whenTrue }
        : null,
  });
}

/** where(condition, yes, no). The condition is a tensor or an element of booleans. */
export function where(ctx: Context, condition: TensorValue | ElementValue, yes: Value, no: Value): Value {
  if (condition.type.element !== "bool")
    fail("E0307", `the condition of where is bool, not ${condition.type.element}`, {
      help: [condition.type.element === "i32" ? "write x != 0" : "write a comparison"],
    });
  const statics = [yes, no].filter((v) => !isRunning(v));
  const { wires } = statics.length === 2 ? { wires: bothStatic(ctx, yes, no) } : together(ctx, [yes, no], "where");
  const shape = broadcastShapes(ctx, [condition.type.shape, ...wires.map((w) => w.type.shape)], "where");
  if (condition.kind === "tensor" && condition.fill !== null) {
    const chosen = condition.fill ? yes : no;
    const wire = condition.fill ? wires[0]! : wires[1]!;
    if (isRunning(chosen) && sameShape(wire, shape)) return chosen;
  }
  const result = ctx.emit("where", aligned(ctx, [condition, ...wires], shape), {});
  const data = (v: Value) => v.kind === "tensor" || (v.kind === "element" && v.fromData);
  return wrap([condition, yes, no], result, {
    cases: result.type.element === "i32" ? selectCases(condition, casesOf(yes), casesOf(no)) : null,
    fromData: data(yes) || data(no),
  });
}

/** Two static values to choose from: both booleans, both whole, or f32. */
function bothStatic(ctx: Context, yes: Value, no: Value): Wire[] {
  if (yes.kind === "boolean" || no.kind === "boolean") {
    if (yes.kind !== no.kind) fail("E0306", `where: ${describe(yes)} and ${describe(no)} do not mix`);
    return [lift(ctx, yes, "bool"), lift(ctx, no, "bool")];
  }
  const kind = yes.kind === "integer" && no.kind === "integer" ? "i32" : "f32";
  return [lift(ctx, yes, kind), lift(ctx, no, kind)];
}

/** To another element type, by a call of i32, f32 or f16. */
export function convert(ctx: Context, v: TensorValue | ElementValue, to: ElementType): Value {
  const wire = cast(ctx, v, to);
  if (v.kind === "tensor") return tensor(wire);
  const stays = v.type.element === "i32" && to === "i32";
  return {
    ...v,
    ...wire,
    cases: stays ? v.cases : null,
    truth: null,
    fromData: v.fromData || (to === "i32" && isFloat(v.type.element)),
  };
}

/** The tensor of a shape that a number fills. */
export function filled(ctx: Context, value: number, kind: ElementType, shape: readonly Size[]): TensorValue {
  const scalar = constant(ctx, value, kind);
  return tensor(shape.length === 0 ? scalar : ctx.emit("broadcast", [scalar], { shape }), value);
}

/** Axis `axis` of a tensor, counted from the end if negative. Fails if there is none. */
export function axisOf(wire: Wire, axis: number, what: string): number {
  const rank = wire.type.shape.length;
  if (axis < -rank || axis >= rank)
    fail("E0310", `${what}: ${typeText(wire.type)} has no axis ${axis}`, {
      notes: [`its axes are 0 to ${rank - 1}, or -${rank} to -1`],
    });
  return axis < 0 ? axis + rank : axis;
}

/** The same tensor without an axis of size 1. */
export function dropAxis(ctx: Context, wire: Wire, axis: number): Wire {
  return ctx.emit("reshape", [wire], { shape: wire.type.shape.filter((_, i) => i !== axis) });
}

/** Part of one axis. */
export function slice(ctx: Context, wire: Wire, axis: number, start: Size, length: Size): Wire {
  return ctx.emit("slice", [wire], { axis, start, length });
}

/** Whether a size is the constant n. */
export function isConstant(s: Size, n: number): boolean {
  return constantOf(s) === n;
}
