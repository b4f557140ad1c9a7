/**
 * Which expressions of a kernel are rounded to their element type at every operator.
 *
 * Kernels compute in f64 and round where they store, which is faster and nearer to the truth. But a number that decides
 * something (the operand of a comparison, of floor, of a cast to i32) or that is an angle must be the one that a model
 * computed in f32 has: an angle of position 1000 that is right to f64 departs from every published model. What lies
 * beneath such an operand is rounded step by step, up to loads; sums are kept in f64 and rounded once they are read. So is
 * what is stored that is made of indices, or whole numbers such as positions: it may be angles, of which another kernel takes
 * the sine.
 */
import { isFloat as isFloatElement, isNarrowFloat } from "../../src/ir/graph/types.js";
import {
  allExpressions,
  allStatements,
  type Buffer,
  type Expression,
  type Kernel,
  operandsOf,
  type Statement,
} from "../../src/ir/kernel/index.js";
import { rangeOf } from "../../src/sizes/index.js";

const positional: ReadonlySet<string> = new Set([
  "sin",
  "cos",
  "floor",
  "ceil",
  "floor_div",
  "mod",
  "lt",
  "le",
  "eq",
  "ne",
]);

type Store = Extract<Statement, { kind: "store" }>;

/** What a value is made of, what counts most last. */
const kinds = ["constants", "indices", "inputs"] as const;
type Made = (typeof kinds)[number];

function most(made: readonly Made[]): Made {
  return kinds[Math.max(0, ...made.map((each) => kinds.indexOf(each)))]!;
}

export class Rounding {
  readonly #stores = new Map<Buffer, Store[]>();
  readonly #beneath = new Set<Expression>();
  readonly #exactBuffers = new Map<Buffer, boolean>();
  readonly #made = new Map<Buffer, Made>();

  constructor(kernel: Kernel) {
    for (const statement of allStatements(kernel.body)) {
      if (statement.kind !== "store" || statement.buffer.scope === "global") continue;
      const stores = this.#stores.get(statement.buffer);
      if (stores) stores.push(statement);
      else this.#stores.set(statement.buffer, [statement]);
    }
    for (const expression of allExpressions(kernel.body))
      for (const decider of this.#deciders(expression)) this.#mark(decider);
    for (const statement of allStatements(kernel.body)) {
      if (statement.kind !== "store" || statement.buffer.scope !== "global") continue;
      const { value } = statement;
      if (this.#madeOf(value) !== "indices" || this.#beneath.has(value)) continue;
      this.#mark(value);
      // The array rounds what is stored itself.
      this.#beneath.delete(value);
    }
  }

  /** Whether a value is made of indices or whole numbers, with what is known at load; of that alone; or of a run's floats. */
  #madeOf(expression: Expression): Made {
    if (expression.kind === "index") return "indices";
    if (expression.kind !== "load") return most(operandsOf(expression).map((operand) => this.#madeOf(operand)));
    const { buffer } = expression;
    if (buffer.scope === "global") {
      if (buffer.facts.constant === true) return "constants";
      return isFloat(expression) ? "inputs" : "indices";
    }
    const known = this.#made.get(buffer);
    if (known !== undefined) return known;
    // Assumed while its own stores are looked at.
    this.#made.set(buffer, "constants");
    const stores = this.#stores.get(buffer) ?? [];
    const made = most(stores.map(({ update, value }) => (update === null ? this.#madeOf(value) : "inputs")));
    this.#made.set(buffer, made);
    return made;
  }

  /** The operands that must be what f32 makes of them. */
  #deciders(expression: Expression): readonly Expression[] {
    const decides =
      ((expression.kind === "unary" || expression.kind === "binary") && positional.has(expression.operator)) ||
      (expression.kind === "cast" && !isFloat(expression) && expression.element !== "bool");
    if (!decides) return [];
    const operands = operandsOf(expression);
    // Rounding keeps the sign: what is compared with 0 need not be rounded itself, only what it is made of.
    if (!operands.some(isZero)) return operands;
    return operands.flatMap((operand) => (operand.kind === "load" ? [] : operandsOf(operand)));
  }

  /** Whether the expression's value is rounded where it is computed. */
  needed(expression: Expression): boolean {
    return this.#beneath.has(expression) && !this.#isExact(expression);
  }

  #mark(expression: Expression): void {
    if (!isFloat(expression) || this.#beneath.has(expression)) return;
    this.#beneath.add(expression);
    if (expression.kind !== "load") {
      for (const operand of operandsOf(expression)) this.#mark(operand);
      return;
    }
    const stores = this.#stores.get(expression.buffer) ?? [];
    if (stores.every((store) => store.update !== "add")) for (const store of stores) this.#mark(store.value);
  }

  /** Whether the value is one of its element type anyway, if its operands are rounded. */
  #isExact(expression: Expression): boolean {
    switch (expression.kind) {
      case "constant":
        return expression.element !== "f32" || Object.is(Math.fround(expression.value), expression.value);
      case "index":
        return true;
      case "unary":
        return ["neg", "abs", "floor", "ceil", "not"].includes(expression.operator) || !isFloat(expression);
      case "binary":
        return ["max", "min"].includes(expression.operator) || !isFloat(expression);
      case "select":
        return true;
      case "cast":
        return this.#isExactCast(expression.operand, expression);
      case "load":
        return expression.buffer.scope === "global" || this.#isExactBuffer(expression.buffer);
    }
  }

  #isExactCast(from: Expression, to: Expression): boolean {
    if (!isFloat(to) || from.element === "bool") return true;
    // Casts to 16 bits round wherever they stand, and every such number is an f32.
    if (isNarrowFloat(to.element) || isNarrowFloat(from.element)) return true;
    if (from.kind !== "index") return false;
    const { min, max } = rangeOf(from.value);
    return min >= -(2 ** 24) && max <= 2 ** 24;
  }

  /** A private buffer whose numbers are never the result of an operator, or always rounded. */
  #isExactBuffer(buffer: Buffer): boolean {
    const known = this.#exactBuffers.get(buffer);
    if (known !== undefined) return known;
    // Assumed while its own stores are looked at: what only moves in a circle stays exact.
    this.#exactBuffers.set(buffer, true);
    const stores = this.#stores.get(buffer) ?? [];
    const exact = stores.every(
      ({ update, value }) => update !== "add" && (this.#beneath.has(value) || this.#isExact(value)),
    );
    this.#exactBuffers.set(buffer, exact);
    return exact;
  }
}

function isFloat({ element }: Expression): boolean {
  return isFloatElement(element);
}

function isZero(expression: Expression): boolean {
  return expression.kind === "constant" && expression.value === 0;
}
