/**
 * sink: distributes a loop over the statements of its body, and over those of loops inside it that are named.
 *
 *   for i in 0..4                     alloc sum: f32[4]
 *     alloc sum: f32                  for i in 0..4
 *     sum = 0                           sum[i] = 0
 *     for k in 0..K            →      for k in 0..K
 *       sum += x[i, k] * y[k]           for i in 0..4
 *     z[i] = sum                          sum[i] += x[i, k] * y[k]
 *                                     for i in 0..4
 *                                       z[i] = sum[i]
 *
 * With `apart`, neighbours that are not entered stay together in one loop of that name, and what only they use with them:
 * it need not be run as the loop itself is.
 *
 * Needs: a constant extent, iterations that are proven to be independent, entered loops whose extents do not mention
 * the variable. Guarantees: as every iteration has its own part of what the body allocates, all that depends on each
 * other lies within one iteration, whose statements keep their order.
 */
import { allExpressions, allStatements, Buffer, index, type Kernel, type Statement } from "../../ir/kernel/index.js";
import { constantOf, render, variablesOf } from "../../sizes/index.js";
import { ScheduleError } from "../errors.js";
import { loopNamed, loopsIn, replaceLoops, requireFree, requireIndependent, requireMovable } from "../loops.js";
import { type Loop, loopOver, Rewriter } from "../rewrite.js";
import type { Step } from "../step.js";

export function sink(kernel: Kernel, { loop: name, into, apart }: Extract<Step, { step: "sink" }>): Kernel {
  const loop = loopNamed(kernel, name, "sink");
  if (constantOf(loop.extent) === null) {
    throw new ScheduleError("sink", `the extent ${render(loop.extent)} of ${name} is not constant`);
  }
  requireMovable(loop, "sink");
  const inner = loopsIn(loop.body);
  for (const each of into) {
    const entered = inner.filter(({ variable }) => variable.name === each);
    if (entered.length === 0) throw new ScheduleError("sink", `${name} holds no loop ${each}`);
    for (const one of entered) requireMovable(one, "sink");
  }
  requireIndependent(kernel, loop, "sink");
  if (apart !== undefined) requireFree(kernel, [apart], "sink");
  const sinking = new Sinking(loop, new Set(into));
  return replaceLoops(kernel, [loop], () =>
    apart === undefined ? sinking.statements(loop.body) : sinking.together(loop.body, apart),
  );
}

class Sinking {
  readonly #grown = new Map<Buffer, Buffer>();

  constructor(
    readonly loop: Loop,
    readonly into: ReadonlySet<string>,
  ) {}

  /** The statements one by one in loops of their own; what they allocate before them all. */
  statements(body: readonly Statement[]): readonly Statement[] {
    const allocated = body.flatMap((each) => (each.kind === "alloc" ? [this.#grow(each.buffer)] : []));
    const rest = body.filter((each) => each.kind !== "alloc");
    return [...allocated, ...rest.flatMap((each) => this.#distributed(each))];
  }

  /** The same, but neighbours that are not entered stay in one loop of this name, with what only they use. */
  together(body: readonly Statement[], name: string): readonly Statement[] {
    const rest = body.filter((each) => each.kind !== "alloc");
    const groups: Statement[][] = [];
    for (const [at, each] of rest.entries()) {
      const before = rest[at - 1];
      if (before === undefined || this.#isEntered(before) || this.#isEntered(each)) groups.push([each]);
      else groups.at(-1)!.push(each);
    }
    const used = groups.map(buffersIn);
    const own = groups.map((): Statement[] => []);
    const grown: Statement[] = [];
    for (const each of body) {
      if (each.kind !== "alloc") continue;
      const users = groups.flatMap((group, at) => (used[at]!.has(each.buffer) ? [{ group, at }] : []));
      const [only] = users;
      if (only === undefined || users.length > 1 || this.#isEntered(only.group[0]!))
        grown.push(this.#grow(each.buffer));
      else own[only.at]!.push(each);
    }
    return [
      ...grown,
      ...groups.flatMap((group, at) =>
        this.#isEntered(group[0]!) ? this.#distributed(group[0]!) : [this.#around(name, [...own[at]!, ...group])],
      ),
    ];
  }

  #isEntered(statement: Statement): boolean {
    return (
      statement.kind === "barrier" ||
      statement.kind === "meet" ||
      (statement.kind === "for" && this.into.has(statement.variable.name))
    );
  }

  #distributed(statement: Statement): readonly Statement[] {
    const { variable } = this.loop;
    if (statement.kind === "barrier") return [statement];
    if (statement.kind === "meet") throw new ScheduleError("sink", `lanes meet in ${this.loop.variable.name}`);
    if (statement.kind === "for" && this.into.has(statement.variable.name)) {
      if (variablesOf(statement.extent).includes(variable)) {
        const [a, b] = [statement.variable.name, variable.name];
        throw new ScheduleError("sink", `the extent of ${a} depends on ${b}, which cannot be sunk into it`);
      }
      return [{ ...statement, body: this.statements(statement.body) }];
    }
    return [this.#around(variable.name, [statement])];
  }

  /** Statements in a loop of their own. */
  #around(name: string, body: readonly Statement[]): Statement {
    const { variable, extent, loop } = this.loop;
    return loopOver(name, extent, loop, (at) => {
      const rewriter = new Rewriter().variable(variable, at);
      for (const [from, to] of this.#grown) {
        rewriter.buffer(from, { buffer: to, index: (rest) => [index(at), ...rest] });
      }
      return rewriter.statements(body);
    });
  }

  #grow(buffer: Buffer): Statement {
    const { variable, extent } = this.loop;
    if (buffer.shape.some((each) => variablesOf(each).includes(variable))) {
      throw new ScheduleError("sink", `the shape of ${buffer.name} depends on ${variable.name}`);
    }
    const grown = new Buffer(buffer.name, buffer.element, [extent, ...buffer.shape], buffer.scope);
    this.#grown.set(buffer, grown);
    return { kind: "alloc", buffer: grown };
  }
}

/** What some statements load from and store to. */
function buffersIn(body: readonly Statement[]): ReadonlySet<Buffer> {
  const found = new Set<Buffer>();
  for (const each of allStatements(body)) if (each.kind === "store") found.add(each.buffer);
  for (const each of allExpressions(body)) if (each.kind === "load") found.add(each.buffer);
  return found;
}
