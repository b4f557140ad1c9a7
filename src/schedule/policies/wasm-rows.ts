/**
 * Loops along rows as vectors: element-wise ones directly, sums and maxima with results of their own for each lane,
 * combined after: vectors with each other, and then the lanes of the one that is left.
 */
import type { Statement } from "../../ir/kernel/index.js";
import { constantOf, exactDivide, rangeOf, size } from "../../sizes/index.js";
import type { Draft } from "../draft.js";
import { isIndependent, loopsIn } from "../loops.js";
import type { Loop } from "../rewrite.js";
import { rowFunctionOf } from "./wasm-row-functions.js";

/** Columns at a time: of what is independent, and of what is reduced, whose chains of operations hide each other. */
const independent = 8;
const reduced = 16;
const lanes = 4;

/** Loops that a row is made ready to be run by, to be marked when nothing moves into them any more. */
export interface Marks {
  readonly vector: readonly string[];
  readonly unroll: readonly string[];
}

export function vectorsForWasm(draft: Draft): void {
  // What runs only where a value is not finite is short rather than fast.
  const rare = new Set(draft.steps.flatMap((step) => (step.step === "whenFinite" ? step.copies : [])));
  for (const loop of loopsIn(draft.kernel.body).filter(isInnermost)) {
    if (rare.has(loop.variable.name)) continue;
    const marks = splitForVectors(draft, loop);
    if (marks !== null) markVectors(draft, marks);
  }
}

export function markVectors(draft: Draft, { vector, unroll }: Marks): void {
  draft.try(() => {
    for (const loop of vector) draft.take({ step: "mark", loop, kind: "vector" });
    for (const loop of unroll) draft.take({ step: "mark", loop, kind: "unroll" });
  }, true);
}

/** Whether a loop holds nothing but stores. */
export function isInnermost({ loop, body }: Loop): boolean {
  return loop === "serial" && body.every(({ kind }) => kind === "store" || kind === "alloc");
}

/** Splits an innermost loop by the columns that vectors take at a time; null where it stays as it is. */
export function splitForVectors(draft: Draft, loop: Loop): Marks | null {
  const { name } = loop.variable;
  if (draft.loop(name) === null || onlyCopiesBools(loop.body) || rowFunctionOf(loop) !== null) return null;
  const isFree = isIndependent(draft.kernel, loop);
  const wanted = isFree ? independent : reduced;
  const count = constantOf(loop.extent);
  if (count !== null && count < 4) return null;
  // What is left behind whole vectors has none.
  if (rangeOf(loop.extent).max < wanted && count === null) return null;
  const factor = count === null ? wanted : Math.min(wanted, count - (count % 4));
  let marks: Marks | null = null;
  const isTaken = draft.try(() => {
    const isExact = exactDivide(loop.extent, size(factor)) !== null;
    const names = [`${name}o`, `${name}i`, ...(isExact ? [] : [`${name}r`])].map((each) => draft.fresh(each));
    const tail = isExact ? "exact" : "peel";
    draft.take({ step: "split", loop: name, factor, tail, names, copies: [] });
    const [outer, inner] = names as [string, string];
    if (isFree) {
      draft.take({ step: "sink", loop: inner, into: [] });
      marks = { vector: [inner], unroll: [] };
      return;
    }
    const [begin, combine] = [draft.fresh(`${name}b`), draft.fresh(`${name}c`)];
    draft.take({ step: "rfactor", loop: inner, under: outer, names: [begin, combine] });
    draft.take({ step: "sink", loop: inner, into: [] });
    marks = { vector: [inner, begin], unroll: [combine] };
    if (factor <= lanes || factor % lanes > 0) return;
    const [vectors, lane] = [draft.fresh(`${combine}o`), draft.fresh(`${combine}i`)];
    draft.take({ step: "split", loop: combine, factor: lanes, tail: "exact", names: [vectors, lane], copies: [] });
    const [beginLane, combineLane] = [draft.fresh(`${combine}b`), draft.fresh(`${combine}c`)];
    draft.take({ step: "rfactor", loop: lane, under: vectors, names: [beginLane, combineLane] });
    marks = { vector: [inner, begin, lane, beginLane], unroll: [vectors, combineLane] };
  }, true);
  return isTaken ? marks : null;
}

/** Bytes have no vectors here. */
function onlyCopiesBools(body: readonly Statement[]): boolean {
  return body.every((each) => each.kind === "store" && each.buffer.element === "bool");
}
