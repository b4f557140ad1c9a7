/**
 * rfactor: lets every iteration of a loop that is reduced over keep a result of its own, to be combined after.
 *
 *   for o in 0..64                       alloc sum_part: f32[4]
 *     for v in 0..4                      for begin in 0..4: sum_part[begin] = 0
 *       sum += x[o, v]            →      for o in 0..64: for v in 0..4: sum_part[v] += x[o, v]
 *                                        for combine in 0..4: sum += sum_part[combine]
 *
 * Needs: a constant extent; updates whose operators have an identity, at places that no loop in the outer one changes;
 * no other use of what they update. Guarantees: the loop's iterations are independent of each other as far as these
 * updates go. Floats are added in another order, so that results differ by rounding.
 */
import {
  allExpressions,
  allStatements,
  Buffer,
  constant,
  type Expression,
  index,
  type Kernel,
  type KernelElement,
  load,
  type Statement,
  type UpdateOperator,
} from "../../ir/kernel/index.js";
import { constantOf, render, size, variablesOf } from "../../sizes/index.js";
import { ScheduleError } from "../errors.js";
import { loopNamed, loopsIn, replaceLoops, requireFree } from "../loops.js";
import { type Loop, loopOver, type Store } from "../rewrite.js";
import type { Step } from "../step.js";

export function rfactor(kernel: Kernel, step: Extract<Step, { step: "rfactor" }>): Kernel {
  const loop = loopNamed(kernel, step.loop, "rfactor");
  const under = loopNamed(kernel, step.under, "rfactor");
  if (!loopsIn(under.body).includes(loop)) {
    throw new ScheduleError("rfactor", `${step.loop} does not stand in ${step.under}`);
  }
  if (constantOf(loop.extent) === null) {
    throw new ScheduleError("rfactor", `the extent ${render(loop.extent)} of ${step.loop} is not constant`);
  }
  requireFree(kernel, step.names, "rfactor");
  const updates = updatesOf(loop, under);
  const [begin, combine] = step.names;
  const parts = new Map(
    updates.map(({ buffer }) => [buffer, new Buffer(`${buffer.name}_part`, buffer.element, [loop.extent], "private")]),
  );
  const every = (name: string, statement: (store: Store, part: Buffer, at: Expression) => Statement): Statement =>
    loopOver(name, loop.extent, "serial", (at) =>
      updates.map((store) => statement(store, parts.get(store.buffer)!, index(at))),
    );
  return replaceLoops(kernel, [under], () => [
    ...[...parts.values()].map((buffer): Statement => ({ kind: "alloc", buffer })),
    every(begin, ({ update }, part, at) => {
      return { kind: "store", buffer: part, index: [at], value: identityOf(update!, part.element), update: null };
    }),
    inParts(under, parts, index(size(loop.variable))),
    every(combine, (store, part, at) => ({ ...store, value: load(part, [at]) })),
  ]);
}

/** The updates in a loop, of which each buffer has one. */
function updatesOf(loop: Loop, under: Loop): readonly Store[] {
  const local = new Set<Buffer>();
  for (const each of allStatements(under.body)) if (each.kind === "alloc") local.add(each.buffer);
  const updates = allStatements(loop.body).filter(
    (each): each is Store => each.kind === "store" && each.update !== null && !local.has(each.buffer),
  );
  if (updates.length === 0) throw new ScheduleError("rfactor", `${loop.variable.name} reduces nothing`);
  const inner = new Set([under, ...loopsIn(under.body)].map((each) => each.variable));
  const loaded = [...allExpressions([under])].flatMap((each) => (each.kind === "load" ? [each.buffer] : []));
  const stores = allStatements(under.body).filter((each) => each.kind === "store");
  for (const { buffer, index: place } of updates) {
    if (loaded.includes(buffer) || stores.filter((each) => each.buffer === buffer).length > 1) {
      throw new ScheduleError("rfactor", `${under.variable.name} does more with ${buffer.name} than to update it once`);
    }
    const moves = place.some((each) => each.kind !== "index" || variablesOf(each.value).some((one) => inner.has(one)));
    if (moves) throw new ScheduleError("rfactor", `the place in ${buffer.name} changes in ${under.variable.name}`);
  }
  return updates;
}

function inParts(statement: Statement, parts: ReadonlyMap<Buffer, Buffer>, at: Expression): Statement {
  if (statement.kind === "for" || statement.kind === "if") {
    return { ...statement, body: statement.body.map((each) => inParts(each, parts, at)) };
  }
  const part = statement.kind === "store" ? parts.get(statement.buffer) : undefined;
  return statement.kind === "store" && part !== undefined ? { ...statement, buffer: part, index: [at] } : statement;
}

/** What changes nothing: x + 0, max(x, lowest), min(x, highest). */
export function identityOf(update: UpdateOperator, element: KernelElement): Expression {
  if (update === "add") return constant(0, element);
  const whole = element === "i32";
  if (update === "max") return constant(whole ? -(2 ** 31) : -Infinity, element);
  return constant(whole ? 2 ** 31 - 1 : Infinity, element);
}
