/**
 * Lowering of what works along one axis: reductions, softmax, running sums. One loop per other axis, and inside, one
 * loop along the axis for each step of the computation.
 *
 * Sums of f16 are kept in f32. What the Graph says about rows of nothing, of -inf and of NaN holds by the starting
 * values and the order of the comparisons; the comments say where.
 */
import type { ReductionOperator, TensorType } from "../ir/graph/index.js";
import {
  binary,
  cast,
  constant,
  type Expression,
  index,
  type KernelElement,
  type Statement,
  select,
  type UpdateOperator,
  unary,
} from "../ir/kernel/index.js";
import { type Size, size } from "../sizes/index.js";
import { type Index, zero } from "./addresses.js";
import type { BodyRule, Operation, StagedRule } from "./rules.js";
import { type KernelWriter, store, when } from "./writer.js";

/** What sums and products of an element type are kept in. */
export function accumulatorOf(element: KernelElement): KernelElement {
  return element === "f16" ? "f32" : element;
}

/** The number below all others, which `max` starts with. */
export function lowest(element: KernelElement): Expression {
  return constant(element === "i32" ? -(2 ** 31) : -Infinity, element);
}

function highest(element: KernelElement): Expression {
  return constant(element === "i32" ? 2 ** 31 - 1 : Infinity, element);
}

/** A row as `body` sees it: how long it is, how to read it, where the other axes stand. */
export interface Row {
  readonly extent: Size;
  /** The operand's element at a place of the row. */
  readonly read: (at: Expression) => Expression;
  /** The index into the result with this place along the axis. */
  readonly place: (at: Expression) => Index;
}

/** Loops over all rows of operand 0 along an axis. */
export function eachRow(
  operation: Pick<Operation<ReductionOperator>, "operands" | "at">,
  axis: number,
  writer: KernelWriter,
  body: (row: Row) => readonly Statement[],
): readonly Statement[] {
  const { shape } = operation.operands[0]!;
  return writer.nest(shape.with(axis, size(1)), (others) => {
    const place = (at: Expression): Index => others.with(axis, at);
    return body({ extent: shape[axis]!, read: (at) => operation.at(0, place(at)), place });
  });
}

interface Reduction {
  readonly scalar: string;
  readonly update: UpdateOperator;
  /** The element type that it is kept in, for operands of this one. */
  readonly kept: (element: KernelElement) => KernelElement;
  readonly start: (kept: KernelElement) => Expression;
  /** The result, from what was kept and the number of elements. */
  readonly finish: (kept: Expression, extent: Size) => Expression;
}

const nothing = (kept: Expression): Expression => kept;
const zeroOf = (element: KernelElement): Expression => constant(0, element);
const same = (element: KernelElement): KernelElement => element;
const asNumber = (): KernelElement => "i32";

const sum: Reduction = { scalar: "sum", update: "add", kept: accumulatorOf, start: zeroOf, finish: nothing };

/** NaN stays, since the updates `max` and `min` give NaN if either side is. Truth values are kept as 0 and 1. */
const reductions: { readonly [K in Exclude<ReductionOperator, "argmax">]: Reduction } = {
  sum,
  // Of nothing: 0 / 0 is NaN.
  mean: { ...sum, finish: (kept, extent) => binary("div", kept, cast(index(extent), kept.element)) },
  max: { scalar: "max", update: "max", kept: same, start: lowest, finish: nothing },
  min: { scalar: "min", update: "min", kept: same, start: highest, finish: nothing },
  any: { scalar: "any", update: "max", kept: asNumber, start: zeroOf, finish: nothing },
  all: { scalar: "all", update: "min", kept: asNumber, start: () => constant(1, "i32"), finish: nothing },
};

export function reductionElement(operator: keyof typeof reductions): StagedRule<typeof operator> {
  const { scalar, update, kept, start, finish } = reductions[operator];
  return ({ attributes: { axis }, operands, type, at }, place, writer) => {
    const [{ element: from, shape }] = operands as readonly [TensorType];
    const element = kept(from);
    const result = writer.stage(place, type.shape, () => {
      const kept = writer.scalar(scalar, start(element));
      const loop = writer.loop(shape[axis]!, (i) => [kept.update(update, cast(at(0, place.with(axis, i)), element))]);
      return [kept, loop];
    });
    return cast(finish(result.value, shape[axis]!), type.element);
  };
}

/** NaN is the one number that differs from itself. */
function isNotANumber(value: Expression): Expression {
  return binary("ne", value, value);
}

/** Whether a comes before b among the largest: NaN before all, equals in neither order. */
export function isGreater(a: Expression, b: Expression): Expression {
  const greater = binary("lt", b, a);
  if (a.element === "i32") return greater;
  return binary("or", greater, binary("and", isNotANumber(a), unary("not", isNotANumber(b))));
}

/** Whether a and b are equal, or both are NaN. */
export function isSame(a: Expression, b: Expression): Expression {
  const equal = binary("eq", a, b);
  return a.element === "i32" ? equal : binary("or", equal, binary("and", isNotANumber(a), isNotANumber(b)));
}

/** A row of nothing or of the lowest number only keeps the index that it starts with, 0. */
export const argmaxBody: BodyRule<"argmax"> = (operation, out, writer) =>
  eachRow(operation, operation.attributes.axis, writer, ({ extent, read, place }) => {
    const best = writer.scalar("best", lowest(operation.operands[0]!.element));
    const bestAt = writer.scalar("best_at", zero);
    return [
      ...best.begin,
      ...bestAt.begin,
      ...writer.loop(extent, (at) => [when(isGreater(read(at), best.value), [best.set(read(at)), bestAt.set(at)])]),
      store(out, place(zero), bestAt.value),
    ];
  });

/** A softmax along its axis: its row is the innermost loop. */
export const softmaxOrder = ({ attributes, type }: Operation<"softmax">): readonly number[] => {
  const axes = [...type.shape.keys()];
  return [...axes.filter((axis) => axis !== attributes.axis), attributes.axis];
};

/**
 * exp(x - max) / sum. A row of -inf only has the maximum -inf, and -inf - -inf would be NaN: it is shifted by 0 instead,
 * sums to 0 and gives zeros. A NaN makes the maximum NaN, and all that follows; so does +inf, by inf - inf.
 */
export const softmaxElement: StagedRule<"softmax"> = ({ attributes: { axis }, type, at }, place, writer) => {
  const element = accumulatorOf(type.element);
  const extent = type.shape[axis]!;
  const [row, rows] = [place.with(axis, zero), type.shape.with(axis, size(1))];
  const value = (i: Expression): Expression => cast(at(0, place.with(axis, i)), element);
  const largest = writer.stage(row, rows, () => {
    const largest = writer.scalar("largest", lowest(element));
    return [largest, writer.loop(extent, (i) => [largest.update("max", value(i))])];
  });
  const none = binary("eq", largest.value, lowest(element));
  const shift = writer.stage(row, rows, () => [
    writer.scalar("shift", select(none, zeroOf(element), largest.value)),
    [],
  ]);
  const exponential = (i: Expression): Expression => unary("exp", binary("sub", value(i), shift.value));
  const total = writer.stage(row, rows, () => {
    const total = writer.scalar("total", zeroOf(element));
    return [total, writer.loop(extent, (i) => [total.update("add", exponential(i))])];
  });
  const isEmpty = binary("eq", total.value, zeroOf(element));
  const share = binary("div", exponential(place[axis]!), total.value);
  return cast(select(isEmpty, zeroOf(element), share), type.element);
};

export const cumsumBody: BodyRule<"cumsum"> = (operation, out, writer) =>
  eachRow(operation, operation.attributes.axis, writer, ({ extent, read, place }) => {
    const element = accumulatorOf(out.element);
    const running = writer.scalar("running", zeroOf(element));
    return [
      ...running.begin,
      ...writer.loop(extent, (at) => [
        running.update("add", cast(read(at), element)),
        store(out, place(at), cast(running.value, out.element)),
      ]),
    ];
  });

/**
 * k scans of the row. Each chooses the largest of those that come after the last chosen one in the order of results:
 * descending, the lower index first among equals. No list of what was chosen is kept.
 */
export const topkBody: BodyRule<"topk"> = (operation, out, writer) =>
  eachRow(operation, out.shape.length - 1, writer, ({ extent, read, place }) => {
    const { element } = operation.operands[0]!;
    // Before everything: the largest of all numbers (NaN for floats) at the index -1.
    const last = writer.scalar("last", element === "i32" ? highest(element) : constant(Number.NaN, element));
    const lastAt = writer.scalar("last_at", index(-1));
    const best = writer.scalar("best", lowest(element));
    const bestAt = writer.scalar("best_at", index(-1));
    const comesAfter = (at: Expression): Expression =>
      binary(
        "or",
        isGreater(last.value, read(at)),
        binary("and", isSame(last.value, read(at)), binary("lt", lastAt.value, at)),
      );
    const isBetter = (at: Expression): Expression =>
      binary("or", binary("lt", bestAt.value, zero), isGreater(read(at), best.value));
    return [
      ...last.begin,
      ...lastAt.begin,
      ...writer.loop(size(operation.attributes.k), (rank) => [
        ...best.begin,
        ...bestAt.begin,
        ...writer.loop(extent, (at) => [
          when(binary("and", comesAfter(at), isBetter(at)), [best.set(read(at)), bestAt.set(at)]),
        ]),
        store(out, place(rank), binary("max", bestAt.value, zero)),
        last.set(best.value),
        lastAt.set(bestAt.value),
      ]),
    ];
  });
