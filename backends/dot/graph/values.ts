/**
 * What the picture needs to know of each value: which are the same for all inputs, which are one number, who uses what.
 */
import { attributesText } from "../../../src/ir/graph/attributes.js";
import type { Graph, Node, OperatorName, TensorType, ValueId } from "../../../src/ir/graph/index.js";
import { numberText } from "../../../src/ir/text/words.js";
import { render } from "../../../src/sizes/index.js";
import { drawings } from "./operators.js";

/** A formula longer than this is a box of its own. */
const longestFormula = 18;

export interface ValueFacts {
  readonly graph: Graph;
  /** Made of sizes, numbers and indices only. Such values are shared by all layers that happen to want them. */
  readonly isStatic: readonly boolean[];
  /** Made of such values and of weights: no input reaches it. Two calls of one layer share such values. */
  readonly isFixed: readonly boolean[];
  /** The text of a value that is one number, to be written into its consumer's title; null for all others. */
  readonly inline: readonly (string | null)[];
  /** The nodes that use each value; -1 stands for the entry's outputs. */
  readonly users: readonly (readonly number[])[];
}

const movements: ReadonlySet<OperatorName> = new Set(["cast", "transpose", "reshape", "broadcast"]);

/** True for operators that only lay elements out anew. They are not drawn: the arrow tells the new shape. */
export function isPlumbing(node: Node): boolean {
  return movements.has(node.operator);
}

export function valueFacts(graph: Graph): ValueFacts {
  const isStatic: boolean[] = [];
  const isFixed: boolean[] = [];
  const inline: (string | null)[] = [];
  const users: number[][] = graph.nodes.map(() => []);
  graph.nodes.forEach((node, id) => {
    const { operator, operands } = node;
    isStatic.push(operator !== "input" && operator !== "weight" && operands.every((operand) => isStatic[operand]));
    isFixed.push(operator !== "input" && operands.every((operand) => isFixed[operand]));
    const texts = operands.map((operand) => inline[operand] ?? null);
    inline.push(isStatic[id] ? formula(node, texts) : null);
    for (const operand of new Set(operands)) users[operand]?.push(id);
  });
  for (const { value } of graph.outputs) users[value]?.push(-1);
  return { graph, isStatic, isFixed, inline, users };
}

/** True where the value is each place's own index along some axis: `x[:, i]` has one for its first axis. */
function isOwnIndex(graph: Graph, value: number): boolean {
  let node = graph.nodes[value]!;
  while (isPlumbing(node)) node = graph.nodes[node.operands[0]!]!;
  return node.operator === "iota";
}

/** What stands for an operand in the title of its user, in place of a box and an arrow; null if nothing does. */
export function operandText({ graph, inline }: ValueFacts, user: Node, position: number): string | null {
  const operand = user.operands[position]!;
  if (user.operator === "element" && position > 0) return isOwnIndex(graph, operand) ? ":" : (inline[operand] ?? null);
  return drawings[user.operator].kind === "elementwise" ? (inline[operand] ?? null) : null;
}

/** The weight that a value is, or is a part or another layout of; null for all others. */
export function weightOf(graph: Graph, value: number): number | null {
  for (let at = value; ; ) {
    const node = graph.nodes[at]!;
    if (node.operator === "weight") return at;
    if (!isPlumbing(node) && node.operator !== "slice") return null;
    at = node.operands[0]!;
  }
}

/** The text of a static value that is one number everywhere, if it is short. */
function formula(node: Node, operands: readonly (string | null)[]): string | null {
  if (node.operator === "constant") return prettyNumber(node.attributes.value, node.attributes.element);
  if (node.operator === "size") return short(render(node.attributes.value));
  const [first = null] = operands;
  if (isPlumbing(node)) return first;
  if (operands.length === 0 || operands.some((text) => text === null)) return null;
  const { kind } = drawings[node.operator];
  if (kind !== "elementwise") return null;
  const names: Partial<Record<OperatorName, string>> = { neg: "\u2212", rsqrt: "1 / sqrt" };
  if (operands.length === 1) return short(`${names[node.operator] ?? node.operator}(${first})`);
  const symbols: Partial<Record<OperatorName, string>> = {
    add: "+",
    sub: "\u2212",
    mul: "\u00d7",
    div: "/",
    pow: "**",
  };
  const symbol = symbols[node.operator];
  const grouped = operands.map((text) => (text?.includes(" ") ? `(${text})` : text));
  return short(symbol === undefined ? `${node.operator}(${operands.join(", ")})` : grouped.join(` ${symbol} `));
}

function short(text: string): string | null {
  return text.length <= longestFormula ? text : null;
}

/** A number in five digits; the picture is no place for more. */
function prettyNumber(value: number, element: TensorType["element"]): string {
  if (element === "bool") return value === 0 ? "false" : "true";
  const isFraction = Number.isFinite(value) && !Number.isInteger(value);
  const text = isFraction && Math.abs(value) < 1e-3 ? brief(value.toExponential(4)) : brief(value.toPrecision(5));
  return (isFraction ? text : numberText(value)).replace(/^-/, "\u2212");
}

/** Without the zeros at the end of a fraction: `1e-5` for `1.0000e-5`. */
function brief(text: string): string {
  return text.replace(/(\.\d*?)0+(?=e|$)/, "$1").replace(/\.(?=e|$)/, "");
}

/** A text that equal operators with equal attributes share. */
export function operatorKey(node: Node): string {
  return `${node.operator} ${attributesText(node.operator, node.attributes, (size) => `#${size.id}`)}`;
}

/** A type as pictures show it: f32, the default of the language, goes without saying. */
export function typeLabel(type: TensorType): string {
  const shape = type.shape.map((size) => render(size)).join(", ");
  if (type.element === "f32") return type.shape.length === 0 ? "f32" : `[${shape}]`;
  return type.shape.length === 0 ? type.element : `${type.element}[${shape}]`;
}

export function operandTypes(graph: Graph, node: Node): TensorType[] {
  return node.operands.map((operand: ValueId) => graph.types[operand]!);
}

/** The name of a value as pictures show it; of what a pass has called by a path only the end. */
export function nameLabel(graph: Graph, value: number): string | null {
  return graph.names[value]?.split(".").slice(-2).join(".") ?? null;
}
