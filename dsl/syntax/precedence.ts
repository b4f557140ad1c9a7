/**
 * Builds the tree of a chain of operators. The parser reads `operand {operator operand}` flat, so that a pair of
 * parentheses costs few calls; what binds how strongly is decided here:
 *
 *     or < and < not < == != < <= > >= < + - < * / // % @ < unary - < **
 *
 * `**` groups from the right and binds more strongly than a minus before it, less than one after it. Comparisons
 * chain. A `not`, or an `if` without parentheses, may not stand behind a stronger operator.
 */
import type { IToken } from "chevrotain";
import { join, type Span } from "../../src/diagnostics/index.js";
import type { BinaryOperator, ComparisonOperator, Expression } from "./ast.js";
import * as t from "./tokens.js";

/** An operand with the `-` and `not` before it. */
export interface Operand {
  readonly prefixes: readonly IToken[];
  readonly value: Expression;
}

/** Reports that a part needs parentheses: `not` or `if`, and where the part stands. */
export type NeedsParentheses = (word: "not" | "if", part: Span) => void;

const levels = { or: 1, and: 2, not: 3, compare: 4, sum: 5, product: 6, unary: 7, power: 8 } as const;

const levelOf: ReadonlyMap<string, number> = new Map([
  ["or", levels.or],
  ["and", levels.and],
  ...["==", "!=", "<", "<=", ">", ">="].map((operator) => [operator, levels.compare] as const),
  ...["+", "-"].map((operator) => [operator, levels.sum] as const),
  ...["*", "/", "//", "%", "@"].map((operator) => [operator, levels.product] as const),
  ["**", levels.power],
]);

/** The text of an operator token, also where it was written in another language's way. */
function textOf(token: IToken): string {
  const label = token.tokenType.LABEL ?? token.image;
  return label.startsWith("`") ? label.slice(1, -1) : token.image;
}

/** The tree of `operands[0] operators[0] operands[1] …`. */
export function buildOperation(
  operands: readonly Operand[],
  operators: readonly IToken[],
  spanOf: (token: IToken) => Span,
  needsParentheses: NeedsParentheses,
): Expression {
  let next = 0;

  /** An operand with its prefixes from the number `prefix` on, and all operators of at least this level. */
  function parse(level: number, prefix = 0): Expression {
    let left = start(level, prefix);
    for (;;) {
      const operator = operators[next];
      if (!operator) return left;
      const text = textOf(operator);
      const own = levelOf.get(text)!;
      if (own < level) return left;
      if (own === levels.compare) {
        left = comparison(left);
      } else {
        next++;
        // `**` groups from the right, and its right side may be negated.
        const right = parse(own === levels.power ? levels.unary : own + 1);
        left = {
          kind: "binary",
          operator: text as BinaryOperator,
          operatorSpan: spanOf(operator),
          left,
          right,
          span: join(left.span, right.span),
        };
      }
    }
  }

  function start(level: number, prefix: number): Expression {
    const operand = operands[next]!;
    const token = operand.prefixes[prefix];
    if (!token) {
      const alone = operators.length === 0 && operand.prefixes.length === 0;
      if (operand.value.kind === "conditional" && !alone) needsParentheses("if", operand.value.span);
      return operand.value;
    }
    if (token.tokenType === t.Not) {
      const value = parse(levels.not, prefix + 1);
      const span = join(spanOf(token), value.span);
      if (level > levels.not) needsParentheses("not", span);
      return { kind: "not", value, span };
    }
    const value = parse(levels.power, prefix + 1);
    return { kind: "negate", value, span: join(spanOf(token), value.span) };
  }

  function comparison(first: Expression): Expression {
    const signs: { operator: ComparisonOperator; span: Span }[] = [];
    const sides = [first];
    for (;;) {
      const operator = operators[next];
      const text = operator && textOf(operator);
      if (!operator || levelOf.get(text!) !== levels.compare) break;
      next++;
      signs.push({ operator: text as ComparisonOperator, span: spanOf(operator) });
      sides.push(parse(levels.sum));
    }
    return { kind: "compare", operators: signs, operands: sides, span: join(first.span, sides.at(-1)!.span) };
  }

  // An operand is passed when an operator after it is taken: `next` counts both.
  return parse(levels.or);
}
