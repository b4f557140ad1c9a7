/**
 * Tables of positions are computed once, at load, for all positions that there can be: the cosines and sines of rotary
 * embeddings, buckets of distances. A run reads the rows that it has.
 *
 * Needs: run-time sizes with a largest value. Guarantees: only what is made of indices alone, costs more than a few
 * additions, and is not too large as a whole; every element is what it was, since it depends on its place alone.
 */
import {
  emitNode,
  type Graph,
  type GraphBuilder,
  loadTimeValues,
  type Node,
  rebuild,
  type ValueId,
} from "../ir/graph/index.js";
import { add, constantOf, rangeOf, type Size, size } from "../sizes/index.js";
import { classOf, costOf } from "./fusion/classes.js";
import type { Pass } from "./pass.js";

/** A table of more elements is computed by each run. */
const mostElements = 1 << 20;
/** What costs less, in additions, is computed where it is read. */
const leastCost = 8;

export const tables: Pass = {
  name: "tables",
  about: "tables of positions, computed at load for all positions",
  run: (graph, { remark }) => {
    const plans = new Tables(graph).found();
    if (plans.size === 0) return graph;
    return rebuild(graph, (builder, node, operands, id) => {
      const plan = plans.get(id);
      if (plan === undefined) return emitNode(builder, node, operands);
      const location = graph.locations[id] ?? null;
      const rows = plan.axes.map(({ positions }) => positions).join(" by ");
      remark({ rule: "table of positions", kind: "fired", location, message: `${rows} positions, at load` });
      return plan.emit(builder);
    });
  },
};

/** An axis of a table: how many positions there are, and which of them a run has. */
interface Axis {
  /** Counted from the last axis, as broadcasting aligns them. */
  readonly place: number;
  readonly positions: number;
  readonly start: Size;
  readonly length: Size;
}

interface Plan {
  readonly axes: readonly Axis[];
  readonly emit: (builder: GraphBuilder) => ValueId;
}

class Tables {
  readonly #isLoadTime: readonly boolean[];
  /** Whether a value is made of indices, sizes and constants alone, element by element. */
  readonly #isMade: boolean[] = [];
  /** What an element costs, as far as it depends on what only a run knows. */
  readonly #costs: number[] = [];

  constructor(readonly graph: Graph) {
    this.#isLoadTime = loadTimeValues(graph);
    for (const [id, node] of graph.nodes.entries()) {
      const kind = classOf(node.operator);
      const isKind = kind === "index" || kind === "map" || kind === "gather" || node.operator === "broadcast";
      const isOfIndices = node.operands.every((operand) => this.#isMade[operand]!);
      this.#isMade.push(isOfIndices && (isKind || this.#isLoadTime[id]!) && node.operator !== "weight");
      const own = this.#isLoadTime[id] ? 0 : costOf(graph, id as ValueId);
      this.#costs.push(node.operands.reduce((most, operand) => Math.max(most, this.#costs[operand]!), own));
    }
  }

  /** The values that become tables: those that something else than indices is computed with. */
  found(): ReadonlyMap<ValueId, Plan> {
    const { nodes, outputs } = this.graph;
    const read = new Set<ValueId>(outputs.map(({ value }) => value));
    for (const [id, { operands }] of nodes.entries()) {
      if (!this.#isMade[id]) for (const operand of operands) read.add(operand);
    }
    const plans = new Map<ValueId, Plan>();
    for (const value of read) {
      if (!this.#isMade[value] || this.#isLoadTime[value] || this.#costs[value]! < leastCost) continue;
      const plan = this.#planOf(value);
      if (plan !== null) plans.set(value, plan);
    }
    return plans;
  }

  #planOf(value: ValueId): Plan | null {
    const starts = new Map<number, Size>();
    if (!this.#collect(value, starts)) return null;
    const { shape } = this.graph.types[value]!;
    const axes: Axis[] = [];
    let elements = 1;
    for (const [axis, length] of shape.entries()) {
      const place = shape.length - axis;
      const start = starts.get(place) ?? size(0);
      const isFixed = constantOf(length) !== null && !starts.has(place);
      const positions = isFixed ? constantOf(length)! : rangeOf(add(start, length)).max;
      elements *= positions;
      if (!isFixed) axes.push({ place, positions, start, length });
    }
    if (!(elements <= mostElements) || axes.length === 0) return null;
    return { axes, emit: (builder) => this.#emit(builder, value, axes) };
  }

  /** Finds where the positions of each axis begin. False where an element depends on more than its place. */
  #collect(value: ValueId, starts: Map<number, Size>): boolean {
    if (this.#isLoadTime[value]) return true;
    const node = this.graph.nodes[value]!;
    const shifted = this.#shifted(node);
    const iota = shifted?.iota ?? (node.operator === "iota" ? value : null);
    if (iota !== null) return this.#begin(iota, shifted?.start ?? size(0), starts);
    if (node.operator === "take" || node.operator === "element") {
      if (!this.#isLoadTime[node.operands[0]!]) return false;
      // The axes of a `take` among others do not lie as those of its indices.
      if (node.operator === "take" && this.graph.types[node.operands[0]!]!.shape.length !== 1) return false;
      return node.operands.slice(1).every((operand) => this.#collect(operand, starts));
    }
    const isElementwise = classOf(node.operator) === "map" || node.operator === "broadcast";
    return isElementwise && node.operands.every((operand) => this.#collect(operand, starts));
  }

  #begin(iota: ValueId, start: Size, starts: Map<number, Size>): boolean {
    const node = this.graph.nodes[iota]!;
    if (node.operator !== "iota") return false;
    const { axis, shape } = node.attributes;
    if (shape.some((extent, each) => each !== axis && constantOf(extent) === null)) return false;
    if (constantOf(shape[axis]!) !== null && start === size(0)) return true;
    const place = shape.length - axis;
    const known = starts.get(place) ?? start;
    starts.set(place, known);
    return known === start && rangeOf(start).min >= 0;
  }

  /** An index that begins at a size: `iota + size`. */
  #shifted({ operator, operands }: Node): { readonly iota: ValueId; readonly start: Size } | null {
    if (operator !== "add") return null;
    const { nodes } = this.graph;
    for (const [a, b] of [operands, [...operands].reverse()]) {
      const offset = nodes[b!]!;
      if (nodes[a!]!.operator === "iota" && offset.operator === "size") {
        return { iota: a!, start: offset.attributes.value };
      }
    }
    return null;
  }

  #emit(builder: GraphBuilder, value: ValueId, axes: readonly Axis[]): ValueId {
    const { graph } = this;
    const positions = new Map(axes.map((axis) => [axis.place, size(axis.positions)]));
    const made = new Map<ValueId, ValueId>();
    // A size of 1 repeats along the positions, but where the one row of an index is counted from a start.
    const whole = (shape: readonly Size[], counted: (axis: number) => boolean): readonly Size[] =>
      shape.map((extent, axis) => {
        const all = positions.get(shape.length - axis);
        return all === undefined || (constantOf(extent) === 1 && !counted(axis)) ? extent : all;
      });
    const emit = (id: ValueId): ValueId => {
      const known = made.get(id);
      if (known !== undefined) return known;
      const node = graph.nodes[id]!;
      const shifted = this.#isLoadTime[id] ? null : this.#shifted(node);
      const from = shifted === null ? node : graph.nodes[shifted.iota]!;
      const isWhole = !this.#isLoadTime[id];
      const result = isWhole ? emitWhole(from, shifted !== null) : emitNode(builder, from, from.operands.map(emit));
      made.set(id, result);
      return result;
    };
    const emitWhole = (node: Node, isShifted: boolean): ValueId => {
      const operands = node.operator === "iota" ? [] : node.operands.map(emit);
      if (node.operator === "iota") {
        const { axis, shape } = node.attributes;
        return builder.emit("iota", [], { axis, shape: whole(shape, (each) => isShifted && each === axis) });
      }
      if (node.operator !== "broadcast") return emitNode(builder, node, operands);
      const from = builder.typeOf(operands[0]!).shape;
      const { shape } = node.attributes;
      const isCounted = (axis: number): boolean => constantOf(from[axis - shape.length + from.length] ?? size(1)) !== 1;
      return builder.emit("broadcast", operands, { shape: whole(shape, isCounted) });
    };
    const table = emit(value);
    const rank = graph.types[value]!.shape.length;
    return axes.reduce(
      (from, { place, start, length }) => builder.emit("slice", [from], { axis: rank - place, start, length }),
      table,
    );
  }
}
