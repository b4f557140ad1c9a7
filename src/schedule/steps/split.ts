/**
 * split: makes one loop into two, v = factor * outer + inner.
 *
 * Needs nothing of the iterations, whose order stays as it is, but for `round` that they are independent. Guarantees: the
 * inner loop has a constant extent. With the tail `guard` the variable leaves its range, but only under the `if` that keeps
 * it there; with `round` everything but the stores to arguments is computed past the end too, which must read nothing that
 * is not there: a packed weight is filled up. With `clamp` the last iteration is computed again instead. What `peel` leaves
 * over may be gathered (gather.ts).
 */
import {
  allStatements,
  type Buffer,
  binary,
  type Expression,
  index,
  type Kernel,
  kernelViolations,
  type Statement,
} from "../../ir/kernel/index.js";
import {
  add,
  constantOf,
  exactDivide,
  floorDiv,
  isAtMost,
  minimum,
  mod,
  mul,
  render,
  type Size,
  size,
  sub,
  variablesOf,
} from "../../sizes/index.js";
import { ScheduleError } from "../errors.js";
import { loopNamed, loopsIn, replaceLoops, requireFree, requireIndependent, requireMovable } from "../loops.js";
import { type Loop, loopOver, Rewriter } from "../rewrite.js";
import type { Split } from "../step.js";
import { gathered } from "./gather.js";

export function split(kernel: Kernel, step: Split): Kernel {
  const { factor, tail, names, copies, gather } = step;
  const loop = loopNamed(kernel, step.loop, "split");
  if (!Number.isInteger(factor) || factor < 1)
    throw new ScheduleError("split", `${factor} is no factor for ${step.loop}`);
  requireMovable(loop, "split");
  requireNames(step, loop);
  requireFree(kernel, [...names, ...copies, ...(gather === undefined ? [] : [gather.as])], "split", [step.loop]);
  if (gather !== undefined && tail !== "peel")
    throw new ScheduleError("split", `nothing is left to gather: the tail is ${tail}`);
  const [outerName, innerName, restName] = names as readonly [string, string, string?];

  const nest = (count: Size, body: (at: Size) => readonly Statement[]): Loop =>
    loopOver(outerName, count, loop.loop, (outer) => [
      loopOver(innerName, size(factor), loop.loop, (inner) => body(add(mul(outer, factor), inner))),
    ]);
  const bodyAt = (at: Size, rewriter = new Rewriter()): readonly Statement[] =>
    rewriter.variable(loop.variable, at).statements(loop.body);

  const count = exactDivide(loop.extent, size(factor));
  if (tail === "exact") {
    if (count === null) {
      throw new ScheduleError("split", `${factor} does not divide the extent ${render(loop.extent)} of ${step.loop}`);
    }
    return replaceLoops(kernel, [loop], () => [nest(count, (at) => bodyAt(at))]);
  }
  if (count !== null) {
    throw new ScheduleError("split", `${factor} divides the extent of ${step.loop}: there is no tail to ${tail}`);
  }
  if (tail === "guard") {
    const rounded = floorDiv(add(loop.extent, factor - 1), factor);
    return replaceLoops(kernel, [loop], () => [
      nest(rounded, (at) => {
        const condition = binary("lt", index(at), index(loop.extent));
        return [{ kind: "if", condition, body: bodyAt(at) }];
      }),
    ]);
  }
  if (tail === "round") {
    // What is computed past the end must change nothing that others see.
    requireIndependent(kernel, loop, "split");
    const rounded = floorDiv(add(loop.extent, factor - 1), factor);
    const made = replaceLoops(kernel, [loop], () => [
      nest(rounded, (at) => guardedStores(kernel, bodyAt(at), binary("lt", index(at), index(loop.extent)))),
    ]);
    const [leaves] = kernelViolations(made);
    if (leaves !== undefined) throw new ScheduleError("split", `past the end of ${step.loop}, ${leaves.message}`);
    return made;
  }
  if (tail === "clamp") {
    requireFixed(loop);
    const rounded = floorDiv(add(loop.extent, factor - 1), factor);
    const last = sub(loop.extent, 1);
    return replaceLoops(kernel, [loop], () => [
      nest(rounded, (at) => clamped(loop, at, minimum(at, last), binary("lt", index(at), index(loop.extent)))),
    ]);
  }
  if (constantOf(loop.extent) !== null && !isAtMost(factor, loop.extent)) {
    throw new ScheduleError("split", `${step.loop} has only ${render(loop.extent)} iterations, fewer than ${factor}`);
  }
  const whole = floorDiv(loop.extent, factor);
  const rest = loopOver(restName!, mod(loop.extent, size(factor)), loop.loop, (at) =>
    bodyAt(add(mul(whole, factor), at), new Rewriter().copying(copies)),
  );
  const left = gather === undefined ? rest : gathered(kernel, loop, rest, gather);
  return replaceLoops(kernel, [loop], () => [nest(whole, (at) => bodyAt(at)), left]);
}

/** Statements whose stores to arguments happen under a condition only, with what these compute. */
function guardedStores(kernel: Kernel, body: readonly Statement[], condition: Expression): readonly Statement[] {
  return body.map((each): Statement => {
    if (each.kind === "store" && kernel.writes.includes(each.buffer)) return { kind: "if", condition, body: [each] };
    if (each.kind !== "for" && each.kind !== "if") return each;
    return { ...each, body: guardedStores(kernel, each.body, condition) };
  });
}

/** @throws ScheduleError unless what a loop holds has the same loops and buffers in every iteration. */
function requireFixed(loop: Loop): void {
  for (const each of allStatements(loop.body)) {
    const sizes = each.kind === "for" ? [each.extent] : each.kind === "alloc" ? each.buffer.shape : [];
    if (!sizes.some((one) => variablesOf(one).includes(loop.variable))) continue;
    throw new ScheduleError(
      "split",
      `what ${loop.variable.name} holds is not of one size, so that it cannot be clamped`,
    );
  }
}

/** The body of a loop at a place that is clamped, except that it stores to what outlives it only where `holds`. */
function clamped(loop: Loop, at: Size, place: Size, holds: Expression): readonly Statement[] {
  const own = new Set<Buffer>();
  for (const each of allStatements(loop.body)) if (each.kind === "alloc") own.add(each.buffer);
  const inside = new Rewriter().variable(loop.variable, place);
  const exactly = new Rewriter().variable(loop.variable, at);
  const visit = (statement: Statement): readonly Statement[] => {
    if (statement.kind === "for") return [{ ...statement, body: statement.body.flatMap(visit) }];
    if (statement.kind === "if") {
      const condition = inside.expression(statement.condition);
      return [{ ...statement, condition, body: statement.body.flatMap(visit) }];
    }
    if (statement.kind !== "store" || own.has(statement.buffer)) return inside.statement(statement);
    return [{ kind: "if", condition: holds, body: exactly.statement(statement) }];
  };
  return loop.body.flatMap(visit);
}

/** @throws ScheduleError unless the step names every loop that it makes, and no more. */
function requireNames({ loop: name, tail, names, copies }: Split, loop: Loop): void {
  const count = tail === "peel" ? 3 : 2;
  if (names.length !== count) {
    throw new ScheduleError("split", `${name} becomes ${count} loops, and ${names.length} names are given`);
  }
  const inner = tail === "peel" ? loopsIn(loop.body) : [];
  if (copies.length === inner.length) return;
  const which = inner.map((each) => each.variable.name).join(", ") || "no loops";
  throw new ScheduleError("split", `${copies.length} names are given for the copies of ${which} in ${name}`);
}
