/**
 * Which rows of which values a step computes: a walk from the outputs back to the inputs.
 *
 * An operand has a smaller id than what reads it, so that when a value is met, all that is wanted of it is known.
 */
import { InternalError } from "../diagnostics/index.js";
import type { Node, OperatorName, ValueId } from "../ir/graph/index.js";
import { constantOf } from "../sizes/index.js";
import type { Analysis } from "./analysis.js";
import { Costs, isRearrangement, mustBeKept } from "./cut.js";
import { refuse, type StepRule, type Wanted } from "./step-context.js";
import { readsBack } from "./step-indexing.js";
import { stepRules } from "./step-rules.js";
import { isNew, type View, type Views, viewsKey } from "./views.js";

/** How the rows of one view are had. */
export type Action =
  /** Computed by the operator from rows of its operands. */
  | { readonly kind: "computed"; readonly operands: readonly (Views | null)[] }
  /** The last of the new rows, which are computed anyway. */
  | { readonly kind: "last of new"; readonly axis: number; readonly from: Views }
  /** Kept of earlier steps, beside the new rows. */
  | { readonly kind: "kept"; readonly axis: number; readonly view: "all" | number; readonly from: Views }
  /** Computed once for the sequence. */
  | { readonly kind: "once" };

export interface Demand {
  readonly views: Views;
  readonly action: Action;
}

/** What is wanted of each value, new rows first, by its views. */
export type Demands = ReadonlyMap<ValueId, ReadonlyMap<string, Demand>>;

/** Operators whose last row needs what goes before it in the step. */
const sequential: ReadonlySet<OperatorName> = new Set(["input", "cumsum"]);

export function wantedOf(analysis: Analysis, id: ValueId, views: Views): Wanted<OperatorName> {
  const { graph, facts, reads, time } = analysis;
  const { operator, operands, attributes } = graph.nodes[id]!;
  return {
    id,
    operator,
    attributes,
    views,
    type: graph.types[id]!,
    facts: facts[id]!,
    operands: operands.map((each) => ({ id: each, facts: facts[each]!, type: graph.types[each]! })),
    reads: reads.get(id) ?? new Map(),
    time,
  };
}

export function ruleOf(operator: OperatorName): StepRule<OperatorName> {
  return stepRules[operator] as StepRule<OperatorName>;
}

/** Values that are kept, where that has been decided; else it follows from the costs. */
type Kept = ReadonlySet<ValueId> | null;

class Walk {
  readonly demands = new Map<ValueId, Map<string, Demand>>();
  /** Who reads the rows of a value that is kept. */
  readonly readers = new Map<ValueId, Set<ValueId>>();
  readonly #wanted = new Map<ValueId, Map<string, Views>>();
  readonly #costs: Costs;

  constructor(
    readonly analysis: Analysis,
    readonly kept: Kept,
  ) {
    this.#costs = new Costs(analysis);
  }

  want(id: ValueId, views: Views, reader: ValueId | null): void {
    const wanted = this.#wanted.get(id) ?? new Map<string, Views>();
    this.#wanted.set(id, wanted);
    wanted.set(viewsKey(views), views);
    if (reader !== null && !views.some((each) => isNew(each))) {
      this.readers.set(id, (this.readers.get(id) ?? new Set()).add(reader));
    }
  }

  run(): void {
    for (let index = this.analysis.graph.nodes.length - 1; index >= 0; index--) {
      const id = index as ValueId;
      const wanted = this.#wanted.get(id);
      if (wanted === undefined) continue;
      const found = new Map<string, Demand>();
      this.demands.set(id, found);
      // Rows that are kept ask for new ones, of which the last may be one: in this order none is met too late.
      const isLast = (views: Views): boolean => views.includes("last");
      const all = () => [...wanted].filter(([key]) => !found.has(key)).sort((a, b) => +isLast(a[1]) - +isLast(b[1]));
      for (let rest = all(); rest.length > 0; rest = all()) {
        const [[key, views]] = rest as [[string, Views]];
        const action = this.#actionOf(id, views, wanted);
        found.set(key, { views, action });
        this.#follow(id, action);
      }
    }
  }

  #follow(id: ValueId, action: Action): void {
    if (action.kind === "last of new" || action.kind === "kept") this.want(id, action.from, null);
    if (action.kind !== "computed") return;
    const { operands } = this.analysis.graph.nodes[id]!;
    for (const [i, views] of action.operands.entries()) if (views !== null) this.want(operands[i]!, views, id);
  }

  #isKept(id: ValueId): boolean {
    return this.kept === null ? this.#costs.isKeptHere(id) : this.kept.has(id);
  }

  #actionOf(id: ValueId, views: Views, wanted: ReadonlyMap<string, Views>): Action {
    const { facts, graph } = this.analysis;
    const { operator } = graph.nodes[id]!;
    const { time, level } = facts[id]!;
    const over = views.flatMap((view, axis) => (view === null ? [] : [{ axis, view }]));
    if (over.length === 0 && level === 1 && time.size === 0 && this.#isKept(id)) return { kind: "once" };
    const last = over.find(({ view }) => view === "last");
    if (last !== undefined) {
      const from = views.with(last.axis, "new");
      if (wanted.has(viewsKey(from)) || sequential.has(operator) || readsBack(wantedOf(this.analysis, id, views))) {
        return { kind: "last of new", axis: last.axis, from };
      }
    }
    this.#checkRows(id, over);
    const [first] = over;
    if (first && !over.some(({ view }) => isNew(view)) && mustBeKept(this.analysis, id)) {
      if (over.length > 1) {
        refuse(id, "square", "a value for every pair of positions would be kept from step to step", {
          help: ["apply it to a value first: a @ (b @ v) in place of (a @ b) @ v"],
        });
      }
      const rows = time.get(first.axis)!;
      if (rows.before + rows.after === 0 && this.#isKept(id)) {
        const view = first.view === "all" ? "all" : (first.view as number);
        return { kind: "kept", axis: first.axis, view, from: views.with(first.axis, "new") };
      }
    }
    const asked = wantedOf(this.analysis, id, views);
    return { kind: "computed", operands: ruleOf(operator).operands(asked) };
  }

  /** Static rows beside positions are joined to all of them, never to the new ones, and nothing is redone for all. */
  #checkRows(id: ValueId, over: readonly { readonly axis: number; readonly view: View }[]): void {
    const { facts, graph, reads } = this.analysis;
    const { time } = facts[id]!;
    const fixed = over.filter(({ axis }) => time.get(axis)!.before + time.get(axis)!.after > 0);
    if (fixed.length === 0) return;
    if (fixed.some(({ view }) => isNew(view))) {
      refuse(id, "layout", "static rows stand before or behind the new positions here");
    }
    const { operator } = graph.nodes[id]!;
    const isWork = operator === "einsum" || operator === "cumsum" || reads.has(id);
    if (isWork && mustBeKept(this.analysis, id) && !over.some(({ view }) => isNew(view))) {
      refuse(id, "layout", "this would be redone for all positions in every step", {
        notes: ["static rows were joined on before it"],
        help: ["apply it to the positions first, and join the static rows on afterwards"],
      });
    }
  }
}

/** What a step with the given rows of its outputs computes. */
export function demandsOf(analysis: Analysis, outputs: readonly Views[], kept: Kept): Demands {
  return walk(analysis, outputs, kept).demands;
}

function walk(analysis: Analysis, outputs: readonly Views[], kept: Kept): Walk {
  const found = new Walk(analysis, kept);
  for (const [i, { value }] of analysis.graph.outputs.entries()) found.want(value, outputs[i]!, null);
  found.run();
  return found;
}

/**
 * The values that are kept. What is moved up through a transpose or reshape, to be found equal to another, comes down again
 * where only one reads it, so that it lies as it is read.
 */
export function keptValues(analysis: Analysis, outputs: readonly Views[]): ReadonlySet<ValueId> {
  const { demands, readers } = walk(analysis, outputs, null);
  const kept = new Set<ValueId>();
  for (const [id, wanted] of demands) {
    const actions = [...wanted.values()].map(({ action }) => action);
    if (actions.some(({ kind }) => kind === "kept" || kind === "once"))
      kept.add(lowered(analysis, id, demands, readers));
  }
  return kept;
}

function lowered(
  { graph }: Analysis,
  id: ValueId,
  demands: Demands,
  readers: ReadonlyMap<ValueId, ReadonlySet<ValueId>>,
): ValueId {
  const isRunTime = (value: ValueId): boolean => constantOf(graph.types[value]!.shape.at(-1)!) === null;
  for (let at = id; ; ) {
    const all = [...(readers.get(at) ?? [])];
    const [reader] = all;
    const node: Node | undefined = reader === undefined ? undefined : graph.nodes[reader];
    if (reader === undefined || node === undefined || all.length > 1 || !isRearrangement(node)) return at;
    const wanted = demands.get(reader);
    if (wanted === undefined) throw new InternalError(`%${reader} reads %${at}, and nothing wants it`);
    const [only] = [...wanted.values()];
    if (wanted.size !== 1 || only!.action.kind !== "computed" || demands.get(at)!.size > 2) return at;
    if (isRunTime(reader) && !isRunTime(at)) return at;
    at = reader;
  }
}
