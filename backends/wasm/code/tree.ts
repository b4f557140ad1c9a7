/**
 * Code of WebAssembly as trees: an instruction with the instructions that give its operands. The bytes and the text of a
 * module are both printed from it, so that they cannot differ.
 *
 * What must stay true: operands are evaluated in their order, and nothing else is on the stack: values that are used
 * twice lie in locals.
 */
import type { ValueType } from "./operators.js";

/** What every thread has of its own, between the functions of a module, by number: i32, and vectors behind them. */
export const globals = ["epoch", "end", "sum0", "sum1", "sum2", "sum3", "sum4", "sum5", "sum6", "sum7"] as const;
export type Global = (typeof globals)[number];
export const sumGlobals: readonly Global[] = globals.filter((name) => name.startsWith("sum"));

/** A local variable or a parameter of a function. Its name is for people. */
export class Local {
  constructor(
    readonly name: string,
    readonly type: ValueType,
    /** Those of a type that have numbers together, lesser groups first; 0 for all of a function whose locals share none. */
    readonly group = 0,
  ) {}
}

/** A place in memory is the sum of a pointer, the first operand, and a constant offset. */
export interface PlainCode {
  readonly kind: "plain";
  readonly name: string;
  readonly operands: readonly Code[];
  readonly offset: number;
  readonly lane: number;
  /** The numbers of a constant: one, four of a vector, sixteen of a shuffle. */
  readonly values: readonly number[];
  /** Whether the lanes of a vector constant are f32. */
  readonly isFloat: boolean;
  readonly local: Local | null;
}

/** Runs again where a `br_if` in it goes back to it. */
export interface LoopCode {
  readonly kind: "loop";
  readonly name: string;
  readonly body: readonly Code[];
}

export type Code =
  | PlainCode
  | LoopCode
  | {
      readonly kind: "if";
      readonly condition: Code;
      readonly body: readonly Code[];
      readonly otherwise: readonly Code[];
    }
  /** Goes back to the start of the loop of this name, which is unique in a function, where the condition holds. */
  | { readonly kind: "repeat"; readonly loop: string; readonly condition: Code }
  | { readonly kind: "call"; readonly callee: string; readonly operands: readonly Code[] }
  /** Calls the function of this number in the table of kernels. */
  | { readonly kind: "kernel"; readonly operands: readonly Code[] }
  /** A line of the source, or another note, before the code of a statement. */
  | { readonly kind: "note"; readonly text: string };

export interface FunctionCode {
  readonly name: string;
  readonly parameters: readonly Local[];
  readonly result: ValueType | null;
  readonly body: readonly Code[];
  /** What it is, for the text. */
  readonly comment: string;
}

interface PlainDetails {
  readonly offset?: number;
  readonly lane?: number;
  readonly values?: readonly number[];
  readonly isFloat?: boolean;
  readonly local?: Local;
}

export function op(name: string, operands: readonly Code[], details: PlainDetails = {}): Code {
  const { offset = 0, lane = 0, values = [], isFloat = false, local = null } = details;
  return { kind: "plain", name, operands, offset, lane, values, isFloat, local };
}

export const i32 = (value: number): Code => op("i32.const", [], { values: [value | 0] });
export const f32 = (value: number): Code => op("f32.const", [], { values: [value] });
export const f64 = (value: number): Code => op("f64.const", [], { values: [value] });
export const f32x4 = (value: number): Code => op("v128.const", [], { values: Array(4).fill(value), isFloat: true });
export const i32x4 = (...values: readonly number[]): Code =>
  op("v128.const", [], { values: values.length === 4 ? values : Array(4).fill(values[0]) });
export const get = (local: Local): Code => op("local.get", [], { local });
export const set = (local: Local, value: Code): Code => op("local.set", [value], { local });
export const globalGet = (name: Global): Code => op("global.get", [], { values: [globals.indexOf(name)] });
export const globalSet = (name: Global, value: Code): Code =>
  op("global.set", [value], { values: [globals.indexOf(name)] });
export const call = (callee: string, ...operands: readonly Code[]): Code => ({ kind: "call", callee, operands });

/** The number of an i32 constant. */
export function numberOf(code: Code): number | null {
  return code.kind === "plain" && code.name === "i32.const" ? code.values[0]! : null;
}

/** a + b of i32. */
export function plus(a: Code, b: Code): Code {
  const [x, y] = [numberOf(a), numberOf(b)];
  if (x !== null && y !== null) return i32(x + y);
  if (x === 0) return b;
  return y === 0 ? a : op("i32.add", [a, b]);
}

/** a * b of i32. */
export function times(a: Code, b: Code): Code {
  const [x, y] = [numberOf(a), numberOf(b)];
  if (x !== null && y !== null) return i32(Math.imul(x, y));
  if (x === 1) return b;
  if (y === 1) return a;
  if (x === 0 || y === 0) return i32(0);
  if (x !== null) return times(b, a);
  const shift = y === null ? -1 : Math.log2(y);
  return Number.isInteger(shift) && shift > 0 ? op("i32.shl", [a, i32(shift)]) : op("i32.mul", [a, b]);
}

/** The codes that a code is made of. */
export function partsOf(code: Code): readonly Code[] {
  switch (code.kind) {
    case "note":
      return [];
    case "loop":
      return code.body;
    case "if":
      return [code.condition, ...code.body, ...code.otherwise];
    case "repeat":
      return [code.condition];
    default:
      return code.operands;
  }
}

/** Vectors first: similar functions then number the locals of their loops alike, in few bytes. */
const typeOrder: readonly ValueType[] = ["v128", "f32", "i32", "f64", "i64"];

/** The locals of a function besides its parameters, by type and group, and then in the order in which they are met. */
export function localsOf({ parameters, body }: FunctionCode): readonly Local[] {
  const found = new Set<Local>();
  const visit = (code: Code): void => {
    if (code.kind === "plain" && code.local !== null) found.add(code.local);
    partsOf(code).forEach(visit);
  };
  body.forEach(visit);
  for (const parameter of parameters) found.delete(parameter);
  return [...found].sort((a, b) => typeOrder.indexOf(a.type) - typeOrder.indexOf(b.type) || a.group - b.group);
}

/** The globals of functions: all up to the last that is used. */
export function globalsOf(functions: readonly FunctionCode[]): readonly Global[] {
  let count = globals.indexOf("end") + 1;
  const visit = (code: Code): void => {
    if (code.kind === "plain" && code.name.startsWith("global.")) count = Math.max(count, code.values[0]! + 1);
    partsOf(code).forEach(visit);
  };
  for (const { body } of functions) body.forEach(visit);
  return globals.slice(0, count);
}

/** The functions that a function calls. */
export function calleesOf({ body }: FunctionCode): ReadonlySet<string> {
  const found = new Set<string>();
  const visit = (code: Code): void => {
    if (code.kind === "call") found.add(code.callee);
    partsOf(code).forEach(visit);
  };
  body.forEach(visit);
  return found;
}
