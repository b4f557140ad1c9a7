/** Random sizes, inputs and weights for a Graph, decided by a seed. */

import { elementsOf, type Tensor } from "../../src/interpreter/tensor.js";
import type { Graph } from "../../src/ir/graph/graph.js";
import type { Attributes } from "../../src/ir/graph/operators.js";
import { roundTo } from "../../src/ir/graph/rounding.js";
import { type ElementType, isFloat } from "../../src/ir/graph/types.js";
import { evaluate, type Size, type SizeVariable } from "../../src/sizes/index.js";
import { Random } from "./random.js";

export interface RandomRun {
  readonly sizes: Readonly<Record<string, number>>;
  readonly inputs: ReadonlyMap<string, Tensor>;
  readonly weights: (name: string, attributes: Attributes["weight"]) => Tensor;
}

export interface RandomRunOptions {
  /** Values of sizes by name, where they are not to be random; rounded up to multiples of their steps. */
  readonly sizes?: Readonly<Record<string, number>>;
  /** Whether floats are now and then NaN, infinite, ±0 or large; false unless given. */
  readonly special?: boolean;
}

/** Sizes within their ranges (the ends often), all inputs without a fill and some with one, and any weight. */
export function randomRun(graph: Graph, seed: number, options: RandomRunOptions = {}): RandomRun {
  const random = new Random(seed);
  const values = new Map<SizeVariable, number>();
  const sizeOf = (size: Size): number => evaluate(size, (variable) => values.get(variable)!);
  for (const variable of graph.sizes) {
    const [min, max] = [sizeOf(variable.min), variable.max === null ? 8 : sizeOf(variable.max)];
    const { name, step } = variable;
    const given = options.sizes?.[name];
    const value =
      given === undefined ? min + step * random.below((max - min) / step + 1) : Math.ceil(given / step) * step;
    values.set(variable, value);
  }
  const inputs = new Map<string, Tensor>();
  for (const node of graph.nodes) {
    if (node.operator !== "input") continue;
    const { name, element, shape, fill } = node.attributes;
    if (fill !== null && random.chance(0.5)) continue;
    inputs.set(name, randomTensor(random, element, shape.map(sizeOf), options.special));
  }
  return {
    sizes: Object.fromEntries([...values].map(([variable, value]) => [variable.name, value])),
    inputs,
    weights: (name, { element, shape }) =>
      randomTensor(new Random(seed + hash(name)), element, shape.map(sizeOf), options.special),
  };
}

/** Floats in [-2, 2], already rounded to their type; small whole numbers; booleans. */
export function randomTensor(random: Random, element: ElementType, shape: readonly number[], special = false): Tensor {
  const count = elementsOf(shape);
  if (!isFloat(element)) {
    const data = element === "i32" ? new Int32Array(count) : new Uint8Array(count);
    for (let i = 0; i < count; i++) data[i] = element === "i32" ? random.below(12) - 3 : random.below(2);
    return { element, shape, data };
  }
  const odd = [Number.NaN, Infinity, -Infinity, 0, -0, 1e4, -1e4, 1e30, 0.5, 1.5, -2.5];
  const data = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const value = special && random.chance(0.1) ? random.of(odd) : random.next() * 4 - 2;
    data[i] = roundTo(element, value);
  }
  return { element, shape, data };
}

function hash(text: string): number {
  let sum = 7;
  for (let i = 0; i < text.length; i++) sum = (Math.imul(sum, 31) + text.charCodeAt(i)) | 0;
  return sum;
}
