/**
 * Lowers a Graph to naive kernels: one per node that computes, per element of its result, with private scalars and one
 * loop per reduction. These kernels say what is computed; schedules make them fast, and are tested against them.
 *
 * Needs a verified Graph. Guarantees: each value that is not computed in place has one buffer, written by one call. What
 * only moves elements, or is made of indices alone, is computed in place by whoever reads it: a transposed weight is
 * read with its indices exchanged, a mask is a comparison of loop variables. As an output it is written by a copy. What
 * is made of weights alone is prepared: computed by calls of its own that run once, when the model is loaded.
 */
import { type Graph, loadTimeValues, type OperatorName, type Scope, type ValueId } from "../ir/graph/index.js";
import {
  type Buffer,
  binary,
  index,
  type Kernel,
  loadedBuffers,
  mentionedSizes,
  type Statement,
} from "../ir/kernel/index.js";
import type { BufferId } from "../ir/plan/plan.js";
import { type Size, size, sub } from "../sizes/index.js";
import { plus, remainder } from "./addresses.js";
import { computedInPlace } from "./in-place.js";
import { indexChecksOf } from "./index-checks.js";
import { KernelNames } from "./kernel-name.js";
import type { Call, Home, LoweredBuffer, LoweredGraph } from "./lowered.js";
import { ValueReader } from "./reader.js";
import type { Rule } from "./rules.js";
import { appendedPlace, type ElementPlace, joinedAt } from "./scatter.js";
import { GraphStates, type JoinedRows, type StateWrite, type StepMemory } from "./states.js";
import { rules } from "./table.js";
import { KernelWriter, LoopVariables, store, when } from "./writer.js";

/** @param memory of the session that the graph is a step or the beginning of; null for an entry that keeps nothing. */
export function lowerGraph(graph: Graph, memory: StepMemory | null = null): LoweredGraph {
  return new Lowering(graph, memory).run();
}

/** A kernel and what it is called with, before buffers have numbers. */
interface Draft {
  readonly kernel: Kernel;
  /** The values of the arguments that it reads; each lies in the buffer that holds it for all. */
  readonly reads: readonly ValueId[];
  readonly value: ValueId;
  readonly home: Home;
  readonly places: ElementPlace | null;
}

/**
 * Walks from the outputs back to the inputs, so that only what a kernel really reads gets a kernel: an operand may
 * vanish from an expression, as x does from `x and false`.
 */
class Lowering {
  readonly #graph: Graph;
  readonly #states: GraphStates;
  readonly #inPlace: readonly boolean[];
  /** Whether a value lies in memory from the time on when the model is loaded. */
  readonly #isKept: readonly boolean[];
  readonly #loops: LoopVariables;
  readonly #names: KernelNames;
  readonly #needed = new Set<ValueId>();
  /** What some kernel computes in place. */
  readonly #computed = new Set<ValueId>();
  /** Last call first. */
  readonly #drafts: Draft[] = [];

  constructor(graph: Graph, memory: StepMemory | null) {
    this.#graph = graph;
    this.#states = new GraphStates(graph, memory);
    const ownMemory = new Set(this.#states.stored);
    this.#inPlace = computedInPlace(graph).map((inPlace, id) => {
      const value = id as ValueId;
      return inPlace && !ownMemory.has(value) && this.#states.heldBy(value) === null;
    });
    // An output is written by a run, so that nothing that reads it can be there before.
    const outputs = new Set(graph.outputs.map(({ value }) => value));
    const isOfRun: boolean[] = [];
    for (const [id, { operator, operands }] of graph.nodes.entries()) {
      const isWritten = outputs.has(id as ValueId) && operator !== "weight" && !this.#inPlace[id];
      isOfRun.push(isWritten || operands.some((operand) => isOfRun[operand]));
    }
    this.#isKept = loadTimeValues(graph).map((known, id) => known && !this.#inPlace[id] && !isOfRun[id]);
    this.#loops = new LoopVariables(graph.sizes);
    this.#names = new KernelNames(graph);
  }

  run(): LoweredGraph {
    const { nodes } = this.#graph;
    const { outputs, writes } = this.#states;
    // Drafts come last first: a state is written over when all that reads it has run.
    for (const write of [...writes].reverse()) this.#writeLast(write);
    for (const { name, value } of [...outputs].reverse()) {
      // An output is computed where the caller looks for it; a second output of one value is a copy.
      const home: Home = { kind: "output", name };
      if (this.#isComputed(value) && outputs.find((each) => each.value === value)!.name === name) continue;
      this.#copy(value, home);
    }
    for (const { value } of outputs) this.#needed.add(value);
    for (const write of writes) if (write.kind === "append") this.#needed.add(write.value);
    for (let id = nodes.length - 1; id >= 0; id--) {
      const value = id as ValueId;
      if (this.#needed.has(value) && this.#isComputed(value)) this.#compute(value);
    }
    return this.#number();
  }

  /** Whether the value has a kernel. */
  #isComputed(value: ValueId): boolean {
    return !this.#inPlace[value] && rules[this.#graph.nodes[value]!.operator].kind !== "stored";
  }

  #compute(value: ValueId): void {
    const { operator } = this.#graph.nodes[value]!;
    const appended = this.#states.writes.find((each) => each.kind === "append" && each.value === value);
    if (appended?.kind === "append") {
      this.#append(appended);
      return;
    }
    const output = this.#states.outputs.find((each) => each.value === value);
    const home: Home = output
      ? { kind: "output", name: output.name }
      : { kind: this.#isKept[value] ? "prepared" : "temporary" };
    this.#draft(operator, value, home, (reader, out) => bodyOf(operator, value, reader, out));
  }

  /** A kernel that writes a buffer of its own with a value that is stored, or computed in place. */
  #copy(value: ValueId, home: Home, shape: readonly Size[] = this.#shapeOf(value)): void {
    const { operator } = this.#graph.nodes[value]!;
    const extents = this.#graph.types[value]!.shape;
    const isCopy = !this.#inPlace[value] || rules[operator].kind === "inline";
    const write = (reader: ValueReader, out: Buffer): readonly Statement[] =>
      reader.writer.nest(extents, (at) => [store(out, at, reader.at(value, at))]);
    this.#draft(isCopy ? "copy" : operator, value, home, write, shape);
  }

  /** What writes a state when everything else of the run is done. */
  #writeLast(write: StateWrite): void {
    if (write.kind === "append") return;
    const home: Home = { kind: "state", name: write.state.name };
    if (write.kind === "ring") this.#writeRing(write, home);
    else this.#copy(write.value, home, this.#states.shapeOf(write.state));
  }

  /** New rows, behind those that the memory of the joined value holds, or in their slots. */
  #append(write: JoinedRows): void {
    const { state, value, rows, slots } = write;
    const { shape } = this.#graph.types[rows]!;
    const [axis, past] = [state.axis!, size(this.#states.memory!.past)];
    this.#draft(
      slots === null ? "append" : "ring",
      value,
      { kind: "state", name: state.name },
      (reader, out) =>
        reader.writer.nest(shape, (at) => [
          store(out, at.with(axis, joinedAt(at[axis]!, past, slots)), reader.at(rows, at)),
        ]),
      this.#shapeOf(value),
      appendedPlace(this.#graph, write, past, (each) => !this.#inPlace[each]),
    );
  }

  /** Position p goes to slot p modulo the number of slots; of more rows than there are slots, the last ones. */
  #writeRing({ state, rows, slots }: StateWrite & { readonly kind: "ring" }, home: Home): void {
    const { shape } = this.#graph.types[rows]!;
    const axis = state.axis!;
    const past = size(this.#states.memory!.past);
    this.#draft(
      "ring",
      rows,
      home,
      (reader, out) =>
        reader.writer.nest(shape, (at) => {
          const slot = remainder(plus(at[axis]!, past), size(slots));
          const isLate = binary("le", index(sub(shape[axis]!, slots)), at[axis]!);
          return [when(isLate, [store(out, at.with(axis, slot), reader.at(rows, at))])];
        }),
      this.#states.shapeOf(state),
    );
  }

  #draft(
    operator: string,
    value: ValueId,
    home: Home,
    write: (reader: ValueReader, out: Buffer) => readonly Statement[],
    shape: readonly Size[] = this.#shapeOf(value),
    places: ElementPlace | null = null,
  ): void {
    const reader = new ValueReader(this.#graph, new KernelWriter(this.#loops), {
      isStored: (each) => !this.#inPlace[each],
      // What prepares is run once: nothing is worth being laid out anew for it.
      isConstant: (each) => this.#isKept[each]! && home.kind !== "prepared",
      shapeOf: (each) => this.#shapeOf(each),
    });
    const out = reader.makeResult(value, shape);
    const body = reader.writer.kernel(() => write(reader, out));
    for (const computed of reader.computed) this.#computed.add(computed);
    const buffers = [...loadedBuffers(body)].filter((each) => each.scope === "global");
    const reads = buffers.map((each) => reader.arguments.get(each)!);
    for (const read of reads) this.#needed.add(read);
    const location = this.#graph.locations[value] ?? null;
    const sizes = mentionedSizes(body, [...buffers, out]);
    const name = this.#names.of(operator, value, reader.computed);
    const kernel: Kernel = { name, reads: buffers, writes: [out], sizes, body, location };
    this.#drafts.push({ kernel, reads, value, home, places });
  }

  /** The shape in which a value lies in memory. */
  #shapeOf(value: ValueId): readonly Size[] {
    const state = this.#states.heldBy(value);
    return state === null ? this.#graph.types[value]!.shape : this.#states.shapeOf(state);
  }

  /** Numbers the buffers: inputs, weights, then the results of the calls in their order. */
  #number(): LoweredGraph {
    const graph = this.#graph;
    const buffers: LoweredBuffer[] = [];
    const stored = new Map<ValueId, BufferId>();
    const add = (value: ValueId, home: Home, shape: readonly Size[] = graph.types[value]!.shape): BufferId => {
      const { element } = graph.types[value]!;
      const name = "name" in home ? home.name : (graph.names[value] ?? graph.nodes[value]!.operator);
      buffers.push({ name, element, shape, home, value });
      const id = (buffers.length - 1) as BufferId;
      if (!stored.has(value)) stored.set(value, id);
      return id;
    };
    /** The buffers of states, by name. */
    const memory = new Map<string, BufferId>();
    const inputs: BufferId[] = [];
    const weights: BufferId[] = [];
    for (const [id, { operator, attributes }] of graph.nodes.entries()) {
      const value = id as ValueId;
      const state = this.#states.heldBy(value);
      if (operator === "input" && state !== null) {
        memory.set(state.name, add(value, { kind: "state", name: state.name }, this.#states.shapeOf(state)));
      } else if (operator === "input") {
        inputs.push(add(value, { kind: "input", name: attributes.name, fill: attributes.fill }));
      } else if (operator === "weight" && this.#needed.has(value)) {
        weights.push(add(value, { kind: "weight", name: attributes.name, sources: attributes.sources }));
      }
    }
    const written = new Map<string, BufferId>();
    const prepare: Call[] = [];
    const calls: Call[] = [];
    for (const { kernel, reads, value, home, places } of this.#drafts.reverse()) {
      const known = home.kind === "state" ? memory.get(home.name) : undefined;
      const id = known ?? add(value, home);
      // The joined rows of a state lie where it does.
      if (this.#states.heldBy(value) !== null) stored.set(value, id);
      if (home.kind === "output") written.set(home.name, id);
      const { location } = kernel;
      const scope = scopePath(graph.scopes[value] ?? null);
      const moved = places === null ? {} : { places };
      const given = reads.map((each) => stored.get(each)!);
      const call: Call = { kernel, reads: given, writes: [id], location, scope, ...moved };
      (home.kind === "prepared" ? prepare : calls).push(call);
    }
    return {
      name: graph.name,
      sizes: graph.sizes,
      buffers,
      prepare,
      calls,
      inputs,
      weights,
      outputs: this.#states.outputs.map(({ name }) => written.get(name)!),
      indexChecks: indexChecksOf(graph, new Set([...this.#needed, ...this.#computed])),
      ...this.#growth(),
    };
  }

  /** What was before a step grows up to the room that there is, less the step. */
  #growth(): Pick<LoweredGraph, "grows"> {
    const { memory } = this.#states;
    if (memory === null || !this.#graph.sizes.includes(memory.past)) return {};
    // A step of one position has no size that counts them.
    const count = this.#graph.sizes.includes(memory.count) ? memory.count : 1;
    return { grows: { size: memory.past, to: sub(size(memory.capacity), size(count)) } };
  }
}

/** The statements of the kernel of one node. */
function bodyOf(operator: OperatorName, value: ValueId, reader: ValueReader, out: Buffer): readonly Statement[] {
  const rule = rules[operator] as Rule<OperatorName>;
  const operation = reader.operation(value);
  if (rule.kind === "body") return rule.body(operation, out, reader.writer);
  const { writer } = reader;
  if (rule.kind === "stored") return [];
  if (rule.kind !== "staged") return writer.nest(out.shape, (at) => [store(out, at, rule.element(operation, at))]);
  const order = rule.order?.(operation);
  return writer.nest(out.shape, (at) => [store(out, at, rule.element(operation, at, writer))], order);
}

/** The layers around a node, outermost first, without the model and without functions. */
function scopePath(scope: Scope | null): string {
  const names: string[] = [];
  for (let at = scope; at !== null; at = at.parent) if (at.kind === "layer") names.unshift(at.name);
  return names.join(".");
}
