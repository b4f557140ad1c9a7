/**
 * Shares equal expressions, so that they are one object, and makes the leaves: constants and sizes.
 *
 * A table hangs on the newest part of the expressions in it (a buffer for its loads) that is no number, as numbers never go: so
 * expressions go when their kernels go. Keys hold the ids of all parts: ids are never used twice, so two different expressions
 * have two keys.
 */
import { InternalError } from "../../diagnostics/index.js";
import { constantOf, type Size, size } from "../../sizes/index.js";
import type { Expression, KernelElement } from "./kernel.js";

const tables = new WeakMap<object, Map<string, Expression>>();
const ids = new WeakMap<Expression, number>();
const constants = new Map<string, Expression>();
let nextId = 1;

/** The expression of this key in a table; `make` is called only if there is none. */
function shareIn(table: Map<string, Expression>, key: string, make: () => Expression): Expression {
  const known = table.get(key);
  if (known !== undefined) return known;
  const made = make();
  ids.set(made, nextId++);
  table.set(key, made);
  return made;
}

function tableOf(anchor: object): Map<string, Expression> {
  let table = tables.get(anchor);
  if (table === undefined) {
    table = new Map();
    tables.set(anchor, table);
  }
  return table;
}

/** A number that no other expression has. */
function idOf(expression: Expression): number {
  const id = ids.get(expression);
  if (id === undefined) throw new InternalError("an expression was not made by expressions.ts");
  return id;
}

function isNumber(expression: Expression): boolean {
  return expression.kind === "constant" || (expression.kind === "index" && constantOf(expression.value) !== null);
}

/** Shares an expression of at least one operand. `tag` tells it from others of the same operands. */
export function shareOf(tag: string, operands: readonly Expression[], make: () => Expression): Expression {
  let newest: Expression | null = null;
  for (const operand of operands) {
    if (!isNumber(operand) && (newest === null || idOf(operand) > idOf(newest))) newest = operand;
  }
  return shareIn(tableOf(newest ?? operands[0]!), `${tag} ${operands.map(idOf).join(" ")}`, make);
}

/** Shares an expression of something that is no expression, and perhaps of operands. */
export function shareAt(anchor: object, operands: readonly Expression[], make: () => Expression): Expression {
  return shareIn(tableOf(anchor), operands.map(idOf).join(" "), make);
}

/** A size, such as one made of loop variables, as an i32. */
export function index(value: Size | number): Expression {
  const form = typeof value === "number" ? size(value) : value;
  return shareAt(form, [], () => ({ kind: "index", value: form, element: "i32" }));
}

/** A number of the element type; it must be one of that type (whole for i32, 0 or 1 for bool). */
export function constant(value: number, element: KernelElement): Expression {
  if (element === "i32") {
    if (value !== (value | 0)) throw new InternalError(`${value} is not a number of type i32`);
    return index(value);
  }
  if (element === "bool" && value !== 0 && value !== 1) throw new InternalError(`${value} is not a truth value`);
  const key = `${element} ${Object.is(value, -0) ? "-0" : value}`;
  return shareIn(constants, key, () => ({ kind: "constant", value, element }));
}

export const truth = constant(1, "bool");
export const falsehood = constant(0, "bool");
