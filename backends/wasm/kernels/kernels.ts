/**
 * A kernel as a function: (arguments, part, parts) → nothing. `arguments` is the address of its buffers' addresses, the
 * run-time sizes that it mentions and the address of memory for private arrays, i32 one after another.
 *
 * With several parts, each claims iterations of the outermost parallel loops until none is left; what is not in one is
 * done by the part that comes first. The parts go on to the next statement of the kernel together.
 */
import { InternalError } from "../../../src/diagnostics/index.js";
import type { NarrowFloat } from "../../../src/ir/graph/types.js";
import {
  allStatements,
  type Buffer,
  type Expression,
  type Kernel,
  type Statement,
} from "../../../src/ir/kernel/index.js";
import { alignment } from "../../../src/memory/index.js";
import { expand } from "../../../src/schedule/legalise/expand.js";
import { rowFunctionOf } from "../../../src/schedule/policies/wasm-row-functions.js";
import { Rewriter } from "../../../src/schedule/rewrite.js";
import { add, floorDiv, mul, type Size, SizeVariable, size, sub, substitute } from "../../../src/sizes/index.js";
import {
  type Code,
  call,
  type FunctionCode,
  get,
  i32,
  i32x4,
  Local,
  numberOf,
  op,
  plus,
  set,
  times,
} from "../code/tree.js";
import { Addresses } from "./addresses.js";
import { type Block, Blocks } from "./blocks.js";
import { elementBytes, isFloat, isNarrow, narrowFloatIn, storeOf } from "./elements.js";
import { Expressions } from "./expressions.js";
import { Registers } from "./registers.js";
import { type RowContext, rowCall } from "./rows.js";
import { type Range, Sharing } from "./sharing.js";
import { SizeCode } from "./sizes.js";
import { overLane, updated, usesIn } from "./uses.js";

type Loop = Extract<Statement, { kind: "for" }>;
type Store = Extract<Statement, { kind: "store" }>;

export interface KernelCode {
  readonly code: FunctionCode;
  /** The functions that it calls besides `claim` and `finish`. */
  readonly helpers: ReadonlySet<string>;
  /** The bytes of private arrays that each part needs. */
  readonly scratch: Size;
}

/**
 * @param name what the function is called
 * @param shifts the elements behind the first of each argument at which the address in a call is
 */
export function kernelCode(kernel: Kernel, name: string, comment: string, shifts: readonly number[] = []): KernelCode {
  return new KernelEmitter(kernel, name, comment, shifts).run();
}

class KernelEmitter {
  readonly #lane = new SizeVariable("lane", 0, 3);
  readonly #helpers = new Set<string>();
  readonly #body: readonly Statement[];
  readonly #blocks: Blocks;
  readonly #registers: Registers;
  readonly #sizes: SizeCode;
  readonly #addresses: Addresses;
  readonly #expressions: Expressions;
  readonly #rows: RowContext;
  readonly #arguments = new Local("arguments", "i32");
  readonly #part = new Local("part", "i32");
  readonly #parts = new Local("parts", "i32");
  /** How the statement whose code is being made is shared. */
  #sharing: Sharing | null = null;
  #loops = 0;

  constructor(
    readonly kernel: Kernel,
    readonly name: string,
    readonly comment: string,
    readonly shifts: readonly number[],
  ) {
    this.#body = expand(kernel, 4).body;
    this.#blocks = new Blocks(this.#body);
    this.#registers = new Registers(overLane(this.#body, this.#lane), this.#lane);
    const helper = (callee: string): string => {
      this.#helpers.add(callee);
      return callee;
    };
    this.#sizes = new SizeCode(this.#blocks, helper);
    this.#addresses = new Addresses(
      this.#blocks,
      this.#sizes,
      (expression, level) => this.#expressions.value(expression, level),
      this.#lane,
    );
    this.#expressions = new Expressions(
      this.#blocks,
      this.#sizes,
      this.#addresses,
      this.#registers,
      this.#lane,
      helper,
    );
    this.#rows = { addresses: this.#addresses, expressions: this.#expressions, registers: this.#registers, helper };
  }

  run(): KernelCode {
    const { kernel } = this;
    const block = this.#blocks.open("function", [], null, usesIn(this.#body, this.#lane));
    const argument = (position: number): Code => op("i32.load", [get(this.#arguments)], { offset: 4 * position });
    const buffers = [...kernel.reads, ...kernel.writes];
    for (const [position, buffer] of buffers.entries()) {
      const local = new Local(buffer.name, "i32");
      block.out.push(set(local, argument(position)));
      this.#addresses.base(buffer, get(local), this.shifts[position]);
    }
    for (const [position, variable] of kernel.sizes.entries()) {
      const local = new Local(variable.name, "i32");
      block.out.push(set(local, argument(buffers.length + position)));
      this.#sizes.parameter(variable, local);
    }
    const scratch = this.#placeScratch(block, argument(buffers.length + kernel.sizes.length));
    const rest = this.#body.filter((each) => each.kind !== "alloc");
    // Private numbers that later statements read are computed where those are: nothing is read of a step that is over.
    if (rest.every((each) => this.#isShared(each))) for (const each of rest) this.#share([each], block);
    else this.#share(rest, block);
    this.#blocks.close();
    return {
      code: {
        name: this.name,
        parameters: [this.#arguments, this.#part, this.#parts],
        result: null,
        body: block.out,
        comment: this.comment,
      },
      helpers: this.#helpers,
      scratch,
    };
  }

  /** Gives private arrays that are no registers their places. */
  #placeScratch(block: Block, base: Code): Size {
    const buffers = allStatements(this.#body).flatMap((each) =>
      each.kind === "alloc" && !this.#registers.has(each.buffer) ? [each.buffer] : [],
    );
    let bytes = size(0);
    const offsets = buffers.map((buffer) => {
      if (buffer.scope !== "private") throw new InternalError(`${buffer.name} is in ${buffer.scope} memory`);
      const offset = bytes;
      const count = buffer.shape.reduce((product, extent) => mul(product, extent), size(1));
      bytes = add(bytes, rounded(mul(count, elementBytes(buffer))));
      return offset;
    });
    if (buffers.length === 0) return bytes;
    const scratch = new Local("scratch", "i32");
    block.out.push(set(scratch, plus(base, times(get(this.#part), this.#sizes.at(bytes, 0)))));
    for (const [at, buffer] of buffers.entries()) {
      const local = new Local(buffer.name, "i32");
      block.out.push(set(local, plus(get(scratch), this.#sizes.at(offsets[at]!, 0))));
      this.#addresses.base(buffer, get(local));
    }
    return bytes;
  }

  /** Whether a statement does more than to compute private numbers. */
  #isShared(statement: Statement): boolean {
    return allStatements([statement]).some((each) => each.kind === "store" && each.buffer.scope === "global");
  }

  /** Shares a step, statements of the kernel, among the parts. */
  #share(statements: readonly Statement[], block: Block): void {
    this.#sharing = new Sharing(statements, this.kernel.sizes, (value) => this.#sizes.at(value, 0));
    const inner = this.#blocks.open("if", statements, null, usesIn(statements, this.#lane));
    this.#block(statements, inner);
    this.#blocks.close();
    block.out.push(...this.#sharing.claims(this.#parts, `step.${++this.#loops}`, inner.out));
  }

  #block(statements: readonly Statement[], block: Block): void {
    for (const each of statements) this.#statement(each, block);
  }

  #statement(statement: Statement, block: Block): void {
    switch (statement.kind) {
      case "for":
        if (statement.loop === "vector") {
          const rewriter = new Rewriter().variable(statement.variable, size(this.#lane));
          this.#block(rewriter.statements(statement.body), block);
        } else this.#loop(statement, block, this.#sharing?.range(statement, block.out) ?? null);
        return;
      case "store":
        this.#store(statement, block);
        return;
      case "if":
        this.#condition(statement, block);
        return;
      case "alloc":
        return;
      case "barrier":
      case "meet":
        throw new InternalError(`kernel ${this.kernel.name} has a ${statement.kind}, which vectors do not keep`);
    }
  }

  #condition(statement: Extract<Statement, { kind: "if" }>, block: Block): void {
    if (!this.#expressions.isWide(statement.condition)) {
      const condition = this.#expressions.value(statement.condition);
      this.#guarded(condition, statement.body, block);
      return;
    }
    const start = this.#sameForLanes(statement.condition);
    if (start !== null) {
      this.#guarded(this.#expressions.value(start), statement.body, block);
      return;
    }
    for (let lane = 0; lane < 4; lane++) {
      this.#block(new Rewriter().variable(this.#lane, size(lane)).statement(statement), block);
    }
  }

  #guarded(condition: Code, body: readonly Statement[], block: Block): void {
    const inner = this.#blocks.open("if", body, null, usesIn(body, this.#lane));
    this.#block(body, inner);
    this.#blocks.close();
    block.out.push({ kind: "if", condition, body: inner.out, otherwise: [] });
  }

  /** a + lane < b is the same for the four lanes where 4 divides both a and b: the condition of the first; else null. */
  #sameForLanes(condition: Expression): Expression | null {
    if (condition.kind !== "binary" || condition.operator !== "lt") return null;
    const { left, right } = condition;
    if (left.kind !== "index" || right.kind !== "index" || this.#expressions.isWide(right)) return null;
    const start = substitute(left.value, (each) => (each === this.#lane ? size(0) : null));
    const isPlain = sub(left.value, start) === size(this.#lane);
    const isDivided = [start, right.value].every((each) =>
      each.terms.every(({ coefficient }) => coefficient % 4 === 0),
    );
    return isPlain && isDivided ? this.#expressions.atLane(condition, 0) : null;
  }

  #store(statement: Store, block: Block): void {
    const { buffer, index, update } = statement;
    const isWide = index.some((each) => this.#expressions.isWide(each));
    const value = update === null ? statement.value : updated(statement, update);
    if (!isWide && this.#expressions.isWide(value)) {
      throw new InternalError(`kernel ${this.kernel.name} stores a vector to one element of ${buffer.name}`);
    }
    if (this.#registers.has(buffer)) this.#toRegister(buffer, index, value, isWide, block);
    else if (!isWide) this.#toMemory(buffer, index, value, block);
    else if (!isNarrow(buffer.element) && this.#addresses.strideOf(buffer, index) === 1) {
      const { pointer, offset } = this.#addresses.of(buffer, index);
      const code = this.#expressions.vector(value);
      const narrow = narrowFloatIn(buffer);
      if (narrow !== null) {
        const bits = op("i16x8.narrow_i32x4_u", [this.#bitsOf(narrow, code), i32x4(0)]);
        block.out.push(op("v128.store64_lane", [pointer, bits], { offset, lane: 0 }));
      } else block.out.push(op("v128.store", [pointer, code], { offset }));
    } else this.#lanes(statement, block);
    this.#blocks.forget(buffer);
  }

  /** The lanes one after another. */
  #lanes(statement: Store, block: Block): void {
    for (let lane = 0; lane < 4; lane++) {
      this.#block(new Rewriter().variable(this.#lane, size(lane)).statement(statement), block);
    }
  }

  #toRegister(buffer: Buffer, index: readonly Expression[], value: Expression, isWide: boolean, block: Block): void {
    const { local, isVector, lane } = this.#registers.of(buffer, index);
    const code = isWide ? this.#expressions.vector(value) : this.#expressions.value(value);
    if (!isVector || lane === null) {
      block.out.push(set(local, code));
      return;
    }
    const shape = isFloat(buffer.element) ? "f32x4" : "i32x4";
    block.out.push(set(local, op(`${shape}.replace_lane`, [get(local), code], { lane })));
  }

  #toMemory(buffer: Buffer, index: readonly Expression[], value: Expression, block: Block): void {
    const { pointer, offset } = this.#addresses.of(buffer, index);
    const code = this.#expressions.value(value);
    const narrow = narrowFloatIn(buffer);
    if (narrow === null) block.out.push(op(storeOf(buffer.element), [pointer, code], { offset }));
    else {
      const bits = op("i32x4.extract_lane", [this.#bitsOf(narrow, op("f32x4.splat", [code]))]);
      block.out.push(op("i32.store16", [pointer, bits], { offset }));
    }
  }

  /** The bits of four numbers, rounded to a type. */
  #bitsOf(narrow: NarrowFloat, code: Code): Code {
    const names = { f16: ["half4", "halfBits4"], f16f: ["finiteHalf4", "halfBits4"], bf16: ["brainFloat4", "upper4"] };
    return names[narrow].reduce((value, name) => {
      this.#helpers.add(name);
      return call(name, value);
    }, code);
  }

  #loop(loop: Loop, block: Block, share: Range | null): void {
    const row = share === null ? rowFunctionOf(loop) : null;
    if (row !== null) {
      const count = this.#sizes.at(loop.extent, this.#blocks.current);
      block.out.push(rowCall(loop, row, count, this.#rows));
      this.#blocks.forget(row.store.buffer);
      return;
    }
    const extent = share === null ? this.#sizes.at(loop.extent, this.#blocks.current) : null;
    const constant = extent === null ? null : numberOf(extent);
    if (constant === 0) return;
    const name = loop.variable.name;
    const counter = new Local(name, "i32");
    const start = share === null ? null : get(share.first);
    const inner = this.#blocks.open(
      "loop",
      loop.body,
      { variable: loop.variable, counter, start },
      usesIn(loop.body, this.#lane),
    );
    if (share?.moving) inner.moving.push(share.moving);
    this.#block(loop.body, inner);
    this.#blocks.close();
    const label = `${name}.${++this.#loops}`;
    const moved = inner.moving.filter(({ by }) => numberOf(by) !== 0);
    const last = inner.isCounted ? undefined : moved.findLast(({ by }) => numberOf(by) !== null);
    const moves = moved.map(({ local, by }) => ({ local, code: set(local, plus(get(local), by)) }));
    const count = share === null ? extent! : op("i32.sub", [get(share.end), get(share.first)]);
    const before: Code[] = [];
    let again: Code;
    if (last !== undefined) {
      const end = new Local(`${last.local.name}.end`, "i32");
      block.out.push(set(end, plus(get(last.local), times(count, last.by))));
      again = op("i32.ne", [get(last.local), get(end)]);
    } else {
      before.push(set(counter, start ?? i32(0)));
      const next = op("local.tee", [plus(get(counter), i32(1))], { local: counter });
      again = op("i32.ne", [next, share === null ? extent! : get(share.end)]);
    }
    const body: Code[] = [
      ...inner.out,
      ...moves.map(({ code }) => code),
      { kind: "repeat", loop: label, condition: again },
    ];
    const whole: Code[] = [...before, { kind: "loop", name: label, body }];
    // A claim has iterations of every loop.
    if (constant !== null || share !== null) block.out.push(...whole);
    else block.out.push({ kind: "if", condition: extent!, body: whole, otherwise: [] });
  }
}

/** Bytes rounded up, so that every array begins where vectors may. */
function rounded(bytes: Size): Size {
  return mul(floorDiv(add(bytes, alignment - 1), alignment), alignment);
}
