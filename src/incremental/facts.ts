/** What the analysis knows of a value (each field is one row of the theory), and how that moves with its axes. */
import type { ValueId } from "../ir/graph/index.js";
import { type Affine, renamedAffine } from "./affine.js";
import { always, closed, meet, type Predicate, renamed, saysNothing } from "./predicate.js";

/** A time axis: static rows, then positions 0 … T-1, then static rows. */
export interface TimeAxis {
  readonly before: number;
  readonly after: number;
}

/** A reduction over a time axis reads of it the last `width` rows up to its own row of axis `of` (Infinity: all). */
export interface Band {
  readonly of: number;
  readonly width: number;
}

/** Outside of `where` the value is `value`, for all data; `soft`: `value` and something small beside it. */
export interface Fill {
  readonly value: number;
  readonly where: Predicate;
  readonly soft: boolean;
}

/** What a value is where all time axes have one index: a number, nothing remarkable, or maybe masked. */
export type Diagonal = number | "ordinary" | "unknown";

/** 0: parameters and positions. 1: also inputs without positions, the same for a sequence. 2: also inputs over positions. */
export type Level = 0 | 1 | 2;

/** Why a value depends on later positions. */
export interface Refusal {
  readonly reason: RefusalReason;
  readonly node: ValueId;
  readonly message: string;
  readonly notes: readonly string[];
  readonly help: readonly string[];
  /** Another node that has to do with it. */
  readonly related: { readonly node: ValueId; readonly text: string } | null;
}

export type RefusalReason =
  | "future"
  | "length"
  | "from end"
  | "select"
  | "layout"
  | "align"
  | "square"
  | "output"
  | "input";

/** Where a mask stopped being one. */
export interface LostMask {
  readonly node: ValueId;
  readonly text: string;
}

export interface Facts {
  readonly time: ReadonlyMap<number, TimeAxis>;
  readonly level: Level;
  /** A contraction, a running sum or a reduction over positions was needed: not to be redone for the past. */
  readonly heavy: boolean;
  /** An i32 value that is affine in positions, or whose absolute value `absolute` is. */
  readonly affine: Affine | null;
  readonly absolute: Affine | null;
  /** The number that every element is. */
  readonly constant: number | null;
  readonly fills: readonly Fill[];
  readonly diagonal: Diagonal;
  /** Axes whose elements depend on the order of those before them: they cannot be taken in another order. */
  readonly ordered: ReadonlySet<number>;
  /** Axes whose elements depend on the whole row, as after a softmax: a view of them reads as far as each of these says. */
  readonly whole: ReadonlyMap<number, readonly (readonly Band[])[]>;
  readonly future: Refusal | null;
  readonly lost: LostMask | null;
}

export const nothingKnown: Facts = {
  time: new Map(),
  level: 0,
  heavy: false,
  affine: null,
  absolute: null,
  constant: null,
  fills: [],
  diagonal: "ordinary",
  ordered: new Set(),
  whole: new Map(),
  future: null,
  lost: null,
};

/** A finite mask: a number at or below this, and anything ordinary beside it, gives 0 under exp. */
export const deepest = -5000;

/** Axis to axis; an axis without an image is gone. */
export type AxisMap = ReadonlyMap<number, number>;

export function identityMap(rank: number, without: number | null = null): Map<number, number> {
  const map = new Map<number, number>();
  for (let axis = 0; axis < rank; axis++) if (axis !== without) map.set(axis, axis);
  return map;
}

/** The facts of a value whose axes are others. */
export function movedFacts(facts: Facts, axes: AxisMap): Facts {
  const time = new Map<number, TimeAxis>();
  for (const [axis, each] of facts.time) if (axes.has(axis)) time.set(axes.get(axis)!, each);
  return {
    ...facts,
    time,
    affine: renamedAffine(facts.affine, axes),
    absolute: renamedAffine(facts.absolute, axes),
    fills: facts.fills
      .map((each) => ({ ...each, where: renamed(each.where, axes) }))
      .filter(({ where }) => !saysNothing(where)),
    ordered: new Set([...facts.ordered].flatMap((axis) => (axes.has(axis) ? [axes.get(axis)!] : []))),
    whole: movedReads(facts.whole, axes),
  };
}

function movedReads(reads: Facts["whole"], axes: AxisMap): Facts["whole"] {
  const moved = new Map<number, readonly (readonly Band[])[]>();
  for (const [axis, each] of reads) {
    const to = axes.get(axis);
    if (to === undefined) continue;
    const bands = each.map((list) =>
      list.flatMap(({ of, width }) => (axes.has(of) ? [{ of: axes.get(of)!, width }] : [])),
    );
    moved.set(to, bands);
  }
  return moved;
}

/** The fills of a value, a constant being itself everywhere. */
export function fillsOf({ constant, fills }: Facts): readonly Fill[] {
  return constant === null ? fills : [{ value: constant, where: "never", soft: false }];
}

/** What a value of which no more is kept can have: enough for every mask that was met, and a bound for the work. */
const mostFills = 6;

/** Facts of one number meet: outside of either the value is it, so outside of both together. */
export function normalFills(fills: readonly Fill[]): readonly Fill[] {
  const found: { value: number; where: Predicate; soft: boolean }[] = [];
  for (const { value, where, soft } of fills) {
    if (saysNothing(where) || Number.isNaN(value)) continue;
    const known = found.find((each) => each.value === value && each.soft === soft);
    if (known) known.where = meet(known.where, where);
    else found.push({ value, where, soft });
  }
  return found.slice(0, mostFills).map((each) => ({ ...each, where: closed(each.where) }));
}

/** The predicate of the fill with a number that is exact; nothing known if there is none. */
export function whereNot(facts: Facts, value: number): Predicate {
  return fillsOf(facts).find((each) => each.value === value && !each.soft)?.where ?? always;
}
