/** Rows, as of a norm or a softmax, whose loops the lanes of a workgroup share. */
import { allStatements, type Buffer, type Kernel, type Statement } from "../../ir/kernel/index.js";
import { constantOf } from "../../sizes/index.js";
import { Draft } from "../draft.js";
import type { Loop } from "../rewrite.js";
import type { Schedule } from "../step.js";

/** Rows shorter than this, where their length is known, are left to one invocation each. */
const leastRow = 64;

/** The steps of rows that lanes share; none where a kernel has no long ones. @param isMeeting whether lanes meet in subgroups */
export function rowsForWgsl(kernel: Kernel, { rowLanes }: { readonly rowLanes: number }, isMeeting = false): Schedule {
  const [outermost, ...others] = kernel.body;
  if (outermost?.kind !== "for" || others.length > 0) return [];
  const nest = [outermost];
  for (;;) {
    const [only, ...more]: readonly Statement[] = nest.at(-1)!.body;
    if (only?.kind !== "for" || more.length > 0) break;
    nest.push(only);
  }
  const loops = nest.at(-1)!.body.filter((each) => each.kind === "for");
  const updates = loops.map((loop) => rowUpdatesIn(loop));
  const isLong = loops.some(({ extent }, at) => updates[at]! > 0 && (constantOf(extent) ?? leastRow) >= leastRow);
  if (!isLong) return [];
  const draft = new Draft(kernel);
  const isTaken = draft.try(() => {
    for (const { variable } of nest) draft.take({ step: "mark", loop: variable.name, kind: "grid.x" });
    const names = [
      draft.fresh("lane"),
      ...loops.flatMap(({ variable }, at) => [
        draft.fresh(variable.name),
        ...Array.from({ length: isMeeting ? 0 : 2 * updates[at]! }, () => draft.fresh("part")),
      ]),
    ];
    draft.take({ step: "spread", loop: nest.at(-1)!.variable.name, lanes: rowLanes, isMeeting, over: [], names });
  });
  return isTaken ? draft.steps : [];
}

/** How many scalars that are not its own a loop updates. */
export function rowUpdatesIn({ body }: Loop): number {
  const own = new Set<Buffer>();
  const updated = new Set<Buffer>();
  for (const each of allStatements(body)) {
    if (each.kind === "alloc") own.add(each.buffer);
    if (each.kind === "store" && each.update !== null && each.buffer.scope === "private" && !own.has(each.buffer)) {
      updated.add(each.buffer);
    }
  }
  return updated.size;
}
