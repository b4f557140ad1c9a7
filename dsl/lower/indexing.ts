/** Indexing: lists, NumPy's indices and slices of tensors, and the elements that a comprehension reads. */

import {
  add,
  bindingOf,
  constantOf,
  evaluate,
  isNonNegative,
  rangeOf,
  render,
  type Size,
  size,
  sub,
  variablesOf,
} from "../../src/sizes/index.js";
import type { Environment } from "../check/environment.js";
import {
  describe,
  type ElementValue,
  integer,
  isRunning,
  type TensorValue,
  tensor,
  typeText,
  unknown,
  type Value,
  type Wire,
} from "../check/values.js";
import type * as ast from "../syntax/index.js";
import { fail } from "./context.js";
import type { Elaborator } from "./elaborator.js";
import { casesOf } from "./indices.js";
import { constant, dropAxis, element, slice } from "./operators.js";
import { knownWhole, sizeOf } from "./statics.js";

type Subscript = ast.ExpressionOf<"index">["subscripts"][number];

/** A subscript with what it says. */
type Item =
  | { readonly kind: "rest"; readonly node: Subscript }
  | { readonly kind: "range"; readonly low: Value | null; readonly high: Value | null; readonly node: Subscript }
  | { readonly kind: "at"; readonly value: Value; readonly node: Subscript };

export function index(e: Elaborator, node: ast.ExpressionOf<"index">, env: Environment): Value {
  const value = e.expression(node.value, env);
  const items = node.subscripts.map((s): Item => {
    if (s.kind === "rest") return { kind: "rest", node: s };
    if (s.kind === "at") return { kind: "at", value: e.expression(s.index, env), node: s };
    return {
      kind: "range",
      low: s.low && e.expression(s.low, env),
      high: s.high && e.expression(s.high, env),
      node: s,
    };
  });
  if (value.kind === "unknown" || items.some(isUnknown)) return unknown;
  if (value.kind === "list" || value.kind === "tuple") return item(e, value.items, items, node);
  if (value.kind !== "tensor") return fail("E0307", `${describe(value)} has no elements to index`);
  if (items.some((i) => i.kind === "at" && i.value.kind === "element")) return read(e, value, items);
  return select(e, value, items);
}

function isUnknown(i: Item): boolean {
  if (i.kind === "at") return i.value.kind === "unknown";
  return i.kind === "range" && (i.low?.kind === "unknown" || i.high?.kind === "unknown");
}

/** One item of a list. */
function item(e: Elaborator, list: readonly Value[], items: readonly Item[], node: ast.ExpressionOf<"index">): Value {
  const [only] = items;
  if (items.length !== 1 || only?.kind !== "at") return fail("E0313", "a list has one index", { at: node.span });
  const i = knownWhole(e.ctx, only.value, "the index of a list");
  if (i === null) return unknown;
  const found = list[i < 0 ? i + list.length : i];
  return found ?? fail("E0410", `the index ${i} is outside 0 … ${list.length - 1}`, { at: only.node.span });
}

/** NumPy's indexing: each subscript takes an axis, `...` all that are left. */
function select(e: Elaborator, x: TensorValue, items: readonly Item[]): Value {
  const rests = items.filter((i) => i.kind === "rest").length;
  const rank = x.type.shape.length;
  const named = items.length - rests;
  if (rests > 1) fail("E0313", "... stands once in an index list");
  if (named > rank)
    fail(
      "E0313",
      `${named} ${named === 1 ? "index" : "indices"} for the ${rank} ${rank === 1 ? "axis" : "axes"} of ${describe(x)}`,
    );
  const gathers = items.filter((i) => i.kind === "at" && isRunning(i.value));
  if (gathers.length > 1)
    fail("E0313", "an index list holds at most one i32 tensor", {
      at: gathers[1]!.node.span,
      help: ["a comprehension reads by several"],
    });
  let wire: Wire = x;
  let axis = 0;
  for (const i of items) {
    if (i.kind === "rest") {
      axis += rank - named;
      continue;
    }
    const n = wire.type.shape[axis]!;
    if (i.kind === "range") {
      wire = ranged(e, wire, axis, n, i);
      axis++;
    } else if (isRunning(i.value)) {
      if (i.value.type.element !== "i32")
        fail("E0308", `an index is i32, not ${i.value.type.element}`, {
          at: i.node.span,
          help: ["convert with i32(…)"],
        });
      wire = e.ctx.emit("take", [wire, i.value], { axis });
      axis += i.value.type.shape.length;
    } else {
      const at = fixed(e, n, i.value, i.node);
      if (at === null) return unknown;
      wire = dropAxis(e.ctx, slice(e.ctx, wire, axis, at, size(1)), axis);
    }
  }
  return tensor(wire, x.fill);
}

/** The elements from `low` to before `high`, which lie inside the axis. */
function ranged(e: Elaborator, wire: Wire, axis: number, n: Size, i: Extract<Item, { kind: "range" }>): Wire {
  const end = (v: Value | null, otherwise: Size): Size => {
    const s = v === null ? otherwise : (sizeOf(v, "the end of a slice") ?? otherwise);
    return rangeOf(s).max < 0 ? add(n, s) : s;
  };
  const [from, to] = [end(i.low, size(0)), end(i.high, n)];
  const text = `the slice ${render(from)}:${render(to)}`;
  const inside = (left: Size, what: string) => {
    const never = rangeOf(left).max < 0;
    if (isNonNegative(left) || (e.ctx.abstract && !never)) return;
    fail("E0315", never ? `${text} ${what.replace(" ", "s ")}` : `${text} may ${what}`, {
      at: i.node.span,
      help: never ? [] : settled(left),
    });
  };
  inside(from, "begin before the axis");
  inside(sub(to, from), "end before it begins");
  inside(sub(n, to), `leave an axis of ${render(n)}`);
  return slice(e.ctx, wire, axis, from, sub(to, from));
}

/** How far a bound is looked for. */
const mostTried = 4096;

/** What the program may say so that a size is never negative: a bound of its one variable, or an assert. */
export function settled(left: Size): string[] {
  const [v, other] = variablesOf(left);
  if (!v || other) return [];
  const [zero, one] = [0, 1].map((steps) => evaluate(left, () => steps * v.step)) as [number, number];
  if (one < zero) {
    const most = Math.floor(zero / (zero - one)) * v.step;
    return [`give ${v.name} a bound where the entry declares it: ${v.name} <= ${most}`];
  }
  // With a quotient, as in T // 2 - 1, the size grows in jumps.
  let least = 0;
  while (least < mostTried && evaluate(left, () => least * v.step) < 0) least++;
  return least < mostTried ? [`assert ${v.name} >= ${least * v.step} in the entry says so`] : [];
}

/** A static index, counted from the end if negative. An axis of run-time size must then not be empty. */
function fixed(e: Elaborator, n: Size, v: Value, node: Subscript): Size | null {
  const written = sizeOf(v, "an index");
  if (written === null) return null;
  const at = rangeOf(written).max < 0 ? add(n, written) : written;
  const room = sub(sub(n, 1), at);
  const [low, high] = [rangeOf(at), rangeOf(room)];
  if (low.max < 0 || high.max < 0)
    fail("E0314", `the index ${render(written)} is outside an axis of ${render(n)}`, { at: node.span });
  if (isNonNegative(at) && isNonNegative(room)) return at;
  if (e.ctx.abstract) return at;
  const [k, binding] = [constantOf(written), bindingOf(n)];
  if (k !== null && binding) {
    e.ctx.requirements.atLeast(binding.variable, Math.ceil((k < 0 ? -k : k + 1) / binding.times));
    return at;
  }
  return fail("E0314", `the index ${render(written)} may leave an axis of ${render(n)}`, {
    at: node.span,
    help: ["an assert in the entry states a bound"],
  });
}

// ---- elements

/** One element, read in a comprehension: every axis has an index, each provably inside or clamped. */
function read(e: Elaborator, x: TensorValue, items: readonly Item[]): Value {
  const { shape } = x.type;
  if (items.length !== shape.length || items.some((i) => i.kind !== "at"))
    fail(
      "E0313",
      `a comprehension works on elements: ${typeText(x.type)} needs an index for each of its ${shape.length} axes`,
    );
  const values = items.map((i) => (i as Extract<Item, { kind: "at" }>).value);
  const first = values.find((v): v is ElementValue => v.kind === "element")!;
  const wires = values.map((v, axis): Wire => {
    const at = items[axis]!.node.span;
    return e.ctx.guard(at, null, () => elementIndex(e, v, shape[axis]!, first)) ?? constant(e.ctx, 0, "i32");
  });
  return element(first.comprehension, e.ctx.emit("element", [x, ...wires], {}));
}

function elementIndex(e: Elaborator, v: Value, n: Size, first: ElementValue): Wire {
  const { ctx } = e;
  if (isRunning(v)) {
    if (v.type.element !== "i32")
      fail("E0308", `an index is i32, not ${v.type.element}`, { help: ["i32(x) truncates, floor(x) rounds down"] });
    if (v.kind === "element" && v.comprehension !== first.comprehension)
      fail("E0316", "a comprehension inside another cannot use its indices");
    if (v.kind === "tensor" && v.type.shape.length > 0)
      fail("E0316", `an index inside a comprehension is one element, not ${describe(v)}`);
    if (v.kind === "tensor" || v.fromData) return v;
  }
  const cases = casesOf(isRunning(v) ? v : integer(sizeOf(v, "an index") ?? size(0)));
  const facts = first.comprehension.facts;
  if (!cases) {
    if (!ctx.abstract)
      fail("E0314", `this index cannot be proven to lie in an axis of ${render(n)}`, {
        help: ["minimum(maximum(i, 0), n - 1) keeps it inside; an if around the read proves it"],
      });
  } else
    for (const c of cases) {
      const known = [...facts, ...c.facts];
      const room = sub(sub(n, 1), c.value);
      if (isNonNegative(c.value, known) && isNonNegative(room, known)) continue;
      const [low, high] = [rangeOf(c.value), rangeOf(room)];
      if (ctx.abstract && low.max >= 0 && high.max >= 0) continue;
      const leaves = !isNonNegative(c.value, known) ? "below 0" : `past ${render(sub(n, 1))}`;
      fail("E0314", `the index ${render(c.value)} may lie ${leaves}, outside an axis of ${render(n)}`, {
        notes: [`it goes from ${low.min} to ${Number.isFinite(low.max) ? low.max : "no known end"}`].filter(() =>
          Number.isFinite(low.min),
        ),
        help: ["an if around the read keeps it inside: if 0 <= i < n then x[i] else 0"],
      });
    }
  if (isRunning(v)) return v;
  const known = constantOf((v as { size: Size }).size ?? size(0));
  return known === null ? ctx.emit("size", [], { value: (v as { size: Size }).size }) : constant(ctx, known, "i32");
}
