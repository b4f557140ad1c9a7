/**
 * Which values of a kernel may be the number that stands for an infinity, so that memory gets the infinity itself.
 *
 * An infinite constant reaches a value by being chosen (select, max, min), negated, or moved by a sum or through a private
 * scalar; the logarithm of 0 is one. A product or a quotient of one is no longer told from another large number.
 */
import { allStatements, type Buffer, type Expression, type Kernel } from "../../src/ir/kernel/index.js";

/** The private buffers that may hold one. */
export function unboundedScalars(kernel: Kernel): ReadonlySet<Buffer> {
  const found = new Set<Buffer>();
  const stores = allStatements(kernel.body).filter((each) => each.kind === "store");
  for (let before = -1; before < found.size; ) {
    before = found.size;
    for (const { buffer, value } of stores) {
      if (buffer.scope !== "global" && mayBeUnbounded(value, found)) found.add(buffer);
    }
  }
  return found;
}

export function mayBeUnbounded(expression: Expression, scalars: ReadonlySet<Buffer>): boolean {
  const visit = (each: Expression): boolean => mayBeUnbounded(each, scalars);
  switch (expression.kind) {
    case "constant":
      return expression.element !== "bool" && Math.abs(expression.value) === Infinity;
    case "load":
      return scalars.has(expression.buffer);
    case "select":
      return visit(expression.yes) || visit(expression.no);
    case "cast":
      return expression.element !== "bool" && visit(expression.operand);
    case "unary":
      if (expression.operator === "log" || expression.operator === "log2") return true;
      return (expression.operator === "neg" || expression.operator === "abs") && visit(expression.operand);
    case "binary": {
      const { operator, left, right } = expression;
      return ["max", "min", "add", "sub"].includes(operator) && (visit(left) || visit(right));
    }
    default:
      return false;
  }
}
