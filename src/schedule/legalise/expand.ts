/**
 * Writes unrolled and vector loops out: their bodies once for each iteration, one after another.
 *
 * Loops of one iteration are written out too. What a body allocates is a buffer of its own in every iteration. For a
 * target with vectors, vector loops become loops of as many iterations as a vector has lanes, which hold nothing but
 * stores and conditions; what is left over is written out, and a vector loop that holds other things runs its iterations
 * one after another.
 */
import { allStatements, type Kernel, type Statement } from "../../ir/kernel/index.js";
import { add, constantOf, size } from "../../sizes/index.js";
import { loopsIn } from "../loops.js";
import { type Loop, loopOver, Rewriter } from "../rewrite.js";

/** @param lanes of the target's vectors; 1 if it has none */
export function expand(kernel: Kernel, lanes = 1): Kernel {
  return { ...kernel, body: expanded(kernel.body, lanes) };
}

function expanded(body: readonly Statement[], lanes: number): readonly Statement[] {
  return body.flatMap((statement): readonly Statement[] => {
    if (statement.kind === "if") return [{ ...statement, body: expanded(statement.body, lanes) }];
    if (statement.kind !== "for") return [statement];
    const inner = expanded(statement.body, lanes);
    if (constantOf(statement.extent) === 1) return iteration(statement, inner, 0);
    if (statement.loop === "vector" && lanes > 1) return vectors(statement, inner, lanes);
    if (statement.loop !== "unroll" && statement.loop !== "vector") return [{ ...statement, body: inner }];
    return Array.from({ length: constantOf(statement.extent) ?? 0 }, (_, at) => iteration(statement, inner, at)).flat();
  });
}

/** A vector loop as loops of `lanes` iterations each, and the iterations that are left over. */
function vectors(loop: Loop, body: readonly Statement[], lanes: number): readonly Statement[] {
  const isPlain = allStatements(body).every(({ kind }) => kind === "store" || kind === "if");
  if (!isPlain) return [{ ...loop, loop: "serial", body }];
  const count = constantOf(loop.extent) ?? 0;
  const whole = count - (count % lanes);
  const groups = Array.from({ length: whole / lanes }, (_, group) =>
    loopOver(loop.variable.name, size(lanes), "vector", (at) =>
      new Rewriter().variable(loop.variable, add(at, group * lanes)).statements(body),
    ),
  );
  const rest = Array.from({ length: count - whole }, (_, at) => iteration(loop, body, whole + at));
  return [...groups, ...rest.flat()];
}

/** The body at one iteration. */
export function iteration({ variable }: Loop, body: readonly Statement[], at: number): readonly Statement[] {
  const rewriter = new Rewriter().variable(variable, size(at));
  if (at > 0) rewriter.copying(loopsIn(body).map((loop) => loop.variable.name));
  return rewriter.statements(body);
}
