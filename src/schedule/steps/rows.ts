/**
 * A row of scores in private memory, as the loops of a softmax fill and read it. Steps that leave parts of the row out, or
 * tile it, need to know that nothing else is done with it.
 */
import {
  allStatements,
  type Buffer,
  binary,
  distinctExpressions,
  type Expression,
  expressionsOf,
  type Kernel,
  type Statement,
  unary,
} from "../../ir/kernel/index.js";
import { size } from "../../sizes/index.js";
import { ScheduleError } from "../errors.js";
import { loopsIn } from "../loops.js";
import type { Loop, Store } from "../rewrite.js";
import type { Step } from "../step.js";

export interface Row {
  readonly row: Buffer;
  /** The statements of the block that the row lives in, and where the loop stands that fills it. */
  readonly block: readonly Statement[];
  /** The condition under which a score is not -inf, if it is masked. */
  readonly mask: Expression | null;
  /** Where the maximum is taken. */
  readonly maxima: readonly Reader[];
  /** Sums whose terms have the factor exp(row - shift). */
  readonly sums: readonly Reader[];
  /** The loops of both. */
  readonly readers: readonly Loop[];
  /** The scalar that is subtracted, and the maximum that it is made of. */
  readonly shift: Buffer;
  readonly largest: Buffer;
}

export interface Reader {
  readonly loop: Loop;
  readonly store: Store;
  /** The exponential of the score less the shift, for a sum. */
  readonly exponential: Expression | null;
}

/**
 * The row that a loop fills.
 * @throws ScheduleError, which says what else is done with it.
 */
export function rowOf(kernel: Kernel, loop: Loop, step: Step["step"]): Row {
  const fail = (message: string): never => {
    throw new ScheduleError(step, message);
  };
  const last = loop.body.at(-1);
  const { name } = loop.variable;
  if (last?.kind !== "store" || last.buffer.scope !== "private" || last.update !== null) {
    return fail(`${name} does not fill a private row`);
  }
  const row = last.buffer;
  const isFilledAtVariable = last.index.length === 1 && isVariable(last.index[0]!, loop);
  if (!isFilledAtVariable) return fail(`${row.name} is not filled at ${name}`);
  const block = blockOf(kernel.body, loop);
  if (!block.some((each) => each.kind === "alloc" && each.buffer === row)) {
    return fail(`${row.name} is not allocated beside ${name}`);
  }
  const maxima: Reader[] = [];
  const sums: Reader[] = [];
  const shifts = new Set<Buffer>();
  for (const statement of allStatements(block)) {
    if (statement === last) continue;
    if (statement.kind === "store" && statement.buffer === row) return fail(`${row.name} is stored to more than once`);
    const parts = distinctExpressions(expressionsOf(statement));
    const loads = [...parts].filter((each) => each.kind === "load" && each.buffer === row);
    if (loads.length === 0) continue;
    if (statement.kind !== "store") return fail(`a condition reads ${row.name}`);
    const around = loopsIn(block).find((each) => each.body.includes(statement));
    const [read] = loads;
    const isAtVariable =
      around !== undefined && loads.length === 1 && read?.kind === "load" && isVariable(read.index[0]!, around);
    if (!isAtVariable || around.extent !== loop.extent || around.body.length !== 1) {
      return fail(`${row.name} is read by more than loops over all of it`);
    }
    if (statement.update === "max" && statement.value === read && statement.index.length === 0) {
      maxima.push({ loop: around, store: statement, exponential: null });
      continue;
    }
    const exponential = factorsOf(statement.value).find((each) => isExponentialOf(each, read));
    const others = factorsOf(statement.value).filter((each) => each !== exponential);
    const isLinear = exponential !== undefined && others.every((each) => !distinctExpressions([each]).has(read));
    if (statement.update !== "add" || !isLinear) return fail(`${row.name} is read by what is no maximum and no sum`);
    shifts.add(shiftOf(exponential)!);
    sums.push({ loop: around, store: statement, exponential });
  }
  const [shift, ...otherShifts] = shifts;
  const [maximum, ...otherMaxima] = maxima;
  if (shift === undefined || maximum === undefined || otherShifts.length + otherMaxima.length > 0) {
    return fail(`${row.name} is not read as a softmax reads its row`);
  }
  const largest = maximum.store.buffer;
  if (!isShiftOf(block, shift, largest)) return fail(`${shift.name} may be -inf, or is not made of ${largest.name}`);
  const readers = [...maxima, ...sums].map((each) => each.loop);
  return { row, block, mask: maskOf(last.value), maxima, sums, readers, shift, largest };
}

function blockOf(body: readonly Statement[], statement: Statement): readonly Statement[] {
  if (body.includes(statement)) return body;
  for (const each of body) {
    if (each.kind !== "for" && each.kind !== "if") continue;
    const found = blockOf(each.body, statement);
    if (found.length > 0) return found;
  }
  return [];
}

function isVariable(expression: Expression, { variable }: Loop): boolean {
  return expression.kind === "index" && expression.value === size(variable);
}

export function factorsOf(value: Expression): readonly Expression[] {
  if (value.kind !== "binary" || value.operator !== "mul") return [value];
  return [...factorsOf(value.left), ...factorsOf(value.right)];
}

function isExponentialOf(value: Expression, read: Expression): boolean {
  if (value.kind !== "unary" || value.operator !== "exp") return false;
  const { operand } = value;
  return operand.kind === "binary" && operand.operator === "sub" && operand.left === read && shiftOf(value) !== null;
}

/** The scalar that is subtracted in an exponential. */
function shiftOf(exponential: Expression): Buffer | null {
  if (exponential.kind !== "unary" || exponential.operand.kind !== "binary") return null;
  const { right } = exponential.operand;
  return right.kind === "load" && right.index.length === 0 && right.buffer.scope === "private" ? right.buffer : null;
}

/** Whether the shift is stored once in the block, as the largest, or a number where that is -inf. */
function isShiftOf(block: readonly Statement[], shift: Buffer, largest: Buffer): boolean {
  const stores = allStatements(block).filter((each) => each.kind === "store" && each.buffer === shift);
  const [store] = stores;
  if (stores.length !== 1 || store?.kind !== "store" || !block.includes(store)) return false;
  const { value } = store;
  if (value.kind !== "select" || value.yes.kind !== "constant" || !Number.isFinite(value.yes.value)) return false;
  const { condition, no } = value;
  const isLargest = no.kind === "load" && no.buffer === largest;
  const isCompared =
    condition.kind === "binary" && condition.operator === "eq" && condition.left === no && isLowest(condition.right);
  return isLargest && isCompared;
}

function isLowest(value: Expression): boolean {
  return value.kind === "constant" && value.value === -Infinity;
}

/**
 * The condition under which a value may be anything but -inf, where it says so itself: chosen once or several times, then
 * perhaps multiplied by a positive number.
 */
function maskOf(value: Expression): Expression | null {
  if (value.kind === "binary" && (value.operator === "mul" || value.operator === "div")) {
    const { right } = value;
    return right.kind === "constant" && right.value > 0 && right.value < Infinity ? maskOf(value.left) : null;
  }
  if (value.kind !== "select") return null;
  const { condition, yes, no } = value;
  if (!isLowest(yes) && !isLowest(no)) return null;
  const own = isLowest(no) ? condition : unary("not", condition);
  const inner = maskOf(isLowest(no) ? yes : no);
  return inner === null ? own : binary("and", own, inner);
}
