/**
 * The values that a random Graph has so far, and how operands are chosen among them or made; see random-graph.ts.
 */
import { GraphBuilder } from "../../src/ir/graph/builder.js";
import type { ValueId } from "../../src/ir/graph/graph.js";
import type { Attributes, OperatorName } from "../../src/ir/graph/operators.js";
import { broadcastShapes, same } from "../../src/ir/graph/type-rules.js";
import type { ElementType, TensorType } from "../../src/ir/graph/types.js";
import { exactDivide, minimum, mul, rangeOf, type Size, SizeVariable, size } from "../../src/sizes/index.js";
import type { Random } from "./random.js";

export interface RandomGraphOptions {
  /** How many operators are tried; some fold or are shared. 20 unless given. */
  readonly nodes?: number;
  /** Only continuous in floats, and tame; see the header. */
  readonly smooth?: boolean;
  /** Element types other than f32 that operands and outputs may have; all unless given. */
  readonly elements?: readonly ElementType[];
  /** Operators that may appear besides leaves; all unless given. */
  readonly operators?: readonly OperatorName[];
  /** What divides T, a divisor of 6; 1 unless given. */
  readonly step?: number;
}

/** No value has more elements than this, whatever the sizes. */
export const largest = 1500;

/** No value in reach fits the operator within the options. */
export class NothingFits extends Error {}

export class RandomValues {
  protected readonly b = new SizeVariable("B", 0, 3);
  protected readonly t: SizeVariable;
  protected readonly builder: GraphBuilder;
  protected readonly pool: ValueId[] = [];
  protected readonly elements: readonly ElementType[];
  protected leaves = 0;

  constructor(
    readonly random: Random,
    readonly options: RandomGraphOptions,
  ) {
    this.t = new SizeVariable("T", 0, 6, options.step);
    this.builder = new GraphBuilder("random", [this.b, this.t]);
    this.elements = ["f32", ...(options.elements ?? (["f16", "i32", "bool"] as const))];
  }

  protected emit<K extends OperatorName>(
    operator: K,
    operands: readonly ValueId[],
    attributes: Attributes[K],
  ): ValueId {
    const value = this.builder.emit(operator, operands, attributes);
    if (this.elements.includes(this.type(value).element)) this.pool.push(value);
    return value;
  }

  protected type(value: ValueId): TensorType {
    return this.builder.typeOf(value);
  }

  /** Some value of one of the element types; a new one if there is none. */
  protected pick(elements: readonly ElementType[], fits: (type: TensorType) => boolean = () => true): ValueId {
    const allowed = elements.filter((element) => this.elements.includes(element));
    const found = this.pool.filter((value) => allowed.includes(this.type(value).element) && fits(this.type(value)));
    if (found.length > 0) return this.random.of(found.slice(-12));
    if (allowed.length === 0) throw new NothingFits();
    for (;;) {
      const type = { element: this.random.of(allowed), shape: this.shape() };
      if (fits(type)) return this.input(type);
    }
  }

  protected ranked(elements: readonly ElementType[], rank: number): ValueId {
    return this.pick(elements, (type) => type.shape.length >= rank);
  }

  /** A value whose order is certain: with `smooth`, i32 or an input. */
  protected comparable(fits: (type: TensorType) => boolean): ValueId {
    if (!this.options.smooth) return this.pick(["f32", "f16", "i32"], fits);
    for (;;) {
      const type: TensorType = { element: "f32", shape: this.shape() };
      if (fits(type)) return this.input(type);
    }
  }

  /** A value of the same element type that broadcasts with another. */
  protected partner(value: ValueId): ValueId {
    const { element, shape } = this.type(value);
    const found = this.pool.filter((other) => {
      const type = this.type(other);
      const both = type.element === element ? broadcastShapes([shape, type.shape]) : null;
      return both !== null && this.fits(both);
    });
    return found.length > 1 && this.random.chance(0.7)
      ? this.random.of(found)
      : this.like({ element, shape: this.shrunk(shape) });
  }

  /** A value of exactly this type. */
  protected like(type: TensorType): ValueId {
    if (!this.elements.includes(type.element)) throw new NothingFits();
    const found = this.pool.filter((value) => {
      const { element, shape } = this.type(value);
      const equal = shape.length === type.shape.length && shape.every((each, axis) => same(each, type.shape[axis]!));
      return element === type.element && equal;
    });
    if (found.length > 0 && this.random.chance(0.8)) return this.random.of(found);
    if (this.random.chance(0.3)) {
      const scalar = this.emit("constant", [], { value: this.constant(type.element), element: type.element });
      return this.emit("broadcast", [scalar], { shape: type.shape });
    }
    return this.input(type);
  }

  protected constant(element: ElementType): number {
    const { random } = this;
    if (element === "bool") return random.below(2);
    if (element === "i32") return random.of([0, 1, -1, 2, 3, -7, 100]);
    const tame = [0, 1, -1, 0.5, -2.25, 0.1];
    return random.of(this.options.smooth ? tame : [...tame, 1e4, -1e4, Infinity, -Infinity, NaN, -0]);
  }

  protected input(type: TensorType): ValueId {
    const fill = this.random.chance(0.2) ? this.constant(type.element) : null;
    return this.emit("input", [], { name: `x${this.leaves++}`, ...type, fill });
  }

  protected float(): ElementType {
    return this.elements.includes("f16") && this.random.chance(0.3) ? "f16" : "f32";
  }

  protected axis(value: ValueId): number {
    return this.random.below(this.type(value).shape.length);
  }

  protected size(): Size {
    const { random } = this;
    const [b, t] = [size(this.b), size(this.t)];
    const part = exactDivide(t, this.t.step)!;
    return random.of([
      ...(part === t ? [] : [part, part]),
      size(1),
      size(1),
      size(2),
      size(3),
      size(4),
      size(5),
      size(0),
      b,
      b,
      t,
      t,
      t,
      mul(t, size(2)),
      minimum(t, size(3)),
    ]);
  }

  protected shape(): Size[] {
    for (;;) {
      const shape = Array.from({ length: this.random.below(4) }, () => this.size());
      if (this.fits(shape)) return shape;
    }
  }

  /** The shape with some axes 1 and some leading ones gone: what broadcasts to it. */
  protected shrunk(shape: readonly Size[]): Size[] {
    const kept = this.random.chance(0.3) ? shape.slice(this.random.below(shape.length + 1)) : shape;
    return kept.map((each) => (this.random.chance(0.25) ? size(1) : each));
  }

  protected fits(shape: readonly Size[], factor = 1): boolean {
    return shape.reduce((product, each) => product * Math.max(1, rangeOf(each).max), 1) <= largest * factor;
  }
}
