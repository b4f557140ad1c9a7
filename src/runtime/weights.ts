/**
 * The weights of a program as tensors, from a checkpoint or made up.
 *
 * A weight has one or more sources: the alternatives of its `as`, of which the first that the checkpoint holds is taken;
 * an alternative of several names is a stack of that many tensors along a new axis 0.
 */
import { InternalError, UserError } from "../diagnostics/index.js";
import type { Graph } from "../ir/graph/graph.js";
import type { Attributes } from "../ir/graph/operators.js";
import { givenElement } from "../ir/graph/types.js";
import { constantOf } from "../sizes/index.js";
import type { Checkpoint } from "./checkpoint.js";
import { toHalf } from "./host/half.js";
import { arrayOf, type ElementName, elementCount, showShape, type Tensor } from "./host/tensors.js";

/** What a program wants to read. */
export interface WeightRequest {
  readonly name: string;
  readonly element: ElementName;
  readonly shape: readonly number[];
  readonly sources: readonly (readonly string[])[];
}

/** Gives the tensor of a weight. @throws UserError of the family E07. */
export type Weights = (request: WeightRequest) => Tensor;

/** The request of a `weight` node. */
export function requestOf(attributes: Attributes["weight"]): WeightRequest {
  const shape = attributes.shape.map((size) => {
    const value = constantOf(size);
    if (value === null) throw new InternalError(`the shape of the weight ${attributes.name} is not known`);
    return value;
  });
  return { name: attributes.name, element: givenElement(attributes.element), shape, sources: attributes.sources };
}

/** The weights that some graphs read, each once, in order of first use. */
export function requestsOf(graphs: readonly Graph[]): WeightRequest[] {
  const requests = new Map<string, WeightRequest>();
  for (const { nodes } of graphs) {
    for (const node of nodes) {
      if (node.operator !== "weight" || requests.has(node.attributes.name)) continue;
      requests.set(node.attributes.name, requestOf(node.attributes));
    }
  }
  return [...requests.values()];
}

/** The weights of some graphs by name. @throws UserError of the family E07. */
export function readWeights(
  graphs: readonly Graph[],
  weights: Weights,
  onProgress?: (done: number, of: number) => void,
): Map<string, Tensor> {
  const requests = requestsOf(graphs);
  return new Map(
    requests.map((request, done) => {
      onProgress?.(done, requests.length);
      return [request.name, weights(request)];
    }),
  );
}

/** Reads weights from a checkpoint; a tensor that several ask for in one type is read once. */
export function checkpointWeights(checkpoint: Checkpoint): Weights {
  const known = new Map<string, Tensor>();
  return (request) => {
    const source = request.sources.find((names) => names.every((name) => checkpoint.tensors.has(name)));
    if (!source) throw missing(checkpoint, request);
    const key = `${request.element} ${request.shape.join()} ${source.join()}`;
    const found = known.get(key) ?? read(checkpoint, request, source);
    known.set(key, found);
    return found;
  };
}

/** Reads one alternative; one name is a tensor of the whole shape, several are stacked. */
function read(checkpoint: Checkpoint, request: WeightRequest, source: readonly string[]): Tensor {
  const { element, shape } = request;
  const stacked = source.length > 1 || (source[0] !== undefined && isStackOfOne(checkpoint, shape, source[0]));
  const part = stacked ? shape.slice(1) : shape;
  const tensors = source.map((name) => {
    const tensor = checkpoint.read(name, element);
    if (tensor.shape.length !== part.length || tensor.shape.some((size, axis) => size !== part[axis])) {
      throw UserError.of(
        "E0707",
        `tensor ${name} of the checkpoint is ${showShape(tensor.shape)}, but the program reads it as ${showShape(part)}`,
      );
    }
    return tensor;
  });
  const [first] = tensors;
  if (!stacked && first) return first;
  const data = arrayOf(element, elementCount(shape));
  let offset = 0;
  for (const tensor of tensors) {
    data.set(tensor.data, offset);
    offset += tensor.data.length;
  }
  return { data, shape, type: element };
}

/** Whether one name is a stack of one tensor (`[e: 1, F, D]`): its tensor lacks the leading axis. */
function isStackOfOne(checkpoint: Checkpoint, shape: readonly number[], name: string): boolean {
  const rank = checkpoint.tensors.get(name)?.shape.length;
  return shape[0] === 1 && rank === shape.length - 1;
}

function missing(checkpoint: Checkpoint, request: WeightRequest): UserError {
  const first = request.sources[0]?.find((name) => !checkpoint.tensors.has(name)) ?? request.name;
  const others = request.sources.slice(1).map((names) => names[0]);
  const alternatives = others.length > 0 ? `, nor ${others.join(", nor ")}` : "";
  return UserError.of("E0706", `the checkpoint ${checkpoint.path} has no tensor ${first}${alternatives}`, {
    help: checkpoint.nearby(first),
  });
}

/** A 32-bit hash of a text and a seed (FNV-1a with a final mix). */
function hash(text: string, seed: number): number {
  let value = (0x811c9dc5 ^ seed) >>> 0;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}

/** Uniform numbers of [0, 1), the same for the same text and seed on every machine. */
export function randomNumbers(text: string, seed: number): () => number {
  let state = hash(text, seed);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The scale at which published models start training. */
const SCALE = 0.02;

/** Made-up floats, about normal with the given scale (a sum of four uniform numbers). */
export function randomFloats(text: string, seed: number, count: number, scale = SCALE): Float32Array {
  const next = randomNumbers(text, seed);
  const values = new Float32Array(count);
  const factor = scale * Math.sqrt(3);
  for (let i = 0; i < count; i++) values[i] = (next() + next() + next() + next() - 2) * factor;
  return values;
}

/**
 * Weights for when only speed or size matters: about normal, of scale 0.02, the same for the same name and seed.
 * Whole numbers are 0, booleans true: a made-up index or mask would decide what the model does.
 */
export function randomWeights(seed: number): Weights {
  return ({ name, element, shape }) => {
    const count = elementCount(shape);
    if (element === "i32") return { data: arrayOf("i32", count), shape, type: "i32" };
    if (element === "bool") return { data: arrayOf("bool", count).fill(1), shape, type: "bool" };
    const values = randomFloats(name, seed, count);
    if (element === "f32") return { data: values, shape, type: "f32" };
    return { data: Uint16Array.from(values, toHalf), shape, type: "f16" };
  };
}
