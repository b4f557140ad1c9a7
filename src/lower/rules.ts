/**
 * What the lowering of one operator consists of. table.ts has the rule of each.
 */
import type { NodeOf, OperatorName, TensorType } from "../ir/graph/index.js";
import type { Buffer, Expression, Statement } from "../ir/kernel/index.js";
import type { Size } from "../sizes/index.js";
import type { Index } from "./addresses.js";
import type { KernelWriter } from "./writer.js";

/** A node and the elements of its operands, as its rule sees them. */
export interface Operation<K extends OperatorName> {
  readonly attributes: NodeOf<K>["attributes"];
  readonly type: TensorType;
  /** The type of each operand. */
  readonly operands: readonly TensorType[];
  /** The element of an operand at an index. */
  readonly at: (operand: number, index: Index) => Expression;
  /** For an einsum: what an element of an operand stands for, if it is that of a softmax which its kernel computes. */
  readonly share: (element: Expression) => Share | null;
  /** Whether the kernel computes a softmax for this operand, so that its rows should be computed once. */
  readonly isRow: (operand: number) => boolean;
  /** Whether the kernel computes an operand by products of its own, so that each element should be computed once. */
  readonly isSum: (operand: number) => boolean;
}

/** An element of a softmax as a quotient, whose divisor is one number per row. */
export interface Share {
  readonly numerator: Expression;
  /** The index of the row, within a shape. */
  readonly row: Index;
  readonly rows: readonly Size[];
  /** The sum of products of elements, from that of products of numerators. */
  readonly finish: (sum: Expression) => Expression;
}

/** The element of the result at an index. */
export type ElementRule<K extends OperatorName> = (operation: Operation<K>, index: Index) => Expression;

/**
 * The element of the result at an index. What it needs first, such as the sum of a row, is written through the writer
 * before the loops that it does not depend on.
 */
export type StagedRule<K extends OperatorName> = (
  operation: Operation<K>,
  index: Index,
  writer: KernelWriter,
) => Expression;

/** The statements that compute the whole result and store it in `out`. */
export type BodyRule<K extends OperatorName> = (
  operation: Operation<K>,
  out: Buffer,
  writer: KernelWriter,
) => readonly Statement[];

export type Rule<K extends OperatorName> =
  /** Lies in a buffer before anything runs. */
  | { readonly kind: "stored" }
  /** Only moves elements, or is made of indices alone: computed wherever an element of it is read. */
  | { readonly kind: "inline"; readonly element: ElementRule<K> }
  /** Element by element: inline where all operands are made of indices alone, else a kernel of one loop per axis. */
  | { readonly kind: "map"; readonly element: ElementRule<K> }
  /**
   * Element by element, after stages that run along an axis. `order` is that of the loops, outermost first, in which the
   * stages run once per row; the order of the axes if it is not there.
   */
  | {
      readonly kind: "staged";
      readonly element: StagedRule<K>;
      readonly order?: (operation: Operation<K>) => readonly number[];
    }
  /** A kernel of its own; or, where fusion places the value inline and `element` is there, an element wherever it is read. */
  | { readonly kind: "body"; readonly body: BodyRule<K>; readonly element?: ElementRule<K> };
