/** Rows, as of a norm or a softmax, whose loops the lanes of a workgroup share. */
import { allStatements, type Buffer, type Kernel, type Statement } from "../../ir/kernel/index.js";
import { constantOf } from "../../sizes/index.js";
import { Draft } from "../draft.js";
import type { Loop } from "../rewrite.js";
import type { Schedule } from "../step.js";
import { attentionsIn } from "./attention.js";

/** Rows shorter than this, where their length is known, are left to one invocation each. */
const leastRow = 64;

/** The steps of rows that lanes share; none where a kernel has no long ones. @param isMeeting whether lanes meet in subgroups */
export function rowsForWgsl(kernel: Kernel, { rowLanes }: { readonly rowLanes: number }, isMeeting = false): Schedule {
  const [outermost, ...others] = kernel.body;
  if (outermost?.kind !== "for" || others.length > 0 || attentionsIn(kernel).length > 0) return [];
  const nest = [outermost];
  for (;;) {
    const [only, ...more]: readonly Statement[] = nest.at(-1)!.body;
    if (only?.kind !== "for" || more.length > 0) break;
    nest.push(only);
  }
  const shared = nest.at(-1)!.body.flatMap((each) => (each.kind === "for" ? [sharedLoop(each)] : []));
  const loops = shared.map(({ loop }) => loop);
  const updates = loops.map((loop) => rowUpdatesIn(loop));
  const isLong =
    sharedBytesOf(kernel) > 0 ||
    loops.some(({ extent }, at) => updates[at]! > 0 && (constantOf(extent) ?? leastRow) >= leastRow);
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
    const over = shared.flatMap(({ around }) => around);
    draft.take({ step: "spread", loop: nest.at(-1)!.variable.name, lanes: rowLanes, isMeeting, over, names });
  });
  return isTaken ? draft.steps : [];
}

/** The bytes of a kernel's arrays for all lanes of a workgroup, which only those compute together. */
export function sharedBytesOf({ body }: Kernel): number {
  return allStatements(body).reduce((sum, each) => {
    if (each.kind !== "alloc" || each.buffer.scope !== "workgroup") return sum;
    return sum + 4 * each.buffer.shape.reduce((product, extent) => product * constantOf(extent)!, 1);
  }, 0);
}

/** The loop of a nest that lanes share, and those around it, which are short and run by all: so many experts, say. */
function sharedLoop(outermost: Loop): { readonly loop: Loop; readonly around: readonly string[] } {
  const around: string[] = [];
  for (let loop = outermost; ; ) {
    const [only, ...others] = loop.body;
    const isShort = (constantOf(loop.extent) ?? leastRow) < leastRow;
    if (!isShort || only?.kind !== "for" || others.length > 0) return { loop, around };
    around.push(loop.variable.name);
    loop = only;
  }
}

/** How many scalars that are not its own a loop updates. */
export function rowUpdatesIn({ body }: Loop): number {
  const own = new Set<Buffer>();
  const updated = new Set<Buffer>();
  for (const each of allStatements(body)) {
    if (each.kind === "alloc") own.add(each.buffer);
    if (each.kind !== "store" || each.update === null || own.has(each.buffer)) continue;
    if (each.buffer.scope === "private" && each.buffer.shape.length === 0) updated.add(each.buffer);
  }
  return updated.size;
}
