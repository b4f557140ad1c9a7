/** What sessions keep, as arrays: for programs that run on arrays. */
import { dimensionValue, type Sizes } from "./inputs.js";
import type { DecodingSpec, KeptArrays, StateSpec } from "./session.js";
import { arrayOf, elementCount } from "./tensors.js";

export function stateShape({ shape }: StateSpec, sizes: Sizes): number[] {
  return shape.map((dimension) => dimensionValue(dimension, sizes));
}

/** Arrays of zeros for all states. */
export function createStates({ states }: DecodingSpec, sizes: Sizes): KeptArrays {
  return Object.fromEntries(
    states.map((state) => [state.name, arrayOf(state.type, elementCount(stateShape(state, sizes)))]),
  );
}

/** Copies with these rows of the batch. */
export function selectStates(spec: DecodingSpec, kept: KeptArrays, sizes: Sizes, rows: readonly number[]): KeptArrays {
  return Object.fromEntries(
    spec.states.map((state) => {
      const from = kept[state.name]!;
      const shape = stateShape(state, sizes);
      const axis = state.shape.indexOf(spec.batch ?? "");
      if (axis < 0) return [state.name, from.slice()];
      const outer = elementCount(shape.slice(0, axis));
      const inner = elementCount(shape.slice(axis + 1));
      const to = arrayOf(state.type, outer * rows.length * inner);
      for (let i = 0; i < outer; i++) {
        for (const [at, row] of rows.entries()) {
          const start = (i * shape[axis]! + row) * inner;
          to.set(from.subarray(start, start + inner), (i * rows.length + at) * inner);
        }
      }
      return [state.name, to];
    }),
  );
}

/** Takes over arrays of the same lengths. */
export function writeStates(kept: KeptArrays, arrays: KeptArrays): void {
  for (const [name, to] of Object.entries(kept)) to.set(arrays[name]!);
}
