/**
 * Rebuilds statements and expressions with other loop variables and other buffers.
 *
 * What must stay true: a variable's range never changes, so a loop whose range mentions what is replaced gets a new
 * variable, made before any expression over it. Whoever replaces a variable sees to it that the replacement lies within
 * the variable's range wherever the result is evaluated, since simplifications have used that range.
 */
import { InternalError } from "../diagnostics/index.js";
import {
  Buffer,
  binary,
  cast,
  type Expression,
  index,
  load,
  type Statement,
  select,
  unary,
} from "../ir/kernel/index.js";
import { type Size, SizeVariable, size, sub, substitute } from "../sizes/index.js";

export type Loop = Extract<Statement, { kind: "for" }>;
export type Store = Extract<Statement, { kind: "store" }>;

/** Another buffer in place of one, and where its elements lie there. */
export interface Moved {
  readonly buffer: Buffer;
  readonly index: (index: readonly Expression[]) => readonly Expression[];
}

/** A loop with a variable of this name, over 0 … extent - 1. */
export function loopOver(
  name: string,
  extent: Size,
  kind: Loop["loop"],
  body: (at: Size) => readonly Statement[],
): Loop {
  const variable = new SizeVariable(name, 0, sub(extent, 1));
  return { kind: "for", variable, extent, loop: kind, body: body(size(variable)) };
}

/** The expression made of other operands, in their order. */
function withOperands(expression: Expression, of: (operand: Expression) => Expression): Expression {
  switch (expression.kind) {
    case "constant":
    case "index":
      return expression;
    case "unary":
      return unary(expression.operator, of(expression.operand));
    case "binary":
      return binary(expression.operator, of(expression.left), of(expression.right));
    case "select":
      return select(of(expression.condition), of(expression.yes), of(expression.no));
    case "cast":
      return cast(of(expression.operand), expression.element);
    case "load":
      return load(expression.buffer, expression.index.map(of));
  }
}

/** The expression with others in place of parts of it; what `replace` gives null for is looked into. */
export function withParts(expression: Expression, replace: (part: Expression) => Expression | null): Expression {
  const done = new Map<Expression, Expression>();
  const visit = (part: Expression): Expression => {
    let made = done.get(part);
    if (made === undefined) {
      made = replace(part) ?? withOperands(part, visit);
      done.set(part, made);
    }
    return made;
  };
  return visit(expression);
}

/** Statements with other expressions in place of parts of those that they evaluate. */
export function withStatementParts(
  body: readonly Statement[],
  replace: (part: Expression) => Expression | null,
): readonly Statement[] {
  const of = (expression: Expression): Expression => withParts(expression, replace);
  return body.map((each): Statement => {
    if (each.kind === "for") return { ...each, body: withStatementParts(each.body, replace) };
    if (each.kind === "if") {
      return { ...each, condition: of(each.condition), body: withStatementParts(each.body, replace) };
    }
    return each.kind === "store" ? { ...each, index: each.index.map(of), value: of(each.value) } : each;
  });
}

/** The statements with another block in place of the one that holds a statement. */
export function replaceInBlock(
  body: readonly Statement[],
  statement: Statement,
  replace: (block: readonly Statement[], at: number) => readonly Statement[],
): readonly Statement[] {
  const at = body.indexOf(statement);
  if (at >= 0) return replace(body, at);
  return body.map((each) =>
    each.kind === "for" || each.kind === "if" ? { ...each, body: replaceInBlock(each.body, statement, replace) } : each,
  );
}

export class Rewriter {
  readonly #variables = new Map<SizeVariable, Size>();
  readonly #buffers = new Map<Buffer, Moved>();
  readonly #done = new Map<Expression, Expression>();
  /** The names for copies of loops; null where loops are kept. */
  #copies: string[] | null = null;

  variable(from: SizeVariable, to: Size): this {
    this.#variables.set(from, to);
    this.#done.clear();
    return this;
  }

  buffer(from: Buffer, to: Moved): this {
    this.#buffers.set(from, to);
    this.#done.clear();
    return this;
  }

  /** What is rewritten from now on is a copy: its loops get these names in their order, its buffers are new. */
  copying(names: readonly string[]): this {
    this.#copies = [...names];
    return this;
  }

  size(value: Size): Size {
    return substitute(value, (variable) => this.#variables.get(variable) ?? null);
  }

  expression(expression: Expression): Expression {
    const known = this.#done.get(expression);
    if (known !== undefined) return known;
    const made = this.#rebuilt(expression);
    this.#done.set(expression, made);
    return made;
  }

  #rebuilt(expression: Expression): Expression {
    if (expression.kind === "index") return index(this.size(expression.value));
    const made = withOperands(expression, (operand) => this.expression(operand));
    const moved = made.kind === "load" ? this.#buffers.get(made.buffer) : undefined;
    return made.kind === "load" && moved !== undefined ? load(moved.buffer, moved.index(made.index)) : made;
  }

  statements(statements: readonly Statement[]): readonly Statement[] {
    return statements.flatMap((each) => this.statement(each));
  }

  statement(statement: Statement): readonly Statement[] {
    switch (statement.kind) {
      case "for":
        return [this.#loop(statement)];
      case "if": {
        const condition = this.expression(statement.condition);
        // What is proven not to run goes: its indices need not lie in bounds.
        if (condition.kind === "constant") return condition.value === 0 ? [] : this.statements(statement.body);
        return [{ ...statement, condition, body: this.statements(statement.body) }];
      }
      case "store": {
        const at = statement.index.map((each) => this.expression(each));
        const moved = this.#buffers.get(statement.buffer);
        const place =
          moved === undefined
            ? { buffer: statement.buffer, index: at }
            : { buffer: moved.buffer, index: moved.index(at) };
        return [{ ...statement, ...place, value: this.expression(statement.value) }];
      }
      case "alloc":
        return [{ kind: "alloc", buffer: this.#allocated(statement.buffer) }];
      case "barrier":
        return [statement];
      case "meet":
        return [{ ...statement, buffer: this.#buffers.get(statement.buffer)?.buffer ?? statement.buffer }];
    }
  }

  #loop(loop: Loop): Loop {
    const { variable } = loop;
    const extent = this.size(loop.extent);
    if (this.#copies === null && extent === loop.extent) return { ...loop, body: this.statements(loop.body) };
    const name = this.#copies === null ? variable.name : this.#copies.shift();
    if (name === undefined) throw new InternalError(`a copy of the loop ${variable.name} has no name`);
    return loopOver(name, extent, loop.loop, (at) => {
      this.variable(variable, at);
      return this.statements(loop.body);
    });
  }

  #allocated(buffer: Buffer): Buffer {
    const moved = this.#buffers.get(buffer);
    if (moved !== undefined) return moved.buffer;
    const shape = buffer.shape.map((each) => this.size(each));
    if (this.#copies === null && shape.every((each, axis) => each === buffer.shape[axis])) return buffer;
    const copy = new Buffer(buffer.name, buffer.element, shape, buffer.scope);
    this.buffer(buffer, { buffer: copy, index: (at) => at });
    return copy;
  }
}
