/**
 * Kernels with more arguments than a device binds: vectors that are known at load, as the weights of norms, biases and
 * scales, lie one behind the other in one buffer, which is prepared.
 *
 * Guarantees: kernels compute what they did, of the same numbers; those with few arguments stay as they are.
 */
import {
  allExpressions,
  Buffer,
  type Expression,
  index,
  type Kernel,
  load,
  type Statement,
} from "../ir/kernel/index.js";
import type { BufferId } from "../ir/plan/plan.js";
import type { Call, LoweredBuffer, LoweredGraph } from "../lower/index.js";
import { add, constantOf, mul, type Size, size } from "../sizes/index.js";
import { loopOver, Rewriter } from "./rewrite.js";

/** The elements of an argument that may lie in memory twice. */
const mostJoinedElements = 2 ** 16;
/** Vectors begin where vectors of four numbers do. */
const width = 4;

/** @param mostArguments the buffers that a kernel can have on every device */
export function vectorsAsOne(lowered: LoweredGraph, mostArguments: number): LoweredGraph {
  const buffers: LoweredBuffer[] = [...lowered.buffers];
  const prepare: Call[] = [...lowered.prepare];
  const made = new Map<string, BufferId>();
  const calls = lowered.calls.map((call): Call => {
    const { kernel, reads, writes } = call;
    const tooMany = reads.length + writes.length + copiesOf(lowered, call) - mostArguments;
    if (tooMany <= 0) return call;
    const vectors = [...kernel.reads.keys()].filter((at) => isVector(kernel, kernel.reads[at]!));
    const bySize = vectors.sort((a, b) => elementsOf(kernel.reads[a]!) - elementsOf(kernel.reads[b]!));
    // What lays them out has one argument more.
    const places = bySize.slice(0, Math.min(tooMany + 1, mostArguments - 1)).sort((a, b) => a - b);
    if (places.length < 2) return call;
    const joined = joinedVectors(kernel, places);
    const ids = places.map((at) => reads[at]!);
    let id = made.get(ids.join());
    if (id === undefined) {
      const { value } = buffers[ids[0]!]!;
      const { name, element, shape } = joined.whole;
      id = (buffers.push({ name, element, shape, home: { kind: "prepared" }, value }) - 1) as BufferId;
      made.set(ids.join(), id);
      const { location, scope } = call;
      prepare.push({ kernel: joined.layout, reads: ids, writes: [id], location, scope });
    }
    const others = [...reads.keys()].filter((at) => !places.includes(at));
    return { ...call, kernel: joined.kernel, reads: [...others.map((at) => reads[at]!), id] };
  });
  return { ...lowered, buffers, prepare, calls };
}

/** The copies of its result into states, which its kernel can write beside it where there are buffers left. */
function copiesOf({ calls }: LoweredGraph, { writes }: Call): number {
  return calls.filter(({ places, reads }) => places !== undefined && reads[0] === writes[0]).length;
}

/** Whether an argument is a small array that is known at load, read at places that loops say. */
function isVector({ body }: Kernel, buffer: Buffer): boolean {
  const { element, facts } = buffer;
  const isSmall = elementsOf(buffer) <= mostJoinedElements;
  if (element !== "f32" || facts.constant !== true || facts.packed !== undefined || !isSmall) return false;
  return [...allExpressions(body)].every(
    (each) => each.kind !== "load" || each.buffer !== buffer || each.index.every(({ kind }) => kind === "index"),
  );
}

function elementsOf({ shape }: Buffer): number {
  return shape.reduce((product, extent) => product * (constantOf(extent) ?? Number.POSITIVE_INFINITY), 1);
}

interface Joined {
  readonly kernel: Kernel;
  readonly whole: Buffer;
  /** The kernel that lays the vectors out. */
  readonly layout: Kernel;
}

function joinedVectors(kernel: Kernel, places: readonly number[]): Joined {
  const parts = places.map((at) => kernel.reads[at]!);
  const starts: number[] = [];
  let total = 0;
  for (const part of parts) {
    starts.push(total);
    total += width * Math.ceil(elementsOf(part) / width);
  }
  const taken = new Set([...kernel.reads, ...kernel.writes].map(({ name }) => name));
  let name = "vectors";
  for (let number = 2; taken.has(name); number++) name = `vectors${number}`;
  const whole = new Buffer(name, "f32", [size(total)], "global", { constant: true });
  const rewriter = new Rewriter();
  for (const [at, part] of parts.entries()) {
    const place = (indices: readonly Expression[]): readonly Expression[] => {
      const sizes = indices.map((each) => (each.kind === "index" ? each.value : size(0)));
      return [index(placeIn(part, starts[at]!, sizes))];
    };
    rewriter.buffer(part, { buffer: whole, index: place });
  }
  const reads = [...kernel.reads.filter((each) => !parts.includes(each)), whole];
  const out = new Buffer(name, "f32", whole.shape, "global");
  const sources = parts.map(({ name, element, shape, facts }) => new Buffer(name, element, shape, "global", facts));
  const body = sources.map((source, at) => copied(source, at, (here) => placeIn(source, starts[at]!, here), out));
  const { location } = kernel;
  return {
    kernel: { ...kernel, reads, body: rewriter.statements(kernel.body) },
    whole,
    layout: { name: "join", reads: sources, writes: [out], sizes: [], body, location },
  };
}

/** Where an element lies that is at a place of a part which begins at some place. */
function placeIn({ shape }: Buffer, start: number, at: readonly Size[]): Size {
  return add(
    at.reduce((place, each, axis) => add(mul(place, shape[axis]!), each), size(0)),
    start,
  );
}

function copied(source: Buffer, number: number, place: (at: readonly Size[]) => Size, out: Buffer): Statement {
  const from = (axis: number, at: readonly Size[]): Statement => {
    const extent = source.shape[axis];
    if (extent === undefined) {
      const value = load(source, at.map(index));
      return { kind: "store", buffer: out, index: [index(place(at))], value, update: null };
    }
    return loopOver(`i${number}_${axis}`, extent, "serial", (here) => [from(axis + 1, [...at, here])]);
  };
  return from(0, []);
}
