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
 * Needs: a constant extent, iterations that are proven to be independent, entered loops whose extents do not mention
 * the variable. Guarantees: as every iteration has its own part of what the body allocates, all that depends on each
 * other lies within one iteration, whose statements keep their order.
 */
import { Buffer, index, type Kernel, type Statement } from "../../ir/kernel/index.js";
import { constantOf, render, variablesOf } from "../../sizes/index.js";
import { ScheduleError } from "../errors.js";
import { loopNamed, loopsIn, replaceLoops, requireIndependent, requireMovable } from "../loops.js";
import { type Loop, loopOver, Rewriter } from "../rewrite.js";
import type { Step } from "../step.js";

export function sink(kernel: Kernel, { loop: name, into }: Extract<Step, { step: "sink" }>): Kernel {
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
  return replaceLoops(kernel, [loop], () => new Sinking(loop, new Set(into)).statements(loop.body));
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

  #distributed(statement: Statement): readonly Statement[] {
    const { variable, extent, loop } = this.loop;
    if (statement.kind === "barrier") return [statement];
    if (statement.kind === "for" && this.into.has(statement.variable.name)) {
      if (variablesOf(statement.extent).includes(variable)) {
        const [a, b] = [statement.variable.name, variable.name];
        throw new ScheduleError("sink", `the extent of ${a} depends on ${b}, which cannot be sunk into it`);
      }
      return [{ ...statement, body: this.statements(statement.body) }];
    }
    return [
      loopOver(variable.name, extent, loop, (at) => {
        const rewriter = new Rewriter().variable(variable, at);
        for (const [from, to] of this.#grown) {
          rewriter.buffer(from, { buffer: to, index: (rest) => [index(at), ...rest] });
        }
        return rewriter.statement(statement);
      }),
    ];
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
