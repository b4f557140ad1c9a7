/**
 * Runs the passes of a list over a graph: times them, counts what they did, checks and prints the graph after each.
 *
 * What must stay true: the graph that comes out computes what the graph that went in computes, with the same inputs and
 * outputs; each pass alone may be left out.
 */
import { InternalError } from "../diagnostics/index.js";
import { attributesText } from "../ir/graph/attributes.js";
import { assertGraph, type Graph, printGraph } from "../ir/graph/index.js";
import type { FewRows, Pass, Remark } from "./pass.js";
import type { HeldWeights } from "./quantization/format.js";

export interface OptimizeOptions {
  /** Names of passes that are not run. */
  readonly without?: readonly string[];
  /** Checks the rules of the graph after each pass. */
  readonly verify?: boolean;
  /** The pass after which the text of the graph is kept, or "all". */
  readonly dumpAfter?: string | null;
  /** How large weights are held; as they are if not given. */
  readonly weights?: HeldWeights | null;
  /** The buffers that a kernel can read and write; any number if not given. */
  readonly mostBuffers?: number;
  /** When rows are few; the target makes nothing of it if not given. */
  readonly fewRows?: FewRows | null;
}

/** What one pass did to one graph. */
export interface PassReport {
  readonly pass: string;
  /** The graph's name. */
  readonly graph: string;
  readonly milliseconds: number;
  readonly changed: boolean;
  readonly remarks: readonly Remark[];
  /** The graph's text after the pass, if it was asked for. */
  readonly text: string | null;
}

export interface Optimized {
  readonly graph: Graph;
  readonly reports: readonly PassReport[];
}

export function optimizeGraph(graph: Graph, passes: readonly Pass[], options: OptimizeOptions = {}): Optimized {
  const { without = [], verify = false, dumpAfter = null, weights = null } = options;
  const { mostBuffers = Number.POSITIVE_INFINITY, fewRows = null } = options;
  const reports: PassReport[] = [];
  let current = graph;
  for (const pass of passes) {
    if (without.includes(pass.name)) continue;
    const remarks: Remark[] = [];
    const start = performance.now();
    const given = pass.run(current, { weights, mostBuffers, fewRows, remark: (remark) => void remarks.push(remark) });
    const milliseconds = performance.now() - start;
    const changed = !isSameGraph(current, given);
    // Steps are derived of what the user wrote, before masks become something else.
    const { incremental: _, ...rewritten } = given;
    const next = changed ? rewritten : current;
    if (verify) assertGraph(next, pass.name);
    if (next.outputs.length !== graph.outputs.length) throw new InternalError(`${pass.name} changed the outputs`);
    const text = dumpAfter === "all" || dumpAfter === pass.name ? printGraph(next) : null;
    reports.push({ pass: pass.name, graph: graph.name, milliseconds, changed, remarks, text });
    current = next;
  }
  return { graph: current, reports };
}

/** Whether two graphs have the same nodes in the same order, placed alike. Names and locations do not count. */
function isSameGraph(a: Graph, b: Graph): boolean {
  return (
    a === b ||
    (a.nodes.length === b.nodes.length &&
      a.outputs.every(({ value }, i) => b.outputs[i]!.value === value) &&
      a.placements.every((placement, id) => b.placements[id] === placement) &&
      a.nodes.every((_, id) => nodeKey(a, id) === nodeKey(b, id)))
  );
}

function nodeKey(graph: Graph, id: number): string {
  const { operator, operands, attributes } = graph.nodes[id]!;
  return `${operator}(${operands.join()})${attributesText(operator, attributes, (size) => `#${size.id}`)}`;
}

/** How often each rule fired, by name, over several reports: most often first. */
export function firedRules(reports: readonly PassReport[]): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const { pass, remarks } of reports) {
    for (const { rule, kind } of remarks) {
      if (kind === "fired") counts.set(`${pass}: ${rule}`, (counts.get(`${pass}: ${rule}`) ?? 0) + 1);
    }
  }
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}
