/**
 * layout: lays a private or workgroup buffer out anew, in the order of the given parts of its axes.
 *
 *   layout key 1 0               key: f32[S, D]  becomes  f32[D, S]
 *   layout key 0/8 1 0%8         key: f32[S, D]  becomes  f32[(S + 7) // 8, D, 8], panels of 8 rows
 *
 * Needs: every axis once, whole or as panels and the place in them by one factor. Guarantees: two elements that were
 * apart stay apart; what no element lies in is never read.
 */
import { allStatements, Buffer, type Kernel, layoutIndex, layoutProblem, layoutShape } from "../../ir/kernel/index.js";
import { ScheduleError } from "../errors.js";
import { Rewriter } from "../rewrite.js";
import type { Step } from "../step.js";

export function layout(kernel: Kernel, { buffer: name, layout }: Extract<Step, { step: "layout" }>): Kernel {
  const found = allStatements(kernel.body).filter((each) => each.kind === "alloc" && each.buffer.name === name);
  const [only, ...others] = found;
  if (only?.kind !== "alloc" || others.length > 0) {
    throw new ScheduleError("layout", `${kernel.name} allocates ${found.length} buffers called ${name}`);
  }
  const { element, shape, scope } = only.buffer;
  const problem = layoutProblem(layout, shape, false);
  if (problem !== null) throw new ScheduleError("layout", `${name}: ${problem}`);
  const buffer = new Buffer(name, element, layoutShape(layout, shape), scope);
  const rewriter = new Rewriter().buffer(only.buffer, { buffer, index: (at) => layoutIndex(layout, at) });
  return { ...kernel, body: rewriter.statements(kernel.body) };
}
