/**
 * Proves from a kernel that its result may lie in the very bytes of something that it reads.
 *
 * Both have the same elements in the same order, so that one place in row-major order is the same bytes. Nothing may be
 * read from a place after the result's element was written there:
 *
 * 1. All indices into both are known before data is (they are sizes and loop variables).
 * 2. No iteration of a loop reads a place that an earlier one writes. It holds for a kernel that maps elements, and for one
 *    that reads a row several times before it writes it, such as a softmax.
 * 3. Within one iteration, no statement reads a place that a statement before it writes. What a store reads for its own
 *    value is read before it writes.
 *
 * Sound and not complete: a kernel that is not understood keeps its result in bytes of its own.
 */
import {
  allStatements,
  Buffer,
  bodyOf,
  constant,
  distinctExpressions,
  type Expression,
  expressionsOf,
  factsOf,
  index,
  type Kernel,
  type KernelElement,
  KernelMemo,
  type Knowledge,
  load,
  meetings,
  nothingKnown,
  type Statement,
} from "../ir/kernel/index.js";
import {
  add,
  compare,
  constantOf,
  mul,
  type Size,
  type SizeVariable,
  size,
  sub,
  substitute,
  variablesOf,
} from "../sizes/index.js";
import { elementsOf } from "./bytes.js";

/** What is proven of kernels, kept for all that are equal. */
export class Replacements {
  readonly #known = new KernelMemo<Map<string, boolean>>();

  /**
   * Whether the elements that a kernel writes may replace, one by one, those that it reads.
   * @param read the position of the argument among the kernel's reads.
   * @param write the position of the result among its writes.
   */
  allow(kernel: Kernel, read: number, write: number): boolean {
    const answers = this.#known.of(kernel, () => new Map());
    const key = `${read} ${write}`;
    let answer = answers.get(key);
    if (answer === undefined) {
      answer = mayReplace(kernel, read, write);
      answers.set(key, answer);
    }
    return answer;
  }
}

/** As `Replacements.allow`, for one kernel. */
export function mayReplace(kernel: Kernel, read: number, write: number): boolean {
  return isProven(kernel, kernel.reads[read]!, kernel.writes[write]!);
}

/** Whether two buffers hold the same number of elements, of types that are arrays of equally large elements. */
export function haveSameLayout(a: Pick<Buffer, "element" | "shape">, b: Pick<Buffer, "element" | "shape">): boolean {
  if (!isSameArray(a.element, b.element)) return false;
  const isSameShape = a.shape.length === b.shape.length && a.shape.every((extent, axis) => extent === b.shape[axis]);
  return isSameShape || compare(elementsOf(a.shape), elementsOf(b.shape)) === "equal";
}

/** A target may keep f16 in two bytes, so that it shares with itself only. */
function isSameArray(a: KernelElement, b: KernelElement): boolean {
  const isWord = (element: KernelElement): boolean => element === "f32" || element === "i32";
  return a === b || (isWord(a) && isWord(b));
}

/** Whether a kernel is a copy of its only argument, element by element in the same order. */
export function isIdentity({ reads, writes, body }: Kernel): boolean {
  const [from, to] = [reads[0], writes[0]];
  if (from === undefined || to === undefined || reads.length + writes.length > 2) return false;
  if (from.element !== to.element || !haveSameLayout(from, to)) return false;
  const loops = new Map<SizeVariable, Size>();
  let block = body;
  for (;;) {
    const [only, ...others] = block;
    if (only === undefined || others.length > 0) return false;
    if (only.kind === "for") {
      loops.set(only.variable, only.extent);
      block = only.body;
      continue;
    }
    if (only.kind !== "store" || only.update !== null || only.value.kind !== "load") return false;
    if (only.value.buffer !== from || !isCompleteWalk(only.index, to, loops)) return false;
    const [source, target] = [linear(from, only.value.index), linear(to, only.index)];
    return source !== null && source === target;
  }
}

/** Whether an index takes every element: a loop over the whole of each axis. */
function isCompleteWalk(at: readonly Expression[], buffer: Buffer, loops: ReadonlyMap<SizeVariable, Size>): boolean {
  const used = new Set<SizeVariable>();
  return at.every((each, axis) => {
    if (each.kind !== "index") return false;
    const extent = buffer.shape[axis]!;
    if (each.value === size(0)) return extent === size(1);
    const variable = [...loops.keys()].find((loop) => size(loop) === each.value);
    if (variable === undefined || used.has(variable) || loops.get(variable) !== extent) return false;
    used.add(variable);
    return true;
  });
}

function isProven(kernel: Kernel, from: Buffer, to: Buffer): boolean {
  if (!haveSameLayout(from, to)) return false;
  const accesses = accessesOf(kernel, from, to);
  return accesses !== null && isAligned(accesses) && isInOrder(accesses.body, accesses.shared, nothingKnown);
}

interface Accesses {
  readonly shared: Buffer;
  readonly body: readonly Statement[];
}

/**
 * Whether every loop around a read and a write moves both by the same stride. Nearly all that fails to be in order fails
 * this already (each column of a product reads the whole row), which spares a long search for a proof.
 */
function isAligned({ shared, body }: Accesses): boolean {
  const strideOf = (at: readonly Expression[], loop: SizeVariable): Size => {
    const place = linear(shared, at)!;
    return sub(
      substitute(place, (each) => (each === loop ? add(size(loop), 1) : null)),
      place,
    );
  };
  const visit = (statements: readonly Statement[]): boolean =>
    statements.every((statement) => {
      if (statement.kind === "if") return visit(statement.body);
      if (statement.kind !== "for") return true;
      const [reads, writes] = placesOf(statement, shared);
      if (reads.length === 0 || writes.length === 0) return true;
      const [stride, ...others] = [...reads, ...writes].map(({ index: at }) => strideOf(at, statement.variable));
      return stride !== size(0) && others.every((each) => each === stride) && visit(statement.body);
    });
  return visit(body);
}

/**
 * What a kernel does with two buffers, as if they were one, and nothing else: each read by a statement of its own, before
 * the statement that reads it. Null where a place comes from data, or where lanes run side by side.
 */
function accessesOf(kernel: Kernel, from: Buffer, to: Buffer): Accesses | null {
  const isSameShape =
    from.shape.length === to.shape.length && from.shape.every((extent, axis) => extent === to.shape[axis]);
  const shared = new Buffer(to.name, to.element, isSameShape ? to.shape : [elementsOf(to.shape)], "global");
  let isKnown = true;
  const place = (of: Buffer, at: readonly Expression[]): readonly Expression[] => {
    const row = linear(of, at);
    if (row === null) isKnown = false;
    return isSameShape || row === null ? at : [index(row)];
  };
  const read = (expression: Expression): readonly Statement[] => {
    if (expression.kind !== "load" || (expression.buffer !== from && expression.buffer !== to)) return [];
    const at = place(expression.buffer, expression.index);
    if (!isKnown) return [];
    const nowhere = new Buffer("nowhere", to.element, [], "private");
    return [{ kind: "alloc", buffer: nowhere }, store(nowhere, [], load(shared, at))];
  };
  const visit = (statement: Statement): readonly Statement[] => {
    const reads = [...distinctExpressions(expressionsOf(statement))].flatMap(read);
    switch (statement.kind) {
      case "for":
        if (statement.loop.startsWith("lane.")) isKnown = false;
        return [{ ...statement, body: statement.body.flatMap(visit) }];
      case "if":
        return [...reads, { ...statement, body: statement.body.flatMap(visit) }];
      case "store":
        if (statement.buffer !== to) return reads;
        return [...reads, store(shared, place(to, statement.index), constant(0, to.element))];
      default:
        return [];
    }
  };
  const body = kernel.body.flatMap(visit);
  return isKnown ? { shared, body } : null;
}

function store(buffer: Buffer, at: readonly Expression[], value: Expression): Statement {
  return { kind: "store", buffer, index: at, value, update: null };
}

/** The place in row-major order; null where an index comes from data. */
function linear(buffer: Buffer, at: readonly Expression[]): Size | null {
  let place = size(0);
  for (const [axis, each] of at.entries()) {
    if (each.kind !== "index") return null;
    place = add(mul(place, buffer.shape[axis]!), each.value);
  }
  return place;
}

/** Rules 2 and 3 for a body whose loops are not empty. */
function isInOrder(body: readonly Statement[], buffer: Buffer, knowledge: Knowledge): boolean {
  let written: readonly Place[] = [];
  for (const statement of body) {
    const [reads, writes] = placesOf(statement, buffer);
    if (!reads.every((read) => written.every((write) => isApart(read, write, knowledge)))) return false;
    written = [...written, ...writes];
    if (statement.kind === "if") {
      if (!isInOrder(statement.body, buffer, knowledge.and(factsOf(statement.condition)))) return false;
    } else if (statement.kind === "for") {
      const inner = knowledge.and([sub(statement.extent, 1)]);
      const isSpaced = advances(statement, [...reads, ...writes]);
      if (!isSpaced && meetings(statement, inner).some((meeting) => meeting.buffer === buffer)) return false;
      if (!isInOrder(statement.body, buffer, inner)) return false;
    }
  }
  return true;
}

/**
 * Whether a loop moves all accesses along one axis by the same number, further than they are apart there, and nothing
 * inside it moves them along that axis: then no two iterations meet. Tiles are like that, with many accesses, for which
 * comparing each two would take long.
 */
function advances({ variable, body }: Extract<Statement, { kind: "for" }>, accesses: readonly Place[]): boolean {
  const inner = new Set<SizeVariable>();
  for (const each of allStatements(body)) if (each.kind === "for") inner.add(each.variable);
  const [first] = accesses;
  return (first?.index ?? []).some((_, axis) => {
    const values = accesses.flatMap(({ index: at }) => (at[axis]?.kind === "index" ? [at[axis].value] : []));
    const [start] = values;
    if (start === undefined || values.length < accesses.length) return false;
    const next = substitute(start, (each) => (each === variable ? add(size(variable), 1) : null));
    const stride = constantOf(sub(next, start));
    if (stride === null || stride < 1) return false;
    const rest = variablesOf(sub(start, mul(size(variable), stride)));
    if (rest.some((each) => each === variable || inner.has(each))) return false;
    const apart = values.map((value) => constantOf(sub(value, start)));
    const known = apart.filter((each) => each !== null);
    return known.length === apart.length && Math.max(...known) - Math.min(...known) < stride;
  });
}

/** An access, and what is known where it happens. */
interface Place {
  readonly index: readonly Expression[];
  readonly facts: readonly Size[];
}

/** Where a statement, with its body, reads and writes a buffer. */
function placesOf(statement: Statement, buffer: Buffer, facts: readonly Size[] = []): [Place[], Place[]] {
  const reads: Place[] = [];
  const writes: Place[] = [];
  for (const each of distinctExpressions(expressionsOf(statement))) {
    if (each.kind === "load" && each.buffer === buffer) reads.push({ index: each.index, facts });
  }
  // An update reads what it adds to, which is the result's own.
  if (statement.kind === "store" && statement.buffer === buffer) writes.push({ index: statement.index, facts });
  const inside =
    statement.kind === "for"
      ? [...facts, sub(statement.extent, 1)]
      : statement.kind === "if"
        ? [...facts, ...factsOf(statement.condition)]
        : facts;
  for (const each of bodyOf(statement)) {
    const [innerReads, innerWrites] = placesOf(each, buffer, inside);
    reads.push(...innerReads);
    writes.push(...innerWrites);
  }
  return [reads, writes];
}

/** Whether two places differ on some axis, whatever the loops inside either statement stand at. */
function isApart(a: Place, b: Place, knowledge: Knowledge): boolean {
  const all = knowledge.and([...a.facts, ...b.facts]);
  return a.index.some((left, axis) => {
    const right = b.index[axis]!;
    if (left.kind !== "index" || right.kind !== "index") return false;
    return all.proves(sub(sub(left.value, right.value), 1)) || all.proves(sub(sub(right.value, left.value), 1));
  });
}
