/** What rules ask about values while a graph is built. */
import type { ElementType, GraphBuilder, TensorType, ValueId } from "../ir/graph/index.js";
import { equalTypes, isFloat, roundTo, scalar } from "../ir/graph/index.js";

/** The number that every element of a value is, if it is a constant, moved or not; else null. */
export function numberOf(builder: GraphBuilder, value: ValueId): number | null {
  const node = builder.nodeOf(value);
  switch (node.operator) {
    case "constant":
      return node.attributes.value;
    case "broadcast":
    case "reshape":
    case "transpose":
    case "slice":
      return numberOf(builder, node.operands[0]!);
    default:
      return null;
  }
}

/** A number in the shape of a type. */
export function splat(builder: GraphBuilder, value: number, type: TensorType): ValueId {
  const number = scalar(builder, value, type.element);
  return type.shape.length === 0 ? number : builder.emit("broadcast", [number], { shape: type.shape });
}

/** The value in the type of a node that it is to replace: repeated along axes where it has size 1; null if it differs. */
export function asType(builder: GraphBuilder, value: ValueId, type: TensorType): ValueId | null {
  const own = builder.typeOf(value);
  if (equalTypes(own, type)) return value;
  return own.element === type.element ? builder.emit("broadcast", [value], { shape: type.shape }) : null;
}

/** The number rounded to an element type, or null where that is no number of the type (1.5 as i32, an overflow). */
export function roundedNumber(value: number, element: ElementType): number | null {
  if (isFloat(element)) return roundTo(element, value);
  return element === "i32" && value === (value | 0) ? value + 0 : null;
}
