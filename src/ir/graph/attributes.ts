/**
 * How each attribute of each operator is written and read: one table for dumps, for structural keys and for the parser.
 *
 * What must stay true: writing is injective (two different values of an attribute in canonical form never give one
 * text), since the builder tells nodes apart by it; reading gives back what was written.
 */
import type { Size } from "../../sizes/index.js";
import { numberText, quoted } from "../text/words.js";
import type { Attributes, Node, OperatorName } from "./operators.js";
import { type ReductionOperator, reductionOperators } from "./operators.js";
import { type ElementType, elementTypes, type TensorType } from "./types.js";

/** Reads the pieces of an attribute from a text; each throws where the text holds something else. */
export interface AttributeReader {
  number(): number;
  /** A whole number of at least 0. */
  index(): number;
  string(): string;
  size(): Size;
  word(): string;
  /** Items between brackets, with commas. */
  list<T>(item: () => T): T[];
  /** Fails with this message at the place where the reader stands. */
  fail(message: string): never;
}

export interface AttributeForm<T> {
  /** Writes the value; sizes are written by `size`. */
  write(value: T, size: (size: Size) => string): string;
  read(reader: AttributeReader): T;
  /** Where the node's type says it all, the attribute is left out of dumps, and read from the type. */
  readonly implied?: (type: TensorType) => T;
  /** The value with each of its sizes replaced; not there where it has none. */
  readonly replace?: (value: T, replaced: (size: Size) => Size) => T;
}

const listText = (items: readonly string[]): string => `[${items.join(", ")}]`;

const index: AttributeForm<number> = { write: (value) => numberText(value), read: (reader) => reader.index() };
const indices: AttributeForm<readonly number[]> = {
  write: (value) => listText(value.map(numberText)),
  read: (reader) => reader.list(() => reader.index()),
};
const labels: AttributeForm<readonly (readonly number[])[]> = {
  write: (value) => listText(value.map((each) => listText(each.map(numberText)))),
  read: (reader) => reader.list(() => reader.list(() => reader.index())),
};
const number: AttributeForm<number> = { write: (value) => numberText(value), read: (reader) => reader.number() };
const text: AttributeForm<string> = { write: (value) => quoted(value), read: (reader) => reader.string() };
const sources: AttributeForm<readonly (readonly string[])[]> = {
  write: (value) => listText(value.map((each) => listText(each.map(quoted)))),
  read: (reader) => reader.list(() => reader.list(() => reader.string())),
};
const oneSize: AttributeForm<Size> = {
  write: (value, size) => size(value),
  read: (reader) => reader.size(),
  replace: (value, replaced) => replaced(value),
};
const fill: AttributeForm<number | null> = {
  write: (value) => (value === null ? "none" : numberText(value)),
  read: (reader) => reader.number(),
};
const elementOfType: AttributeForm<ElementType> = {
  write: (value) => value,
  read: (reader) => {
    const word = reader.word();
    return elementTypes.find((each) => each === word) ?? reader.fail(`\`${word}\` is no element type`);
  },
  implied: (type) => type.element,
};
const shapeOfType: AttributeForm<readonly Size[]> = {
  write: (value, size) => listText(value.map(size)),
  read: (reader) => reader.list(() => reader.size()),
  implied: (type) => type.shape,
  replace: (value, replaced) => value.map(replaced),
};

export type AttributeForms<K extends OperatorName> = {
  readonly [A in keyof Attributes[K]]: AttributeForm<Attributes[K][A]>;
};

const axisOnly = { axis: index };
const reductionForms = Object.fromEntries(reductionOperators.map((name) => [name, axisOnly])) as {
  [K in ReductionOperator]: typeof axisOnly;
};

/** The attributes of each operator that has some, in the order in which they are written. */
export const attributeForms: {
  readonly [K in OperatorName as keyof Attributes[K] extends never ? never : K]: AttributeForms<K>;
} = {
  ...reductionForms,
  input: { name: text, element: elementOfType, shape: shapeOfType, fill },
  weight: { name: text, element: elementOfType, shape: shapeOfType, sources },
  constant: { value: number, element: elementOfType },
  size: { value: oneSize },
  iota: { axis: index, shape: shapeOfType },
  cast: { to: elementOfType },
  softmax: axisOnly,
  cumsum: axisOnly,
  einsum: { inputs: labels, output: indices },
  transpose: { permutation: indices },
  reshape: { shape: shapeOfType },
  broadcast: { shape: shapeOfType },
  slice: { axis: index, start: oneSize, length: oneSize },
  concat: axisOnly,
  take: axisOnly,
  topk: { k: index },
};

/** The forms of an operator's attributes by name, for those that walk over any operator. */
export function formsOf(operator: OperatorName): readonly (readonly [string, AttributeForm<unknown>])[] {
  return formLists.get(operator) ?? [];
}

// The forms are contravariant in what they write; a node's attributes are always met by their own operator's forms.
const formLists = new Map<string, readonly (readonly [string, AttributeForm<unknown>])[]>(
  Object.entries(attributeForms).map(([operator, forms]) => [
    operator,
    Object.entries(forms) as unknown as [string, AttributeForm<unknown>][],
  ]),
);

/** All attributes in one text, which tells them apart from any others of the operator. */
export function attributesText<K extends OperatorName>(
  operator: K,
  attributes: Attributes[K],
  size: (size: Size) => string,
): string {
  const values: Readonly<Record<string, unknown>> = attributes;
  return formsOf(operator)
    .map(([name, form]) => form.write(values[name], size))
    .join();
}

/** The attributes with each size in them replaced. */
export function attributesWith<K extends OperatorName>(
  operator: K,
  attributes: Attributes[K],
  replaced: (size: Size) => Size,
): Attributes[K] {
  const values: Readonly<Record<string, unknown>> = attributes;
  const sizes = formsOf(operator).flatMap(([name, { replace }]) =>
    replace === undefined ? [] : [[name, replace(values[name], replaced)]],
  );
  return sizes.length === 0 ? attributes : { ...attributes, ...Object.fromEntries(sizes) };
}

/** The sizes that a node's attributes mention. */
export function sizesOf(node: Node): Size[] {
  const sizes: Size[] = [];
  attributesText(node.operator, node.attributes, (size) => {
    sizes.push(size);
    return "";
  });
  return sizes;
}
