/** One form for attributes that can be given in several: constants are rounded, labels numbered as they appear. */
import type { Attributes, OperatorName } from "./operators.js";
import { roundTo } from "./rounding.js";

type Canonical = { readonly [K in OperatorName]?: (attributes: Attributes[K]) => Attributes[K] };

const table: Canonical = {
  constant: ({ value, element }) => ({ value: roundTo(element, value), element }),
  input: (attributes) =>
    attributes.fill === null ? attributes : { ...attributes, fill: roundTo(attributes.element, attributes.fill) },
  einsum: ({ inputs, output }) => {
    const numbers = new Map<number, number>();
    const number = (label: number): number => {
      const known = numbers.get(label) ?? numbers.size;
      numbers.set(label, known);
      return known;
    };
    return { inputs: inputs.map((labels) => labels.map(number)), output: output.map(number) };
  },
};

/** The attributes in the form that the Graph keeps; the same meaning. */
export function canonicalAttributes<K extends OperatorName>(operator: K, attributes: Attributes[K]): Attributes[K] {
  return table[operator]?.(attributes) ?? attributes;
}
