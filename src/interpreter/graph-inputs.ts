/**
 * What a run is given: checks inputs and weights against the graph's types, and finds the values of its sizes.
 *
 * A size variable gets its value where it, or a whole multiple of it, is an axis of an input; all other axes must then
 * agree, and every value must lie in the variable's range and be a multiple of its step.
 */
import type { Graph } from "../ir/graph/graph.js";
import { shapeText } from "../ir/graph/type-text.js";
import type { TensorType } from "../ir/graph/types.js";
import { isFloat } from "../ir/graph/types.js";
import { bindingOf, evaluate, render, type Size, type SizeVariable, variablesOf } from "../sizes/index.js";
import { InterpreterInputError } from "./graph-evaluation.js";
import { elementsOf, type Tensor } from "./tensor.js";

/** An input of the graph with what the caller gave for it, or null where its fill stands in. */
export interface GivenInput {
  readonly name: string;
  readonly type: TensorType;
  readonly given: Tensor | null;
}

/**
 * The graph's inputs in order, each with its tensor.
 * @throws InterpreterInputError for a name that is no input, and for an input that is missing and has no fill.
 */
export function givenInputs(graph: Graph, inputs: ReadonlyMap<string, Tensor>): GivenInput[] {
  const result: GivenInput[] = [];
  for (const node of graph.nodes) {
    if (node.operator !== "input") continue;
    const { name, element, shape, fill } = node.attributes;
    const given = inputs.get(name) ?? null;
    if (given === null && fill === null) throw new InterpreterInputError(`input ${name} of @${graph.name} is missing`);
    result.push({ name, type: { element, shape }, given });
  }
  const known = new Set(result.map(({ name }) => name));
  for (const name of inputs.keys()) {
    if (!known.has(name)) throw new InterpreterInputError(`@${graph.name} has no input ${name}`);
  }
  return result;
}

/** The values of a graph's sizes in one run. */
export class SizeValues {
  readonly #values = new Map<SizeVariable, number>();

  /**
   * @param given values by name, for sizes that no given input shows.
   * @throws InterpreterInputError where shapes contradict each other or a declared range.
   */
  constructor(graph: Graph, inputs: readonly GivenInput[], given: Readonly<Record<string, number>>) {
    for (const variable of graph.sizes) {
      const value = given[variable.name];
      if (value !== undefined) this.#values.set(variable, value);
    }
    for (const { name, type, given: tensor } of inputs) if (tensor !== null) this.#bind(name, type, tensor);
    for (const [variable, value] of this.#values) this.#checkValue(variable, value);
    for (const { name, type, given: tensor } of inputs)
      if (tensor !== null) checkTensor(`input ${name}`, type, tensor, this);
  }

  /** The value of a size, which is at least 0 where it is a shape's. */
  of(of: Size): number {
    return evaluate(of, (variable) => {
      const value = this.#values.get(variable);
      if (value === undefined) throw new InterpreterInputError(`no input shows the size ${variable.name}`);
      return value;
    });
  }

  /** @throws InterpreterInputError for a size below 0. */
  shapeOf(shape: readonly Size[]): number[] {
    const values = shape.map((each) => this.of(each));
    if (values.every((value) => value >= 0)) return values;
    throw new InterpreterInputError(`the shape ${shapeText(shape)} is [${values.join(", ")}] in this run`);
  }

  #bind(name: string, type: TensorType, { shape }: Tensor): void {
    if (shape.length !== type.shape.length) return;
    for (const [axis, declared] of type.shape.entries()) {
      const bound = bindingOf(declared);
      if (bound === null) continue;
      const { variable, times } = bound;
      const known = this.#values.get(variable);
      const length = shape[axis]!;
      // A multiple of what is known is checked with the shape.
      if (known !== undefined && (times > 1 || known === length)) continue;
      const where = `axis ${axis} of input ${name} has size ${length}`;
      if (known !== undefined) throw new InterpreterInputError(`${variable.name} is ${known}, but ${where}`);
      if (length % times !== 0)
        throw new InterpreterInputError(`${where}, which is no multiple of ${times} (${render(declared)})`);
      this.#values.set(variable, length / times);
    }
  }

  #checkValue(variable: SizeVariable, value: number): void {
    const { name, step } = variable;
    const min = this.of(variable.min);
    const max = variable.max === null ? Infinity : this.of(variable.max);
    if (!Number.isInteger(value) || value < min || value > max)
      throw new InterpreterInputError(`${name} is ${value}, and must be a whole number from ${min} to ${max}`);
    if (value % step !== 0) throw new InterpreterInputError(`${name} is ${value}, which is no multiple of ${step}`);
  }
}

/** @throws InterpreterInputError where a tensor has not the element type or shape that the graph declares. */
export function checkTensor(what: string, type: TensorType, tensor: Tensor, sizes: SizeValues): void {
  const shape = sizes.shapeOf(type.shape);
  const isShape = shape.length === tensor.shape.length && shape.every((each, axis) => each === tensor.shape[axis]);
  if (tensor.element !== type.element || !isShape) {
    const [is, must] = [`${tensor.element}[${tensor.shape.join(", ")}]`, `${type.element}[${shape.join(", ")}]`];
    const declared = variableText(type);
    throw new InterpreterInputError(`${what} is ${is}, and must be ${must}${declared}`);
  }
  const { data } = tensor;
  const fits = isFloat(type.element)
    ? data instanceof Float32Array || data instanceof Float64Array
    : type.element === "i32"
      ? data instanceof Int32Array
      : data instanceof Uint8Array;
  if (!fits || data.length !== elementsOf(shape)) {
    throw new InterpreterInputError(`${what} holds ${data.length} elements in a ${data.constructor.name}`);
  }
}

function variableText(type: TensorType): string {
  return type.shape.some((each) => variablesOf(each).length > 0) ? ` (${type.element}${shapeText(type.shape)})` : "";
}
