/** What is worth being computed once, when the model is loaded, and kept for all runs. */
import { elementBytes, type Graph, loadTimeValues, type ValueId } from "../../ir/graph/index.js";
import { constantOf } from "../../sizes/index.js";
import { classOf, costOf } from "./classes.js";
import type { Read } from "./loops.js";
import { isView } from "./reads.js";

/** What is made of weights alone may take so much memory, and more only where its weights do. */
const mostBytes = 1 << 16;
/** A table of positions may take so much. */
const mostTableBytes = 1 << 22;

/** What a form is made of may take so much of its memory: as much, and some scales. */
const mostBeneath = 1.3;
/** What takes no more than this of its memory is what should be held. */
const mostOfExpanded = 0.7;
/** What is made of weights that take less than this of its memory is no form of them, but a table: of positions, say. */
const leastOfWeights = 1 / 16;

export class PreparedValues {
  readonly #isLoadTime: readonly boolean[];

  constructor(readonly graph: Graph) {
    this.#isLoadTime = loadTimeValues(graph);
  }

  /**
   * Whether a value is computed once for all runs that read it: it is more than weights in another order or type, and
   * takes no more memory than they do, or little.
   */
  has(value: ValueId, reads: readonly Read[]): boolean {
    if (!this.#isLoadTime[value] || reads.every(({ group }) => this.#isLoadTime[group.root])) return false;
    const node = this.graph.nodes[value]!;
    const kind = classOf(node.operator);
    if ((kind === "map" && costOf(this.graph, value) === 0) || (kind === "gather" && isView(this.graph, value)))
      return false;
    const bytes = this.#bytes(value);
    const ofWeights = this.#weightBytesOf(value);
    return bytes <= (ofWeights === 0 ? mostTableBytes : Math.max(mostBytes, ofWeights));
  }

  /**
   * Whether a value is only another form of what takes much less memory, as numbers are that lie several in a word: it
   * is never stored.
   */
  isExpanded(value: ValueId): boolean {
    if (!this.#isLoadTime[value] || this.#weightBytesOf(value) < leastOfWeights * this.#bytes(value)) return false;
    const found = new Set<ValueId>([value]);
    let bytes = 0;
    for (const each of found) {
      const { operator, operands } = this.graph.nodes[each]!;
      const kind = classOf(operator);
      const beneath = operands.reduce((sum, operand) => sum + this.#bytes(operand), 0);
      // A form of something takes as much as that, or more; what is made smaller than what it is made of is new.
      const isForm = (kind === "map" || kind === "move") && beneath <= mostBeneath * this.#bytes(each);
      if (isForm) for (const operand of operands) found.add(operand);
      else if (kind !== "index") bytes += this.#bytes(each);
    }
    return bytes <= mostOfExpanded * this.#bytes(value);
  }

  /** The bytes of the weights that a value is made of. */
  #weightBytesOf(value: ValueId): number {
    const found = new Set<ValueId>([value]);
    let bytes = 0;
    for (const each of found) {
      const { operator, operands } = this.graph.nodes[each]!;
      for (const operand of operands) found.add(operand);
      if (operator === "weight") bytes += this.#bytes(each);
    }
    return bytes;
  }

  #bytes(value: ValueId): number {
    const { element, shape } = this.graph.types[value]!;
    const count = shape.reduce((product, extent) => product * (constantOf(extent) ?? Number.POSITIVE_INFINITY), 1);
    return count * elementBytes[element];
  }
}
