/**
 * Random well-typed Graphs over all operators with symbolic sizes, and random inputs for them: for the tests of the
 * interpreter, of passes (before against after) and of backends.
 *
 * A seed gives the same graph for ever on every machine. Graphs are small; sizes reach 0 and 1. With `smooth`, results
 * depend on floats only continuously and values stay near 1, so that two ways of computing them in f32 may be compared
 * with a tolerance; without it anything goes (NaN, infinities, floor of a rounding error), and only exact ways agree.
 */
import type { Graph, Scope, ValueId } from "../../src/ir/graph/graph.js";
import { elementCount } from "../../src/ir/graph/infer-shapes.js";
import {
  binaryOperators,
  isReduction,
  isUnary,
  type OperatorName,
  reductionOperators,
  unaryOperators,
} from "../../src/ir/graph/operators.js";
import { broadcastShapes, same } from "../../src/ir/graph/type-rules.js";
import { type ElementType, isFloat } from "../../src/ir/graph/types.js";
import {
  constantOf,
  exactDivide,
  maximum,
  minimum,
  mul,
  rangeOf,
  type Size,
  size,
  sub,
} from "../../src/sizes/index.js";
import { Random } from "./random.js";
import { largest, NothingFits, type RandomGraphOptions, RandomValues } from "./random-graph-values.js";

export type { RandomGraphOptions } from "./random-graph-values.js";

const movement = ["transpose", "reshape", "broadcast", "slice", "concat", "take", "element"] as const;
const others = ["where", "cast", "iota", "size", "softmax", "cumsum", "einsum", "topk", "weight"] as const;
const choices: readonly OperatorName[] = [
  ...unaryOperators,
  ...binaryOperators,
  ...reductionOperators,
  ...movement,
  ...movement,
  ...others,
  ...others,
];

/** What leads from nearly equal floats to different results. */
const discontinuous: ReadonlySet<OperatorName> = new Set([
  "floor",
  "ceil",
  "floor_div",
  "mod",
  "lt",
  "le",
  "eq",
  "ne",
  "argmax",
  "topk",
]);

const root: Scope = { parent: null, name: "", block: "Random", kind: "model" };
const scopes: readonly (Scope | null)[] = [
  null,
  root,
  { parent: root, name: "h.0", block: "Block", kind: "layer" },
  { parent: root, name: 'a name, with "quotes"', block: "attention", kind: "function" },
];

/** A graph that the seed decides. */
export function randomGraph(seed: number, options: RandomGraphOptions = {}): Graph {
  return new Generator(new Random(seed), options).graph();
}

class Generator extends RandomValues {
  graph(): Graph {
    this.input({ element: "f32", shape: [size(this.b), size(this.t), size(3)] });
    for (const element of this.elements) this.input({ element, shape: this.shape() });
    const allowed = choices.filter((choice) => this.options.operators?.includes(choice) ?? true);
    const count = this.options.nodes ?? 20;
    for (let i = 0; i < count; i++) {
      const location = this.random.chance(0.8) ? { file: "random.trafo", line: i + 1, column: 3 } : null;
      this.builder.origin = { location, scope: this.random.of(scopes) };
      const made = this.#try(this.random.of(allowed));
      if (made !== null && this.random.chance(0.1)) this.builder.nameValue(made, `v${i}`);
    }
    const last = this.pool.slice(-4).reverse();
    return this.builder.finish(last.map((value, i) => ({ name: `out${i}`, value })));
  }

  #try(operator: OperatorName): ValueId | null {
    try {
      return this.#make(operator);
    } catch (error) {
      if (error instanceof NothingFits) return null;
      throw error;
    }
  }

  /** One random node of this operator, or null where nothing in reach fits it. */
  #make(operator: OperatorName): ValueId | null {
    const { random } = this;
    if (isUnary(operator)) return this.#unary(operator);
    if ((binaryOperators as readonly string[]).includes(operator)) return this.#binary(operator as "add");
    if (isReduction(operator)) return this.#reduction(operator);
    switch (operator) {
      case "weight": {
        const shape = Array.from({ length: random.below(4) }, () => size(random.of([1, 2, 3, 5, 7])));
        const name = `w${this.leaves++}`;
        return this.emit("weight", [], { name, element: this.float(), shape, sources: [[name]] });
      }
      case "size":
        return this.emit("size", [], { value: this.size() });
      case "iota": {
        const shape = [...this.shape(), this.size()];
        return this.fits(shape) ? this.emit("iota", [], { axis: random.below(shape.length), shape }) : null;
      }
      case "cast": {
        const to = random.of(this.elements);
        const allowed = this.options.smooth && !isFloat(to) ? this.elements.filter((e) => !isFloat(e)) : this.elements;
        return this.emit("cast", [this.pick(allowed)], { to });
      }
      case "where": {
        const yes = this.pick(this.elements);
        const no = this.partner(yes);
        const shape = broadcastShapes([this.type(yes).shape, this.type(no).shape])!;
        return this.emit("where", [this.like({ element: "bool", shape }), yes, no], {});
      }
      case "softmax":
      case "cumsum": {
        const x = this.ranked(operator === "softmax" ? ["f32", "f16"] : ["f32", "f16", "i32"], 1);
        const value = this.emit(operator, [x], { axis: this.axis(x) });
        return operator === "cumsum" ? this.#tamed(value) : value;
      }
      case "einsum":
        return this.#einsum();
      case "transpose": {
        const x = this.pick(this.elements);
        return this.emit("transpose", [x], {
          permutation: random.shuffled(this.type(x).shape.map((_, axis) => axis)),
        });
      }
      case "reshape":
        return this.#reshape();
      case "broadcast":
        return this.#broadcast();
      case "slice":
        return this.#slice();
      case "concat":
        return this.#concat();
      case "take": {
        const [x, indices] = [this.ranked(this.elements, 1), this.pick(["i32"])];
        const axis = this.axis(x);
        const { shape } = this.type(x);
        const result = [...shape.toSpliced(axis, 1), ...this.type(indices).shape];
        return result.length < 6 && this.fits(result) ? this.emit("take", [x, indices], { axis }) : null;
      }
      case "element": {
        const x = this.pick(this.elements);
        const shape = this.shape();
        const indices = this.type(x).shape.map(() => this.like({ element: "i32", shape: this.shrunk(shape) }));
        return this.emit("element", [x, ...indices], {});
      }
      case "topk": {
        const x = this.comparable((type) => (constantOf(type.shape.at(-1) ?? size(0)) ?? 0) > 0);
        const k = random.below(constantOf(this.type(x).shape.at(-1)!)! + 1);
        return this.emit("topk", [x], { k });
      }
      default:
        return null;
    }
  }

  #unary(operator: (typeof unaryOperators)[number]): ValueId | null {
    if (operator === "not") return this.emit("not", [this.pick(["bool"])], {});
    if (this.options.smooth && discontinuous.has(operator)) return null;
    const x = this.pick(operator === "neg" || operator === "abs" ? ["f32", "f16", "i32"] : ["f32", "f16"]);
    if (!this.options.smooth) return this.emit(operator, [x], {});
    if (operator === "exp") return this.emit("exp", [this.emit("tanh", [x], {})], {});
    const positive = ["log", "log2", "sqrt", "rsqrt"].includes(operator);
    return this.emit(operator, [positive ? this.#aboveOne(x) : x], {});
  }

  #binary(operator: (typeof binaryOperators)[number]): ValueId | null {
    const { smooth = false } = this.options;
    if (operator === "and" || operator === "or") {
      const a = this.pick(["bool"]);
      return this.emit(operator, [a, this.partner(a)], {});
    }
    const exact = smooth && discontinuous.has(operator);
    const equality = operator === "eq" || operator === "ne";
    const integers: readonly ElementType[] = operator === "div" ? [] : ["i32"];
    const floats: readonly ElementType[] = exact ? [] : ["f32", "f16"];
    const a = this.pick([...floats, ...integers, ...(equality ? (["bool"] as const) : [])]);
    const b = this.partner(a);
    if (!smooth || !isFloat(this.type(a).element)) return this.emit(operator, [a, b], {});
    if (operator === "div") return this.emit("div", [a, this.#aboveOne(b)], {});
    if (operator === "pow") return this.emit("pow", [this.#aboveOne(a), this.emit("tanh", [b], {})], {});
    return this.#tamed(this.emit(operator, [a, b], {}));
  }

  #reduction(operator: (typeof reductionOperators)[number]): ValueId | null {
    if (operator === "argmax") {
      const x = this.comparable((type) => type.shape.length > 0);
      return this.emit("argmax", [x], { axis: this.axis(x) });
    }
    const elements: readonly ElementType[] =
      operator === "any" || operator === "all"
        ? ["bool"]
        : operator === "mean"
          ? ["f32", "f16"]
          : ["f32", "f16", "i32"];
    const x = this.ranked(elements, 1);
    return this.#tamed(this.emit(operator, [x], { axis: this.axis(x) }));
  }

  /** One to three operands; axes of equal size (or 1) share a label now and then. */
  #einsum(): ValueId | null {
    const { random } = this;
    const first = this.pick(["f32", "f16", "i32"]);
    const operands = [first];
    for (let i = random.below(3); i > 0; i--) operands.push(this.pick([this.type(first).element]));
    const sizes: Size[] = [];
    const inputs = operands.map((operand) => {
      const own: number[] = [];
      for (const each of this.type(operand).shape) {
        const shared = sizes.findIndex((known, l) => !own.includes(l) && (same(known, each) || constantOf(each) === 1));
        const label = shared >= 0 && random.chance(0.8) ? shared : sizes.length;
        if (label === sizes.length) sizes.push(each);
        own.push(label);
      }
      return own;
    });
    const output = random.shuffled(sizes.map((_, label) => label)).filter(() => random.chance(0.5));
    const fits =
      output.length < 6 &&
      this.fits(
        output.map((label) => sizes[label]!),
        1,
      ) &&
      this.fits(sizes, 20);
    return fits ? this.#tamed(this.emit("einsum", operands, { inputs, output })) : null;
  }

  #reshape(): ValueId {
    const { random } = this;
    const x = this.pick(this.elements);
    const { shape } = this.type(x);
    const at = random.below(shape.length + 1);
    const whole = shape[at] === undefined ? null : constantOf(shape[at]);
    const { step } = this.t;
    const divided = step > 1 && shape[at] !== undefined && random.chance(0.6) ? exactDivide(shape[at], step) : null;
    if (divided !== null) return this.emit("reshape", [x], { shape: shape.toSpliced(at, 1, divided, size(step)) });
    const next =
      random.chance(0.4) && shape.length > 1 && at + 1 < shape.length
        ? shape.toSpliced(at, 2, mul(shape[at]!, shape[at + 1]!))
        : whole !== null && whole % 2 === 0 && whole > 0 && random.chance(0.7)
          ? shape.toSpliced(at, 1, size(2), size(whole / 2))
          : random.chance(0.3)
            ? [elementCount(shape)]
            : whole === 1
              ? shape.toSpliced(at, 1)
              : shape.toSpliced(at, 0, size(1));
    return this.emit("reshape", [x], { shape: next });
  }

  #broadcast(): ValueId | null {
    const x = this.pick(this.elements);
    const shape = this.type(x).shape.map((each) =>
      constantOf(each) === 1 && this.random.chance(0.7) ? this.size() : each,
    );
    if (this.random.chance(0.5)) shape.unshift(this.size());
    return shape.length < 6 && this.fits(shape) ? this.emit("broadcast", [x], { shape }) : null;
  }

  #slice(): ValueId {
    const { random } = this;
    const x = this.ranked(this.elements, 1);
    const axis = this.axis(x);
    const extent = this.type(x).shape[axis]!;
    const whole = constantOf(extent);
    if (whole !== null) {
      const start = random.below(whole + 1);
      return this.emit("slice", [x], { axis, start: size(start), length: size(random.below(whole - start + 1)) });
    }
    const length = random.of([minimum(extent, size(2)), maximum(sub(extent, size(1)), size(0)), extent]);
    return this.emit("slice", [x], { axis, start: random.chance(0.5) ? sub(extent, length) : size(0), length });
  }

  #concat(): ValueId | null {
    const { random } = this;
    const x = this.ranked(this.elements, 1);
    const axis = this.axis(x);
    const { element, shape } = this.type(x);
    const operands = [x];
    for (let i = random.below(3); i > 0; i--)
      operands.push(this.like({ element, shape: shape.with(axis, this.size()) }));
    const total = operands.flatMap((operand) => rangeOf(elementCount(this.type(operand).shape)).max);
    return total.reduce((a, b) => a + b) <= largest ? this.emit("concat", random.shuffled(operands), { axis }) : null;
  }

  // ---- Tame values

  /** With `smooth`, floats through tanh: near 1 again. */
  #tamed(value: ValueId): ValueId {
    return this.options.smooth && isFloat(this.type(value).element) ? this.emit("tanh", [value], {}) : value;
  }

  /** |x| + 1. */
  #aboveOne(value: ValueId): ValueId {
    const one = this.emit("constant", [], { value: 1, element: this.type(value).element });
    return this.emit("add", [this.emit("abs", [value], {}), one], {});
  }
}
