/**
 * How many floating-point operations each operator of the Graph takes, as a formula in the run-time sizes.
 *
 * What counts as one: an addition, multiplication, division, comparison or function (exp, tanh, …) of one element of a
 * floating-point type. So the product of [M, K] and [K, N] is 2*M*K*N. What moves, chooses or converts elements counts
 * nothing, nor do whole numbers and truth values, which are indices and masks. It is what the operators say, whatever the
 * kernels make of them.
 */
import { type Graph, isFloat, type NodeOf, type OperatorName, type TensorType } from "../../ir/graph/index.js";
import { elementsOf } from "../../memory/index.js";
import { mul, type Size, size } from "../../sizes/index.js";

/** A node as a rule sees it. */
interface Applied<K extends OperatorName> {
  readonly attributes: NodeOf<K>["attributes"];
  readonly operands: readonly TensorType[];
  readonly type: TensorType;
}

type Rule<K extends OperatorName> = (node: Applied<K>) => Size;

const none = (): Size => size(0);

function timesOf(type: TensorType | undefined, each: number): Size {
  return type !== undefined && isFloat(type.element) ? mul(elementsOf(type.shape), each) : size(0);
}

/** One for each element of the result. Comparisons give truth values of floats, so the operand decides. */
const ofResult = ({ type, operands: [operand] }: Applied<OperatorName>): Size =>
  operand !== undefined && isFloat(operand.element) ? elementsOf(type.shape) : size(0);

/** Some for each element of the operand. */
const ofOperand =
  (each: number) =>
  ({ operands: [operand] }: Applied<OperatorName>): Size =>
    timesOf(operand, each);

/** For each combination of the labels as many multiplications as join the operands, and an addition where it sums. */
const ofEinsum: Rule<"einsum"> = ({ attributes: { inputs, output }, operands, type }) => {
  if (!isFloat(type.element)) return size(0);
  const labels = [...new Set(inputs.flat())];
  const points = labels.map((label) => {
    const extents = inputs.flatMap((own, i) => operands[i]!.shape[own.indexOf(label)] ?? []);
    // An axis of size 1 repeats along the others of its label.
    return extents.find((extent) => extent !== size(1)) ?? size(1);
  });
  const sums = labels.some((label) => !output.includes(label)) ? 1 : 0;
  return mul(elementsOf(points), inputs.length - 1 + sums);
};

const rules: { readonly [K in OperatorName]: Rule<K> } = {
  input: none,
  weight: none,
  constant: none,
  size: none,
  iota: none,
  cast: none,
  where: none,
  not: none,
  and: none,
  or: none,
  transpose: none,
  reshape: none,
  broadcast: none,
  slice: none,
  concat: none,
  take: none,
  element: none,
  any: none,
  all: none,
  neg: ofResult,
  abs: ofResult,
  exp: ofResult,
  log: ofResult,
  log2: ofResult,
  sqrt: ofResult,
  rsqrt: ofResult,
  sin: ofResult,
  cos: ofResult,
  tanh: ofResult,
  erf: ofResult,
  floor: ofResult,
  ceil: ofResult,
  add: ofResult,
  sub: ofResult,
  mul: ofResult,
  div: ofResult,
  floor_div: ofResult,
  mod: ofResult,
  pow: ofResult,
  maximum: ofResult,
  minimum: ofResult,
  lt: ofResult,
  le: ofResult,
  eq: ofResult,
  ne: ofResult,
  sum: ofOperand(1),
  mean: ofOperand(1),
  max: ofOperand(1),
  min: ofOperand(1),
  argmax: ofOperand(1),
  cumsum: ofOperand(1),
  /** The maximum, the difference to it, its exponential, their sum, the quotient. */
  softmax: ofOperand(5),
  /** A scan for each of the k. */
  topk: ({ attributes, operands: [operand] }) => timesOf(operand, attributes.k),
  einsum: ofEinsum,
};

/** The operations of one node. */
export function flopsOf({ nodes, types }: Graph, id: number): Size {
  const { operator, operands, attributes } = nodes[id]!;
  const rule = rules[operator] as Rule<OperatorName>;
  return rule({
    attributes: attributes as Applied<OperatorName>["attributes"],
    operands: operands.map((operand) => types[operand]!),
    type: types[id]!,
  });
}
