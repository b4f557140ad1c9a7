/**
 * Fusion: decides which values have a buffer. What has none is computed by the kernels that read it: element-wise
 * operators before and after a contraction, the stages of a normalisation, scale and mask of a softmax.
 *
 * Needs: the other passes, since what it decides is lost when a graph is emitted anew. Guarantees: a contraction, a
 * reduction or a softmax is computed once, and element-wise work is repeated only where that is cheaper than a buffer;
 * a kernel has one contraction or stages along rows, not both; outputs are stored. Every decision stands in the Graph, as
 * `inline` or `stored`, and means nothing for what is computed.
 *
 * One walk from the outputs back to the inputs: whoever reads a value has been decided before it.
 */
import {
  attentionOf,
  attentionsOf,
  contractionOrder,
  type Graph,
  type Placement,
  type ValueId,
} from "../../ir/graph/index.js";
import { elementCount } from "../../ir/graph/infer-shapes.js";
import { compare, constantOf, rangeOf } from "../../sizes/index.js";
import type { Pass, PassContext } from "../pass.js";
import { verdictOnAttention } from "./attention.js";
import { withinBuffers } from "./buffers.js";
import { classOf, costOf, type FusionClass } from "./classes.js";
import { contractionOf, isWidened } from "./ends.js";
import {
  type AxisLoops,
  axesKey,
  distinct,
  firstRead,
  type Group,
  groupsOf,
  innermost,
  isStaged,
  Loop,
  mostOf,
  type Read,
  times,
  type Verdict,
} from "./loops.js";
import { PreparedValues } from "./prepared.js";
import { choosesFromSome, eachRead, isView, type Sizes, stackedAxis } from "./reads.js";
import { costsOfIndices, costsOfTables } from "./tables.js";
import { isTwin } from "./twins.js";
import { typicalSizes } from "./typical.js";

/** What is computed more than once may cost this much more per element, in additions. */
const mostExtra = 6;
/** What is read through indices alone is stored if computing it costs more than this, and it is read more than once. */
const mostIndexCost = 8;
/** What is part of the scores of attentions may cost this much per element, however many of them compute it. */
const mostScoreCost = 64;
const mostMembers = 64;

export const fusion: Pass = {
  name: "fusion",
  about: "which values have a buffer, and which are computed by the kernels that read them",
  run: (graph, context) => new Fusion(graph, context).run(),
};

class Fusion {
  readonly #reads: Map<string, Read>[];
  readonly #outputs: ReadonlySet<ValueId>;
  readonly #indexCosts: readonly (number | null)[];
  readonly #tableCosts: readonly (number | null)[];
  readonly #sizes: Sizes;
  readonly #prepared: PreparedValues;
  readonly #readers: Int32Array;
  readonly #placements: (Placement | null)[];
  readonly #members = new Map<ValueId, ValueId[]>();

  constructor(
    readonly graph: Graph,
    readonly context: PassContext,
  ) {
    this.#sizes = typicalSizes(graph.sizes);
    this.#reads = graph.nodes.map(() => new Map());
    this.#outputs = new Set(graph.outputs.map(({ value }) => value));
    this.#readers = new Int32Array(graph.nodes.length);
    for (const { operands } of graph.nodes) for (const operand of operands) this.#readers[operand]!++;
    this.#placements = graph.nodes.map(() => null);
    this.#indexCosts = costsOfIndices(graph, this.#sizes);
    this.#tableCosts = costsOfTables(graph);
    this.#prepared = new PreparedValues(graph);
  }

  run(): Graph {
    const { graph } = this;
    for (let id = graph.nodes.length - 1; id >= 0; id--) this.#place(id as ValueId);
    for (const [root, members] of this.#members) this.#report(root, members);
    return withinBuffers({ ...graph, placements: this.#placements }, this.context, this.#sizes);
  }

  #place(value: ValueId): void {
    const reads = [...this.#reads[value]!.values()];
    const kind = this.#class(value);
    if (kind === "given" || (reads.length === 0 && !this.#outputs.has(value))) return;
    if (kind === "index" || kind === "move") {
      // Outputs of this kind are copied out, and stay in place for everyone else.
      if (this.#outputs.has(value)) reads.push(this.#openGroup(value));
      for (const read of reads) this.#expand(value, read);
      return;
    }
    const verdict = this.#verdict(value, kind, reads);
    this.#placements[value] = verdict === null ? "inline" : "stored";
    if (verdict !== null) {
      this.#members.set(value, []);
      this.#expand(value, this.#openGroup(value));
      if (verdict !== "") {
        const location = this.graph.locations[value] ?? null;
        const { operator } = this.graph.nodes[value]!;
        this.context.remark({ rule: "stored", kind: "missed", location, message: `${operator} is stored: ${verdict}` });
      }
      return;
    }
    const attention = attentionsOf(this.graph).get(value);
    // Never computed: not by the kernel, which sums as it goes, unless someone else reads them.
    for (const covered of attention?.covered ?? []) this.#placements[covered] = "inline";
    for (const { group } of reads) {
      group.members++;
      if (kind === "contraction") group.contractions.push(value);
      if (kind === "reduction" || kind === "softmax" || attention !== undefined) group.hasRows = true;
      const members = this.#members.get(group.root);
      if (members !== undefined && members.at(-1) !== value) members.push(value);
    }
    const repeats = this.#repeats(value, reads);
    const extra = repeats > 1.01 ? this.#cost(value) * (reads.every(isStaged) ? repeats : 1) : 0;
    for (const read of distinct(reads, kind)) this.#expand(value, { ...read, extra: read.extra + extra });
  }

  /** A read of the value as the root of a kernel of its own. */
  #openGroup(value: ValueId): Read {
    const { shape } = this.graph.types[value]!;
    const kernel = new Loop(null, 1);
    let loop = kernel;
    const order = [...shape.keys()];
    const node = this.graph.nodes[value]!;
    // The rows of a softmax are its innermost loop; those of one that a contraction reads are its outermost.
    if (node.operator === "softmax") order.push(...order.splice(node.attributes.axis, 1));
    const attention = attentionOf(this.graph, value);
    if (node.operator === "einsum" && attention !== null) {
      order.splice(0, order.length, ...contractionOrder(node.attributes, (operand) => operand === attention.operand));
    }
    const axes: AxisLoops[] = shape.map(() => []);
    const stacked = stackedAxis(this.graph, value);
    for (const axis of order) {
      if (constantOf(shape[axis]!) === 1 || axis === stacked) continue;
      loop = new Loop(loop, this.#sizes.of(shape[axis]!));
      axes[axis] = [loop];
    }
    const kind = this.#class(value);
    const group: Group = {
      root: value,
      kernel,
      members: 1,
      contractions: kind === "contraction" ? [value] : [],
      hasRows: kind === "reduction" || kind === "softmax" || kind === "scan",
      isMap: kind === "map",
    };
    return { ...firstRead, group, axes, loop, direct: kind === "map" };
  }

  #expand(value: ValueId, read: Read): void {
    const costly = this.#class(value) === "map" && this.#cost(value) >= 8;
    const loop = costly ? innermost(read.group.kernel, read.axes) : read.loop;
    eachRead(this.graph, value, { ...read, loop }, this.#sizes, (operand, next) => {
      const known = this.#reads[operand]!;
      const key = `${next.group.root} ${axesKey(next.axes)} ${next.loop.id}`;
      const before = known.get(key);
      const joined =
        before === undefined
          ? next
          : {
              ...next,
              direct: before.direct && next.direct,
              factor: before.factor || next.factor,
              isTerm: before.isTerm && next.isTerm,
              guarded: before.guarded || next.guarded,
              inSoftmax: before.inSoftmax && next.inSoftmax,
              inScores: before.inScores && next.inScores,
              staged: isStaged(before) && isStaged(next) ? Math.min(before.staged!, next.staged!) : null,
              extra: Math.max(before.extra, next.extra),
            };
      known.set(key, joined);
    });
  }

  #class(value: ValueId): FusionClass {
    return classOf(this.graph.nodes[value]!.operator);
  }

  #cost(value: ValueId): number {
    return costOf(this.graph, value);
  }

  #count(value: ValueId): number {
    return this.graph.types[value]!.shape.reduce((product, extent) => product * this.#sizes.of(extent), 1);
  }

  /** How often an element is computed if the value is in place everywhere. */
  #repeats(value: ValueId, reads: readonly Read[]): number {
    const kind = this.#class(value);
    const total = distinct(reads, kind).reduce((sum, { group, axes, loop }) => {
      const isOnceARow = kind === "reduction" || kind === "contraction" || (kind === "map" && this.#cost(value) >= 8);
      return sum + (isOnceARow ? innermost(group.kernel, axes).total : loop.total);
    }, 0);
    return total / this.#count(value);
  }

  #verdict(value: ValueId, kind: FusionClass, reads: readonly Read[]): Verdict {
    if (this.#outputs.has(value)) return "";
    if (kind === "scan") return "";
    if (this.#isTable(value, reads)) return "a table of positions, read more than once";
    const indexCost = this.#indexCosts[value] ?? null;
    if (indexCost !== null) {
      const most = reads.every(({ inScores }) => inScores) ? mostScoreCost : mostIndexCost;
      const isCheap = indexCost <= most || this.#repeats(value, reads) <= 1.01;
      return isCheap ? null : "a table of positions, read more than once";
    }
    if (this.context.weights !== null && kind === "map" && this.#prepared.isExpanded(value)) return null;
    if (this.#prepared.has(value, reads)) return "it is made of weights alone, and computed at load";
    if (reads.some(({ guarded }) => guarded)) return "it is read where an axis may be empty";
    if (reads.some(({ group }) => group.members >= mostMembers)) return "the kernels that read it are large";
    if (reads.every(({ factor }) => factor) && attentionsOf(this.graph).has(value)) {
      return verdictOnAttention(this.graph, value, reads, this.#sizes);
    }
    switch (kind) {
      case "map":
        return this.#verdictOnMap(value, reads);
      case "gather":
        return this.#verdictOnGather(value, reads);
      case "concat":
        return this.#verdictOnConcat(value, reads);
      case "contraction":
        return this.#verdictOnContraction(value, reads);
      default:
        return this.#verdictOnRows(value, reads);
    }
  }

  /** Whether a value is made of what is known at load and of indices along one axis only, but not for nothing. */
  #isTable(value: ValueId, reads: readonly Read[]): boolean {
    const cost = this.#tableCosts[value] ?? 0;
    const axes = this.graph.types[value]!.shape.filter((extent) => constantOf(extent) === null);
    return cost > mostIndexCost && axes.length === 1 && this.#repeats(value, reads) > 1.01;
  }

  #verdictOnMap(value: ValueId, reads: readonly Read[]): Verdict {
    const cost = this.#cost(value);
    if (isWidened(this.graph, value) || this.#isPartOfTerms(reads, value)) return null;
    if (cost > 0 && reads.some(({ factor }) => factor)) return "a contraction reads each element many times";
    const tensors = this.graph.nodes[value]!.operands.filter(
      (operand) => this.graph.types[operand]!.shape.length > 0 && this.#indexCosts[operand] === null,
    );
    if (reads.every(({ inScores }) => inScores) && groupsOf(reads) > 1 && cost + mostOf(reads) <= mostScoreCost) {
      return null;
    }
    if (groupsOf(reads) > 1) {
      const isOfLeaf = tensors.length <= 1 && tensors.every((operand) => this.#isLeaf(operand));
      return cost <= 2 && isOfLeaf ? null : `${groupsOf(reads)} kernels read it`;
    }
    const repeats = this.#repeats(value, reads);
    if (reads.every(isStaged) && cost > 0 && this.#endsContraction(value)) {
      return "it is computed where the contraction before it is stored";
    }
    if (repeats <= 1.01 || cost === 0) return null;
    if (reads.every(isStaged)) return this.#verdictOnStaged(value, reads);
    const extra = mostOf(reads) + cost;
    if (extra > mostExtra) return `computing it ${times(repeats)} costs more than a buffer`;
    if (tensors.length > 1 && repeats > 4) return `it would be computed ${times(repeats)}`;
    if (!reads.every(({ inSoftmax }) => inSoftmax) && this.#endsContraction(value)) {
      return "it is computed where the contraction before it is stored";
    }
    return null;
  }

  /** What is computed ahead of the scores of an attention may be computed for several heads. */
  #verdictOnStaged(value: ValueId, reads: readonly Read[]): Verdict {
    const repeats = this.#repeats(value, reads);
    const most = Math.min(...reads.map(({ staged }) => staged!));
    const isWorth = mostOf(reads) + this.#cost(value) * repeats <= most;
    return isWorth ? null : `computing it ${times(repeats)}, for each head, costs more than a buffer`;
  }

  /** Whether each element is computed once, for one term of a sum. */
  #isPartOfTerms(reads: readonly Read[], value: ValueId): boolean {
    return reads.every(({ isTerm }) => isTerm) && this.#repeats(value, reads) <= 1.01;
  }

  /** Whether the value is of a contraction that nothing else reads, element by element. */
  #endsContraction(value: ValueId): boolean {
    return contractionOf(this.graph, value, this.#readers, this.#outputs) !== null;
  }

  #verdictOnGather(value: ValueId, reads: readonly Read[]): Verdict {
    const node = this.graph.nodes[value]!;
    if (!choosesFromSome(this.graph, value)) return "it may choose from nothing";
    // Heads that several queries share are read where they are.
    if (isView(this.graph, value) || reads.every(({ inScores }) => inScores)) return null;
    if (groupsOf(reads) > 1) return `${groupsOf(reads)} kernels read it`;
    const repeats = this.#repeats(value, reads);
    // Experts: chosen matrices must never be written out, however often they are read.
    const isLarger = this.#count(value) > this.#count(node.operands[0]!);
    if ((isLarger || repeats <= 1.01) && reads.every(({ factor }) => factor)) return null;
    if (reads.some(({ factor }) => factor)) return "a contraction reads each element many times";
    return repeats <= 1.01 || (repeats <= 4 && reads.every(({ extra }) => extra + 2 <= mostExtra))
      ? null
      : `it would be read ${times(repeats)}`;
  }

  #verdictOnConcat(value: ValueId, reads: readonly Read[]): Verdict {
    const node = this.graph.nodes[value]!;
    if (node.operator !== "concat") return "";
    const { axis } = node.attributes;
    if (node.operands.length > 4) return "it has many parts";
    const isPopulated = node.operands.every((each) => rangeOf(this.graph.types[each]!.shape[axis]!).min >= 1);
    if (!isPopulated) return "a part may be empty";
    if (groupsOf(reads) > 1) return `${groupsOf(reads)} kernels read it`;
    if (reads.some(({ factor }) => factor)) return "a contraction reads each element many times";
    if (this.#repeats(value, reads) <= 1.01) return null;
    return reads.every(isStaged) ? this.#verdictOnStaged(value, reads) : "it would be put together more than once";
  }

  #verdictOnContraction(value: ValueId, reads: readonly Read[]): Verdict {
    const [read] = reads;
    if (reads.length !== 1 || read === undefined) {
      return groupsOf(reads) > 1 ? `${groupsOf(reads)} kernels read it` : "its kernel reads it more than once";
    }
    const { group, direct } = read;
    if (read.factor && this.#isPartial(value, reads)) return null;
    if (read.inScores) {
      return this.#repeats(value, reads) <= 1.01 ? null : "the scores of its kernel read each element several times";
    }
    if (!group.isMap || !direct) return "what reads it does not read it element by element";
    if (
      group.contractions.length > 0 &&
      !isTwin(this.graph, value, group.contractions, this.context.fewRows?.areApart === false)
    )
      return "the kernel that reads it has a contraction already";
    if (group.hasRows) return "the kernel that reads it works along rows";
    const counts = [value, group.root].map((each) => elementCount(this.graph.types[each]!.shape));
    return compare(counts[0]!, counts[1]!) === "equal" ? null : "its elements are read several times";
  }

  /** Whether a product is a sum of integers within sums: computed where it is scaled. */
  #isPartial(value: ValueId, reads: readonly Read[]): boolean {
    return this.graph.types[value]!.element === "i32" && this.#repeats(value, reads) <= 1.01;
  }

  #verdictOnRows(value: ValueId, reads: readonly Read[]): Verdict {
    if (groupsOf(reads) > 1) return `${groupsOf(reads)} kernels read it`;
    const [read] = reads;
    if (read === undefined || read.factor || read.group.contractions.length > 0) return "a contraction reads it";
    const { operator, attributes } = this.graph.nodes[value]!;
    const isSoftmax = operator === "softmax";
    const rows = isSoftmax ? reads.map((each) => ({ ...each, axes: each.axes.with(attributes.axis, []) })) : [...reads];
    if (distinct(rows, "reduction").length > 1) return "its kernel reads it in several ways";
    const computed = innermost(read.group.kernel, rows[0]!.axes).total;
    const extent = isSoftmax ? this.#sizes.of(this.graph.types[value]!.shape[attributes.axis]!) : 1;
    if ((computed * extent) / this.#count(value) > 1.01) return "the rows of its kernel are others";
    return isSoftmax && this.#repeats(value, reads) > 1.01 ? "its kernel reads it more than once" : null;
  }

  /** Whether the value is the caller's, moved or not. */
  #isLeaf(value: ValueId): boolean {
    let at = value;
    while (this.#class(at) === "move") at = this.graph.nodes[at]!.operands[0]!;
    return this.#class(at) === "given" || this.#class(at) === "index";
  }

  #report(root: ValueId, members: readonly ValueId[]): void {
    if (members.length === 0) return;
    const { nodes, locations } = this.graph;
    const names = [...members].reverse().map((member) => nodes[member]!.operator);
    const message = `${[...names, nodes[root]!.operator].join(", ")} in one kernel`;
    this.context.remark({
      rule: this.#ruleOf(root, members),
      kind: "fired",
      location: locations[root] ?? null,
      message,
    });
  }

  /** What kind of kernel it is. */
  #ruleOf(root: ValueId, members: readonly ValueId[]): string {
    const kinds = new Set([root, ...members].map((each) => this.#class(each)));
    if (members.some((each) => attentionsOf(this.graph).get(each)?.contraction === root)) return "attention";
    if (kinds.has("softmax")) return "softmax with what is before or after it";
    if (kinds.has("contraction")) return "contraction with what follows";
    if (kinds.has("reduction")) return "stages along rows";
    return "element by element";
  }
}
