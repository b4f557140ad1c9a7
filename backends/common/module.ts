/** What every backend is given: the plans of a model's entries. And how types are written in comments. */
import type { Location } from "../../src/diagnostics/index.js";
import type { KernelElement } from "../../src/ir/kernel/kernel.js";
import type { Plan } from "../../src/ir/plan/plan.js";
import { render, type Size, type SizeVariable } from "../../src/sizes/index.js";

/** The programs that compute an entry step by step, and what a session must know of them. */
export interface DecodedEntry {
  /** The entry's name. */
  readonly entry: string;
  /** Null where nothing is computed once. */
  readonly begin: Plan | null;
  readonly step: Plan;
  readonly last: Plan;
  /**
   * As `last`, for one new position of each sequence, and where `few` says so of few sequences; null where the target has no
   * such program.
   */
  readonly one: {
    readonly plan: Plan;
    /** For devices on which lanes share nothing, as those that compute on the CPU. */
    readonly apart: Plan;
    readonly few: FewSequences | null;
  } | null;
  /** The sizes of a step. */
  readonly sizes: { readonly capacity: SizeVariable; readonly past: SizeVariable; readonly count: SizeVariable };
  /** The input with tokens, the output with a score for each, and whether that is a probability. */
  readonly tokens: string | null;
  readonly scores: string | null;
  readonly areProbabilities: boolean;
}

/** A number of sequences that must be small. */
export interface FewSequences {
  readonly batch: SizeVariable;
  readonly most: number;
}

/** A model that is ready to be printed. */
export interface Module {
  /** The model's name. */
  readonly name: string;
  /** One plan per entry, in the order of the source. */
  readonly plans: readonly Plan[];
  /** The entries that can be computed step by step. */
  readonly decoded?: readonly DecodedEntry[] | undefined;
  /** Whether f16 is computed with as such, where the target has it; otherwise it is kept in more bits. */
  readonly halves?: boolean | undefined;
  /** The comment above the model in its source. */
  readonly documentation?: string | undefined;
  /** The line of the source at a location, for comments; null where the text is not at hand. */
  readonly sourceLine?: ((location: Location) => string | null) | undefined;
}

/** The plans of all programs of a module: of its entries, then of their steps. */
export function allPlans({ plans, decoded = [] }: Module): readonly Plan[] {
  return [
    ...plans,
    ...decoded.flatMap(({ begin, step, last, one }) => [
      ...(begin === null ? [] : [begin]),
      step,
      last,
      ...(one === null ? [] : [one.plan, one.apart]),
    ]),
  ];
}

/** What callers know a program as: an entry by its name, the programs of a session by its methods. */
export function shownName(plan: Plan, { decoded = [] }: Module): string {
  for (const { entry, begin, step, last } of decoded) {
    if (plan === begin) return `a session of ${entry}`;
    if (plan === step) return `step of ${entry}`;
    if (plan === last) return `next of ${entry}`;
  }
  return plan.name;
}

/** A type as the language has it: `f32[B, T, 4*D]`, `i32`. */
export function typeText(element: KernelElement, shape: readonly Size[]): string {
  return shape.length === 0 ? element : `${element}[${shape.map(render).join(", ")}]`;
}

/** `gpt2.trafo:8:3`, or null. */
export function locationText(location: Location | null): string | null {
  return location === null ? null : `${location.file}:${location.line}:${location.column}`;
}

/** Text within a comment, which it must not end. */
export function commentText(text: string): string {
  return text.replaceAll("*/", "*\\/");
}

/** Text within a comment of one line. */
export function lineText(text: string): string {
  return commentText(text.replace(/[\r\n\u2028\u2029]+/g, " "));
}
