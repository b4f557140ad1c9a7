/**
 * fold: makes one update of those of a few iterations.
 *
 *   for i in 0..2
 *     sum += x[i] * y[i]      →      sum += x[0] * y[0] + x[1] * y[1]
 *
 * Needs: a constant extent; a loop that does nothing but to add at a place that does not depend on it. Guarantees: the same
 * number of integers, which wrap around in whatever order they are added. Floats are added in another order, so that
 * results differ by rounding; the next update waits for one addition only.
 */
import { binary, distinctExpressions, type Expression, type Kernel } from "../../ir/kernel/index.js";
import { constantOf, render, size, variablesOf } from "../../sizes/index.js";
import { ScheduleError } from "../errors.js";
import { loopNamed, replaceLoops, requireMovable } from "../loops.js";
import { Rewriter } from "../rewrite.js";
import type { Step } from "../step.js";

/** More iterations than any instruction takes at once. */
const most = 16;

export function fold(kernel: Kernel, { loop: name }: Extract<Step, { step: "fold" }>): Kernel {
  const loop = loopNamed(kernel, name, "fold");
  requireMovable(loop, "fold");
  const count = constantOf(loop.extent) ?? 0;
  if (count < 1 || count > most) {
    throw new ScheduleError("fold", `${name} has ${render(loop.extent)} iterations, not 1 to ${most}`);
  }
  const [only, ...others] = loop.body;
  if (only?.kind !== "store" || others.length > 0 || only.update !== "add") {
    throw new ScheduleError("fold", `${name} does more, or other, than to add`);
  }
  const mentions = [...distinctExpressions(only.index)].some(
    (each) => each.kind === "index" && variablesOf(each.value).includes(loop.variable),
  );
  if (mentions) throw new ScheduleError("fold", `the place in ${only.buffer.name} depends on ${name}`);
  const reads = [...distinctExpressions([only.value])].some(
    (each) => each.kind === "load" && each.buffer === only.buffer,
  );
  if (reads) throw new ScheduleError("fold", `what is added in ${name} reads ${only.buffer.name}`);
  const terms = Array.from({ length: count }, (_, at): Expression => {
    return new Rewriter().variable(loop.variable, size(at)).expression(only.value);
  });
  const value = terms.reduce((sum, term) => binary("add", sum, term));
  return replaceLoops(kernel, [loop], () => [{ ...only, value }]);
}
