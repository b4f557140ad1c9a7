/** What computing an entry step by step costs: what a session keeps, and the operations of a step. */
import type { Derived, State } from "../../incremental/index.js";
import type { ElementType } from "../../ir/graph/index.js";
import { add, mul, type Size, size } from "../../sizes/index.js";
import { flopsOf } from "./flops.js";

export interface DecodingCost {
  readonly entry: string;
  /** Bytes that are kept of each position: rows that are appended. */
  readonly perPosition: Size;
  /** Bytes that are kept whatever the length: windows, running sums, what is computed once. */
  readonly constant: Size;
  /** Floating-point operations of a step of N positions after P. */
  readonly flops: Size;
  readonly states: readonly State[];
}

const bytesOf: { readonly [K in ElementType]: number } = { f32: 4, f16: 4, i32: 4, bool: 1, i8: 1, i16: 2 };

function bytesOfState({ element, shape, axis, kind }: State): Size {
  const rows = kind === "append" && axis !== null ? shape.with(axis, size(1)) : shape;
  return rows.reduce((product, each) => mul(product, each), size(bytesOf[element]));
}

export function decodingCost({ entry, step, states }: Derived): DecodingCost {
  const sum = (of: readonly State[]): Size => of.reduce((total, each) => add(total, bytesOfState(each)), size(0));
  return {
    entry: entry.name,
    perPosition: sum(states.filter(({ kind }) => kind === "append")),
    constant: sum(states.filter(({ kind }) => kind !== "append")),
    flops: step.nodes.reduce((total, _, id) => add(total, flopsOf(step, id)), size(0)),
    states,
  };
}
