/**
 * Loops along a row that the WebAssembly target has functions for, so that their vectors are not written out wherever a
 * row is: the maximum and the sum of a row, and the exponentials of one.
 */
import type { Expression, Statement } from "../../ir/kernel/index.js";
import { add, constantOf, type Size, type SizeVariable, size, substitute, variablesOf } from "../../sizes/index.js";
import type { Loop } from "../rewrite.js";

type Load = Extract<Expression, { kind: "load" }>;
type Store = Extract<Statement, { kind: "store" }>;

/** What a loop does, which is all that it does. */
export type RowFunction =
  /** Updates one number with each of a row. */
  | { readonly kind: "max" | "add"; readonly store: Store; readonly row: Load }
  /** Stores exp(x - shift) of each of a row to another row. */
  | { readonly kind: "exp"; readonly store: Store; readonly row: Load; readonly shift: Expression };

/** Rows that are known to be shorter are written out. */
const shortest = 16;

export function rowFunctionOf({ loop, variable, extent, body }: Loop): RowFunction | null {
  const [store, ...others] = body;
  if (loop !== "serial" || store?.kind !== "store" || others.length > 0 || store.buffer.element !== "f32") return null;
  if ((constantOf(extent) ?? shortest) < shortest) return null;
  const { value, update } = store;
  if (update === "max" || update === "add") {
    const isOne = store.index.every((each) => isFree(each, variable));
    return isOne && isAlong(value, variable) && value.buffer !== store.buffer
      ? { kind: update, store, row: value }
      : null;
  }
  const isStored = update === null && isUnitStride(store.index, variable);
  if (!isStored || value.kind !== "unary" || value.operator !== "exp" || value.operand.kind !== "binary") return null;
  const { operator, left, right } = value.operand;
  const isExponential = operator === "sub" && isAlong(left, variable) && isFree(right, variable);
  return isExponential && left.buffer !== store.buffer ? { kind: "exp", store, row: left, shift: right } : null;
}

/** Whether an expression is a row's element, those of neighbouring iterations side by side. */
function isAlong(expression: Expression, variable: SizeVariable): expression is Load {
  return expression.kind === "load" && expression.buffer.element === "f32" && isUnitStride(expression.index, variable);
}

function isUnitStride(index: readonly Expression[], variable: SizeVariable): boolean {
  const last = index.at(-1);
  return (
    last?.kind === "index" &&
    last.value === add(atZero(last.value, variable), size(variable)) &&
    index.slice(0, -1).every((each) => isFree(each, variable))
  );
}

function atZero(value: Size, variable: SizeVariable): Size {
  return substitute(value, (each) => (each === variable ? size(0) : null));
}

/** Whether an expression is a size or a private number that is the same in all iterations. */
function isFree(expression: Expression, variable: SizeVariable): boolean {
  if (expression.kind === "index") return !variablesOf(expression.value).includes(variable);
  return (
    expression.kind === "load" &&
    expression.buffer.scope === "private" &&
    expression.index.every((each) => isFree(each, variable))
  );
}
