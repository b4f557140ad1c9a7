/**
 * pad: lets the loops along a row of scores run a multiple of some number of times, so that tiles of it are all whole.
 *
 *   for s in 0..S: score[s] = …                        for s in 0..8*ceil(S / 8): score[s] = s < S ? … : -inf
 *   for i in 0..S: largest max= score[i]           →   for i in 0..8*ceil(S / 8): largest max= score[i]
 *   for j in 0..S: total += exp(score[j] - shift)      …
 *
 * Past the end the last key and the last value are read again, and count for nothing.
 *
 * Needs: a row as steps/rows.ts describes it. Guarantees: what is added is max(x, -inf) and x + 0 (x + 0 * v, where the
 * last value is a number).
 */
import { Buffer, binary, constant, index, type Kernel, type Statement, select } from "../../ir/kernel/index.js";
import { add, exactDivide, floorDiv, minimum, mul, type Size, size, sub } from "../../sizes/index.js";
import { ScheduleError } from "../errors.js";
import { loopNamed, requireMovable } from "../loops.js";
import { type Loop, loopOver, Rewriter } from "../rewrite.js";
import type { Step } from "../step.js";
import { rowOf } from "./rows.js";

export function pad(kernel: Kernel, step: Extract<Step, { step: "pad" }>): Kernel {
  const { factor } = step;
  const loop = loopNamed(kernel, step.loop, "pad");
  requireMovable(loop, "pad");
  if (!Number.isInteger(factor) || factor < 2) throw new ScheduleError("pad", `${factor} is no factor`);
  const { row, readers } = rowOf(kernel, loop, "pad");
  const end = loop.extent;
  if (exactDivide(end, size(factor)) !== null) {
    throw new ScheduleError("pad", `${factor} divides the extent of ${step.loop}: there is nothing to fill up`);
  }
  const padded = new Buffer(
    row.name,
    row.element,
    row.shape.map((each) => rounded(each, factor)),
    row.scope,
  );
  const over = ({ variable, body, loop: kind }: Loop): Loop =>
    loopOver(variable.name, rounded(end, factor), kind, (at) =>
      new Rewriter()
        .variable(variable, minimum(at, sub(end, 1)))
        .buffer(row, { buffer: padded, index: () => [index(at)] })
        .statements(body)
        .map((each): Statement => {
          if (each.kind !== "store" || each.buffer !== padded) return each;
          const isThere = binary("lt", index(at), index(end));
          return { ...each, value: select(isThere, each.value, constant(-Infinity, padded.element)) };
        }),
    );
  const chosen = new Set<Statement>([loop, ...readers]);
  const visit = (body: readonly Statement[]): readonly Statement[] =>
    body.map((each): Statement => {
      if (each.kind === "alloc") return each.buffer === row ? { kind: "alloc", buffer: padded } : each;
      if (each.kind === "for" && chosen.has(each)) return over(each);
      return each.kind === "for" || each.kind === "if" ? { ...each, body: visit(each.body) } : each;
    });
  return { ...kernel, body: visit(kernel.body) };
}

function rounded(extent: Size, factor: number): Size {
  return mul(floorDiv(add(extent, factor - 1), factor), factor);
}
