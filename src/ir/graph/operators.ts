/**
 * The operators of the Graph: for each its attributes and, in words, its meaning.
 *
 * This table is the vocabulary; each concern (type inference, evaluation, lowering, pictures) is a table of its own,
 * typed over all operators, so that a new operator makes the TypeScript compiler list what is missing.
 *
 * Element-wise operators broadcast as in NumPy: right-aligned, where a size is the constant 1 it repeats. Sizes are
 * compared by normal form.
 */
import type { Size } from "../../sizes/index.js";
import type { ValueId } from "./graph.js";
import type { ElementType } from "./types.js";

/** Element-wise functions of one value. Floats in, floats out; `neg`, `abs` also i32; `not` bool only. */
export const unaryOperators = [
  "neg",
  "abs",
  "exp",
  "log",
  "log2",
  "sqrt",
  "rsqrt",
  "sin",
  "cos",
  "tanh",
  "erf",
  "floor",
  "ceil",
  "not",
] as const;
export type UnaryOperator = (typeof unaryOperators)[number];

/**
 * Element-wise functions of two values of one element type.
 * `floor_div` and `mod` floor (Python's `//` and `%`), `div` is of floats only; comparisons give bool; `and`, `or`
 * take bool; `eq` and `ne` take any. `maximum` and `minimum` give NaN if either is NaN. i32 wraps around.
 * i32 `floor_div` and `mod` by 0 give 0; i32 `pow` to a negative exponent gives the quotient 1 / x^n rounded towards 0,
 * and 0 for x = 0. Float `mod` and `floor_div` are PyTorch's remainder and floor_divide; float `pow` is JavaScript's
 * `**`, which differs from C in that 1 ** NaN and (-1) ** inf are NaN.
 */
export const binaryOperators = [
  "add",
  "sub",
  "mul",
  "div",
  "floor_div",
  "mod",
  "pow",
  "maximum",
  "minimum",
  "lt",
  "le",
  "eq",
  "ne",
  "and",
  "or",
] as const;
export type BinaryOperator = (typeof binaryOperators)[number];

/**
 * Reductions over one axis, which stays with size 1. `sum`, `max`, `min` of floats and i32, `mean` of floats, `any`
 * and `all` of bool; `argmax` gives i32, the lowest index among equals (NaN counts as largest, as in PyTorch). Of no
 * elements: sum 0, mean NaN, any false, all true, max -inf, min inf (i32: the extreme values), argmax 0.
 */
export const reductionOperators = ["sum", "mean", "max", "min", "any", "all", "argmax"] as const;
export type ReductionOperator = (typeof reductionOperators)[number];

type Of<K extends string, A> = { readonly [key in K]: A };
type None = Readonly<Record<never, never>>;

/** The attributes of each operator. */
export interface Attributes
  extends Of<UnaryOperator, None>,
    Of<BinaryOperator, None>,
    Of<ReductionOperator, { readonly axis: number }> {
  /** An argument of the entry. `fill`: the value of every element where the caller gives none. */
  readonly input: {
    readonly name: string;
    readonly element: ElementType;
    readonly shape: readonly Size[];
    readonly fill: number | null;
  };
  /**
   * A parameter. `name` is its first path. `sources` are the alternatives, the first that the checkpoint holds is
   * taken; each is a list of tensor names: of one, or of several that are stacked along a new axis 0.
   */
  readonly weight: {
    readonly name: string;
    readonly element: ElementType;
    readonly shape: readonly Size[];
    readonly sources: readonly (readonly string[])[];
  };
  /** One number of the given element type; booleans are 0 and 1. */
  readonly constant: { readonly value: number; readonly element: ElementType };
  /** A size as an i32 scalar. */
  readonly size: { readonly value: Size };
  /** i32 of the given shape; each element is its index along `axis`. */
  readonly iota: { readonly axis: number; readonly shape: readonly Size[] };
  /** To another element type. To i32, i16, i8: truncates, saturates, NaN gives 0. To bool: not equal to 0. */
  readonly cast: { readonly to: ElementType };
  /** (condition, yes, no), element-wise with broadcasting. */
  readonly where: None;
  /** Over one axis; a row of -inf only (or of nothing) gives zeros, a row with NaN gives NaN. */
  readonly softmax: { readonly axis: number };
  /** Running sum over one axis, of floats or i32. */
  readonly cumsum: { readonly axis: number };
  /**
   * Sum of products of floats or i32 over named axes, as in NumPy. `inputs[i][a]` is the label of axis a of operand i,
   * `output` the labels of the result; labels are small whole numbers, numbered in order of first appearance; a label
   * stands once in an operand and once in the output; labels that are not in the output are summed over. An axis of
   * constant size 1 broadcasts against the other sizes of its label. `x @ w` of [B, T, K] and [K, N] is
   * [[0, 1, 2], [2, 3]] -> [0, 1, 3].
   */
  readonly einsum: { readonly inputs: readonly (readonly number[])[]; readonly output: readonly number[] };
  /** Axis i of the result is axis `permutation[i]` of the operand. */
  readonly transpose: { readonly permutation: readonly number[] };
  /** The same elements in row-major order under another shape. */
  readonly reshape: { readonly shape: readonly Size[] };
  /** Repeats axes of size 1 and adds leading ones, as in NumPy. */
  readonly broadcast: { readonly shape: readonly Size[] };
  /** Elements `start` to `start + length` of one axis. */
  readonly slice: { readonly axis: number; readonly start: Size; readonly length: Size };
  /** Along one axis; all other sizes agree. At least one operand. */
  readonly concat: { readonly axis: number };
  /**
   * (x, indices: i32): the axis is replaced by the axes of the indices, as `x[:, i]` in NumPy. Indices are clamped
   * to the axis; an axis without elements gives 0 for all. An embedding is `take` along axis 0.
   */
  readonly take: { readonly axis: number };
  /**
   * (x, i_0 … i_{r-1}: i32): one index for each axis of x, broadcast together; each is clamped to its axis; of an x
   * without elements all are 0.
   */
  readonly element: None;
  /**
   * i32 indices of the k largest along the last axis, of floats or i32, descending, the lower index first among equals.
   * NaN is largest. The axis has at least k elements.
   */
  readonly topk: { readonly k: number };
}

export type OperatorName = keyof Attributes;

export type NodeOf<K extends OperatorName> = {
  readonly [Name in K]: {
    readonly operator: Name;
    readonly operands: readonly ValueId[];
    readonly attributes: Attributes[Name];
  };
}[K];

/** One operator applied to values. */
export type Node = NodeOf<OperatorName>;

const unarySet: ReadonlySet<string> = new Set(unaryOperators);
const binarySet: ReadonlySet<string> = new Set(binaryOperators);
const reductionSet: ReadonlySet<string> = new Set(reductionOperators);

export function isUnary(name: OperatorName): name is UnaryOperator {
  return unarySet.has(name);
}
export function isBinary(name: OperatorName): name is BinaryOperator {
  return binarySet.has(name);
}
export function isReduction(name: OperatorName): name is ReductionOperator {
  return reductionSet.has(name);
}
