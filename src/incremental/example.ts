/** An example of what a mask lets through, for the message of a refusal: masks are computed for a few positions. */
import { binaryFunction, unaryFunctions } from "../interpreter/graph-functions.js";
import {
  type BinaryOperator,
  binaryOperators,
  type Graph,
  type OperatorName,
  type UnaryOperator,
  unaryOperators,
  type ValueId,
} from "../ir/graph/index.js";
import { constantOf } from "../sizes/index.js";
import type { Analysis } from "./analysis.js";
import type { Refusal } from "./facts.js";

/** Positions that are looked at. */
const most = 24;

/** What an element is: a number, or null where data or the final length decide. */
type Known = number | null;

const unary = new Set<OperatorName>(unaryOperators);
const binary = new Set<OperatorName>(binaryOperators);

/** @param known elements that were met, as a value may be read in several ways */
function elementOf(graph: Graph, id: ValueId, indices: readonly number[], known: Map<string, Known>): Known {
  const key = `${id} ${indices}`;
  const found = known.has(key) ? known.get(key)! : computed(graph, id, indices, known);
  known.set(key, found);
  return found;
}

function computed(graph: Graph, id: ValueId, indices: readonly number[], known: Map<string, Known>): Known {
  const { operator, operands, attributes } = graph.nodes[id]!;
  const operand = (at: number): Known => {
    const { shape } = graph.types[operands[at]!]!;
    const own = indices.slice(indices.length - shape.length);
    return elementOf(
      graph,
      operands[at]!,
      own.map((each, axis) => (constantOf(shape[axis]!) === 1 ? 0 : each)),
      known,
    );
  };
  if (operator === "constant") return attributes.value;
  if (operator === "iota") return indices[attributes.axis]!;
  if (operator === "size") return constantOf(attributes.value);
  if (operator === "broadcast") return operand(0);
  if (unary.has(operator)) {
    const found = operand(0);
    return found === null ? null : unaryFunctions[operator as UnaryOperator](found);
  }
  if (!binary.has(operator)) return null;
  const found = [operand(0), operand(1)];
  const decisive = operator === "or" ? 1 : operator === "and" ? 0 : null;
  if (decisive !== null && found.includes(decisive)) return decisive;
  const [a, b] = found as [Known, Known];
  if (a === null || b === null) return null;
  return binaryFunction(operator as BinaryOperator, graph.types[operands[0]!]!.element)(a, b);
}

/** The choices between a node and what it reads that hide one side: each with its condition, and when it shows the other. */
function masksOf(graph: Graph, id: ValueId): { readonly mask: ValueId; readonly shows: number }[] {
  const found: { mask: ValueId; shows: number }[] = [];
  const seen = new Set<ValueId>();
  const look = (at: ValueId): void => {
    if (seen.has(at)) return;
    seen.add(at);
    const { operator, operands } = graph.nodes[at]!;
    if (operator === "where") {
      const hidden = [2, 1].find((side) => graph.nodes[operands[side]!]!.operator === "constant");
      if (hidden !== undefined) found.push({ mask: at, shows: hidden - 1 });
    }
    if (operator === "where" || unary.has(operator) || binary.has(operator)) for (const each of operands) look(each);
  };
  look(graph.nodes[id]!.operands[0]!);
  return found;
}

/** The refusal of a reduction that no mask helps, with a later position that the mask before it lets through. */
export function withExample({ graph, facts }: Analysis, refusal: Refusal): Refusal {
  const { reason, node, notes, related } = refusal;
  const { operator, operands, attributes } = graph.nodes[node]!;
  if (reason !== "future" || notes.length > 0 || related !== null) return refusal;
  if (operator === "einsum" || !("axis" in attributes)) return refusal;
  const fromEnd = graph.types[operands[0]!]!.shape.length - attributes.axis;
  for (const { mask, shows } of masksOf(graph, node)) {
    const rank = graph.types[mask]!.shape.length;
    const reduced = rank - fromEnd;
    const { time } = facts[mask]!;
    const own = [...time.keys()].find((axis) => axis !== reduced);
    if (own === undefined || !time.has(reduced)) continue;
    const condition = graph.nodes[mask]!.operands[0]!;
    const { shape } = graph.types[condition]!;
    const isShown = (t: number, s: number): Known => {
      const indices = Array.from({ length: rank }, (_, axis) => (axis === own ? t : axis === reduced ? s : 0));
      const at = indices.slice(rank - shape.length).map((each, axis) => (constantOf(shape[axis]!) === 1 ? 0 : each));
      const found = elementOf(graph, condition, at, new Map());
      return found === null ? null : +(found === shows);
    };
    const pairs = Array.from({ length: most * most }, (_, i) => [Math.floor(i / most), i % most] as const);
    const later = pairs.filter(([t, s]) => s > t);
    const known = later.find(([t, s]) => isShown(t, s) === 1);
    const [t, s] = known ?? later.find(([own, other]) => isShown(own, other) === null) ?? [];
    if (t === undefined) continue;
    const text = `this mask ${known === undefined ? "may let" : "lets"} position ${t} read position ${s}`;
    return { ...refusal, related: { node: mask, text } };
  }
  return refusal;
}
