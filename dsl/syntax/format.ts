/**
 * `trafo fmt`: one layout for every program. Lines are at most 120 wide, bodies stand two further in, arguments that do
 * not fit on a line stand one on each. Two things the writer decides: an empty line between statements stays (one at
 * most), and a body of one statement stays on one line if it was written so and fits.
 *
 * What must stay true: the tokens are those that were written, in their order, but for commas before a closing
 * bracket; every comment stays between the same two tokens, on a line of its own or behind code as it was; so the
 * meaning is the same, and formatting twice is formatting once. The tests hold all of this on generated programs.
 */
import { Diagnostics, type SourceFile, UserError } from "../../src/diagnostics/index.js";
import type {
  Block,
  Body,
  Declaration,
  Entry,
  File,
  Function as FunctionDeclaration,
  Import,
  Model,
  Statement,
  Type,
} from "./ast.js";
import {
  body,
  concat,
  type Document,
  fill,
  flatWidth,
  flush,
  group,
  indent,
  line,
  newLine,
  printDocument,
  space,
} from "./format-document.js";
import { ExpressionFormatter } from "./format-expressions.js";
import { TokenReader } from "./format-tokens.js";
import { parseWithTokens } from "./parser.js";

const width = 120;

/**
 * The text of a file in the one layout. Lines end as the first line of the file does.
 *
 * @throws UserError with the diagnostics, if the file does not parse.
 */
export function format(file: SourceFile): string {
  const diagnostics = new Diagnostics();
  const { tree, tokens, comments } = parseWithTokens(file, diagnostics);
  if (diagnostics.hasErrors) throw new UserError(diagnostics.sorted);
  const document = new Formatter(new TokenReader(file, tokens, comments)).file(tree);
  const lines = printDocument(document, width);
  const out = lines === "" ? "" : `${lines}\n`;
  return /^[^\n]*\r\n/.test(file.text) ? out.replaceAll("\n", "\r\n") : out;
}

type Item = Statement | Declaration | Entry;

class Formatter extends ExpressionFormatter {
  /** How many bodies are open. */
  #depth = 0;
  /** True while a statement is tried on one line. */
  #flat = false;

  file(tree: File): Document {
    return concat(this.tokens.leading, this.#items(tree.declarations, true));
  }

  /** Statements or declarations, each on its line. */
  #items(items: readonly Item[], first: boolean): Document {
    return concat(
      ...items.map((item, at) => {
        const blank = (at > 0 || first) && this.tokens.blankBefore(item.span.start);
        return concat(newLine(blank), this.#item(item));
      }),
    );
  }

  /**
   * A statement or declaration. If the bodies that it holds were written on one line each, and all of it fits on one
   * line, it is printed so; else every body goes over several lines.
   */
  #item(item: Item): Document {
    if (!this.#flat && this.tokens.hasOnlyOneLineBodies(item.span.end)) {
      const start = this.tokens.mark();
      this.#flat = true;
      const onOneLine = this.#choose(item);
      this.#flat = false;
      if (flatWidth(onOneLine) <= width - 2 * this.#depth) return onOneLine;
      this.tokens.rewind(start);
    }
    return this.#choose(item);
  }

  #choose(item: Item): Document {
    switch (item.kind) {
      case "import":
        return this.#import(item);
      case "fn":
        return this.#fn(item);
      case "block":
        return this.#block(item);
      case "model":
        return this.#model(item);
      case "entry":
        return this.#entry(item);
      default:
        return this.#statement(item);
    }
  }

  protected body(node: Body): Document {
    return this.#braces(node.statements);
  }

  #braces(items: readonly Item[]): Document {
    const loose = this.tokens.commentsAfter();
    const open = this.tokens.take("{");
    if (items.length === 0 && !loose) return concat(open, this.tokens.take("}"));
    if (this.#flat) {
      const inner = items.map((item) => this.#item(item));
      return group(open, indent(line, ...inner), line, this.tokens.take("}"));
    }
    this.#depth++;
    // Behind comments at the beginning an empty line stays; else there is none.
    const inner = this.#items(items, this.tokens.commentsBehind);
    this.#depth--;
    return body(open, indent(inner, flush), newLine(), this.tokens.take("}"));
  }

  // ---- Declarations

  #import(node: Import): Document {
    const head = concat(this.tokens.take("import"), space, this.tokens.take(), this.tokens.take(":"), space);
    const names = node.names.map((_, at) => {
      const name = this.tokens.take();
      return at < node.names.length - 1 ? concat(name, this.tokens.take(",")) : name;
    });
    return concat(head, indent(fill(names, line)));
  }

  #fn(node: FunctionDeclaration): Document {
    const name = concat(this.tokens.take("fn"), space, this.tokens.take());
    const parameters = this.parameters(node.parameters);
    const head = concat(name, parameters, node.result ? this.#results(node.result, node.resultIsTuple) : concat());
    return node.body.kind === "body" ? concat(head, space, this.body(node.body)) : this.assigned(head, node.body);
  }

  #results(types: readonly Type[], isTuple: boolean): Document {
    const arrow = concat(space, this.tokens.take("->"), space);
    if (!isTuple) return concat(arrow, this.type(types[0]!));
    return concat(
      arrow,
      this.list("(", types, (type) => this.type(type), ")", { solid: true }),
    );
  }

  #block(node: Block): Document {
    return concat(
      this.tokens.take("block"),
      space,
      this.tokens.take(),
      this.parameters(node.statics),
      this.parameters(node.parameters),
      this.#results(node.result, node.resultIsTuple),
      space,
      this.body(node.body),
    );
  }

  #model(node: Model): Document {
    const head = concat(this.tokens.take("model"), space, this.tokens.take(), this.parameters(node.statics), space);
    return concat(head, this.#braces(node.members));
  }

  #entry(node: Entry): Document {
    const name = concat(this.tokens.take("entry"), space, this.tokens.take());
    const parameters = this.parameters(node.parameters);
    const incremental = node.incremental
      ? concat(space, this.tokens.take("incremental"), space, this.tokens.take())
      : concat();
    const start = concat(name, parameters, incremental);
    const arrow = concat(this.tokens.take("->"), space);
    const results = this.list(
      "(",
      node.results,
      ({ type }) => concat(this.tokens.take(), this.tokens.take(":"), space, this.type(type)),
      ")",
      { solid: true },
    );
    const rest = concat(arrow, results, space);
    // Behind `incremental` the results go to the next line before the arguments are broken up.
    const room = width - 2 * this.#depth - flatWidth(start);
    const fits = flatWidth(rest) + 2 <= room;
    const head = node.incremental && !fits && room >= 0 ? concat(start, indent(newLine(), rest)) : null;
    return concat(head ?? concat(start, space, rest), this.body(node.body));
  }

  // ---- Statements

  #statement(node: Statement): Document {
    switch (node.kind) {
      case "param": {
        const head = concat(this.tokens.take("param"), space, this.tokens.take(), this.tokens.take(":"), space);
        return this.#withPaths(concat(head, this.type(node.type)), node.paths);
      }
      case "layer":
        return this.#layer(node);
      case "let": {
        const word = concat(this.tokens.take("let"), space);
        const names = node.unpacks ? this.list("(", node.names, () => this.tokens.take(), ")") : this.tokens.take();
        return this.assigned(concat(word, names), node.value);
      }
      case "assign":
        return this.assigned(this.tokens.take(), node.value);
      case "for": {
        const head = concat(this.tokens.take("for"), space, this.tokens.take());
        const sign = node.each ? concat(space, this.tokens.take("in")) : this.tokens.take(":");
        return concat(head, sign, space, this.expression(node.over), space, this.body(node.body));
      }
      case "if":
        return this.#if(node);
      case "assert": {
        const head = concat(this.tokens.take("assert"), space, this.expression(node.condition), this.tokens.take(","));
        return group(head, indent(line, this.tokens.take()));
      }
      case "expression":
        return this.expression(node.value);
    }
  }

  #layer(node: Extract<Statement, { kind: "layer" }>): Document {
    const name = concat(this.tokens.take("layer"), space, this.tokens.take());
    const array = node.array
      ? concat(
          this.tokens.take("["),
          node.array.index ? concat(this.tokens.take(), this.tokens.take(":"), space) : concat(),
          this.expression(node.array.count),
          this.tokens.take("]"),
        )
      : concat();
    const head = concat(name, array, space, this.tokens.take("="), space, this.applied(node.value));
    return this.#withPaths(head, node.paths);
  }

  #withPaths(head: Document, paths: Extract<Statement, { kind: "param" }>["paths"]): Document {
    if (paths.length === 0) return head;
    return group(
      head,
      indent(
        line,
        this.alternatives("as", paths, (path) => this.expression(path)),
      ),
    );
  }

  #if(node: Extract<Statement, { kind: "if" }>): Document {
    const parts: Document[] = [];
    for (let next: typeof node | Body | null = node; next; next = next.kind === "if" ? next.no : null) {
      if (next.kind === "body") parts.push(this.body(next));
      else {
        parts.push(this.tokens.take("if"), space, this.expression(next.condition), space, this.body(next.yes));
        if (next.no) parts.push(space, this.tokens.take("else"), space);
      }
    }
    return concat(...parts);
  }
}
