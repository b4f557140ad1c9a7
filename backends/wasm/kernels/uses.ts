/** What the statements of a kernel compute, and how often: which values are worth a register. */
import {
  binary,
  type Expression,
  expressionsOf,
  type KernelBinary,
  load,
  operandsOf,
  type Statement,
} from "../../../src/ir/kernel/index.js";
import { Rewriter } from "../../../src/schedule/rewrite.js";
import { type SizeVariable, size } from "../../../src/sizes/index.js";

type Store = Extract<Statement, { kind: "store" }>;
/** The value that an update leaves: what is there combined with what is stored. */
export function updated({ buffer, index, value }: Store, update: KernelBinary): Expression {
  return binary(update, load(buffer, index), value);
}

/** Statements with one variable in place of those of all vector loops. */
export function overLane(body: readonly Statement[], lane: SizeVariable): readonly Statement[] {
  return body.flatMap((each): readonly Statement[] => {
    if (each.kind === "for" && each.loop === "vector") {
      return new Rewriter().variable(each.variable, size(lane)).statements(each.body);
    }
    return each.kind === "for" || each.kind === "if" ? [{ ...each, body: overLane(each.body, lane) }] : [each];
  });
}

/** How often the stores and conditions of a block, without those of inner blocks, use an expression. */
export function usesIn(body: readonly Statement[], lane: SizeVariable): ReadonlyMap<Expression, number> {
  const uses = new Map<Expression, number>();
  const visit = (expression: Expression): void => {
    const count = uses.get(expression) ?? 0;
    uses.set(expression, count + 1);
    if (count === 0) operandsOf(expression).forEach(visit);
  };
  for (const statement of overLane(body, lane)) {
    if (statement.kind === "store" && statement.update !== null) visit(updated(statement, statement.update));
    else if (statement.kind === "store") visit(statement.value);
    if (statement.kind === "store") statement.index.forEach(visit);
    if (statement.kind === "if") expressionsOf(statement).forEach(visit);
  }
  return uses;
}
