/**
 * The interpreter of Kernels: the reference for every scheduled kernel, and a judge of lowering.
 *
 * What must stay true: every index is checked to be in bounds, every element to be written before it is read, every
 * element of an output to be written, and no element to be written by one iteration of a parallel loop while another
 * uses it. Errors name the buffer, the index and the loop variables. Lanes take turns from barrier to barrier.
 *
 * Precision "f32" rounds every result, as a target does that has nothing wider; sums that are kept in f32 round at every
 * step. Precision "f64" keeps what depends on wide memory.
 */

import { InternalError } from "../diagnostics/index.js";
import {
  type Buffer,
  bodyOf,
  expressionsOf,
  isInOrder,
  type Kernel,
  type LoopKind,
  type Statement,
} from "../ir/kernel/index.js";
import type { Size, SizeVariable } from "../sizes/index.js";
import type { Precision } from "./graph.js";
import { type Agent, Run } from "./kernel-agents.js";
import { type Environment, type Evaluate, ExpressionCompiler, updateFunction } from "./kernel-expressions.js";
import { AccessError, Memory } from "./kernel-memory.js";

export { Memory } from "./kernel-memory.js";

/** A kernel does something that it must not do on these sizes and data. */
export class KernelError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "KernelError";
  }
}

export interface KernelRun {
  /** The run-time sizes. */
  readonly sizeOf: (variable: SizeVariable) => number;
  /** The memory of each argument. */
  readonly memories: ReadonlyMap<Buffer, Memory>;
  readonly precision: Precision;
}

/** Runs a kernel on memory, which it changes. */
export function interpretKernel(kernel: Kernel, run: KernelRun): void {
  new Interpretation(kernel, run).run();
}

type Step = () => void;
/** A step that stops at barriers. */
type Resumable = () => Generator<Wait, void>;
type Part = { readonly step: Step } | { readonly resumable: Resumable };
/** What lanes that wait for each other wait for: a barrier, or that a scalar of theirs is combined. */
type Wait = Extract<Statement, { kind: "barrier" | "meet" }>;

function isLane(loop: LoopKind): boolean {
  return loop.startsWith("lane.");
}

function isWait(statement: Statement): statement is Wait {
  return statement.kind === "barrier" || statement.kind === "meet";
}

function hasBarrier(statements: readonly Statement[]): boolean {
  return statements.some((each) => isWait(each) || hasBarrier(bodyOf(each)));
}

class Interpretation {
  readonly #environment: Environment;
  readonly #compiler: ExpressionCompiler;
  /** The variables of the loops around what is being run. */
  #loops: readonly SizeVariable[] = [];

  constructor(
    readonly kernel: Kernel,
    readonly options: KernelRun,
  ) {
    this.#environment = { slots: new Float64Array(0), memories: new Map(options.memories), agent: null, access: null };
    this.#compiler = new ExpressionCompiler(this.#environment, options.sizeOf, options.precision);
  }

  run(): void {
    const { kernel } = this;
    for (const buffer of [...kernel.reads, ...kernel.writes]) this.#checkArgument(buffer);
    const steps = this.#block(kernel.body, []);
    this.#environment.slots = new Float64Array(this.#compiler.slots);
    try {
      for (const step of steps) step();
    } catch (error) {
      throw error instanceof AccessError ? this.#located(error) : error;
    }
    for (const buffer of kernel.writes) {
      const index = this.#environment.memories.get(buffer)!.firstUnwritten;
      if (index !== null) throw new KernelError(`kernel ${kernel.name} does not write ${buffer.name}[${index}]`);
    }
  }

  #checkArgument(buffer: Buffer): void {
    const memory = this.options.memories.get(buffer);
    const shape = buffer.shape.map((each) => this.#compiler.size(each)());
    const fits = memory?.element === buffer.element && String(memory.shape) === String(shape);
    if (!fits) {
      const given = memory ? `${memory.element}[${memory.shape}]` : "nothing";
      throw new KernelError(
        `kernel ${this.kernel.name} is given ${given} for ${buffer.name}: ${buffer.element}[${shape}]`,
      );
    }
  }

  #located(error: AccessError): KernelError {
    const { access, slots } = this.#environment;
    const at = this.#loops.map((each) => `${each.name} = ${slots[this.#compiler.slotOf(each)]}`);
    const where = at.length === 0 ? "" : ` at ${at.join(", ")}`;
    const what = access === null ? "" : ` ${access.verb} ${access.buffer.name}[${[...access.index].join(", ")}]`;
    return new KernelError(`kernel ${this.kernel.name}${what} ${error.message}${where}`);
  }

  #block(statements: readonly Statement[], loops: readonly SizeVariable[]): readonly Step[] {
    return statements.map((each) => this.#step(each, loops));
  }

  #step(statement: Statement, loops: readonly SizeVariable[]): Step {
    const environment = this.#environment;
    switch (statement.kind) {
      case "for":
        return this.#loop(statement, loops);
      case "store":
        return this.#store(statement, loops);
      case "if": {
        const { prepare, condition } = this.#condition(statement);
        const body = this.#block(statement.body, loops);
        return () => {
          this.#loops = loops;
          prepare();
          if (condition() !== 0) for (const step of body) step();
        };
      }
      case "alloc": {
        const { buffer } = statement;
        const shape = buffer.shape.map((each) => this.#compiler.size(each));
        const wide = this.options.precision === "f64";
        return () => {
          const extents = shape.map((each) => each());
          environment.memories.set(buffer, new Memory(buffer.element, extents, wide));
        };
      }
      // Outside of lanes there is nobody to wait for or to meet.
      case "barrier":
      case "meet":
        return () => {};
    }
  }

  #condition(statement: Extract<Statement, { kind: "if" }>): { prepare: Step; condition: Evaluate } {
    const { prepare, values } = this.#compiler.statement(expressionsOf(statement));
    return { prepare, condition: values[0]! };
  }

  #store(statement: Extract<Statement, { kind: "store" }>, loops: readonly SizeVariable[]): Step {
    const environment = this.#environment;
    const { buffer, update } = statement;
    const { prepare, values } = this.#compiler.statement(expressionsOf(statement));
    const indices = values.slice(0, -1);
    const value = values.at(-1)!;
    const combine = update === null ? null : updateFunction(update, buffer.element);
    const access = { verb: "writes" as const, buffer, index: new Float64Array(indices.length) };
    const reading = { ...access, verb: "reads" as const };
    return () => {
      this.#loops = loops;
      prepare();
      for (let axis = 0; axis < indices.length; axis++) access.index[axis] = indices[axis]!();
      let stored = value();
      const memory = environment.memories.get(buffer)!;
      environment.access = access;
      const offset = memory.offset(access.index);
      if (combine !== null) {
        environment.access = reading;
        stored = combine(memory.read(offset, environment.agent), stored);
        environment.access = access;
      }
      memory.write(offset, stored, environment.agent);
    };
  }

  #loop(statement: Extract<Statement, { kind: "for" }>, loops: readonly SizeVariable[]): Step {
    const environment = this.#environment;
    const inner = [...loops, statement.variable];
    const extent = this.#extent(statement.extent);
    const slot = this.#compiler.slotOf(statement.variable);
    if (isLane(statement.loop) && hasBarrier(statement.body)) {
      const lanes = this.#lanes(statement, loops, false);
      return () => {
        for (const _ of lanes());
      };
    }
    const body = this.#block(statement.body, inner);
    if (isInOrder(statement.loop)) {
      return () => {
        const count = extent();
        for (let i = 0; i < count; i++) {
          environment.slots[slot] = i;
          for (const step of body) step();
        }
      };
    }
    return () => {
      const parent = environment.agent;
      const run = new Run(parent);
      const count = extent();
      for (let i = 0; i < count; i++) {
        environment.slots[slot] = i;
        environment.agent = run.agent(i);
        for (const step of body) step();
      }
      environment.agent = parent;
    };
  }

  #extent(value: Size): () => number {
    return this.#compiler.size(value);
  }

  /** The statements of lanes, which stop at barriers. */
  #resumable(statements: readonly Statement[], loops: readonly SizeVariable[]): Resumable {
    const parts = statements.map((each) => this.#part(each, loops));
    return function* () {
      for (const part of parts) {
        if ("step" in part) part.step();
        else yield* part.resumable();
      }
    };
  }

  #part(statement: Statement, loops: readonly SizeVariable[]): Part {
    if (isWait(statement)) {
      return {
        resumable: function* () {
          yield statement;
        },
      };
    }
    if (!hasBarrier(bodyOf(statement))) return { step: this.#step(statement, loops) };
    if (statement.kind === "for") return { resumable: this.#resumableLoop(statement, loops) };
    if (statement.kind !== "if") throw new InternalError(`${statement.kind} has a body`);
    const { prepare, condition } = this.#condition(statement);
    const body = this.#resumable(statement.body, loops);
    return {
      resumable: function* () {
        prepare();
        if (condition() !== 0) yield* body();
      },
    };
  }

  #resumableLoop(statement: Extract<Statement, { kind: "for" }>, loops: readonly SizeVariable[]): Resumable {
    if (isLane(statement.loop)) return this.#lanes(statement, loops, true);
    const environment = this.#environment;
    const extent = this.#extent(statement.extent);
    const slot = this.#compiler.slotOf(statement.variable);
    const body = this.#resumable(statement.body, [...loops, statement.variable]);
    return function* () {
      const count = extent();
      for (let i = 0; i < count; i++) {
        environment.slots[slot] = i;
        yield* body();
      }
    };
  }

  /**
   * Lanes whose bodies have barriers: each runs to its next barrier, then the next lane does. Every lane has slots and
   * memory of its own. With lanes around them, they wait for those too.
   */
  #lanes(statement: Extract<Statement, { kind: "for" }>, loops: readonly SizeVariable[], nested: boolean): Resumable {
    const environment = this.#environment;
    const { kernel } = this;
    const extent = this.#extent(statement.extent);
    const slot = this.#compiler.slotOf(statement.variable);
    const body = this.#resumable(statement.body, [...loops, statement.variable]);
    return function* () {
      const outer = { slots: environment.slots, memories: environment.memories };
      const lanes = Array.from({ length: extent() }, (_, i) => {
        const slots = outer.slots.slice();
        slots[slot] = i;
        const waits: Wait | null = null as Wait | null;
        return { slots, memories: new Map(outer.memories), body: body(), done: false, waits };
      });
      while (lanes.some((lane) => !lane.done)) {
        const parent: Agent | null = environment.agent;
        const run = new Run(parent);
        for (const [i, lane] of lanes.entries()) {
          environment.slots = lane.slots;
          environment.memories = lane.memories;
          environment.agent = run.agent(i);
          const { done = false, value } = lane.body.next();
          lane.done = done;
          lane.waits = value ?? null;
        }
        environment.slots = outer.slots;
        environment.memories = outer.memories;
        environment.agent = parent;
        const waiting = lanes.filter((lane) => !lane.done).length;
        if (waiting > 0 && waiting < lanes.length) {
          const name = statement.variable.name;
          throw new KernelError(
            `kernel ${kernel.name}: a barrier is reached by ${waiting} of ${lanes.length} lanes ${name}`,
          );
        }
        if (waiting === 0) continue;
        const { waits } = lanes[0]!;
        if (lanes.some((lane) => lane.waits !== waits)) {
          throw new KernelError(`kernel ${kernel.name}: lanes ${statement.variable.name} wait for different things`);
        }
        if (waits!.kind === "meet")
          meet(
            waits!,
            lanes.map(({ memories }) => memories.get(waits!.buffer)!),
          );
        if (nested) yield waits!;
      }
    };
  }
}

/** Combines a scalar of all lanes, which each of them gets. */
function meet({ buffer, update }: Extract<Statement, { kind: "meet" }>, scalars: readonly Memory[]): void {
  const combine = updateFunction(update, buffer.element);
  const total = scalars.map((each) => each.read(0, null)).reduce((a, b) => combine(a, b));
  for (const each of scalars) each.write(0, total, null);
}
