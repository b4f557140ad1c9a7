/**
 * Loops along rows as vectors: element-wise ones directly, sums and maxima with results of their own for each lane,
 * combined after.
 */
import type { Statement } from "../../ir/kernel/index.js";
import { constantOf, exactDivide, size } from "../../sizes/index.js";
import type { Draft } from "../draft.js";
import { isIndependent, loopsIn } from "../loops.js";
import type { Loop } from "../rewrite.js";

/** Columns at a time: of what is independent, and of what is reduced, whose chains of operations hide each other. */
const independent = 8;
const reduced = 16;

export function vectorsForWasm(draft: Draft): void {
  const innermost = loopsIn(draft.kernel.body).filter(isInnermost);
  for (const loop of innermost) vectorise(draft, loop);
}

function isInnermost({ loop, body }: Loop): boolean {
  return loop === "serial" && body.every(({ kind }) => kind === "store" || kind === "alloc");
}

function vectorise(draft: Draft, loop: Loop): void {
  const { name } = loop.variable;
  if (draft.loop(name) === null || onlyCopiesBools(loop.body)) return;
  const isFree = isIndependent(draft.kernel, loop);
  const wanted = isFree ? independent : reduced;
  const count = constantOf(loop.extent);
  if (count !== null && count < 4) return;
  const factor = count === null ? wanted : Math.min(wanted, count - (count % 4));
  draft.try(() => {
    const isExact = exactDivide(loop.extent, size(factor)) !== null;
    const names = [`${name}o`, `${name}i`, ...(isExact ? [] : [`${name}r`])].map((each) => draft.fresh(each));
    const tail = isExact ? "exact" : "peel";
    draft.take({ step: "split", loop: name, factor, tail, names, copies: [] });
    const [outer, inner] = names as [string, string];
    if (isFree) {
      draft.take({ step: "sink", loop: inner, into: [] }, { step: "mark", loop: inner, kind: "vector" });
      return;
    }
    const [begin, combine] = [draft.fresh(`${name}b`), draft.fresh(`${name}c`)];
    draft.take({ step: "rfactor", loop: inner, under: outer, names: [begin, combine] });
    draft.take({ step: "sink", loop: inner, into: [] });
    draft.take({ step: "mark", loop: inner, kind: "vector" }, { step: "mark", loop: begin, kind: "vector" });
    draft.take({ step: "mark", loop: combine, kind: "unroll" });
  }, true);
}

/** Bytes have no vectors here. */
function onlyCopiesBools(body: readonly Statement[]): boolean {
  return body.every((each) => each.kind === "store" && each.buffer.element === "bool");
}
