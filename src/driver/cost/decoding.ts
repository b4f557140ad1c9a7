/** What computing an entry step by step costs: what a session keeps, the operations of a step, and its runs of kernels. */
import type { DecodedEntry } from "../../../backends/common/module.js";
import type { Derived, State } from "../../incremental/index.js";
import type { Graph } from "../../ir/graph/index.js";
import { elementBytes } from "../../ir/graph/types.js";
import type { Plan } from "../../ir/plan/plan.js";
import { add, mul, type Size, size } from "../../sizes/index.js";
import { costOf, type KernelsPerLayer, kernelsPerLayer } from "./costs.js";
import { flopsOf } from "./flops.js";

export interface DecodingCost {
  readonly entry: string;
  /** Bytes that are kept of each position: rows that are appended. */
  readonly perPosition: Size;
  /** Bytes that are kept whatever the length: windows, running sums, what is computed once. */
  readonly constant: Size;
  /** Floating-point operations of a step of N positions after P. */
  readonly flops: Size;
  /** Those of what is computed once for a sequence, before its first step; 0 if there is nothing. */
  readonly once: Size;
  /** Those of a token, which are those of a step that gives one position. */
  readonly token: KernelRuns;
  /** The same on devices of the target that compute on a CPU, where those run another program. */
  readonly apart: KernelRuns | null;
  readonly states: readonly State[];
}

/** Runs of kernels: all, and those of a layer. */
export interface KernelRuns {
  readonly kernels: number;
  readonly perLayer: readonly KernelsPerLayer[];
}

function bytesOfState({ element, shape, axis, kind }: State): Size {
  const rows = kind === "append" && axis !== null ? shape.with(axis, size(1)) : shape;
  return rows.reduce((product, each) => mul(product, each), size(elementBytes[element]));
}

function flopsOfGraph(graph: Graph | null): Size {
  return (graph?.nodes ?? []).reduce((total, _, id) => add(total, flopsOf(graph!, id)), size(0));
}

/** @param decoded the programs of its steps, as they were compiled */
export function decodingCost({ entry, begin, step, last, states }: Derived, decoded: DecodedEntry): DecodingCost {
  const sum = (of: readonly State[]): Size => of.reduce((total, each) => add(total, bytesOfState(each)), size(0));
  const runs = (plan: Plan): KernelRuns => ({
    kernels: plan.dispatches.length,
    perLayer: kernelsPerLayer(costOf(last, plan).layers),
  });
  return {
    entry: entry.name,
    perPosition: sum(states.filter(({ kind }) => kind === "append")),
    constant: sum(states.filter(({ kind }) => kind !== "append")),
    flops: flopsOfGraph(step),
    once: flopsOfGraph(begin),
    token: runs(decoded.one?.plan ?? decoded.last),
    apart: decoded.one === null ? null : runs(decoded.one.apart),
    states,
  };
}
