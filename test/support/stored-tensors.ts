/** Tensors as the fixtures of test/fixtures/torch hold them, and how results are compared with them. */
import type { Tensor } from "../../src/interpreter/tensor.js";
import type { Attributes } from "../../src/ir/graph/operators.js";
import type { ElementType } from "../../src/ir/graph/types.js";

/** {element, shape, data}; infinities and NaN are strings, as JSON has none. */
export interface StoredTensor {
  readonly element: ElementType;
  readonly shape: readonly number[];
  readonly data: readonly (number | "inf" | "-inf" | "nan")[];
}

const words = { inf: Infinity, "-inf": -Infinity, nan: Number.NaN };

export function tensorFrom({ element, shape, data }: StoredTensor): Tensor {
  const numbers = data.map((each) => (typeof each === "number" ? each : words[each]));
  if (element === "i32") return { element, shape, data: Int32Array.from(numbers) };
  if (element === "bool") return { element, shape, data: Uint8Array.from(numbers) };
  return { element, shape, data: Float32Array.from(numbers) };
}

export function tensorsFrom(stored: Readonly<Record<string, StoredTensor>>): Map<string, Tensor> {
  return new Map(Object.entries(stored).map(([name, each]) => [name, tensorFrom(each)]));
}

/** What a checkpoint's header says of these weights. */
export function headerOf(
  weights: ReadonlyMap<string, Tensor>,
): Map<string, { shape: readonly number[]; dtype: string }> {
  return new Map([...weights].map(([name, { shape }]) => [name, { shape, dtype: "F32" }]));
}

/** What the interpreter asks for its weights; parts that a param stacks are put one after another. */
export function weightsOf(
  weights: ReadonlyMap<string, Tensor>,
): (name: string, attributes: Attributes["weight"]) => Tensor {
  return (_, { sources }) => {
    const parts = sources[0]!.map((name) => weights.get(name)!);
    const { element, shape } = parts[0]!;
    if (parts.length === 1) return parts[0]!;
    const data = Float32Array.from(parts.flatMap((part) => [...part.data]));
    return { element, shape: [parts.length, ...shape], data };
  };
}

/** The largest difference, in units of the tolerance: relative for numbers above `scale`, absolute for smaller ones. */
export function worstDifference(found: Tensor, wanted: Tensor, tolerance: number, scale = 1): number {
  let most = 0;
  for (let i = 0; i < wanted.data.length; i++) {
    const [a, b] = [found.data[i]!, wanted.data[i]!];
    if (a === b) continue;
    const error = Math.abs(a - b) / (tolerance * Math.max(scale, Math.abs(b)));
    most = Number.isNaN(error) ? Infinity : Math.max(most, error);
  }
  return most;
}
