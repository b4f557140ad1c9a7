/**
 * Writes unrolled and vector loops out: their bodies once for each iteration, one after another.
 *
 * For a target without vectors. Loops of one iteration are written out too. What a body allocates is a buffer of its own
 * in every iteration.
 */
import type { Kernel, Statement } from "../../ir/kernel/index.js";
import { constantOf, size } from "../../sizes/index.js";
import { loopsIn } from "../loops.js";
import { type Loop, Rewriter } from "../rewrite.js";

export function expand(kernel: Kernel): Kernel {
  return { ...kernel, body: expanded(kernel.body) };
}

function expanded(body: readonly Statement[]): readonly Statement[] {
  return body.flatMap((statement): readonly Statement[] => {
    if (statement.kind === "if") return [{ ...statement, body: expanded(statement.body) }];
    if (statement.kind !== "for") return [statement];
    const inner = expanded(statement.body);
    if (constantOf(statement.extent) === 1) return iteration(statement, inner, 0);
    if (statement.loop !== "unroll" && statement.loop !== "vector") return [{ ...statement, body: inner }];
    return Array.from({ length: constantOf(statement.extent) ?? 0 }, (_, at) => iteration(statement, inner, at)).flat();
  });
}

/** The body at one iteration. */
function iteration({ variable }: Loop, body: readonly Statement[], at: number): readonly Statement[] {
  const rewriter = new Rewriter().variable(variable, size(at));
  if (at > 0) rewriter.copying(loopsIn(body).map((loop) => loop.variable.name));
  return rewriter.statements(body);
}
