/**
 * Spreads the outermost loops of a kernel over invocations of a GPU, one for each result.
 *
 * That is the schedule of whatever has none of its own. Needs loops whose iterations are proven to be independent, and
 * of several nests one after another that none reads or writes what another writes.
 */
import {
  allStatements,
  type Buffer,
  type Kernel,
  loadedBuffers,
  nothingKnown,
  type Statement,
  storedBuffers,
} from "../../ir/kernel/index.js";
import { constantOf, sub } from "../../sizes/index.js";
import { isIndependent } from "../loops.js";
import type { Loop, Store } from "../rewrite.js";
import type { Schedule, Step } from "../step.js";

/** The steps, or none where the kernel has to be run by one invocation. */
export function invocationsOf(kernel: Kernel): Schedule {
  const nests = kernel.body.map((each) => (each.kind === "for" ? independentNest(kernel, each) : []));
  if (nests.some((nest) => nest.length === 0) || !areApart(kernel.body)) return [];
  return nests.flat().map((loop): Step => ({ step: "mark", loop: loop.variable.name, kind: "parallel" }));
}

/** The loops from the outermost on that each are all that the one around holds, and whose iterations are independent. */
function independentNest(kernel: Kernel, outermost: Loop): readonly Loop[] {
  const nest: Loop[] = [];
  for (let loop: Statement | undefined = outermost; loop?.kind === "for"; ) {
    const depends = nest.some(({ variable }) => mentions(loop as Loop, variable));
    if (loop.loop !== "serial" || depends || !isIndependent(kernel, loop)) break;
    nest.push(loop);
    const [only, ...others]: readonly Statement[] = loop.body;
    loop = others.length === 0 ? only : undefined;
  }
  return nest;
}

function mentions({ extent }: Loop, variable: Loop["variable"]): boolean {
  return extent.terms.some(({ monomial }) =>
    monomial.factors.some((atom) => atom.kind !== "variable" || atom.variable === variable),
  );
}

/** Whether no two of some statements touch one element of a buffer that either writes. */
function areApart(statements: readonly Statement[]): boolean {
  if (statements.length === 1) return true;
  const written = storedBuffers(statements);
  if ([...loadedBuffers(statements)].some((buffer) => written.has(buffer))) return false;
  const stores = statements.map((each) => allStatements([each]).filter((inner) => inner.kind === "store"));
  return stores.every((early, at) =>
    stores.slice(at + 1).every((later) => early.every((a) => later.every((b) => areDistinct(a, b)))),
  );
}

function areDistinct(a: Store, b: Store): boolean {
  const buffer: Buffer = a.buffer;
  if (buffer !== b.buffer) return true;
  return a.index.some((place, axis) => {
    const other = b.index[axis]!;
    if (place.kind !== "index" || other.kind !== "index") return false;
    const difference = sub(other.value, place.value);
    if (constantOf(difference) === 0) return false;
    return nothingKnown.proves(sub(difference, 1)) || nothingKnown.proves(sub(sub(place.value, other.value), 1));
  });
}
