/**
 * What a box says about one operator: its kind and its title.
 *
 * A title reads like mathematics: `+`, `× 0.5`, `1 − x`, `max(x, 0)`. An operand that is one number stands in it, in
 * place of a box and an arrow of its own; any other operand is an arrow, and `x` in the title where it has to be told
 * apart.
 */
import { type Attributes, type OperatorName, shapeText, type TensorType } from "../../../src/ir/graph/index.js";
import { add, render } from "../../../src/sizes/index.js";
import type { Kind } from "../picture/picture.js";

/** What a title is made from: an operand's text if it is one number, else null; and the types of operands and result. */
export interface TitleContext {
  readonly operands: readonly (string | null)[];
  readonly operandTypes: readonly TensorType[];
  readonly type: TensorType;
  /** True where both operands are one value. */
  readonly squared: boolean;
}

interface Drawing<K extends OperatorName> {
  readonly kind: Kind;
  title(attributes: Attributes[K], context: TitleContext): string;
}

interface AlongAxis {
  readonly kind: Kind;
  title(attributes: { readonly axis: number }, context: TitleContext): string;
}

const minus = "\u2212";

/** The operator called by its name; numbers among its operands are written out: `max(x, 0)`. */
function call(name: string, { operands }: TitleContext): string {
  if (operands.every((text) => text === null)) return name;
  return `${name}(${operands.map((text) => text ?? "x").join(", ")})`;
}

function named(kind: Kind, name: string): Drawing<OperatorName> {
  return { kind, title: (_, context) => call(name, context) };
}

/** An operator between two operands; `commutes` if the number may be written on either side. */
function infix(symbol: string, commutes = false): Drawing<OperatorName> {
  return {
    kind: "elementwise",
    title: (_, { operands: [left = null, right = null] }) => {
      if (left === null && right === null) return symbol;
      if (left === null) return `${symbol} ${right}`;
      if (right === null) return commutes ? `${symbol} ${left}` : `${left} ${symbol} x`;
      return `${left} ${symbol} ${right}`;
    },
  };
}

const times = infix("\u00d7", true);

/** An operator along an axis, which is named unless it is the last. */
function along(kind: Kind, name: string): AlongAxis {
  return {
    kind,
    title: ({ axis }, { operandTypes }) => {
      const last = (operandTypes[0]?.shape.length ?? 0) - 1;
      return axis === last ? name : `${name}, axis ${axis}`;
    },
  };
}

/** True where a sum of products is what `@` gives: leading axes in common, one axis summed, the rest in order. */
export function isMatmul({ inputs, output }: Attributes["einsum"]): boolean {
  const [left, right] = inputs;
  if (inputs.length !== 2 || left === undefined || right === undefined) return false;
  const summed = [...new Set([...left, ...right])].filter((label) => !output.includes(label));
  const [inner] = summed;
  if (summed.length !== 1 || inner === undefined || !left.includes(inner) || !right.includes(inner)) return false;
  const rows = left.filter((label) => label !== inner && !right.includes(label));
  const columns = right.filter((label) => label !== inner && !left.includes(label));
  const batch = output.filter((label) => left.includes(label) && right.includes(label));
  return [...batch, ...rows, ...columns].join() === output.join();
}

/** `bqk,kd → bqd`; labels beyond the alphabet are numbers. */
function labelsText({ inputs, output }: Attributes["einsum"]): string {
  const many = Math.max(...inputs.flat(), ...output, 0) >= 26;
  const text = (labels: readonly number[]) =>
    many ? `(${labels.join(" ")})` : labels.map((label) => String.fromCharCode(97 + label)).join("");
  return `${inputs.map(text).join(",")} \u2192 ${text(output)}`;
}

/** `[0:T]`, as the language writes it; `[..., 0:T]` for the last of several axes. */
export function sliceText({ axis, start, length }: Attributes["slice"], [from]: readonly TensorType[]): string {
  const range = `${render(start)}:${render(add(start, length))}`;
  if (axis > 0 && axis === (from?.shape.length ?? 0) - 1) return `[..., ${range}]`;
  return `[${":, ".repeat(axis)}${range}]`;
}

const plain = <K extends OperatorName>(kind: Kind, title: Drawing<K>["title"]): Drawing<K> => ({ kind, title });

/** How each operator is drawn. */
export const drawings: { readonly [K in OperatorName]: Drawing<K> } = {
  input: plain("input", ({ name }) => name),
  weight: plain("weight", ({ name }) => name),
  constant: plain("index", (_, { type }) => `constant ${shapeText(type.shape)}`),
  size: plain("index", ({ value }) => render(value)),
  iota: plain("index", ({ axis }) => `indices of axis ${axis}`),
  cast: plain("movement", ({ to }) => `to ${to}`),

  neg: plain("elementwise", () => `${minus} x`),
  abs: named("elementwise", "abs"),
  exp: named("elementwise", "exp"),
  log: named("elementwise", "log"),
  log2: named("elementwise", "log2"),
  sqrt: named("elementwise", "sqrt"),
  rsqrt: plain("elementwise", () => "1 / sqrt"),
  sin: named("elementwise", "sin"),
  cos: named("elementwise", "cos"),
  tanh: named("elementwise", "tanh"),
  erf: named("elementwise", "erf"),
  floor: named("elementwise", "floor"),
  ceil: named("elementwise", "ceil"),
  not: named("elementwise", "not"),

  add: infix("+", true),
  sub: infix(minus),
  mul: plain("elementwise", (_, context) => (context.squared ? "square" : times.title({}, context))),
  div: infix("/"),
  floor_div: infix("//"),
  mod: infix("%"),
  pow: infix("**"),
  lt: infix("<"),
  le: infix("\u2264"),
  eq: infix("=", true),
  ne: infix("\u2260", true),
  and: infix("and", true),
  or: infix("or", true),
  maximum: named("elementwise", "max"),
  minimum: named("elementwise", "min"),

  sum: along("reduction", "sum"),
  mean: along("reduction", "mean"),
  max: along("reduction", "max"),
  min: along("reduction", "min"),
  any: along("reduction", "any"),
  all: along("reduction", "all"),
  argmax: along("reduction", "argmax"),
  softmax: along("reduction", "softmax"),
  cumsum: along("reduction", "running sum"),

  where: plain("elementwise", (_, { operands: [, yes = null, no = null] }) => {
    if (yes === null && no === null) return "where";
    if (yes === null) return `where, else ${no}`;
    return `where ${yes}, else ${no ?? "x"}`;
  }),
  einsum: plain("contraction", (attributes) => (isMatmul(attributes) ? "matmul" : `einsum ${labelsText(attributes)}`)),

  transpose: plain("movement", ({ permutation }) => `transpose ${permutation.join(" ")}`),
  reshape: named("movement", "reshape"),
  broadcast: named("movement", "broadcast"),
  slice: plain("movement", (attributes, { operandTypes }) => sliceText(attributes, operandTypes)),
  concat: along("movement", "concat"),
  take: plain("selection", ({ axis }) => (axis === 0 ? "take" : `take, axis ${axis}`)),
  element: plain("selection", (_, { operands: [, ...indices] }) => {
    let letter = 0;
    return `x[${indices.map((text) => text ?? String.fromCharCode(105 + letter++)).join(", ")}]`;
  }),
  topk: plain("selection", ({ k }) => `top ${k}`),
};
