/**
 * Lowers a Graph to naive kernels: one per node that computes, per element of its result, with private scalars and one
 * loop per reduction. These kernels say what is computed; schedules make them fast, and are tested against them.
 *
 * Needs a verified Graph. Guarantees: each value that is not computed in place has one buffer, written by one call. What
 * only moves elements, or is made of indices alone, is computed in place by whoever reads it: a transposed weight is
 * read with its indices exchanged, a mask is a comparison of loop variables. As an output it is written by a copy.
 */
import type { Graph, OperatorName, Scope, ValueId } from "../ir/graph/index.js";
import { type Buffer, loadedBuffers, mentionedSizes, type Statement } from "../ir/kernel/index.js";
import type { BufferId } from "../ir/plan/plan.js";
import { computedInPlace, neededValues } from "./in-place.js";
import { indexChecksOf } from "./index-checks.js";
import type { Call, Home, LoweredBuffer, LoweredGraph } from "./lowered.js";
import { ValueReader } from "./reader.js";
import type { Rule } from "./rules.js";
import { rules } from "./table.js";
import { KernelWriter, LoopVariables, store } from "./writer.js";

export function lowerGraph(graph: Graph): LoweredGraph {
  return new Lowering(graph).run();
}

class Lowering {
  readonly #graph: Graph;
  readonly #needed: readonly boolean[];
  readonly #inPlace: readonly boolean[];
  readonly #loops: LoopVariables;
  readonly #buffers: LoweredBuffer[] = [];
  /** The buffer that holds a value for all who read it. */
  readonly #stored = new Map<ValueId, BufferId>();
  readonly #calls: Call[] = [];

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#needed = neededValues(graph);
    this.#inPlace = computedInPlace(graph);
    this.#loops = new LoopVariables(graph.sizes);
  }

  run(): LoweredGraph {
    const graph = this.#graph;
    for (const id of graph.nodes.keys()) this.#lower(id as ValueId);
    const outputs = graph.outputs.map(({ name, value }): BufferId => {
      const home: Home = { kind: "output", name };
      const stored = this.#stored.get(value);
      const own = stored === undefined ? undefined : this.#buffers[stored]!.home;
      return own?.kind === "output" && own.name === name ? stored! : this.#copy(value, home);
    });
    return {
      name: graph.name,
      sizes: graph.sizes,
      buffers: this.#buffers,
      calls: this.#calls,
      inputs: this.#idsOf("input"),
      weights: this.#idsOf("weight"),
      outputs,
      indexChecks: indexChecksOf(graph, this.#needed),
    };
  }

  #idsOf(kind: Home["kind"]): BufferId[] {
    const ids: BufferId[] = [];
    for (const [id, { home }] of this.#buffers.entries()) if (home.kind === kind) ids.push(id as BufferId);
    return ids;
  }

  #add(value: ValueId, home: Home): BufferId {
    const { element, shape } = this.#graph.types[value]!;
    const name = home.kind === "temporary" ? this.#nameOf(value) : home.name;
    this.#buffers.push({ name, element, shape, home, value });
    return (this.#buffers.length - 1) as BufferId;
  }

  #nameOf(value: ValueId): string {
    return this.#graph.names[value] ?? this.#graph.nodes[value]!.operator;
  }

  /** Gives a value its buffer and its kernel. All inputs have a buffer, since the caller passes them all. */
  #lower(value: ValueId): void {
    const node = this.#graph.nodes[value]!;
    if (node.operator === "input") {
      const { name, fill } = node.attributes;
      this.#stored.set(value, this.#add(value, { kind: "input", name, fill }));
    } else if (!this.#needed[value] || this.#inPlace[value]) {
      return;
    } else if (node.operator === "weight") {
      const { name, sources } = node.attributes;
      this.#stored.set(value, this.#add(value, { kind: "weight", name, sources }));
    } else {
      // An output is computed where the caller looks for it.
      const output = this.#graph.outputs.find((each) => each.value === value);
      const buffer = this.#add(value, output ? { kind: "output", name: output.name } : { kind: "temporary" });
      this.#stored.set(value, buffer);
      this.#call(node.operator, value, buffer, (reader, out) => bodyOf(node.operator, value, reader, out));
    }
  }

  /** A kernel that writes a buffer of its own with a value that is stored, or computed in place. */
  #copy(value: ValueId, home: Home): BufferId {
    const buffer = this.#add(value, home);
    const { operator } = this.#graph.nodes[value]!;
    const isCopy = this.#stored.has(value) || rules[operator].kind === "inline";
    this.#call(isCopy ? "copy" : operator, value, buffer, (reader, out) =>
      reader.writer.nest(out.shape, (at) => [store(out, at, reader.at(value, at))]),
    );
    return buffer;
  }

  #call(
    name: string,
    value: ValueId,
    buffer: BufferId,
    body: (reader: ValueReader, out: Buffer) => readonly Statement[],
  ): void {
    const reader = new ValueReader(this.#graph, new KernelWriter(this.#loops), (each) => this.#stored.has(each));
    const out = reader.makeBuffer(value);
    const statements = body(reader, out);
    const values = reader.arguments;
    const reads = [...loadedBuffers(statements)].filter((each) => each.scope === "global");
    const location = this.#graph.locations[value] ?? null;
    this.#calls.push({
      kernel: {
        name,
        reads,
        writes: [out],
        sizes: mentionedSizes(statements, [...reads, out]),
        body: statements,
        location,
      },
      reads: reads.map((each) => this.#stored.get(values.get(each)!)!),
      writes: [buffer],
      location,
      scope: scopePath(this.#graph.scopes[value] ?? null),
    });
  }
}

/** The statements of the kernel of one node. */
function bodyOf(operator: OperatorName, value: ValueId, reader: ValueReader, out: Buffer): readonly Statement[] {
  const rule = rules[operator] as Rule<OperatorName>;
  const operation = reader.operation(value);
  if (rule.kind === "body") return rule.body(operation, out, reader.writer);
  if (rule.kind === "stored") return [];
  return reader.writer.nest(out.shape, (at) => [store(out, at, rule.element(operation, at))]);
}

/** The layers around a node, outermost first, without the model and without functions. */
function scopePath(scope: Scope | null): string {
  const names: string[] = [];
  for (let at = scope; at !== null; at = at.parent) if (at.kind === "layer") names.unshift(at.name);
  return names.join(".");
}
