/**
 * Masks brought to one form, `where(mask, scores, -inf)`, so that whoever looks for what is hidden finds it in one place.
 *
 * Only what gives the same for NaN and infinities too: `scores + where(mask, 0, -inf)` is NaN where a hidden score is, and
 * stays as it is.
 */
import type { ValueId } from "../ir/graph/index.js";
import { asType, numberOf } from "./facts.js";
import type { Match, Rule } from "./rewrite.js";

/** The condition, the value where it holds and the value elsewhere. */
type Choice = readonly [ValueId, ValueId, ValueId];

function choiceOf({ builder }: Match, value: ValueId): Choice | null {
  const { operator, operands } = builder.nodeOf(value);
  return operator === "where" ? [operands[0]!, operands[1]!, operands[2]!] : null;
}

/** where(p, where(q, x, c), c) as where(p and q, x, c). */
const masksTogether: Rule = {
  name: "masks combined",
  operators: ["where"],
  apply: (match) => {
    const { builder, node, type, uses } = match;
    const [outer, masked, hidden] = node.operands as unknown as Choice;
    const inner = choiceOf(match, masked);
    const number = numberOf(builder, hidden);
    if (inner === null || number === null || uses[1]! > 1) return null;
    const [mask, x, other] = inner;
    if (!Object.is(numberOf(builder, other), number)) return null;
    const both = builder.emit("and", [outer, mask], {});
    return asType(builder, builder.emit("where", [both, x, hidden], {}), type);
  },
};

/** where(p, x, -inf) * c as where(p, x * c, -inf) for numbers c > 0, and so for quotients. */
const scaledBeforeMask: Rule = {
  name: "scaled before it is masked",
  operators: ["mul", "div"],
  apply: (match) => {
    const { builder, node, type, uses } = match;
    const choice = choiceOf(match, match.operand(0));
    const factor = numberOf(builder, match.operand(1));
    if (choice === null || factor === null || uses[0]! > 1) return null;
    if (!(factor > 0 && Number.isFinite(factor)) || (node.operator !== "mul" && node.operator !== "div")) return null;
    const [mask, x, hidden] = choice;
    if (numberOf(builder, hidden) !== -Infinity) return null;
    const scaled = builder.emit(node.operator, [x, match.operand(1)], {});
    return asType(builder, builder.emit("where", [mask, scaled, hidden], {}), type);
  },
};

export const maskRules: readonly Rule[] = [masksTogether, scaledBeforeMask];
