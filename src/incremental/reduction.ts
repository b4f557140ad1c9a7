/**
 * The one rule that decides: a reduction over positions s is causal if what it reduces is the identity of the reduction
 * wherever s is later than another time axis t that stays.
 *
 * If it is the identity also wherever s <= t - w, only w positions are read: a band.
 */
import { isVisible } from "./diagonal.js";
import { type Band, deepest, type Facts, type Fill, type Refusal, type TimeAxis } from "./facts.js";
import { boundOf, type Difference } from "./predicate.js";

/** What is reduced with: the operator whose identity a masked element must be. */
export type ReductionKind = "sum" | "max" | "min" | "any" | "all" | "softmax";

/** What assuming a reduction to be causal rests on. */
export interface Assumed {
  /** Scores are small beside a finite mask. */
  readonly deep: boolean;
  /** A row may be masked as a whole by a finite number. */
  readonly rowUnproven: boolean;
}

export type Reduced =
  | { readonly bands: readonly Band[]; readonly assumed: Assumed }
  | { readonly message: string; readonly notes: readonly string[]; readonly help: readonly string[] };

function isIdentity(kind: ReductionKind, { value, soft }: Fill): boolean {
  switch (kind) {
    case "sum":
    case "any":
      return value === 0 && !soft;
    case "all":
      return value === 1 && !soft;
    case "min":
      return value === Infinity && !soft;
    case "max":
    case "softmax":
      return value <= deepest;
  }
}

/** What a mask must be for the reduction to pass it over. */
const neutral: { readonly [K in ReductionKind]: string } = {
  sum: "0",
  any: "false",
  all: "true",
  min: "inf",
  max: "-inf",
  softmax: "-inf",
};

interface Masked {
  /** index(s) - index(t) <= ahead. */
  readonly ahead: number;
  readonly band: Band;
  readonly fill: Fill;
}

/** Every way in which a predicate bounds the reduced axis by another time axis. */
function maskedBy(fill: Fill, axis: number, time: ReadonlyMap<number, TimeAxis>): Masked[] {
  if (fill.where === "never") return [];
  const predicate: readonly Difference[] = fill.where;
  return predicate
    .filter(({ left, right }) => left === axis && right !== axis && time.has(right))
    .map(({ right, most }) => {
      const width = Math.max(1, boundOf(predicate, right, axis) + 1);
      return { ahead: most, band: { of: right, width }, fill };
    });
}

/** Whether a reduction of `facts` over its time axis is causal, and what of the past it reads. */
export function reduceOver(facts: Facts, axis: number, kind: ReductionKind, timeName: string): Reduced {
  const found = facts.fills
    .filter((fill) => isIdentity(kind, fill))
    .flatMap((fill) => maskedBy(fill, axis, facts.time))
    .sort((a, b) => a.ahead - b.ahead || a.band.width - b.band.width);
  const [best] = found;
  if (best === undefined || best.ahead > 0) return refused(facts, axis, kind, timeName, best ?? null);
  const causal = found.filter(({ ahead }) => ahead <= 0);
  const finite = causal.every(({ fill }) => Number.isFinite(fill.value)) && (kind === "max" || kind === "softmax");
  return {
    bands: facts.ordered.has(axis) ? [] : causal.map(({ band }) => band),
    assumed: { deep: finite, rowUnproven: finite && !isVisible(facts.diagonal) },
  };
}

function refused(facts: Facts, axis: number, kind: ReductionKind, timeName: string, best: Masked | null): Reduced {
  const what = kind === "softmax" ? "this softmax" : kind === "sum" ? "this sum" : `this ${kind}`;
  if (best !== null) {
    const message = `${what} over ${timeName} reads up to ${best.ahead} position${best.ahead === 1 ? "" : "s"} after its own`;
    return {
      message,
      notes: [`the mask admits s = t + ${best.ahead}`],
      help: ["a mask that admits s <= t only, such as causal_mask"],
    };
  }
  if (![...facts.time.keys()].some((other) => other !== axis)) {
    return {
      message: `${what} over ${timeName} mixes all positions into one`,
      notes: ["a step knows the positions so far, and later ones would change the result"],
      help: [],
    };
  }
  return {
    message: `${what} over ${timeName} reads later positions: no causal mask holds here`,
    notes: reasons(facts, axis, kind),
    help:
      facts.fills.length === 0 && facts.lost === null
        ? [`mask with ${neutral[kind]} what is later: where the mask holds, s <= t must follow`]
        : [],
  };
}

/** Why the masks that are there do not help. */
function reasons(facts: Facts, axis: number, kind: ReductionKind): string[] {
  if (facts.lost !== null) return [`${facts.lost.text}, so that later positions still count`];
  const weak = facts.fills.find((fill) => maskedBy(fill, axis, facts.time).some(({ ahead }) => ahead <= 0));
  if (weak === undefined) return [];
  return [
    `masked elements are ${weak.soft ? "about " : ""}${Number(weak.value.toPrecision(6))}, which a ${kind} still counts: ${neutral[kind]} would not`,
  ];
}

/** The parts of a refusal that a reduction gives. */
export function isRefused(reduced: Reduced): reduced is Pick<Refusal, "message" | "notes" | "help"> {
  return "message" in reduced;
}
