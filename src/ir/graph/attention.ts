/**
 * Attention in a Graph: contractions of which one factor is a softmax, found by what they compute.
 *
 * Between the softmax and the contraction stand at most operators that move elements. A softmax of which one more column
 * was part (`softmax(concat(x, c))[..., 0:S]`: a sink) has the column as the score of one more key, whose value is 0. A
 * softmax may be written out: `exp(x - max(x)) / sum(exp(x - max(x)))`. That gives NaN for a row of nothing but -inf,
 * where the operator gives zeros, and is kept apart for it.
 */
import { constantOf } from "../../sizes/index.js";
import type { Graph, ValueId } from "./graph.js";

export interface Attention {
  readonly contraction: ValueId;
  /** The softmax: the operator, or the division that ends one that is written out. */
  readonly softmax: ValueId;
  /** The axis of keys. */
  readonly axis: number;
  /** Whether a row of nothing but -inf is NaN, as where a softmax is written out, and not zeros. */
  readonly isNaNForNothing: boolean;
  /** What the softmax is taken of, one number per key. */
  readonly scores: ValueId;
  /** The score of one more key, of value 0, with one element along the axis of the softmax. */
  readonly sink: ValueId | null;
  /** What stands for nothing where the contraction computes the softmax: the parts of a written one, the concat. */
  readonly covered: readonly ValueId[];
}

const known = new WeakMap<Graph, ReadonlyMap<ValueId, Attention>>();

/** The attentions of a graph by their softmax, each of which one contraction reads and nothing else. */
export function attentionsOf(graph: Graph): ReadonlyMap<ValueId, Attention> {
  let found = known.get(graph);
  if (found === undefined) {
    found = findAttentions(graph);
    known.set(graph, found);
  }
  return found;
}

function findAttentions(graph: Graph): ReadonlyMap<ValueId, Attention> {
  const uses = new Map<ValueId, number>();
  const count = (value: ValueId): void => void uses.set(value, (uses.get(value) ?? 0) + 1);
  for (const { operands } of graph.nodes) operands.forEach(count);
  for (const { value } of graph.outputs) count(value);
  const found = new Map<ValueId, Attention>();
  for (const [id, node] of graph.nodes.entries()) {
    if (node.operator !== "einsum" || node.operands.length !== 2) continue;
    for (const operand of node.operands) {
      const attention = attentionBehind(graph, operand, id as ValueId, (value) => uses.get(value) === 1);
      if (attention !== null) found.set(attention.softmax, attention);
    }
  }
  return found;
}

/** The attention of a contraction whose factor is a softmax, moved or not. */
function attentionBehind(
  graph: Graph,
  factor: ValueId,
  contraction: ValueId,
  isReadOnce: (value: ValueId) => boolean,
): Attention | null {
  let at = factor;
  let slice: ValueId | null = null;
  for (;;) {
    const node = graph.nodes[at]!;
    if (!isReadOnce(at)) return null;
    switch (node.operator) {
      case "slice":
        if (slice !== null) return null;
        slice = at;
        at = node.operands[0]!;
        continue;
      case "transpose":
      case "reshape":
        // A slice belongs to the softmax only where nothing moves in between.
        if (slice !== null) return null;
        at = node.operands[0]!;
        continue;
      case "softmax": {
        if (graph.types[at]!.element !== "f32") return null;
        const found = {
          contraction,
          softmax: at,
          axis: node.attributes.axis,
          isNaNForNothing: false,
          scores: node.operands[0]!,
          sink: null,
          covered: [],
        };
        return slice === null ? found : withSink(graph, found, slice);
      }
      case "div": {
        const written = writtenSoftmax(graph, at);
        if (written === null || graph.types[at]!.element !== "f32") return null;
        const found = { contraction, softmax: at, ...written, isNaNForNothing: true, sink: null };
        return slice === null ? found : withSink(graph, found, slice);
      }
      default:
        return null;
    }
  }
}

/** exp(x - max(x)) / sum(exp(x - max(x))), with the axis of the maximum and the sum. */
function writtenSoftmax(graph: Graph, value: ValueId): Pick<Attention, "axis" | "scores" | "covered"> | null {
  const [exponential, total] = graph.nodes[value]!.operands as unknown as readonly [ValueId, ValueId];
  const sum = graph.nodes[total]!;
  const exp = graph.nodes[exponential]!;
  if (sum.operator !== "sum" || sum.operands[0] !== exponential || exp.operator !== "exp") return null;
  const difference = graph.nodes[exp.operands[0]!]!;
  if (difference.operator !== "sub") return null;
  const [scores, largest] = difference.operands as unknown as readonly [ValueId, ValueId];
  const max = graph.nodes[largest]!;
  if (max.operator !== "max" || max.operands[0] !== scores) return null;
  const { axis } = sum.attributes;
  const hasAxis = max.attributes.axis === axis && equalShapes(graph, value, scores);
  const covered = [total, exponential, exp.operands[0]!, largest];
  return hasAxis ? { axis, scores, covered } : null;
}

function equalShapes(graph: Graph, a: ValueId, b: ValueId): boolean {
  const [first, second] = [graph.types[a]!.shape, graph.types[b]!.shape];
  return first.length === second.length && first.every((extent, axis) => extent === second[axis]);
}

/** All but the last column of a softmax over scores and one more column. */
function withSink(graph: Graph, found: Attention, slice: ValueId): Attention | null {
  const { axis } = found;
  const part = graph.nodes[slice]!;
  const all = graph.nodes[found.scores]!;
  if (part.operator !== "slice" || all.operator !== "concat") return null;
  if (all.attributes.axis !== axis || all.operands.length !== 2) return null;
  const [scores, sink] = all.operands as unknown as readonly [ValueId, ValueId];
  const { start, length } = part.attributes;
  const isScores = constantOf(start) === 0 && length === graph.types[scores]!.shape[axis]!;
  if (part.attributes.axis !== axis || !isScores) return null;
  const covered = [...found.covered, found.scores];
  return constantOf(graph.types[sink]!.shape[axis]!) === 1 ? { ...found, scores, sink, covered } : null;
}

/**
 * The axes of a contraction's result in the order of its loops: those of the rows of a softmax that it reads come first,
 * so that a row is computed once for all that is made of it.
 * @param isRow whether an operand is, moved or not, a softmax that the contraction computes itself.
 */
export function contractionOrder(
  { inputs, output }: { readonly inputs: readonly (readonly number[])[]; readonly output: readonly number[] },
  isRow: (operand: number) => boolean,
): readonly number[] {
  const axes = [...output.keys()];
  const at = inputs.findIndex((_, operand) => isRow(operand));
  if (at < 0) return axes;
  const ofRows = axes.filter((axis) => inputs[at]!.includes(output[axis]!));
  return [...ofRows, ...axes.filter((axis) => !ofRows.includes(axis))];
}

/** The attention whose softmax an operand of a contraction is, moved or not. */
export function attentionOf(graph: Graph, contraction: ValueId): { attention: Attention; operand: number } | null {
  const node = graph.nodes[contraction]!;
  if (node.operator !== "einsum") return null;
  for (const attention of attentionsOf(graph).values()) {
    if (attention.contraction !== contraction) continue;
    const operand = node.operands.findIndex((each) => behind(graph, each) === attention.softmax);
    return { attention, operand };
  }
  return null;
}

function behind(graph: Graph, value: ValueId): ValueId {
  let at = value;
  for (;;) {
    const { operator, operands } = graph.nodes[at]!;
    if (operator !== "transpose" && operator !== "reshape" && operator !== "slice") return at;
    at = operands[0]!;
  }
}
