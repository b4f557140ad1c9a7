/** Factors of what a buffer is updated with, that nothing under a loop changes. */
import {
  allStatements,
  type Buffer,
  distinctExpressions,
  type Expression,
  type Kernel,
  type Statement,
  storedBuffers,
} from "../../ir/kernel/index.js";
import { variablesOf } from "../../sizes/index.js";
import { ScheduleError } from "../errors.js";
import type { Loop, Store } from "../rewrite.js";
import type { Step } from "../step.js";

export interface Factor {
  readonly factor: Expression;
  /** The loops between the given one and the update, outer ones first. */
  readonly loops: readonly Loop[];
}

/** A factor of the only product that a buffer is updated with under a loop. @throws ScheduleError */
export function factorOf(
  kernel: Kernel,
  loop: Loop,
  { step, buffer, side }: { readonly step: Step["step"]; readonly buffer: string; readonly side: "left" | "right" },
): Factor {
  const { store, loops } = updateOf(loop, buffer, step);
  const { value } = store;
  if (value.kind !== "binary" || value.operator !== "mul") {
    throw new ScheduleError(step, `${buffer} of ${kernel.name} is not updated with a product`);
  }
  const factor = side === "left" ? value.left : value.right;
  requireConstant(loop, factor, buffer, step);
  return { factor, loops };
}

/** The loops that a factor depends on, outer ones first. */
export function axesOf(factor: Expression, loops: readonly Loop[]): readonly Loop[] {
  const used = new Set<Loop["variable"]>();
  for (const each of distinctExpressions([factor])) {
    if (each.kind === "index") for (const variable of variablesOf(each.value)) used.add(variable);
  }
  return loops.filter(({ variable }) => used.has(variable));
}

/** The only update of a buffer under a loop, with the loops in between, outer ones first. */
function updateOf(outer: Loop, name: string, step: Step["step"]): { store: Store; loops: readonly Loop[] } {
  const found: { store: Store; loops: readonly Loop[]; isGuarded: boolean }[] = [];
  const visit = (body: readonly Statement[], loops: readonly Loop[], isGuarded: boolean): void => {
    for (const each of body) {
      if (each.kind === "store" && each.buffer.name === name && each.update !== null) {
        found.push({ store: each, loops, isGuarded });
      }
      if (each.kind === "for") visit(each.body, [...loops, each], isGuarded);
      if (each.kind === "if") visit(each.body, loops, true);
    }
  };
  visit(outer.body, [], false);
  const [only, ...others] = found;
  if (only === undefined || others.length > 0) {
    throw new ScheduleError(step, `${outer.variable.name} updates ${name} at ${found.length} places, not at one`);
  }
  if (only.isGuarded) throw new ScheduleError(step, `${name} is updated under a condition`);
  return only;
}

/** @throws ScheduleError if what an expression reads is written or allocated in a loop. */
function requireConstant(loop: Loop, expression: Expression, name: string, step: Step["step"]): void {
  const changing = new Set<Buffer>(storedBuffers(loop.body));
  for (const each of allStatements(loop.body)) if (each.kind === "alloc") changing.add(each.buffer);
  for (const each of distinctExpressions([expression])) {
    if (each.kind !== "load" || !changing.has(each.buffer)) continue;
    throw new ScheduleError(
      step,
      `the factor of ${name} reads ${each.buffer.name}, which ${loop.variable.name} writes`,
    );
  }
}
