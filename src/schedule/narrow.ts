/**
 * Holds in f16 what lies between kernels, and large weights; products of what is held so are f16 too.
 *
 * Everything else is computed in f32, sums among it: an element is widened where it is loaded and rounded where it is stored.
 * Inputs, outputs and what a session keeps stay what they are, and so does what a kernel reads and writes both, as it would
 * be rounded on the way. A value beyond 65504 becomes an infinity.
 *
 * Needs scheduled kernels, of a program that has no f16 itself. Guarantees: the same loops and the same order of sums.
 */
import {
  allExpressions,
  allStatements,
  Buffer,
  binary,
  cast,
  type Expression,
  index,
  type Kernel,
  kernelsOf,
  load,
  type Statement,
  storedBuffers,
  withBodies,
} from "../ir/kernel/index.js";
import type { BufferId } from "../ir/plan/plan.js";
import type { Call, LoweredBuffer, LoweredGraph } from "../lower/index.js";
import { constantOf, type Size } from "../sizes/index.js";
import { loopOver, withParts, withStatementParts } from "./rewrite.js";

/** Smaller weights than this many elements stay f32: little is won. */
const leastElements = 4096;
/** Larger ones than this are bound in parts on some devices, where nothing can be written to them. */
const mostElements = 2 ** 25;

export function narrowed(lowered: LoweredGraph): LoweredGraph {
  const wide = builtUp(lowered.calls);
  const buffers: LoweredBuffer[] = lowered.buffers.map((each, id): LoweredBuffer => {
    const isBetween = each.home.kind === "temporary" || each.home.kind === "prepared";
    return isBetween && each.element === "f32" && !wide.has(id as BufferId) ? { ...each, element: "f16" } : each;
  });
  const prepare: Call[] = [];
  const halves = new Map<BufferId, BufferId>();
  const halfOf = (id: BufferId): BufferId => {
    const known = halves.get(id);
    if (known !== undefined) return known;
    const { home, element, shape, name } = buffers[id]!;
    const count = shape.reduce((product, extent) => product * (constantOf(extent) ?? Number.NaN), 1);
    const isLarge = home.kind === "weight" && element === "f32" && count >= leastElements && count <= mostElements;
    let half = id;
    if (isLarge) {
      half = (buffers.push({ ...buffers[id]!, name: `${name}.f16`, element: "f16", home: { kind: "prepared" } }) -
        1) as BufferId;
      prepare.push({ kernel: rounding(shape), reads: [id], writes: [half], location: null, scope: "" });
    }
    halves.set(id, half);
    return half;
  };
  const memo = new Map<Kernel, Map<string, Kernel>>();
  const over = (call: Call, reads: readonly BufferId[]): Call => {
    const elements = [...reads, ...call.writes].map((id) => buffers[id]!.element);
    const made = memo.get(call.kernel) ?? new Map<string, Kernel>();
    memo.set(call.kernel, made);
    const key = elements.join();
    const kernel = made.get(key) ?? narrowKernel(call.kernel, elements);
    made.set(key, kernel);
    return { ...call, kernel, reads };
  };
  const calls = lowered.calls.map((call) => over(call, call.reads.map(halfOf)));
  const before = lowered.prepare.map((call) => over(call, call.reads));
  return { ...lowered, buffers, prepare: [...before, ...prepare], calls };
}

/** What some kernel reads and writes both, or adds up in. */
function builtUp(calls: readonly Call[]): ReadonlySet<BufferId> {
  const found = new Set<BufferId>();
  for (const { kernel, reads, writes } of calls) {
    for (const id of writes) if (reads.includes(id)) found.add(id);
    for (const { body } of kernelsOf(kernel)) {
      const built = new Set<Buffer>();
      for (const each of allStatements(body)) if (each.kind === "store" && each.update !== null) built.add(each.buffer);
      for (const each of allExpressions(body)) if (each.kind === "load") built.add(each.buffer);
      for (const [at, buffer] of kernel.writes.entries()) if (built.has(buffer)) found.add(writes[at]!);
    }
  }
  return found;
}

/** A kernel that rounds a weight. */
function rounding(shape: readonly Size[]): Kernel {
  const weight = new Buffer("weight", "f32", shape, "global", { constant: true });
  const half = new Buffer("half", "f16", shape, "global", { constant: true });
  const nest = (axis: number, at: readonly Expression[]): readonly Statement[] => {
    if (axis === shape.length) {
      return [{ kind: "store", buffer: half, index: at, value: cast(load(weight, at), "f16"), update: null }];
    }
    return [loopOver(`i${axis}`, shape[axis]!, "parallel", (each) => nest(axis + 1, [...at, index(each)]))];
  };
  return { name: "round", reads: [weight], writes: [half], sizes: [], body: nest(0, []), location: null };
}

/** The kernel with arguments of these element types. */
export function narrowKernel(kernel: Kernel, elements: readonly string[]): Kernel {
  const moved = new Map<Buffer, Buffer>();
  for (const [at, buffer] of [...kernel.reads, ...kernel.writes].entries()) {
    if (buffer.element === "f32" && elements[at] === "f16") moved.set(buffer, halfOf(buffer));
  }
  if (moved.size === 0) return kernel;
  const of = (buffer: Buffer): Buffer => moved.get(buffer) ?? buffer;
  return {
    ...withBodies(kernel, (body) => inHalves(narrowBody(body, moved))),
    reads: kernel.reads.map(of),
    writes: kernel.writes.map(of),
  };
}

function halfOf({ name, shape, scope, facts }: Buffer): Buffer {
  return new Buffer(name, "f16", shape, scope, facts);
}

/** Loads widened, and stores rounded, of the buffers that are moved. */
function narrowBody(body: readonly Statement[], moved: ReadonlyMap<Buffer, Buffer>): readonly Statement[] {
  const replace = (part: Expression): Expression | null => {
    const half = part.kind === "load" ? moved.get(part.buffer) : undefined;
    if (part.kind !== "load" || half === undefined) return null;
    return cast(
      load(
        half,
        part.index.map((each) => withParts(each, replace)),
      ),
      "f32",
    );
  };
  return stores(withStatementParts(body, replace), (each) => {
    const half = moved.get(each.buffer);
    return half === undefined ? each : { ...each, buffer: half, value: widened(each.value) ?? cast(each.value, "f16") };
  });
}

type Store = Extract<Statement, { kind: "store" }>;

/** Statements with other stores, and allocations of what those are to. */
function stores(body: readonly Statement[], of: (store: Store) => Store, allocated = new Map<Buffer, Buffer>()) {
  const visit = (statements: readonly Statement[]): readonly Statement[] =>
    statements.map((each): Statement => {
      if (each.kind === "for" || each.kind === "if") return { ...each, body: visit(each.body) };
      if (each.kind === "alloc") return { ...each, buffer: allocated.get(each.buffer) ?? each.buffer };
      return each.kind === "store" ? of(each) : each;
    });
  return visit(body);
}

/** The element of f16 that an expression widens; null where it is something else. */
function widened(expression: Expression): Expression | null {
  const isWidened = expression.kind === "cast" && expression.element === "f32" && expression.operand.element === "f16";
  return isWidened && expression.operand.kind === "load" ? expression.operand : null;
}

/** Tiles and scalars that only ever hold elements of f16 as f16, and products of two as such. */
function inHalves(body: readonly Statement[]): readonly Statement[] {
  let made = body;
  for (let found = copies(made); found.size > 0; found = copies(made)) {
    const moved = new Map([...found].map((buffer): [Buffer, Buffer] => [buffer, halfOf(buffer)]));
    made = stores(narrowBody(made, moved), (each) => each, moved);
  }
  return stores(made, (each) => {
    const { value, update } = each;
    if (update !== "add" || value.kind !== "binary" || value.operator !== "mul") return each;
    const [left, right] = [widened(value.left), widened(value.right)];
    return left === null || right === null ? each : { ...each, value: cast(binary("mul", left, right), "f32") };
  });
}

/** The local buffers of f32 that are stored to only as copies of elements of f16. */
function copies(body: readonly Statement[]): ReadonlySet<Buffer> {
  const found = new Set(
    [...storedBuffers(body)].filter(({ scope, element }) => scope !== "global" && element === "f32"),
  );
  for (const each of allStatements(body)) {
    if (each.kind === "meet") found.delete(each.buffer);
    if (each.kind === "store" && (each.update !== null || widened(each.value) === null)) found.delete(each.buffer);
  }
  return found;
}
