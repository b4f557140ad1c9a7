/**
 * The layout of expressions, types and arguments. Where a line may end outside of brackets follows the grammar: behind
 * an operator, `=`, `=>` and `,`; before `then`, `else`, `as`, `from`, `->` and `|`.
 */
import type {
  Applied,
  Argument,
  BinaryOperator,
  Body,
  Dimension,
  Expression,
  Parameter,
  Subscript,
  Type,
} from "./ast.js";
import {
  comma,
  concat,
  type Document,
  endsInComment,
  fill,
  flush,
  group,
  indent,
  line,
  softLine,
  solidGroup,
  space,
  trailingComma,
} from "./format-document.js";
import type { TokenReader } from "./format-tokens.js";

/** Operators of one strength stand in one chain. */
const strengths: Readonly<Record<BinaryOperator, number>> = {
  or: 1,
  and: 2,
  "+": 5,
  "-": 5,
  "*": 6,
  "/": 6,
  "//": 6,
  "%": 6,
  "@": 6,
  "**": 8,
};

export abstract class ExpressionFormatter {
  constructor(protected readonly tokens: TokenReader) {}

  protected abstract body(body: Body): Document;

  // ---- Lists

  /** Items with commas between them, one on each line if they do not fit on one. */
  protected list<T>(
    open: string,
    items: readonly T[],
    print: (item: T) => Document,
    close: string,
    options: { trailing?: boolean; solid?: boolean; filled?: boolean } = {},
  ): Document {
    const opening = this.tokens.take(open);
    if (items.length === 0) {
      // Comments may stand in the brackets.
      return group(opening, indent(flush), this.tokens.take(close));
    }
    const printed: Document[] = [];
    items.forEach((item, at) => {
      const content = print(item);
      const separator = at < items.length - 1 ? this.#comma() : options.trailing ? trailingComma : concat();
      printed.push(concat(content, separator));
    });
    const inner = options.filled
      ? fill(printed, line)
      : concat(...printed.map((item, at) => (at > 0 ? concat(line, item) : item)));
    const make = options.solid ? solidGroup : group;
    return make(opening, indent(softLine, inner, flush), softLine, this.tokens.take(close));
  }

  /** A comma goes before comments that stand before it; those behind it wait with them. */
  #comma(): Document {
    const taken = this.tokens.take(",");
    return taken.kind === "concat" ? concat(comma, ...taken.parts.slice(1)) : comma;
  }

  // ---- Expressions

  /** `level`: the rest of a chain stands as far in as its beginning, since that is on a line of its own. */
  protected expression(e: Expression, level = false): Document {
    switch (e.kind) {
      case "number":
      case "string":
      case "boolean":
      case "name":
      case "missing":
        return this.tokens.take();
      case "tuple":
        return this.list("(", e.items, (item) => this.expression(item), ")");
      case "list":
        return this.list("[", e.items, (item) => this.expression(item), "]", { filled: e.items.every(isSmall) });
      case "group":
        return group(
          this.tokens.take("("),
          indent(softLine, this.expression(e.value, true), flush),
          softLine,
          this.tokens.take(")"),
        );
      case "negate":
        return concat(this.tokens.take("-"), this.expression(e.value));
      case "not":
        return concat(this.tokens.take("not"), space, this.expression(e.value));
      case "binary":
      case "compare":
        return this.#chain(e, level);
      case "conditional":
        return this.#conditional(e);
      case "call":
        return concat(this.expression(e.callee), this.arguments(e.arguments));
      case "index":
        return concat(
          this.expression(e.value),
          this.list("[", e.subscripts, (item) => this.#subscript(item), "]"),
        );
      case "transpose":
        return concat(this.expression(e.value), this.tokens.take("."), this.tokens.take("T"));
      case "comprehension":
        return this.#comprehension(e);
    }
  }

  #chain(e: Extract<Expression, { kind: "binary" | "compare" }>, level: boolean): Document {
    const [first, ...others] = e.kind === "compare" ? e.operands : this.#operands(e);
    const start = this.expression(first!);
    // A power is one thing.
    const gap = e.kind === "binary" && e.operator === "**" ? space : line;
    let before = start;
    const rest = others.map((operand) => {
      // Behind a comment the operator begins a line: its operand stays with it.
      const operator = concat(space, this.tokens.take(), endsInComment(before) ? space : gap);
      before = this.expression(operand);
      return concat(operator, before);
    });
    return group(start, level ? concat(...rest) : indent(...rest));
  }

  /** The operands of a chain of operators of one strength that groups from the left. */
  #operands(e: Extract<Expression, { kind: "binary" }>): Expression[] {
    const strength = strengths[e.operator];
    const operands = [e.right];
    let left = e.left;
    while (e.operator !== "**" && left.kind === "binary" && strengths[left.operator] === strength) {
      operands.push(left.right);
      left = left.left;
    }
    operands.push(left);
    return operands.reverse();
  }

  #conditional(e: Expression): Document {
    const parts: Document[] = [];
    let rest = e;
    const chained = rest.kind === "conditional" && rest.no.kind === "conditional";
    while (rest.kind === "conditional") {
      const condition = concat(this.tokens.take("if"), space, this.expression(rest.condition));
      const yes = concat(line, this.tokens.take("then"), space, this.expression(rest.yes));
      parts.push(chained ? group(condition, indent(yes)) : concat(condition, indent(yes)));
      parts.push(line, concat(this.tokens.take("else"), space));
      rest = rest.no;
    }
    const last = this.expression(rest);
    // if … then … / else if … then … / else …
    const [first, ...others] = parts;
    return group(first!, indent(...others, last));
  }

  #comprehension(e: Extract<Expression, { kind: "comprehension" }>): Document {
    const indices = this.list(
      "[",
      e.indices,
      ({ size }) => concat(this.tokens.take(), this.tokens.take(":"), space, this.expression(size)),
      "]",
    );
    const arrow = concat(space, this.tokens.take("=>"));
    if (e.body.kind === "body") return concat(indices, arrow, space, this.body(e.body));
    return group(indices, arrow, indent(line, this.expression(e.body, true)));
  }

  #subscript(subscript: Subscript): Document {
    switch (subscript.kind) {
      case "rest":
        return this.tokens.take("...");
      case "at":
        return this.expression(subscript.index);
      case "range":
        return concat(
          subscript.low ? this.expression(subscript.low) : concat(),
          this.tokens.take(":"),
          subscript.high ? this.expression(subscript.high) : concat(),
        );
    }
  }

  protected arguments(given: readonly Argument[]): Document {
    const print = ({ name, value }: Argument) =>
      name
        ? concat(this.tokens.take(), space, this.tokens.take("="), space, this.expression(value))
        : this.expression(value);
    return this.list("(", given, print, ")", { trailing: true });
  }

  /** The value of a layer. */
  protected applied(value: Applied): Document {
    if (value.kind === "apply") return concat(this.tokens.take(), this.arguments(value.arguments));
    const condition = concat(this.tokens.take("if"), space, this.expression(value.condition));
    const yes = concat(line, this.tokens.take("then"), space, this.applied(value.yes));
    const no = concat(line, this.tokens.take("else"), space, this.applied(value.no));
    return group(condition, indent(yes, no));
  }

  /** `= value` behind a head: on its line if the value can be broken by itself, else on a line of its own. */
  protected assigned(head: Document, value: Expression): Document {
    const loose = this.tokens.commentsAfter();
    const equals = concat(head, space, this.tokens.take("="));
    if (!loose && hugs(value)) return concat(equals, space, this.expression(value));
    const below = indent(line, this.expression(value, true));
    return loose ? group(equals, below) : concat(equals, group(below));
  }

  // ---- Types and arguments of declarations

  protected type(type: Type): Document {
    const element = type.elementWritten ? this.tokens.take() : concat();
    if (!type.dimensions) return element;
    return concat(
      element,
      this.list("[", type.dimensions, (item) => this.#dimension(item), "]", { solid: true }),
    );
  }

  #dimension(dimension: Dimension): Document {
    switch (dimension.kind) {
      case "rest":
        return this.tokens.take("...");
      case "size": {
        const size = this.expression(dimension.size);
        if (!dimension.bound) return size;
        return concat(size, space, this.tokens.take("<="), space, this.expression(dimension.bound));
      }
      case "index":
        return concat(this.tokens.take(), this.tokens.take(":"), space, this.expression(dimension.count));
    }
  }

  protected parameters(parameters: readonly Parameter[]): Document {
    return this.list("(", parameters, (parameter) => this.#parameter(parameter), ")", { trailing: true });
  }

  #parameter(parameter: Parameter): Document {
    const head = concat(this.tokens.take(), this.tokens.take(":"), space, this.type(parameter.type));
    const start = parameter.default ? this.assigned(head, parameter.default) : head;
    if (parameter.keys.length === 0) return start;
    return group(
      start,
      indent(
        line,
        this.alternatives("from", parameter.keys, () => this.tokens.take()),
      ),
    );
  }

  /** `as a | b`, `from a | b`. */
  protected alternatives<T>(word: string, items: readonly T[], print: (item: T) => Document): Document {
    const head = concat(this.tokens.take(word), space);
    const printed = items.map((item, at) =>
      at > 0 ? concat(line, this.tokens.take("|"), space, print(item)) : print(item),
    );
    return group(head, indent(...printed));
  }
}

/** What is broken in its own brackets. */
function hugs(value: Expression): boolean {
  switch (value.kind) {
    case "call":
    case "list":
    case "tuple":
    case "group":
      return true;
    case "comprehension":
      return value.body.kind === "body";
    default:
      return false;
  }
}

function isSmall(e: Expression): boolean {
  return (
    e.kind === "number" ||
    e.kind === "string" ||
    e.kind === "name" ||
    e.kind === "boolean" ||
    (e.kind === "negate" && isSmall(e.value))
  );
}
