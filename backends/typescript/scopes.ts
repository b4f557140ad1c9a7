/**
 * The blocks of a kernel's function while it is printed, and the constants that they declare.
 *
 * An expression is computed in the outermost block where it always has the value that it has at its use: all its loop
 * variables are bound, and no loop in between stores to what it loads. That takes work out of loops and gives a name to
 * what is used twice. A constant that loads from what changes is forgotten at the next store.
 */
import { InternalError } from "../../src/diagnostics/index.js";
import {
  allStatements,
  type Buffer,
  distinctExpressions,
  type Expression,
  type Kernel,
  type Statement,
  storedBuffers,
} from "../../src/ir/kernel/index.js";
import { type Size, type SizeVariable, variablesOf } from "../../src/sizes/index.js";
import type { Names } from "../common/names.js";

interface Constant {
  readonly name: string;
  /** The buffers that it loads from and that the kernel stores to. */
  readonly loads: ReadonlySet<Buffer>;
}

/** The inside of the function, of a loop or of an `if`. */
interface Block {
  readonly kind: "function" | "for" | "if";
  /** Its place among all blocks of the function. */
  readonly number: number;
  /** Whether no loop stands in it. */
  readonly isInnermost: boolean;
  /** What the statements in it store to. */
  readonly stores: ReadonlySet<Buffer>;
  readonly names: string[];
  readonly constants: Map<Expression, Constant>;
  /** Offsets of rows, by the code of their value. */
  readonly rows: Map<string, string>;
  /** Lines to print before the statement that is being printed. */
  readonly pending: string[];
}

export class Scopes {
  readonly #blocks: Block[] = [];
  /** The level of the block that binds a loop variable, or that allocates a private buffer. */
  readonly #bound = new Map<SizeVariable | Buffer, number>();
  readonly #mutable: ReadonlySet<Buffer>;
  #opened = 0;

  constructor(
    readonly names: Names,
    kernel: Kernel,
  ) {
    this.#mutable = storedBuffers(kernel.body);
  }

  /** The level of the innermost block; the function's own is 0. */
  get level(): number {
    return this.#blocks.length - 1;
  }

  /** The number of the block of a level, which is the same each time that the kernel is printed. */
  blockNumber(level: number): number {
    return this.#block(level).number;
  }

  /** Whether the block of a level has no loop in it. */
  isInnermost(level: number): boolean {
    return this.#block(level).isInnermost;
  }

  /** Prints a block: `print` gives the lines of each statement, before which stand the constants that it needs. */
  within(
    kind: Block["kind"],
    body: readonly Statement[],
    print: (statement: Statement, position: number) => readonly string[],
    variable: SizeVariable | null = null,
  ): string[] {
    const stores = storedBuffers(body);
    const isInnermost = !allStatements(body).some((statement) => statement.kind === "for");
    const number = this.#opened++;
    const block: Block = {
      number,
      kind,
      isInnermost,
      stores,
      names: [],
      constants: new Map(),
      rows: new Map(),
      pending: [],
    };
    if (kind === "for") for (const buffer of stores) this.forget(buffer);
    this.#blocks.push(block);
    if (variable !== null) this.#bound.set(variable, this.level);
    const lines: string[] = [];
    for (const [position, statement] of body.entries()) {
      const own = print(statement, position);
      lines.push(...block.pending.splice(0), ...own);
    }
    this.#blocks.pop();
    for (const name of block.names) this.names.release(name);
    return lines;
  }

  /** A name for something that the innermost block declares, or a block around it. */
  declare(wanted: string, level = this.level): string {
    const name = this.names.claim(wanted);
    this.#block(level).names.push(name);
    return name;
  }

  /** Records that the innermost block allocates a buffer. */
  allocate(buffer: Buffer): void {
    this.#bound.set(buffer, this.level);
  }

  /** The level of the outermost block in which an expression can be computed. */
  levelOf(expression: Expression): number {
    let level = 0;
    for (const each of distinctExpressions([expression])) {
      if (each.kind === "load") level = Math.max(level, this.#innermostIf());
      if (each.kind === "index") level = Math.max(level, this.#variablesLevel(each.value));
      if (each.kind === "load" && this.#mutable.has(each.buffer)) level = Math.max(level, this.#loadLevel(each.buffer));
    }
    return level;
  }

  /** The level of the outermost block in which a size can be computed. */
  sizeLevel(value: Size): number {
    return this.#variablesLevel(value);
  }

  #variablesLevel(value: Size): number {
    return variablesOf(value).reduce((level, variable) => Math.max(level, this.#bound.get(variable) ?? 0), 0);
  }

  /** After its allocation, and within every loop that stores to it. */
  #loadLevel(buffer: Buffer): number {
    let level = this.#bound.get(buffer) ?? 0;
    for (const [at, block] of this.#blocks.entries()) {
      if (block.kind === "for" && block.stores.has(buffer)) level = Math.max(level, at);
    }
    return level;
  }

  /** No load moves out of an `if`: the element may not be there outside. */
  #innermostIf(): number {
    return Math.max(
      0,
      this.#blocks.findLastIndex((block) => block.kind === "if"),
    );
  }

  /** The name of a constant that holds the value of an expression here. */
  constant(expression: Expression): string | null {
    for (const block of this.#blocks) {
      const found = block.constants.get(expression);
      if (found) return found.name;
    }
    return null;
  }

  /** Declares a constant in a block, before the statement of it that is being printed. */
  define(expression: Expression, level: number, wanted: string, text: string): string {
    const name = this.declare(wanted, level);
    const loads = new Set<Buffer>();
    for (const each of distinctExpressions([expression])) {
      if (each.kind === "load" && this.#mutable.has(each.buffer)) loads.add(each.buffer);
    }
    this.#block(level).constants.set(expression, { name, loads });
    this.#block(level).pending.push(`const ${name} = ${text};`);
    return name;
  }

  /** The constant of this code in a block; `wanted` names it if it is new. */
  row(code: string, level: number, wanted: () => string): string {
    const block = this.#block(level);
    const known = block.rows.get(code);
    if (known !== undefined) return known;
    const name = this.declare(wanted(), level);
    block.rows.set(code, name);
    block.pending.push(`const ${name} = ${code};`);
    return name;
  }

  /** Forgets the constants that load from a buffer, since something stores to it. */
  forget(buffer: Buffer): void {
    for (const { constants } of this.#blocks) {
      for (const [expression, { loads }] of constants) if (loads.has(buffer)) constants.delete(expression);
    }
  }

  #block(level: number): Block {
    const block = this.#blocks[level];
    if (!block) throw new InternalError(`no block of level ${level} is open`);
    return block;
  }
}
