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
  kernelsOf,
  load,
  mentionedSizes,
  type Statement,
  withBodies,
} from "../ir/kernel/index.js";
import type { Call, ElementPlace, LoweredGraph } from "../lower/index.js";
import { constantOf, size } from "../sizes/index.js";
import { type Loop, Rewriter } from "./rewrite.js";

/** Rows of a state that a kernel writes. */
interface Rows {
  readonly call: Call;
  readonly state: Buffer;
  readonly places: ElementPlace;
}

/** @param mostArguments the buffers that a kernel can have on every device */
export function scattered(lowered: LoweredGraph, mostArguments: number): LoweredGraph {
  const found = new Map<Call, Rows[]>();
  for (const call of lowered.calls) {
    const { places, reads } = call;
    const writer = lowered.calls.find(({ writes }) => writes[0] === reads[0]);
    if (places === undefined || reads.length !== 1 || writer === undefined || isBuiltUp(writer.kernel)) continue;
    const rows = found.get(writer) ?? [];
    if (writer.reads.length + writer.writes.length + rows.length >= mostArguments) continue;
    const { element, shape } = call.kernel.writes[0]!;
    const name = lowered.buffers[call.writes[0]!]!.name.split(".").at(-1)!;
    const taken = [...writer.kernel.reads, ...writer.kernel.writes, ...rows.map(({ state }) => state)];
    let free = name;
    while (taken.some((each) => each.name === free)) free += "_kept";
    found.set(writer, [...rows, { call, state: new Buffer(free, element, shape, "global"), places }]);
  }
  const dropped = new Set([...found.values()].flatMap((rows) => rows.map(({ call }) => call)));
  const calls = lowered.calls.flatMap((call): readonly Call[] => {
    if (dropped.has(call)) return [];
    const rows = found.get(call);
    if (rows === undefined) return [call];
    const writes = [...call.writes, ...rows.flatMap((each) => each.call.writes)];
    return [{ ...call, kernel: writingAlso(call.kernel, rows), writes }];
  });
  return { ...lowered, calls };
}

/** The kernel with stores to states behind those of its result. */
function writingAlso(kernel: Kernel, rows: readonly Rows[]): Kernel {
  const [result] = kernel.writes;
  const after = (each: Statement): readonly Statement[] => {
    if (each.kind !== "store" || each.buffer !== result) return [];
    return rows.map(({ state, places }): Statement => {
      const { condition, at } = places(each.index);
      const store: Statement = { kind: "store", buffer: state, index: at, value: each.value, update: null };
      return condition === null ? store : { kind: "if", condition, body: [store] };
    });
  };
  /** The numbers of a vector one after the other: their places need not lie side by side. */
  const oneByOne = ({ variable, extent, body }: Loop): readonly Statement[] => {
    // Vectors are read as wholes in the block where they stand, and so before the conditions of their numbers.
    const kept = (each: Statement): readonly Statement[] => {
      if (each.kind === "if") return [{ ...each, body: each.body.flatMap(kept) }];
      if (each.kind !== "store" || each.buffer !== result) return [];
      const number = new Buffer("kept", result.element, [], "private");
      const stored: Statement = { ...each, buffer: number, index: [] };
      return [{ kind: "alloc", buffer: number }, stored, ...after({ ...each, value: load(number, []) })];
    };
    return Array.from({ length: constantOf(extent)! }, (_, number) => {
      const rewriter = new Rewriter();
      rewriter.variable(variable, size(number));
      return rewriter.statements(body).flatMap(kept);
    }).flat();
  };
  const visit = (body: readonly Statement[]): readonly Statement[] =>
    body.flatMap((each): readonly Statement[] => {
      if (each.kind === "for" && each.loop === "vector") return [each, ...oneByOne(each)];
      if (each.kind === "for" || each.kind === "if") return [{ ...each, body: visit(each.body) }];
      return [each, ...after(each)];
    });
  const made = withBodies(kernel, visit);
  const writes = [...kernel.writes, ...rows.map(({ state }) => state)];
  return { ...made, writes, sizes: mentionedSizes(made.body, [...kernel.reads, ...writes]) };
}

/** Whether the result of a kernel is read, or updated, on the way to what it is. */
function isBuiltUp(kernel: Kernel): boolean {
  const [result] = kernel.writes;
  return kernelsOf(kernel).some(({ body }) => {
    for (const each of allStatements(body))
      if (each.kind === "store" && each.buffer === result && each.update !== null) return true;
    for (const each of allExpressions(body)) if (each.kind === "load" && each.buffer === result) return true;
    return false;
  });
}
