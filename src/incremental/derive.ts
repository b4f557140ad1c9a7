/**
 * Derives from an entry the programs that decode it: `begin`, run once for a sequence, `step`, which takes only new
 * positions and gives theirs, and `last`, the same step that gives the outputs of its last position only.
 *
 * Needs the entry's Graph with sizes in normal form, before any pass. Guarantees: the graphs are verified ones; for every
 * T = N1 + … + Nk the outputs of the steps, joined, are those of the entry (README.md says when). What cannot be shown is
 * refused with NotIncremental.
 */
import { InternalError } from "../diagnostics/index.js";
import { type Graph, GraphBuilder, type Scope, type ValueId } from "../ir/graph/index.js";
import { add, type SizeVariable, size } from "../sizes/index.js";
import { type Analysis, type Assumption, analyse } from "./analysis.js";
import { beginGraph } from "./begin.js";
import { type Demand, demandsOf, keptValues, ruleOf, wantedOf } from "./demand.js";
import { withExample } from "./example.js";
import { append, ring } from "./keep.js";
import { neededFor } from "./needed.js";
import { boundOf } from "./predicate.js";
import { NotIncremental } from "./refusal.js";
import { type State, statePrefix } from "./states.js";
import { refuse, type StepEmitter } from "./step-context.js";
import { type StepSizes, stepSizes, type Views, viewsKey } from "./views.js";

export interface Derived {
  /** The whole entry. */
  readonly entry: Graph;
  /** The size that counts its positions. */
  readonly time: SizeVariable;
  readonly sizes: StepSizes;
  /** Gives the states of kind `once` from the inputs without positions; null if there are none. */
  readonly begin: Graph | null;
  /** Inputs over positions and states to outputs and states, of the new positions. */
  readonly step: Graph;
  /** As `step`, with the outputs of the last new position only. */
  readonly last: Graph;
  /** As `last`, right for N = 1 alone: the new row takes its slot in a window before that is read. */
  readonly one: () => Graph;
  /** In the order in which the step takes them. */
  readonly states: readonly State[];
  readonly assumptions: readonly Assumption[];
}

/** The names of the derived graphs of an entry. */
export function derivedNames(entry: string): Readonly<Record<"begin" | "step" | "last" | "one" | "apart", string>> {
  const name = (end: string): string => `${entry}_${end}`;
  return { begin: name("begin"), step: name("step"), last: name("last"), one: name("one"), apart: name("one_apart") };
}

/**
 * @param timeName the size that counts positions
 * @throws NotIncremental with the first node, in order, from which an output depends on later positions
 */
export function derive(entry: Graph, timeName: string): Derived {
  const time = entry.sizes.find(({ name }) => name === timeName);
  if (time === undefined) {
    const message = `${timeName} is asserted to be another size: a step gets its positions one by one`;
    return refuse((entry.outputs[0]?.value ?? 0) as ValueId, "length", message);
  }
  const analysis = analyse(entry, time);
  refuseFuture(analysis);
  const taken = new Set(entry.sizes.filter((each) => each !== time).map(({ name }) => name));
  const sizes = stepSizes(time.max, taken);
  const names = derivedNames(entry.name);
  const rows = (view: "new" | "last"): Views[] =>
    entry.outputs.map(({ name, value }) => outputViews(analysis, name, value, view));
  const kept = keptValues(analysis, rows("new"));
  const step = stepGraph(names.step, analysis, sizes, rows("new"), kept);
  const last = stepGraph(names.last, analysis, sizes, rows("last"), kept, step.states);
  const one = () => stepGraph(names.one, analysis, { ...sizes, isOne: true }, rows("last"), kept, step.states).graph;
  const begin = beginGraph(names.begin, analysis, step.states);
  const needed = neededFor(
    entry,
    entry.outputs.map(({ value }) => value),
  );
  const assumptions = analysis.assumptions.filter(({ node }) => needed[node] === 1);
  return { entry, time, sizes, begin, step: step.graph, last: last.graph, one, states: step.states, assumptions };
}

function refuseFuture(analysis: Analysis): void {
  const { graph, facts, time } = analysis;
  const needed = neededFor(
    graph,
    graph.outputs.map(({ value }) => value),
  );
  for (const [id, { future }] of facts.entries())
    if (needed[id] === 1 && future !== null) throw new NotIncremental(withExample(analysis, future));
  if (time.step > 1) {
    const message = `${time.name} is a multiple of ${time.step}: a step takes one position at a time`;
    refuse((graph.outputs[0]?.value ?? 0) as ValueId, "length", message);
  }
}

/** The rows of an output: of its first axis over positions those of the step, of a second one all. */
function outputViews({ graph, facts, time }: Analysis, name: string, value: ValueId, view: "new" | "last"): Views {
  const { time: axes, fills } = facts[value]!;
  const [first, ...others] = [...axes.keys()].sort((a, b) => a - b);
  if (first === undefined) {
    refuse(value, "output", `the output ${name} has no axis over ${time.name}: it is not made of positions`);
  }
  for (const axis of others) {
    const isCausal = fills.some(({ where }) => where !== "never" && boundOf(where, axis, first) <= 0);
    if (isCausal) continue;
    refuse(value, "output", `the output ${name} has two axes over ${time.name}, and no causal mask between them`);
  }
  return graph.types[value]!.shape.map((_, axis) => (axis === first ? view : axes.has(axis) ? "all" : null));
}

interface StepGraph {
  readonly graph: Graph;
  readonly states: readonly State[];
}

/** @param states those of another step of the entry, which must be the same */
function stepGraph(
  name: string,
  analysis: Analysis,
  sizes: StepSizes,
  outputs: readonly Views[],
  kept: ReadonlySet<ValueId>,
  states: readonly State[] | null = null,
): StepGraph {
  const demands = demandsOf(analysis, outputs, kept);
  const emitter = new Emitter(name, analysis, sizes);
  emitter.inputs();
  for (const index of analysis.graph.nodes.keys()) {
    const wanted = demands.get(index as ValueId);
    if (wanted === undefined) continue;
    // New rows first: what is kept of a value is joined to them, and the last is one of them.
    const isLater = ({ action: { kind } }: Demand): boolean => kind === "kept" || kind === "last of new";
    for (const demand of [...wanted.values()].sort((a, b) => +isLater(a) - +isLater(b)))
      emitter.emit(index as ValueId, demand);
  }
  return emitter.finish(outputs, states);
}

class Emitter implements StepEmitter {
  readonly builder: GraphBuilder;
  readonly #values = new Map<string, ValueId>();
  readonly #states: State[] = [];
  readonly #next = new Map<string, ValueId>();
  readonly #names = new Set<string>();

  constructor(
    name: string,
    readonly analysis: Analysis,
    readonly sizes: StepSizes,
  ) {
    const { graph, time } = analysis;
    const others = graph.sizes.filter((each) => each !== time);
    this.builder = new GraphBuilder(name, [...others, sizes.capacity, sizes.past, sizes.count]);
  }

  /** All inputs over positions, used or not: they are what a step is called with. */
  inputs(): void {
    for (const [index, { operator }] of this.analysis.graph.nodes.entries()) {
      const id = index as ValueId;
      const { time } = this.analysis.facts[id]!;
      if (operator !== "input" || time.size === 0) continue;
      const views = this.analysis.graph.types[id]!.shape.map((_, axis) => (time.has(axis) ? "new" : null));
      this.#set(id, views, this.#computed(id, views, []));
    }
  }

  emit(id: ValueId, { views, action }: Demand): void {
    if (this.#values.has(`${id} ${viewsKey(views)}`)) return;
    this.#set(id, views, this.#value(id, views, action));
  }

  #value(id: ValueId, views: Views, action: Demand["action"]): ValueId {
    this.#at(id);
    switch (action.kind) {
      case "once": {
        const { element, shape } = this.analysis.graph.types[id]!;
        return this.state({ kind: "once", element, shape, axis: null, window: null, value: id }).before;
      }
      case "last of new": {
        const rows = this.#get(id, action.from);
        const start = add(size(this.sizes.count), -1);
        return this.builder.emit("slice", [rows], { axis: action.axis, start, length: size(1) });
      }
      case "kept": {
        const rows = this.#get(id, action.from);
        if (action.view === "all") return append(this, id, rows, action.axis);
        return ring(this, id, rows, action.axis, action.view);
      }
      case "computed":
        return this.#computed(id, views, action.operands);
    }
  }

  #computed(id: ValueId, views: Views, operands: readonly (Views | null)[]): ValueId {
    const wanted = wantedOf(this.analysis, id, views);
    const values = operands.map((each, i) => (each === null ? null : this.#get(wanted.operands[i]!.id, each)));
    this.#at(id);
    return ruleOf(wanted.operator).emit(wanted, this, values);
  }

  #at(id: ValueId): void {
    const { locations, scopes } = this.analysis.graph;
    this.builder.origin = { location: locations[id] ?? null, scope: scopes[id] ?? null };
  }

  #get(id: ValueId, views: Views): ValueId {
    const known = this.#values.get(`${id} ${viewsKey(views)}`);
    if (known !== undefined) return known;
    // An input has its new rows only; the last of them is cut off where it is wanted.
    throw new InternalError(`the step has no rows ${viewsKey(views)} of %${id}`);
  }

  #set(id: ValueId, views: Views, value: ValueId): void {
    this.#values.set(`${id} ${viewsKey(views)}`, value);
    const name = this.analysis.graph.names[id];
    if (name) this.builder.nameValue(value, name);
  }

  state(parts: Omit<State, "name">): { readonly before: ValueId; readonly keep: (next: ValueId) => void } {
    const { graph } = this.analysis;
    const name = this.#freeName(graph, parts);
    const before = this.builder.emit("input", [], { name, element: parts.element, shape: parts.shape, fill: null });
    this.#states.push({ ...parts, name });
    return { before, keep: (next) => void this.#next.set(name, next) };
  }

  /** `past.h.0.attn.k`: where the value comes from, and what it is called. */
  #freeName(graph: Graph, { value }: Omit<State, "name">): string {
    const node = graph.nodes[value]!;
    const own = node.operator === "input" ? node.attributes.name : (graph.names[value] ?? node.operator);
    const wanted = statePrefix + [...layersOf(graph.scopes[value] ?? null), own].join(".");
    let name = wanted;
    for (let count = 2; this.#names.has(name); count++) name = `${wanted}_${count}`;
    this.#names.add(name);
    return name;
  }

  finish(rows: readonly Views[], expected: readonly State[] | null): StepGraph {
    const { graph } = this.analysis;
    const states = expected ?? this.#states;
    const known = new Set(this.#states.map(({ name }) => name));
    if (expected !== null && (expected.length !== known.size || !expected.every(({ name }) => known.has(name)))) {
      throw new InternalError(`the steps of ${graph.name} keep different states`);
    }
    const outputs = graph.outputs.map(({ name, value }, i) => ({ name, value: this.#get(value, rows[i]!) }));
    const next = states.flatMap(({ name }) => {
      const value = this.#next.get(name);
      return value === undefined ? [] : [{ name, value }];
    });
    return { graph: this.builder.finish([...outputs, ...next]), states };
  }
}

/** The names of the layers around a node, outermost first. */
function layersOf(scope: Scope | null): string[] {
  const names: string[] = [];
  for (let at = scope; at !== null; at = at.parent) if (at.kind === "layer") names.unshift(at.name);
  return names;
}
