/** What fusion knows of each operator: what it does to elements, and what one element costs. */
import type { Graph, OperatorName, ValueId } from "../../ir/graph/index.js";
import { isFloat } from "../../ir/graph/types.js";

export type FusionClass =
  /** The caller's. */
  | "given"
  /** Numbers, sizes and indices: made wherever they are read. */
  | "index"
  /** Element by element. */
  | "map"
  /** The same elements in another place. */
  | "move"
  /** Elements chosen by indices. */
  | "gather"
  | "concat"
  /** One number per row. */
  | "reduction"
  | "softmax"
  | "contraction"
  /** Walks along a row; has a kernel of its own, and reads what is computed in place. */
  | "scan";

const unaryCosts = {
  neg: 1,
  abs: 1,
  exp: 16,
  log: 16,
  log2: 16,
  sqrt: 8,
  rsqrt: 8,
  sin: 16,
  cos: 16,
  tanh: 24,
  erf: 24,
  floor: 1,
  ceil: 1,
  not: 1,
} as const;

const binaryCosts = {
  add: 1,
  sub: 1,
  mul: 1,
  div: 2,
  floor_div: 4,
  mod: 4,
  pow: 24,
  maximum: 1,
  minimum: 1,
  lt: 1,
  le: 1,
  eq: 1,
  ne: 1,
  and: 1,
  or: 1,
} as const;

const otherCosts = { where: 1, take: 2, element: 2, concat: 2 } as const;

const costs: Partial<Record<OperatorName, number>> = { ...unaryCosts, ...binaryCosts, ...otherCosts };

const classes: {
  readonly [K in Exclude<OperatorName, keyof typeof unaryCosts | keyof typeof binaryCosts>]: FusionClass;
} = {
  input: "given",
  weight: "given",
  constant: "index",
  size: "index",
  iota: "index",
  cast: "map",
  where: "map",
  transpose: "move",
  reshape: "move",
  broadcast: "move",
  slice: "move",
  take: "gather",
  element: "gather",
  concat: "concat",
  sum: "reduction",
  mean: "reduction",
  max: "reduction",
  min: "reduction",
  any: "reduction",
  all: "reduction",
  softmax: "softmax",
  einsum: "contraction",
  argmax: "scan",
  cumsum: "scan",
  topk: "scan",
};

const classOfName: Partial<Record<OperatorName, FusionClass>> = classes;

export function classOf(operator: OperatorName): FusionClass {
  return classOfName[operator] ?? "map";
}

/** What one element costs besides reading the node's operands; an addition costs 1. Widening casts are free. */
export function costOf({ nodes, types }: Graph, value: ValueId): number {
  const node = nodes[value]!;
  // Powers of whole numbers are shifts.
  if (node.operator === "pow" && types[value]!.element === "i32") return 2;
  if (node.operator !== "cast") return costs[node.operator] ?? 0;
  const { to } = node.attributes;
  const from = types[node.operands[0]!]!.element;
  if (to === "f32" || (to === "i32" && (from === "i8" || from === "i16"))) return 0;
  return isFloat(to) || to === "i32" ? 3 : 1;
}
