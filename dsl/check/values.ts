/**
 * The values of the language while a program is elaborated: static ones (numbers, strings, lists, functions, layers),
 * which are known now, and tensors and elements, which are values of the Graph under construction.
 *
 * `unknown` stands for what is already reported, and for what is not given while a block is checked by itself:
 * everything that meets it is unknown, silently.
 */
import type { Span } from "../../src/diagnostics/index.js";
import type { ElementType, Scope, TensorType, ValueId } from "../../src/ir/graph/index.js";
import { constantOf, render, type Size, type SizeVariable, size } from "../../src/sizes/index.js";
import type * as ast from "../syntax/index.js";
import type { Environment } from "./environment.js";

/** A value of the Graph with its type. While a block is checked by itself there is no graph, and `id` means nothing. */
export interface Wire {
  readonly id: ValueId;
  readonly type: TensorType;
}

/** An exact whole number or a size; known when it is a constant. */
export interface IntegerValue {
  readonly kind: "integer";
  readonly size: Size;
}

/** A static f64. `quotient` remembers a division that was not whole, for the error where a size was needed. */
export interface FloatValue {
  readonly kind: "float";
  readonly value: number;
  readonly quotient: readonly [string, string] | null;
}

export interface TensorValue extends Wire {
  readonly kind: "tensor";
  /** The number that fills it, for a tensor made from one. */
  readonly fill: number | null;
}

/** What is known of an i32 element that is computed from indices: `value`, where every fact is at least 0. */
export interface IndexCase {
  readonly facts: readonly Size[];
  readonly value: Size;
}

/** What follows from a boolean element: sizes that are at least 0 when it is true, and when it is false. */
export interface Truth {
  readonly whenTrue: readonly Size[];
  readonly whenFalse: readonly Size[];
}

/** A comprehension under elaboration. Its facts hold at the place that is being elaborated. */
export interface Comprehension {
  readonly sizes: readonly Size[];
  readonly variables: readonly SizeVariable[];
  facts: readonly Size[];
}

/** One element of a comprehension, at all its positions at once: a tensor that broadcasts to the index space. */
export interface ElementValue extends Wire {
  readonly kind: "element";
  readonly comprehension: Comprehension;
  /** The cases of an index, or null if its value is not known as a formula. */
  readonly cases: readonly IndexCase[] | null;
  /** Read from a tensor or converted from a float: as an index it is clamped. */
  readonly fromData: boolean;
  readonly truth: Truth | null;
}

/** A declared function or block with the scope that it sees. */
export interface FunctionValue {
  readonly kind: "function";
  readonly declaration: ast.Function;
  readonly environment: Environment;
}
export interface BuiltinValue {
  readonly kind: "builtin";
  readonly name: string;
}
export interface BlockValue {
  readonly kind: "block";
  readonly declaration: ast.Block;
  readonly environment: Environment;
}

/** A static argument with the place it was given at. */
export interface Given {
  readonly value: Value;
  readonly span: Span;
}

/** A block with its static arguments, at its place among the weights. */
export interface LayerValue {
  readonly kind: "layer";
  readonly block: BlockValue;
  readonly statics: ReadonlyMap<string, Given>;
  /** The alternatives of its path in the checkpoint. */
  readonly paths: readonly string[];
  /** Its name in the enclosing block, with its index. */
  readonly name: string;
  readonly owner: Scope | null;
}

export type Value =
  | IntegerValue
  | FloatValue
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "list"; readonly items: readonly Value[] }
  | { readonly kind: "tuple"; readonly items: readonly Value[] }
  | TensorValue
  | ElementValue
  | FunctionValue
  | BuiltinValue
  | BlockValue
  | LayerValue
  | { readonly kind: "unknown" };

export const unknown: Value = { kind: "unknown" };

export function integer(value: number | Size): IntegerValue {
  return { kind: "integer", size: typeof value === "number" ? size(value) : value };
}

export function float(value: number, quotient: FloatValue["quotient"] = null): FloatValue {
  return { kind: "float", value, quotient };
}

export function boolean(value: boolean): Value {
  return { kind: "boolean", value };
}

export function tensor(wire: Wire, fill: number | null = null): TensorValue {
  return { kind: "tensor", id: wire.id, type: wire.type, fill };
}

/** Computed when running: a tensor or an element. */
export function isRunning(v: Value): v is TensorValue | ElementValue {
  return v.kind === "tensor" || v.kind === "element";
}

export function isNumber(v: Value): v is IntegerValue | FloatValue {
  return v.kind === "integer" || v.kind === "float";
}

/** The number of a static value, booleans as 0 and 1; null for a run-time size or what is no number. */
export function numberOf(v: Value): number | null {
  if (v.kind === "integer") return constantOf(v.size);
  if (v.kind === "float") return v.value;
  if (v.kind === "boolean") return v.value ? 1 : 0;
  return null;
}

/** A type as people write it: `f32[B, T, 4*D]`. */
export function typeText(type: TensorType): string {
  return `${type.element}${shapeText(type.shape)}`;
}

export function shapeText(shape: readonly Size[]): string {
  return `[${shape.map(render).join(", ")}]`;
}

/** What a value is, for a message: `a tensor f32[B, T]`, `the string "x"`. */
export function describe(v: Value): string {
  switch (v.kind) {
    case "integer":
      return constantOf(v.size) === null ? `the run-time size ${render(v.size)}` : `the number ${render(v.size)}`;
    case "float":
      return v.quotient ? `the quotient ${v.quotient[0]} / ${v.quotient[1]}` : `the number ${v.value}`;
    case "boolean":
      return `the static boolean ${v.value}`;
    case "string":
      return `the string ${JSON.stringify(v.value)}`;
    case "list":
      return v.items[0]?.kind === "layer" ? "an array of layers" : "a list";
    case "tuple":
      return `a tuple of ${v.items.length}`;
    case "tensor":
      return `the tensor ${typeText(v.type)}`;
    case "element":
      return `${v.type.element === "bool" ? "a" : "an"} ${v.type.element} element`;
    case "function":
      return `the function ${v.declaration.name.name}`;
    case "builtin":
      return `the function ${v.name}`;
    case "block":
      return `the block ${v.declaration.name.name}`;
    case "layer":
      return `the layer ${v.name}`;
    case "unknown":
      return "an unknown value";
  }
}

/** The word for an element type in a message about operands. */
export function elementOf(v: TensorValue | ElementValue): ElementType {
  return v.type.element;
}
