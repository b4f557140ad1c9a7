/**
 * Lets a kernel write rows of a session beside its result, and drops the call that would copy them from there. What nothing
 * but such calls reads, as keys that were just turned, is not written.
 *
 * Needs scheduled kernels: whatever the order of loops, an element is stored once. Guarantees: every result that is read and
 * every state is what it was; a state is written no later than before. Left alone is a kernel that reads its result, or adds
 * up in it.
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
import { type Call, type ElementPlace, type LoweredGraph, withoutUnused } from "../lower/index.js";
import { constantOf, size } from "../sizes/index.js";
import { type Loop, Rewriter } from "./rewrite.js";

/** Rows of a state that a kernel writes. */
interface Rows {
  readonly call: Call;
  readonly state: Buffer;
  readonly places: ElementPlace;
}

/** What a kernel writes besides its result, or instead of that. */
interface Scattered {
  readonly rows: readonly Rows[];
  readonly isResultKept: boolean;
}

/** @param mostArguments the buffers that a kernel can have on every device */
export function scattered(lowered: LoweredGraph, mostArguments: number): LoweredGraph {
  const found = new Map<Call, Scattered>();
  for (const writer of lowered.calls) {
    const copies = copiesOf(lowered, writer);
    if (copies.length > 0 && !isBuiltUp(writer.kernel))
      found.set(writer, rowsOf(lowered, writer, copies, mostArguments));
  }
  const dropped = new Set([...found.values()].flatMap(({ rows }) => rows.map(({ call }) => call)));
  const calls = lowered.calls.flatMap((call): readonly Call[] => {
    if (dropped.has(call)) return [];
    const made = found.get(call);
    if (made === undefined) return [call];
    const kept = made.isResultKept ? call.writes : call.writes.slice(1);
    const writes = [...kept, ...made.rows.flatMap((each) => each.call.writes)];
    return [{ ...call, kernel: writingAlso(call.kernel, made), writes }];
  });
  return withoutUnused({ ...lowered, calls });
}

/** The calls that copy rows of a call's result into states. */
function copiesOf({ calls }: LoweredGraph, { writes }: Call): readonly Call[] {
  return calls.filter(({ places, reads }) => places !== undefined && reads.length === 1 && reads[0] === writes[0]);
}

function rowsOf(
  { buffers, calls }: LoweredGraph,
  { kernel, reads, writes }: Call,
  copies: readonly Call[],
  mostArguments: number,
): Scattered {
  const [result] = writes;
  const isRead = calls.some((each) => each.reads.includes(result!) && !copies.includes(each));
  const free = mostArguments - reads.length - writes.length;
  // In the place of a result there is room for one more.
  const isResultKept = isRead || buffers[result!]!.home.kind !== "temporary" || copies.length > free + 1;
  const rows: Rows[] = [];
  for (const call of copies.slice(0, isResultKept ? Math.max(0, free) : copies.length)) {
    const { element, shape } = call.kernel.writes[0]!;
    const taken = [...kernel.reads, ...kernel.writes, ...rows.map(({ state }) => state)];
    let name = buffers[call.writes[0]!]!.name.split(".").at(-1)!;
    while (taken.some((each) => each.name === name)) name += "_kept";
    rows.push({ call, state: new Buffer(name, element, shape, "global"), places: call.places! });
  }
  return { rows, isResultKept };
}

/** The kernel with stores to states behind those of its result, or in their place. */
function writingAlso(kernel: Kernel, { rows, isResultKept }: Scattered): Kernel {
  const [result, ...others] = kernel.writes;
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
  const own = (each: Statement): readonly Statement[] => (isResultKept ? [each] : withoutStores(each, result!));
  const visit = (body: readonly Statement[]): readonly Statement[] =>
    body.flatMap((each): readonly Statement[] => {
      if (each.kind === "for" && each.loop === "vector") return [...own(each), ...oneByOne(each)];
      if (each.kind === "for" || each.kind === "if") return [{ ...each, body: visit(each.body) }];
      return [...own(each), ...after(each)];
    });
  const made = withBodies(kernel, visit);
  const writes = [...(isResultKept ? kernel.writes : others), ...rows.map(({ state }) => state)];
  return { ...made, writes, sizes: mentionedSizes(made.body, [...kernel.reads, ...writes]) };
}

/** A statement but for the stores to a buffer; nothing where no other is left. */
function withoutStores(statement: Statement, buffer: Buffer): readonly Statement[] {
  if (statement.kind === "store" && statement.buffer === buffer) return [];
  if (statement.kind !== "for" && statement.kind !== "if") return [statement];
  const body = statement.body.flatMap((each) => withoutStores(each, buffer));
  return body.length === 0 ? [] : [{ ...statement, body }];
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
