/**
 * Reads the elements of an input from the forms that callers write: nested arrays, a typed array, or a tensor.
 *
 * A typed array of the input's own type is used as it is; everything else is copied and checked element by element.
 */
import { toHalf } from "./half.js";
import { type ArrayOf, arrayOf, type ElementName, elementCount, showShape } from "./tensors.js";

/** What is wrong with the inputs of a run. */
export class InputError extends Error {
  override name = "InputError";
}

/** Numbers one after another. */
export type FlatNumbers =
  | Float32Array
  | Float64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array
  | BigInt64Array;

/** A number or boolean where the input has no axes, else arrays in arrays, one level for each axis. */
export type NestedNumbers = number | boolean | FlatNumbers | readonly NestedNumbers[];

/** An input: nested arrays, a typed array where there is one axis, or elements in row-major order with their shape. */
export type TensorInput =
  | NestedNumbers
  | {
      readonly data: FlatNumbers | readonly (number | boolean)[];
      readonly shape: readonly number[];
      readonly type?: ElementName;
    };

/** Elements and the sizes of the axes; axes below an empty list are not known, and are left out. */
export interface ReadElements {
  readonly data: ArrayOf[ElementName];
  readonly shape: readonly number[];
}

export function readElements(name: string, type: ElementName, rank: number, value: unknown): ReadElements {
  if (isFlatArray(value)) {
    if (rank !== 1) {
      throw new InputError(
        `${name} has ${rank} axes: give nested arrays or { data, shape } and not a flat ${kindOf(value)}`,
      );
    }
    return { data: convertElements(name, type, value, [value.length]), shape: [value.length] };
  }
  if (Array.isArray(value) || typeof value !== "object" || value === null) {
    const shape = nestedShape(value);
    const flat: unknown[] = [];
    flatten(name, value, shape, 0, flat);
    return { data: convertElements(name, type, flat, shape), shape };
  }
  const { data, shape, type: given } = value as Record<string, unknown>;
  if (!Array.isArray(shape) || !shape.every((size) => Number.isSafeInteger(size) && size >= 0)) {
    throw new InputError(
      `${name} is neither nested arrays nor { data, shape } with a list of whole numbers as its shape`,
    );
  }
  if (given !== undefined && given !== type)
    throw new InputError(`${name} is ${type}, but a tensor of ${given} is given`);
  if (!isFlatArray(data) && !Array.isArray(data)) {
    // An output that was left on a device has a method in place of its data.
    const isAway = typeof (value as { readonly read?: unknown }).read === "function";
    throw new InputError(
      isAway ? `${name} lies on a device: give what its read() gives` : `the data of ${name} is no array of numbers`,
    );
  }
  if (data.length !== elementCount(shape)) {
    throw new InputError(`${name} is given with the shape ${showShape(shape)}, but ${data.length} elements`);
  }
  return { data: convertElements(name, type, data, shape), shape };
}

/** Tokens as numbers, such as a tokenizer gives. */
export type Tokens = readonly number[] | FlatNumbers;

/** A list of one token or more. @throws InputError */
export function readTokens(name: string, value: unknown): readonly number[] {
  if (!Array.isArray(value) && !isFlatArray(value)) throw new InputError(`${name} is no list of tokens`);
  if (value.length === 0) throw new InputError(`${name} has no tokens: give at least one`);
  return Array.from(readElements(name, "i32", 1, value).data);
}

/** The place of an element as `name[0][3]`. */
export function placeOf(name: string, index: number, shape: readonly number[]): string {
  let place = "";
  let rest = index;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis]!;
    place = `[${rest % size}]${place}`;
    rest = Math.floor(rest / size);
  }
  return name + place;
}

/** What kind of typed array it is; other objects have none. */
function kindOf(value: object): string | undefined {
  return (value as { readonly [Symbol.toStringTag]?: string })[Symbol.toStringTag];
}

function isFlatArray(value: unknown): value is FlatNumbers {
  return ArrayBuffer.isView(value) && kindOf(value) !== "DataView";
}

/** The shape along the first element of each level. */
function nestedShape(value: unknown): number[] {
  const shape: number[] = [];
  let inner = value;
  while (Array.isArray(inner) || isFlatArray(inner)) {
    shape.push(inner.length);
    inner = inner[0];
  }
  return shape;
}

/** Appends the elements of nested arrays, which must have `shape` everywhere; `place` is that of `value`. */
function flatten(place: string, value: unknown, shape: readonly number[], axis: number, into: unknown[]): void {
  const size = shape[axis];
  const isList = Array.isArray(value) || isFlatArray(value);
  if (size === undefined) {
    if (isList) throw new InputError(`${place} is an array, but elements before it at its level are not`);
    into.push(value);
    return;
  }
  if (!isList) throw new InputError(`${place} is ${String(value)}, but elements before it at its level are arrays`);
  if (value.length !== size) {
    throw new InputError(`${place} has ${value.length} elements, but those before it at its level have ${size}`);
  }
  for (let i = 0; i < size; i++) flatten(`${place}[${i}]`, value[i], shape, axis + 1, into);
}

/** The kind of array that holds each type as it is. */
const arrayKinds: Readonly<Record<ElementName, string>> = {
  f32: "Float32Array",
  f16: "Uint16Array",
  i32: "Int32Array",
  bool: "Uint8Array",
};

function convertElements(
  name: string,
  type: ElementName,
  values: ArrayLike<unknown>,
  shape: readonly number[],
): ArrayOf[ElementName] {
  const ready = kindOf(values) === arrayKinds[type];
  const result = ready ? (values as ArrayOf[ElementName]) : arrayOf(type, values.length);
  // Any bits are a float; only booleans among ready arrays can be wrong.
  if (ready && type !== "bool") return result;
  for (let i = 0; i < values.length; i++) {
    const element = elementOf(type, values[i]);
    if (element === null) {
      const value = typeof values[i] === "string" ? JSON.stringify(values[i]) : String(values[i]);
      throw new InputError(`${placeOf(name, i, shape)} is ${value}, which is ${expected[type]}`);
    }
    if (!ready) result[i] = element;
  }
  return result;
}

const expected: Readonly<Record<ElementName, string>> = {
  f32: "no number",
  f16: "no number",
  i32: "no whole number that i32 holds",
  bool: "neither a boolean nor 0 or 1",
};

/** A value as it is stored, or null if it is none of the type. */
function elementOf(type: ElementName, value: unknown): number | null {
  if (type === "bool") return value === true || value === 1 ? 1 : value === false || value === 0 ? 0 : null;
  if (typeof value !== "number" && typeof value !== "bigint") return null;
  const number = Number(value);
  if (type === "i32") return number === (number | 0) ? number : null;
  return type === "f16" ? toHalf(number) : number;
}
