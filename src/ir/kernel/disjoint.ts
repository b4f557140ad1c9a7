/**
 * Proves that the iterations of a parallel loop do not meet: that two different ones never touch one element of a buffer
 * that outlives them, unless both only read it.
 *
 * Conservative. For an access at iteration v and one at a later iteration v + 1 + gap, with every variable inside the
 * loop free to differ, some axis of the index, the place in row-major order or a remainder of it must be proven to
 * differ. Indices that come from data prove nothing.
 */
import {
  add,
  constantOf,
  floorDiv,
  mod,
  mul,
  neg,
  type Size,
  SizeVariable,
  size,
  sub,
  substitute,
  variablesOf,
} from "../../sizes/index.js";
import { factsOf } from "./facts.js";
import type { Buffer, Expression, Statement } from "./kernel.js";
import type { Knowledge } from "./knowledge.js";
import { distinctExpressions, expressionsOf } from "./traversal.js";

type Loop = Extract<Statement, { kind: "for" }>;

interface Access {
  readonly statement: Statement;
  readonly buffer: Buffer;
  readonly index: readonly Expression[];
  readonly writes: boolean;
  /** The loops between the parallel one and the access, outermost first. */
  readonly loops: readonly Loop[];
  readonly facts: readonly Size[];
}

/** Two accesses of different iterations that are not proven to be apart. */
export interface Meeting {
  readonly statement: Statement;
  readonly buffer: Buffer;
}

/**
 * The stores of a parallel loop that may meet an access of another iteration, one per buffer.
 * @param knowledge of where the loop stands.
 */
export function meetings(loop: Loop, knowledge: Knowledge): readonly Meeting[] {
  const accesses = outerAccesses(loop);
  const iterations = new Iterations(loop, knowledge);
  const turns = new Map<number, Turns>();
  const areApart = (early: Access, late: Access): boolean => {
    const step = stepOf(loop, early);
    if (step === 1 || step !== stepOf(loop, late)) return iterations.areApart(early, late);
    const some = turns.get(step) ?? new Turns(loop, step, knowledge);
    turns.set(step, some);
    return some.areApart(early, late);
  };
  const found = new Map<Buffer, Meeting>();
  for (const store of accesses) {
    if (!store.writes || found.has(store.buffer)) continue;
    // Lanes exchange elements from barrier to barrier: only what they write is compared here.
    const others = accesses.filter((each) => each.buffer === store.buffer && (each.writes || !isLane(loop)));
    const meets = others.some((other) => !areApart(store, other) || !areApart(other, store));
    if (meets) found.set(store.buffer, { statement: store.statement, buffer: store.buffer });
  }
  return [...found.values()];
}

function isLane({ loop }: Loop): boolean {
  return loop.startsWith("lane.");
}

/** The accesses in a loop to buffers that are not allocated in it. */
function outerAccesses(loop: Loop): readonly Access[] {
  const found: Access[] = [];
  const inner = new Set<Buffer>();
  const visit = (statements: readonly Statement[], loops: readonly Loop[], facts: readonly Size[]): void => {
    for (const statement of statements) {
      if (statement.kind === "alloc") inner.add(statement.buffer);
      const at = { statement, loops, facts };
      if (statement.kind === "store") {
        found.push({ ...at, buffer: statement.buffer, index: statement.index, writes: true });
      }
      for (const expression of distinctExpressions(expressionsOf(statement))) {
        if (expression.kind !== "load") continue;
        found.push({ ...at, buffer: expression.buffer, index: expression.index, writes: false });
      }
      if (statement.kind === "for") visit(statement.body, [...loops, statement], facts);
      if (statement.kind === "if") visit(statement.body, loops, [...facts, ...factsOf(statement.condition)]);
    }
  };
  visit(loop.body, [], []);
  return found.filter((access) => !inner.has(access.buffer));
}

/** Where an access touches a buffer, and where it does so at a later iteration; with the strides of its inner loops there. */
interface Place {
  readonly now: Size;
  readonly later: Size;
  readonly strides: () => readonly Size[];
}

/** What is compared of an access: each place, null where it comes from data. */
interface Compared {
  readonly places: readonly (Place | null)[];
  readonly laterFacts: readonly Size[];
}

/**
 * An iteration of a loop and any later one: what holds and differs there. The same variables stand for the later iteration
 * whatever is compared, so that each size is written once.
 */
class Iterations {
  readonly #later = new Map<SizeVariable, Size>();
  readonly #compared = new Map<Access, Compared>();
  readonly #known = new Map<string, Knowledge>();
  readonly #apart = new Map<Access, Map<Access, boolean>>();

  constructor(
    { variable, extent }: Loop,
    readonly knowledge: Knowledge,
  ) {
    const gap = new SizeVariable("gap", 0, sub(sub(extent, size(variable)), 2));
    this.#later.set(variable, add(add(size(variable), 1), size(gap)));
  }

  /** Whether `early` at one iteration and `late` at any later one touch different elements. */
  areApart(early: Access, late: Access): boolean {
    const known = this.#apart.get(early) ?? new Map<Access, boolean>();
    this.#apart.set(early, known);
    let apart = known.get(late);
    if (apart === undefined) {
      apart = this.#compare(early, late);
      known.set(late, apart);
    }
    return apart;
  }

  #compare(early: Access, late: Access): boolean {
    const { places } = this.#of(early);
    const others = this.#of(late);
    const known = this.#knowing([...early.facts, ...others.laterFacts]);
    const apart = (place: Size, after: Size): boolean =>
      known.proves(sub(sub(after, place), 1)) || known.proves(sub(sub(place, after), 1));
    const pairs = places.flatMap((place, at) => {
      const other = others.places[at];
      return place && other ? [{ place, other }] : [];
    });
    if (pairs.some(({ place, other }) => apart(place.now, other.later))) return true;
    return pairs.some(({ place, other }) =>
      [...new Set([...place.strides(), ...other.strides()])].some((stride) =>
        apart(mod(place.now, stride), this.#at(mod(other.now, stride))),
      ),
    );
  }

  /** What is known where two accesses stand. */
  #knowing(facts: readonly Size[]): Knowledge {
    const key = facts.map(({ id }) => id).join();
    let known = this.#known.get(key);
    if (known === undefined) {
      known = this.knowledge.and(facts);
      this.#known.set(key, known);
    }
    return known;
  }

  #at(value: Size): Size {
    return substitute(value, (each) => this.#later.get(each) ?? null);
  }

  #of(access: Access): Compared {
    let compared = this.#compared.get(access);
    if (compared === undefined) {
      for (const { variable } of access.loops) {
        if (this.#later.has(variable)) continue;
        const { name, min, max } = variable;
        this.#later.set(variable, size(new SizeVariable(`${name}'`, this.#at(min), max && this.#at(max))));
      }
      const places = placesOf(access).map((now): Place | null => {
        if (now === null) return null;
        // A remainder by what differs from iteration to iteration says nothing.
        const strides = () => stridesOf(now, access, this.knowledge).filter((stride) => this.#at(stride) === stride);
        return { now, later: this.#at(now), strides };
      });
      compared = { places, laterFacts: access.facts.map((fact) => this.#at(fact)) };
      this.#compared.set(access, compared);
    }
    return compared;
  }
}

/** Of how many iterations of a loop only the first has an access, as its conditions say: `v % 2 < 1`. */
function stepOf({ variable }: Loop, { facts, loops }: Access): number {
  if (loops.some(({ extent }) => variablesOf(extent).includes(variable))) return 1;
  const steps = facts.flatMap((fact) =>
    fact.terms.flatMap(({ coefficient, monomial: { factors } }) => {
      const isQuotient = factors.length === 1 && factors[0]!.kind === "floorDiv" && coefficient > 1;
      return isQuotient && fact === neg(mod(size(variable), coefficient)) ? [coefficient] : [];
    }),
  );
  return Math.max(1, ...steps);
}

/** The iterations of a loop that are the first of so many, numbered. */
class Turns {
  readonly #turn: SizeVariable;
  readonly #iterations: Iterations;
  readonly #accesses = new Map<Access, Access>();

  constructor(
    readonly loop: Loop,
    readonly step: number,
    knowledge: Knowledge,
  ) {
    const last = floorDiv(sub(loop.extent, 1), step);
    this.#turn = new SizeVariable(loop.variable.name, 0, last);
    this.#iterations = new Iterations({ ...loop, variable: this.#turn, extent: add(last, 1) }, knowledge);
  }

  areApart(early: Access, late: Access): boolean {
    return this.#iterations.areApart(this.#of(early), this.#of(late));
  }

  /** An access in the iterations of these numbers. */
  #of(access: Access): Access {
    let made = this.#accesses.get(access);
    if (made === undefined) {
      const first = mul(size(this.#turn), this.step);
      const of = (value: Size): Size => substitute(value, (each) => (each === this.loop.variable ? first : null));
      const index = access.index.map((each) => (each.kind === "index" ? { ...each, value: of(each.value) } : each));
      made = { ...access, index, facts: access.facts.map(of) };
      this.#accesses.set(access, made);
    }
    return made;
  }
}

/** The place in row-major order; null where an index comes from data. */
function linearPlace({ buffer, index }: Access): Size | null {
  let linear = size(0);
  for (const [axis, each] of index.entries()) {
    if (each.kind !== "index") return null;
    linear = add(mul(linear, buffer.shape[axis]!), each.value);
  }
  return linear;
}

/** The place in column-major order, which shows that a transposed tile's elements differ. */
function columnPlace({ buffer, index }: Access): Size | null {
  let place = size(0);
  for (const [axis, each] of [...index.entries()].reverse()) {
    if (each.kind !== "index") return null;
    place = add(mul(place, buffer.shape[axis]!), each.value);
  }
  return index.length < 2 ? null : place;
}

/** How far a place moves with each inner loop, where that is one positive size. */
function stridesOf(place: Size, { loops }: Access, knowledge: Knowledge): readonly Size[] {
  return loops.flatMap(({ variable }) => {
    const next = substitute(place, (each) => (each === variable ? add(size(variable), 1) : null));
    const stride = sub(next, place);
    // Where nothing ever runs, anything is proven, even that 0 is at least 1.
    if (constantOf(stride) === 0 || constantOf(stride) === 1) return [];
    return !variablesOf(stride).includes(variable) && knowledge.proves(sub(stride, 1)) ? [stride] : [];
  });
}

/**
 * What differs for different elements, if it differs, or a remainder of it by the strides of inner loops (T*j + i is i
 * modulo T, whatever j is): the index along each axis, and the place. Null where it comes from data.
 */
function placesOf(access: Access): readonly (Size | null)[] {
  const axes = access.index.map((each) => (each.kind === "index" ? each.value : null));
  return [...axes, linearPlace(access), columnPlace(access)];
}
