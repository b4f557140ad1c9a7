/**
 * The inputs of an entry: read from files or from the command line, made up, and checked before anything runs, so that
 * every target refuses the same with the same words.
 */
import { type Code, InternalError, UserError } from "../diagnostics/index.js";
import type { Graph, Node } from "../ir/graph/index.js";
import { givenElement, typeText } from "../ir/graph/index.js";
import { toHalf } from "../runtime/host/half.js";
import { arrayOf, type ElementName, elementCount, showShape, type Tensor } from "../runtime/host/tensors.js";
import { isObject, parseJson } from "../runtime/json.js";
import { randomFloats, randomNumbers } from "../runtime/weights.js";
import { bindingOf, constantOf, evaluate, render, type Size, type SizeVariable, variablesOf } from "../sizes/index.js";

/** A value for an input before its element type is known. */
export interface Given {
  readonly shape: readonly number[];
  /** The elements as a type. @throws UserError E0708, E0712 */
  readonly as: (type: ElementName) => Tensor;
  /** What to call it in messages: `--input`, a file. */
  readonly origin: string;
}

/** The attributes of a graph's inputs, in order. */
export function inputsOf(graph: Graph): Extract<Node, { operator: "input" }>["attributes"][] {
  return graph.nodes.flatMap((node) => (node.operator === "input" ? [node.attributes] : []));
}

/** A tensor as a given value; it is taken only as its own type. */
export function givenTensor(tensor: Tensor, origin: string): Given {
  return {
    shape: tensor.shape,
    origin,
    as: (type) => {
      if (type === tensor.type) return tensor;
      throw UserError.of("E0712", `${origin} is ${tensor.type}${showShape(tensor.shape)}, and ${type} is needed`);
    },
  };
}

/** `name=[[1, 2, 3]]` as a given value. @throws UserError E0607, E0704, E0712. */
export function parseInput(text: string): { name: string; given: Given } {
  const at = text.indexOf("=");
  if (at <= 0) {
    throw UserError.of("E0607", `--input takes NAME=VALUE, but is ${text}`, {
      help: ["write numbers in nested lists: --input 'input_ids=[[1,2,3]]'"],
    });
  }
  const name = text.slice(0, at).trim();
  const origin = `--input ${name}`;
  return { name, given: givenNumbers(parseJson(origin, text.slice(at + 1)), origin) };
}

/** Nested lists of numbers or booleans as a given value. @throws UserError E0712 if they are ragged or hold others. */
export function givenNumbers(value: unknown, origin: string): Given {
  const shape: number[] = [];
  for (let inner = value; Array.isArray(inner); inner = inner[0]) shape.push(inner.length);
  const flat: number[] = [];
  const walk = (item: unknown, axis: number): void => {
    if (Array.isArray(item)) {
      if (axis >= shape.length || item.length !== shape[axis]) {
        throw UserError.of("E0712", `${origin} is ragged: its lists have different lengths or depths`);
      }
      for (const inner of item) walk(inner, axis + 1);
    } else if (axis < shape.length) {
      throw UserError.of("E0712", `${origin} is ragged: its lists have different lengths or depths`);
    } else if (typeof item === "number" || typeof item === "boolean") flat.push(Number(item));
    else
      throw UserError.of("E0712", `${origin} holds ${isObject(item) ? "an object" : JSON.stringify(item)}, no number`);
  };
  walk(value, 0);
  return { shape, origin, as: (type) => ({ data: convert(flat, type, origin), shape, type }) };
}

/** Numbers as elements of a type. @throws UserError E0712 for what the type does not hold. */
function convert(numbers: readonly number[], type: ElementName, origin: string): Tensor["data"] {
  if (type === "f32") return Float32Array.from(numbers);
  if (type === "f16") return Uint16Array.from(numbers, toHalf);
  const fits = type === "i32" ? (n: number) => n === (n | 0) : (n: number) => n === 0 || n === 1;
  const wrong = numbers.find((n) => !fits(n));
  if (wrong !== undefined) {
    const what = type === "i32" ? "a whole number that i32 holds" : "a boolean, 0 or 1";
    throw UserError.of("E0712", `${origin} holds ${wrong}, which is not ${what}`);
  }
  return type === "i32" ? Int32Array.from(numbers) : Uint8Array.from(numbers);
}

/** The values of an entry's sizes in one run. */
export type SizeValues = ReadonlyMap<SizeVariable, number>;

/** The value of a size in one run, or null where a variable of it has none. */
export function sizeValue(of: Size, sizes: SizeValues): number | null {
  if (variablesOf(of).some((variable) => !sizes.has(variable))) return null;
  return evaluate(of, (variable) => sizes.get(variable) ?? 0);
}

function bindSizes(graph: Graph, given: ReadonlyMap<string, Given>): SizeValues {
  const sizes = new Map<SizeVariable, { value: number; from: string }>();
  for (const { name, shape, element } of inputsOf(graph)) {
    const value = given.get(name);
    if (!value) continue;
    const type = typeText({ element, shape });
    if (value.shape.length !== shape.length) {
      const axes = `${shape.length} ${shape.length === 1 ? "axis" : "axes"}`;
      throw UserError.of("E0711", `input ${name} is ${type}, of ${axes}, but is given as ${showShape(value.shape)}`, {
        help: rankHelp(value.shape.length, shape.length),
      });
    }
    for (const [axis, declared] of shape.entries()) {
      const bound = bindingOf(declared);
      if (!bound) continue;
      const { variable, times } = bound;
      const known = sizes.get(variable);
      const length = value.shape[axis] ?? 0;
      // A multiple of what is known is checked with the shape.
      if (known && (times > 1 || known.value === length)) continue;
      if (known || length % times !== 0) {
        throw UserError.of("E0711", `input ${name} is ${type}, but is given as ${showShape(value.shape)}`, {
          notes: [
            known
              ? `${variable.name} is ${known.value} from input ${known.from}`
              : `axis ${axis} is ${length}, which is no multiple of ${times}`,
          ],
        });
      }
      sizes.set(variable, { value: length / times, from: name });
    }
  }
  return new Map([...sizes].map(([variable, { value }]) => [variable, value]));
}

function rankHelp(given: number, declared: number): string[] {
  if (given + 1 === declared) return ["put it in one more pair of brackets: the first axis counts the sequences"];
  return [];
}

/**
 * Checks that each size lies within its bounds and is a multiple of its step.
 * @throws UserError of the given code.
 */
export function checkBounds(sizes: SizeValues, code: Code): void {
  for (const [variable, value] of sizes) {
    const least = sizeValue(variable.min, sizes) ?? 0;
    const most = variable.max === null ? null : sizeValue(variable.max, sizes);
    const { name, step } = variable;
    if (value < least || (most !== null && value > most)) {
      const range = most === null ? `at least ${least}` : `from ${least} to ${most}`;
      throw UserError.of(code, `${name} is ${value}, and must be ${range}`);
    }
    if (value % step !== 0) throw UserError.of(code, `${name} is ${value}, which is no multiple of ${step}`);
  }
}

/** Inputs that are ready to run with, and the sizes that they give. */
export interface Ready {
  readonly inputs: ReadonlyMap<string, Tensor>;
  readonly sizes: SizeValues;
}

/**
 * Converts and checks the inputs of an entry. What is given and not an input of it is passed over.
 * @throws UserError E0710 if one is missing, E0711 for a shape, E0712 for values.
 */
export function checkInputs(graph: Graph, given: ReadonlyMap<string, Given>): Ready {
  const declared = inputsOf(graph);
  const missing = declared.filter(({ name, fill }) => fill === null && !given.has(name));
  if (missing.length > 0) {
    const list = missing.map(({ name, element, shape }) => `${name}: ${typeText({ element, shape })}`).join(", ");
    throw UserError.of(
      "E0710",
      `entry ${graph.name} needs ${missing.length === 1 ? "the input" : "the inputs"} ${list}`,
      {
        help: [`give it with --input '${missing[0]!.name}=…', or make inputs up with --size`],
      },
    );
  }
  const sizes = bindSizes(graph, given);
  checkBounds(sizes, "E0711");
  const inputs = new Map<string, Tensor>();
  for (const { name, element, shape } of declared) {
    const value = given.get(name);
    if (!value) continue;
    const wanted = shape.map((each) => sizeValue(each, sizes));
    if (wanted.some((each, axis) => each !== null && each !== value.shape[axis])) {
      const numbers = shape.map((each, axis) => wanted[axis] ?? render(each)).join(", ");
      throw UserError.of(
        "E0711",
        `input ${name} must be ${element}[${numbers}], but is given as ${showShape(value.shape)}`,
        {
          notes: [`it is declared ${typeText({ element, shape })}`],
        },
      );
    }
    inputs.set(name, value.as(givenElement(element)));
  }
  checkIndices(graph, inputs, sizes);
  return { inputs, sizes };
}

/** For inputs that are used as indices, how many elements they may choose from. */
export function indexLimits(graph: Graph): Map<string, Size> {
  const limits = new Map<string, Size>();
  const note = (operand: number | undefined, limit: Size | undefined) => {
    const node = operand === undefined ? undefined : graph.nodes[operand];
    if (node?.operator !== "input" || !limit) return;
    const known = limits.get(node.attributes.name);
    const [old, now] = [known && constantOf(known), constantOf(limit)];
    if (!known || (typeof old === "number" && now !== null && now < old)) limits.set(node.attributes.name, limit);
  };
  for (const node of graph.nodes) {
    const [from, ...indices] = node.operands;
    const shape = from === undefined ? undefined : graph.types[from]?.shape;
    if (node.operator === "take") note(indices[0], shape?.[node.attributes.axis]);
    if (node.operator === "element") for (const [axis, index] of indices.entries()) note(index, shape?.[axis]);
  }
  return limits;
}

function checkIndices(graph: Graph, inputs: ReadonlyMap<string, Tensor>, sizes: SizeValues): void {
  for (const [name, limit] of indexLimits(graph)) {
    const tensor = inputs.get(name);
    const most = sizeValue(limit, sizes);
    if (!tensor || most === null || tensor.type !== "i32") continue;
    const at = tensor.data.findIndex((value: number) => value < 0 || value >= most);
    if (at < 0) continue;
    throw UserError.of(
      "E0712",
      `input ${name} holds ${tensor.data[at]} at ${place(at, tensor.shape)}, and must lie between 0 and ${most - 1}`,
      { notes: [`it chooses among ${most} rows, such as the tokens of a vocabulary`] },
    );
  }
}

/** The indices of an element, as `[0, 3]`. */
export function place(offset: number, shape: readonly number[]): string {
  const indices: number[] = [];
  for (let axis = shape.length - 1, rest = offset; axis >= 0; axis--) {
    const size = shape[axis] ?? 1;
    indices.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return showShape(indices);
}

/**
 * Makes inputs up for the sizes given by name: ids within what they choose from, small floats, and nothing for what has
 * a default.
 * @throws UserError E0611 for an unknown, missing or too large size.
 */
export function makeInputs(graph: Graph, named: ReadonlyMap<string, number>, seed: number): Map<string, Given> {
  const variables = new Map(graph.sizes.map((variable) => [variable.name, variable]));
  const sizes = new Map<SizeVariable, number>();
  for (const [name, value] of named) {
    const variable = variables.get(name);
    if (variable) sizes.set(variable, value);
  }
  checkBounds(sizes, "E0611");
  const limits = indexLimits(graph);
  const made = new Map<string, Given>();
  for (const { name, element, shape, fill } of inputsOf(graph)) {
    if (fill !== null) continue;
    const numbers = shape.map((each) => {
      const value = sizeValue(each, sizes);
      if (value !== null) return value;
      const missing = variablesOf(each)
        .filter((variable) => !sizes.has(variable))
        .map((variable) => variable.name);
      throw UserError.of("E0611", `the size ${missing.join(", ")} of input ${name} is not given`, {
        help: [
          `add it to --size, as in --size ${graph.sizes.map((each) => `${each.name}=${example(each)}`).join(",")}`,
        ],
      });
    });
    const limit = limits.get(name);
    const most = limit ? sizeValue(limit, sizes) : null;
    made.set(name, givenTensor(madeUp(name, givenElement(element), numbers, most, seed), `input ${name}`));
  }
  return made;
}

/** A value that a size may have: 8 or near it. */
function example({ max, step }: SizeVariable): number {
  const [value, most] = [Math.ceil(8 / step) * step, max === null ? null : constantOf(max)];
  return most === null ? value : Math.min(value, most);
}

function madeUp(name: string, type: ElementName, shape: readonly number[], limit: number | null, seed: number): Tensor {
  const count = elementCount(shape);
  switch (type) {
    case "i32": {
      const data = arrayOf("i32", count);
      const next = randomNumbers(name, seed);
      if (limit !== null) for (let i = 0; i < count; i++) data[i] = Math.floor(next() * limit);
      return { data, shape, type };
    }
    case "bool":
      return { data: arrayOf("bool", count).fill(1), shape, type };
    case "f16":
      return { data: Uint16Array.from(randomFloats(name, seed, count, 1), toHalf), shape, type };
    case "f32":
      return { data: randomFloats(name, seed, count, 1), shape, type };
    default:
      throw new InternalError(`no made-up values of type ${type satisfies never}`);
  }
}
