/** Runs a derived step on the interpreter of Graphs: a session as obvious as can be. */

import type { Derived } from "../../src/incremental/index.js";
import { interpret } from "../../src/interpreter/graph.js";
import type { Tensor } from "../../src/interpreter/tensor.js";
import type { Attributes, Graph } from "../../src/ir/graph/index.js";
import { evaluate, type SizeVariable } from "../../src/sizes/index.js";

export type Weights = (name: string, attributes: Attributes["weight"]) => Tensor;

/** Elements [from, to) of one axis. */
export function rowsOfTensor(tensor: Tensor, axis: number, from: number, to: number): Tensor {
  const { shape } = tensor;
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const outer = shape.slice(0, axis).reduce((a, b) => a * b, 1);
  const data = tensor.data.slice(0, outer * (to - from) * inner);
  for (let i = 0; i < outer; i++) {
    const start = (i * shape[axis]! + from) * inner;
    data.set(tensor.data.subarray(start, start + (to - from) * inner), i * (to - from) * inner);
  }
  return { element: tensor.element, shape: shape.with(axis, to - from), data };
}

/** Tensors joined along an axis. */
export function joinTensors(parts: readonly Tensor[], axis: number): Tensor {
  const [first] = parts;
  const total = parts.reduce((sum, { shape }) => sum + shape[axis]!, 0);
  const shape = first!.shape.with(axis, total);
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const outer = shape.slice(0, axis).reduce((a, b) => a * b, 1);
  const size = outer * total * inner;
  const data =
    first!.data instanceof Float64Array
      ? new Float64Array(size)
      : first!.data instanceof Float32Array
        ? new Float32Array(size)
        : first!.data instanceof Int32Array
          ? new Int32Array(size)
          : new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    const rows = part.shape[axis]! * inner;
    for (let i = 0; i < outer; i++) data.set(part.data.subarray(i * rows, (i + 1) * rows), (i * total + at) * inner);
    at += part.shape[axis]!;
  }
  return { element: first!.element, shape, data };
}

export class InterpretedSession {
  past = 0;
  #states = new Map<string, Tensor>();

  /**
   * @param inputs those without positions
   * @param sizes all but T, by name
   */
  constructor(
    readonly derived: Derived,
    readonly weights: Weights,
    inputs: ReadonlyMap<string, Tensor>,
    readonly sizes: Readonly<Record<string, number>>,
    readonly precision: "f32" | "f64" = "f64",
  ) {
    if (derived.begin !== null) {
      const begun = interpret(derived.begin, {
        inputs: taken(derived.begin, inputs),
        weights,
        sizes: known(derived.begin, sizes),
        precision,
      });
      for (const [name, tensor] of Object.entries(begun.outputs)) this.#states.set(name, tensor);
    }
    for (const { name, kind, element, shape } of derived.states) {
      if (kind === "once") continue;
      const values = shape.map((each) =>
        evaluate(each, (variable: SizeVariable) => (variable === derived.sizes.past ? 0 : sizes[variable.name]!)),
      );
      const count = values.reduce((a, b) => a * b, 1);
      const data =
        element === "i32"
          ? new Int32Array(count)
          : element === "bool"
            ? new Uint8Array(count)
            : precision === "f64"
              ? new Float64Array(count)
              : new Float32Array(count);
      this.#states.set(name, { element, shape: values, data });
    }
  }

  /** Runs `count` new positions. */
  step(inputs: ReadonlyMap<string, Tensor>, count: number, graph: Graph = this.derived.step): Record<string, Tensor> {
    const { past, count: counted, capacity } = this.derived.sizes;
    const room = capacity.max === null ? 64 : evaluate(capacity.max, () => 64);
    const sizes = { ...this.sizes, [capacity.name]: room, [past.name]: this.past, [counted.name]: count };
    const all = new Map([...inputs, ...this.#states]);
    const { outputs } = interpret(graph, {
      inputs: taken(graph, all),
      weights: this.weights,
      sizes: known(graph, sizes),
      precision: this.precision,
    });
    for (const { name } of this.derived.states) {
      const next = outputs[name];
      if (next !== undefined) this.#states.set(name, next);
      delete outputs[name];
    }
    this.past += count;
    return outputs;
  }
}

function taken(graph: Graph, inputs: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  const names = new Set(graph.nodes.flatMap((node) => (node.operator === "input" ? [node.attributes.name] : [])));
  return new Map([...inputs].filter(([name]) => names.has(name)));
}

function known(graph: Graph, sizes: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    graph.sizes.filter(({ name }) => sizes[name] !== undefined).map(({ name }) => [name, sizes[name]!]),
  );
}

/** Inputs of a graph over its positions, with the axis. */
export function timeInputs(derived: Derived): Map<string, number> {
  const found = new Map<string, number>();
  for (const node of derived.entry.nodes) {
    if (node.operator !== "input") continue;
    const axis = node.attributes.shape.findIndex((each) => evaluateIs(each, derived));
    if (axis >= 0) found.set(node.attributes.name, axis);
  }
  return found;
}

function evaluateIs(each: Parameters<typeof evaluate>[0], { time }: Derived): boolean {
  return evaluate(each, (variable) => (variable === time ? 2 : 1)) !== evaluate(each, () => 1);
}
