/**
 * Kernels that would read and write more buffers than a device binds: something within them gets a buffer of its own, and
 * with it a kernel, that reads some of them alone. What is smallest is stored, of that which brings a kernel within the
 * limit, or else nearest to it.
 */
import { attentionsOf, type Graph, loadTimeValues, type Placement, type ValueId } from "../../ir/graph/index.js";
import type { PassContext } from "../pass.js";
import { classOf } from "./classes.js";
import type { Sizes } from "./reads.js";

/** @returns the graph, whose kernels have at most `mostBuffers` buffers each where that can be */
export function withinBuffers(graph: Graph, { mostBuffers, remark }: PassContext, sizes: Sizes): Graph {
  if (mostBuffers === Number.POSITIVE_INFINITY) return graph;
  const splitting = new Splitting(graph, sizes);
  // A value that is stored is the root of a kernel further up, and comes after those that read it.
  for (let id = graph.nodes.length - 1; id >= 0; id--) {
    const root = id as ValueId;
    for (;;) {
      const count = splitting.buffersOf(root);
      const value = count > mostBuffers ? splitting.bestWithin(root, mostBuffers) : null;
      if (value === null) break;
      splitting.store(value);
      const message = `${graph.nodes[value]!.operator} is stored: a kernel that reads it would have ${count} buffers, and ${mostBuffers} are bound`;
      remark({ rule: "stored", kind: "missed", location: graph.locations[value] ?? null, message });
    }
  }
  return { ...graph, placements: splitting.placements };
}

class Splitting {
  readonly placements: (Placement | null)[];
  readonly #outputs: ReadonlySet<ValueId>;
  /** What an attention computes without a buffer, whatever fusion says. */
  readonly #covered = new Set<ValueId>();
  readonly #isLoadTime: readonly boolean[];

  constructor(
    readonly graph: Graph,
    readonly sizes: Sizes,
  ) {
    this.placements = [...graph.placements];
    this.#outputs = new Set(graph.outputs.map(({ value }) => value));
    this.#isLoadTime = loadTimeValues(graph);
    for (const [softmax, { covered }] of attentionsOf(graph)) {
      this.#covered.add(softmax);
      for (const each of covered) this.#covered.add(each);
    }
  }

  store(value: ValueId): void {
    this.placements[value] = "stored";
  }

  /** The buffers of the kernel of a value; 0 if it has none. */
  buffersOf(root: ValueId): number {
    const isRoot = this.placements[root] === "stored" || this.#outputs.has(root);
    return isRoot && !this.#isGiven(root) ? this.#leaves(root).size + 1 : 0;
  }

  /** What to store within a kernel, so that it has no more than `most` buffers, or fewer than now; null where nothing helps. */
  bestWithin(root: ValueId, most: number): ValueId | null {
    let best: { readonly value: ValueId; readonly buffers: number; readonly elements: number } | null = null;
    for (const value of this.#inside(root)) {
      if (!this.#canBeStored(value)) continue;
      const buffers = Math.max(this.#leaves(root, value).size + 1, most);
      const elements = this.#elements(value);
      const isBetter =
        best === null || buffers < best.buffers || (buffers === best.buffers && elements < best.elements);
      if (isBetter) best = { value, buffers, elements };
    }
    return best !== null && best.buffers < this.#leaves(root).size + 1 ? best.value : null;
  }

  #canBeStored(value: ValueId): boolean {
    const kind = classOf(this.graph.nodes[value]!.operator);
    const isComputed = kind !== "given" && kind !== "index" && kind !== "move";
    return isComputed && !this.#covered.has(value) && !this.#isLoadTime[value];
  }

  #isGiven(value: ValueId): boolean {
    return classOf(this.graph.nodes[value]!.operator) === "given";
  }

  #elements(value: ValueId): number {
    return this.graph.types[value]!.shape.reduce((product, extent) => product * this.sizes.of(extent), 1);
  }

  /** What the kernel of a value computes without a buffer. @param stored a value that is taken to have one */
  #inside(root: ValueId, stored: ValueId | null = null): Set<ValueId> {
    const found = new Set<ValueId>([root]);
    for (const each of found)
      for (const operand of this.graph.nodes[each]!.operands)
        if (operand !== stored && !this.#isLeaf(operand)) found.add(operand);
    found.delete(root);
    return found;
  }

  /** What the kernel of a value reads. */
  #leaves(root: ValueId, stored: ValueId | null = null): Set<ValueId> {
    const found = new Set<ValueId>();
    for (const each of [root, ...this.#inside(root, stored)])
      for (const operand of this.graph.nodes[each]!.operands)
        if (operand === stored || this.#isLeaf(operand)) found.add(operand);
    return found;
  }

  #isLeaf(value: ValueId): boolean {
    return this.placements[value] === "stored" || this.#isGiven(value);
  }
}
