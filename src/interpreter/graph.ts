/**
 * The interpreter of Graphs: the reference that every pass, kernel and backend is compared with.
 *
 * Obviously right comes before fast: one entry per operator, one node after the other, no fusion. What must stay true:
 *
 * 1. Precision "f32" rounds the result of every operator to its element type; sums inside of one operator are kept in
 *    f64. This is what an exact compiler would compute; a target that sums in f32 differs by its own rounding.
 * 2. Precision "f64" keeps what depends on a float weight or a float input in f64, to tell a wrong program from
 *    rounding. Everything else (position tables from iota, sizes and constants) rounds as in "f32": published models
 *    compute such angles in f32, and at long positions an angle in f64 is another one.
 * 3. A value is released after its last use, so that a model needs little more than its largest values.
 */
import type { Graph, ValueId } from "../ir/graph/graph.js";
import type { Attributes, Node, NodeOf, OperatorName } from "../ir/graph/operators.js";
import { roundTo, roundToHalf } from "../ir/graph/rounding.js";
import { type ElementType, isFloat, type TensorType } from "../ir/graph/types.js";
import { evaluateEinsum } from "./graph-einsum.js";
import { binaryEvaluation, evaluateCast, evaluateWhere, unaryEvaluation } from "./graph-elementwise.js";
import { type Evaluated, type Evaluation, type EvaluationContext, InterpreterInputError } from "./graph-evaluation.js";
import { checkTensor, type GivenInput, givenInputs, SizeValues } from "./graph-inputs.js";
import {
  evaluateBroadcast,
  evaluateConcat,
  evaluateElement,
  evaluateIota,
  evaluateReshape,
  evaluateSlice,
  evaluateTake,
  evaluateTranspose,
} from "./graph-movement.js";
import { evaluateCumsum, evaluateSoftmax, evaluateTopk, reductionEvaluation } from "./graph-reductions.js";
import { elementsOf, type Tensor, type TensorData } from "./tensor.js";

export { InterpreterInputError } from "./graph-evaluation.js";

export type Precision = "f64" | "f32";

export interface InterpretOptions {
  /** The inputs by name. One that is left out has its fill for every element. */
  readonly inputs: ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor>>;
  /** Values of sizes by name, where no given input shows them. */
  readonly sizes?: Readonly<Record<string, number>>;
  /** A weight's tensor; asked for once per `weight` node, when it is met. */
  readonly weights?: (name: string, attributes: Attributes["weight"]) => Tensor;
  readonly precision: Precision;
  /** Is shown every value, in order. */
  readonly trace?: (id: ValueId, value: Tensor) => void;
}

/** What the caller gives. */
type Leaf = "input" | "weight";

const table: { readonly [K in Exclude<OperatorName, Leaf>]: Evaluation<K> } = {
  ...unaryEvaluation,
  ...binaryEvaluation,
  ...reductionEvaluation,
  constant: ({ attributes, allocate }) => allocate().fill(attributes.value),
  size: ({ attributes, allocate, sizeOf }) => allocate().fill(sizeOf(attributes.value)),
  iota: evaluateIota,
  cast: evaluateCast,
  where: evaluateWhere,
  softmax: evaluateSoftmax,
  cumsum: evaluateCumsum,
  einsum: evaluateEinsum,
  transpose: evaluateTranspose,
  reshape: evaluateReshape,
  broadcast: evaluateBroadcast,
  slice: evaluateSlice,
  concat: evaluateConcat,
  take: evaluateTake,
  element: evaluateElement,
  topk: evaluateTopk,
};

/**
 * Evaluates a graph.
 * @returns the outputs by name. f16 lies in arrays of floats (tensor.ts).
 * @throws InterpreterInputError where inputs, weights or sizes do not fit the graph, or a slice leaves its axis.
 */
export function interpret(graph: Graph, options: InterpretOptions): { outputs: Record<string, Tensor> } {
  const { inputs } = options;
  const given = givenInputs(graph, inputs instanceof Map ? inputs : new Map(Object.entries(inputs)));
  const run = new Run(given, new SizeValues(graph, given, options.sizes ?? {}), options);
  const lastUse = lastUses(graph);
  const values: (Value | null)[] = [];
  for (const [id, node] of graph.nodes.entries()) {
    const operands = node.operands.map((operand) => values[operand]!);
    const value = run.evaluate(node, operands, graph.types[id]!);
    options.trace?.(id as ValueId, value.tensor);
    values.push(lastUse[id]! >= 0 ? value : null);
    for (const operand of node.operands) if (lastUse[operand] === id) values[operand] = null;
  }
  const outputs = graph.outputs.map(({ name, value }) => [name, values[value]!.tensor] as const);
  return { outputs: Object.fromEntries(outputs) };
}

/** For each value the node that uses it last: -1 for none, infinite for an output. */
function lastUses(graph: Graph): Float64Array {
  const last = new Float64Array(graph.nodes.length).fill(-1);
  for (const [id, node] of graph.nodes.entries()) for (const operand of node.operands) last[operand] = id;
  for (const { value } of graph.outputs) last[value] = Infinity;
  return last;
}

/** A tensor, and whether it may hold more digits than its element type has: rule 2 of the header. */
interface Value {
  readonly tensor: Tensor;
  readonly unrounded: boolean;
}

class Run {
  constructor(
    readonly inputs: readonly GivenInput[],
    readonly sizes: SizeValues,
    readonly options: InterpretOptions,
  ) {}

  evaluate(node: Node, operands: readonly Value[], type: TensorType): Value {
    const shape = this.sizes.shapeOf(type.shape);
    const { element } = type;
    const count = elementsOf(shape);
    if (node.operator === "input" || node.operator === "weight") {
      const unrounded = this.options.precision === "f64" && isFloat(element);
      const given = node.operator === "input" ? this.#input(node.attributes, count) : this.#weight(node.attributes);
      const data = unrounded ? given : roundedLeaf(given, element);
      return { tensor: { element, shape, data }, unrounded };
    }
    const unrounded = operands.some((operand) => operand.unrounded);
    const data = evaluateNode(node, {
      operands: operands.map((operand) => operand.tensor),
      element,
      shape,
      allocate: () => zeros(element, count, unrounded),
      sizeOf: (size) => this.sizes.of(size),
    });
    return { tensor: { element, shape, data: unrounded ? data : rounded(data, element) }, unrounded };
  }

  #input({ name, element, fill }: Attributes["input"], count: number): TensorData {
    const given = this.inputs.find((input) => input.name === name)?.given;
    return given ? given.data : zeros(element, count, true).fill(fill ?? 0);
  }

  #weight(attributes: Attributes["weight"]): TensorData {
    const { name } = attributes;
    if (this.options.weights === undefined) throw new InterpreterInputError(`the weight ${name} is not given`);
    const tensor = this.options.weights(name, attributes);
    checkTensor(`weight ${name}`, attributes, tensor, this.sizes);
    return tensor.data;
  }
}

function evaluateNode<K extends Exclude<OperatorName, Leaf>>(node: NodeOf<K>, context: EvaluationContext): TensorData {
  const { operator, attributes } = node as NodeOf<Exclude<OperatorName, Leaf>>;
  return call(operator, { ...context, attributes });
}

/** Calls the operator's entry of the table. */
function call<K extends Exclude<OperatorName, Leaf>>(operator: K, node: Evaluated<K>): TensorData {
  return table[operator](node);
}

/** Zeros for a result. Of 16 bits it is computed in f64 first, since rounding to f32 on the way would round twice. */
function zeros(element: ElementType, count: number, unrounded: boolean): TensorData {
  if (!isFloat(element) && element !== "bool") return new Int32Array(count);
  if (element === "bool") return new Uint8Array(count);
  return unrounded || element !== "f32" ? new Float64Array(count) : new Float32Array(count);
}

/** A result rounded to its element type; the same array where nothing is left to round. */
function rounded(data: TensorData, element: ElementType): TensorData {
  if (!isFloat(element) || data instanceof Float32Array) return data;
  return element === "f32" ? Float32Array.from(data) : Float32Array.from(data, (each) => roundTo(element, each));
}

/** As `rounded`, of what the caller gave, where a Float32Array may hold numbers that are no f16. */
function roundedLeaf(data: TensorData, element: ElementType): TensorData {
  return element === "f16" ? Float32Array.from(data, roundToHalf) : rounded(data, element);
}
