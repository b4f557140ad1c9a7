/**
 * Finds the first operator whose value on a target departs from the interpreter in f64.
 *
 * The entry is compiled anew with every value as an output and runs on the target once; the interpreter's trace is
 * compared with it value by value, in the order of the graph. So nothing is fused: a mistake of fusion alone is not found
 * here, but by blame-pass.ts.
 */
import type { Location } from "../diagnostics/index.js";
import { type Graph, isFloat, type OperatorName, type Scope, type ValueId } from "../ir/graph/index.js";
import type { Tensor } from "../runtime/host/tensors.js";
import { compareValues, largestMagnitude, numbersOf } from "./compare.js";
import { place, type Ready } from "./inputs.js";
import type { Compilation } from "./pipeline.js";
import { evaluateGraph, type Start } from "./targets.js";

/** Relative to the largest magnitude of a value; rounding in f32 adds up to far less over the depth of a model. */
const TOLERANCE = 1e-3;
/** Numbers from here on stand for minus infinity in masks, and are not the scale of what they are added to. */
const MASK = 5000;

/** An operator that departs. */
export interface Departure {
  readonly entry: string;
  readonly operator: OperatorName;
  readonly location: Location | null;
  /** The layers and functions that it is in: `h.0.attn`. */
  readonly scope: string;
  /** The user's name for the value, if it has one. */
  readonly name: string | null;
  /** The place of the element that departs most, its value and what it should be. */
  readonly at: string;
  readonly found: number;
  readonly expected: number;
}

/** Operators that give what they are given, or numbers that every target knows. */
const leaves: ReadonlySet<OperatorName> = new Set<OperatorName>(["input", "weight", "constant", "size"]);

/** The graph with every computed value as an output, named by its id. */
export function withAllValues(graph: Graph): Graph {
  const ids = graph.nodes.flatMap((node, id) => (leaves.has(node.operator) ? [] : [id as ValueId]));
  const { incremental: _, ...whole } = graph;
  return { ...whole, outputs: ids.map((value) => ({ name: outputName(value), value })) };
}

const outputName = (id: number) => `value_${id}`;

/** The path of a scope: the names of its layers and functions, without the model. */
export function scopePath(scope: Scope | null): string {
  const names: string[] = [];
  for (let at = scope; at; at = at.parent) if (at.name !== "") names.unshift(at.name);
  return names.join(".");
}

/** The first operator of an entry that departs on a target, or null if none does. */
export async function firstDeparture(
  start: Start,
  compilation: Compilation,
  graph: Graph,
  ready: Ready,
  weights: ReadonlyMap<string, Tensor>,
): Promise<Departure | null> {
  const all = withAllValues(graph);
  if (all.outputs.length === 0) return null;
  const runner = await start(compilation.again({}, [all]), weights);
  const values = await runner.run(graph.name, ready);
  let first: Departure | null = null;
  evaluateGraph(graph, ready, weights, "f64", (id, expected) => {
    const tensor = values.get(outputName(id));
    if (first || !tensor) return;
    const found = numbersOf(tensor);
    const exact = !isFloat(expected.element);
    if (exact && decidesByFloats(graph, id)) return;
    const scale = Math.max(largestMagnitude(expected.data, MASK), Number.MIN_VALUE);
    const difference = compareValues(found, expected.data, TOLERANCE, exact, scale);
    if (difference.passed) return;
    first = {
      entry: graph.name,
      operator: graph.nodes[id]!.operator,
      location: graph.locations[id] ?? null,
      scope: scopePath(graph.scopes[id] ?? null),
      name: graph.names[id] ?? null,
      at: place(difference.worst, expected.shape),
      found: found[difference.worst] ?? Number.NaN,
      expected: expected.data[difference.worst] ?? Number.NaN,
    };
  });
  runner.dispose();
  return first;
}

/** Whether an integer or boolean comes from comparing floats, where rounding may decide a near tie either way. */
function decidesByFloats(graph: Graph, id: number): boolean {
  return graph.nodes[id]!.operands.some((operand) => isFloat(graph.types[operand]!.element));
}
