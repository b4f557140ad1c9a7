/**
 * Diagonals: what depends on a query and a key by their distance alone, such as T5's buckets, is computed once per distance.
 *
 *   f(s - t) : [T, S]   →   f(d - T) for d in 0..T + S + 1, read at s - t + T
 *
 * Needs: index arithmetic as the algebra leaves it. Guarantees: every element is what it was; only what costs more than a
 * few additions is rewritten, so that a distance itself, or a mask, stays arithmetic.
 */
import {
  emitNode,
  type Graph,
  type GraphBuilder,
  type Node,
  rebuild,
  scalar,
  type ValueId,
} from "../ir/graph/index.js";
import { add, constantOf, type Size } from "../sizes/index.js";
import { classOf, costOf } from "./fusion/classes.js";
import type { Pass } from "./pass.js";

/** What costs less, in additions, is computed for each query and key. */
const leastCost = 8;

export const diagonals: Pass = {
  name: "diagonals",
  about: "what depends on distances alone, computed once per distance",
  run: (graph, { remark }) => {
    const found = new Diagonals(graph);
    if (found.roots.size === 0) return graph;
    return rebuild(graph, (builder, node, operands, id) => {
      const distance = found.roots.get(id);
      if (distance === undefined) return emitNode(builder, node, operands);
      remark({ rule: "once per distance", kind: "fired", location: graph.locations[id] ?? null, message: "" });
      return found.emit(builder, id, distance);
    });
  },
};

/** A difference of two indices, of which the second runs over `before` positions and the first over `after`. */
interface Distance {
  readonly value: ValueId;
  readonly before: Size;
  readonly after: Size;
}

class Diagonals {
  /** The distance that each value is made of; null for one that is made of numbers alone. */
  readonly #made: (Distance | null | undefined)[] = [];
  readonly #costs: number[] = [];
  /** Values to be computed once per distance, which other values read. */
  readonly roots = new Map<ValueId, Distance>();

  constructor(readonly graph: Graph) {
    for (const id of graph.nodes.keys()) {
      this.#made.push(this.#distanceOf(id as ValueId));
      const { operands } = graph.nodes[id]!;
      this.#costs.push(operands.reduce((sum, each) => sum + this.#costs[each]!, costOf(graph, id as ValueId)));
    }
    const isRead = (id: ValueId): void => {
      const distance = this.#made[id];
      const isDistance = distance?.value === id;
      if (distance && !isDistance && this.#costs[id]! > leastCost && this.#isWhole(id, distance)) {
        this.roots.set(id, distance);
      }
    };
    for (const { value } of graph.outputs) isRead(value);
    for (const [id, { operands }] of graph.nodes.entries()) if (!this.#made[id]) operands.forEach(isRead);
  }

  /** Undefined for a value that is made of anything else. */
  #distanceOf(id: ValueId): Distance | null | undefined {
    const node = this.graph.nodes[id]!;
    if (node.operator === "constant") return null;
    if (classOf(node.operator) !== "map") return undefined;
    const own = this.#difference(id, node);
    if (own !== null) return own;
    let found: Distance | null = null;
    for (const operand of node.operands) {
      const distance = this.#made[operand];
      if (distance === undefined || (found !== null && distance !== null && distance.value !== found.value)) {
        return undefined;
      }
      found ??= distance;
    }
    return found;
  }

  /** An index less another of another axis. */
  #difference(value: ValueId, { operator, operands }: Node): Distance | null {
    if (operator !== "sub") return null;
    const [after, before] = operands.map((operand) => this.graph.nodes[operand]!);
    if (after?.operator !== "iota" || before?.operator !== "iota") return null;
    const [last, first] = [after.attributes, before.attributes];
    if (last.shape.length - last.axis === first.shape.length - first.axis) return null;
    return { value, after: last.shape[last.axis]!, before: first.shape[first.axis]! };
  }

  /** Whether a value has no more axes than its distance, so that it has an element for each. */
  #isWhole(id: ValueId, { value }: Distance): boolean {
    const [shape, of] = [this.graph.types[id]!.shape, this.graph.types[value]!.shape];
    const isSame = shape.length === of.length && shape.every((extent, axis) => extent === of[axis]);
    return isSame && shape.filter((extent) => constantOf(extent) !== 1).length === 2;
  }

  /** The value, read from one that has an element for each distance. */
  emit(builder: GraphBuilder, id: ValueId, { value, before, after }: Distance): ValueId {
    const count = builder.emit("size", [], { value: before });
    // One more, so that there is a distance to choose even where there are no positions.
    const positions = builder.emit("iota", [], { axis: 0, shape: [add(add(before, after), 1)] });
    const made = new Map<ValueId, ValueId>([[value, builder.emit("sub", [positions, count], {})]]);
    const compute = (each: ValueId): ValueId => {
      const known = made.get(each);
      if (known !== undefined) return known;
      const node = this.graph.nodes[each]!;
      const { attributes } = node;
      const result =
        node.operator === "constant"
          ? scalar(builder, node.attributes.value, node.attributes.element)
          : builder.emit(node.operator, node.operands.map(compute), attributes as never);
      made.set(each, result);
      return result;
    };
    const table = compute(id);
    const difference = this.graph.nodes[value]!;
    const places = difference.operands.map((operand) => emitNode(builder, this.graph.nodes[operand]! as never, []));
    const distance = builder.emit("sub", places, {});
    return builder.emit("element", [table, builder.emit("add", [distance, count], {})], {});
  }
}
