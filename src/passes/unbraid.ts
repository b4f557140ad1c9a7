/**
 * Products of few rows in a form that fewer kernels compute:
 *
 * - A product whose columns take turns, as a gate and its values do in one matrix, becomes one product for each turn, if what
 *   is made of them element by element comes to one value: one kernel then computes the sums and that value.
 * - A sum of weighed products, x[a] @ w[a] + b[a] weighed by s[a], becomes a product of what is weighed, (s[a] * x[a]) @ w[a],
 *   and the sum of s[a] * b[a]: what each gives is never stored.
 *
 * Needs: slices that read the product itself (movement). Guarantees: no weight is laid out anew: columns are read in turns.
 * For few rows whose lanes share them: of many rows, columns that lie side by side are worth more.
 */
import {
  emitNode,
  type Graph,
  type GraphBuilder,
  type NodeOf,
  rebuild,
  usersOf,
  type ValueId,
} from "../ir/graph/index.js";
import { constantOf, type Size, size } from "../sizes/index.js";
import { classOf } from "./fusion/classes.js";
import type { Pass } from "./pass.js";

/** More steps than any activation takes. */
const mostSteps = 48;
/** Columns that take turns. */
const mostTurns = 4;

export const unbraid: Pass = {
  name: "unbraid",
  about:
    "products of few rows whose columns take turns, and sums of weighed ones, in a form that fewer kernels compute",
  run: (graph, { fewRows, weights, remark }) => {
    if (fewRows === null || fewRows.areApart) return graph;
    const braids = new Braids(graph);
    const isWhole = weights !== null;
    const { turns, between } = braids.found(isWhole);
    if (turns.size === 0 && !graph.nodes.some((_, id) => braids.weighedSum(id as ValueId) !== null)) return graph;
    const mapped: ValueId[] = [];
    // What is made of turns, in the shape of the product: axes of one element that come and go would hide it.
    const plain = new Map<ValueId, ValueId>();
    return rebuild(graph, (builder, node, operands, id) => {
      const [turn, sum] = [turns.get(id), braids.weighedSum(id)];
      let value: ValueId;
      if (turn !== undefined)
        plain.set(
          id,
          turnOf(builder, turn, (each) => mapped[each]!, graph, isWhole),
        );
      else if (between.has(id)) {
        const own = node.operands.map((each, position) => plain.get(each) ?? operands[position]!);
        plain.set(id, classOf(node.operator) === "move" ? own[0]! : emitNode(builder, node, own));
      }
      const made = plain.get(id);
      if (made !== undefined) value = withShape(builder, made, graph.types[id]!.shape);
      else if (sum !== null) value = sumOf(builder, sum, (each) => mapped[each]!);
      else value = emitNode(builder, node, operands);
      if (turn !== undefined || sum !== null) {
        const rule = sum === null ? "columns that take turns" : "a sum of what is weighed";
        remark({ rule, kind: "fired", location: graph.locations[id] ?? null, message: "" });
      }
      mapped.push(value);
      return value;
    });
  },
};

function withShape(builder: GraphBuilder, value: ValueId, shape: readonly Size[]): ValueId {
  const own = builder.typeOf(value).shape;
  const isSame = own.length === shape.length && own.every((each, axis) => each === shape[axis]);
  return isSame ? value : builder.emit("reshape", [value], { shape });
}

/** Every so many columns of a product. */
interface Turn {
  readonly product: NodeOf<"einsum">;
  /** The factor whose last axis is the product's, which no other has. */
  readonly weight: number;
  readonly bias: ValueId | null;
  readonly turns: number;
  /** The first of the columns. */
  readonly start: Size;
}

interface Found {
  /** By the slices that they are. */
  readonly turns: ReadonlyMap<ValueId, Turn>;
  /** What is made of them element by element, up to where they meet. */
  readonly between: ReadonlySet<ValueId>;
}

interface WeighedSum {
  readonly product: NodeOf<"einsum">;
  readonly added: ValueId;
  readonly share: ValueId;
  /** The names of the axes of the product, of the shares and of the result. */
  readonly labels: {
    readonly product: readonly number[];
    readonly share: readonly number[];
    readonly output: readonly number[];
  };
}

class Braids {
  readonly #users: readonly (readonly ValueId[])[];
  readonly #outputs: ReadonlySet<ValueId>;

  constructor(readonly graph: Graph) {
    this.#users = usersOf(graph);
    this.#outputs = new Set(graph.outputs.map(({ value }) => value));
  }

  /** The one value that reads a value; null where others do too. */
  #onlyUser(value: ValueId): ValueId | null {
    const [user, ...others] = this.#users[value]!;
    return user === undefined || others.length > 0 || this.#outputs.has(value) ? null : user;
  }

  /** @param areChosen whether only products with matrices are looked at that are chosen */
  found(areChosen: boolean): Found {
    const { nodes, types } = this.graph;
    const found = new Map<ValueId, Turn>();
    const between = new Set<ValueId>();
    for (const [id, product] of nodes.entries()) {
      const value = id as ValueId;
      if (product.operator !== "einsum" || product.operands.length !== 2) continue;
      const weight = this.#weightOf(product);
      if (areChosen && weight !== null && nodes[product.operands[weight]!]!.operator !== "take") continue;
      const user = this.#onlyUser(value);
      if (weight === null || user === null) continue;
      const { shape } = types[value]!;
      const bias = nodes[user]!.operator === "add" && types[user]!.shape.every((each, axis) => each === shape[axis]);
      const added = bias ? nodes[user]!.operands.find((each) => each !== value) : undefined;
      if (bias && added === undefined) continue;
      const from = bias ? this.#onlyUser(user) : user;
      const way = from === null ? null : this.#wayOf(from, shape);
      if (way === null) continue;
      for (const each of way.between) between.add(each);
      for (const each of way.slices) {
        const node = nodes[each]!;
        if (node.operator !== "slice") continue;
        found.set(each, { product, weight, bias: added ?? null, turns: way.turns, start: node.attributes.start });
      }
    }
    return { turns: found, between };
  }

  /** Which factor is known at load, or chosen from what is, and has the last axis of the product, alone and last. */
  #weightOf({ operands, attributes: { inputs, output } }: NodeOf<"einsum">): number | null {
    const last = output.at(-1);
    const holding = inputs.flatMap((labels, position) => (labels.includes(last!) ? [position] : []));
    const [weight, ...others] = holding;
    if (weight === undefined || others.length > 0 || inputs[weight]!.at(-1) !== last) return null;
    const { nodes, types } = this.graph;
    const node = nodes[operands[weight]!]!;
    const isChosen = node.operator === "take" && node.attributes.axis < types[node.operands[0]!]!.shape.length - 1;
    const origin = nodes[isChosen ? node.operands[0]! : operands[weight]!]!;
    return origin.operator === "weight" ? weight : null;
  }

  /** How a product comes to slices that are its columns in turns, if that is all that is made of it. */
  #wayOf(
    from: ValueId,
    shape: readonly Size[],
  ): { readonly turns: number; readonly slices: readonly ValueId[]; readonly between: ReadonlySet<ValueId> } | null {
    const { nodes, types } = this.graph;
    const split = types[from]!.shape;
    const turns = constantOf(split.at(-1) ?? size(1));
    const isSplit =
      nodes[from]!.operator === "reshape" &&
      split.length === shape.length + 1 &&
      shape.slice(0, -1).every((each, axis) => each === split[axis]);
    if (!isSplit || turns === null || turns < 2 || turns > mostTurns) return null;
    let axis = split.length - 1;
    let at = from;
    for (let user = this.#onlyUser(at); user !== null; user = this.#onlyUser(at)) {
      const node = nodes[user]!;
      if (node.operator !== "transpose" || !keepsOrder(types[at]!.shape, node.attributes.permutation, axis)) break;
      axis = node.attributes.permutation.indexOf(axis);
      at = user;
    }
    const slices = this.#users[at]!;
    const starts = slices.map((each) => {
      const node = nodes[each]!;
      const isTurn = node.operator === "slice" && node.attributes.axis === axis;
      return isTurn && constantOf(node.attributes.length) === 1 ? constantOf(node.attributes.start) : null;
    });
    const areAll = new Set(starts).size === turns && slices.length === turns && !starts.includes(null);
    const between = areAll && !this.#outputs.has(at) ? this.#between(slices) : null;
    return between === null ? null : { turns, slices, between };
  }

  /** All that is made of these values element by element, if it comes to one value; else null. */
  #between(values: readonly ValueId[]): ReadonlySet<ValueId> | null {
    const { nodes, types } = this.graph;
    const visited = new Set<ValueId>(values);
    const isNext = (user: ValueId, from: ValueId): boolean => {
      const node = nodes[user]!;
      if (node.operator === "transpose") return keepsOrder(types[from]!.shape, node.attributes.permutation);
      const isSame = textOf(types[user]!.shape) === textOf(types[from]!.shape);
      return isSame && (node.operator === "reshape" || classOf(node.operator) === "map");
    };
    const ends = new Set<ValueId>();
    for (const value of visited) {
      if (visited.size > mostSteps) return null;
      const users = this.#users[value]!;
      const goesOn = users.length > 0 && !this.#outputs.has(value) && users.every((user) => isNext(user, value));
      if (!goesOn) ends.add(value);
      else for (const user of users) visited.add(user);
    }
    const [end, ...others] = ends;
    if (end === undefined || others.length > 0 || values.includes(end)) return null;
    const between = [...visited].filter((each) => !values.includes(each));
    // What else goes into them is numbers, whatever the shape.
    const isPlain = (each: ValueId): boolean => visited.has(each) || types[each]!.shape.length === 0;
    return between.every((each) => nodes[each]!.operands.every(isPlain)) ? new Set(between) : null;
  }

  /** What a sum of weighed products is made of; null where a value is none, or its shares weigh no rows of the product. */
  weighedSum(value: ValueId): WeighedSum | null {
    const { nodes, types } = this.graph;
    const node = nodes[value]!;
    if (node.operator !== "einsum" || node.operands.length !== 2) return null;
    for (const position of [0, 1]) {
      const [sum, share] = [node.operands[position]!, node.operands[1 - position]!];
      const [labels, weighing] = [node.attributes.inputs[position]!, node.attributes.inputs[1 - position]!];
      const both = nodes[sum]!;
      if (both.operator !== "add" || this.#onlyUser(sum) === null || sum === share) continue;
      const first = both.operands.find((each) => nodes[each]!.operator === "einsum" && this.#onlyUser(each) !== null);
      const added = both.operands.find((each) => each !== first);
      if (first === undefined || added === undefined) continue;
      const product = nodes[first]!;
      if (product.operator !== "einsum" || product.operands.length !== 2) continue;
      const isSame = [first, added].every(
        (each) =>
          types[each]!.shape.every((extent, axis) => extent === types[sum]!.shape[axis]) &&
          types[each]!.shape.length === types[sum]!.shape.length,
      );
      const rows = product.operands[0]!;
      const names = new Map(product.attributes.output.map((label, axis) => [label, labels[axis]!]));
      const own = product.attributes.inputs[0]!.map((label) => names.get(label) ?? -1);
      const isWeighed = weighing.every((label, axis) => {
        const at = own.indexOf(label);
        return at >= 0 && types[rows]!.shape[at] === types[share]!.shape[axis];
      });
      const isOnce = classOf(nodes[rows]!.operator) === "map" && this.#onlyUser(rows) === first;
      const areFloats = [rows, share, added, first].every((each) => types[each]!.element === "f32");
      if (!isSame || !isWeighed || !isOnce || !areFloats || weighing.length >= own.length) continue;
      return { product, added, share, labels: { product: labels, share: weighing, output: node.attributes.output } };
    }
    return null;
  }
}

/** The extents of axes of more than one element. */
function textOf(shape: readonly Size[]): string {
  return shape.flatMap((each) => (constantOf(each) === 1 ? [] : [each.id])).join();
}

/** Whether a transpose leaves axes of more than one element in their order, but for one that is left out. */
function keepsOrder(shape: readonly Size[], permutation: readonly number[], except = -1): boolean {
  const order = permutation.filter((axis) => axis !== except && constantOf(shape[axis]!) !== 1);
  return order.every((axis, at) => at === 0 || order[at - 1]! < axis);
}

/** Every so many elements of the last axis. */
function everySo(builder: GraphBuilder, value: ValueId, { turns, start }: Turn): ValueId {
  const { shape } = builder.typeOf(value);
  const axis = shape.length - 1;
  const count = constantOf(shape[axis]!)! / turns;
  const split = builder.emit("reshape", [value], { shape: [...shape.slice(0, -1), size(count), size(turns)] });
  const own = builder.emit("slice", [split], { axis: axis + 1, start, length: size(1) });
  return builder.emit("reshape", [own], { shape: [...shape.slice(0, -1), size(count)] });
}

/**
 * @param isWhole whether turns are taken of what is chosen, and not chosen of turns: numbers of few bits lie several in a word,
 * which turns share
 */
function turnOf(
  builder: GraphBuilder,
  turn: Turn,
  mapped: (value: ValueId) => ValueId,
  graph: Graph,
  isWhole: boolean,
): ValueId {
  const { product, weight, bias } = turn;
  const ofWeight = (value: ValueId): ValueId => {
    const node = graph.nodes[value]!;
    if (isWhole || node.operator !== "take") return everySo(builder, mapped(value), turn);
    const [from, chosen] = node.operands as readonly [ValueId, ValueId];
    return builder.emit("take", [ofWeight(from), mapped(chosen)], node.attributes);
  };
  const factors = product.operands.map((each, position) => (position === weight ? ofWeight(each) : mapped(each)));
  let value = builder.emit("einsum", factors, product.attributes);
  if (bias !== null) {
    const isOne = constantOf(graph.types[bias]!.shape.at(-1) ?? size(1)) === 1;
    const isTaken = graph.nodes[bias]!.operator === "take";
    const own = isOne ? mapped(bias) : isTaken ? ofWeight(bias) : everySo(builder, mapped(bias), turn);
    value = builder.emit("add", [value, own], {});
  }
  return value;
}

function sumOf(builder: GraphBuilder, sum: WeighedSum, mapped: (value: ValueId) => ValueId): ValueId {
  const { product, labels } = sum;
  const { inputs, output } = product.attributes;
  // The product's own names of what it sums over stay apart from those of the result.
  const names = new Map(output.map((label, axis) => [label, labels.product[axis]!]));
  const apart = 1 + Math.max(...labels.product, ...labels.share, ...labels.output);
  const named = (some: readonly number[]): readonly number[] => some.map((label) => names.get(label) ?? apart + label);
  const [rows, weight] = product.operands.map((each) => mapped(each)) as [ValueId, ValueId];
  const own = named(inputs[0]!);
  const share = mapped(sum.share);
  const order = own.flatMap((label) => (labels.share.includes(label) ? [labels.share.indexOf(label)] : []));
  const { shape } = builder.typeOf(share);
  const spread = builder.emit("reshape", [builder.emit("transpose", [share], { permutation: order })], {
    shape: own.map((label) => (labels.share.includes(label) ? shape[labels.share.indexOf(label)]! : size(1))),
  });
  const weighed = builder.emit("mul", [rows, spread], {});
  const made = builder.emit("einsum", [weighed, weight], { inputs: [own, named(inputs[1]!)], output: labels.output });
  const rest = builder.emit("einsum", [mapped(sum.added), share], {
    inputs: [labels.product, labels.share],
    output: labels.output,
  });
  return builder.emit("add", [made, rest], {});
}
