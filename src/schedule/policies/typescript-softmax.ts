/**
 * Softmax as JavaScript: what a row is made of is computed once per element, not for the maximum, for the total and for
 * the result anew, and so are its exponentials. A row's worth of numbers is small beside what they cost.
 */
import { allStatements, type Kernel, loadedBuffers } from "../../ir/kernel/index.js";
import { Draft } from "../draft.js";
import { ScheduleError } from "../errors.js";
import { loopsIn } from "../loops.js";
import type { Schedule } from "../step.js";

/** The steps for the softmaxes of a kernel; none if it has none. */
export function softmaxForTypeScript(kernel: Kernel): Schedule {
  const draft = new Draft(kernel);
  for (const { variable } of loopsIn(kernel.body)) {
    const loop = draft.loop(variable.name);
    const [only, ...others] = loop?.body ?? [];
    if (only?.kind !== "store" || others.length > 0 || only.index.length > 0 || only.buffer.scope !== "private")
      continue;
    const isRow = only.update === "max" && only.value.kind !== "load";
    const isTotal = only.update === "add" && only.value.kind === "unary" && only.value.operator === "exp";
    if (!isRow && !isTotal) continue;
    const [buffer, into, name] = [only.buffer.name, draft.fresh(isRow ? "row" : "share"), draft.fresh(variable.name)];
    draft.try(() => {
      draft.take({ step: "materialise", buffer, loop: variable.name, into, name });
      if (readers(draft.kernel, into) < 2) throw new ScheduleError("materialise", `nothing shares ${into}`);
    });
  }
  return draft.steps;
}

/** How many statements read a buffer of this name. */
function readers(kernel: Kernel, name: string): number {
  const stores = allStatements(kernel.body).filter((each) => each.kind === "store");
  return stores.filter((each) => [...loadedBuffers([each])].some((buffer) => buffer.name === name)).length;
}
