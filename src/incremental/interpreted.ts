/** A session on the interpreter of Graphs: as obvious as can be, for everything faster to be compared with. */
import { interpret, type Precision } from "../interpreter/graph.js";
import { elementsOf, type Tensor } from "../interpreter/tensor.js";
import type { Attributes, Graph } from "../ir/graph/index.js";
import { evaluate } from "../sizes/index.js";
import type { Derived } from "./derive.js";
import type { State } from "./states.js";

export interface InterpretedOptions {
  readonly weights: (name: string, attributes: Attributes["weight"]) => Tensor;
  /** Inputs without positions. */
  readonly inputs: ReadonlyMap<string, Tensor>;
  /** Sizes of the entry but for T, by name, and the room under the name that it has in the step. */
  readonly sizes: Readonly<Record<string, number>>;
  readonly precision: Precision;
}

export class InterpretedSession {
  /** The positions that are computed. */
  past = 0;
  readonly #states = new Map<string, Tensor>();

  constructor(
    readonly derived: Derived,
    readonly options: InterpretedOptions,
  ) {
    if (derived.begin !== null) {
      const begun = this.#interpret(derived.begin, options.inputs, {});
      for (const [name, tensor] of Object.entries(begun)) this.#states.set(name, tensor);
    }
    for (const state of derived.states) if (state.kind !== "once") this.#states.set(state.name, this.#zeros(state));
  }

  /**
   * Runs `count` new positions.
   * @param inputs those over positions, with the new rows only
   * @param graph the step, or the one that gives the last position only
   */
  step(inputs: ReadonlyMap<string, Tensor>, count: number, graph = this.derived.step): Record<string, Tensor> {
    const { past, count: counted } = this.derived.sizes;
    const sizes = { [past.name]: this.past, [counted.name]: count };
    const outputs = this.#interpret(graph, new Map([...inputs, ...this.#states]), sizes);
    for (const { name } of this.derived.states) {
      const next = outputs[name];
      if (next !== undefined) this.#states.set(name, next);
      delete outputs[name];
    }
    this.past += count;
    return outputs;
  }

  #interpret(graph: Graph, inputs: ReadonlyMap<string, Tensor>, more: Readonly<Record<string, number>>) {
    const { weights, precision } = this.options;
    const names = new Set(graph.nodes.flatMap((node) => (node.operator === "input" ? [node.attributes.name] : [])));
    const all: Readonly<Record<string, number>> = { ...this.options.sizes, ...more };
    const known = graph.sizes.flatMap(({ name }) => (all[name] === undefined ? [] : [[name, all[name]] as const]));
    const given = new Map([...inputs].filter(([name]) => names.has(name)));
    return interpret(graph, { inputs: given, weights, sizes: Object.fromEntries(known), precision }).outputs;
  }

  #zeros({ element, shape }: State): Tensor {
    const { past } = this.derived.sizes;
    const extents = shape.map((each) =>
      evaluate(each, (variable) => (variable === past ? 0 : this.options.sizes[variable.name]!)),
    );
    const count = elementsOf(extents);
    const isWide = this.options.precision === "f64";
    const data =
      element === "i32"
        ? new Int32Array(count)
        : element === "bool"
          ? new Uint8Array(count)
          : isWide
            ? new Float64Array(count)
            : new Float32Array(count);
    return { element, shape: extents, data };
  }
}
