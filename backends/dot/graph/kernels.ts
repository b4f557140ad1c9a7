/**
 * A Graph as its kernels compute it: every value that is computed in place is copied into each kernel that reads it.
 *
 * Needs a Graph of which lowering knows what has a buffer. Guarantees that each node belongs to one kernel, or to none if
 * it lies in a buffer before anything runs; that a kernel's nodes stand together; and that they lie in one layer, the
 * innermost that holds all of them. A list of layers (`h.0`, `h.1`, …) is not left for what a kernel takes from the layer
 * before: that stands in the kernel's own layer too, so that equal layers stay equal.
 */
import type { Graph, GraphOutput, Node, Scope, ValueId } from "../../../src/ir/graph/index.js";
import { computedInPlace } from "../../../src/lower/in-place.js";
import { isWithin, type Layer, type LayerTree, layerTree } from "./scopes.js";
import { isPlumbing, valueFacts } from "./values.js";

export interface KernelGroup {
  /** The value that it writes, here and in the Graph that lowering reads. */
  readonly value: number;
  readonly origin: number;
}

export interface KernelGraph {
  readonly graph: Graph;
  readonly kernels: readonly KernelGroup[];
  /** The kernel of each node, by its place in the list. */
  readonly kernelOf: readonly (number | null)[];
  /** The node that each was copied from. */
  readonly origin: readonly number[];
}

export function kernelGraph(graph: Graph, focus: string | null): KernelGraph {
  return new Copier(graph, focus).copy();
}

class Copier {
  readonly #inPlace: readonly boolean[];
  readonly #isStatic: readonly boolean[];
  readonly #tree: LayerTree;
  readonly #focus: Layer | null;
  readonly #nodes: Node[] = [];
  readonly #scopes: (Scope | null)[] = [];
  readonly #kernelOf: (number | null)[] = [];
  readonly #origin: number[] = [];
  readonly #kernels: KernelGroup[] = [];
  /** What lies in a buffer, by the node that it was copied from. */
  readonly #stored = new Map<number, ValueId>();

  constructor(
    readonly graph: Graph,
    focus: string | null,
  ) {
    this.#inPlace = computedInPlace(graph);
    this.#isStatic = valueFacts(graph).isStatic;
    this.#tree = layerTree(graph);
    this.#focus = this.#tree.all.find(({ id }) => id === focus) ?? null;
  }

  copy(): KernelGraph {
    const { nodes, types, locations, names, outputs } = this.graph;
    const wanted = new Set<number>(outputs.map(({ value }) => value));
    const bodies = new Map<number, readonly number[]>();
    for (let id = nodes.length - 1; id >= 0; id--) {
      if (!wanted.has(id) || this.#isGiven(id)) continue;
      const body = this.#bodyOf(id);
      bodies.set(id, body);
      for (const member of body)
        for (const operand of nodes[member]!.operands) if (this.#isKept(operand)) wanted.add(operand);
    }
    nodes.forEach((node, id) => {
      const body = bodies.get(id);
      if (node.operator === "input" || (this.#isGiven(id) && wanted.has(id)))
        this.#add(id, node, this.graph.scopes[id]!, null);
      else if (body !== undefined) this.#kernel(id, body);
    });
    const made: Graph = {
      ...this.graph,
      nodes: this.#nodes,
      scopes: this.#scopes,
      types: this.#origin.map((id) => types[id]!),
      locations: this.#origin.map((id) => locations[id] ?? null),
      names: this.#origin.map((id) => names[id] ?? null),
      placements: this.#origin.map(() => null),
      outputs: outputs.map(({ name, value }): GraphOutput => ({ name, value: this.#stored.get(value)! })),
    };
    return { graph: made, kernels: this.#kernels, kernelOf: this.#kernelOf, origin: this.#origin };
  }

  /** Lies in a buffer before anything runs. */
  #isGiven(id: number): boolean {
    const { operator } = this.graph.nodes[id]!;
    return operator === "input" || operator === "weight";
  }

  #isKept(id: number): boolean {
    return this.#isGiven(id) || !this.#inPlace[id];
  }

  /** The values that the kernel of `value` computes, ascending. */
  #bodyOf(value: number): readonly number[] {
    const members = new Set([value]);
    for (const member of members) {
      for (const operand of this.graph.nodes[member]!.operands) if (!this.#isKept(operand)) members.add(operand);
    }
    return [...members].sort((a, b) => a - b);
  }

  #kernel(value: number, body: readonly number[]): void {
    const home = this.#homeOf(value, body);
    const copies = new Map<number, ValueId>();
    const kernel = this.#kernels.length;
    for (const id of body) {
      const { operands, ...node } = this.graph.nodes[id]!;
      const layer = this.#tree.of[id]!;
      const scope = isWithin(layer, home) ? this.graph.scopes[id]! : home.scope;
      const own = operands.map((operand) => copies.get(operand) ?? this.#stored.get(operand)!);
      copies.set(id, this.#add(id, { ...node, operands: own } as Node, scope, kernel));
    }
    this.#stored.set(value, copies.get(value)!);
    this.#kernels.push({ value: copies.get(value)!, origin: value });
  }

  #add(id: number, node: Node, scope: Scope | null, kernel: number | null): ValueId {
    const made = this.#nodes.push(node) - 1;
    this.#scopes.push(scope);
    this.#kernelOf.push(kernel);
    this.#origin.push(id);
    if (kernel === null) this.#stored.set(id, made as ValueId);
    return made as ValueId;
  }

  #homeOf(value: number, body: readonly number[]): Layer {
    const layers = body.filter((id) => !this.#isStatic[id] && this.graph.scopes[id]).map((id) => this.#tree.of[id]!);
    let home = this.graph.scopes[value] ? this.#tree.of[value]! : (layers[0] ?? this.#tree.root);
    for (const layer of layers) {
      let around = home;
      while (!isWithin(layer, around) && around.parent !== null && !isNumbered(around)) around = around.parent;
      if (isWithin(layer, around)) home = around;
    }
    const focus = this.#focus;
    const touches = body.some(
      (id) =>
        focus !== null &&
        !this.#isStatic[id] &&
        !isPlumbing(this.graph.nodes[id]!) &&
        isWithin(this.#tree.of[id]!, focus),
    );
    return focus !== null && touches && isWithin(focus, home) ? focus : home;
  }
}

function isNumbered(layer: Layer): boolean {
  return /\.\d+$/.test(layer.name);
}
