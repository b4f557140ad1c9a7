/**
 * Recognises attention by what a kernel does: a row of scores in private memory, each a sum of products, that a softmax
 * reads together with sums of its exponentials times values.
 */
import type { Expression, Kernel, Statement } from "../../ir/kernel/index.js";
import { ScheduleError } from "../errors.js";
import { loopsIn } from "../loops.js";
import type { Loop } from "../rewrite.js";
import { type Row, rowOf } from "../steps/rows.js";
import { dependenciesOf } from "./contraction.js";

/** A sum of products that is part of a score. */
export interface ScoreSum {
  /** The name of the scalar. */
  readonly buffer: string;
  /** The innermost of the loops that it is summed over. */
  readonly loop: Loop;
  readonly left: Expression;
  readonly right: Expression;
}

export interface AttentionLoops {
  /** The loops around the row, outermost first. */
  readonly nest: readonly Loop[];
  /** The loop that fills the row: over the keys. */
  readonly keys: Loop;
  readonly row: Row;
  readonly scores: readonly ScoreSum[];
}

/** The attentions of a kernel, in their order. */
export function attentionsIn(kernel: Kernel): readonly AttentionLoops[] {
  return loopsIn(kernel.body).flatMap((keys) => {
    const row = rowFilledBy(kernel, keys);
    if (row === null || !row.sums.some(({ store }) => store.value.kind === "binary")) return [];
    const nest = nestAround(kernel.body, keys);
    return nest === null ? [] : [{ nest, keys, row, scores: scoresIn(keys) }];
  });
}

function rowFilledBy(kernel: Kernel, loop: Loop): Row | null {
  try {
    return rowOf(kernel, loop, "online");
  } catch (error) {
    if (error instanceof ScheduleError) return null;
    throw error;
  }
}

/** The loops around a statement, outermost first; null where it does not stand there. */
function nestAround(body: readonly Statement[], statement: Statement): readonly Loop[] | null {
  if (body.includes(statement)) return [];
  for (const each of body) {
    if (each.kind !== "for" && each.kind !== "if") continue;
    const inner = nestAround(each.body, statement);
    if (inner !== null) return each.kind === "for" ? [each, ...inner] : inner;
  }
  return null;
}

function scoresIn(keys: Loop): readonly ScoreSum[] {
  return loopsIn(keys.body).flatMap((loop) => {
    const [only, ...others] = loop.body;
    if (only?.kind !== "store" || others.length > 0 || only.update !== "add") return [];
    const { value } = only;
    if (value.kind !== "binary" || value.operator !== "mul") return [];
    return [{ buffer: only.buffer.name, loop, left: value.left, right: value.right }];
  });
}

/** Whether an expression depends on the variable of a loop. */
export function dependsOn(expression: Expression, { variable }: Loop): boolean {
  return dependenciesOf(expression).has(variable);
}
