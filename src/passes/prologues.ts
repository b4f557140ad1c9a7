/**
 * Products of few rows compute what their rows are made of themselves: a norm, or a norm and the residual before it, has no
 * kernel of its own. A workgroup that computes columns of a product reads its whole row anyway.
 *
 * Needs: fusion, whose decisions it changes from `stored` to `inline`; sizes that say that rows are few. Guarantees: a kernel
 * computes a product behind sums along its rows, as schedules expect it, and has no more buffers than the target binds; what
 * is computed several times costs little beside the products that read it.
 */
import {
  attentionsOf,
  type Graph,
  loadTimeValues,
  type OperatorName,
  type Placement,
  type ValueId,
} from "../ir/graph/index.js";
import { constantOf, mul, rangeOf, type Size, size } from "../sizes/index.js";
import { classOf, costOf } from "./fusion/classes.js";
import type { FewRows, Pass, PassContext } from "./pass.js";

/** Kernels that may compute a value each for itself. */
const mostReaders = 3;
/** Sums along rows in a kernel: a mean and a variance, or two sums of squares. */
const mostSums = 2;
/** What an element may cost, in additions, besides those sums. */
const mostCost = 24;
/**
 * Where each lane computes a row for a few columns, a sum of squares and as many columns are worth the kernel that is saved;
 * a variance, or two products, are not.
 */
const mostApart = { sums: 1, products: 1, columns: 3 };

export const prologues: Pass = {
  name: "prologues",
  about: "norms of few rows, computed by the products that read them",
  run: (graph, context) => (context.fewRows === null ? graph : new Prologues(graph, context, context.fewRows).run()),
};

/** What is computed in a kernel, its stored value included, and the values that it reads. */
interface Group {
  readonly members: readonly ValueId[];
  readonly reads: ReadonlySet<ValueId>;
}

class Prologues {
  readonly #placements: (Placement | null)[];
  readonly #isLoadTime: readonly boolean[];
  readonly #outputs: ReadonlySet<ValueId>;
  readonly #users: ValueId[][];

  constructor(
    readonly graph: Graph,
    readonly context: PassContext,
    readonly fewRows: FewRows,
  ) {
    this.#placements = [...graph.placements];
    this.#isLoadTime = loadTimeValues(graph);
    this.#outputs = new Set(graph.outputs.map(({ value }) => value));
    this.#users = graph.nodes.map(() => []);
    for (const [id, { operands }] of graph.nodes.entries()) {
      for (const operand of new Set(operands)) this.#users[operand]!.push(id as ValueId);
    }
  }

  run(): Graph {
    const { nodes, locations } = this.graph;
    // Whoever reads a value has been decided before it.
    for (let id = nodes.length - 1; id >= 0; id--) {
      const value = id as ValueId;
      if (this.#placements[value] !== "stored" || !this.#isRow(value)) continue;
      const readers = this.#readersOf(value);
      if (readers === null || readers.length === 0) continue;
      this.#placements[value] = "inline";
      const reason = readers.map((reader) => this.#obstacle(reader)).find((each) => each !== null) ?? null;
      if (reason !== null) this.#placements[value] = "stored";
      const kind = reason === null ? "fired" : "missed";
      const { operator } = nodes[value]!;
      const message = reason === null ? `${operator} is computed by what reads it` : `${operator} is stored: ${reason}`;
      this.context.remark({ rule: "rows made where they are read", kind, location: locations[value] ?? null, message });
    }
    return { ...this.graph, placements: this.#placements };
  }

  #class(value: ValueId): ReturnType<typeof classOf> {
    return classOf(this.graph.nodes[value]!.operator);
  }

  /** Whether a value is of few rows, computed from what lies in memory by sums along rows and element by element. */
  #isRow(value: ValueId): boolean {
    if (this.#outputs.has(value) || this.#isLoadTime[value] || !this.#hasFewRows(this.graph.types[value]!.shape))
      return false;
    const { members } = this.#groupOf(value);
    const maps = members.filter((each) => this.#class(each) === "map" && !this.#isLoadTime[each]);
    const cost = maps.reduce((sum, each) => sum + costOf(this.graph, each), 0);
    const isPlain = members.every((each) => ["map", "move", "reduction", "index"].includes(this.#class(each)));
    return isPlain && cost <= mostCost;
  }

  /** Whether all axes but the last are of few elements. */
  #hasFewRows(shape: readonly Size[]): boolean {
    const rows = shape.slice(0, -1).reduce((product, extent) => mul(product, extent), size(1));
    return rangeOf(rows).max <= this.fewRows.most && shape.length > 0 && constantOf(shape.at(-1)!) !== null;
  }

  /** The stored values of the kernels that read a value; null where others read it too. */
  #readersOf(value: ValueId): readonly ValueId[] | null {
    const found = new Set<ValueId>();
    const passed = new Set<ValueId>([value]);
    for (const each of passed) {
      if (each !== value && this.#outputs.has(each) && this.#placements[each] !== "stored") return null;
      for (const user of this.#users[each]!) {
        if (this.#placements[user] === "stored") found.add(user);
        else passed.add(user);
      }
    }
    return found.size > mostReaders ? null : [...found];
  }

  #groupOf(root: ValueId): Group {
    const members = new Set<ValueId>([root]);
    const reads = new Set<ValueId>();
    for (const each of members) {
      for (const operand of this.graph.nodes[each]!.operands) {
        const isRead = this.#placements[operand] === "stored" || this.#class(operand) === "given";
        (isRead ? reads : members).add(operand);
      }
    }
    return { members: [...members], reads };
  }

  /** Why a kernel should not compute all of its members; null where it may. */
  #obstacle(root: ValueId): string | null {
    const { graph, context } = this;
    const { members, reads } = this.#groupOf(root);
    const all = (kind: ReturnType<typeof classOf>): readonly ValueId[] =>
      members.filter((each) => this.#class(each) === kind);
    if (members.some((each) => attentionsOf(graph).has(each))) return "attention reads it";
    const isOfWeights = all("gather").every((each) => this.#isKnown(each));
    if (!isOfWeights || ["concat", "scan", "softmax"].some((kind) => all(kind as "concat").length > 0)) {
      return "what reads it is no product";
    }
    const sums = all("reduction").length;
    if (sums > mostSums) return "the kernel that reads it has sums enough";
    const products = all("contraction");
    const isMuch = sums > mostApart.sums || products.length > mostApart.products;
    if (
      this.fewRows.areApart &&
      (isMuch || products.some((each) => this.#columnsPerNumber(each) > mostApart.columns))
    ) {
      return "each lane would compute it anew";
    }
    if (products.length === 0 && !this.#hasFewRows(graph.types[root]!.shape)) return "what reads it has other rows";
    if (!products.every((each) => this.#isOfFewRows(each))) return "the product that reads it has many rows";
    if (reads.size + 1 > context.mostBuffers) return "the kernel that reads it would have too many buffers";
    return null;
  }

  /** The columns of a product for each number that it sums up; none of what is not known. */
  #columnsPerNumber(value: ValueId): number {
    const { types, nodes } = this.graph;
    const numbers = (each: ValueId): number => constantOf(types[each]!.shape.at(-1) ?? size(1)) ?? 0;
    const weight = nodes[value]!.operands.find((each) => this.#isLoadTime[each]);
    if (weight === undefined) return Number.POSITIVE_INFINITY;
    const elements = types[weight]!.shape.reduce((product, extent) => product * (constantOf(extent) ?? 0), 1);
    const row = nodes[value]!.operands.find((each) => each !== weight)!;
    return elements / numbers(row) ** 2;
  }

  /** Whether a value is known at load, or chosen from what is, as matrices of experts are. */
  #isKnown(value: ValueId): boolean {
    const { operator, operands } = this.graph.nodes[value]!;
    return this.#isLoadTime[value]! || (operator === "take" && this.#isLoadTime[operands[0]!]!);
  }

  /** Whether a product is of few rows and of something that is known at load; rows may choose from it, each for itself. */
  #isOfFewRows(value: ValueId): boolean {
    const { nodes, types } = this.graph;
    const node = nodes[value]!;
    if (node.operator !== ("einsum" satisfies OperatorName) || node.operands.length !== 2) return false;
    const { inputs, output } = node.attributes;
    const known = node.operands.findIndex((each) => this.#isKnown(each));
    if (known < 0 || node.operands.every((each) => this.#isKnown(each))) return false;
    const weight = nodes[node.operands[known]!]!;
    const isChosen = !this.#isLoadTime[node.operands[known]!] && weight.operator === "take";
    const [first, count] = isChosen ? [weight.attributes.axis, types[weight.operands[1]!]!.shape.length] : [0, 0];
    const own = inputs[known]!.filter((_, axis) => axis < first || axis >= first + count);
    const rows = inputs[1 - known]!.filter((label) => output.includes(label));
    const { shape } = types[value]!;
    const extents = rows.map((label) => shape[output.indexOf(label)]!);
    const isFew = rangeOf(extents.reduce((product, extent) => mul(product, extent), size(1))).max <= this.fewRows.most;
    return isFew && !rows.some((label) => own.includes(label));
  }
}
