/** Compares what kernels compute with what the graph's interpreter computes. */
import { interpret, type Precision } from "../../src/interpreter/graph.js";
import { interpretPlan } from "../../src/interpreter/kernel-plan.js";
import type { Tensor } from "../../src/interpreter/tensor.js";
import type { Graph } from "../../src/ir/graph/graph.js";
import type { Plan } from "../../src/ir/plan/index.js";
import type { RandomRun } from "../support/random-graph-run.js";

/** Where two sets of outputs differ by more than the tolerance (relative above 1); null if nowhere. */
export function difference(
  actual: Readonly<Record<string, Tensor>>,
  expected: Readonly<Record<string, Tensor>>,
  tolerance: number,
): string | null {
  for (const [name, want] of Object.entries(expected)) {
    const is = actual[name];
    if (is === undefined) return `${name} is missing`;
    const [isType, wantType] = [is, want].map((each) => `${each.element}[${each.shape}]`);
    if (isType !== wantType) return `${name} is ${isType}, not ${wantType}`;
    for (let i = 0; i < want.data.length; i++) {
      const [a, b] = [is.data[i]!, want.data[i]!];
      if (a === b || (Number.isNaN(a) && Number.isNaN(b))) continue;
      if (Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(b))) continue;
      return `${name}, element ${i} of ${wantType}, is ${a}, not ${b}`;
    }
  }
  return null;
}

/** Where a plan's outputs differ from those of its graph, both in the given precision; null if nowhere. */
export function planDifference(
  graph: Graph,
  plan: Plan,
  run: RandomRun,
  precision: Precision,
  tolerance: number,
): string | null {
  const expected = interpret(graph, { ...run, precision }).outputs;
  return difference(interpretPlan(plan, { ...run, precision }), expected, tolerance);
}

/**
 * As planDifference, in f64. But a kernel that turned out not to read an operand (`where` of a constant condition) rounds
 * what the graph's interpreter keeps in f64, because the operand depends on a float input: then f32 has the last word.
 */
export function randomPlanDifference(graph: Graph, plan: Plan, run: RandomRun): string | null {
  const wide = planDifference(graph, plan, run, "f64", 1e-9);
  return wide === null || planDifference(graph, plan, run, "f32", 1e-3) === null ? null : wide;
}
