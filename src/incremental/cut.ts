/**
 * Where a value of earlier positions is kept: nearest its use, or further up behind movement of data that makes it larger.
 *
 * Keys are kept after rotary positions, grouped queries keep heads that are not repeated, a key and its transpose are one.
 * It never slides through a contraction, which would have to be redone for all of the past in every step.
 */
import { elementBytes, type Graph, type Node, type ValueId } from "../ir/graph/index.js";
import { evaluate } from "../sizes/index.js";
import type { Analysis } from "./analysis.js";
import { indexingOf, keptAxes } from "./indexing.js";

/** A run-time size other than T counts as this many. */
const usualSize = 1000;

/** Whether a value is computed from inputs, so that earlier rows of it cannot be had again without being kept. */
export function mustBeKept({ facts }: Analysis, value: ValueId): boolean {
  const { level, time, heavy } = facts[value]!;
  return level === 2 || (time.size > 0 && heavy) || (level === 1 && time.size === 0);
}

export class Costs {
  readonly #known = new Map<ValueId, { readonly bytes: number; readonly here: boolean }>();

  constructor(readonly analysis: Analysis) {}

  /** Whether the value is best kept itself, and not what it is moved from. */
  isKeptHere(value: ValueId): boolean {
    return this.#cost(value).here;
  }

  /** The bytes of a position, or, without positions, of all. */
  bytesOf(value: ValueId): number {
    const { graph, facts } = this.analysis;
    const { element, shape } = graph.types[value]!;
    const { time } = facts[value]!;
    const counts = shape.map((each, axis) => (time.has(axis) ? 1 : evaluate(each, () => usualSize)));
    return counts.reduce((product, each) => product * each, elementBytes[element]);
  }

  #cost(value: ValueId): { readonly bytes: number; readonly here: boolean } {
    const known = this.#known.get(value);
    if (known) return known;
    let cost = { bytes: this.bytesOf(value), here: true };
    const { graph } = this.analysis;
    const node = graph.nodes[value]!;
    if (isMovement(this.analysis, value)) {
      const sources = new Set(node.operands.filter((each) => mustBeKept(this.analysis, each)));
      const below = [...sources].reduce((sum, each) => sum + this.#cost(each).bytes, 0);
      // What is joined is one value, where its parts would be several; another order, or heads that nobody shares, is no gain.
      const ties = node.operator !== "concat";
      if (below < cost.bytes || (below === cost.bytes && ties)) cost = { bytes: below, here: false };
    }
    this.#known.set(value, cost);
    return cost;
  }
}

/** The same elements in another order: as large as its operand. */
export function isRearrangement({ operator }: Node): boolean {
  return operator === "transpose" || operator === "reshape";
}

/** Whether the value's rows are elements of its operands' rows, at most repeated or widened. */
function isMovement({ graph, facts }: Analysis, value: ValueId): boolean {
  const node = graph.nodes[value]!;
  const { time } = facts[value]!;
  switch (node.operator) {
    case "broadcast":
    case "transpose":
    case "reshape":
      return true;
    case "concat":
      return !time.has(node.attributes.axis);
    case "cast":
      return elementBytes[graph.types[node.operands[0]!]!.element] < elementBytes[node.attributes.to];
    case "element":
    case "take":
      return isRepetition({ graph, facts }, value, node);
    default:
      return false;
  }
}

/** Indexing with numbers made of positions, where each row is its own. */
function isRepetition(
  { graph, facts }: { readonly graph: Graph; readonly facts: Analysis["facts"] },
  value: ValueId,
  node: Extract<Node, { operator: "element" | "take" }>,
): boolean {
  const operands = node.operands.map((each) => facts[each]!);
  const types = node.operands.map((each) => graph.types[each]!);
  const kept = keptAxes(indexingOf(node, operands, types, graph.types[value]!));
  const [from, ...indices] = operands;
  return indices.every(({ level }) => level === 0) && [...from!.time.keys()].every((axis) => kept.has(axis));
}
