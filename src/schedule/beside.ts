/**
 * Runs kernels that do not depend on each other as one, side by side: the norms of queries and of keys, the products of
 * attention and of a feed-forward layer that read the same row. A card has room for both, and begins one kernel less.
 *
 * Needs kernels as a device runs them, whose outermost loops are all spread over invocations, or all over workgroups of as
 * many lanes; beside workgroups, what is spread over invocations is brought into as large ones. Guarantees: every buffer is
 * what it was; a kernel has no more buffers, and no more memory that lanes share, than every device has.
 */
import {
  allStatements,
  Buffer,
  type Kernel,
  type KernelVariant,
  mentionedSizes,
  type Statement,
  variantOf,
} from "../ir/kernel/index.js";
import type { BufferId } from "../ir/plan/plan.js";
import type { Call, LoweredGraph } from "../lower/index.js";
import { constantOf, render } from "../sizes/index.js";
import { loopsIn } from "./loops.js";
import { Rewriter } from "./rewrite.js";
import { inWorkgroups } from "./workgroups.js";

/** What the memory that lanes share holds on every device, in bytes. */
const mostShared = 16384;
/** What every device binds as a whole, in elements of four bytes; of larger arguments each part takes a binding. */
const boundElements = 2 ** 25;

/** @param mostArguments the buffers that a kernel can have on every device */
export function sideBySide(lowered: LoweredGraph, mostArguments: number): LoweredGraph {
  const calls = [...lowered.calls];
  for (let at = 0; at < calls.length; at++) {
    const read = new Set(calls[at]!.reads);
    const written = new Set(calls[at]!.writes);
    for (let other = at + 1; other < calls.length; other++) {
      const { reads, writes } = calls[other]!;
      const isFree = ![...reads, ...writes].some((id) => written.has(id)) && !writes.some((id) => read.has(id));
      const joined = isFree ? besideEachOther(calls[at]!, calls[other]!, mostArguments) : null;
      if (joined === null) {
        for (const id of reads) read.add(id);
        for (const id of writes) written.add(id);
        continue;
      }
      calls[at] = joined;
      calls.splice(other, 1);
      other--;
      for (const id of reads) read.add(id);
      for (const id of writes) written.add(id);
    }
  }
  return { ...lowered, calls };
}

/** Both calls as one; null where their kernels are of different kinds, or need more than every device has. */
function besideEachOther(first: Call, second: Call, mostArguments: number): Call | null {
  if (first.sizes !== undefined || second.sizes !== undefined) return null;
  const of = new Map<Buffer, Buffer>();
  const reads: [BufferId, Buffer][] = first.reads.map((id, at) => [id, first.kernel.reads[at]!]);
  for (const [at, id] of second.reads.entries()) {
    const own = second.kernel.reads[at]!;
    const known = reads.find(([other, buffer]) => other === id && isSame(buffer, own))?.[1];
    if (known === undefined) reads.push([id, argumentLike(own, of)]);
    else of.set(own, known);
  }
  const made = second.kernel.writes.map((own) => argumentLike(own, of));
  const all = [...reads.map(([, buffer]) => buffer), ...first.kernel.writes, ...made];
  if (all.reduce((count, each) => count + bindingsOf(each), 0) > mostArguments) return null;
  const kernel = joinedKernel(first.kernel, second.kernel, {
    reads: reads.map(([, buffer]) => buffer),
    writes: [...first.kernel.writes, ...made],
    of,
  });
  if (kernel === null) return null;
  const { location, scope } = first;
  return {
    kernel,
    reads: reads.map(([id]) => id),
    writes: [...first.writes, ...second.writes],
    location: location ?? second.location,
    scope: commonScope(scope, second.scope),
  };
}

interface Arguments {
  readonly reads: readonly Buffer[];
  readonly writes: readonly Buffer[];
  /** Those of the second kernel as the joined one has them. */
  readonly of: ReadonlyMap<Buffer, Buffer>;
}

/** A kernel's body, in workgroups where that of another is; null where they are of different kinds. */
function bodyBeside(kernel: Kernel, other: Kernel): readonly Statement[] | null {
  const [own, beside] = [spreadOf(kernel.body), spreadOf(other.body)];
  if (own === null || beside === null) return null;
  if (own.kind === "grid" || beside.kind === "parallel") return kernel.body;
  return beside.lanes > 1 ? inWorkgroups(kernel, beside.lanes) : null;
}

function joinedKernel(first: Kernel, second: Kernel, { reads, writes, of }: Arguments): Kernel | null {
  const joined = (a: Kernel, b: Kernel): readonly Statement[] | null => {
    const [own, other] = [bodyBeside(a, b), bodyBeside(b, a)];
    if (own === null || other === null) return null;
    const [spread, added] = [spreadOf(own)!, spreadOf(other)!];
    const isOne = added.lanes === spread.lanes || [a, b].some(({ body }) => spreadOf(body)!.kind === "parallel");
    if (!isOne) return null;
    return spread.shared + added.shared > mostShared ? null : [...own, ...copyOf(other, own, of)];
  };
  const body = joined(first, second);
  const uses = body === null ? null : usesOf(first.variants ?? [], second.variants ?? []);
  if (body === null || uses === null) return null;
  const variants: KernelVariant[] = [];
  for (const use of uses) {
    const [own, other] = [first, second].map((each) => {
      const variant = each.variants?.find((one) => isFor(one, use));
      return variant === undefined ? each : variantOf(each, variant);
    });
    const both = joined(own!, other!);
    if (both === null) return null;
    variants.push({ ...use, body: both, schedule: "" });
  }
  const { name } = first;
  const bodies = [...body, ...variants.flatMap((each) => each.body)];
  return {
    name: name === second.name ? name : `${name}_and_${second.name}`,
    reads,
    writes,
    sizes: mentionedSizes(bodies, [...reads, ...writes]),
    body,
    location: first.location ?? second.location,
    ...(variants.length === 0 ? {} : { variants }),
  };
}

/**
 * What the joined kernel has variants for: what either has, the other's first choice beside it. Null where a CPU would have
 * taken another of the other's, or the order in which a device considers them is not that of both.
 */
function usesOf(some: readonly KernelVariant[], others: readonly KernelVariant[]): readonly KernelVariant[] | null {
  const [fewer, more] = some.length < others.length ? [some, others] : [others, some];
  const rest = more.filter((each) => !fewer.some((other) => isFor(each, other)));
  const common = more.filter((each) => !rest.includes(each));
  const isSame = common.length === fewer.length && common.every((each, at) => isFor(each, fewer[at]!));
  return isSame && (fewer.length === 0 || rest.every(({ device }) => device === null)) ? more : null;
}

function isFor(variant: KernelVariant, use: KernelVariant): boolean {
  const text = ({ name, device, few }: KernelVariant): string =>
    [name, device, few === null ? "" : render(few.size), few?.most].join();
  return text(variant) === text(use);
}

/** How the outermost loops of a body are spread; null where one invocation runs them. */
interface Spread {
  readonly kind: "parallel" | "grid";
  readonly lanes: number;
  /** Bytes that lanes share. */
  readonly shared: number;
}

function spreadOf(body: readonly Statement[]): Spread | null {
  const isOf = (start: string): boolean => body.every((each) => each.kind === "for" && each.loop.startsWith(start));
  const kind = isOf("parallel") ? "parallel" : isOf("grid.") ? "grid" : null;
  if (kind === null) return null;
  let [lanes, shared] = [1, 0];
  for (const each of allStatements(body)) {
    if (each.kind === "for" && each.loop.startsWith("lane.")) lanes = Math.max(lanes, lanesFrom(each));
  }
  for (const each of allStatements(body)) {
    if (each.kind === "meet") shared += 4 * lanes;
    if (each.kind !== "alloc" || each.buffer.scope !== "workgroup") continue;
    shared += 16 * Math.ceil(each.buffer.shape.reduce((product, extent) => product * constantOf(extent)!, 1) / 4);
  }
  return { kind, lanes, shared };
}

/** The lanes of a loop over some, and of the one that is all that it holds. */
function lanesFrom({ extent, body }: Extract<Statement, { kind: "for" }>): number {
  const [only, ...more] = body;
  const isNest = only?.kind === "for" && more.length === 0 && only.loop.startsWith("lane.");
  return constantOf(extent)! * (isNest ? lanesFrom(only) : 1);
}

/** A body over other arguments, whose loops have names that no loop of another body has. */
function copyOf(
  body: readonly Statement[],
  other: readonly Statement[],
  of: ReadonlyMap<Buffer, Buffer>,
): readonly Statement[] {
  const taken = new Set(loopsIn(other).map(({ variable }) => variable.name));
  const names = loopsIn(body).map(({ variable }) => {
    let name = variable.name;
    for (let count = 2; taken.has(name); count++) name = `${variable.name}_${count}`;
    taken.add(name);
    return name;
  });
  const rewriter = new Rewriter().copying(names);
  for (const [from, buffer] of of) rewriter.buffer(from, { buffer, index: (at) => at });
  return rewriter.statements(body);
}

function isSame(a: Buffer, b: Buffer): boolean {
  const isAlike = a.element === b.element && a.shape.length === b.shape.length;
  const facts = [a, b].map((each) => each.facts);
  const isPlain = facts[0]!.packed === undefined && facts[1]!.packed === undefined;
  return (
    isAlike && isPlain && facts[0]!.constant === facts[1]!.constant && a.shape.every((each, i) => each === b.shape[i])
  );
}

/** The buffers that an argument is bound as where devices bind no more at once than every device does. */
function bindingsOf({ shape }: Buffer): number {
  const extents = shape.map((each) => constantOf(each));
  if (extents.includes(null)) return 1;
  const elements = extents.reduce<number>((product, each) => product * each!, 1);
  return Math.max(1, Math.ceil(elements / boundElements));
}

function argumentLike(own: Buffer, of: Map<Buffer, Buffer>): Buffer {
  const made = new Buffer(own.name, own.element, own.shape, own.scope, own.facts);
  of.set(own, made);
  return made;
}

/** The layer around two. */
function commonScope(some: string, other: string): string {
  const [a, b] = [some.split("."), other.split(".")];
  const end = a.findIndex((name, at) => name !== b[at]);
  return a.slice(0, end < 0 ? a.length : end).join(".");
}
