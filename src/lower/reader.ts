/**
 * Reads elements of values inside one kernel: from the arguments of the kernel, or, for values that are computed in
 * place, through the rules of their operators.
 *
 * What must stay true: one element at one index is one expression, however often it is asked for, so that expressions
 * grow with the graph and not with the number of its paths.
 */
import { InternalError } from "../diagnostics/index.js";
import {
  type Attention,
  attentionOf,
  attentionsOf,
  type Graph,
  type OperatorName,
  type ValueId,
} from "../ir/graph/index.js";
import { Buffer, type BufferFacts, type Expression, load, slowFunctions } from "../ir/kernel/index.js";
import type { Size } from "../sizes/index.js";
import type { Index } from "./addresses.js";
import { attendedElement } from "./attention.js";
import type { Operation, Rule, Share } from "./rules.js";
import { rules } from "./table.js";
import type { KernelWriter, Scalar } from "./writer.js";

/** Computed once per row where an element of the row is the same for all. */
const costly: ReadonlySet<OperatorName> = new Set(slowFunctions);

/** Where values lie when a kernel runs. */
export interface Placed {
  /** Whether it lies in a buffer. */
  readonly isStored: (value: ValueId) => boolean;
  /** Whether it lies there from the time on when the model is loaded. */
  readonly isConstant: (value: ValueId) => boolean;
  /** The shape in which it lies there: it may have room for more rows than the value has. */
  readonly shapeOf: (value: ValueId) => readonly Size[];
}

export class ValueReader {
  readonly #arguments = new Map<ValueId, Buffer>();
  readonly #computed = new Set<ValueId>();
  /** By the element of a softmax. */
  readonly #shares = new Map<Expression, Share>();
  readonly #known = new Map<ValueId, { readonly at: Index; readonly element: Expression }[]>();

  constructor(
    readonly graph: Graph,
    readonly writer: KernelWriter,
    readonly placed: Placed,
  ) {}

  /** The buffer that the kernel writes a value to. */
  makeResult(value: ValueId, shape: readonly Size[]): Buffer {
    return this.#makeBuffer(value, shape, {});
  }

  #makeBuffer(value: ValueId, shape: readonly Size[], facts: BufferFacts): Buffer {
    const { element } = this.graph.types[value]!;
    return new Buffer(this.writer.uniqueName(shortName(this.graph, value)), element, shape, "global", facts);
  }

  /** The values that were read, by their buffers. */
  get arguments(): ReadonlyMap<Buffer, ValueId> {
    return new Map([...this.#arguments].map(([value, buffer]) => [buffer, value]));
  }

  /** The values that the kernel computes in place. */
  get computed(): ReadonlySet<ValueId> {
    return this.#computed;
  }

  /** The element of a value at an index. */
  at(value: ValueId, index: Index): Expression {
    const known = this.#known.get(value)?.find((each) => each.at.every((part, axis) => part === index[axis]));
    if (known !== undefined) return known.element;
    const element = this.placed.isStored(value) ? load(this.#argument(value), index) : this.#compute(value, index);
    const all = this.#known.get(value) ?? [];
    all.push({ at: index, element });
    this.#known.set(value, all);
    return element;
  }

  /** A node as its rule sees it. The caller knows which operator it has. */
  operation<K extends OperatorName>(value: ValueId): Operation<K> {
    const { operands, attributes } = this.graph.nodes[value]!;
    return {
      attributes: attributes as Operation<K>["attributes"],
      type: this.graph.types[value]!,
      operands: operands.map((operand) => this.graph.types[operand]!),
      at: (operand, index) => this.at(operands[operand]!, index),
      share: (element) => this.#shares.get(element) ?? null,
      isRow: (operand) => this.#isRow(value, operand),
      isSum: (operand) => !this.#isRow(value, operand) && this.#isSum(operands[operand]!),
    };
  }

  #argument(value: ValueId): Buffer {
    let buffer = this.#arguments.get(value);
    if (buffer === undefined) {
      buffer = this.#makeBuffer(
        value,
        this.placed.shapeOf(value),
        this.placed.isConstant(value) ? { constant: true } : {},
      );
      this.#arguments.set(value, buffer);
    }
    return buffer;
  }

  #compute(value: ValueId, index: Index): Expression {
    const { operator } = this.graph.nodes[value]!;
    const rule = rules[operator] as Rule<OperatorName>;
    this.#computed.add(value);
    const attention = attentionsOf(this.graph).get(value);
    if (attention !== undefined) return this.#attended(attention, index);
    if (rule.kind === "staged") return rule.element(this.operation(value), index, this.writer);
    if (rule.kind !== "stored" && rule.element !== undefined) {
      const { element } = rule;
      const { shape } = this.graph.types[value]!;
      if (!costly.has(operator) || !this.writer.isInvariant(index, shape)) return element(this.operation(value), index);
      const start = (): Scalar => this.writer.scalar(`row_${operator}`, element(this.operation(value), index));
      return this.writer.stage(index, shape, () => [start(), []]).value;
    }
    throw new InternalError(`${operator} is read where it has not been computed`);
  }

  /** An element of a softmax that a contraction in this kernel reads. */
  #attended({ scores, sink, axis, isNaNForNothing }: Attention, index: Index): Expression {
    const type = this.graph.types[scores]!;
    const score = (at: Index): Expression => this.at(scores, at);
    const start = sink === null ? null : (at: Index): Expression => this.at(sink, at);
    const { element, share } = attendedElement({ axis, type, score, start, isNaNForNothing }, index, this.writer);
    this.#shares.set(element, share);
    return element;
  }

  /** Whether an operand of an einsum is, moved or not, a softmax that this kernel computes for it. */
  #isRow(value: ValueId, operand: number): boolean {
    const found = attentionOf(this.graph, value);
    return found !== null && found.operand === operand && !this.placed.isStored(found.attention.softmax);
  }

  /** Whether an element of a value is made of sums of products of floats that this kernel computes. */
  #isSum(value: ValueId): boolean {
    const passed = new Set([value]);
    for (const each of passed) {
      if (this.placed.isStored(each)) continue;
      const { operator, operands } = this.graph.nodes[each]!;
      if (operator === "einsum" && this.graph.types[each]!.element !== "i32") return true;
      for (const operand of operands) passed.add(operand);
    }
    return false;
  }
}

/** The user's name for a value without the layers it lies in, else its operator. */
function shortName(graph: Graph, value: ValueId): string {
  const node = graph.nodes[value]!;
  const isNamed = node.operator === "input" || node.operator === "weight";
  const name = graph.names[value] ?? (isNamed ? node.attributes.name : node.operator);
  return name.split(".").at(-1)!;
}
