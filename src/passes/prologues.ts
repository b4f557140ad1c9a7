/**
 * Products of few rows compute what their rows are made of themselves: a norm, or a norm and the residual before it, has no
 * kernel of its own. A workgroup that computes columns of a product reads its whole row anyway. Attention of few queries
 * computes them itself, where nothing else reads them, and what they are made of.
 *
 * Needs: fusion, whose decisions it changes from `stored` to `inline`; sizes that say that rows are few. Guarantees: a kernel
 * computes a product behind sums along its rows, as schedules expect it, and has no more buffers than the target binds; what
 * is computed several times costs little beside the products that read it.
 */
import { attentionsOf, equalTypes, type Graph, type Scope, type ValueId } from "../ir/graph/index.js";
import { constantOf, size } from "../sizes/index.js";
import { FewRowKernels } from "./few-rows.js";
import { costOf, type FusionClass } from "./fusion/classes.js";
import type { FewRows, Pass, PassContext } from "./pass.js";
import { goesInto, isQuery, queryProductOf } from "./queries.js";

/** Sums along rows in a kernel: a mean and a variance, or two sums of squares. */
const mostSums = 2;
/** What an element may cost, in additions, besides those sums. */
const mostCost = 24;
/** What a kernel may compute of a row where lanes do not wait for each other: sums, products, and the columns of those. */
interface Limits {
  readonly sums: number;
  readonly products: number;
  readonly columns: number;
}

const none: Limits = {
  sums: Number.POSITIVE_INFINITY,
  products: Number.POSITIVE_INFINITY,
  columns: Number.POSITIVE_INFINITY,
};

/**
 * There a sum of squares and few columns are worth the kernel that is saved. More costs about as much as it saves, so that it
 * is done where a layer has more kernels than it should, what costs least first.
 */
const mostApart: readonly Limits[] = [
  { sums: 1, products: 1, columns: 3 },
  { sums: 1, products: 1, columns: 4 },
  { sums: 2, products: 1, columns: 4 },
  { ...none, sums: 1 },
  none,
];

const tooManyBuffers = "the kernel that reads it would have too many buffers";
const nothing: Limits = { sums: -1, products: -1, columns: 0 };

/** Kernels of a layer, above which it has more than it should. */
const mostKernels = 7;

export const prologues: Pass = {
  name: "prologues",
  about: "norms of few rows, computed by the products that read them",
  run: (graph, context) => (context.fewRows === null ? graph : new Prologues(graph, context, context.fewRows).run()),
};

/** The outermost element of a list of blocks around a scope. */
function layerOf(scope: Scope | null): Scope | null {
  let found: Scope | null = null;
  for (let each = scope; each !== null; each = each.parent) {
    if (/\.\d+$/.test(each.name)) found = each;
  }
  return found;
}

class Prologues {
  readonly #kernels: FewRowKernels;
  /** The layer of a list that each value is of; null where it is of no list. */
  readonly #layers: readonly (Scope | null)[];
  readonly #membersOf = new Map<Scope, ValueId[]>();

  constructor(
    readonly graph: Graph,
    readonly context: PassContext,
    readonly fewRows: FewRows,
  ) {
    this.#kernels = new FewRowKernels(graph, fewRows);
    this.#layers = graph.nodes.map((_, id) => layerOf(graph.scopes[id] ?? null));
    for (const [id, layer] of this.#layers.entries()) {
      if (layer === null) continue;
      const members = this.#membersOf.get(layer) ?? [];
      members.push(id as ValueId);
      this.#membersOf.set(layer, members);
    }
  }

  run(): Graph {
    const rounds = this.fewRows.areApart ? mostApart : [none];
    for (const [at, limits] of rounds.entries()) this.#round(limits, at > 0, at === rounds.length - 1);
    return { ...this.graph, placements: this.#kernels.placements };
  }

  /** @param isNeeded whether only layers are looked at that have more kernels than they should */
  #round(limits: Limits, isNeeded: boolean, isLast: boolean): void {
    const { placements } = this.#kernels;
    // Whoever reads a value has been decided before it.
    for (let id = this.graph.nodes.length - 1; id >= 0; id--) {
      const value = id as ValueId;
      if (placements[value] !== "stored") continue;
      if (isQuery(this.#kernels, value)) this.#decide(value, limits, isLast, "queries made where they are read");
      else if (this.#isRow(value)) {
        const isDone = isNeeded && this.#kernelsAround(value) <= mostKernels;
        this.#decide(value, isDone ? nothing : limits, isLast, "rows made where they are read");
      }
    }
  }

  /** The kernels of the layer of a list that a value is of; none if it is of no list. */
  #kernelsAround(value: ValueId): number {
    const layer = this.#layers[value] ?? null;
    return layer === null ? 0 : this.#membersOf.get(layer)!.filter((each) => this.#isKernel(each)).length;
  }

  /** Whether a value has a kernel of its own: rows that are kept as a product has made them are written beside it. */
  #isKernel(value: ValueId): boolean {
    const kernels = this.#kernels;
    if (kernels.placements[value] !== "stored" || kernels.isLoadTime[value]) return false;
    if (kernels.class(value) !== "concat") return true;
    const { members, reads } = kernels.groupOf(value);
    const made = [...reads].filter((each) => kernels.placements[each] === "stored");
    return made.length > 1 || members.some((each) => ["map", "reduction"].includes(kernels.class(each)));
  }

  #decide(value: ValueId, limits: Limits, isLast: boolean, rule: string): void {
    const { placements } = this.#kernels;
    const readers = this.#kernels.readersOf(value);
    if (readers === null || readers.length === 0) return;
    placements[value] = "inline";
    const reason = this.#obstacleOf(readers, value, limits);
    if (reason !== null) placements[value] = "stored";
    if (reason !== null && !isLast) return;
    const kind = reason === null ? "fired" : "missed";
    const { operator } = this.graph.nodes[value]!;
    const message = reason === null ? `${operator} is computed by what reads it` : `${operator} is stored: ${reason}`;
    this.context.remark({ rule, kind, location: this.graph.locations[value] ?? null, message });
  }

  /** Why one of some kernels should not compute a value, whatever else it leaves to others; null where all may. */
  #obstacleOf(roots: readonly ValueId[], value: ValueId, limits: Limits): string | null {
    const undo: (() => void)[] = [];
    for (const root of roots) {
      let [reason, own] = [this.#obstacle(root, value, limits), root];
      const weighed = reason === tooManyBuffers && !this.fewRows.areApart ? this.#weighedBy(root) : null;
      if (weighed !== null) {
        const { placements } = this.#kernels;
        [placements[root], placements[weighed.product]] = ["inline", "stored"];
        undo.push(() => {
          [placements[root], placements[weighed.product]] = ["stored", "inline"];
        });
        own = weighed.product;
        reason = this.#obstacle(own, value, limits) ?? this.#obstacle(weighed.reader, root, limits);
      }
      if (reason === null) continue;
      for (const each of undo) each();
      return reason;
    }
    return null;
  }

  /**
   * The product that is all but weighed in a kernel, as what experts have computed by their shares, and the one kernel that reads
   * it: a product as well, which can weigh its rows itself. Null where a kernel is none.
   */
  #weighedBy(root: ValueId): { readonly product: ValueId; readonly reader: ValueId } | null {
    const kernels = this.#kernels;
    const { nodes, types } = this.graph;
    const [reader, ...others] = kernels.readersOf(root) ?? [];
    if (nodes[root]!.operator !== "mul" || kernels.isOutput(root) || reader === undefined || others.length > 0)
      return null;
    const isProduct = (each: ValueId): boolean =>
      kernels.placements[each] === "inline" &&
      equalTypes(types[each]!, types[root]!) &&
      kernels.groupOf(each).members.some((member) => kernels.class(member) === "contraction");
    const [product, ...more] = nodes[root]!.operands.filter(isProduct);
    const isOnly = product !== undefined && more.length === 0 && kernels.usersOf(product).length === 1;
    return isOnly ? { product, reader } : null;
  }

  /** Whether a value is of few rows, computed from what lies in memory by sums along rows and element by element. */
  #isRow(value: ValueId): boolean {
    const kernels = this.#kernels;
    const { shape } = this.graph.types[value]!;
    if (kernels.isOutput(value) || kernels.isLoadTime[value] || !kernels.hasFewRows(shape)) return false;
    const { members } = kernels.groupOf(value);
    const maps = members.filter((each) => kernels.class(each) === "map" && !kernels.isLoadTime[each]);
    const cost = maps.reduce((sum, each) => sum + costOf(this.graph, each), 0);
    const isPlain = members.every((each) => ["map", "move", "reduction", "index"].includes(kernels.class(each)));
    return isPlain && cost <= mostCost;
  }

  /** Why a kernel should not compute all of its members, of which a value is a new one; null where it may. */
  #obstacle(root: ValueId, value: ValueId, limits: Limits): string | null {
    const { graph, context } = this;
    const kernels = this.#kernels;
    const { members, reads } = kernels.groupOf(root);
    const all = (kind: FusionClass): readonly ValueId[] => members.filter((each) => kernels.class(each) === kind);
    const isAttention = members.some((each) => attentionsOf(graph).has(each));
    const query = isAttention ? queryProductOf(kernels, members) : null;
    if (isAttention && (query === null || !goesInto(kernels, members, value, query))) return "attention reads it";
    const isOfWeights = all("gather").every((each) => kernels.isKnown(each));
    const isPlain = isOfWeights && ["concat", "scan", "softmax"].every((kind) => all(kind as "concat").length === 0);
    if (!isAttention && !isPlain) return "what reads it is no product";
    const sums = all("reduction").length;
    if (sums > mostSums) return "the kernel that reads it has sums enough";
    const products = query === null ? all("contraction") : [query];
    const isMuch = sums > limits.sums || products.length > limits.products;
    const isWide = limits !== none && products.some((each) => this.#columnsPerNumber(each) > limits.columns);
    if (isMuch || isWide) return "each lane would compute it anew";
    if (products.length === 0 && !kernels.hasFewRows(graph.types[root]!.shape)) return "what reads it has other rows";
    if (!products.every((each) => kernels.isOfFewRows(each))) return "the product that reads it has many rows";
    if (kernels.buffersOf(reads) + 1 > context.mostBuffers) return tooManyBuffers;
    return null;
  }

  /** The columns of a product for each number that it sums up; none of what is not known. */
  #columnsPerNumber(value: ValueId): number {
    const { types, nodes } = this.graph;
    const { isLoadTime } = this.#kernels;
    const numbers = (each: ValueId): number => constantOf(types[each]!.shape.at(-1) ?? size(1)) ?? 0;
    const weight = nodes[value]!.operands.find((each) => isLoadTime[each]);
    if (weight === undefined) return Number.POSITIVE_INFINITY;
    const elements = types[weight]!.shape.reduce((product, extent) => product * (constantOf(extent) ?? 0), 1);
    const row = nodes[value]!.operands.find((each) => each !== weight)!;
    return elements / numbers(row) ** 2;
  }
}
