/**
 * Lets a kernel write rows of a session beside its result, and drops the call that would copy them from there.
 *
 * Needs scheduled kernels: whatever the order of loops, an element is stored once. Guarantees: every result and every state is
 * what it was; a state is written no later than before. Left alone is a kernel that reads its result, or adds up in it.
 */
import {
  allExpressions,
  allStatements,
  Buffer,
  type Kernel,
  load,
  mentionedSizes,
  type Statement,
} from "../ir/kernel/index.js";
import type { Call, ElementPlace, LoweredGraph } from "../lower/index.js";
import { loopOver, Rewriter } from "./rewrite.js";

/** @param mostArguments the buffers that a kernel can have on every device */
export function scattered(lowered: LoweredGraph, mostArguments: number): LoweredGraph {
  const calls: Call[] = [];
  for (const call of lowered.calls) {
    const writer = call.places === undefined ? -1 : calls.findIndex(({ writes }) => writes[0] === call.reads[0]);
    const state = lowered.buffers[call.writes[0]!]!;
    const before = calls[writer];
    const kernel =
      before === undefined || call.reads.length !== 1 || before.reads.length + before.writes.length >= mostArguments
        ? null
        : writingAlso(before.kernel, call.kernel.writes[0]!, state.name, call.places!);
    if (kernel === null) calls.push(call);
    else calls[writer] = { ...before!, kernel, writes: [...before!.writes, ...call.writes] };
  }
  return { ...lowered, calls };
}

/** The kernel with stores to a state behind those of its result; null where that cannot be. */
function writingAlso(kernel: Kernel, like: Buffer, name: string, places: ElementPlace): Kernel | null {
  const [result] = kernel.writes;
  const stores = [...allStatements(kernel.body)].filter((each) => each.kind === "store" && each.buffer === result);
  if (stores.some((each) => each.kind === "store" && each.update !== null)) return null;
  for (const each of allExpressions(kernel.body)) if (each.kind === "load" && each.buffer === result) return null;
  const taken = new Set([...kernel.reads, ...kernel.writes].map((each) => each.name));
  let own = name.split(".").at(-1)!;
  while (taken.has(own)) own += "_kept";
  const state = new Buffer(own, like.element, like.shape, "global");
  const after = (each: Statement): readonly Statement[] => {
    if (each.kind !== "store" || each.buffer !== result) return [];
    const { condition, at } = places(each.index);
    const store: Statement = { kind: "store", buffer: state, index: at, value: each.value, update: null };
    return [condition === null ? store : { kind: "if", condition, body: [store] }];
  };
  const visit = (body: readonly Statement[]): readonly Statement[] =>
    body.flatMap((each): readonly Statement[] => {
      if (each.kind === "for" && each.loop === "vector") return [each, ...oneByOne(each)];
      if (each.kind === "for" || each.kind === "if") return [{ ...each, body: visit(each.body) }];
      return [each, ...after(each)];
    });
  /** What a vector has stored is read again, one number after the other: its places need not lie side by side. */
  const oneByOne = (loop: Extract<Statement, { kind: "for" }>): readonly Statement[] => {
    const stored = loop.body.filter((each) => each.kind === "store" && each.buffer === result);
    if (stored.length === 0) return [];
    const again = loopOver(loop.variable.name, loop.extent, "serial", (at) => {
      const rewriter = new Rewriter();
      rewriter.variable(loop.variable, at);
      return rewriter.statements(stored).flatMap((each) => {
        if (each.kind !== "store") return [];
        return after({ ...each, buffer: result!, value: load(result!, each.index) });
      });
    });
    return [again];
  };
  const body = visit(kernel.body);
  const writes = [...kernel.writes, state];
  return { ...kernel, writes, body, sizes: mentionedSizes(body, [...kernel.reads, ...writes]) };
}
