/**
 * What is read, and in which loops, where an element of a value is computed in place. One rule per class of operators;
 * each mirrors the lowering of the class.
 */
import {
  type Attention,
  attentionsOf,
  type Graph,
  type Node,
  type TensorType,
  type ValueId,
} from "../../ir/graph/index.js";
import { constantOf, rangeOf, type Size } from "../../sizes/index.js";
import { isIndexWithin } from "../comparisons.js";
import { classOf } from "./classes.js";
import { type AxisLoops, innermost, joinLoops, Loop, type Read } from "./loops.js";

export interface Sizes {
  /** A typical value of a size, at least 1. */
  readonly of: (size: Size) => number;
}

/** Passes on every read of an operand that computing the element that `read` asks for takes. */
export function eachRead(
  graph: Graph,
  value: ValueId,
  read: Read,
  sizes: Sizes,
  push: (operand: ValueId, read: Read) => void,
): void {
  const node = graph.nodes[value]!;
  const types = node.operands.map((operand) => graph.types[operand]!);
  const give = (position: number, axes: readonly AxisLoops[], changes: Partial<Read> = {}): void =>
    push(node.operands[position]!, { ...read, axes, ...changes });
  const attention = read.factor ? attentionsOf(graph).get(value) : undefined;
  if (attention !== undefined) return attentionReads(graph, attention, read, sizes, push);
  const moved: Partial<Read> = { direct: false };
  switch (node.operator) {
    case "transpose": {
      const axes: AxisLoops[] = [];
      for (const [axis, from] of node.attributes.permutation.entries()) axes[from] = read.axes[axis]!;
      return give(0, axes, moved);
    }
    case "reshape":
      return give(0, reshaped(types[0]!.shape, graph.types[value]!.shape, read.axes), moved);
    case "broadcast":
      return give(0, aligned(types[0]!, read.axes), moved);
    case "slice":
      return give(0, read.axes, moved);
    case "concat":
      for (const position of node.operands.keys()) give(position, read.axes, moved);
      return;
    case "take": {
      const { axis } = node.attributes;
      const end = axis + types[1]!.shape.length;
      const chosen = read.axes.slice(axis, end);
      give(1, chosen, moved);
      const from = [...read.axes.slice(0, axis), joinLoops(chosen), ...read.axes.slice(end)];
      return give(0, from, { ...moved, guarded: read.guarded || !choosesFromSome(graph, value) });
    }
    case "element": {
      const indices = types.slice(1).map((type) => aligned(type, read.axes));
      for (const [i, axes] of indices.entries()) give(i + 1, axes, moved);
      return give(
        0,
        indices.map((axes) => joinLoops(axes)),
        { ...moved, guarded: read.guarded || !choosesFromSome(graph, value) },
      );
    }
    case "einsum":
      return contractionReads(node, types, read, sizes, give);
    case "softmax": {
      const { axis } = node.attributes;
      const row = read.axes.with(axis, []);
      const changes: Partial<Read> = { direct: false, inSoftmax: true };
      give(0, read.axes, changes);
      for (const _ of ["largest", "total"]) {
        const loop = new Loop(innermost(read.group.kernel, row), sizes.of(types[0]!.shape[axis]!));
        give(0, row.with(axis, [loop]), { ...changes, loop });
      }
      return;
    }
    case "argmax":
    case "cumsum":
    case "topk":
      return rowReads(types[0]!, node.operator === "topk" ? types[0]!.shape.length - 1 : node.attributes.axis, {
        times: node.operator === "topk" ? node.attributes.k : 1,
      });
    default:
      if (classOf(node.operator) === "reduction" && "axis" in node.attributes) {
        return rowReads(types[0]!, node.attributes.axis, { times: 1 });
      }
      for (const [position, type] of types.entries()) give(position, aligned(type, read.axes));
  }

  function rowReads(type: TensorType, axis: number, { times }: { readonly times: number }): void {
    const row = read.axes.with(axis, []);
    const loop = new Loop(innermost(read.group.kernel, row), sizes.of(type.shape[axis]!) * Math.max(1, times));
    give(0, row.with(axis, [loop]), { direct: false, loop });
  }
}

/** The axis along which a value is made of single elements, side by side in one loop; null if it is not. */
export function stackedAxis({ nodes, types }: Graph, value: ValueId): number | null {
  const { operator, operands, attributes } = nodes[value]!;
  if (operator !== "concat") return null;
  const { axis } = attributes;
  return operands.every((each) => constantOf(types[each]!.shape[axis]!) === 1) ? axis : null;
}

/** A row of scores is computed once for each row of the result; a sink once too. */
function attentionReads(
  graph: Graph,
  { scores, sink, axis }: Attention,
  read: Read,
  sizes: Sizes,
  push: (operand: ValueId, read: Read) => void,
): void {
  const row = read.axes.with(axis, []);
  const at = innermost(read.group.kernel, row);
  const loop = new Loop(at, sizes.of(graph.types[scores]!.shape[axis]!));
  const inScores: Partial<Read> = { direct: false, factor: false, isTerm: false, inSoftmax: true, inScores: true };
  push(scores, { ...read, ...inScores, axes: row.with(axis, [loop]), loop });
  if (sink !== null) push(sink, { ...read, ...inScores, axes: row, loop: at });
}

/** The axes that a `take` or `element` chooses from, each with the value of its indices. */
function choicesOf(graph: Graph, value: ValueId): readonly { readonly extent: Size; readonly index: ValueId }[] {
  const { operator, operands, attributes } = graph.nodes[value]!;
  const { shape } = graph.types[operands[0]!]!;
  const first = operator === "take" ? attributes.axis : 0;
  return operands.slice(1).map((index, i) => ({ extent: shape[first + i]!, index }));
}

/** Whether there surely is an element wherever a `take` or `element` has one: its axes are not empty. */
export function choosesFromSome(graph: Graph, value: ValueId): boolean {
  return choicesOf(graph, value).every(
    ({ extent, index }) => rangeOf(extent).min >= 1 || isWithin(graph, index, extent),
  );
}

/** Whether a `take` or `element` only lays its operand out anew: its indices are formulas that stay in their axes. */
export function isView(graph: Graph, value: ValueId): boolean {
  return choicesOf(graph, value).every(({ extent, index }) => isWithin(graph, index, extent));
}

function isWithin(graph: Graph, index: ValueId, extent: Size): boolean {
  return isIndexWithin({ nodeOf: (value) => graph.nodes[value]! }, index, extent);
}

/** The axes of an operand that is broadcast: aligned at the right, nothing along axes of size 1. */
function aligned({ shape }: TensorType, axes: readonly AxisLoops[]): readonly AxisLoops[] {
  const lead = axes.length - shape.length;
  return shape.map((extent, axis) => (constantOf(extent) === 1 ? [] : axes[axis + lead]!));
}

function contractionReads(
  node: Node,
  types: readonly TensorType[],
  read: Read,
  sizes: Sizes,
  give: (position: number, axes: readonly AxisLoops[], changes: Partial<Read>) => void,
): void {
  if (node.operator !== "einsum") return;
  const { inputs, output } = node.attributes;
  const loops = new Map<number, AxisLoops>(output.map((label, axis) => [label, read.axes[axis]!]));
  let loop = innermost(read.group.kernel, read.axes);
  for (const [operand, labels] of inputs.entries()) {
    for (const [axis, label] of labels.entries()) {
      if (loops.has(label)) continue;
      const extents = inputs.flatMap((each, i) =>
        each.includes(label) ? [types[i]!.shape[each.indexOf(label)]!] : [],
      );
      const extent = extents.find((each) => constantOf(each) !== 1) ?? types[operand]!.shape[axis]!;
      loop = new Loop(loop, sizes.of(extent), true);
      loops.set(label, [loop]);
    }
  }
  for (const [operand, labels] of inputs.entries()) {
    const { shape } = types[operand]!;
    const axes = labels.map((label, axis) => (constantOf(shape[axis]!) === 1 ? [] : loops.get(label)!));
    if (read.inScores) give(operand, ...stagedRead(axes, read, sizes, shape, loop.total));
    else give(operand, axes, { direct: false, factor: true, isTerm: inputs.length === 1, loop });
  }
}

/**
 * Queries and keys of scores are read as if a nest of loops of their own stood before the loops that they do not depend
 * on: those that they share with the other operand, then one along each axis of their own.
 */
function stagedRead(
  axes: readonly AxisLoops[],
  { group, loop: score }: Read,
  sizes: Sizes,
  shape: readonly Size[],
  /** The number of products that all scores take. */
  products: number,
): [readonly AxisLoops[], Partial<Read>] {
  const mentioned = joinLoops(axes);
  // The loops of the result from the outermost on, up to the first that the operand does not depend on.
  const around: Loop[] = [];
  for (let at: Loop | null = score; at !== null; at = at.parent) around.unshift(at);
  let loop = group.kernel;
  let kept = 0;
  for (const each of around.slice(1)) {
    if (!mentioned.includes(each)) continue;
    if (each.parent !== loop) break;
    loop = each;
    kept++;
  }
  const outer = new Set(around.slice(1, 1 + kept));
  const own = axes.map((each, axis): AxisLoops => {
    if (each.length === 0 || each.every((one) => outer.has(one))) return each;
    loop = new Loop(loop, sizes.of(shape[axis]!));
    return [...each.filter((one) => outer.has(one)), loop];
  });
  return [own, { direct: false, factor: false, isTerm: false, inScores: false, staged: products / loop.total, loop }];
}

/**
 * The axes of the operand of a reshape. Equal axes at both ends keep their loops; those between depend on all loops of
 * the axes between. Axes of size 1 depend on nothing.
 */
function reshaped(from: readonly Size[], to: readonly Size[], axes: readonly AxisLoops[]): readonly AxisLoops[] {
  const places = (shape: readonly Size[]): number[] =>
    [...shape.keys()].filter((axis) => constantOf(shape[axis]!) !== 1);
  const [sources, targets] = [places(from), places(to)];
  const result = from.map((): AxisLoops => []);
  const take = (source: number, target: number): boolean => {
    if (from[source] !== to[target]) return false;
    result[source] = axes[target]!;
    return true;
  };
  while (sources.length > 0 && targets.length > 0 && take(sources[0]!, targets[0]!)) {
    sources.shift();
    targets.shift();
  }
  while (sources.length > 0 && targets.length > 0 && take(sources.at(-1)!, targets.at(-1)!)) {
    sources.pop();
    targets.pop();
  }
  const between = joinLoops(targets.map((target) => axes[target]!));
  for (const source of sources) result[source] = between;
  return result;
}
