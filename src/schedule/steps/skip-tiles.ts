/**
 * skipTiles: lets the loops along a row of scores run only where the mask may let a score through.
 *
 *   for s in 0..S: score[s] = s <= t ? … : -inf         for s in 0..min(S, t + 1): score[s] = …
 *   for i in 0..S: largest max= score[i]                for i in 0..min(S, t + 1): largest max= score[i]
 *   for j in 0..S: total += exp(score[j] - shift)   →   for j in 0..min(S, t + 1): total += exp(score[j] - shift)
 *   for l in 0..S: sum += exp(score[l] - shift) * v[l]  …
 *
 * `over` names loops that the bounds must not depend on, as those that are to be sunk into the row's loops: the bounds are
 * then those of all their iterations together.
 *
 * Needs: a row that one loop fills with `select(mask, x, -inf)`, and that nothing reads but loops over the same extent,
 * each for maxima of it, or for sums of terms with the factor exp(row - shift), where the shift is never -inf. Guarantees:
 * what is left out is max(x, -inf) and x + 0 (x + 0 * v, where v is a number).
 */
import { type Buffer, index, type Kernel, type Statement } from "../../ir/kernel/index.js";
import { add, isAtMost, maximum, minimum, type Size, size, sub } from "../../sizes/index.js";
import { ScheduleError } from "../errors.js";
import { loopNamed, loopsIn, requireMovable } from "../loops.js";
import { type Loop, loopOver, Rewriter } from "../rewrite.js";
import type { Step } from "../step.js";
import { rowOf } from "./rows.js";
import { visibleBounds } from "./visible.js";

export function skipTiles(kernel: Kernel, step: Extract<Step, { step: "skipTiles" }>): Kernel {
  const loop = loopNamed(kernel, step.loop, "skipTiles");
  requireMovable(loop, "skipTiles");
  const { row, mask, readers } = rowOf(kernel, loop, "skipTiles");
  if (mask === null) throw new ScheduleError("skipTiles", `${row.name} is not masked with -inf`);
  const over = step.over.map((name) => {
    const outer = loopNamed(kernel, name, "skipTiles");
    if (!loopsIn(outer.body).includes(loop)) {
      throw new ScheduleError("skipTiles", `${step.loop} does not stand in ${name}`);
    }
    return outer.variable;
  });
  const { first, last } = visibleBounds(mask, loop.variable, over);
  const end = last === null ? loop.extent : larger(smaller(loop.extent, add(last, 1)), size(0));
  const begin = first === null ? size(0) : smaller(larger(first, size(0)), end);
  if (begin === size(0) && end === loop.extent) {
    throw new ScheduleError("skipTiles", `the mask of ${row.name} says nothing of ${step.loop} by its index alone`);
  }
  const count = sub(end, begin);
  const chosen = new Set<Statement>([loop, ...readers]);
  const visit = (body: readonly Statement[]): readonly Statement[] =>
    body.map((each): Statement => {
      if (each.kind === "for" && chosen.has(each)) return narrowed(each, row, begin, count);
      return each.kind === "for" || each.kind === "if" ? { ...each, body: visit(each.body) } : each;
    });
  return { ...kernel, body: visit(kernel.body) };
}

/** What is left of the row lies at its beginning, so that it is one that other steps know. */
function narrowed({ variable, loop, body }: Loop, row: Buffer, begin: Size, count: Size): Loop {
  return loopOver(variable.name, count, loop, (at) => {
    return new Rewriter()
      .variable(variable, add(begin, at))
      .buffer(row, { buffer: row, index: () => [index(at)] })
      .statements(body);
  });
}

function larger(a: Size, b: Size): Size {
  return isAtMost(a, b) ? b : isAtMost(b, a) ? a : maximum(a, b);
}

function smaller(a: Size, b: Size): Size {
  return isAtMost(a, b) ? a : isAtMost(b, a) ? b : minimum(a, b);
}
