/**
 * The rules of a Kernel. They hold after lowering and after every step of a schedule.
 *
 *  1. Arguments are global and differ; what is allocated is private or workgroup memory. A buffer is allocated once.
 *  2. A buffer that is read or written is an argument, or allocated before, in the same block or one around it.
 *  3. Stores go to `writes` and to allocated buffers, never to `reads`.
 *  4. The variable of a loop is bound by no other loop, is no run-time size, and its range is 0 … extent - 1.
 *  5. Sizes mention only the kernel's run-time sizes and the variables of loops around them. The shapes of arguments
 *     mention no loops.
 *  6. Operands, stored values, indices (i32) and conditions (bool) have the element types that are asked for.
 *  7. An access has one index for each axis.
 *  8. Every index is proven to be in bounds, from the ranges of loops and the `if`s around it. An index that comes from
 *     data must be clamped by `max` and `min`.
 *  9. Private, workgroup and written buffers are read, and updated, only after a store to them.
 * 10. The extents of `vector` and `unroll` loops are constants.
 * 11. Different iterations of a parallel, vector, grid or lane loop do not write one element of a buffer that outlives
 *     them, nor read what another writes (lanes may, with barriers between).
 * 12. `grid` loops stand at the top or directly in other `grid` loops.
 * 13. A barrier stands in a lane loop, and all lanes reach it: no `if` or extent around it depends on lanes or on data.
 *     So does a meeting, in one lane loop only, whose buffer is a private scalar of numbers that was stored to.
 *     So does a `subgroup` loop, which only updates private scalars, each in one way, and a `quad` loop, of four iterations,
 *     which only stores to a private array at its variable; both compute the same in all lanes.
 * 14. What is packed is known at load, and has the shape that its layout gives to what it holds.
 *
 * The verifier reports every broken rule and never throws on a broken kernel. Rules 8 and 11 are proofs, and a kernel
 * that is right but not proven breaks them; statements that provably never run are not asked.
 */
import { InternalError } from "../../diagnostics/index.js";
import { compare, constantOf, render, type Size, type SizeVariable, sub, variablesOf } from "../../sizes/index.js";
import { meetings } from "./disjoint.js";
import { expressionText } from "./expression-text.js";
import { binaryElement, unaryElement } from "./expressions.js";
import { factsOf, isInBounds } from "./facts.js";
import {
  type Buffer,
  type Expression,
  isInOrder,
  isShared,
  type Kernel,
  type KernelElement,
  type Statement,
} from "./kernel.js";
import { type Knowledge, nothingKnown } from "./knowledge.js";
import { layoutProblem, layoutShape } from "./layout.js";
import { annotatedKernel } from "./printer.js";
import { sharedLoopProblem } from "./shared-loops.js";
import { distinctExpressions, expressionsOf } from "./traversal.js";

/** A broken rule: its number, the statement (null for the kernel as a whole) and the fact. */
export interface Violation {
  readonly rule: number;
  readonly statement: Statement | null;
  readonly message: string;
}

/** Every broken rule as one line: `softmax: x[t + 1] may be out of bounds (rule 8)`. Empty for a sound kernel. */
export function verifyKernel(kernel: Kernel): string[] {
  return kernelViolations(kernel).map(({ rule, message }) => `${kernel.name}: ${message} (rule ${rule})`);
}

/**
 * @param after what made the kernel, such as the name of a step, for the message.
 * @throws InternalError with the kernel's text, each broken rule below the statement that breaks it.
 */
export function assertKernel(kernel: Kernel, after = ""): void {
  const found = kernelViolations(kernel);
  if (found.length === 0) return;
  const where = after === "" ? "" : ` after ${after}`;
  const count = found.length === 1 ? "a rule" : `${found.length} rules`;
  throw new InternalError(
    `kernel ${kernel.name} breaks ${count}${where}: ${found[0]!.message}`,
    annotatedKernel(kernel, found),
  );
}

/** Every broken rule. */
export function kernelViolations(kernel: Kernel): readonly Violation[] {
  const verifier = new Verifier(kernel);
  verifier.run();
  return verifier.found;
}

/** What holds where a statement stands. */
interface Place {
  /** Buffers that exist; it grows as the block is walked. */
  readonly buffers: Set<Buffer>;
  readonly loops: readonly Extract<Statement, { kind: "for" }>[];
  readonly conditions: readonly Expression[];
  readonly knowledge: Knowledge;
}

class Verifier {
  readonly found: Violation[] = [];
  readonly #bound = new Set<SizeVariable>();
  readonly #allocated = new Set<Buffer>();
  /** Buffers with a store before the statement that is looked at. */
  readonly #stored: Set<Buffer>;
  #statement: Statement | null = null;

  constructor(readonly kernel: Kernel) {
    this.#stored = new Set(kernel.reads);
  }

  run(): void {
    const { reads, writes, body } = this.kernel;
    const place: Place = {
      buffers: new Set([...reads, ...writes]),
      loops: [],
      conditions: [],
      knowledge: nothingKnown,
    };
    if (place.buffers.size < reads.length + writes.length) this.#report(1, "a buffer is an argument twice");
    for (const buffer of place.buffers) {
      if (buffer.scope !== "global") this.#report(1, `the argument ${buffer.name} is ${buffer.scope}`);
      for (const extent of buffer.shape) this.#size(extent, place);
      this.#packed(buffer);
    }
    this.#block(body, place);
  }

  #packed({ name, shape, facts: { constant = false, packed } }: Buffer): void {
    if (packed === undefined) return;
    const problem = layoutProblem(packed.layout, packed.from);
    if (!constant) this.#report(14, `${name} is packed and not known at load`);
    if (problem !== null) return this.#report(14, `${name}: ${problem}`);
    const inMemory = layoutShape(packed.layout, packed.from);
    const isSame = shape.length === inMemory.length && inMemory.every((each, axis) => each === shape[axis]);
    if (!isSame) this.#report(14, `${name} has not the shape of its layout`);
  }

  #report(rule: number, message: string): void {
    const isKnown = this.found.some((each) => each.rule === rule && each.message === message);
    if (!isKnown) this.found.push({ rule, statement: this.#statement, message });
  }

  #block(statements: readonly Statement[], outer: Place): void {
    const place = { ...outer, buffers: new Set(outer.buffers) };
    for (const statement of statements) {
      this.#statement = statement;
      for (const expression of distinctExpressions(expressionsOf(statement))) this.#expression(expression, place);
      this.#check(statement, place);
    }
  }

  #check(statement: Statement, place: Place): void {
    switch (statement.kind) {
      case "for":
        return this.#loop(statement, place);
      case "store":
        return this.#store(statement, place);
      case "if": {
        const { condition, body } = statement;
        this.#element("a condition", condition.element, "bool");
        const knowledge = place.knowledge.and(factsOf(condition));
        return this.#block(body, { ...place, conditions: [...place.conditions, condition], knowledge });
      }
      case "alloc":
        return this.#alloc(statement.buffer, place);
      case "barrier":
        return this.#barrier(place, "a barrier");
      case "meet":
        return this.#meet(statement, place);
    }
  }

  #loop(loop: Extract<Statement, { kind: "for" }>, place: Place): void {
    const { variable, extent, body } = loop;
    this.#size(extent, place);
    if (this.#bound.has(variable)) this.#report(4, `${variable.name} is bound by two loops`);
    if (this.kernel.sizes.includes(variable))
      this.#report(4, `${variable.name} is a run-time size and bound by a loop`);
    this.#bound.add(variable);
    const last = sub(extent, 1);
    if (constantOf(variable.min) !== 0 || variable.max === null || compare(variable.max, last) !== "equal") {
      const range = `${render(variable.min)}..${variable.max === null ? "" : render(variable.max)}`;
      this.#report(4, `${variable.name} has the range ${range} in a loop of 0..${render(extent)}`);
    }
    if ((loop.loop === "vector" || loop.loop === "unroll") && constantOf(extent) === null) {
      this.#report(10, `the ${loop.loop} loop ${variable.name} has the extent ${render(extent)}`);
    }
    if (loop.loop.startsWith("grid.") && !place.loops.every((each) => each.loop.startsWith("grid."))) {
      this.#report(12, `the ${loop.loop} loop ${variable.name} stands in a loop of another kind`);
    }
    const inner = { ...place, loops: [...place.loops, loop], knowledge: place.knowledge.and([last]) };
    const problem = isShared(loop.loop) ? sharedLoopProblem(this.kernel, loop, loop.loop) : null;
    if (problem !== null) this.#report(13, problem);
    if (!isInOrder(loop.loop)) {
      for (const { buffer, statement } of meetings(loop, inner.knowledge)) {
        this.#statement = statement;
        this.#report(11, `iterations of the ${loop.loop} loop ${variable.name} may meet in ${buffer.name}`);
      }
    }
    this.#block(body, inner);
  }

  #alloc(buffer: Buffer, place: Place): void {
    if (buffer.scope === "global") this.#report(1, `the global buffer ${buffer.name} is allocated`);
    if (this.#allocated.has(buffer)) this.#report(1, `${buffer.name} is allocated twice`);
    this.#allocated.add(buffer);
    for (const extent of buffer.shape) this.#size(extent, place);
    place.buffers.add(buffer);
    this.#stored.delete(buffer);
  }

  #store(statement: Extract<Statement, { kind: "store" }>, place: Place): void {
    const { buffer, index, value, update } = statement;
    this.#access(buffer, index, place);
    if (this.kernel.reads.includes(buffer)) this.#report(3, `${buffer.name} is read only and stored to`);
    this.#element(`the value for ${buffer.name}`, value.element, buffer.element);
    if (update !== null) {
      if (!this.#stored.has(buffer)) this.#report(9, `${buffer.name} is updated before a store to it`);
      if (buffer.element === "bool") this.#report(6, `${update} does not take ${buffer.element}`);
    }
    if (update === null) this.#stored.add(buffer);
  }

  #meet({ buffer }: Extract<Statement, { kind: "meet" }>, place: Place): void {
    this.#barrier(place, "a meeting");
    const lanes = place.loops.filter((each) => each.loop.startsWith("lane."));
    if (lanes.length > 1) this.#report(13, `a meeting stands in ${lanes.length} loops of lanes`);
    if (!place.buffers.has(buffer)) this.#report(2, `${buffer.name} does not exist where lanes meet`);
    else if (!this.#stored.has(buffer)) this.#report(9, `lanes meet in ${buffer.name} before a store to it`);
    const isScalar = buffer.scope === "private" && buffer.shape.length === 0 && buffer.element !== "bool";
    if (!isScalar) this.#report(13, `lanes meet in ${buffer.name}, which is no private scalar of numbers`);
  }

  #barrier(place: Place, what: string): void {
    const lanes = new Set(place.loops.filter((each) => each.loop.startsWith("lane.")).map((each) => each.variable));
    if (lanes.size === 0) this.#report(13, `${what} stands outside of lanes`);
    const dependsOnLanes = (value: Size): boolean => variablesOf(value).some((each) => lanes.has(each));
    const innermost = place.loops.filter((each) => !each.loop.startsWith("lane."));
    for (const { variable, extent } of innermost) {
      if (dependsOnLanes(extent))
        this.#report(13, `lanes differ in how often they reach ${what} in the loop ${variable.name}`);
    }
    for (const condition of place.conditions) {
      const parts = [...distinctExpressions([condition])];
      const differs = parts.some(
        (each) => each.kind === "load" || (each.kind === "index" && dependsOnLanes(each.value)),
      );
      if (differs) this.#report(13, `not all lanes may reach ${what} under ${text(condition)}`);
    }
  }

  /** One node of an expression, whose operands are checked on their own. */
  #expression(expression: Expression, place: Place): void {
    switch (expression.kind) {
      case "constant":
        return;
      case "index":
        return this.#size(expression.value, place);
      case "unary": {
        const { operator, operand, element } = expression;
        if (unaryElement(operator, operand.element) !== element) {
          this.#report(6, `${operator} of ${operand.element} does not give ${element}`);
        }
        return;
      }
      case "binary": {
        const { operator, left, right, element } = expression;
        if (binaryElement(operator, left.element, right.element) !== element) {
          this.#report(6, `${operator} of ${left.element} and ${right.element} does not give ${element}`);
        }
        return;
      }
      case "select": {
        const { condition, yes, no, element } = expression;
        this.#element("the condition of a select", condition.element, "bool");
        this.#element("the first value of a select", yes.element, element);
        this.#element("the second value of a select", no.element, element);
        return;
      }
      case "cast":
        return;
      case "load": {
        const { buffer, index, element } = expression;
        this.#access(buffer, index, place);
        this.#element(`a load of ${buffer.name}`, buffer.element, element);
        if (!this.#stored.has(buffer)) this.#report(9, `${buffer.name} is read before a store to it`);
      }
    }
  }

  #access(buffer: Buffer, index: readonly Expression[], place: Place): void {
    if (!place.buffers.has(buffer)) this.#report(2, `${buffer.name} does not exist here`);
    if (index.length !== buffer.shape.length) {
      this.#report(7, `${buffer.name} has ${buffer.shape.length} axes and is accessed with ${index.length} indices`);
      return;
    }
    for (const [axis, each] of index.entries()) {
      this.#element(`an index of ${buffer.name}`, each.element, "i32");
      const extent = buffer.shape[axis]!;
      if (place.knowledge.isContradiction || isInBounds(each, extent, place.knowledge)) continue;
      this.#report(8, `${text(each)} may be out of bounds on axis ${axis} of ${buffer.name}, ${render(extent)}`);
    }
  }

  #element(what: string, is: KernelElement, must: KernelElement): void {
    if (is !== must) this.#report(6, `${what} is ${is}, not ${must}`);
  }

  #size(value: Size, place: Place): void {
    for (const variable of variablesOf(value)) {
      const isKnown = this.kernel.sizes.includes(variable) || place.loops.some((each) => each.variable === variable);
      if (!isKnown) this.#report(5, `${variable.name} of ${render(value)} is no size of the kernel and no loop here`);
    }
  }
}

function text(expression: Expression): string {
  return expressionText(expression, { buffer: (buffer) => buffer.name, size: render, shared: () => null });
}
