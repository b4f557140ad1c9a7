/** Finds the loops that a step names, with what is known where they stand, and puts others in their place. */
import {
  allStatements,
  bodyOf,
  factsOf,
  type Kernel,
  type Knowledge,
  meetings,
  nothingKnown,
  type Statement,
} from "../ir/kernel/index.js";
import { sub } from "../sizes/index.js";
import { ScheduleError } from "./errors.js";
import type { Loop } from "./rewrite.js";
import type { Step } from "./step.js";

/** All loops of some statements, outer ones first. */
export function loopsIn(body: readonly Statement[]): readonly Loop[] {
  return allStatements(body).filter((each) => each.kind === "for");
}

/** The loops of this name. @throws ScheduleError if there are none, with those that there are. */
export function loopsNamed(kernel: Kernel, name: string, step: Step["step"]): readonly Loop[] {
  const all = loopsIn(kernel.body);
  const found = all.filter((each) => each.variable.name === name);
  if (found.length > 0) return found;
  const names = [...new Set(all.map((each) => each.variable.name))].join(", ");
  throw new ScheduleError(step, `there is no loop ${name}; the loops of ${kernel.name} are ${names || "none"}`);
}

/** The only loop of this name. @throws ScheduleError if there is none, or several. */
export function loopNamed(kernel: Kernel, name: string, step: Step["step"]): Loop {
  const found = loopsNamed(kernel, name, step);
  if (found.length === 1) return found[0]!;
  throw new ScheduleError(step, `${found.length} loops are called ${name}`);
}

/** @throws ScheduleError if a name for a new loop is taken, or given twice. */
export function requireFree(
  kernel: Kernel,
  names: readonly string[],
  step: Step["step"],
  leaving: readonly string[] = [],
): void {
  const taken = new Set(loopsIn(kernel.body).map((each) => each.variable.name));
  for (const name of leaving) taken.delete(name);
  for (const each of kernel.sizes) taken.add(each.name);
  for (const name of names) {
    if (!/^[A-Za-z_]\w*$/.test(name)) throw new ScheduleError(step, `${name || "nothing"} is no name for a loop`);
    if (taken.has(name)) throw new ScheduleError(step, `the name ${name} is taken in ${kernel.name}`);
    taken.add(name);
  }
}

/** The kernel with other statements in place of each of these loops. */
export function replaceLoops(
  kernel: Kernel,
  loops: readonly Loop[],
  replace: (loop: Loop) => readonly Statement[],
): Kernel {
  const chosen = new Set<Statement>(loops);
  const visit = (statements: readonly Statement[]): readonly Statement[] =>
    statements.flatMap((each): readonly Statement[] => {
      if (each.kind === "for" && chosen.has(each)) return replace(each);
      return each.kind === "for" || each.kind === "if" ? [{ ...each, body: visit(each.body) }] : [each];
    });
  return { ...kernel, body: visit(kernel.body) };
}

/** What is known inside of a loop: that it and the loops around it run, and that the conditions around it hold. */
export function knowledgeIn(kernel: Kernel, loop: Loop): Knowledge {
  const visit = (statements: readonly Statement[], known: Knowledge): Knowledge | null => {
    for (const each of statements) {
      const facts = each.kind === "for" ? [sub(each.extent, 1)] : each.kind === "if" ? factsOf(each.condition) : [];
      if (facts.length === 0 && bodyOf(each).length === 0) continue;
      const inner = known.and(facts);
      if (each === loop) return inner;
      const found = visit(bodyOf(each), inner);
      if (found !== null) return found;
    }
    return null;
  };
  return visit(kernel.body, nothingKnown) ?? nothingKnown;
}

/** Whether the iterations of a loop are proven to be independent of each other. */
export function isIndependent(kernel: Kernel, loop: Loop): boolean {
  return meetings(loop, knowledgeIn(kernel, loop)).length === 0;
}

/** @throws ScheduleError unless the iterations of a loop are proven to be independent of each other. */
export function requireIndependent(kernel: Kernel, loop: Loop, step: Step["step"]): void {
  const [meeting] = meetings(loop, knowledgeIn(kernel, loop));
  if (meeting === undefined) return;
  throw new ScheduleError(
    step,
    `iterations of ${loop.variable.name} are not proven to be independent: they may meet in ${meeting.buffer.name}`,
  );
}

/** @throws ScheduleError for a loop of a vector, a grid or lanes: loops are brought into their places before. */
export function requireMovable({ variable, loop }: Loop, step: Step["step"]): void {
  if (loop === "serial" || loop === "parallel" || loop === "unroll") return;
  throw new ScheduleError(step, `${variable.name} is a loop of the kind ${loop}`);
}
