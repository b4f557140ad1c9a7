/**
 * Diagonals: what depends on a query and a key by their distance alone, such as T5's buckets and what a table has for them,
 * is computed once per distance.
 *
 *   f(s - t) : [T, S]                    →   f(d - T) for d in 0..T + S + 1, read at s - t + T
 *   table[f(s - t), h] : [H, T, S]       →   the same for each h, read at h and s - t + T
 *
 * Needs: index arithmetic as the algebra leaves it. Guarantees: every element is what it was; only what costs more than a
 * few additions is rewritten, so that a distance itself, or a mask, stays arithmetic.
 */
import {
  emitNode,
  type Graph,
  type GraphBuilder,
  loadTimeValues,
  type Node,
  rebuild,
  scalar,
  type ValueId,
} from "../ir/graph/index.js";
import { add, constantOf, type Size, size, sub } from "../sizes/index.js";
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
    const emitted: ValueId[] = [];
    return rebuild(graph, (builder, node, operands, id) => {
      const distance = found.roots.get(id);
      if (distance !== undefined) {
        remark({ rule: "once per distance", kind: "fired", location: graph.locations[id] ?? null, message: "" });
      }
      emitted[id] =
        distance === undefined
          ? emitNode(builder, node, operands)
          : new DiagonalEmitter(graph, builder, found.made, emitted).emit(id, distance);
      return emitted[id];
    });
  },
};

/** A difference of two indices, of which the second runs over `before` positions and the first over `after`. */
interface Distance {
  readonly value: ValueId;
  readonly before: Size;
  readonly after: Size;
  /** What is added to the difference of the positions. */
  readonly offset: Size;
  /** Their axes, counted from the last, as broadcasting aligns them. */
  readonly beforeAxis: number;
  readonly afterAxis: number;
}

/** The distance that a value is made of, besides what is known at load; null for one that is known at load itself. */
type Made = Distance | null | undefined;

class Diagonals {
  /** Undefined for a value that is made of anything else. */
  readonly made: Made[] = [];
  readonly #costs: number[] = [];
  readonly #isLoadTime: readonly boolean[];
  /** Values to be computed once per distance, which other values read. */
  readonly roots = new Map<ValueId, Distance>();

  constructor(readonly graph: Graph) {
    this.#isLoadTime = loadTimeValues(graph);
    for (const id of graph.nodes.keys()) {
      const made = this.#madeOf(id as ValueId);
      this.made.push(made);
      const { operands } = graph.nodes[id]!;
      // What does not depend on the distance is not computed for each.
      const own = made === null ? 0 : costOf(graph, id as ValueId);
      this.#costs.push(operands.reduce((sum, each) => sum + this.#costs[each]!, own));
    }
    const isRead = (id: ValueId): void => {
      const distance = this.made[id];
      const isDistance = distance?.value === id;
      if (distance && !isDistance && this.#costs[id]! > leastCost && this.#isWhole(id, distance)) {
        this.roots.set(id, distance);
      }
    };
    for (const { value } of graph.outputs) isRead(value);
    for (const [id, { operands }] of graph.nodes.entries()) if (!this.made[id]) operands.forEach(isRead);
  }

  #madeOf(id: ValueId): Made {
    if (this.#isLoadTime[id]) return null;
    const node = this.graph.nodes[id]!;
    const isGather = node.operator === "element" && this.#isLoadTime[node.operands[0]!];
    if (classOf(node.operator) !== "map" && !isGather) return undefined;
    const own = this.#difference(id, node);
    if (own !== null) return own;
    const aligned = isGather ? node.operands.slice(1) : node.operands;
    let found: Distance | null = null;
    for (const operand of aligned) {
      const distance = this.made[operand];
      if (distance === undefined || (found !== null && distance !== null && distance.value !== found.value)) {
        return undefined;
      }
      found ??= distance;
    }
    return found !== null && aligned.every((operand) => this.made[operand] !== null || this.#isApart(operand, found))
      ? found
      : undefined;
  }

  /** Whether a value is the same for all positions. */
  #isApart(id: ValueId, { beforeAxis, afterAxis }: Distance): boolean {
    const { shape } = this.graph.types[id]!;
    return [beforeAxis, afterAxis].every((axis) => constantOf(shape[shape.length - axis] ?? size(1)) === 1);
  }

  /** A position less another of another axis. */
  #difference(value: ValueId, { operator, operands }: Node): Distance | null {
    if (operator !== "sub") return null;
    const [after, before] = operands.map((operand) => this.#positions(operand));
    if (!after || !before || after.axis === before.axis) return null;
    const offset = sub(after.start, before.start);
    return {
      value,
      offset,
      after: after.extent,
      before: before.extent,
      afterAxis: after.axis,
      beforeAxis: before.axis,
    };
  }

  /** Indices along an axis, counted from a size. */
  #positions(value: ValueId): { readonly extent: Size; readonly axis: number; readonly start: Size } | null {
    const { nodes } = this.graph;
    const node = nodes[value]!;
    if (node.operator === "iota") {
      const { axis, shape } = node.attributes;
      return { extent: shape[axis]!, axis: shape.length - axis, start: size(0) };
    }
    if (node.operator !== "add") return null;
    for (const [a, b] of [node.operands, [...node.operands].reverse()]) {
      const [of, start] = [nodes[a!]!, nodes[b!]!];
      const positions = of.operator === "iota" && start.operator === "size" ? this.#positions(a!) : null;
      if (positions !== null && start.operator === "size") return { ...positions, start: start.attributes.value };
    }
    return null;
  }

  /** Whether a value has an element for each distance and for what is known at load, and no others. */
  #isWhole(id: ValueId, { value, beforeAxis, afterAxis }: Distance): boolean {
    const [shape, of] = [this.graph.types[id]!.shape, this.graph.types[value]!.shape];
    return shape.every((extent, at) => {
      const axis = shape.length - at;
      if (axis !== beforeAxis && axis !== afterAxis) return constantOf(extent) !== null;
      return extent === of[of.length - axis] && constantOf(extent) !== 1;
    });
  }
}

/** Emits a value that is made of a distance, read from one that has an element for each distance. */
class DiagonalEmitter {
  /** @param emitted what each value has become */
  constructor(
    readonly graph: Graph,
    readonly builder: GraphBuilder,
    readonly made: readonly Made[],
    readonly emitted: readonly ValueId[],
  ) {}

  emit(id: ValueId, distance: Distance): ValueId {
    const { builder, graph } = this;
    const { value, before, after, offset, beforeAxis, afterAxis } = distance;
    const { shape } = graph.types[id]!;
    const isAlone = shape.every((extent, at) => {
      return shape.length - at === beforeAxis || shape.length - at === afterAxis || constantOf(extent) === 1;
    });
    // One more, so that there is a distance to choose even where there are no positions.
    const count = add(add(before, after), 1);
    const rank = isAlone ? 1 : graph.types[value]!.shape.length;
    const along = isAlone ? 0 : rank - afterAxis;
    const positions = builder.emit("iota", [], {
      axis: along,
      shape: Array.from({ length: rank }, (_, axis) => (axis === along ? count : size(1))),
    });
    const first = builder.emit("size", [], { value: sub(before, offset) });
    const table = this.#compute(id, new Map([[value, builder.emit("sub", [positions, first], {})]]));
    const difference = graph.nodes[value]!;
    const places = difference.operands.map((operand) => this.#positions(operand));
    const place = builder.emit(
      "add",
      [builder.emit("sub", places, {}), builder.emit("size", [], { value: before })],
      {},
    );
    const indices = builder.typeOf(table).shape.map((extent, at, own) => {
      if (isAlone || own.length - at === afterAxis) return place;
      if (constantOf(extent) === 1) return scalar(builder, 0, "i32");
      return builder.emit("iota", [], { axis: at, shape: own.map((each, axis) => (axis === at ? each : size(1))) });
    });
    return builder.emit("element", [table, ...indices], {});
  }

  /** The indices themselves, without what is added to them. */
  #positions(operand: ValueId): ValueId {
    const node = this.graph.nodes[operand]!;
    const iota =
      node.operator === "iota" ? operand : node.operands.find((each) => this.graph.nodes[each]!.operator === "iota")!;
    return this.emitted[iota]!;
  }

  /** The value for each distance. @param known what is computed already */
  #compute(id: ValueId, known: Map<ValueId, ValueId>): ValueId {
    const found = known.get(id);
    if (found !== undefined) return found;
    const { builder } = this;
    const node = this.graph.nodes[id]!;
    const result =
      this.made[id] === null
        ? this.emitted[id]!
        : builder.emit(
            node.operator,
            node.operands.map((each) => this.#compute(each, known)),
            node.attributes as never,
          );
    known.set(id, result);
    return result;
  }
}
