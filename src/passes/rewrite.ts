/**
 * Rewriting by rules: named, directional, each with a topic of its own.
 *
 * One walk emits every node anew, operands first, and asks the rules of its operator in order until none applies; walks
 * are repeated until one changes nothing. What must stay true: the right-hand side of a rule is never worse than the
 * left, and gives the same numbers up to rounding, NaN and infinities included, in the type of the left.
 */
import {
  emitNode,
  type Graph,
  type GraphBuilder,
  type Node,
  type OperatorName,
  rebuild,
  type TensorType,
  type ValueId,
} from "../ir/graph/index.js";
import type { PassContext } from "./pass.js";

/** A node that has just been emitted, as rules see it. */
export class Match {
  constructor(
    readonly builder: GraphBuilder,
    readonly value: ValueId,
    /** How often the graph before the walk used each operand of the node; 1 for a node that a rule made. */
    readonly uses: readonly number[],
  ) {}

  get node(): Node {
    return this.builder.nodeOf(this.value);
  }

  get type(): TensorType {
    return this.builder.typeOf(this.value);
  }

  operand(position: number): ValueId {
    return this.node.operands[position]!;
  }

  operandNode(position: number): Node {
    return this.builder.nodeOf(this.operand(position));
  }

  operandType(position: number): TensorType {
    return this.builder.typeOf(this.operand(position));
  }
}

export interface Rule {
  readonly name: string;
  readonly operators: readonly OperatorName[];
  /** The value that stands for the node instead, or null where the rule does not apply. */
  readonly apply: (match: Match) => ValueId | null;
}

/** Steps at one node in one walk, and walks over the graph: far more than rules that go one way need. */
const mostSteps = 16;
const mostWalks = 8;

export function rewrite(graph: Graph, rules: readonly Rule[], context: PassContext): Graph {
  const byOperator = new Map<OperatorName, Rule[]>();
  for (const rule of rules) {
    for (const operator of rule.operators) byOperator.set(operator, [...(byOperator.get(operator) ?? []), rule]);
  }
  let current = graph;
  for (let walk = 0; walk < mostWalks; walk++) {
    let fired = 0;
    const uses = useCounts(current);
    const before = current;
    current = rebuild(before, (builder, node, operands, id) => {
      let value = emitNode(builder, node, operands);
      let counts = node.operands.map((operand) => uses[operand]!);
      for (let step = 0; step < mostSteps; step++) {
        const match = new Match(builder, value, counts);
        const found = firstMatch(match, byOperator.get(match.node.operator) ?? []);
        if (found === null) break;
        fired++;
        context.remark({ rule: found.rule.name, kind: "fired", location: before.locations[id] ?? null, message: "" });
        value = found.value;
        counts = builder.nodeOf(value).operands.map(() => 1);
      }
      return value;
    });
    if (fired === 0) return current;
  }
  return current;
}

function firstMatch(match: Match, rules: readonly Rule[]): { rule: Rule; value: ValueId } | null {
  for (const rule of rules) {
    const value = rule.apply(match);
    if (value !== null && value !== match.value) return { rule, value };
  }
  return null;
}

/** How many operands of nodes, and outputs, each value is. */
export function useCounts(graph: Graph): Int32Array {
  const uses = new Int32Array(graph.nodes.length);
  for (const { operands } of graph.nodes) for (const operand of operands) uses[operand]!++;
  for (const { value } of graph.outputs) uses[value]!++;
  return uses;
}
