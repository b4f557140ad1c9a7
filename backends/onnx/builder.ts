/** Collects the nodes and constants of an ONNX graph, and gives each value and node a name of its own. */
import { toBrainFloat } from "../../src/runtime/host/brain-float.js";
import { toHalf } from "../../src/runtime/host/half.js";
import { type Attribute, type DataType, dataTypes, type Initializer, type OnnxNode, type Value } from "./messages.js";

/** Where the nodes that are made next come from. */
export interface NodeOrigin {
  /** The path of layers and functions: `h.0.attn/split_heads`. */
  readonly path: string;
  /** For people: the place in the source, and its text. */
  readonly documentation: string;
}

export class OnnxBuilder {
  readonly nodes: OnnxNode[] = [];
  readonly initializers: Initializer[] = [];
  origin: NodeOrigin = { path: "", documentation: "" };
  /** Names of values, and of nodes, which are apart in ONNX. */
  readonly #values = new Set<string>();
  readonly #nodes = new Set<string>();
  readonly #constants = new Map<string, Value>();
  readonly #producers = new Map<Value, OnnxNode>();
  readonly #counts = new Map<string, number>();

  /** A value of exactly this name, which nothing else has yet. */
  named(name: string, element: DataType): Value {
    this.#values.add(name);
    return { name, element };
  }

  hasValue(name: string): boolean {
    return this.#values.has(name);
  }

  /** Gives a value a better name, if it is free. */
  rename(value: Value, wanted: string): void {
    this.#values.delete(value.name);
    value.name = this.#claim(this.#values, wanted);
  }

  /** A value of a name like this one. */
  value(wanted: string, element: DataType): Value {
    return { name: this.#claim(this.#values, wanted), element };
  }

  /** Applies an operator that gives one value. `element`: of the result; that of the first operand if not given. */
  node(
    operator: string,
    inputs: readonly Value[],
    attributes: Readonly<Record<string, Attribute>> = {},
    element: DataType = inputs[0]!.element,
  ): Value {
    const value = this.value(this.#pathOf(operator), element);
    this.add(operator, inputs, [value], attributes);
    return value;
  }

  /** Applies an operator that gives several values, or one that exists. */
  add(
    operator: string,
    inputs: readonly Value[],
    outputs: readonly Value[],
    attributes: Readonly<Record<string, Attribute>> = {},
  ): void {
    const name = this.#claim(this.#nodes, this.#pathOf(operator));
    const node = { name, operator, inputs, outputs, attributes, documentation: this.origin.documentation };
    this.nodes.push(node);
    for (const output of outputs) this.#producers.set(output, node);
  }

  /** The node that gives a value; undefined for an input or an initializer. */
  producerOf(value: Value): OnnxNode | undefined {
    return this.#producers.get(value);
  }

  cast(value: Value, to: DataType): Value {
    if (value.element === to) return value;
    // The number of a type in ONNX is an attribute of the operator.
    return this.node("Cast", [value], { to: dataTypes[to] }, to);
  }

  /** Runs something whose nodes serve the whole graph. */
  shared<T>(path: string, make: () => T): T {
    const before = this.origin;
    this.origin = { path, documentation: "" };
    try {
      return make();
    } finally {
      this.origin = before;
    }
  }

  /** i64[n] */
  integers(values: readonly number[]): Value {
    const bytes = new BigInt64Array(values.map(BigInt));
    return this.#constant("i64", [values.length], new Uint8Array(bytes.buffer), `i64[${values.join(",")}]`);
  }

  /** One number, of the given rank with all sizes 1. */
  scalar(value: number, element: DataType, rank = 0): Value {
    const text = Object.is(value, -0) ? "-0" : String(value);
    const shape = new Array<number>(rank).fill(1);
    return this.#constant(element, shape, scalarBytes(value, element), `${element} ${text}${" ".repeat(rank)}`);
  }

  #constant(element: DataType, shape: readonly number[], bytes: Uint8Array, key: string): Value {
    const known = this.#constants.get(key);
    if (known) return known;
    const value = this.value(`constants/${key.trim().replace(/ /g, "_")}`, element);
    this.initializers.push({ value, shape, contents: { kind: "bytes", bytes } });
    this.#constants.set(key, value);
    return value;
  }

  #pathOf(operator: string): string {
    return this.origin.path === "" ? operator : `${this.origin.path}/${operator}`;
  }

  #claim(taken: Set<string>, wanted: string): string {
    let name = wanted;
    let count = this.#counts.get(wanted) ?? 1;
    while (taken.has(name)) name = `${wanted}_${++count}`;
    this.#counts.set(wanted, count);
    taken.add(name);
    return name;
  }
}

/** One number as an element of a type, as it lies in memory. */
function scalarBytes(value: number, element: DataType): Uint8Array {
  switch (element) {
    case "f32":
      return new Uint8Array(Float32Array.of(value).buffer);
    case "f64":
      return new Uint8Array(Float64Array.of(value).buffer);
    case "f16":
    case "f16f":
      return new Uint8Array(Uint16Array.of(toHalf(value)).buffer);
    case "bf16":
      return new Uint8Array(Uint16Array.of(toBrainFloat(value)).buffer);
    case "i8":
      return new Uint8Array(Int8Array.of(value).buffer);
    case "i16":
      return new Uint8Array(Int16Array.of(value).buffer);
    case "i32":
      return new Uint8Array(Int32Array.of(value).buffer);
    case "i64":
      return new Uint8Array(BigInt64Array.of(BigInt(value)).buffer);
    case "bool":
      return Uint8Array.of(value === 0 ? 0 : 1);
  }
}
