/**
 * Which buffers a shader has as arrays of vectors: those whose rows are whole vectors, and of which every vector that is
 * read or written at one place is read or written there as a whole.
 */
import {
  type Buffer,
  distinctExpressions,
  type Expression,
  expressionsOf,
  index,
  type Kernel,
  type Statement,
} from "../../src/ir/kernel/index.js";
import { areNeighbours, isOfVectors, lanes, vectorPlace } from "../../src/schedule/legalise/vectors.js";
import { constantOf, exactDivide, mod, type Size, type SizeVariable, size, sub } from "../../src/sizes/index.js";

/** A place along the last axis: the number of a vector, and the place in it; null for all of it. */
export interface WidePlace {
  readonly vector: Size;
  readonly lane: number | null;
}

/** @param vector the variable of the vector loop around, if there is one. */
export function widePlace(last: Expression, vector: SizeVariable | null): WidePlace | null {
  if (last.kind !== "index") return null;
  const whole = vector === null ? null : vectorPlace(last.value, vector);
  if (whole !== null) return { vector: whole, lane: null };
  const lane = constantOf(mod(last.value, size(lanes)));
  const place = lane === null ? null : exactDivide(sub(last.value, lane), size(lanes));
  return place === null ? null : { vector: place, lane };
}

/** What is known of a buffer's accesses so far. */
interface Accesses {
  isWide: boolean;
  /** Whether a vector loop accesses it. */
  isWhole: boolean;
  /** By block, indices and vector: which places in the vector are read there. */
  readonly read: Map<string, Set<number>>;
}

/** @param isMade whether vectors are made of a buffer's elements */
export function wideBuffers(kernel: Kernel, isMade: (buffer: Buffer) => boolean): ReadonlySet<Buffer> {
  const found = new Map<Buffer, Accesses>();
  const numbers = new Map<object, number>();
  const numberOf = (thing: object): number => {
    const number = numbers.get(thing) ?? numbers.size;
    numbers.set(thing, number);
    return number;
  };
  const access = (
    buffer: Buffer,
    at: readonly Expression[],
    { vector, block, isStore }: { vector: SizeVariable | null; block: object; isStore: boolean },
  ): void => {
    const known = found.get(buffer) ?? {
      isWide: isMade(buffer) && isOfVectors(buffer),
      isWhole: false,
      read: new Map(),
    };
    found.set(buffer, known);
    if (!known.isWide) return;
    const place = widePlace(at.at(-1)!, vector);
    const isWhole = vector !== null && place?.lane === null && areNeighbours(buffer, at, vector);
    known.isWhole ||= isWhole;
    if (isWhole || (isPrivate(buffer) && place !== null)) return;
    if (isStore || place === null || place.lane === null) {
      known.isWide = false;
      return;
    }
    const key = [block, ...at.slice(0, -1), index(place.vector)].map(numberOf).join(" ");
    known.read.set(key, (known.read.get(key) ?? new Set()).add(place.lane));
  };
  const visit = (body: readonly Statement[], block: object, vector: SizeVariable | null): void => {
    for (const each of body) {
      if (each.kind === "store") access(each.buffer, each.index, { vector, block, isStore: true });
      for (const part of distinctExpressions(expressionsOf(each))) {
        if (part.kind === "load") access(part.buffer, part.index, { vector, block, isStore: false });
      }
      if (each.kind === "for" && each.loop === "vector") visit(each.body, block, each.variable);
      else if (each.kind === "for" || each.kind === "if") visit(each.body, each.body, vector);
    }
  };
  visit(kernel.body, kernel.body, null);
  const wide = [...found].filter(
    ([buffer, { isWide, isWhole, read }]) =>
      isWide && (isPrivate(buffer) ? isWhole : [...read.values()].every(({ size: count }) => count === lanes)),
  );
  return new Set(wide.map(([buffer]) => buffer));
}

/** Private arrays are vectors only where vector loops access them: others stay what they are. */
function isPrivate({ scope }: Buffer): boolean {
  return scope === "private";
}
