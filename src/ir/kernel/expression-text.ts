/**
 * The text of an expression, with parentheses only where precedence asks for them; expression-parser.ts reads it back.
 *
 * Arithmetic of sizes is written as such, since it is one size: `t + 1`. An operator on two sizes that was not folded,
 * because it may wrap around, is another expression, and is written as a call: `i32.add(T, 1)`.
 */
import type { Size } from "../../sizes/index.js";
import type { Buffer, Expression, KernelBinary, KernelElement } from "./kernel.js";

/** How buffers are called, and which expressions have a name of their own. */
export interface ExpressionNames {
  buffer(buffer: Buffer): string;
  size(value: Size): string;
  shared(expression: Expression): string | null;
}

export interface Infix {
  readonly symbol: string;
  readonly precedence: number;
}

/** Operators that are written between their operands; the others are written as calls. */
export const infix: { readonly [K in KernelBinary]?: Infix } = {
  or: { symbol: "or", precedence: 1 },
  and: { symbol: "and", precedence: 2 },
  lt: { symbol: "<", precedence: 4 },
  le: { symbol: "<=", precedence: 4 },
  eq: { symbol: "==", precedence: 4 },
  ne: { symbol: "!=", precedence: 4 },
  add: { symbol: "+", precedence: 5 },
  sub: { symbol: "-", precedence: 5 },
  mul: { symbol: "*", precedence: 6 },
  div: { symbol: "/", precedence: 6 },
  floor_div: { symbol: "//", precedence: 6 },
  mod: { symbol: "%", precedence: 6 },
};
/** Comparisons do not group. */
export const comparison = 4;
const negation = 7;
const atom = 8;

/** The text and how tightly its outermost operator binds. */
interface Piece {
  readonly text: string;
  readonly precedence: number;
}

export function expressionText(expression: Expression, names: ExpressionNames): string {
  return new Writer(names).piece(expression).text;
}

class Writer {
  constructor(readonly names: ExpressionNames) {}

  piece(expression: Expression): Piece {
    const shared = this.names.shared(expression);
    if (shared !== null) return { text: shared, precedence: atom };
    switch (expression.kind) {
      case "constant":
        return { text: numberText(expression.value, expression.element), precedence: atom };
      case "index": {
        const text = this.names.size(expression.value);
        return { text, precedence: /^-|[ *]/.test(text) ? 0 : atom };
      }
      case "load": {
        const at = expression.index.map((each) => this.piece(each).text).join(", ");
        const name = this.names.buffer(expression.buffer);
        return { text: expression.index.length === 0 ? name : `${name}[${at}]`, precedence: atom };
      }
      case "cast":
        return this.#call(expression.element, [expression.operand]);
      case "select":
        return this.#call("select", [expression.condition, expression.yes, expression.no]);
      case "unary": {
        if (expression.operator !== "neg" && expression.operator !== "not") {
          return this.#call(expression.operator, [expression.operand]);
        }
        if (expression.operand.kind === "index") return this.#call("i32.neg", [expression.operand]);
        const symbol = expression.operator === "neg" ? "-" : "not ";
        // A minus before a number is its sign.
        if (expression.operand.kind === "constant" && expression.operator === "neg")
          return { text: `-(${this.piece(expression.operand).text})`, precedence: negation };
        return { text: symbol + this.#within(expression.operand, negation), precedence: negation };
      }
      case "binary": {
        const form = infix[expression.operator];
        if (isOnSizes(expression)) return this.#call(`i32.${expression.operator}`, [expression.left, expression.right]);
        if (form === undefined) return this.#call(expression.operator, [expression.left, expression.right]);
        const { symbol, precedence } = form;
        // Operators group to the left; comparisons do not group.
        const left = this.#within(expression.left, precedence === comparison ? comparison + 1 : precedence);
        const right = this.#within(expression.right, precedence + 1);
        return { text: `${left} ${symbol} ${right}`, precedence };
      }
    }
  }

  #within(expression: Expression, precedence: number): string {
    const piece = this.piece(expression);
    return piece.precedence < precedence ? `(${piece.text})` : piece.text;
  }

  #call(name: string, operands: readonly Expression[]): Piece {
    return { text: `${name}(${operands.map((each) => this.piece(each).text).join(", ")})`, precedence: atom };
  }
}

/** Whether an operator on two sizes would be read as their arithmetic. */
function isOnSizes({ left, right, element }: Extract<Expression, { kind: "binary" }>): boolean {
  return left.kind === "index" && right.kind === "index" && element === "i32";
}

/**
 * Exact and short: a float has a point or an exponent, so that it is not taken for an i32, and the fewest digits that
 * round to it in f32; an f16 ends in `h`.
 */
export function numberText(value: number, element: KernelElement): string {
  if (element === "bool") return value === 0 ? "false" : "true";
  if (element === "i32") return String(value);
  const suffix = element === "f16" ? "h" : "";
  if (Number.isNaN(value)) return `nan${suffix}`;
  if (!Number.isFinite(value)) return `${value < 0 ? "-inf" : "inf"}${suffix}`;
  const digits = Object.is(value, -0) ? "-0" : shortest(value);
  return (/[.e]/.test(digits) ? digits : `${digits}.0`) + suffix;
}

function shortest(value: number): string {
  if (Math.fround(value) !== value) return String(value);
  for (let digits = 1; digits <= 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return String(short);
  }
  return String(value);
}
