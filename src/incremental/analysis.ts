/**
 * What is known of every value of a Graph about positions: a walk from the inputs on, one rule per operator.
 *
 * Needs a verified Graph whose sizes are in normal form. Guarantees: a value without `future` does not depend on later
 * positions, in the sense of the theorem that README.md states; what could not be shown is refused at its node.
 */
import type { Attributes, Graph, NodeOf, OperatorName, TensorType, ValueId } from "../ir/graph/index.js";
import type { SizeVariable } from "../sizes/index.js";
import { mentions, offsetOf } from "./axes.js";
import {
  type Band,
  type Facts,
  type Level,
  movedFacts,
  nothingKnown,
  type Refusal,
  type RefusalReason,
} from "./facts.js";
import { rules } from "./rules.js";

/** What an accepted graph rests on besides the proof. */
export interface Assumption {
  readonly node: ValueId;
  /** "deep": scores are small beside a finite mask; "row": every row has a visible key. */
  readonly kind: "deep" | "row";
}

export interface Analysis {
  readonly graph: Graph;
  /** The size that positions are counted by. */
  readonly time: SizeVariable;
  readonly facts: readonly Facts[];
  /** For each node that reduces over positions, what of the past it reads: by axis, or by label for an einsum. */
  readonly reads: ReadonlyMap<ValueId, Reads>;
  readonly assumptions: readonly Assumption[];
}

/** For an axis, lists of bands: of each list the narrowest that can be used, and of those the widest. */
export type Reads = ReadonlyMap<number, readonly (readonly Band[])[]>;

/** What a rule is given. */
export class NodeContext<K extends OperatorName> {
  readonly reads = new Map<number, readonly (readonly Band[])[]>();
  readonly assumptions: Assumption[] = [];
  refusal: Refusal | null = null;

  constructor(
    readonly id: ValueId,
    readonly attributes: Attributes[K],
    readonly type: TensorType,
    readonly operands: readonly Facts[],
    readonly types: readonly TensorType[],
    readonly time: SizeVariable,
  ) {}

  /** Says that the value depends on later positions. The first reason stays. */
  refuse(
    reason: RefusalReason,
    message: string,
    parts: Partial<Pick<Refusal, "notes" | "help" | "related">> = {},
  ): void {
    const { notes = [], help = [], related = null } = parts;
    this.refusal ??= { reason, node: this.id, message, notes, help, related };
  }

  assume(kind: Assumption["kind"]): void {
    this.assumptions.push({ node: this.id, kind });
  }

  /** The facts of a result that is computed from several operands, already in its axes: levels, time, refusals. */
  joined(operands: readonly Facts[]): Facts {
    const time = new Map(nothingKnown.time);
    for (const facts of operands) {
      for (const [axis, each] of facts.time) {
        const known = time.get(axis);
        if (known === undefined) time.set(axis, each);
        else if (known.before !== each.before || known.after !== each.after) {
          const message = "row i of one side is another position than row i of the other";
          this.refuse("align", message, {
            notes: [`their axes over ${this.time.name} are shifted against each other`],
          });
        }
      }
    }
    return {
      ...nothingKnown,
      time,
      level: Math.max(0, ...operands.map(({ level }) => level)) as Level,
      heavy: operands.some(({ heavy }) => heavy),
      ordered: new Set(operands.flatMap(({ ordered }) => [...ordered])),
      whole: joinedReads(operands),
      lost: operands.find(({ lost }) => lost !== null)?.lost ?? null,
    };
  }

  /** The facts of the only operand in the axes of the result. */
  moved(axes: ReadonlyMap<number, number>, operand = 0): Facts {
    return movedFacts(this.operands[operand]!, axes);
  }
}

function joinedReads(operands: readonly Facts[]): Reads {
  const reads = new Map<number, readonly (readonly Band[])[]>();
  for (const { whole } of operands) {
    for (const [axis, each] of whole) reads.set(axis, [...(reads.get(axis) ?? []), ...each]);
  }
  return reads;
}

export type FactsRule<K extends OperatorName> = (context: NodeContext<K>) => Facts;

export function analyse(graph: Graph, time: SizeVariable): Analysis {
  const facts: Facts[] = [];
  const reads = new Map<ValueId, Reads>();
  const assumptions: Assumption[] = [];
  for (const [index, node] of graph.nodes.entries()) {
    const id = index as ValueId;
    const operands = node.operands.map((operand) => facts[operand]!);
    const types = node.operands.map((operand) => graph.types[operand]!);
    const context = new NodeContext(id, node.attributes, graph.types[id]!, operands, types, time);
    const found = apply(node, context);
    checkAxes(context, found);
    const future = operands.find((each) => each.future !== null)?.future ?? context.refusal;
    facts.push({ ...found, future });
    if (context.reads.size > 0) reads.set(id, context.reads);
    assumptions.push(...context.assumptions);
  }
  return { graph, time, facts, reads, assumptions };
}

function apply<K extends OperatorName>(node: NodeOf<K>, context: NodeContext<OperatorName>): Facts {
  const rule = rules[node.operator as OperatorName] as FactsRule<OperatorName>;
  return rule(context);
}

/** Every axis whose size depends on time is one of positions, with static rows before and after that make up its size. */
function checkAxes(context: NodeContext<OperatorName>, { time }: Facts): void {
  for (const [axis, each] of context.type.shape.entries()) {
    if (!mentions(each, context.time)) continue;
    const rows = time.get(axis);
    if (rows !== undefined && offsetOf(each, context.time) === rows.before + rows.after) continue;
    context.refuse("layout", `positions along ${context.time.name} are no longer one row each here`);
  }
}
