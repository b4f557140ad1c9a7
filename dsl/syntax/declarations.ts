/**
 * The grammar of declarations and files, and the parser itself.
 *
 * Every kind of statement and declaration is read wherever one may stand: one in a wrong place is read whole, reported
 * at its first word and left out.
 */
import { EOF, type IToken, type ParserMethod } from "chevrotain";
import type {
  Block,
  Body,
  Declaration,
  Entry,
  Expression,
  File,
  Function as FunctionDeclaration,
  Import,
  Model,
  Statement,
  Type,
} from "./ast.js";
import type { Source } from "./base-parser.js";
import { documentationAbove } from "./documentation.js";
import { stringValue } from "./expressions.js";
import { StatementParser, type Where } from "./statements.js";
import * as t from "./tokens.js";

type Item = Statement | Declaration | Entry;

const declares: ReadonlySet<Item["kind"]> = new Set(["import", "fn", "block", "model", "entry"]);

const allowed: Readonly<Record<Where, (kind: Item["kind"]) => boolean>> = {
  file: (kind) => declares.has(kind) && kind !== "entry",
  model: (kind) => kind !== "import" && kind !== "model",
  body: (kind) => !declares.has(kind),
};

const places: Readonly<Record<string, string>> = {
  import: "an `import` stands at the top of a file",
  fn: "a `fn` stands at the top of a file or of a model",
  block: "a `block` stands at the top of a file or of a model",
  model: "a `model` stands at the top of a file",
  entry: "an `entry` stands in a model",
};

const statementEnds = new Set([t.Line, t.RCurly, EOF]);
/** What has a body of its own, to be read even if something before it is wrong. */
const withBody = new Set([t.Fn, t.Block, t.Model, t.Entry, t.For, t.If]);
const bodyStarts = new Set([t.LCurly, t.Line, t.RCurly]);

export class TrafoParser extends StatementParser {
  /** True at the top of a file behind something wrong. */
  #astray = false;

  constructor() {
    super();
    this.performSelfAnalysis();
  }

  /** Parses a whole file. */
  parseFile(source: Source): File {
    this.begin(source);
    this.#astray = false;
    const declarations = this.file() ?? [];
    return { kind: "file", declarations, span: { file: source.file, start: 0, end: source.file.text.length } };
  }

  /** Parses a text that is one expression. */
  parseExpression(source: Source): Expression {
    this.begin(source);
    const value = this.onlyGuarded();
    return value ?? { kind: "missing", span: { file: source.file, start: 0, end: source.file.text.length } };
  }

  private readonly onlyGuarded: ParserMethod<[], Expression | null> = this.RULE("onlyGuarded", (): Expression | null =>
    this.guarded(
      () => this.SUBRULE(this.onlyExpression),
      () => this.source.sequence.tokens.length,
    ),
  );

  private readonly file: ParserMethod<[], Declaration[]> = this.RULE("file", (): Declaration[] => {
    const declarations: Declaration[] = [];
    this.MANY(() => {
      const item = this.SUBRULE(this.line, { ARGS: ["file"] });
      if (item) declarations.push(item as Declaration);
    });
    return declarations;
  });

  readonly line: ParserMethod<[Where], Item | null> = this.RULE("line", (where: Where): Item | null => {
    this.CONSUME(t.Line);
    const { statement } = this;
    this.statement = this.RECORDING_PHASE ? 0 : this.position;
    const result = this.guarded(
      () => {
        const first = this.LA(1);
        const item = this.SUBRULE(this.item, { ARGS: [where] });
        return this.ACTION(() => {
          if (!statementEnds.has(this.LA(1).tokenType)) this.CONSUME(t.Line);
          if (allowed[where](item.kind)) return item;
          this.#reportPlace(item, first, where);
          return null;
        });
      },
      (start) => {
        if (where === "file") this.#astray = true;
        return this.#recover(start);
      },
    );
    if (where === "file" && result) this.#astray = false;
    this.statement = statement;
    return result;
  });

  #reportPlace(item: Item, first: IToken, where: Where): void {
    // Behind a declaration that is wrong, its statements may stand where none are allowed.
    if (where === "file" && this.#astray && !(declares.has(item.kind) && item.kind !== "entry")) return;
    if (where === "file") this.#astray = true;
    const place = places[item.kind] ?? "a statement stands in a body";
    const here = { file: "at the top of a file", model: "in a model", body: "in a body" }[where];
    this.report("E0117", this.spanOf(first), `${place}, not ${here}`);
  }

  /** After a mistake: its statement is passed over, but a body that is still to come is read for its own mistakes. */
  #recover(start: number): number {
    const first = this.source.sequence.tokens[start]?.tokenType;
    const here = this.position;
    let at = this.find(start, bodyStarts);
    while (at < here && this.source.sequence.tokens[at]?.tokenType === t.LCurly) {
      at = this.find(this.source.sequence.partner[at]! + 1, bodyStarts);
    }
    if (first && withBody.has(first)) {
      while (this.source.sequence.tokens[at]?.tokenType === t.LCurly) {
        this.advance(at);
        this.enter();
        if (first === t.Model) this.SUBRULE(this.members);
        else this.SUBRULE(this.body);
        this.leave();
        at = this.find(this.position, bodyStarts);
      }
    }
    return this.find(Math.max(at, start), statementEnds);
  }

  readonly item: ParserMethod<[Where], Item> = this.RULE(
    "item",
    (where: Where): Item =>
      this.OR<Item>({
        MAX_LOOKAHEAD: 1,
        ERR_MSG: where === "file" ? "`import`, `fn`, `block` or `model`" : "a statement",
        DEF: [
          { ALT: () => this.SUBRULE(this.import) },
          { ALT: () => this.SUBRULE(this.fn) },
          { ALT: () => this.SUBRULE(this.block) },
          { ALT: () => this.SUBRULE(this.model) },
          { ALT: () => this.SUBRULE(this.entry) },
          { ALT: () => this.SUBRULE(this.paramStatement) },
          { ALT: () => this.SUBRULE(this.layerStatement) },
          { ALT: () => this.SUBRULE(this.letStatement) },
          { ALT: () => this.SUBRULE(this.forStatement) },
          { ALT: () => this.SUBRULE(this.assertStatement) },
          { ALT: () => this.SUBRULE(this.choice) },
          { ALT: () => this.SUBRULE(this.plain) },
        ],
        IGNORE_AMBIGUITIES: true, // `if` begins a choice; as an expression it would be the same
      }),
  );

  readonly import: ParserMethod<[], Import> = this.RULE("import", (): Import => {
    const start = this.CONSUME(t.Import);
    const module = this.OR<Import["module"]>({
      ERR_MSG: "`std` or the path of a file as a string",
      DEF: [
        {
          ALT: () => {
            const token = this.CONSUME(t.Identifier);
            return { name: token.image, isPath: false, span: this.spanOf(token) };
          },
        },
        {
          ALT: () => {
            const token = this.CONSUME(t.StringLiteral);
            return { name: stringValue(token), isPath: true, span: this.spanOf(token) };
          },
        },
      ],
    });
    this.CONSUME(t.Colon);
    const names = [this.SUBRULE1(this.name)];
    this.MANY(() => {
      this.CONSUME(t.Comma);
      names.push(this.SUBRULE2(this.name));
    });
    return { kind: "import", module, names, span: this.since(start) };
  });

  /** What stands behind `->`: a type, or several in parentheses. */
  readonly results: ParserMethod<[], { types: Type[]; isTuple: boolean }> = this.RULE("results", () =>
    this.OR<{ types: Type[]; isTuple: boolean }>({
      ERR_MSG: "a type",
      DEF: [
        { ALT: () => ({ types: [this.SUBRULE(this.type)], isTuple: false }) },
        {
          ALT: () => {
            this.CONSUME(t.LParen);
            const types = this.items(10, this.type, "a type");
            this.CONSUME(t.RParen);
            return { types, isTuple: true };
          },
        },
      ],
    }),
  );

  readonly fn: ParserMethod<[], FunctionDeclaration> = this.RULE("fn", (): FunctionDeclaration => {
    const start = this.CONSUME(t.Fn);
    const name = this.CONSUME(t.Identifier);
    const parameters = this.SUBRULE(this.parameters);
    const result = this.OPTION(() => {
      this.CONSUME(t.Arrow);
      return this.SUBRULE(this.results);
    });
    const body = this.OR<Expression | Body>({
      ERR_MSG: "`=` and an expression, or a body in { }",
      DEF: [
        {
          ALT: () => {
            this.CONSUME(t.Equals);
            return this.SUBRULE(this.expression);
          },
        },
        { ALT: () => this.SUBRULE(this.body) },
      ],
    });
    return this.ACTION<FunctionDeclaration>(() => ({
      kind: "fn",
      name: this.identifier(name),
      parameters,
      result: result?.types ?? null,
      resultIsTuple: result?.isTuple ?? false,
      body,
      documentation: documentationAbove(this.source.file, start.startOffset),
      span: this.since(start),
    }));
  });

  readonly block: ParserMethod<[], Block> = this.RULE("block", (): Block => {
    const start = this.CONSUME(t.Block);
    const name = this.CONSUME(t.Identifier);
    const before = this.LA(1).startOffset;
    const statics = this.SUBRULE1(this.parameters);
    const parameters = this.OPTION(() => this.SUBRULE2(this.parameters));
    this.ACTION(() => {
      if (parameters) return;
      const { file } = this.source;
      // Sizes tell tensors: then the static arguments are what is missing.
      const areTensors = statics.some(({ type }) => type.dimensions !== null);
      const at = areTensors ? before : this.between(before).end;
      this.report(
        "E0110",
        this.between(before),
        "a block has two pairs of parentheses: static arguments, then tensors",
        {
          help: ["with no static arguments the first pair is ()"],
          fixes: [{ message: "add `()`", edits: [{ span: { file, start: at, end: at }, text: "()" }] }],
        },
      );
    });
    this.CONSUME(t.Arrow);
    const result = this.SUBRULE(this.results);
    const body = this.SUBRULE(this.body);
    return this.ACTION<Block>(() => ({
      kind: "block",
      name: this.identifier(name),
      statics,
      parameters: parameters ?? [],
      result: result?.types ?? [],
      resultIsTuple: result?.isTuple ?? false,
      body,
      documentation: documentationAbove(this.source.file, start.startOffset),
      span: this.since(start),
    }));
  });

  readonly model: ParserMethod<[], Model> = this.RULE("model", (): Model => {
    const start = this.CONSUME(t.Model);
    const name = this.CONSUME(t.Identifier);
    const statics = this.SUBRULE(this.parameters);
    const members = this.SUBRULE(this.members);
    return this.ACTION<Model>(() => ({
      kind: "model",
      name: this.identifier(name),
      statics,
      members,
      documentation: documentationAbove(this.source.file, start.startOffset),
      span: this.since(start),
    }));
  });

  readonly members: ParserMethod<[], Model["members"]> = this.RULE("members", (): Model["members"] => {
    this.CONSUME(t.LCurly);
    const members: Model["members"][number][] = [];
    this.MANY(() => {
      const item = this.SUBRULE(this.line, { ARGS: ["model"] });
      if (item) members.push(item as Model["members"][number]);
    });
    this.CONSUME(t.RCurly);
    return members;
  });

  readonly entry: ParserMethod<[], Entry> = this.RULE("entry", (): Entry => {
    const start = this.CONSUME(t.Entry);
    const name = this.CONSUME1(t.Identifier);
    const parameters = this.SUBRULE(this.parameters);
    const incremental = this.OPTION(() => {
      this.CONSUME(t.Incremental);
      return this.identifier(this.CONSUME2(t.Identifier));
    });
    this.CONSUME(t.Arrow);
    this.CONSUME(t.LParen);
    const results = this.items(10, this.namedResult, "a name with its type");
    this.CONSUME(t.RParen);
    const body = this.SUBRULE(this.body);
    return this.ACTION<Entry>(() => ({
      kind: "entry",
      name: this.identifier(name),
      parameters,
      incremental: incremental ?? null,
      results,
      body,
      documentation: documentationAbove(this.source.file, start.startOffset),
      span: this.since(start),
    }));
  });

  readonly namedResult: ParserMethod<[], Entry["results"][number]> = this.RULE(
    "namedResult",
    (): Entry["results"][number] => {
      const name = this.identifier(this.CONSUME(t.Identifier));
      this.CONSUME(t.Colon);
      return { name, type: this.SUBRULE(this.type) };
    },
  );
}
