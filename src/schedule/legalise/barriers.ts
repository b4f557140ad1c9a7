/**
 * Puts barriers between what one lane writes to the memory of a workgroup and what another reads there, and between
 * reading and writing anew: as few as statements in a row allow, and always where all lanes pass.
 *
 * Needs: no conflict inside of an `if` or of a loop that lanes run differently often. Guarantees: between two accesses to
 * one workgroup buffer of which one writes there is a barrier; what one lane does twice in a row counts as a conflict too.
 */

import { InternalError } from "../../diagnostics/index.js";
import { allExpressions, allStatements, type Buffer, type Kernel, type Statement } from "../../ir/kernel/index.js";

/** What happened since the last barrier. */
interface Since {
  readonly written: ReadonlySet<Buffer>;
  readonly read: ReadonlySet<Buffer>;
}

const nothing: Since = { written: new Set(), read: new Set() };

export function barriers(kernel: Kernel): Kernel {
  const isShared = allStatements(kernel.body).some(
    (each) => each.kind === "alloc" && each.buffer.scope === "workgroup",
  );
  return isShared ? { ...kernel, body: block(kernel.body, nothing).body } : kernel;
}

function block(body: readonly Statement[], before: Since): { body: readonly Statement[]; after: Since } {
  const made: Statement[] = [];
  let since = before;
  for (const statement of body) {
    const own = accesses(statement);
    if (conflicts(since, own)) {
      made.push({ kind: "barrier" });
      since = nothing;
    }
    if (statement.kind === "barrier" || statement.kind === "meet") since = nothing;
    else if (statement.kind === "for") {
      const inner = loop(statement, since);
      made.push(inner.body);
      since = inner.after;
      continue;
    } else {
      if (statement.kind === "if" && conflictsWithin(statement.body)) {
        throw new InternalError("lanes would need a barrier under a condition");
      }
      since = both(since, own);
    }
    made.push(statement);
  }
  return { body: made, after: since };
}

function loop(statement: Extract<Statement, { kind: "for" }>, since: Since): { body: Statement; after: Since } {
  if (statement.loop.startsWith("grid.") || statement.loop.startsWith("lane.")) {
    const inner = block(statement.body, since);
    return { body: { ...statement, body: inner.body }, after: inner.after };
  }
  // A turn follows what stands before the loop, or the turn before it.
  const first = block(statement.body, since);
  const again = block(statement.body, both(since, first.after));
  return { body: { ...statement, body: again.body }, after: both(since, again.after) };
}

function conflictsWithin(body: readonly Statement[]): boolean {
  const waits = [...allStatements(block(body, nothing).body)];
  return waits.some((each) => each.kind === "barrier" || each.kind === "meet");
}

function conflicts(since: Since, own: Since): boolean {
  for (const buffer of own.read) if (since.written.has(buffer)) return true;
  for (const buffer of own.written) if (since.read.has(buffer)) return true;
  return false;
}

function both(a: Since, b: Since): Since {
  return { written: new Set([...a.written, ...b.written]), read: new Set([...a.read, ...b.read]) };
}

/** The workgroup buffers that a statement with its body reads and writes. */
function accesses(statement: Statement): Since {
  const written = new Set<Buffer>();
  const read = new Set<Buffer>();
  for (const each of allStatements([statement])) {
    if (each.kind !== "store" || each.buffer.scope !== "workgroup") continue;
    written.add(each.buffer);
    if (each.update !== null) read.add(each.buffer);
  }
  for (const each of allExpressions([statement])) {
    if (each.kind === "load" && each.buffer.scope === "workgroup") read.add(each.buffer);
  }
  return { written, read };
}
