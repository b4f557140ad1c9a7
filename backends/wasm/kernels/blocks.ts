/**
 * The blocks of a kernel's function while its code is made, and what they hold in locals.
 *
 * An expression is computed in the outermost block where it always has the value that it has at its use: all its loop
 * variables are bound, and no loop in between stores to what it loads. Addresses are pointers that move with their loop:
 * the rest of an address is a constant offset in the instruction.
 */
import {
  allStatements,
  type Buffer,
  distinctExpressions,
  type Expression,
  type Statement,
  storedBuffers,
} from "../../../src/ir/kernel/index.js";
import { type Size, type SizeVariable, variablesOf } from "../../../src/sizes/index.js";
import { type Code, get, type Local, set } from "../code/tree.js";

interface Held {
  readonly local: Local;
  /** What it loads from and the kernel stores to. */
  readonly loads: ReadonlySet<Buffer>;
}

/** The inside of the function, of a loop or of an `if`. */
export interface Block {
  readonly kind: "function" | "loop" | "if";
  readonly out: Code[];
  readonly variable: SizeVariable | null;
  /** The loop's counter, as far as some code reads it. */
  readonly counter: Local | null;
  isCounted: boolean;
  /** The number of the first iteration. */
  readonly start: Code | null;
  /** What the statements in it store to. */
  readonly stores: ReadonlySet<Buffer>;
  readonly allocates: ReadonlySet<Buffer>;
  readonly values: Map<Expression | string, Held>;
  /** Pointers that move at the end of every iteration, and by how many bytes. */
  readonly moving: { readonly local: Local; readonly by: Code }[];
  /** How often the statements of the block use an expression. */
  readonly uses: ReadonlyMap<Expression, number>;
}

export class Blocks {
  readonly all: Block[] = [];
  readonly #mutable: ReadonlySet<Buffer>;

  constructor(body: readonly Statement[]) {
    this.#mutable = storedBuffers(body);
  }

  get current(): number {
    return this.all.length - 1;
  }

  open(
    kind: Block["kind"],
    body: readonly Statement[],
    loop: { readonly variable: SizeVariable; readonly counter: Local; readonly start: Code | null } | null = null,
    uses: ReadonlyMap<Expression, number> = new Map(),
  ): Block {
    const allocates = new Set<Buffer>();
    for (const each of allStatements(body)) if (each.kind === "alloc") allocates.add(each.buffer);
    const block: Block = {
      kind,
      out: [],
      variable: loop?.variable ?? null,
      counter: loop?.counter ?? null,
      isCounted: false,
      start: loop?.start ?? null,
      stores: storedBuffers(body),
      allocates,
      values: new Map(),
      moving: [],
      uses,
    };
    this.all.push(block);
    return block;
  }

  close(): void {
    this.all.pop();
  }

  levelOfVariable(variable: SizeVariable): number {
    return Math.max(
      0,
      this.all.findLastIndex((block) => block.variable === variable),
    );
  }

  levelOfSize(value: Size): number {
    return variablesOf(value).reduce((level, each) => Math.max(level, this.levelOfVariable(each)), 0);
  }

  /** The level of the outermost block in which an expression can be computed. */
  levelOf(expression: Expression): number {
    let level = 0;
    for (const each of distinctExpressions([expression])) {
      if (each.kind === "index") level = Math.max(level, this.levelOfSize(each.value));
      if (each.kind === "load") level = Math.max(level, this.#levelOfLoad(each.buffer));
    }
    return level;
  }

  /** After its allocation, within every loop that stores to it, and never outside of an `if`. */
  #levelOfLoad(buffer: Buffer): number {
    let level = 0;
    for (const [at, block] of this.all.entries()) {
      const changes = block.kind === "loop" && block.stores.has(buffer);
      if (changes || block.kind === "if" || block.allocates.has(buffer)) level = at;
    }
    return level;
  }

  held(key: Expression | string): Code | null {
    for (const block of this.all) {
      const found = block.values.get(key);
      if (found !== undefined) return get(found.local);
    }
    return null;
  }

  /** Holds a value in a local of a block, which is set before the statement of it whose code is being made. */
  hold(key: Expression | string, at: number, local: Local, value: Code, expression: Expression | null): Code {
    const loads = new Set<Buffer>();
    for (const each of expression === null ? [] : distinctExpressions([expression])) {
      if (each.kind === "load" && this.#mutable.has(each.buffer)) loads.add(each.buffer);
    }
    const block = this.all[at]!;
    block.out.push(set(local, value));
    block.values.set(key, { local, loads });
    return get(local);
  }

  /** Forgets what was loaded from a buffer, since something stores to it. */
  forget(buffer: Buffer): void {
    for (const { values } of this.all) {
      for (const [key, { loads }] of values) if (loads.has(buffer)) values.delete(key);
    }
  }
}
