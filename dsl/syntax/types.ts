/** The grammar of types and of arguments. */
import type { IToken, ParserMethod } from "chevrotain";
import type { Span } from "../../src/diagnostics/index.js";
import { type Dimension, type Parameter, staticTypes, type Type, tensorElements } from "./ast.js";
import { ExpressionParser, stringValue } from "./expressions.js";
import * as t from "./tokens.js";
import { nearest } from "./words.js";

const typeNames: ReadonlySet<string> = new Set([...staticTypes, ...tensorElements]);

/** How other languages call the types. */
const otherNames: ReadonlyMap<string, Type["element"]> = new Map([
  ...(["integer", "i64", "long", "size"] as const).map((name) => [name, "int"] as const),
  ...(["str", "String", "text"] as const).map((name) => [name, "string"] as const),
  ...(["boolean", "Bool", "Boolean", "u8", "i1"] as const).map((name) => [name, "bool"] as const),
  ...(["double", "number", "real", "Float"] as const).map((name) => [name, "float"] as const),
  ...(["float32", "fp32", "tensor", "Tensor", "f64"] as const).map((name) => [name, "f32"] as const),
  ...(["float16", "half", "fp16", "bf16"] as const).map((name) => [name, "f16"] as const),
  ...(["int32", "long32"] as const).map((name) => [name, "i32"] as const),
  ...(["function", "Fn", "callable"] as const).map((name) => [name, "fn"] as const),
]);

export abstract class TypeParser extends ExpressionParser {
  readonly type: ParserMethod<[], Type> = this.RULE("type", (): Type => {
    const start = this.LA(1);
    const parts = this.OR<{ element: IToken | null; dimensions: Dimension[] | null }>({
      ERR_MSG: "a type",
      DEF: [
        {
          ALT: () => {
            const element = this.CONSUME(t.Identifier);
            return { element, dimensions: this.OPTION1(() => this.SUBRULE1(this.dimensions)) ?? null };
          },
        },
        { ALT: () => ({ element: null, dimensions: this.SUBRULE2(this.dimensions) }) },
      ],
    });
    return this.ACTION(() => this.#checked(start, parts.element, parts.dimensions));
  });

  #checked(start: IToken, name: IToken | null, dimensions: Dimension[] | null): Type {
    const span = this.since(start);
    const element = name ? this.#element(name, dimensions !== null) : "f32";
    if (dimensions) {
      for (const rest of dimensions.slice(1)) {
        if (rest.kind === "rest") {
          this.report("E0112", rest.span, "`...` stands once in a type, before all other sizes");
        }
      }
      const isList = element === "int" || element === "float" || element === "string" || element === "fn";
      const only = dimensions[0];
      const fine = dimensions.length === 1 && only!.kind !== "rest" && !(only!.kind === "size" && only!.bound);
      if (element === "fn") {
        this.report("E0122", span, "there are no lists of functions");
      } else if (isList && !fine) {
        this.report("E0122", span, `a list has one length: \`${element}[n]\``, {
          help: ["a tensor has elements of f32, f16, i32 or bool"],
        });
      }
    } else if (element === "f32" || element === "f16" || element === "i32") {
      const end = { ...span, start: span.end };
      this.report("E0113", span, `a tensor type has sizes: \`${element}[]\` is a tensor of one element`, {
        help: ["a single number that is known when compiling is `int` or `float`"],
        fixes: [{ message: `write \`${element}[]\``, edits: [{ span: end, text: "[]" }] }],
      });
    }
    return { kind: "type", element, elementWritten: name !== null, dimensions, span };
  }

  /** The element type of that name; a wrong one is reported and taken as what was most likely meant. */
  #element(token: IToken, hasSizes: boolean): Type["element"] {
    const name = token.image;
    if (typeNames.has(name)) return name as Type["element"];
    const span = this.spanOf(token);
    const other = otherNames.get(name);
    const near = other ?? (nearest(name, typeNames) as Type["element"] | null);
    const lossy = name === "f64" || name === "bf16" || name === "tensor" || name === "Tensor";
    this.report("E0111", span, `there is no type \`${name}\``, {
      help: lossy
        ? ["tensors hold f32, f16, i32 or bool; weights of another type are converted to the declared one"]
        : near
          ? [`the nearest is \`${near}\``]
          : [`types are ${[...typeNames].join(", ")}`],
      fixes: near && !lossy ? [{ message: `write \`${near}\``, edits: [{ span, text: near }] }] : [],
    });
    return near ?? (hasSizes ? "f32" : "int");
  }

  readonly dimensions: ParserMethod<[], Dimension[]> = this.RULE("dimensions", (): Dimension[] => {
    this.CONSUME(t.LSquare);
    const dimensions = this.OPTION(() => this.items(10, this.dimension, "a size")) ?? [];
    this.CONSUME(t.RSquare);
    return dimensions;
  });

  readonly dimension: ParserMethod<[], Dimension> = this.RULE("dimension", (): Dimension => {
    const start = this.LA(1);
    return this.OR<Dimension>({
      ERR_MSG: "a size",
      DEF: [
        {
          ALT: () => {
            this.CONSUME(t.Ellipsis);
            return { kind: "rest", span: this.since(start) };
          },
        },
        {
          ALT: () => {
            const name = this.OPTION1(() => {
              const token = this.CONSUME(t.Identifier);
              this.CONSUME(t.Colon);
              return this.identifier(token);
            });
            const size = this.SUBRULE1(this.sum);
            const bound = this.OPTION2(() => {
              this.CONSUME(t.LessEqual);
              return this.SUBRULE2(this.sum);
            });
            const span = this.since(start);
            if (!name) return { kind: "size", size, bound: bound ?? null, span };
            this.ACTION(() => bound && this.report("E0122", bound.span, "a stacked dimension has no bound"));
            return { kind: "index", name, count: size, span };
          },
        },
      ],
    });
  });

  // ---- Arguments of declarations

  readonly parameters: ParserMethod<[], Parameter[]> = this.RULE("parameters", (): Parameter[] => {
    this.CONSUME(t.LParen);
    const found = [this.#guardedParameter(1, () => {})];
    this.MANY(() => {
      found.push(this.#guardedParameter(2, () => this.CONSUME(t.Comma)));
    });
    this.CONSUME(t.RParen);
    return this.ACTION(() => found.filter((parameter) => parameter !== null));
  });

  /** An argument, or none before the end of the list. After a mistake in it the next one is read. */
  #guardedParameter(number: 1 | 2, before: () => void): Parameter | null {
    return this.guarded(
      () => {
        before();
        const parameter = this.option(number, () => this.subrule(number, this.parameter));
        if (!parameter) this.ACTION(() => this.expectEnd("an argument"));
        return parameter ?? null;
      },
      (start) => this.find(number === 2 ? start + 1 : start, itemEnds),
    );
  }

  readonly parameter: ParserMethod<[], Parameter> = this.RULE("parameter", (): Parameter => {
    const start = this.LA(1);
    const name = this.CONSUME(t.Identifier);
    this.CONSUME(t.Colon);
    const type = this.SUBRULE(this.type);
    const value = this.OPTION1(() => {
      this.CONSUME(t.Equals);
      return this.SUBRULE(this.expression);
    });
    const keys: { text: string; span: Span }[] = [];
    this.OPTION2(() => {
      this.CONSUME(t.From);
      keys.push(this.#key(this.CONSUME1(t.StringLiteral)));
      this.MANY(() => {
        this.CONSUME(t.Pipe);
        keys.push(this.#key(this.CONSUME2(t.StringLiteral)));
      });
    });
    this.ACTION(() => this.#expectItemEnd());
    return {
      kind: "parameter",
      name: this.identifier(name),
      type,
      default: value ?? null,
      keys,
      span: this.since(start),
    };
  });

  #key(token: IToken) {
    return { text: stringValue(token), span: this.spanOf(token) };
  }

  /** What does not belong to an argument is a mistake of that argument, so that the next one is read. */
  #expectItemEnd(): void {
    const { tokenType } = this.LA(1);
    if (tokenType !== t.Comma && tokenType !== t.RParen) this.CONSUME(t.RParen);
  }
}

const itemEnds = new Set([t.Comma, t.RParen]);
