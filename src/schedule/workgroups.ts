/**
 * Brings a kernel whose loops are spread over invocations into workgroups of some number of lanes, so that it can run beside
 * one that was made for those: the innermost loops become lanes as far as there are lanes for them.
 *
 * Needs outermost loops that are all `parallel`. Guarantees: an iteration does what it did; a lane has one at most.
 */
import type { Kernel, Statement } from "../ir/kernel/index.js";
import { constantOf, exactDivide, size } from "../sizes/index.js";
import { Draft } from "./draft.js";
import type { Loop } from "./rewrite.js";

/** The body in workgroups; null where it cannot be had. */
export function inWorkgroups(kernel: Kernel, lanes: number): readonly Statement[] | null {
  const draft = new Draft(kernel);
  const isTaken = draft.try(() => {
    for (const each of kernel.body) if (each.kind === "for") spreadNest(draft, nestOf(each), lanes);
  }, true);
  return isTaken ? draft.kernel.body : null;
}

/** The loops from the outermost on that are each all that the one around them holds. */
function nestOf(outermost: Loop): readonly Loop[] {
  const nest = [outermost];
  for (;;) {
    const [only, ...others] = nest.at(-1)!.body;
    if (only?.kind !== "for" || only.loop !== "parallel" || others.length > 0) return nest;
    nest.push(only);
  }
}

/** @throws ScheduleError where a step must not be taken. */
function spreadNest(draft: Draft, nest: readonly Loop[], lanes: number): void {
  const around = nest.map(({ variable }) => variable.name);
  const within: string[] = [];
  let free = lanes;
  while (around.length > 1) {
    const extent = constantOf(nest[around.length - 1]!.extent);
    if (extent === null || extent > free) break;
    free = Math.floor(free / extent);
    within.unshift(around.pop()!);
  }
  if (within.length === 0) {
    const { extent, variable } = nest.at(-1)!;
    const factor = Math.min(lanes, constantOf(extent) ?? lanes);
    const tail = exactDivide(extent, size(factor)) === null ? "guard" : "exact";
    const names = [draft.fresh(`${variable.name}o`), draft.fresh(`${variable.name}i`)] as const;
    draft.take({ step: "split", loop: variable.name, factor, tail, names, copies: [] });
    around.splice(-1, 1, names[0]);
    within.push(names[1]);
  }
  for (const loop of around) draft.take({ step: "mark", loop, kind: "grid.x" });
  for (const loop of within) draft.take({ step: "mark", loop, kind: "lane.x" });
}
