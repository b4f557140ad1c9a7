/**
 * A product that is cut into two halves of its columns, which meet again element by element, becomes two products with
 * the halves of its weight: a gate and its values that are held as one matrix. One kernel then computes both sums for an
 * element (fusion), and what is twice as wide is never stored.
 *
 * Needs: slices that read the product itself (movement). Guarantees: nothing is computed twice; halves that go different
 * ways, as queries and keys do, stay one product.
 */
import { emitNode, equalTypes, type Graph, type NodeOf, rebuild, usersOf, type ValueId } from "../ir/graph/index.js";
import { constantOf } from "../sizes/index.js";
import { classOf } from "./fusion/classes.js";
import type { Pass } from "./pass.js";

/** More steps than any activation takes. */
const mostSteps = 48;

export const halves: Pass = {
  name: "halves",
  about: "products whose halves meet again as two products, which one kernel computes",
  run: (graph, { remark }) => {
    const found = new Halves(graph).found();
    if (found.size === 0) return graph;
    const reported = new Set<ValueId>();
    const mapped: ValueId[] = [];
    return rebuild(graph, (builder, node, operands, id) => {
      const half = found.get(id);
      let value: ValueId;
      if (half === undefined || node.operator !== "slice") value = emitNode(builder, node, operands);
      else {
        const { product, column, weight, bias } = half;
        const { start, length } = node.attributes;
        const factors = product.node.operands.map((operand, position) => {
          const from = mapped[operand]!;
          return position === weight.position
            ? builder.emit("slice", [from], { axis: weight.axis, start, length })
            : from;
        });
        value = builder.emit("einsum", factors, product.node.attributes);
        if (bias !== null) {
          const from = mapped[bias]!;
          const { shape } = builder.typeOf(from);
          const axis = column - (graph.types[product.value]!.shape.length - shape.length);
          const isWhole = axis < 0 || constantOf(shape[axis]!) === 1;
          value = builder.emit(
            "add",
            [value, isWhole ? from : builder.emit("slice", [from], { axis, start, length })],
            {},
          );
        }
        if (!reported.has(product.value)) {
          const location = graph.locations[product.value] ?? null;
          remark({
            rule: "halves that meet",
            kind: "fired",
            location,
            message: "two products with halves of one weight",
          });
        }
        reported.add(product.value);
      }
      mapped.push(value);
      return value;
    });
  },
};

interface Half {
  readonly product: { readonly value: ValueId; readonly node: NodeOf<"einsum"> };
  /** The axis of the product that is cut, and where it is among the factors. */
  readonly column: number;
  readonly weight: { readonly position: number; readonly axis: number };
  /** What is added to the product before it is cut. */
  readonly bias: ValueId | null;
}

class Halves {
  readonly #users: readonly (readonly ValueId[])[];
  readonly #outputs: ReadonlySet<ValueId>;

  constructor(readonly graph: Graph) {
    this.#users = usersOf(graph);
    this.#outputs = new Set(graph.outputs.map(({ value }) => value));
  }

  /** The slices that become products, with what they are a half of. */
  found(): ReadonlyMap<ValueId, Half> {
    const found = new Map<ValueId, Half>();
    for (const [id, node] of this.graph.nodes.entries()) {
      if (node.operator !== "einsum" || node.operands.length !== 2) continue;
      const value = id as ValueId;
      const added = this.#biasOf(value);
      const slices = this.#halvesOf(added?.sum ?? value);
      const [first] = slices;
      const half = first === undefined ? undefined : this.graph.nodes[first];
      if (half?.operator !== "slice" || !this.#meet(slices)) continue;
      const column = half.attributes.axis;
      const label = node.attributes.output[column]!;
      const holding = node.attributes.inputs.flatMap((labels, position) => {
        const axis = labels.indexOf(label);
        return axis < 0 ? [] : [{ position, axis }];
      });
      const [weight, ...others] = holding;
      if (
        weight === undefined ||
        others.length > 0 ||
        this.graph.nodes[node.operands[weight.position]!]!.operator !== "weight"
      )
        continue;
      for (const each of slices)
        found.set(each, { product: { value, node }, column, weight, bias: added?.bias ?? null });
    }
    return found;
  }

  #biasOf(product: ValueId): { readonly sum: ValueId; readonly bias: ValueId } | null {
    const [sum, ...others] = this.#users[product]!;
    const node = sum === undefined || others.length > 0 ? undefined : this.graph.nodes[sum]!;
    if (sum === undefined || node?.operator !== "add" || this.#outputs.has(product)) return null;
    const [a, b] = node.operands;
    const bias = a === product ? b! : a!;
    const isWeight = bias !== product && this.graph.nodes[bias]!.operator === "weight";
    return isWeight && equalTypes(this.graph.types[sum]!, this.graph.types[product]!) ? { sum, bias } : null;
  }

  /** The two slices that are all that reads a value, if they are halves of one axis. */
  #halvesOf(value: ValueId): readonly ValueId[] {
    const users = this.#users[value]!;
    if (users.length !== 2 || this.#outputs.has(value)) return [];
    const [a, b] = users.map((user) => this.graph.nodes[user]!);
    if (a!.operator !== "slice" || b!.operator !== "slice" || a!.attributes.axis !== b!.attributes.axis) return [];
    const isHalf = a!.attributes.length === b!.attributes.length && constantOf(a!.attributes.length) !== null;
    const areKnown = [a!, b!].every(({ attributes }) => constantOf(attributes.start) !== null);
    return isHalf && areKnown && a!.attributes.start !== b!.attributes.start ? users : [];
  }

  /** Whether all that is made of these values, element by element, comes to one value. */
  #meet(values: readonly ValueId[]): boolean {
    const { nodes, types } = this.graph;
    const type = types[values[0]!]!;
    const visited = new Set<ValueId>(values);
    const ends = new Set<ValueId>();
    for (const value of visited) {
      if (visited.size > mostSteps) return false;
      const users = this.#users[value]!;
      const goesOn =
        users.length > 0 &&
        !this.#outputs.has(value) &&
        users.every((user) => {
          return classOf(nodes[user]!.operator) === "map" && equalTypes(types[user]!, type);
        });
      if (!goesOn) ends.add(value);
      else for (const user of users) visited.add(user);
    }
    const [end, ...others] = ends;
    return end !== undefined && others.length === 0 && !values.includes(end);
  }
}
