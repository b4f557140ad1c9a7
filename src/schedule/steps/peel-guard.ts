/**
 * peelGuard: cuts a loop in two, so that no `if` is left in the first part.
 *
 * Needs conditions that say of sizes that they are not negative, and that fall with the variable by whole numbers.
 * Guarantees: every condition under the first loop was proven to hold there, and is gone.
 */
import { allStatements, factsOf, type Kernel, type Statement } from "../../ir/kernel/index.js";
import {
  add,
  constantOf,
  floorDiv,
  isAtMost,
  maximum,
  minimum,
  mul,
  neg,
  render,
  type Size,
  type SizeVariable,
  size,
  sub,
  substitute,
  variablesOf,
} from "../../sizes/index.js";
import { ScheduleError } from "../errors.js";
import { loopNamed, loopsIn, replaceLoops, requireFree } from "../loops.js";
import { type Loop, loopOver, Rewriter } from "../rewrite.js";
import type { Step } from "../step.js";

export function peelGuard(kernel: Kernel, step: Extract<Step, { step: "peelGuard" }>): Kernel {
  const loop = loopNamed(kernel, step.loop, "peelGuard");
  if (loop.loop !== "serial" && loop.loop !== "parallel") {
    throw new ScheduleError("peelGuard", `${step.loop} is a loop of the kind ${loop.loop}`);
  }
  const inner = loopsIn(loop.body);
  if (inner.length !== step.copies.length) {
    const which = inner.map((each) => each.variable.name).join(", ") || "no loops";
    throw new ScheduleError(
      "peelGuard",
      `${step.copies.length} names are given for the copies of ${which} in ${step.loop}`,
    );
  }
  requireFree(kernel, [step.name, ...step.copies], "peelGuard");
  const count = unguarded(loop);
  const first = loopOver(step.loop, count, loop.loop, (at) =>
    new Rewriter().variable(loop.variable, at).statements(loop.body),
  );
  if (guardsIn(first.body).length > 0) {
    throw new ScheduleError(
      "peelGuard",
      `a condition in the first ${render(count)} iterations of ${step.loop} is not proven`,
    );
  }
  const rest = loopOver(step.name, sub(loop.extent, count), loop.loop, (at) =>
    new Rewriter().variable(loop.variable, add(count, at)).copying(step.copies).statements(loop.body),
  );
  return replaceLoops(kernel, [loop], () => [first, rest]);
}

function guardsIn(body: readonly Statement[]): readonly Extract<Statement, { kind: "if" }>[] {
  return allStatements(body).filter((each) => each.kind === "if");
}

/** The number of iterations from the first on in which all conditions hold. */
function unguarded(loop: Loop): Size {
  const inner = loopsIn(loop.body).map((each) => each.variable);
  const guards = guardsIn(loop.body);
  if (guards.length === 0) throw new ScheduleError("peelGuard", `there is no condition in ${loop.variable.name}`);
  const facts = guards.flatMap(({ condition }) => {
    const found = factsOf(condition).filter((fact) => variablesOf(fact).includes(loop.variable));
    if (found.length === 0) {
      throw new ScheduleError("peelGuard", `a condition in ${loop.variable.name} says nothing about it`);
    }
    return found;
  });
  const counts = facts.map((fact) => holdsFor(fact, loop, inner));
  const least = counts.reduce(smaller);
  const some = isAtMost(0, least) ? least : maximum(least, 0);
  return smaller(some, loop.extent);
}

function smaller(a: Size, b: Size): Size {
  return isAtMost(a, b) ? a : isAtMost(b, a) ? b : minimum(a, b);
}

/** From rest - factor * v >= 0 for all values of the inner variables: v < rest // factor + 1. */
function holdsFor(fact: Size, { variable }: Loop, inner: readonly SizeVariable[]): Size {
  const least = leastOver(fact, inner, variable);
  const rest = substitute(least, (each) => (each === variable ? size(0) : null));
  const factor = constantOf(neg(coefficientOf(least, variable)));
  if (factor === null || factor <= 0 || sub(rest, mul(size(variable), factor)) !== least) {
    throw new ScheduleError("peelGuard", `${render(fact)} does not fall with ${variable.name} by a whole number`);
  }
  return add(floorDiv(rest, factor), 1);
}

function coefficientOf(value: Size, variable: SizeVariable): Size {
  return sub(
    substitute(value, (each) => (each === variable ? size(1) : null)),
    substitute(value, (each) => (each === variable ? size(0) : null)),
  );
}

/** The value with each inner variable at the bound that makes it least. */
function leastOver(fact: Size, inner: readonly SizeVariable[], outer: SizeVariable): Size {
  return inner.toReversed().reduce((value, variable) => {
    if (!variablesOf(value).includes(variable)) return value;
    const factor = constantOf(coefficientOf(value, variable));
    const bound = factor !== null && factor < 0 ? variable.max : variable.min;
    if (factor === null || bound === null) {
      throw new ScheduleError("peelGuard", `${render(value)} is not affine in ${variable.name}, in ${outer.name}`);
    }
    return substitute(value, (each) => (each === variable ? bound : null));
  }, fact);
}
