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
import { type Buffer, type Kernel, loadedBuffers, mentionedSizes, type Statement } from "../ir/kernel/index.js";
import type { BufferId } from "../ir/plan/plan.js";
import { computedInPlace } from "./in-place.js";
import { indexChecksOf } from "./index-checks.js";
import type { Call, Home, LoweredBuffer, LoweredGraph } from "./lowered.js";
import { ValueReader } from "./reader.js";
import type { Rule } from "./rules.js";
import { rules } from "./table.js";
import { KernelWriter, LoopVariables, store } from "./writer.js";

export function lowerGraph(graph: Graph): LoweredGraph {
  return new Lowering(graph).run();
}

/** A kernel and what it is called with, before buffers have numbers. */
interface Draft {
  readonly kernel: Kernel;
  /** The values of the arguments that it reads; each lies in the buffer that holds it for all. */
  readonly reads: readonly ValueId[];
  readonly value: ValueId;
  readonly home: Home;
}

/**
 * Walks from the outputs back to the inputs, so that only what a kernel really reads gets a kernel: an operand may
 * vanish from an expression, as x does from `x and false`.
 */
class Lowering {
  readonly #graph: Graph;
  readonly #inPlace: readonly boolean[];
  /** Whether a value lies in memory from the time on when the model is loaded. */
  readonly #isKept: readonly boolean[];
  readonly #loops: LoopVariables;
  readonly #needed = new Set<ValueId>();
  /** What some kernel computes in place. */
  readonly #computed = new Set<ValueId>();
  /** Last call first. */
  readonly #drafts: Draft[] = [];

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#inPlace = computedInPlace(graph);
    const outputs = new Set(graph.outputs.map(({ value }) => value));
    this.#isKept = loadTimeValues(graph).map(
      (known, id) =>
        known && !this.#inPlace[id] && (graph.nodes[id]!.operator === "weight" || !outputs.has(id as ValueId)),
    );
    this.#loops = new LoopVariables(graph.sizes);
  }

  run(): LoweredGraph {
    const { nodes, outputs } = this.#graph;
    for (const { name, value } of [...outputs].reverse()) {
      // An output is computed where the caller looks for it; a second output of one value is a copy.
      const home: Home = { kind: "output", name };
      if (this.#isComputed(value) && outputs.find((each) => each.value === value)!.name === name) continue;
      this.#copy(value, home);
    }
    for (const { value } of outputs) this.#needed.add(value);
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
    const output = this.#graph.outputs.find((each) => each.value === value);
    const home: Home = output
      ? { kind: "output", name: output.name }
      : { kind: this.#isKept[value] ? "prepared" : "temporary" };
    this.#draft(operator, value, home, (reader, out) => bodyOf(operator, value, reader, out));
  }

  /** A kernel that writes a buffer of its own with a value that is stored, or computed in place. */
  #copy(value: ValueId, home: Home): void {
    const { operator } = this.#graph.nodes[value]!;
    const isCopy = !this.#inPlace[value] || rules[operator].kind === "inline";
    this.#draft(isCopy ? "copy" : operator, value, home, (reader, out) =>
      reader.writer.nest(out.shape, (at) => [store(out, at, reader.at(value, at))]),
    );
  }

  #draft(
    operator: string,
    value: ValueId,
    home: Home,
    write: (reader: ValueReader, out: Buffer) => readonly Statement[],
  ): void {
    const reader = new ValueReader(this.#graph, new KernelWriter(this.#loops), {
      isStored: (each) => !this.#inPlace[each],
      // What prepares is run once: nothing is worth being laid out anew for it.
      isConstant: (each) => this.#isKept[each]! && home.kind !== "prepared",
    });
    const out = reader.makeResult(value);
    const body = reader.writer.kernel(() => write(reader, out));
    for (const computed of reader.computed) this.#computed.add(computed);
    const buffers = [...loadedBuffers(body)].filter((each) => each.scope === "global");
    const reads = buffers.map((each) => reader.arguments.get(each)!);
    for (const read of reads) this.#needed.add(read);
    const location = this.#graph.locations[value] ?? null;
    const sizes = mentionedSizes(body, [...buffers, out]);
    const name = kernelName(this.#graph, operator, [...reader.computed]);
    this.#drafts.push({ kernel: { name, reads: buffers, writes: [out], sizes, body, location }, reads, value, home });
  }

  /** Numbers the buffers: inputs, weights, then the results of the calls in their order. */
  #number(): LoweredGraph {
    const graph = this.#graph;
    const buffers: LoweredBuffer[] = [];
    const stored = new Map<ValueId, BufferId>();
    const add = (value: ValueId, home: Home): BufferId => {
      const { element, shape } = graph.types[value]!;
      const name = "name" in home ? home.name : (graph.names[value] ?? graph.nodes[value]!.operator);
      buffers.push({ name, element, shape, home, value });
      const id = (buffers.length - 1) as BufferId;
      if (!stored.has(value)) stored.set(value, id);
      return id;
    };
    const inputs: BufferId[] = [];
    const weights: BufferId[] = [];
    for (const [id, { operator, attributes }] of graph.nodes.entries()) {
      const value = id as ValueId;
      if (operator === "input") {
        inputs.push(add(value, { kind: "input", name: attributes.name, fill: attributes.fill }));
      } else if (operator === "weight" && this.#needed.has(value)) {
        weights.push(add(value, { kind: "weight", name: attributes.name, sources: attributes.sources }));
      }
    }
    const written = new Map<string, BufferId>();
    const prepare: Call[] = [];
    const calls: Call[] = [];
    for (const { kernel, reads, value, home } of this.#drafts.reverse()) {
      const id = add(value, home);
      if (home.kind === "output") written.set(home.name, id);
      const { location } = kernel;
      const scope = scopePath(graph.scopes[value] ?? null);
      const call: Call = { kernel, reads: reads.map((each) => stored.get(each)!), writes: [id], location, scope };
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
      outputs: graph.outputs.map(({ name }) => written.get(name)!),
      indexChecks: indexChecksOf(graph, new Set([...this.#needed, ...this.#computed])),
    };
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

/** The operator, after the first stages that are computed in place for it: `einsum_add`, `mean_add`. */
function kernelName(graph: Graph, operator: string, computed: readonly ValueId[]): string {
  const operators = computed.map((value) => graph.nodes[value]!.operator);
  const stage = operators.find((each) => rules[each].kind === "staged");
  return stage === undefined || stage === operator ? operator : `${stage}_${operator}`;
}

/** The layers around a node, outermost first, without the model and without functions. */
function scopePath(scope: Scope | null): string {
  const names: string[] = [];
  for (let at = scope; at !== null; at = at.parent) if (at.kind === "layer") names.unshift(at.name);
  return names.join(".");
}
