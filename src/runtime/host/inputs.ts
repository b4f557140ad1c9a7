/**
 * Checks what a caller gives to an entry of a model, before anything runs: names, kinds, shapes, sizes, indices.
 *
 * Sizes that are known only when running are bound by the first input that has them, or a whole multiple of them, as an
 * axis, and must agree everywhere. Errors name the input and, where it is one element, its place as the caller would
 * write it.
 */
import { InputError, placeOf, readElements } from "./elements.js";
import { toHalf } from "./half.js";
import { checkNames } from "./options.js";
import { type ArrayOf, arrayOf, type ElementName, elementCount, showShape } from "./tensors.js";

/** The values of an entry's run-time sizes, by name. */
export type Sizes = Readonly<Record<string, number>>;

/** A size: a number, the name of a run-time size, a multiple of one, or a formula in them. */
export type Dimension = number | string | SizeMultiple | SizeFormula;

export interface SizeMultiple {
  readonly text: string;
  readonly times: number;
  readonly of: string;
}

export interface SizeFormula {
  readonly text: string;
  readonly value: (sizes: Sizes) => number;
}

export interface InputSpec {
  readonly name: string;
  readonly type: ElementName;
  readonly shape: readonly Dimension[];
  /** The value of every element where the caller gives none. */
  readonly fill?: number;
  /** The elements are indices, less than this. */
  readonly limit?: Dimension;
}

export interface SizeSpec {
  readonly name: string;
  readonly min: Dimension;
  /** The largest value, or null where there is none. */
  readonly max: Dimension | null;
  /** The values are multiples of this. */
  readonly step?: number;
  /** It grows from run to run; memory is laid out for its largest value. */
  readonly grows?: true;
}

/** What an entry takes. */
export interface EntrySpec {
  readonly name: string;
  readonly sizes: readonly SizeSpec[];
  readonly inputs: readonly InputSpec[];
}

/** Inputs that were checked: sizes by name, arrays in the order of the entry; null where the default fills. */
export interface CheckedInputs {
  readonly sizes: Sizes;
  readonly arrays: readonly (ArrayOf[ElementName] | null)[];
}

/** Says in other words that a size is too large, or leaves it to the usual ones. */
type SayTooLarge = (name: string, value: number) => string | null;

/** @param known sizes that are set before, such as those of a session */
export function checkInputs(
  entry: EntrySpec,
  given: unknown,
  known: Sizes = {},
  tooLarge?: SayTooLarge,
): CheckedInputs {
  const names = entry.inputs.map((input) => input.name);
  if (typeof given !== "object" || given === null)
    throw new InputError(`${entry.name} takes an object of inputs: { ${names.join(", ")} }`);
  checkNames(entry.name, "input", given, names);
  const read = entry.inputs.map((input) => {
    const value: unknown = (given as Record<string, unknown>)[input.name];
    if (value !== undefined) {
      const found = readElements(input.name, input.type, input.shape.length, value);
      // An empty list hides the axes below it.
      const rankFits =
        found.data.length > 0 ? found.shape.length === input.shape.length : found.shape.length <= input.shape.length;
      if (rankFits) return found;
      throw new InputError(`${input.name} is ${showInput(input)}, but has the shape ${showShape(found.shape)}`);
    }
    if (input.fill !== undefined) return null;
    throw new InputError(`${entry.name} needs the input "${input.name}": ${showInput(input)}`);
  });
  const sizes: Record<string, number> = Object.assign(Object.create(null), known);
  /** The input that bound each size. */
  const origins: Record<string, string> = Object.create(null);
  for (const name of Object.keys(known)) origins[name] = "the session";
  entry.inputs.forEach((input, i) => {
    const found = read[i];
    if (found) bindSizes(input, found.shape, sizes, origins);
  });
  for (const { name } of entry.sizes) {
    if (sizes[name] !== undefined) continue;
    const gives = (dimension: Dimension) => multipleOf(dimension)?.of === name;
    const givers = entry.inputs.filter((input) => input.shape.some(gives)).map((input) => `"${input.name}"`);
    throw new InputError(`nothing says what ${name} is: ${entry.name} needs the input ${givers.join(" or ")}`);
  }
  for (const size of entry.sizes) checkStep(size, sizes[size.name]!);
  entry.inputs.forEach((input, i) => {
    const found = read[i];
    if (found) checkShape(input, found.shape, sizes, origins);
  });
  checkRanges(entry, sizes, tooLarge);
  entry.inputs.forEach((input, i) => {
    const found = read[i];
    if (found && input.limit !== undefined) checkIndices(input, found.data, sizes);
  });
  return { sizes, arrays: read.map((found) => found?.data ?? null) };
}

/** A size, and how many times it a dimension is: 1 for the size itself. Null for numbers and formulas. */
function multipleOf(dimension: Dimension): { readonly of: string; readonly times: number } | null {
  if (typeof dimension === "string") return { of: dimension, times: 1 };
  return typeof dimension === "object" && "times" in dimension ? dimension : null;
}

/** Binds the sizes that axes of an input give, where no earlier input has bound them. */
function bindSizes(
  input: InputSpec,
  shape: readonly number[],
  sizes: Record<string, number>,
  origins: Record<string, string>,
): void {
  input.shape.forEach((dimension, axis) => {
    const multiple = multipleOf(dimension);
    if (multiple === null || sizes[multiple.of] !== undefined) return;
    const { of, times } = multiple;
    const length = shape[axis] ?? 0;
    if (length % times !== 0) {
      throw new InputError(
        `axis ${axis} of ${input.name} is ${length}, no multiple of ${times}: it is ${showInput(input)}`,
      );
    }
    sizes[of] = length / times;
    origins[of] = input.name;
  });
}

function checkShape(
  input: InputSpec,
  shape: readonly number[],
  sizes: Sizes,
  origins: Readonly<Record<string, string>>,
): void {
  if (shape.every((size, axis) => size === dimensionValue(input.shape[axis]!, sizes))) return;
  const named = input.shape.flatMap((dimension) => multipleOf(dimension)?.of ?? []);
  const facts = [...new Set(named)].map((name) => {
    const from = origins[name] === undefined || origins[name] === input.name ? "" : ` (from ${origins[name]})`;
    return `${name} = ${sizes[name]}${from}`;
  });
  const because = facts.length > 0 ? ` with ${facts.join(", ")}` : "";
  throw new InputError(`${input.name} is ${showInput(input)}${because}, but has the shape ${showShape(shape)}`);
}

function checkStep({ name, step = 1 }: SizeSpec, value: number): void {
  if (value % step !== 0) throw new InputError(`${name} is ${value}, which is no multiple of ${step}`);
}

/** Checks sizes against their ranges and steps. */
export function checkRanges(entry: EntrySpec, sizes: Sizes, tooLarge?: SayTooLarge): void {
  for (const size of entry.sizes) {
    const { name, min, max } = size;
    const value = sizes[name]!;
    checkStep(size, value);
    const least = dimensionValue(min, sizes);
    const most = max === null ? Number.POSITIVE_INFINITY : dimensionValue(max, sizes);
    if (value < least) throw new InputError(`${name} is ${value}, but at least ${showLimit(min, least)}`);
    if (value > most) {
      const limit = `${name} is ${value}, but at most ${showLimit(max ?? most, most)}`;
      throw new InputError(tooLarge?.(name, value) ?? limit);
    }
  }
}

export function dimensionValue(dimension: Dimension, sizes: Sizes): number {
  if (typeof dimension === "number") return dimension;
  if (typeof dimension === "string") return sizes[dimension]!;
  return "times" in dimension ? dimension.times * sizes[dimension.of]! : dimension.value(sizes);
}

function showDimension(dimension: Dimension): string {
  return typeof dimension === "object" ? dimension.text : String(dimension);
}

function showLimit(dimension: Dimension, value: number): string {
  return typeof dimension === "number" ? String(value) : `${value} (${showDimension(dimension)})`;
}

/** An input's type as a Trafo program has it: `i32[B, T]`. */
function showInput(input: InputSpec): string {
  return input.shape.length === 0 ? input.type : `${input.type}[${input.shape.map(showDimension).join(", ")}]`;
}

function checkIndices(input: InputSpec, array: ArrayOf[ElementName], sizes: Sizes): void {
  const limit = dimensionValue(input.limit!, sizes);
  for (let i = 0; i < array.length; i++) {
    const value = array[i]!;
    if (value >= 0 && value < limit) continue;
    const shape = input.shape.map((dimension) => dimensionValue(dimension, sizes));
    const allowed =
      limit === 0 ? "there are no indices that it could have" : `its elements are indices from 0 to ${limit - 1}`;
    throw new InputError(`${placeOf(input.name, i, shape)} is ${value}: ${allowed}`);
  }
}

/** The array of an input that the caller left to its default. */
export function filledInput(input: InputSpec, sizes: Sizes): ArrayOf[ElementName] {
  const array = arrayOf(input.type, elementCount(input.shape.map((dimension) => dimensionValue(dimension, sizes))));
  const value = input.fill ?? 0;
  return array.fill(input.type === "f16" ? toHalf(value) : value);
}
