/**
 * A kernel as the body of a function: nested loops over typed arrays, in the order and with the names of the kernel.
 *
 * Every statement is printed as it stands. What is moved: constants out of loops (scopes.ts), the offset of a row out of
 * the loop along it, and a scalar's first value into its declaration. Loops of every kind run one after another.
 */
import { InternalError } from "../../src/diagnostics/index.js";
import { isFloat as isFloatElement, isNarrowFloat } from "../../src/ir/graph/types.js";
import {
  allStatements,
  type Buffer,
  distinctExpressions,
  type Expression,
  expressionsOf,
  type Kernel,
  type KernelElement,
  operandsOf,
  type Statement,
  type UpdateOperator,
} from "../../src/ir/kernel/index.js";
import { type Code, call, infix, inside, level, primary } from "../common/code.js";
import { constantName, countUses, isLeaf, isWorthMoving, isWorthNaming } from "../common/constants.js";
import { argumentName } from "../common/kernel-names.js";
import { javascriptWords } from "../common/keywords.js";
import { Names } from "../common/names.js";
import { type SizeDialect, sizeCode } from "../common/sizes.js";
import { Addresses, AddressUses } from "./addresses.js";
import {
  type BitsOfFloats,
  bitsOfFloats,
  type ExpressionContext,
  expressionCode,
  type HelperName,
  helperNames,
  kernelSizes,
  positionCode,
  storedBool,
} from "./expressions.js";
import { Rounding } from "./rounding.js";
import { Scopes } from "./scopes.js";

/** A parameter of a kernel's function. */
export interface Parameter {
  readonly name: string;
  readonly type: string;
  /** The buffer; null for a size. */
  readonly buffer: Buffer | null;
}

/** The function of a kernel, without its name. */
export interface PrintedKernel {
  readonly kernel: Kernel;
  /** What is read, what is written, private arrays, sizes. */
  readonly parameters: readonly Parameter[];
  readonly lines: readonly string[];
  /** Functions of the host code that it calls. */
  readonly helpers: ReadonlySet<string>;
}

/** The arrays that hold buffers of each element type: those that callers see, and private ones, which keep f64. */
export const globalArrays: { readonly [K in KernelElement]: string } = {
  f32: "Float32Array",
  f16: "Uint16Array",
  i32: "Int32Array",
  bool: "Uint8Array",
  i8: "Int8Array",
  i16: "Int16Array",
  bf16: "Uint16Array",
  f16f: "Uint16Array",
};
export const privateArrays: { readonly [K in KernelElement]: string } = {
  f32: "Float64Array",
  f16: "Float64Array",
  i32: "Int32Array",
  bool: "Uint8Array",
  i8: "Int8Array",
  i16: "Int16Array",
  bf16: "Float64Array",
  f16f: "Float64Array",
};

export function printKernel(kernel: Kernel): PrintedKernel {
  const first = new KernelPrinter(kernel, new AddressUses());
  first.print();
  return new KernelPrinter(kernel, first.uses).print();
}

/** How long lines of kernels may be. */
const width = 110;
/** How long an expression may be, however much space its line has. */
const longest = 84;

type Load = Extract<Expression, { kind: "load" }>;
type Store = Extract<Statement, { kind: "store" }>;

class KernelPrinter {
  readonly #addresses: Addresses;
  readonly #names = new Names(new Set([...javascriptWords, ...helperNames]));
  readonly #variables = new Map<object, string>();
  readonly #scopes: Scopes;
  readonly #helpers = new Set<string>();
  readonly #sizes: SizeDialect;
  readonly #context: ExpressionContext;
  readonly #storeCounts = new Map<Buffer, number>();
  /** The level of the block that the code being made will stand in. */
  #at = 0;

  constructor(
    readonly kernel: Kernel,
    uses: AddressUses,
  ) {
    this.#scopes = new Scopes(this.#names, kernel);
    for (const statement of allStatements(kernel.body)) {
      if (statement.kind !== "store") continue;
      this.#storeCounts.set(statement.buffer, (this.#storeCounts.get(statement.buffer) ?? 0) + 1);
    }
    const helper = (name: HelperName): string => {
      this.#helpers.add(name);
      return name;
    };
    this.#sizes = kernelSizes((variable) => this.#nameOf(variable, variable.name), helper);
    this.#context = {
      rounding: new Rounding(kernel),
      sizes: this.#sizes,
      code: (expression) => this.#code(expression),
      element: (load) => this.#element(load),
      helper,
    };
    const position = (expression: Expression): Code => positionCode(expression, this.#context);
    const nameOf = (buffer: Buffer): string => this.#nameOf(buffer, buffer.name);
    this.#addresses = new Addresses(this.#scopes, this.#sizes, position, nameOf, uses);
  }

  get uses(): AddressUses {
    return this.#addresses.uses;
  }

  print(): PrintedKernel {
    const { kernel } = this;
    for (const variable of kernel.sizes) this.#variables.set(variable, this.#names.claim(variable.name));
    const arrays = [...kernel.reads, ...kernel.writes].map((buffer) => this.#parameter(buffer, globalArrays));
    const scratch = scratchOf(kernel).map((buffer) => this.#parameter(buffer, privateArrays));
    const sizes = kernel.sizes.map((variable): Parameter => {
      return { name: this.#nameOf(variable, variable.name), type: "number", buffer: null };
    });
    const lines = this.#block("function", kernel.body);
    // f16 has one table, whether all of it occurs or not.
    for (const { table, values } of [bitsOfFloats.f16, bitsOfFloats.bf16]) {
      if (this.#helpers.has(values)) lines.unshift(`const ${table} = ${values}();`);
    }
    return { kernel, parameters: [...arrays, ...scratch, ...sizes], lines, helpers: this.#helpers };
  }

  #parameter(buffer: Buffer, arrays: typeof globalArrays): Parameter {
    const name = this.#names.claim(argumentName(this.kernel, buffer));
    this.#variables.set(buffer, name);
    return { name, type: arrays[buffer.element], buffer };
  }

  #nameOf(thing: object, wanted: string): string {
    const known = this.#variables.get(thing);
    if (known === undefined) throw new InternalError(`${wanted} is not bound in kernel ${this.kernel.name}`);
    return known;
  }

  #block(
    kind: "function" | "for" | "if",
    body: readonly Statement[],
    variable?: Extract<Statement, { kind: "for" }>,
  ): string[] {
    let merged = -1;
    return this.#scopes.within(
      kind,
      body,
      (statement, position) => {
        if (position === merged) return [];
        const next = body[position + 1];
        if (statement.kind === "alloc" && next && isFirstValue(statement.buffer, next)) {
          merged = position + 1;
          return this.#declare(statement.buffer, next);
        }
        return this.#statement(statement);
      },
      variable?.variable ?? null,
    );
  }

  #statement(statement: Statement): string[] {
    switch (statement.kind) {
      case "for":
        return this.#loop(statement);
      case "if": {
        this.#prepare(statement);
        const condition = this.#code(statement.condition).text;
        return [`if (${condition}) {`, ...indented(this.#block("if", statement.body)), "}"];
      }
      case "store":
        return this.#store(statement);
      case "alloc":
        return this.#declare(statement.buffer, null);
      case "barrier":
      case "meet":
        throw new InternalError(`kernel ${this.kernel.name} has a ${statement.kind}, which one thread cannot keep`);
    }
  }

  #loop(statement: Extract<Statement, { kind: "for" }>): string[] {
    const { variable, extent, body } = statement;
    let end = sizeCode(extent, this.#sizes);
    // A test on every turn should be cheap to read and to do.
    if (/[(%/]/.test(end.text))
      end = primary(this.#hoisted(end, this.#scopes.sizeLevel(extent), () => `${variable.name}End`));
    // Loops one after another may have one name.
    const name = this.#scopes.declare(variable.name.replace(/(?<=[A-Za-z])\d+$/, ""));
    this.#variables.set(variable, name);
    const lines = this.#block("for", body, statement);
    this.#names.release(name);
    const head = `for (let ${name} = 0; ${name} < ${inside(end, level.additive)}; ${name}++) {`;
    return lines.length === 0 ? [] : [head, ...indented(lines), "}"];
  }

  /** A private scalar as a variable; a private array is a parameter. */
  #declare(buffer: Buffer, first: Store | null): string[] {
    if (buffer.scope !== "private")
      throw new InternalError(`${buffer.name} is in ${buffer.scope} memory, which one thread has not`);
    this.#scopes.allocate(buffer);
    if (buffer.shape.length > 0) return first ? this.#store(first) : [];
    if (first) this.#prepare(first);
    const zero = buffer.element === "bool" ? "false" : "0";
    if (first) this.#shorten(first.value, this.#scopes.level, buffer.name.length + 8);
    const value = first ? this.#code(first.value).text : zero;
    const name = this.#scopes.declare(buffer.name);
    this.#variables.set(buffer, name);
    // Or TypeScript would hold that it is what it was first.
    const cast = buffer.element === "bool" ? " as boolean" : "";
    const changes = !first || this.#storeCounts.get(buffer) !== 1;
    return [`${changes ? "let" : "const"} ${name} = ${value}${changes ? cast : ""};`];
  }

  #store(statement: Store): string[] {
    const { buffer, index, value, update } = statement;
    this.#prepare(statement);
    this.#at = this.#scopes.level;
    const isArray = buffer.scope === "global" || buffer.shape.length > 0;
    const target = isArray ? this.#place(buffer, index) : primary(this.#nameOf(buffer, buffer.name));
    this.#shorten(value, this.#at, target.text.length + 6);
    const line = isArray
      ? this.#arrayStore(buffer, target, value, update)
      : this.#scalarStore(buffer, target, value, update);
    this.#scopes.forget(buffer);
    return [line];
  }

  #scalarStore(buffer: Buffer, target: Code, value: Expression, update: UpdateOperator | null): string {
    const code = this.#code(value);
    if (update === null) return `${target.text} = ${code.text};`;
    if (buffer.element === "bool")
      return `${target.text} = ${target.text} ${update === "max" ? "||" : "&&"} ${inside(code, level.equality)};`;
    if (update !== "add") return `${target.text} = ${call(`Math.${update}`, target, code).text};`;
    if (buffer.element !== "i32") return `${target.text} += ${code.text};`;
    return `${target.text} = (${infix(target, "+", code, level.additive).text}) | 0;`;
  }

  #arrayStore(buffer: Buffer, target: Code, value: Expression, update: UpdateOperator | null): string {
    const bits = bitsIn(buffer);
    let code: Code;
    if (buffer.element === "bool") code = storedBool(value, this.#context);
    else
      code = this.#code(
        bits !== null && value.kind === "cast" && value.element === buffer.element && isFloat(value.operand)
          ? value.operand
          : value,
      );
    const current = bits === null ? target : this.#ofBits(bits, target);
    if (update === "add" && bits === null) return `${target.text} += ${code.text};`;
    if (update === "add") code = infix(current, "+", code, level.additive);
    else if (update !== null) code = call(`Math.${update}`, current, code);
    if (bits !== null) code = call(this.#context.helper(bits.encode), code);
    return `${target.text} = ${code.text};`;
  }

  #ofBits({ values, table }: BitsOfFloats, code: Code): Code {
    this.#helpers.add(values);
    return primary(`${table}[${code.text}]`);
  }

  /** The code of an expression: its name where a constant holds it. */
  #code(expression: Expression): Code {
    const name = this.#scopes.constant(expression);
    return name === null ? expressionCode(expression, this.#context) : primary(name);
  }

  /** An element of an array, or a variable. */
  #element({ buffer, index }: Load): Code {
    if (buffer.scope !== "global" && buffer.shape.length === 0) return primary(this.#nameOf(buffer, buffer.name));
    const place = this.#place(buffer, index);
    const bits = bitsIn(buffer);
    return bits === null ? place : this.#ofBits(bits, place);
  }

  #place(buffer: Buffer, index: readonly Expression[]): Code {
    return primary(`${this.#nameOf(buffer, buffer.name)}[${this.#addresses.offset(buffer, index, this.#at).text}]`);
  }

  /** The constant of some code in the block of a level. */
  #hoisted(code: Code, at: number, wanted: () => string): string {
    return this.#scopes.row(code.text, at, wanted);
  }

  /** Moves what is the same on every turn of a loop out of it, and names what a statement uses twice. */
  #prepare(statement: Statement): void {
    const roots = expressionsOf(statement);
    for (const root of roots) this.#moveOut(root, this.#scopes.level);
    const isNamed = (expression: Expression): boolean => this.#scopes.constant(expression) !== null;
    const uses = countUses(roots, isNamed);
    // Operands were counted after what uses them; they are named before.
    for (const [expression, count] of [...uses].reverse()) {
      if (count > 1 && !isNamed(expression) && isWorthNaming(expression)) this.#define(expression, this.#scopes.level);
    }
    this.#at = this.#scopes.level;
    if (statement.kind === "if") this.#shorten(statement.condition, this.#at);
  }

  /** Names parts of an expression until the rest fits on a line of the block of a level, beside `taken` characters. */
  #shorten(root: Expression, at: number, taken = 20): void {
    const most = Math.min(longest, Math.max(40, width - 2 * (at + 1) - taken));
    for (let length = this.#code(root).text.length; length > most; ) {
      const parts = [...distinctExpressions([root])].filter(
        (part) => part !== root && !isLeaf(part) && this.#scopes.constant(part) === null,
      );
      const lengths = parts.map((part) => ({ part, length: this.#code(part).text.length }));
      const candidates = lengths.filter((each) => each.length >= 20 && each.length <= most);
      const [largest] = candidates.sort((a, b) => b.length - a.length);
      if (largest === undefined) return;
      this.#define(largest.part, at);
      const next = this.#code(root).text.length;
      if (next >= length) return;
      length = next;
    }
  }

  /** Names the largest parts of an expression, but those seen, that can be computed outside of the block of a level. */
  #moveOut(expression: Expression, from: number, seen = new Set<Expression>()): void {
    if (seen.has(expression) || this.#scopes.constant(expression) !== null || isLeaf(expression)) return;
    seen.add(expression);
    const outermost = this.#scopes.levelOf(expression);
    if (outermost < from && isWorthMoving(expression)) this.#define(expression, outermost);
    else for (const operand of operandsOf(expression)) this.#moveOut(operand, from, seen);
  }

  #define(expression: Expression, at: number): void {
    for (const operand of operandsOf(expression)) this.#moveOut(operand, at);
    const outer = this.#at;
    this.#at = at;
    this.#shorten(expression, at);
    const { text } = this.#code(expression);
    this.#at = outer;
    this.#scopes.define(
      expression,
      at,
      constantName(expression, (buffer) => this.#nameOf(buffer, buffer.name)),
      text,
    );
  }
}

/** The private arrays of a kernel, which are parameters after what it reads and writes. */
export function scratchOf(kernel: Kernel): readonly Buffer[] {
  return allStatements(kernel.body).flatMap((statement) =>
    statement.kind === "alloc" && statement.buffer.shape.length > 0 ? [statement.buffer] : [],
  );
}

/** Whether a statement gives a scalar its first value, which does not depend on it. */
function isFirstValue(buffer: Buffer, statement: Statement): statement is Store {
  if (statement.kind !== "store" || statement.buffer !== buffer || statement.update !== null) return false;
  if (buffer.shape.length > 0) return false;
  return ![...distinctExpressions([statement.value])].some((each) => each.kind === "load" && each.buffer === buffer);
}

/** How the elements of a buffer lie in it as bits; null where they lie as numbers. */
function bitsIn({ element, scope }: Buffer): BitsOfFloats | null {
  return scope === "global" && isNarrowFloat(element) ? bitsOfFloats[element] : null;
}

function isFloat({ element }: Expression): boolean {
  return isFloatElement(element);
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}
