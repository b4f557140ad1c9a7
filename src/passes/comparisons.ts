/**
 * What is proven of indices and sizes: comparisons that hold everywhere or nowhere, indices that lie in their axis. Each
 * index is a variable with the range of its axis, and the proof is that of src/sizes.
 */
import type { Node, ValueId } from "../ir/graph/index.js";
import {
  add,
  compare,
  constantOf,
  floorDiv,
  isAtMost,
  isLess,
  isNonNegative,
  mul,
  neg,
  rangeOf,
  type Size,
  SizeOverflow,
  SizeVariable,
  size,
  sub,
} from "../sizes/index.js";

/** A graph, or one that is being built. */
export interface Nodes {
  readonly nodeOf: (value: ValueId) => Node;
}

/** Whether an i32 value is made of indices and proven to lie within 0 … extent - 1 wherever it has an element. */
export function isIndexWithin(nodes: Nodes, value: ValueId, extent: Size): boolean {
  try {
    const index = sizeOf(nodes, value, new Map());
    return index !== null && isNonNegative(index) && isLess(index, extent);
  } catch (error) {
    if (error instanceof SizeOverflow) return false;
    throw error;
  }
}

/** Whether the comparison holds for every element (true) or for none (false); null where neither is proven. */
export function decideComparison(nodes: Nodes, value: ValueId): boolean | null {
  const { operator, operands } = nodes.nodeOf(value);
  const variables = new Map<number, SizeVariable>();
  try {
    const a = sizeOf(nodes, operands[0]!, variables);
    const b = a === null ? null : sizeOf(nodes, operands[1]!, variables);
    if (a === null || b === null) return null;
    switch (operator) {
      case "lt":
        return isLess(a, b) ? true : isAtMost(b, a) ? false : null;
      case "le":
        return isAtMost(a, b) ? true : isLess(b, a) ? false : null;
      case "eq":
      case "ne": {
        const relation = compare(a, b);
        return relation === "unknown" ? null : (relation === "equal") === (operator === "eq");
      }
      default:
        return null;
    }
  } catch (error) {
    if (error instanceof SizeOverflow) return null;
    throw error;
  }
}

/**
 * An i32 value as a size, where its indices are variables; null where it is made of anything else or may wrap around.
 * @param variables the variable of each axis, counted from the right, as broadcasting aligns them.
 */
function sizeOf(nodes: Nodes, value: ValueId, variables: Map<number, SizeVariable>): Size | null {
  const node = nodes.nodeOf(value);
  const of = (position: number): Size | null => sizeOf(nodes, node.operands[position]!, variables);
  switch (node.operator) {
    case "constant":
      return node.attributes.element === "i32" ? size(node.attributes.value) : null;
    case "size":
      return within(node.attributes.value);
    case "iota": {
      const { axis, shape } = node.attributes;
      const place = shape.length - axis;
      const extent = shape[axis]!;
      if (constantOf(extent) === 1) return size(0);
      const known = variables.get(place) ?? new SizeVariable(`i${place}`, 0, sub(extent, 1));
      if (known.max !== sub(extent, 1)) return null;
      variables.set(place, known);
      return size(known);
    }
    case "broadcast":
      return of(0);
    case "floor_div": {
      const [a, b] = [of(0), of(1)];
      return a !== null && b !== null && rangeOf(b).min > 0 ? floorDiv(a, b) : null;
    }
    case "neg":
      return within(map(of(0), neg));
    case "add":
      return within(both(of(0), of(1), add));
    case "sub":
      return within(both(of(0), of(1), sub));
    case "mul":
      return within(both(of(0), of(1), mul));
    default:
      return null;
  }
}

function map(value: Size | null, f: (value: Size) => Size): Size | null {
  return value === null ? null : f(value);
}

function both(a: Size | null, b: Size | null, f: (a: Size, b: Size) => Size): Size | null {
  return a === null || b === null ? null : f(a, b);
}

/** The value if it cannot leave i32. */
function within(value: Size | null): Size | null {
  if (value === null) return null;
  const { min, max } = rangeOf(value);
  return min >= -(2 ** 31) && max < 2 ** 31 ? value : null;
}
