/** The steps of entries that are incremental, through the same stages as the entries themselves. */
import type { DecodedEntry } from "../../backends/common/module.js";
import { InternalError, UserError } from "../diagnostics/index.js";
import {
  type Derived,
  derive,
  derivedNames,
  NotIncremental,
  type OneStep,
  oneStep,
  refusalCodes,
  tokensOf,
} from "../incremental/index.js";
import type { Graph } from "../ir/graph/index.js";
import type { Plan } from "../ir/plan/plan.js";
import { type LoweredGraph, lowerGraph } from "../lower/index.js";
import type { FewRows } from "../passes/index.js";

/**
 * The steps of those entries that are incremental.
 * @throws UserError E0801 to E0809 for one of a dump that has none; those of a source the checker has refused
 */
export function derivedOf(entries: readonly Graph[]): readonly Derived[] {
  return entries.flatMap((entry) => {
    if (entry.incremental === undefined) return [];
    try {
      return [derive(entry, entry.incremental)];
    } catch (error) {
      if (!(error instanceof NotIncremental)) throw error;
      const { reason, message, notes, help } = error.refusal;
      throw UserError.of(refusalCodes[reason], `entry ${entry.name}: ${message}`, {
        notes: [...notes],
        help: [...help],
      });
    }
  });
}

/** The programs of a decoder: what begins, if something is computed once; the step, and that for the last position. */
export function programsOf({ begin, step, last }: Derived): readonly Graph[] {
  return begin === null ? [step, last] : [begin, step, last];
}

/** A decoder as a target runs it: with programs of its own for steps of one position, where the target wants them. */
export interface Decoder {
  readonly derived: Derived;
  readonly one: OneStep | null;
  /** The same where lanes share nothing. */
  readonly apart: OneStep | null;
}

/** @param fewRows sequences for which the target has programs for steps of one position; null where it has none. */
export function decoderOf(derived: Derived, fewRows: number | null): Decoder {
  if (fewRows === null) return { derived, one: null, apart: null };
  const { one, apart } = derivedNames(derived.entry.name);
  return { derived, one: oneStep(derived, one, fewRows), apart: oneStep(derived, apart, fewRows) };
}

/** @param optimize runs the passes over a graph, with rows that are few where that is said. */
export function lowerDecoder(
  { derived, one, apart }: Decoder,
  optimize: (graph: Graph, fewRows: FewRows | null) => Graph,
): readonly LoweredGraph[] {
  const memory = { states: derived.states, ...derived.sizes };
  const lowered: LoweredGraph[] = programsOf(derived).map((graph) => lowerGraph(optimize(graph, null), memory));
  for (const step of [one, apart]) {
    if (step === null) continue;
    const { graph, states, most } = step;
    const areApart = step === apart;
    const optimized = optimize(graph, { most, areApart });
    lowered.push({ ...lowerGraph(optimized, { ...memory, states }), isShort: true, areApart });
  }
  return lowered;
}

/** What a module needs of a decoder. @param plans those of all programs, by the names of their graphs */
export function decodedEntry({ derived, one, apart }: Decoder, plans: readonly Plan[]): DecodedEntry {
  const { entry, begin, step, last, sizes } = derived;
  const planOf = (graph: Graph): Plan => {
    const plan = plans.find(({ name }) => name === graph.name);
    if (plan === undefined) throw new InternalError(`the program ${graph.name} is not planned`);
    return plan;
  };
  return {
    entry: entry.name,
    begin: begin === null ? null : planOf(begin),
    step: planOf(step),
    last: planOf(last),
    one: one === null || apart === null ? null : { plan: planOf(one.graph), apart: planOf(apart.graph), few: one.few },
    sizes,
    ...tokensOf(derived),
  };
}
