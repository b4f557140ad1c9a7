/** `a @ b`: the last axis of a against the axis before the last of b; leading axes broadcast, as in NumPy. */

import { constantOf, render, type Size } from "../../src/sizes/index.js";
import { describe, isRunning, type TensorValue, tensor, type Value, type Wire } from "../check/values.js";
import type * as ast from "../syntax/index.js";
import { fail } from "./context.js";
import type { Elaborator } from "./elaborator.js";
import { broadcastShapes } from "./operators.js";

/** Elaborates a matrix product. Fails unless both are f32 or f16 (or i32) tensors whose inner sizes agree. */
export function matmul(e: Elaborator, node: ast.ExpressionOf<"binary">, a: Value, b: Value): Value {
  const { ctx } = e;
  const labels = [
    { span: node.left.span, text: describe(a) },
    { span: node.right.span, text: describe(b) },
  ];
  const at = node.operatorSpan;
  for (const v of [a, b]) {
    if (v.kind === "tensor") continue;
    const element = isRunning(v) ? { help: ["inside a comprehension write sums over an axis outside of it"] } : {};
    fail("E0307", `@ multiplies two tensors, not ${describe(v)}`, { at, ...element });
  }
  const [x, y] = [a as TensorValue, b as TensorValue];
  const [p, q] = [x.type.shape, y.type.shape];
  if (x.type.element !== y.type.element)
    fail("E0306", `@: ${x.type.element} and ${y.type.element} do not mix`, {
      at,
      labels,
      help: ["convert one with f32(…)"],
    });
  if (x.type.element === "bool") fail("E0307", "@ does not take booleans", { at, labels });
  if (p.length === 0 || q.length === 0)
    fail("E0318", `@ needs at least one axis on either side: ${describe(p.length === 0 ? x : y)}`, { at, labels });
  const inner = p.at(-1)!;
  const other = q.length === 1 ? q[0]! : q.at(-2)!;
  if (!ctx.agrees(inner, other)) {
    const swapped = q.length >= 2 && q.at(-1) === inner;
    fail(
      "E0304",
      `cannot multiply ${x.type.element}[${p.map(render).join(", ")}] by ${y.type.element}[${q.map(render).join(", ")}]: the inner sizes ${render(inner)} and ${render(other)} differ`,
      {
        at,
        labels,
        notes: ctx.origins(inner, other),
        help: [
          ...(swapped ? [`${transposed(e, node.right)} has ${render(inner)} rows`] : []),
          ...ctx.unproven(inner, other),
        ],
      },
    );
  }
  return tensor(contract(e, x, y, at));
}

/** The transpose of an expression, as one would write it. */
function transposed(e: Elaborator, x: ast.Expression): string {
  return x.kind === "transpose" ? e.text(x.value) : `${e.text(x)}.T`;
}

function contract(e: Elaborator, x: Wire, y: Wire, at: ast.Expression["span"]): Wire {
  const { ctx } = e;
  const [p, q] = [x.type.shape, y.type.shape];
  const [lead, other] = [p.slice(0, Math.max(0, p.length - 2)), q.slice(0, Math.max(0, q.length - 2))];
  const batch = ctx.guard(at, null, () => broadcastShapes(ctx, [lead, other], "@: the leading axes"));
  if (batch === null) return ctx.emit("constant", [], { value: 0, element: x.type.element });
  const n = batch.length;
  const label = { rows: n, inner: n + 1, columns: n + 2 };
  const axes = (shape: readonly Size[], last: readonly number[]) => [
    ...shape.map((_, i) => n - shape.length + i),
    ...last,
  ];
  const left = axes(lead, p.length === 1 ? [label.inner] : [label.rows, label.inner]);
  const right = axes(other, q.length === 1 ? [label.inner] : [label.inner, label.columns]);
  const output = [...batch.keys(), ...(p.length === 1 ? [] : [label.rows]), ...(q.length === 1 ? [] : [label.columns])];
  const aligned = ctx.abstract ? assumed(e, y, right, [...batch, null, p.at(-1)!, null]) : y;
  const first = ctx.abstract ? assumed(e, x, left, [...batch, null, null, null]) : x;
  return ctx.emit("einsum", [first, aligned], { inputs: [left, right], output });
}

/** In an abstract check: the same value with the sizes of its labels, where they are given. */
function assumed(e: Elaborator, wire: Wire, labels: readonly number[], sizes: readonly (Size | null)[]): Wire {
  const shape = wire.type.shape.map((s, i) => (constantOf(s) === 1 ? s : (sizes[labels[i]!] ?? s)));
  return shape.every((s, i) => s === wire.type.shape[i]) ? wire : e.ctx.assume({ element: wire.type.element, shape });
}
