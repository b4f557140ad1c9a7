/** Emits one product for a group of them, of weights that are merged at load, and the part of the result for each. */
import { emitNode, type Graph, type GraphBuilder, scalar, type ValueId } from "../../ir/graph/index.js";
import { elementCount } from "../../ir/graph/infer-shapes.js";
import { add, type Size, size } from "../../sizes/index.js";
import type { Member } from "./members.js";

export class Merging {
  /** What a load-time value of the old graph is in the new one. */
  readonly #emitted = new Map<ValueId, ValueId>();

  constructor(
    readonly graph: Graph,
    readonly builder: GraphBuilder,
    /** The buffers that a kernel can read and write. */
    readonly mostBuffers: number,
  ) {}

  /** The parts of the merged product, in the order of the members. @param x the value that all read */
  parts(members: readonly Member[], x: ValueId): readonly ValueId[] {
    const { builder } = this;
    const [first] = members;
    const { ofOutput, ofWeight } = first!.column;
    const columns = members.map(({ weight }) => this.graph.types[weight]!.shape[ofWeight]!);
    const weight = this.#joined(
      members.map((member) => this.#weight(member)),
      ofWeight,
    );
    const name = mergedName(members.map(({ weight: own }) => this.#nameOf(own)));
    if (name !== null) builder.nameValue(weight, name);
    const operands = first!.position === 0 ? [weight, x] : [x, weight];
    let product = builder.emit("einsum", operands, first!.node.attributes);
    const after = members.map((member) => this.#sum(member));
    if (after.some((each) => each !== null)) {
      const sums = after.map(
        (each, i) => each ?? this.#repeated(scalar(builder, 0, this.#element(first!)), columns[i]!),
      );
      const sum = this.#concat(sums, 0);
      const biasName = mergedName(members.map((member) => this.#biasName(member)));
      if (biasName !== null) builder.nameValue(sum, biasName);
      product = builder.emit("add", [product, this.#alongColumns(sum, first!, first!.column.ofOutput)], {});
    }
    let start: Size = size(0);
    return columns.map((length) => {
      const part = builder.emit("slice", [product], { axis: ofOutput, start, length });
      start = add(start, length);
      return part;
    });
  }

  /** A value of the old graph that is known at load, emitted if it was not yet. */
  #valueOf(old: ValueId): ValueId {
    const known = this.#emitted.get(old);
    if (known !== undefined) return known;
    const { builder, graph } = this;
    const node = graph.nodes[old]!;
    const operands = node.operands.map((operand) => this.#valueOf(operand));
    const { origin } = builder;
    builder.origin = { location: graph.locations[old] ?? null, scope: graph.scopes[old] ?? null };
    const value = emitNode(builder, node, operands);
    builder.origin = origin;
    const name = graph.names[old];
    if (name) builder.nameValue(value, name);
    this.#emitted.set(old, value);
    return value;
  }

  #element({ value }: Member) {
    return this.graph.types[value]!.element;
  }

  /** The weight times what its product is multiplied by. */
  #weight(member: Member): ValueId {
    let value = this.#valueOf(member.weight);
    for (const { operator, operand } of member.steps) {
      if (operator !== "mul" && operator !== "div") continue;
      const factor = this.#alongAxis(
        this.#byColumn(operand),
        this.graph.types[member.weight]!.shape.length,
        member.column.ofWeight,
      );
      value = this.builder.emit(operator, [value, factor], {});
    }
    return value;
  }

  /** What is added to a product, one number for each column, after what it is multiplied by; null if nothing is. */
  #sum(member: Member): ValueId | null {
    let sum: ValueId | null = null;
    for (const { operator, operand } of member.steps) {
      const own = this.#byColumn(operand);
      if (operator === "add" || operator === "sub") {
        const first = operator === "sub" ? this.builder.emit("neg", [own], {}) : own;
        sum = sum === null ? first : this.builder.emit(operator, [sum, own], {});
      } else if (sum !== null) sum = this.builder.emit(operator, [sum, own], {});
    }
    const { shape } = this.graph.types[member.weight]!;
    return sum === null ? null : this.#repeated(sum, shape[member.column.ofWeight]!);
  }

  /** A number, or one for each column, as an array of one axis. */
  #byColumn(operand: ValueId): ValueId {
    const { shape } = this.graph.types[operand]!;
    return this.builder.emit("reshape", [this.#valueOf(operand)], { shape: [elementCount(shape)] });
  }

  #repeated(value: ValueId, columns: Size): ValueId {
    const { shape } = this.builder.typeOf(value);
    const isWhole = shape.length === 1 && shape[0] === columns;
    return isWhole ? value : this.builder.emit("broadcast", [value], { shape: [columns] });
  }

  /** An array of one axis as one of `rank` axes, along one of them. */
  #alongAxis(value: ValueId, rank: number, axis: number): ValueId {
    const [extent] = this.builder.typeOf(value).shape;
    const shape = Array.from({ length: rank }, (_, each) => (each === axis ? extent! : size(1)));
    return this.builder.emit("reshape", [value], { shape });
  }

  #alongColumns(value: ValueId, { value: product }: Member, column: number): ValueId {
    return this.#alongAxis(value, this.graph.types[product]!.shape.length - column, 0);
  }

  /** Arrays one after another. What is only cast is joined before: in its own type it is smaller. */
  #joined(values: readonly ValueId[], axis: number): ValueId {
    const { builder } = this;
    const nodes = values.map((value) => builder.nodeOf(value));
    const inner = nodes.flatMap(({ operator, operands }) => (operator === "cast" ? [operands[0]!] : []));
    const elements = new Set(inner.map((value) => builder.typeOf(value).element));
    if (inner.length < values.length || elements.size > 1) return this.#concat(values, axis);
    return builder.emit("cast", [this.#joined(inner, axis)], { to: builder.typeOf(values[0]!).element });
  }

  /** Arrays one after another: first as many as a kernel can read, then what that gives and the next of them, and so on. */
  #concat(values: readonly ValueId[], axis: number): ValueId {
    const most = this.mostBuffers - 1;
    if (values.length <= most) return this.builder.emit("concat", values, { axis });
    const begun = this.builder.emit("concat", values.slice(0, most), { axis });
    return this.#concat([begun, ...values.slice(most)], axis);
  }

  #nameOf(value: ValueId): string | null {
    const node = this.graph.nodes[value]!;
    return node.operator === "weight" ? node.attributes.name : null;
  }

  #biasName({ steps }: Member): string | null {
    const [only, ...others] = steps.filter(({ operator }) => operator === "add");
    return only === undefined || others.length > 0 ? null : this.#nameOf(only.operand);
  }
}

/** `h.0.q_k_v.weight` of `h.0.q.weight`, `h.0.k.weight`, `h.0.v.weight`: what differs, in its place; null if that is all. */
export function mergedName(names: readonly (string | null)[]): string | null {
  const paths = names.flatMap((name) => (name === null ? [] : [name.split(".")]));
  const [first] = paths;
  if (first === undefined || paths.some((path) => path.length !== first.length)) return null;
  const parts = first.map((_, i) => [...new Set(paths.map((path) => path[i]!))]);
  return parts.some((part) => part.length === 1) || first.length === 1
    ? parts.map((part) => part.join("_")).join(".")
    : null;
}
