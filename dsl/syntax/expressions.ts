/** The grammar of expressions. */
import { EOF, type IOrAlt, type IToken, type ParserMethod } from "chevrotain";
import type { Argument, Body, Expression, Identifier, Subscript } from "./ast.js";
import { BaseParser } from "./base-parser.js";
import { isDeeper } from "./depth.js";
import { misplacedWord, unknownAttribute } from "./mistakes-expressions.js";
import { buildOperation, type Operand } from "./precedence.js";
import { Mistake } from "./stumble.js";
import * as t from "./tokens.js";
import { describeFound } from "./words.js";

type Index = { name: Identifier; size: Expression };

/** How many operators may stand in one chain, and how high the tree of one expression may be. */
const chainLimit = 300;

export abstract class ExpressionParser extends BaseParser {
  abstract readonly body: ParserMethod<[], Body>;

  #atoms: IOrAlt<Expression>[] | null = null;

  readonly expression: ParserMethod<[], Expression> = this.RULE(
    "expression",
    (): Expression => this.#operation(t.Operator),
  );

  /** What may stand in a size: no comparison, no `and`, `or`. */
  readonly sum: ParserMethod<[], Expression> = this.RULE("sum", (): Expression => this.#operation(t.Arithmetic));

  #operation(operator: typeof t.Operator): Expression {
    this.ACTION(() => this.enter());
    const start = this.RECORDING_PHASE ? 0 : this.position;
    this.openExpressions++;
    const first = this.SUBRULE(this.operand);
    let operands: Operand[] | null = null;
    const operators: IToken[] = [];
    this.MANY(() => {
      const sign = this.CONSUME(operator);
      const operand = this.SUBRULE2(this.operand);
      operators.push(sign);
      operands ??= [first];
      operands.push(operand);
    });
    this.openExpressions--;
    return this.ACTION(() => {
      this.leave();
      if (!operands && first.prefixes.length === 0 && first.value.kind !== "conditional") return first.value;
      if (operators.length > chainLimit) this.#tooLong(operators[chainLimit]!, "operators in a row");
      const result = buildOperation(
        operands ?? [first],
        operators,
        (token) => this.spanOf(token),
        (word, part) => misplacedWord(this.report, word, part),
      );
      if (operator === t.Arithmetic && result.kind === "conditional") misplacedWord(this.report, "if", result.span);
      const outermost = this.openExpressions === 0;
      if (outermost && this.position - start > chainLimit && isDeeper(result, chainLimit)) {
        throw new Mistake("E0120", result.span, `the parts of this expression stand more than ${chainLimit} deep`);
      }
      return result;
    });
  }

  #tooLong(at: IToken, what: string): never {
    throw new Mistake("E0120", this.spanOf(at), `an expression holds more than ${chainLimit} ${what}`);
  }

  readonly operand: ParserMethod<[], Operand> = this.RULE("operand", (): Operand => {
    const prefixes: IToken[] = [];
    this.MANY1(() => {
      const prefix = this.OR1([{ ALT: () => this.CONSUME1(t.Minus) }, { ALT: () => this.CONSUME1(t.Not) }]);
      prefixes.push(prefix);
      this.ACTION(() => prefixes.length > chainLimit && this.#tooLong(prefix, "`-` and `not` in a row"));
    });
    let value = this.OR2({ DEF: this.#atomAlternatives(), ERR_MSG: "an expression" });
    let height = 0;
    this.MANY2(() => {
      const start = this.ACTION(() => value.span?.start ?? 0);
      const inner = value;
      value = this.OR3([
        { ALT: () => this.#call(inner, start) },
        { ALT: () => this.#index(inner, start) },
        { ALT: () => this.#attribute(inner, start) },
      ]);
      this.ACTION(() => ++height > chainLimit && this.#tooLong(this.LA(0), "calls and indices in a row"));
    });
    return { prefixes, value };
  });

  #call(callee: Expression, start: number): Expression {
    this.CONSUME(t.LParen);
    const given = this.OPTION(() => this.items(10, this.argument, "an argument")) ?? [];
    this.CONSUME(t.RParen);
    return { kind: "call", callee, arguments: given, span: this.between(start) };
  }

  #index(value: Expression, start: number): Expression {
    this.CONSUME(t.LSquare);
    const subscripts = this.items(20, this.subscript, "an index");
    this.CONSUME(t.RSquare);
    return { kind: "index", value, subscripts, span: this.between(start) };
  }

  #attribute(value: Expression, start: number): Expression {
    this.CONSUME(t.Dot);
    const name = this.CONSUME(t.Identifier);
    return this.ACTION<Expression>(() => {
      const span = this.between(start);
      if (name.image === "T") return { kind: "transpose", value, span };
      unknownAttribute(this.report, this.identifier(name));
      return { kind: "missing", span };
    });
  }

  readonly argument: ParserMethod<[], Argument> = this.RULE("argument", (): Argument => {
    const start = this.LA(1);
    const name = this.OPTION(() => {
      const token = this.CONSUME(t.Identifier);
      this.CONSUME(t.Equals);
      return this.identifier(token);
    });
    const value = this.SUBRULE(this.expression);
    return { name: name ?? null, value, span: this.since(start) };
  });

  readonly subscript: ParserMethod<[], Subscript> = this.RULE("subscript", (): Subscript => {
    const start = this.LA(1);
    return this.OR<Subscript>({
      ERR_MSG: "an index",
      DEF: [
        {
          ALT: () => {
            this.CONSUME(t.Ellipsis);
            return { kind: "rest", span: this.since(start) };
          },
        },
        {
          ALT: () => {
            this.CONSUME1(t.Colon);
            const high = this.OPTION1(() => this.SUBRULE1(this.expression)) ?? null;
            return { kind: "range", low: null, high, span: this.since(start) };
          },
        },
        {
          ALT: () => {
            const index = this.SUBRULE2(this.expression);
            const range = this.OPTION2(() => {
              this.CONSUME2(t.Colon);
              return { high: this.OPTION3(() => this.SUBRULE3(this.expression)) ?? null };
            });
            const span = this.since(start);
            return range ? { kind: "range", low: index, high: range.high, span } : { kind: "at", index, span };
          },
        },
      ],
    });
  });

  // ---- Atoms

  /** Built once: this is the place that the parser passes most often. */
  #atomAlternatives(): IOrAlt<Expression>[] {
    this.#atoms ??= [
      { ALT: () => this.#number(this.CONSUME(t.NumberLiteral)) },
      {
        ALT: () => {
          const token = this.CONSUME(t.StringLiteral);
          return { kind: "string", value: stringValue(token), span: this.spanOf(token) };
        },
      },
      { ALT: () => ({ kind: "boolean", value: true, span: this.spanOf(this.CONSUME(t.True)) }) },
      { ALT: () => ({ kind: "boolean", value: false, span: this.spanOf(this.CONSUME(t.False)) }) },
      { ALT: () => this.#name(this.CONSUME2(t.Identifier)) },
      { ALT: () => this.SUBRULE(this.group) },
      { ALT: () => this.SUBRULE(this.squares) },
      { ALT: () => this.SUBRULE(this.conditional) },
    ];
    return this.#atoms;
  }

  #number(token: IToken): Expression {
    const text = token.image;
    const value = Number.parseFloat(text);
    const whole = /^\d+$/.test(text);
    return { kind: "number", value: Number.isFinite(value) ? value : 0, whole, text, span: this.spanOf(token) };
  }

  #name(token: IToken): Expression {
    const span = this.spanOf(token);
    const name = token.image;
    // `True = …` never gets here: a name before `=` is not read as an expression.
    if (name === "True" || name === "False") {
      const text = name.toLowerCase();
      this.ACTION(() =>
        this.report("E0116", span, `\`${name}\` is written \`${text}\` here`, {
          fixes: [{ message: `write \`${text}\``, edits: [{ span, text }] }],
        }),
      );
      return { kind: "boolean", value: name === "True", span };
    }
    if (name === "None" || name === "null") {
      this.ACTION(() =>
        this.report("E0116", span, `there is no \`${name}\`: every name has a value`, {
          help: [
            "a part that may be absent is chosen by a static `bool`, or by a size or number that is 0",
            'a new axis is made by `rearrange(x, "b t -> b 1 t")`',
          ],
        }),
      );
      return { kind: "missing", span };
    }
    return { kind: "name", name, span };
  }

  readonly group: ParserMethod<[], Expression> = this.RULE("group", (): Expression => {
    const start = this.CONSUME(t.LParen);
    const items = this.items(10, this.expression, "an expression");
    const comma = this.LA(0);
    this.CONSUME(t.RParen);
    return this.ACTION<Expression>(() => {
      const span = this.since(start);
      if (items.length > 1) return { kind: "tuple", items, span };
      if (comma.tokenType === t.Comma) {
        const edit = { span: this.spanOf(comma), text: "" };
        this.report("E0106", edit.span, "expected an expression after `,`, found `)`", {
          help: ["a tuple has two or more parts; one value in parentheses is that value"],
          fixes: [{ message: "leave out the `,`", edits: [edit] }],
        });
      }
      return { kind: "group", value: items[0]!, span };
    });
  });

  /** A list, or a comprehension over indices. */
  readonly squares: ParserMethod<[], Expression> = this.RULE("squares", (): Expression => {
    const start = this.CONSUME(t.LSquare);
    const named = () => t.isName(this.LA(1).tokenType) && this.LA(2).tokenType === t.Colon;
    return this.OR({
      MAX_LOOKAHEAD: 1,
      IGNORE_AMBIGUITIES: true,
      DEF: [
        {
          GATE: named,
          ALT: (): Expression => {
            const indices = this.items(10, this.index, "an index with its size");
            this.CONSUME1(t.RSquare);
            this.CONSUME(t.FatArrow);
            const body = this.OR1<Body | Expression>({
              ERR_MSG: "an expression or a body in { }",
              DEF: [{ ALT: () => this.SUBRULE(this.body) }, { ALT: () => this.SUBRULE1(this.expression) }],
            });
            return { kind: "comprehension", indices, body, span: this.since(start) };
          },
        },
        {
          ALT: (): Expression => {
            const items = this.OPTION(() => this.items(20, this.expression, "an expression")) ?? [];
            this.CONSUME2(t.RSquare);
            return { kind: "list", items, span: this.since(start) };
          },
        },
      ],
    });
  });

  readonly index: ParserMethod<[], Index> = this.RULE("index", (): Index => {
    const name = this.CONSUME(t.Identifier);
    this.CONSUME(t.Colon);
    const size = this.SUBRULE(this.sum);
    return { name: this.identifier(name), size };
  });

  readonly conditional: ParserMethod<[], Expression> = this.RULE("conditional", (): Expression => {
    const start = this.CONSUME(t.If);
    const condition = this.SUBRULE(this.condition);
    this.CONSUME(t.Then);
    const yes = this.SUBRULE1(this.expression);
    this.CONSUME(t.Else);
    const no = this.SUBRULE2(this.expression);
    return { kind: "conditional", condition, yes, no, span: this.since(start) };
  });

  /** An expression where `=` can only have been meant as `==`. */
  readonly condition: ParserMethod<[], Expression> = this.RULE("condition", (): Expression => {
    const start = this.LA(1);
    const value = this.SUBRULE(this.expression);
    let wrong = false;
    this.MANY(() => {
      const span = this.spanOf(this.CONSUME(t.Equals));
      wrong = true;
      this.ACTION(() =>
        this.report("E0114", span, "`=` gives a name its value; a comparison is written `==`", {
          fixes: [{ message: "write `==`", edits: [{ span, text: "==" }] }],
        }),
      );
      this.SUBRULE2(this.expression);
    });
    return wrong ? { kind: "missing", span: this.since(start) } : value;
  });

  #expect(holds: boolean, wanted: string, found: string): void {
    if (!holds) throw new Mistake("E0106", this.placeOf(this.LA(1)), `expected ${wanted}, found ${found}`);
  }

  /** A whole text that is one expression. */
  readonly onlyExpression: ParserMethod<[], Expression> = this.RULE("onlyExpression", (): Expression => {
    this.OPTION(() => this.CONSUME(t.Line));
    this.ACTION(() => this.#expect(this.LA(1).tokenType !== EOF, "an expression", "nothing"));
    const value = this.SUBRULE(this.expression);
    const next = this.LA(1);
    this.ACTION(() => this.#expect(next.tokenType === EOF, "the end of the expression", describeFound(next)));
    return value;
  });
}

/** The text between the quotes. A string holds no escapes: every character stands for itself. */
export function stringValue(token: IToken): string {
  return token.image.length > 1 && token.image.endsWith('"') ? token.image.slice(1, -1) : token.image.slice(1);
}
