/**
 * The parts that the inference of several operators shares: the error, arity and element checks, broadcasting.
 *
 * Two sizes agree only where `compare` proves it. "Unknown" is an error here too: whoever lowers to the Graph has
 * shown the user which `assert` to add, so that an unproven size in a Graph is a mistake of the compiler or of a dump.
 */
import { compare, constantOf, type Size } from "../../sizes/index.js";
import { typeText } from "./type-text.js";
import type { ElementType, TensorType } from "./types.js";

/** A node cannot have these operands or attributes. The message names the operator and shows the types. */
export class GraphTypeError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "GraphTypeError";
  }
}

/** `f32[B, T] and f32[T]`, for messages. */
export function typesText(types: readonly TensorType[]): string {
  return types.length === 0 ? "nothing" : types.map(typeText).join(" and ");
}

/** Throws unless there are exactly `count` operands. */
export function expectArity(operator: string, operands: readonly TensorType[], count: number): void {
  if (operands.length === count) return;
  const noun = count === 1 ? "operand" : "operands";
  throw new GraphTypeError(`${operator} takes ${count} ${noun} and has ${operands.length}: ${typesText(operands)}`);
}

/** The only operand. */
export function only(operator: string, operands: readonly TensorType[]): TensorType {
  expectArity(operator, operands, 1);
  return operands[0]!;
}

/** Throws unless the element type is among the allowed ones. */
export function expectElement(operator: string, type: TensorType, allowed: readonly ElementType[]): void {
  if (allowed.includes(type.element)) return;
  throw new GraphTypeError(`${operator} takes ${allowed.join(", ")} and is given ${typeText(type)}`);
}

export const floats: readonly ElementType[] = ["f32", "f16"];
export const numbers: readonly ElementType[] = ["f32", "f16", "i32"];
export const booleans: readonly ElementType[] = ["bool"];

/** Throws unless all operands have one element type. */
export function expectOneElement(operator: string, operands: readonly TensorType[]): ElementType {
  const first = operands[0]!.element;
  if (operands.some((operand) => operand.element !== first)) {
    throw new GraphTypeError(`${operator} takes one element type and is given ${typesText(operands)}`);
  }
  return first;
}

/** Throws unless `axis` is a whole number from 0 to rank - 1. */
export function expectAxis(operator: string, type: TensorType, axis: number): Size {
  const size = Number.isInteger(axis) ? type.shape[axis] : undefined;
  if (size === undefined)
    throw new GraphTypeError(`${operator} along axis ${axis}: ${typeText(type)} has no such axis`);
  return size;
}

/** Whether the sizes are proven equal. */
export function same(a: Size, b: Size): boolean {
  return compare(a, b) === "equal";
}

/** Whether the size is the constant 1, which repeats against any other. */
export function isOne(size: Size): boolean {
  return constantOf(size) === 1;
}

/** The size of one axis of a broadcast, or null where the two do not agree. */
export function broadcastSize(a: Size, b: Size): Size | null {
  if (same(a, b) || isOne(b)) return a;
  return isOne(a) ? b : null;
}

/** Right-aligned broadcasting of shapes as in NumPy, or null where some sizes do not agree. */
export function broadcastShapes(shapes: readonly (readonly Size[])[]): readonly Size[] | null {
  let result: readonly Size[] = [];
  for (const shape of shapes) {
    const [long, short] = shape.length > result.length ? [shape, result] : [result, shape];
    const lead = long.length - short.length;
    const next: Size[] = [];
    for (let axis = 0; axis < long.length; axis++) {
      const size = axis < lead ? long[axis]! : broadcastSize(long[axis]!, short[axis - lead]!);
      if (size === null) return null;
      next.push(size);
    }
    result = next;
  }
  return result;
}

/** The shape that the operands have together; throws where they do not broadcast. */
export function expectBroadcast(operator: string, operands: readonly TensorType[]): readonly Size[] {
  const shape = broadcastShapes(operands.map((operand) => operand.shape));
  if (shape === null) throw new GraphTypeError(`${operator}: ${typesText(operands)} do not broadcast`);
  return shape;
}
