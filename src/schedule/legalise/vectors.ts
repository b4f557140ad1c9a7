/**
 * Leaves as vector loops what a target with vectors of four numbers computes at once, and writes the others out.
 *
 * Needs `expand` with four lanes, so that a vector loop has four iterations. Guarantees: a vector loop that is left stores
 * f32 to neighbours, from a place that four divides on, and what depends on the loop in its values is arithmetic on such
 * neighbours; conditions in it do not depend on it.
 */
import { isNarrowFloat } from "../../ir/graph/types.js";
import type { Buffer, Expression, Kernel, Statement } from "../../ir/kernel/index.js";
import { operandsOf } from "../../ir/kernel/index.js";
import { exactDivide, type Size, type SizeVariable, size, sub, variablesOf } from "../../sizes/index.js";
import { iteration } from "./expand.js";

/** Numbers in a vector. */
export const lanes = 4;

export function plainVectors(kernel: Kernel): Kernel {
  return { ...kernel, body: plain(kernel.body) };
}

function plain(body: readonly Statement[]): readonly Statement[] {
  return body.flatMap((each): readonly Statement[] => {
    if (each.kind === "if") return [{ ...each, body: plain(each.body) }];
    if (each.kind !== "for") return [each];
    if (each.loop !== "vector") return [{ ...each, body: plain(each.body) }];
    if (arePlain(each.body, each.variable)) return [each];
    return Array.from({ length: lanes }, (_, at) => iteration(each, each.body, at)).flat();
  });
}

function arePlain(body: readonly Statement[], vector: SizeVariable): boolean {
  return body.every((each) => {
    if (each.kind === "if") return !dependsOn(each.condition, vector) && arePlain(each.body, vector);
    if (each.kind !== "store" || each.buffer.element !== "f32") return false;
    return areNeighbours(each.buffer, each.index, vector) && isPlain(each.value, vector);
  });
}

/** Whether elements at these places are a vector of neighbours, the first at a place that four divides. */
export function areNeighbours(buffer: Buffer, at: readonly Expression[], vector: SizeVariable): boolean {
  if (!isOfVectors(buffer)) return false;
  const last = at.at(-1);
  if (last?.kind !== "index" || at.slice(0, -1).some((each) => dependsOn(each, vector))) return false;
  return vectorPlace(last.value, vector) !== null;
}

/** Whether the rows of a buffer are whole vectors. */
export function isOfVectors({ shape }: Buffer): boolean {
  return shape.length > 0 && exactDivide(shape.at(-1)!, size(lanes)) !== null;
}

/** The number of the vector that lies at a place along the last axis, if one does. */
export function vectorPlace(place: Size, vector: SizeVariable): Size | null {
  const first = sub(place, size(vector));
  return variablesOf(first).includes(vector) ? null : exactDivide(first, size(lanes));
}

export function dependsOn(expression: Expression, variable: SizeVariable): boolean {
  if (expression.kind === "index") return variablesOf(expression.value).includes(variable);
  return operandsOf(expression).some((each) => dependsOn(each, variable));
}

function isNeighbours(value: Expression, vector: SizeVariable): boolean {
  return value.kind === "load" && areNeighbours(value.buffer, value.index, vector);
}

function isPlain(value: Expression, vector: SizeVariable): boolean {
  if (!dependsOn(value, vector)) return value.element === "f32";
  if (value.element !== "f32") return false;
  switch (value.kind) {
    case "load":
      return isNeighbours(value, vector);
    case "unary":
      return ["neg", "abs", "sqrt", "exp"].includes(value.operator) && isPlain(value.operand, vector);
    case "binary":
      return (
        ["add", "sub", "mul", "div", "max", "min"].includes(value.operator) &&
        [value.left, value.right].every((each) => isPlain(each, vector))
      );
    case "cast":
      return isNarrowFloat(value.operand.element) && isNeighbours(value.operand, vector);
    case "select":
      return !dependsOn(value.condition, vector) && [value.yes, value.no].every((each) => isPlain(each, vector));
    default:
      return false;
  }
}
