/**
 * Small kernels that compute one thing after another of the same row, as one: what chooses experts is a softmax of a few
 * scores, their ranks, the largest of them and their shares. What lies between them is in memory of a workgroup whose lanes share
 * each of them, or of the lane that computes all.
 *
 * Where lanes share rows, the kernels that read what is chosen compute it themselves, if that is little: each workgroup anew.
 *
 * Needs kernels as lowering gives them, of a graph whose kernels are short. Guarantees: every value that others read is what it
 * was; a kernel has no more buffers than the device binds; buffers that are gone have no number.
 */
import {
  allExpressions,
  allStatements,
  Buffer,
  type BufferScope,
  index,
  type Kernel,
  load,
  mentionedSizes,
  type Statement,
} from "../ir/kernel/index.js";
import type { BufferId } from "../ir/plan/plan.js";
import { type Call, type LoweredGraph, withoutUnused } from "../lower/index.js";
import { constantOf, type Size, size } from "../sizes/index.js";
import { loopsIn } from "./loops.js";
import { contractionsOf } from "./policies/contraction.js";
import { type Loop, loopOver, Rewriter } from "./rewrite.js";

/** Elements of a row of what a small kernel writes. */
const mostElements = 1024;
/** What a small kernel computes of a row, in runs of its statements. */
const mostWork = 2 ** 18;
/** What each workgroup may compute anew, in runs of statements by a lane, and the bytes that it may take. */
const mostAnew = { steps: 512, bytes: 4096 };

export interface ChainPolicy {
  /** The buffers that a kernel can have on every device. */
  readonly mostArguments: number;
  /** Lanes that share rows; null where each lane computes its own. */
  readonly lanes: number | null;
  /** Whether the lanes of workgroups share what a kernel with such arrays computes. */
  readonly isShared: (kernel: Kernel) => boolean;
}

export function chained(lowered: LoweredGraph, policy: ChainPolicy): LoweredGraph {
  let calls = lowered.calls;
  const seen = new Set<Call>();
  for (;;) {
    const first = calls.find((call) => !seen.has(call) && smallOf(lowered, call) !== null);
    if (first === undefined) return withoutUnused({ ...lowered, calls });
    seen.add(first);
    const made = new Chain(lowered, calls, first, policy).calls();
    for (const call of made) if (!calls.includes(call)) seen.add(call);
    calls = made;
  }
}

/** A kernel that computes little of each row. */
interface Small {
  readonly call: Call;
  /** The loop over all rows; null where there is one row. */
  readonly rows: Loop | null;
  readonly body: readonly Statement[];
}

function smallOf({ buffers }: LoweredGraph, call: Call): Small | null {
  const { kernel, writes } = call;
  const [id] = writes;
  if (call.sizes !== undefined || call.places !== undefined || writes.length !== 1) return null;
  if (buffers[id!]!.home.kind !== "temporary" || contractionsOf(kernel).length > 0) return null;
  // A session's memory is another before and after it is written.
  if (call.reads.some((each) => buffers[each]!.home.kind === "state")) return null;
  const found = rowsOf(kernel);
  if (found === null) return null;
  const { rows, body } = found;
  const isPlain = allStatements(body).every((each) => each.kind !== "alloc" || each.buffer.shape.length === 0);
  const written = elementsOf(arrayShape(kernel.writes[0]!, rows));
  const isSmall = written !== null && written <= mostElements && workOf(body) <= mostWork;
  return isPlain && isSmall && isOfRow(body, kernel.writes[0]!, rows) ? { call, rows, body } : null;
}

/** The loop over rows whose number only the run knows, and what is in it; null where it is not around all. */
function rowsOf({ body }: Kernel): Pick<Small, "rows" | "body"> | null {
  const isKnown = (statements: readonly Statement[]): boolean =>
    loopsIn(statements).every(({ extent }) => constantOf(extent) !== null);
  const [only, ...others] = body;
  if (isKnown(body)) return { rows: null, body };
  const isOne = only?.kind === "for" && only.loop === "serial" && others.length === 0 && isKnown(only.body);
  return isOne ? { rows: only, body: only.body } : null;
}

/** Whether a body touches only the elements of its row in a buffer. */
function isOfRow(body: readonly Statement[], buffer: Buffer, rows: Loop | null): boolean {
  if (rows === null) return true;
  const places = [
    ...allStatements(body).flatMap((each) => (each.kind === "store" && each.buffer === buffer ? [each.index] : [])),
    ...[...allExpressions(body)].flatMap((each) =>
      each.kind === "load" && each.buffer === buffer ? [each.index] : [],
    ),
  ];
  return places.every(([first]) => first?.kind === "index" && first.value === size(rows.variable));
}

/** The shape of a row's part of a buffer. */
function arrayShape({ shape }: Buffer, rows: Loop | null): readonly Size[] {
  return rows === null ? shape : shape.slice(1);
}

function elementsOf(shape: readonly Size[]): number | null {
  return shape.reduce<number | null>((product, extent) => {
    const count = constantOf(extent);
    return product === null || count === null ? null : product * count;
  }, 1);
}

/** How often statements run, where lanes share the outermost loops. */
function workOf(body: readonly Statement[], lanes = 1): number {
  return body.reduce((sum, each) => {
    if (each.kind === "for") return sum + Math.ceil(constantOf(each.extent)! / lanes) * workOf(each.body);
    return sum + (each.kind === "if" ? workOf(each.body, lanes) : each.kind === "store" ? 1 : 0);
  }, 0);
}

/** A kernel in the making, from the bodies of others. */
class Joined {
  readonly #reads = new Map<BufferId, Buffer>();
  readonly #taken = new Set<string>();
  readonly arrays = new Map<BufferId, Buffer>();

  constructor(
    readonly rows: Loop | null,
    readonly scope: BufferScope,
  ) {
    if (rows !== null) this.#taken.add(rows.variable.name);
  }

  /** What a body computes of the row, with arrays of the row in place of the buffers that have some. */
  bodyOf({ call, rows, body }: Small, writes: ReadonlyMap<BufferId, Buffer>): readonly Statement[] {
    const { kernel } = call;
    const names = loopsIn(body).map(({ variable }) => this.#name(variable.name));
    const rewriter = new Rewriter().copying(names);
    if (rows !== null) rewriter.variable(rows.variable, size(this.rows!.variable));
    for (const [at, id] of call.reads.entries()) {
      const array = this.arrays.get(id);
      if (array === undefined) {
        const known = this.#reads.get(id) ?? kernel.reads[at]!;
        this.#reads.set(id, known);
        rewriter.buffer(kernel.reads[at]!, { buffer: known, index: (place) => place });
      } else rewriter.buffer(kernel.reads[at]!, { buffer: array, index: (place) => this.#within(place) });
    }
    for (const [at, id] of call.writes.entries()) {
      const buffer = writes.get(id) ?? kernel.writes[at]!;
      const isArray = this.arrays.get(id) === buffer;
      rewriter.buffer(kernel.writes[at]!, { buffer, index: (place) => (isArray ? this.#within(place) : place) });
    }
    return rewriter.statements(body);
  }

  #within<T>(place: readonly T[]): readonly T[] {
    return this.rows === null ? place : place.slice(1);
  }

  #name(wanted: string): string {
    let name = wanted;
    for (let count = 2; this.#taken.has(name); count++) name = `${wanted}_${count}`;
    this.#taken.add(name);
    return name;
  }

  /** The array of a row in place of what a small kernel writes. */
  arrayOf({ call, rows }: Small): Buffer {
    const own = call.kernel.writes[0]!;
    const array = new Buffer(own.name, own.element, arrayShape(own, rows), this.scope);
    this.arrays.set(call.writes[0]!, array);
    return array;
  }

  /** Copies an array to the buffer that others read it from. */
  copyOf(array: Buffer, to: Buffer): readonly Statement[] {
    const nest = (axis: number, at: readonly Size[]): readonly Statement[] => {
      const extent = array.shape[axis];
      if (extent === undefined) {
        const place = at.map(index);
        const row = this.rows === null ? [] : [index(size(this.rows.variable))];
        return [{ kind: "store", buffer: to, index: [...row, ...place], value: load(array, place), update: null }];
      }
      if (constantOf(extent) === 1) return nest(axis + 1, [...at, size(0)]);
      return [loopOver(this.#name("i"), extent, "serial", (here) => nest(axis + 1, [...at, here]))];
    };
    return nest(0, []);
  }

  /** One row, of a workgroup whose lanes share it; what a product does behind it is spread over several. */
  #alone(body: readonly Statement[]): readonly Statement[] {
    const isProduct = contractionsOf({ body }).length > 0;
    return this.scope === "workgroup" && !isProduct
      ? [loopOver(this.#name("row"), size(1), "serial", () => body)]
      : body;
  }

  /** @param like what it is called, and where it stands */
  call(like: Call, name: string, body: readonly Statement[], writes: ReadonlyMap<BufferId, Buffer>): Call {
    const allocs = [...this.arrays.values()].map((buffer): Statement => ({ kind: "alloc", buffer }));
    const inner = [...allocs, ...body];
    const whole = this.rows === null ? this.#alone(inner) : [{ ...this.rows, body: inner }];
    const used = [...this.#reads];
    const [reads, written] = [used.map(([, buffer]) => buffer), [...writes.values()]];
    const kernel: Kernel = {
      name,
      reads,
      writes: written,
      sizes: mentionedSizes(whole, [...reads, ...written]),
      body: whole,
      location: like.kernel.location ?? null,
    };
    return { ...like, kernel, reads: used.map(([id]) => id), writes: [...writes.keys()] };
  }
}

/** Small kernels that read what others of them write. */
class Chain {
  readonly #members: readonly Small[];
  readonly #written: ReadonlySet<BufferId>;

  constructor(
    readonly lowered: LoweredGraph,
    readonly all: readonly Call[],
    first: Call,
    readonly policy: ChainPolicy,
  ) {
    const members = [smallOf(lowered, first)!];
    const inside = new Set(first.writes);
    const between = new Set<BufferId>();
    for (const call of all.slice(all.indexOf(first) + 1)) {
      const small = call.reads.some((id) => inside.has(id)) ? smallOf(lowered, call) : null;
      const isNext =
        small !== null &&
        small.rows?.extent === members[0]!.rows?.extent &&
        !call.reads.some((id) => between.has(id)) &&
        call.reads.every((id, at) => !inside.has(id) || isOfRow(small.body, call.kernel.reads[at]!, small.rows));
      if (isNext) members.push(small);
      for (const id of call.writes) (isNext ? inside : between).add(id);
    }
    this.#members = members;
    this.#written = inside;
  }

  /** All calls, with those of the chain as one, or computed by those that read what they give. */
  calls(): readonly Call[] {
    const own = new Set(this.#members.map(({ call }) => call));
    const readers = this.all.filter((call) => !own.has(call) && call.reads.some((id) => this.#written.has(id)));
    // Indices by which others choose: of anything else, norms say, there are better ways to be computed where it is read.
    const read = new Set(readers.flatMap(({ reads }) => reads));
    const isChoice = this.#members.some(
      ({ call }) => call.kernel.writes[0]!.element === "i32" && read.has(call.writes[0]!),
    );
    if (!isChoice) return this.all;
    const anew = this.policy.lanes === null ? null : this.#anew(readers);
    if (anew !== null) return this.all.flatMap((call) => (own.has(call) ? [] : [anew.get(call) ?? call]));
    const joined = this.#members.length === 1 ? null : this.#joined(read);
    if (joined === null) return this.all;
    const [first] = own;
    return this.all.flatMap((call) => (call === first ? [joined] : own.has(call) ? [] : [call]));
  }

  /** The readers, each of which computes what it reads; null where one had better not. */
  #anew(readers: readonly Call[]): ReadonlyMap<Call, Call> | null {
    const made = new Map<Call, Call>();
    for (const call of readers) {
      const found = this.#computing(call);
      if (found === null) return null;
      made.set(call, found);
    }
    return made.size === 0 ? null : made;
  }

  #computing(call: Call): Call | null {
    const found = call.sizes === undefined && call.places === undefined ? rowsOf(call.kernel) : null;
    const [{ rows }] = this.#members as readonly [Small];
    if (found === null || found.rows?.extent !== rows?.extent) return null;
    const isOwn = call.reads.every(
      (id, at) => !this.#written.has(id) || isOfRow(found.body, call.kernel.reads[at]!, found.rows),
    );
    if (!isOwn) return null;
    const needed = this.#membersFor(call.reads);
    const steps = needed.reduce((sum, { body }) => sum + workOf(body, this.policy.lanes!), 0);
    const bytes = needed.reduce(
      (sum, small) => sum + 4 * elementsOf(arrayShape(small.call.kernel.writes[0]!, small.rows))!,
      0,
    );
    if (steps > mostAnew.steps || bytes > mostAnew.bytes) return null;
    const joined = new Joined(found.rows, "workgroup");
    const before = needed.flatMap((small) => {
      const array = joined.arrayOf(small);
      return joined.bodyOf(small, new Map([[small.call.writes[0]!, array]]));
    });
    const writes = new Map(call.writes.map((id, at) => [id, call.kernel.writes[at]!]));
    const body = joined.bodyOf({ call, ...found }, writes);
    const made = joined.call(call, call.kernel.name, [...before, ...body], writes);
    const isBound = made.reads.length + made.writes.length <= this.policy.mostArguments;
    return isBound && this.policy.isShared(made.kernel) ? made : null;
  }

  /** The members that compute some buffers, in their order. */
  #membersFor(ids: readonly BufferId[]): readonly Small[] {
    const wanted = new Set(ids);
    const found = new Set<Small>();
    for (const small of this.#members.toReversed()) {
      if (!small.call.writes.some((id) => wanted.has(id))) continue;
      found.add(small);
      for (const id of small.call.reads) wanted.add(id);
    }
    return this.#members.filter((small) => found.has(small));
  }

  /** @param read what others read */
  #joined(read: ReadonlySet<BufferId>): Call | null {
    const [first] = this.#members as readonly [Small];
    const last = this.#members.at(-1)!;
    const joined = new Joined(first.rows, this.policy.lanes === null ? "private" : "workgroup");
    const writes = new Map<BufferId, Buffer>();
    const body = this.#members.flatMap((small): readonly Statement[] => {
      const [id] = small.call.writes as readonly [BufferId];
      const own = small.call.kernel.writes[0]!;
      if (read.has(id)) writes.set(id, own);
      const isRead = this.#members.some(({ call }) => call.reads.includes(id));
      const array = isRead ? joined.arrayOf(small) : own;
      const made = joined.bodyOf(small, new Map([[id, array]]));
      return isRead && read.has(id) ? [...made, ...joined.copyOf(array, own)] : made;
    });
    const name = `${first.call.kernel.name}_to_${last.call.kernel.name}`;
    const made = joined.call(last.call, name, body, writes);
    return made.reads.length + made.writes.length <= this.policy.mostArguments ? made : null;
  }
}
