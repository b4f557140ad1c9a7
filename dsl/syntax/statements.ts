/** The grammar of statements and bodies. */
import type { ParserMethod } from "chevrotain";
import type {
  Applied,
  AssertStatement,
  AssignStatement,
  Body,
  Expression,
  ExpressionStatement,
  ForStatement,
  Identifier,
  IfStatement,
  LayerStatement,
  LetStatement,
  ParamStatement,
  Statement,
} from "./ast.js";
import { stringValue } from "./expressions.js";
import { layersHelp } from "./mistakes-expressions.js";
import { Mistake } from "./stumble.js";
import * as t from "./tokens.js";
import { TypeParser } from "./types.js";

/** What a body may hold. */
export type Where = "file" | "model" | "body";

type Choice = IfStatement | ExpressionStatement;
type Plain = AssignStatement | ExpressionStatement;

/** What to do with a value of a layer that is no block. */
function notApplied(value: Expression): string {
  if (value.kind === "list" || (value.kind === "binary" && value.left.kind === "list")) return layersHelp;
  if (value.kind === "group") return "leave out the parentheses";
  return value.kind === "call" && value.callee.kind === "call"
    ? "tensors are given where the layer is called, not where it is declared"
    : "a value without weights of its own is a `let`";
}

export abstract class StatementParser extends TypeParser {
  /** One statement or declaration with the `Line` before it; null after a mistake. */
  abstract readonly line: ParserMethod<[Where], object | null>;

  readonly body: ParserMethod<[], Body> = this.RULE("body", (): Body => {
    this.ACTION(() => this.enter());
    const start = this.CONSUME(t.LCurly);
    const statements: Statement[] = [];
    this.MANY(() => {
      const statement = this.SUBRULE(this.line, { ARGS: ["body"] });
      if (statement) statements.push(statement as Statement);
    });
    this.CONSUME(t.RCurly);
    this.ACTION(() => this.leave());
    return { kind: "body", statements, span: this.since(start) };
  });

  readonly paramStatement: ParserMethod<[], ParamStatement> = this.RULE("paramStatement", (): ParamStatement => {
    const start = this.CONSUME(t.Param);
    const name = this.CONSUME(t.Identifier);
    this.CONSUME(t.Colon);
    const type = this.SUBRULE(this.type);
    const paths = this.SUBRULE(this.paths);
    return { kind: "param", name: this.identifier(name), type, paths, span: this.since(start) };
  });

  /** `["as" expr {"|" expr}]` */
  readonly paths: ParserMethod<[], Expression[]> = this.RULE("paths", (): Expression[] => {
    const paths: Expression[] = [];
    this.OPTION(() => {
      this.CONSUME(t.As);
      paths.push(this.SUBRULE1(this.expression));
      this.MANY(() => {
        this.CONSUME(t.Pipe);
        paths.push(this.SUBRULE2(this.expression));
      });
    });
    return paths;
  });

  readonly layerStatement: ParserMethod<[], LayerStatement> = this.RULE("layerStatement", (): LayerStatement => {
    const start = this.CONSUME(t.Layer);
    const name = this.CONSUME1(t.Identifier);
    const array = this.OPTION(() => {
      this.CONSUME(t.LSquare);
      const index = this.OPTION2(() => {
        const token = this.CONSUME2(t.Identifier);
        this.CONSUME(t.Colon);
        return this.identifier(token);
      });
      const count = this.SUBRULE1(this.expression);
      this.CONSUME(t.RSquare);
      return { index: index ?? null, count };
    });
    this.CONSUME(t.Equals);
    const written = this.SUBRULE2(this.expression);
    const value = this.ACTION(() => this.#applied(written));
    const paths = this.SUBRULE(this.paths);
    return {
      kind: "layer",
      name: this.identifier(name),
      array: array ?? null,
      value,
      paths,
      span: this.since(start),
    };
  });

  /** The value of a layer: a block with its static arguments, or a choice. */
  #applied(value: Expression): Applied {
    const { span } = value;
    if (value.kind === "call" && value.callee.kind === "name") {
      const { name, span: at } = value.callee;
      return { kind: "apply", block: { name, span: at }, arguments: value.arguments, span };
    }
    if (value.kind === "conditional") {
      const { condition, yes, no } = value;
      return { kind: "choose", condition, yes: this.#applied(yes), no: this.#applied(no), span };
    }
    const message = "the value of a layer is a block with its static arguments, `Block(…)`, or a choice between such";
    if (value.kind === "name") {
      const end = { ...span, start: span.end };
      throw new Mistake("E0119", span, message, {
        fixes: [{ message: `write \`${value.name}()\``, edits: [{ span: end, text: "()" }] }],
      });
    }
    throw new Mistake("E0119", span, message, { help: [notApplied(value)] });
  }

  readonly letStatement: ParserMethod<[], LetStatement> = this.RULE("letStatement", (): LetStatement => {
    const start = this.CONSUME(t.Let);
    const pattern = this.OR<{ names: Identifier[]; unpacks: boolean }>({
      ERR_MSG: "a name",
      DEF: [
        { ALT: () => ({ names: [this.identifier(this.CONSUME(t.Identifier))], unpacks: false }) },
        {
          ALT: () => {
            this.CONSUME(t.LParen);
            const names = this.items(10, this.name, "a name");
            this.CONSUME(t.RParen);
            return { names, unpacks: true };
          },
        },
      ],
    });
    this.CONSUME(t.Equals);
    const value = this.SUBRULE(this.expression);
    return { kind: "let", ...pattern, value, span: this.since(start) };
  });

  readonly name: ParserMethod<[], Identifier> = this.RULE(
    "name",
    (): Identifier => this.identifier(this.CONSUME(t.Identifier)),
  );

  readonly forStatement: ParserMethod<[], ForStatement> = this.RULE("forStatement", (): ForStatement => {
    const start = this.CONSUME(t.For);
    const name = this.CONSUME(t.Identifier);
    const each = this.OR({
      ERR_MSG: "`in` and an array of layers, or `:` and a count",
      DEF: [{ ALT: () => this.CONSUME(t.In) && true }, { ALT: () => this.CONSUME(t.Colon) && false }],
    });
    const over = this.SUBRULE(this.expression);
    const body = this.SUBRULE(this.body);
    return { kind: "for", name: this.identifier(name), each, over, body, span: this.since(start) };
  });

  readonly assertStatement: ParserMethod<[], AssertStatement> = this.RULE("assertStatement", (): AssertStatement => {
    const start = this.CONSUME(t.Assert);
    const condition = this.SUBRULE(this.condition);
    this.CONSUME(t.Comma);
    const message = this.CONSUME(t.StringLiteral);
    return { kind: "assert", condition, message: stringValue(message), span: this.since(start) };
  });

  /** A statement that begins with `if`: bodies to choose from, or an expression. */
  readonly choice: ParserMethod<[], Choice> = this.RULE("choice", (): Choice => {
    const start = this.CONSUME(t.If);
    const condition = this.SUBRULE(this.condition);
    return this.OR<Choice>({
      ERR_MSG: "`then`, or a body in { }",
      DEF: [
        {
          ALT: () => {
            const yes = this.SUBRULE1(this.body);
            const no = this.OPTION(() => {
              this.CONSUME1(t.Else);
              return this.OR2<Body | IfStatement>({
                ERR_MSG: "`if` or a body in { }",
                DEF: [
                  { ALT: () => this.SUBRULE2(this.body) },
                  {
                    ALT: () => {
                      this.ACTION(() => this.enter());
                      const next = this.SUBRULE(this.choice);
                      return this.ACTION(() => this.#elseIf(next));
                    },
                  },
                ],
              });
            });
            return { kind: "if", condition, yes, no: no ?? null, span: this.since(start) };
          },
        },
        {
          ALT: () => {
            this.CONSUME(t.Then);
            const yes = this.SUBRULE1(this.expression);
            this.CONSUME2(t.Else);
            const no = this.SUBRULE2(this.expression);
            const span = this.since(start);
            return { kind: "expression", value: { kind: "conditional", condition, yes, no, span }, span };
          },
        },
      ],
    });
  });

  #elseIf(statement: Choice): IfStatement {
    this.leave();
    if (statement.kind === "if") return statement;
    throw new Mistake("E0106", statement.span, "expected a body in { } after `else`, found an expression");
  }

  /** `name = expr`, or an expression alone. */
  readonly plain: ParserMethod<[], Plain> = this.RULE("plain", (): Plain => {
    const start = this.LA(1);
    const name = this.OPTION(() => {
      const token = this.CONSUME(t.Identifier);
      this.CONSUME(t.Equals);
      return this.identifier(token);
    });
    const value = this.SUBRULE(this.expression);
    const span = this.since(start);
    return name ? { kind: "assign", name, value, span } : { kind: "expression", value, span };
  });
}
