/**
 * Sizes as computations of an ONNX graph: whole numbers of 64 bits in vectors of one element, from the shapes of the
 * inputs. Each size is computed once.
 */
import { InternalError } from "../../src/diagnostics/index.js";
import {
  type Atom,
  constantOf,
  isNonNegative,
  type Size,
  type SizeVariable,
  type Term,
} from "../../src/sizes/index.js";
import type { OnnxBuilder } from "./builder.js";
import type { Value } from "./messages.js";

/** Where a run shows the value of a size: an axis of an input, which is `times` the size. */
export interface SizeSource {
  readonly input: Value;
  readonly axis: number;
  readonly times: number;
}

export class SizeValues {
  readonly #vectors = new Map<Size, Value>();
  readonly #atoms = new Map<Atom, Value>();
  readonly #numbers = new Map<Size, Value>();

  constructor(
    readonly builder: OnnxBuilder,
    readonly sources: ReadonlyMap<SizeVariable, SizeSource>,
  ) {}

  /** The size as i64[1]. */
  vector(size: Size): Value {
    const constant = constantOf(size);
    if (constant !== null) return this.builder.integers([constant]);
    const known = this.#vectors.get(size);
    if (known) return known;
    const value = this.builder.shared("sizes", () =>
      size.terms.map((term) => this.#term(term)).reduce((sum, term) => this.#binary("Add", sum, term)),
    );
    this.#vectors.set(size, value);
    return value;
  }

  /** The size as a number of type i32. */
  number(size: Size): Value {
    const constant = constantOf(size);
    if (constant !== null) return this.builder.scalar(constant, "i32");
    const known = this.#numbers.get(size);
    if (known) return known;
    const vector = this.vector(size);
    const value = this.builder.shared("sizes", () =>
      this.builder.cast(this.builder.node("Squeeze", [vector, this.builder.integers([0])]), "i32"),
    );
    this.#numbers.set(size, value);
    return value;
  }

  /** A shape as i64[rank]. */
  shape(shape: readonly Size[]): Value {
    const constants = shape.map(constantOf);
    if (constants.every((each) => each !== null)) return this.builder.integers(constants);
    const parts = shape.map((size) => this.vector(size));
    return parts.length === 1 ? parts[0]! : this.builder.node("Concat", parts, { axis: 0 }, "i64");
  }

  #term({ coefficient, monomial }: Term): Value {
    const { factors } = monomial;
    const values = factors.map((factor) => this.#atom(factor));
    if (coefficient !== 1 || values.length === 0) values.push(this.builder.integers([coefficient]));
    return values.reduce((product, value) => this.#binary("Mul", product, value));
  }

  #atom(atom: Atom): Value {
    const known = this.#atoms.get(atom);
    if (known) return known;
    const value = this.#compute(atom);
    this.#atoms.set(atom, value);
    return value;
  }

  #compute(atom: Atom): Value {
    if (atom.kind === "variable") return this.#variable(atom.variable);
    if (atom.kind === "floorDiv") return this.#floorDivision(atom.dividend, atom.divisor);
    const [first, ...others] = atom.operands.map((operand) => this.vector(operand));
    const operator = atom.kind === "min" ? "Min" : "Max";
    return others.reduce((extreme, operand) => this.#binary(operator, extreme, operand), first!);
  }

  /** The variable divided by its step, which is what its atom stands for. */
  #variable(variable: SizeVariable): Value {
    const source = this.sources.get(variable);
    if (source === undefined) throw new InternalError(`no input shows the size ${variable.name}`);
    const { input, axis, times } = source;
    const length = this.builder.node("Shape", [input], { start: axis, end: axis + 1 }, "i64");
    const divisor = times * variable.step;
    return divisor === 1 ? length : this.#binary("Div", length, this.builder.integers([divisor]));
  }

  /** ONNX divides towards 0; its remainder has the sign of the divisor. */
  #floorDivision(dividend: Size, divisor: Size): Value {
    const [a, b] = [this.vector(dividend), this.vector(divisor)];
    if (isNonNegative(dividend) && isNonNegative(divisor)) return this.#binary("Div", a, b);
    return this.#binary("Div", this.#binary("Sub", a, this.#binary("Mod", a, b)), b);
  }

  #binary(operator: string, a: Value, b: Value): Value {
    return this.builder.node(operator, [a, b], {}, "i64");
  }
}
