/**
 * Writes the statements of one kernel: loops with readable names, private scalars, stores.
 *
 * What must stay true: every loop of a kernel has a variable of its own, whose range is that of the loop. Kernels of one
 * graph share variables of one name and extent, so that equal kernels have equal indices, proven and printed once.
 */
import {
  Buffer,
  type Expression,
  index,
  type KernelElement,
  load,
  type Statement,
  type UpdateOperator,
} from "../ir/kernel/index.js";
import { type Size, SizeVariable, size, sub, variablesOf } from "../sizes/index.js";
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

const letters = ["i", "j", "k", "l", "m", "n", "p", "q"];

export class KernelWriter {
  readonly #taken = new Set<string>();

  constructor(readonly loops: LoopVariables) {}

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
    return [{ kind: "for", variable, extent, loop: "serial", body: body(index(size(variable))) }];
  }

  /** Loops over all axes of a shape, the last innermost. */
  nest(shape: readonly Size[], body: (at: Index) => readonly Statement[]): readonly Statement[] {
    const from = (axis: number, at: Index): readonly Statement[] =>
      axis === shape.length ? body(at) : this.loop(shape[axis]!, (position) => from(axis + 1, [...at, position]));
    return from(0, []);
  }

  /** A private scalar, which starts with a value. */
  scalar(name: string, start: Expression): Scalar {
    return new Scalar(new Buffer(this.uniqueName(name), start.element, [], "private"), start);
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
