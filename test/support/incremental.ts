/** Rows of tensors, and sessions of derived steps on the interpreter of Graphs. */

import { type Derived, InterpretedSession } from "../../src/incremental/index.js";
import type { Tensor } from "../../src/interpreter/tensor.js";
import type { Attributes } from "../../src/ir/graph/index.js";
import { evaluate } from "../../src/sizes/index.js";

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

/** A session with as much room as the entry allows. */
export function sessionOf(
  derived: Derived,
  weights: Weights,
  inputs: ReadonlyMap<string, Tensor>,
  sizes: Readonly<Record<string, number>>,
): InterpretedSession {
  const { capacity } = derived.sizes;
  const room = capacity.max === null ? 64 : evaluate(capacity.max, () => 64);
  return new InterpretedSession(derived, {
    weights,
    inputs,
    sizes: { ...sizes, [capacity.name]: room },
    precision: "f64",
  });
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
