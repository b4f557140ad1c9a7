/** Loops along a row that are calls of functions: its maximum, its sum, its exponentials. */
import type { Buffer, Expression } from "../../../src/ir/kernel/index.js";
import { index as indexOf } from "../../../src/ir/kernel/index.js";
import type { RowFunction } from "../../../src/schedule/policies/wasm-row-functions.js";
import type { Loop } from "../../../src/schedule/rewrite.js";
import { size, substitute } from "../../../src/sizes/index.js";
import { type Code, call, get, i32, op, plus, set } from "../code/tree.js";
import type { Addresses } from "./addresses.js";
import type { Expressions } from "./expressions.js";
import type { Registers } from "./registers.js";

/** What a kernel is made with. */
export interface RowContext {
  readonly addresses: Addresses;
  readonly expressions: Expressions;
  readonly registers: Registers;
  readonly helper: (callee: string) => string;
}

/** The loop as a call. @param count how many numbers the row has */
export function rowCall(loop: Loop, found: RowFunction, count: Code, context: RowContext): Code {
  const { addresses, expressions, registers, helper } = context;
  const start = (buffer: Buffer, index: readonly Expression[]): Code => {
    const { pointer, offset } = addresses.of(
      buffer,
      index.map((each) => atStart(each, loop)),
    );
    return plus(pointer, i32(offset));
  };
  const { store, row } = found;
  const from = start(row.buffer, row.index);
  if (found.kind === "exp") {
    return call(helper("rowExp"), from, start(store.buffer, store.index), count, expressions.value(found.shift));
  }
  const made = call(helper(found.kind === "max" ? "rowMax" : "rowSum"), from, count);
  const both = (before: Code): Code => op(`f32.${found.kind}`, [before, made]);
  if (!registers.has(store.buffer)) {
    const { pointer, offset } = addresses.of(store.buffer, store.index);
    return op("f32.store", [pointer, both(op("f32.load", [pointer], { offset }))], { offset });
  }
  const { local, isVector, lane } = registers.of(store.buffer, store.index);
  if (!isVector || lane === null) return set(local, both(get(local)));
  const before = op("f32x4.extract_lane", [get(local)], { lane });
  return set(local, op("f32x4.replace_lane", [get(local), both(before)], { lane }));
}

/** An index in the first iteration. */
function atStart(each: Expression, { variable }: Loop): Expression {
  if (each.kind !== "index") return each;
  return indexOf(substitute(each.value, (one) => (one === variable ? size(0) : null)));
}
