/**
 * Writes the statements of one kernel: loops with readable names, private scalars, stores.
 *
 * The loops that are open while an expression is made are known, so that what an expression needs first (the mean of a
 * row, say) is written before the loops that it does not depend on. That is how several stages meet in one kernel.
 *
 * What must stay true: every loop of a kernel has a variable of its own, whose range is that of the loop. Kernels of one
 * graph share variables of one name and extent, so that equal kernels have equal indices, proven and printed once.
 */
import {
  Buffer,
  distinctExpressions,
  type Expression,
  index,
  type KernelElement,
  load,
  type Statement,
  type UpdateOperator,
} from "../ir/kernel/index.js";
import { isLess, isNonNegative, type Size, SizeVariable, size, sub, variablesOf } from "../sizes/index.js";
import { type Index, isSingle, zero } from "./addresses.js";

/** The loop variables of all kernels of a graph. */
export class LoopVariables {
  readonly #made = new Map<string, SizeVariable>();
  readonly reserved: ReadonlySet<string>;

  /** @param sizes the run-time sizes, whose names loops do not take. */
  constructor(sizes: readonly SizeVariable[]) {
    this.reserved = new Set(sizes.map((each) => each.name));
  }

  /** The variable of this name that runs over 0 … extent - 1. */
  of(name: string, extent: Size): SizeVariable {
    const key = `${name} ${extent.id}`;
    let variable = this.#made.get(key);
    if (variable === undefined) {
      variable = new SizeVariable(name, 0, sub(extent, 1));
      this.#made.set(key, variable);
    }
    return variable;
  }
}

function isInside(at: Index, shape: readonly Size[]): boolean {
  return at.every((each, axis) => {
    if (isSingle(shape[axis]!)) return true;
    return each.kind === "index" && isNonNegative(each.value) && isLess(each.value, shape[axis]!);
  });
}

/** An open loop (the kernel itself has no variable), and what is written at the start of its body. */
interface Frame {
  readonly variable: SizeVariable | null;
  readonly before: Statement[];
}

const letters = ["i", "j", "k", "l", "m", "n", "p", "q"];

export class KernelWriter {
  readonly #taken = new Set<string>();
  /** The kernel itself and the loops that are open, outermost first. */
  readonly #frames: Frame[] = [{ variable: null, before: [] }];
  /** The frame that each private scalar is computed in. */
  readonly #scalars = new Map<Buffer, Frame>();

  constructor(readonly loops: LoopVariables) {}

  /** The body of the kernel: what `body` gives, after what it needs first. */
  kernel(body: () => readonly Statement[]): readonly Statement[] {
    const statements = body();
    return [...this.#frames[0]!.before, ...statements];
  }

  /**
   * A scalar that is computed at the start of the innermost open loop that the index depends on: `compute` gives it and
   * the statements that complete it. A loop may run for no index at all; where it is not proven that the element is there
   * without it, the scalar is computed inside all loops.
   * @param shape what the index must be proven to lie in.
   */
  stage(at: Index, shape: readonly Size[], compute: () => readonly [Scalar, readonly Statement[]]): Scalar {
    return this.stageBlock(at, shape, () => {
      const [scalar, statements] = compute();
      return [scalar, [...scalar.begin, ...statements]];
    });
  }

  /** As `stage`, of anything that statements compute. */
  stageBlock<T>(at: Index, shape: readonly Size[], compute: () => readonly [T, readonly Statement[]]): T {
    const depth = isInside(at, shape) ? this.#depthOf(at) : this.#frames.length - 1;
    const inner = this.#frames.splice(depth + 1);
    const [made, statements] = compute();
    this.#frames[depth]!.before.push(...statements);
    this.#frames.push(...inner);
    return made;
  }

  /** A private array along one axis, one element per place, for the innermost open loop. */
  row(name: string, element: KernelElement, extent: Size): Buffer {
    const buffer = new Buffer(this.uniqueName(name), element, [extent], "private");
    this.#scalars.set(buffer, this.#frames.at(-1)!);
    return buffer;
  }

  /** The number of open loops that what depends on an index must stand in. */
  depthOf(at: Index, shape: readonly Size[]): number {
    return isInside(at, shape) ? this.#depthOf(at) : this.#frames.length - 1;
  }

  get depth(): number {
    return this.#frames.length - 1;
  }

  /** Whether the index stays the same while the innermost open loop runs, and is one even if that runs for nothing. */
  isInvariant(at: Index, shape: readonly Size[]): boolean {
    return this.#depthOf(at) < this.#frames.length - 1 && isInside(at, shape);
  }

  #depthOf(at: Index): number {
    const needed = new Set<SizeVariable | Frame>();
    for (const expression of distinctExpressions(at)) {
      if (expression.kind === "index") for (const variable of variablesOf(expression.value)) needed.add(variable);
      const frame = expression.kind === "load" ? this.#scalars.get(expression.buffer) : undefined;
      if (frame !== undefined) needed.add(frame);
    }
    return Math.max(
      0,
      this.#frames.findLastIndex((frame) => needed.has(frame) || needed.has(frame.variable!)),
    );
  }

  /** The name, or the name with a number after it if the kernel has it already. */
  uniqueName(name: string): string {
    let unique = name;
    for (let number = 2; this.#taken.has(unique) || this.loops.reserved.has(unique); number++) {
      unique = `${name}${number}`;
    }
    this.#taken.add(unique);
    return unique;
  }

  /** A loop around what `body` gives for its index. An axis of size 1 has no loop, only the index 0. */
  loop(extent: Size, body: (at: Expression) => readonly Statement[]): readonly Statement[] {
    if (isSingle(extent)) return body(zero);
    const variable = this.loops.of(this.#loopName(extent), extent);
    const frame: Frame = { variable, before: [] };
    this.#frames.push(frame);
    const statements = body(index(size(variable)));
    this.#frames.pop();
    return [{ kind: "for", variable, extent, loop: "serial", body: [...frame.before, ...statements] }];
  }

  /** Loops over all axes of a shape, in their order or in another one, outermost first. */
  nest(
    shape: readonly Size[],
    body: (at: Index) => readonly Statement[],
    order: readonly number[] = [...shape.keys()],
  ): readonly Statement[] {
    const from = (place: number, at: Index): readonly Statement[] => {
      const axis = order[place];
      return axis === undefined
        ? body(at)
        : this.loop(shape[axis]!, (position) => from(place + 1, at.with(axis, position)));
    };
    return from(
      0,
      shape.map(() => zero),
    );
  }

  /** A private scalar, which starts with a value. */
  scalar(name: string, start: Expression): Scalar {
    const buffer = new Buffer(this.uniqueName(name), start.element, [], "private");
    this.#scalars.set(buffer, this.#frames.at(-1)!);
    return new Scalar(buffer, start);
  }

  /** After the size that it runs over (`t` for T), else a letter. */
  #loopName(extent: Size): string {
    const [only, ...others] = variablesOf(extent);
    if (only !== undefined && others.length === 0 && size(only) === extent && /^[A-Za-z]\w*$/.test(only.name)) {
      return this.uniqueName(only.name.toLowerCase());
    }
    return this.uniqueName(letters.find((letter) => !this.#taken.has(letter)) ?? "i");
  }
}

/** A number that a kernel keeps while it computes. */
export class Scalar {
  constructor(
    readonly buffer: Buffer,
    readonly start: Expression,
  ) {}

  /** Allocates it and stores its first value. */
  get begin(): readonly Statement[] {
    return [{ kind: "alloc", buffer: this.buffer }, this.set(this.start)];
  }

  get value(): Expression {
    return load(this.buffer, []);
  }

  get element(): KernelElement {
    return this.buffer.element;
  }

  set(value: Expression): Statement {
    return store(this.buffer, [], value);
  }

  update(operator: UpdateOperator, value: Expression): Statement {
    return store(this.buffer, [], value, operator);
  }
}

export function store(buffer: Buffer, at: Index, value: Expression, update: UpdateOperator | null = null): Statement {
  return { kind: "store", buffer, index: at, value, update };
}

export function when(condition: Expression, body: readonly Statement[]): Statement {
  return { kind: "if", condition, body };
}
