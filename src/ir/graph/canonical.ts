/** One form for attributes that can be given in several: constants are rounded, labels numbered as they appear. */
import type { Attributes, Node, OperatorName } from "./operators.js";
import { roundTo } from "./rounding.js";
import type { ElementType } from "./types.js";

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

/** Whether the attributes are in that form already. */
export function isCanonical(node: Node): boolean {
  const isRounded = (value: number, element: ElementType): boolean => Object.is(value, roundTo(element, value));
  if (node.operator === "constant") return isRounded(node.attributes.value, node.attributes.element);
  if (node.operator === "input") return isRounded(node.attributes.fill ?? 0, node.attributes.element);
  if (node.operator !== "einsum") return true;
  const labels = ({ inputs, output }: Attributes["einsum"]): string => JSON.stringify([inputs, output]);
  return labels(node.attributes) === labels(canonicalAttributes("einsum", node.attributes));
}
