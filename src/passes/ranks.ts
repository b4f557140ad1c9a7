/**
 * The k largest of few short rows by their ranks: how many elements come before each is counted for all at once, by lanes that
 * share the row, where one lane would look through it k times.
 *
 *   rank[e] = number of j with x[j] before x[e];  topk[a] = the e with rank[e] = a
 *
 * Needs nothing before it; for targets whose lanes share rows. Guarantees: the same indices, in the order that the operator is
 * defined by: NaN first, equals by their indices, so that every rank is there once.
 */
import { emitNode, type GraphBuilder, insertAxis, rebuild, reduce, scalar, type ValueId } from "../ir/graph/index.js";
import { constantOf, mul, rangeOf, size } from "../sizes/index.js";
import type { Pass } from "./pass.js";

/** Ranks take the square of a row's elements; of longer rows the k largest are found one after another. */
const mostElements = 256;
/** Rows, and groups of their elements. */
const mostRows = 32;

export const ranks: Pass = {
  name: "ranks",
  about: "the largest of few short rows by their ranks, which lanes count together",
  run: (graph, { fewRows, remark }) => {
    if (fewRows === null || fewRows.areApart) return graph;
    const mapped: ValueId[] = [];
    return rebuild(graph, (builder, node, operands, id) => {
      const { shape } = graph.types[id]!;
      const rows = shape.slice(0, -1).reduce((product, extent) => mul(product, extent), size(1));
      const count = node.operator === "topk" ? constantOf(graph.types[node.operands[0]!]!.shape.at(-1)!) : null;
      const isFew = rangeOf(rows).max <= Math.max(mostRows, fewRows.most);
      let value: ValueId;
      if (node.operator !== "topk" || count === null || count > mostElements || !isFew) {
        value = emitNode(builder, node, operands);
      } else {
        value = largestByRank(builder, mapped[node.operands[0]!]!, node.attributes.k, count);
        const location = graph.locations[id] ?? null;
        remark({ rule: "largest by ranks", kind: "fired", location, message: `of ${count} elements` });
      }
      mapped.push(value);
      return value;
    });
  },
};

/** @returns i32[..., k], the indices of the k largest of `count` elements of the last axis of x */
function largestByRank(builder: GraphBuilder, x: ValueId, k: number, count: number): ValueId {
  const axis = builder.typeOf(x).shape.length - 1;
  const places = (shape: readonly [number, number], along: 0 | 1): ValueId =>
    builder.emit("iota", [], { axis: along, shape: shape.map((each) => size(each)) });
  // Along the axis before the last whose rank it is, along the last what may come before it.
  const along = (value: ValueId): readonly [ValueId, ValueId] => [
    insertAxis(builder, value, axis),
    insertAxis(builder, value, axis + 1),
  ];
  const isEarlier = builder.emit("lt", [places([1, count], 1), places([count, 1], 0)], {});
  const isFloating = builder.typeOf(x).element !== "i32";
  const areNone = isFloating ? along(builder.emit("ne", [x, x], {})) : null;
  const comesBefore = before(builder, along(x), areNone, isEarlier);
  const [one, zero] = [scalar(builder, 1, "i32"), scalar(builder, 0, "i32")];
  const rank = reduce(builder, "sum", builder.emit("where", [comesBefore, one, zero], {}), [axis + 1], false);
  const isChosen = builder.emit("eq", [insertAxis(builder, rank, axis), places([k, 1], 0)], {});
  const index = builder.emit("where", [isChosen, places([1, count], 1), zero], {});
  return reduce(builder, "max", index, [axis + 1], false);
}

/** Whether a comes before b among the largest. @param areNone whether a and b are NaN @param isEarlier whether a has the lower index */
function before(
  builder: GraphBuilder,
  [a, b]: readonly [ValueId, ValueId],
  areNone: readonly [ValueId, ValueId] | null,
  isEarlier: ValueId,
): ValueId {
  const emit = (operator: "lt" | "eq" | "and" | "or", left: ValueId, right: ValueId): ValueId =>
    builder.emit(operator, [left, right], {});
  const isGreater = emit("lt", b, a);
  const isSame = emit("eq", a, b);
  if (areNone === null) return emit("or", isGreater, emit("and", isSame, isEarlier));
  const isFirst = emit("and", areNone[0], builder.emit("not", [areNone[1]], {}));
  const areSame = emit("or", isSame, emit("and", ...areNone));
  return emit("or", emit("or", isGreater, isFirst), emit("and", areSame, isEarlier));
}
