/**
 * Lowering of attention: a softmax that a contraction in the same kernel reads. Its rows have no buffer; one row of scores
 * at a time lies in private memory.
 *
 *   for each row (head, query):
 *     score[s] = …                                   once per key
 *     largest = max score[s];  shift = largest, or 0 where that is -inf
 *     total = sum of exp(score[s] - shift)
 *     result = (sum of exp(score[s] - shift) * v[s]) / total
 *
 * A row of nothing but -inf has a total of 0 and stays what its sum is: zeros, or NaN where a value is NaN, as zeros times
 * values are. A softmax that is written out has 0 / 0 there. A sink is what the largest and the total start with. NaN and +inf among the scores make the total NaN.
 */
import type { TensorType } from "../ir/graph/index.js";
import { binary, constant, type Expression, index, load, select, unary } from "../ir/kernel/index.js";
import { size } from "../sizes/index.js";
import { type Index, zero } from "./addresses.js";
import { lowest } from "./rows.js";
import type { Share } from "./rules.js";
import { type KernelWriter, store } from "./writer.js";

/** What a softmax is taken of, in the shape of its rows. */
interface Rows {
  readonly axis: number;
  /** The type of the scores. */
  readonly type: TensorType;
  readonly score: (at: Index) => Expression;
  /** The score of one more key, of value 0. */
  readonly start: ((row: Index) => Expression) | null;
  /** Whether a row of nothing but -inf is NaN, and not zeros. */
  readonly isNaNForNothing: boolean;
}

/** An element of the softmax, and what it stands for in a sum. */
export function attendedElement(
  { axis, type, score, start, isNaNForNothing }: Rows,
  place: Index,
  writer: KernelWriter,
): { readonly element: Expression; readonly share: Share } {
  const { element, shape } = type;
  const extent = shape[axis]!;
  const [row, rows] = [place.with(axis, zero), shape.with(axis, size(1))];
  const scores = writer.stageBlock(row, rows, () => {
    const scores = writer.row("score", element, extent);
    const fill = writer.loop(extent, (i) => [store(scores, [i], score(place.with(axis, i)))]);
    return [scores, [{ kind: "alloc", buffer: scores }, ...fill]];
  });
  const first = start === null ? null : start(row);
  const largest = writer.stage(row, rows, () => {
    const largest = writer.scalar("largest", first ?? lowest(element));
    return [largest, writer.loop(extent, (i) => [largest.update("max", load(scores, [i]))])];
  });
  const none = binary("eq", largest.value, lowest(element));
  const shift = writer.stage(row, rows, () => [
    writer.scalar("shift", select(none, constant(0, element), largest.value)),
    [],
  ]);
  const exponential = (value: Expression): Expression => unary("exp", binary("sub", value, shift.value));
  const total = writer.stage(row, rows, () => {
    const total = writer.scalar("total", first === null ? constant(0, element) : exponential(first));
    return [total, writer.loop(extent, (i) => [total.update("add", exponential(load(scores, [i])))])];
  });
  const isEmpty = binary("eq", total.value, constant(0, element));
  const numerator = exponential(load(scores, [place[axis]!]));
  const quotient = (sum: Expression): Expression => binary("div", sum, total.value);
  // Rows of -inf have 0 / 0 where a softmax is written out; a sum over no keys at all is 0 even there.
  const stays = isNaNForNothing ? binary("lt", index(extent), index(1)) : isEmpty;
  const divided = (sum: Expression): Expression => select(stays, sum, quotient(sum));
  return { element: divided(numerator), share: { numerator, row, rows, finish: divided } };
}
