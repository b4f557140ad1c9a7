/**
 * Reads expressions as expression-text.ts writes them.
 *
 * An operator between two sizes is arithmetic of sizes, without regard to wrapping, as sizes are written. Everything else
 * is made by the functions of expressions.ts, which fold what they folded when the expression was made first. Each kind of
 * expression and each operator has its place in the tables below: TypeScript lists what is missing there.
 */
import {
  add,
  extreme,
  floorDiv,
  mod,
  mul,
  neg,
  type Size,
  SizeOverflow,
  type SizeVariable,
  size,
  sub,
} from "../../sizes/index.js";
import type { DumpReader } from "../text/reader.js";
import { infix } from "./expression-text.js";
import { binary, binaryElement, cast, constant, index, load, select, unary, unaryElement } from "./expressions.js";
import {
  type Buffer,
  type Expression,
  type KernelBinary,
  type KernelElement,
  type KernelUnary,
  kernelElements,
} from "./kernel.js";

/** What names stand for where an expression stands. */
export interface ExpressionScope {
  variable(name: string): SizeVariable | null;
  buffer(name: string): Buffer | null;
  /** A part that was written before the statement, as `%1 = ...`. */
  shared(name: string): Expression | null;
}

/** A size, as long as nothing but sizes is in it. */
type Operand = { readonly size: Size } | { readonly expression: Expression };

const unaryNames: { readonly [K in KernelUnary]: true } = {
  neg: true,
  abs: true,
  exp: true,
  log: true,
  log2: true,
  sqrt: true,
  rsqrt: true,
  sin: true,
  cos: true,
  tanh: true,
  erf: true,
  floor: true,
  ceil: true,
  not: true,
};

/** How arithmetic of sizes is done; null where an operator on two sizes is an expression. */
const sizeArithmetic: { readonly [K in KernelBinary]: ((a: Size, b: Size) => Size) | null } = {
  add,
  sub,
  mul,
  floor_div: floorDiv,
  mod,
  max: (a, b) => extreme("max", [a, b]),
  min: (a, b) => extreme("min", [a, b]),
  div: null,
  pow: null,
  lt: null,
  le: null,
  eq: null,
  ne: null,
  and: null,
  or: null,
};

const isUnary = (name: string): name is KernelUnary => Object.hasOwn(unaryNames, name);
const isBinary = (name: string): name is KernelBinary => Object.hasOwn(sizeArithmetic, name);

/** Calls by the word before the parenthesis: the kinds of expressions that are written as calls. */
type CallReader = (parser: ExpressionParser, name: string, operands: readonly Operand[]) => Operand | null;
const calls: { readonly [K in Expression["kind"]]: CallReader | null } = {
  constant: null,
  index: null,
  load: null,
  unary: (parser, name, operands) => {
    const operator = name.replace(/^i32\./, "");
    return isUnary(operator) ? parser.unary(operator, operands) : null;
  },
  binary: (parser, name, operands) => {
    const isMarked = name.startsWith("i32.");
    const operator = isMarked ? name.slice(4) : name;
    return isBinary(operator) ? parser.call(operator, operands, isMarked) : null;
  },
  select: (parser, name, operands) => (name === "select" ? parser.select(operands) : null),
  cast: (parser, name, operands) => {
    const element = kernelElements.find((each) => each === name);
    return element === undefined ? null : parser.cast(element, operands);
  },
};

const infixOperators = Object.entries(infix) as readonly (readonly [KernelBinary, (typeof infix)[KernelBinary]])[];

export class ExpressionParser {
  constructor(
    readonly reader: DumpReader,
    readonly scope: ExpressionScope,
  ) {}

  /** One expression, up to where it cannot go on. */
  expression(): Expression {
    return asExpression(this.#binary(0));
  }

  /** An expression that is a size. */
  size(): Size {
    const start = this.reader.position;
    const made = this.#binary(0);
    return "size" in made ? made.size : this.reader.fail("a size is needed here", this.reader.spanFrom(start));
  }

  #binary(least: number): Operand {
    const start = this.reader.position;
    let left = this.#prefix();
    for (;;) {
      const found = this.#operator(least);
      if (found === null) return left;
      const [operator, precedence] = found;
      const right = this.#binary(precedence + 1);
      left = this.#combine(operator, left, right, start);
    }
  }

  /** The operator that stands here, if it binds as tightly as asked; it is taken. */
  #operator(least: number): readonly [KernelBinary, number] | null {
    const { reader } = this;
    if (reader.indentation !== null) return null;
    for (const [operator, form] of infixOperators) {
      if (form === undefined || form.precedence < least) continue;
      const kind = /^\w/.test(form.symbol) ? "word" : "mark";
      if (reader.accept(kind, form.symbol) !== null) return [operator, form.precedence];
    }
    return null;
  }

  #prefix(): Operand {
    const { reader } = this;
    const start = reader.position;
    if (reader.accept("word", "not") !== null) return this.unary("not", [this.#prefix()], start);
    if (reader.accept("mark", "-") === null) return this.#atom();
    const operand = this.#prefix();
    if ("size" in operand) return { size: this.#sized(() => neg(operand.size), start) };
    return this.unary("neg", [operand], start);
  }

  #atom(): Operand {
    const { reader } = this;
    if (reader.accept("mark", "(") !== null) {
      const inner = this.#binary(0);
      reader.mark(")");
      return inner;
    }
    if (reader.sees("number")) return this.#number();
    if (reader.sees("value")) {
      const place = reader.span;
      const name = reader.expect("value", "a shared part");
      return { expression: this.scope.shared(name) ?? reader.fail(`%${name} is not written before its use`, place) };
    }
    return this.#name();
  }

  #number(): Operand {
    const { reader } = this;
    const place = reader.span;
    const text = reader.expect("number", "a number");
    if (/^-?\d+$/.test(text)) return { size: this.#sized(() => size(Number(text)), reader.position - 1) };
    return { expression: floatOf(text) ?? reader.fail(`\`${text}\` is no number`, place) };
  }

  #name(): Operand {
    const { reader } = this;
    const place = reader.span;
    const start = reader.position;
    const isQuoted = reader.sees("string");
    const name = isQuoted ? reader.string() : reader.expect("word", "an operand");
    if (!isQuoted) {
      if (name === "true" || name === "false") return { expression: constant(name === "true" ? 1 : 0, "bool") };
      const float = name.startsWith("nan") ? floatOf(name) : null;
      if (float !== null) return { expression: float };
      if (reader.sees("mark", "(")) return this.#call(name, start);
      const variable = this.scope.variable(name);
      if (variable !== null) return { size: size(variable) };
    }
    const buffer = this.scope.buffer(name);
    if (buffer === null) return reader.fail(`there is no size, loop or buffer ${name} here`, place);
    return { expression: load(buffer, this.indices(buffer, start)) };
  }

  /** `[t, 2*s]` of a buffer that was just named; nothing for rank 0. */
  indices(buffer: Buffer, start: number): readonly Expression[] {
    const { reader } = this;
    const found = reader.sees("mark", "[") ? reader.list(() => this.expression()) : [];
    const { length } = buffer.shape;
    if (found.length !== length)
      reader.fail(`${buffer.name} has ${length} axes, and ${found.length} indices stand here`, reader.spanFrom(start));
    const wrong = found.find((each) => each.element !== "i32");
    if (wrong !== undefined) reader.fail(`an index is i32, and this is ${wrong.element}`, reader.spanFrom(start));
    return found;
  }

  #call(name: string, start: number): Operand {
    const { reader } = this;
    reader.mark("(");
    const operands = reader.items(() => this.#binary(0), ")");
    for (const read of Object.values(calls)) {
      const made = this.#placed(start, () => read?.(this, name, operands) ?? null);
      if (made !== null) return made;
    }
    return reader.fail(`there is no function ${name}`, reader.spanFrom(start));
  }

  /** What a call is made of is told where the call stands. */
  #placed<T>(start: number, make: () => T): T {
    const outer = this.#start;
    this.#start = start;
    const made = make();
    this.#start = outer;
    return made;
  }
  #start = 0;

  unary(operator: KernelUnary, operands: readonly Operand[], start = this.#start): Operand {
    const [operand] = this.#operands(operator, operands, 1, start);
    if (unaryElement(operator, operand!.element) === null)
      this.reader.fail(`${operator} does not take ${operand!.element}`, this.reader.spanFrom(start));
    return { expression: unary(operator, operand!) };
  }

  /** A function of two values; `min` and `max` of sizes take any number. */
  call(operator: KernelBinary, operands: readonly Operand[], isMarked: boolean): Operand {
    const sizes = operands.flatMap((each) => ("size" in each ? [each.size] : []));
    const isExtreme = operator === "max" || operator === "min";
    if (isExtreme && !isMarked && sizes.length === operands.length && sizes.length > 0)
      return { size: this.#sized(() => extreme(operator, sizes), this.#start) };
    const [left, right] = this.#operands(operator, operands, 2, this.#start);
    return this.#combineExpressions(operator, left!, right!, this.#start);
  }

  select(operands: readonly Operand[]): Operand {
    const [condition, yes, no] = this.#operands("select", operands, 3, this.#start);
    if (condition!.element !== "bool" || yes!.element !== no!.element) {
      const given = `${condition!.element}, ${yes!.element} and ${no!.element}`;
      this.reader.fail(`select does not take ${given}`, this.reader.spanFrom(this.#start));
    }
    return { expression: select(condition!, yes!, no!) };
  }

  cast(element: KernelElement, operands: readonly Operand[]): Operand {
    return { expression: cast(this.#operands(element, operands, 1, this.#start)[0]!, element) };
  }

  #operands(what: string, operands: readonly Operand[], count: number, start: number): readonly Expression[] {
    if (operands.length !== count) {
      const message = `${what} takes ${count} operand${count === 1 ? "" : "s"}, and ${operands.length} stand here`;
      this.reader.fail(message, this.reader.spanFrom(start));
    }
    return operands.map(asExpression);
  }

  #combine(operator: KernelBinary, left: Operand, right: Operand, start: number): Operand {
    const arithmetic = sizeArithmetic[operator];
    if (arithmetic !== null && "size" in left && "size" in right)
      return { size: this.#sized(() => arithmetic(left.size, right.size), start) };
    return this.#combineExpressions(operator, asExpression(left), asExpression(right), start);
  }

  #combineExpressions(operator: KernelBinary, left: Expression, right: Expression, start: number): Operand {
    if (binaryElement(operator, left.element, right.element) === null) {
      const message = `${operator} does not take ${left.element} and ${right.element}`;
      this.reader.fail(message, this.reader.spanFrom(start));
    }
    return { expression: binary(operator, left, right) };
  }

  /** Arithmetic of sizes, which may leave the numbers that are exact or divide by 0. */
  #sized(compute: () => Size, start: number): Size {
    try {
      return compute();
    } catch (error) {
      if (!(error instanceof SizeOverflow || error instanceof RangeError)) throw error;
      return this.reader.fail(error.message, this.reader.spanFrom(start));
    }
  }
}

function asExpression(operand: Operand): Expression {
  return "size" in operand ? index(operand.size) : operand.expression;
}

/** `0.5`, `inf`, `nan`, each with an `h` after it for f16; null for other texts. */
function floatOf(text: string): Expression | null {
  const [, sign = "", digits = "", half] = /^(-?)(nan|inf|\d.*?)(h?)$/.exec(text) ?? [];
  const magnitude = digits === "nan" ? Number.NaN : digits === "inf" ? Infinity : Number(digits || "x");
  if (digits !== "nan" && Number.isNaN(magnitude)) return null;
  const value = sign === "-" ? -magnitude : magnitude;
  return half === "h" ? constant(value, "f16") : constant(Math.fround(value), "f32");
}
