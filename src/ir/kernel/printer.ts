/**
 * The text of a kernel: dumps, error messages, golden files. parser.ts reads it back.
 *
 *   kernel softmax  ; attention.trafo:12:9
 *     sizes  S: 1..64, T: 0..64
 *     step   split s 4 exact into so si
 *     reads  x: f32[T, S]
 *     writes y: f32[T, S]
 *     for t in 0..T
 *       alloc m: f32 private
 *       m = -inf
 *       for s in 0..S
 *         m max= x[t, s]
 *     variant few where T at most 4
 *       step   mark t parallel
 *       for t in 0..T parallel
 *         …
 *
 * What must stay true: two different kernels of the same buffers and loops have different texts, and the text grows no
 * faster than the expressions (a part that a statement uses twice is written once, as `%1 = ...` before it). A name
 * stands for one thing wherever it is written: buffers of one name are numbered, and loops that would hide another loop
 * or a size are.
 */
import { render, type Size, SizeVariable, size, substitute } from "../../sizes/index.js";
import { arrayText, originText, rangeText } from "../text/headers.js";
import { nameText } from "../text/words.js";
import { type ExpressionNames, expressionText } from "./expression-text.js";
import type { Buffer, Expression, Kernel, KernelVariant, Statement } from "./kernel.js";
import { layoutText } from "./layout.js";
import { allStatements, distinctExpressions, expressionsOf, loopVariables, operandsOf } from "./traversal.js";
import { variantOf } from "./variants.js";

/** Words that begin a statement or mean something in an expression. */
const reserved = [
  "for",
  "if",
  "alloc",
  "barrier",
  "meet",
  "step",
  "variant",
  "true",
  "false",
  "nan",
  "nanh",
  "inf",
  "infh",
  "not",
  "and",
  "or",
];

/** Buffers of one name, or of the name of something else, are told apart by a number after it. */
class BufferNames {
  readonly #names = new Map<Buffer, string>();
  readonly #taken = new Set<string>(reserved);

  constructor(kernel: Kernel) {
    for (const { name } of [...kernel.sizes, ...loopVariables(kernel)]) this.#taken.add(name);
  }

  of(buffer: Buffer): string {
    const known = this.#names.get(buffer);
    if (known !== undefined) return known;
    let name = nameText(buffer.name);
    for (let number = 2; this.#taken.has(name); number++) name = nameText(`${buffer.name}.${number}`);
    this.#taken.add(name);
    this.#names.set(buffer, name);
    return name;
  }
}

/** Loops that would hide a size or a loop around them get a number. Nearly every kernel has none. */
class LoopNames {
  readonly #renamed = new Map<SizeVariable, SizeVariable>();

  constructor(kernel: Pick<Kernel, "sizes" | "body">) {
    const sizes = kernel.sizes.map(({ name }) => name);
    const taken = new Set([...sizes, ...loopVariables(kernel).map(({ name }) => name)]);
    this.#visit(kernel.body, new Set(sizes), taken);
  }

  #visit(statements: readonly Statement[], outer: ReadonlySet<string>, taken: Set<string>): void {
    for (const statement of statements) {
      if (statement.kind === "if") this.#visit(statement.body, outer, taken);
      if (statement.kind !== "for") continue;
      const { name, min, max } = statement.variable;
      let own = name;
      if (outer.has(name)) {
        for (let number = 2; taken.has(own); number++) own = `${name}_${number}`;
        taken.add(own);
        this.#renamed.set(statement.variable, new SizeVariable(own, this.#of(min), max && this.#of(max)));
      }
      this.#visit(statement.body, new Set([...outer, own]), taken);
    }
  }

  #of(value: Size): Size {
    return substitute(value, (variable) => {
      const renamed = this.#renamed.get(variable);
      return renamed === undefined ? null : size(renamed);
    });
  }

  readonly text = (value: Size): string => render(this.#renamed.size === 0 ? value : this.#of(value));

  of(variable: SizeVariable): string {
    return (this.#renamed.get(variable) ?? variable).name;
  }
}

/** `f32[T, 4*D]`; `f32` for rank 0. */
export function bufferType({ element, shape }: Pick<Buffer, "element" | "shape">): string {
  return arrayText(element, shape);
}

/** What is known of an argument: ` constant`, ` constant 1/8 0 1%8 of [768, 2304]` if it is packed. */
function factsText({ facts: { constant = false, packed } }: Buffer): string {
  const layout =
    packed === undefined
      ? ""
      : ` ${layoutText(packed.layout)} of [${packed.from.map((each) => render(each)).join(", ")}]`;
  return (constant ? " constant" : "") + layout;
}

/** The whole kernel, as in the header of this file. @param number which it is of a plan's: `kernel softmax#3` */
export function printKernel(kernel: Kernel, number: number | null = null): string {
  return annotatedKernel(kernel, [], number);
}

/** The kernel with notes below the lines of statements, or, for notes of no statement, below its head. */
export function annotatedKernel(
  kernel: Kernel,
  notes: readonly { readonly statement: Statement | null; readonly message: string }[],
  number: number | null = null,
): string {
  const names = new BufferNames(kernel);
  const declare = (buffer: Buffer): string => `${names.of(buffer)}: ${bufferType(buffer)}`;
  const tag = number === null ? "" : `#${number}`;
  const lines = [`kernel ${nameText(kernel.name)}${tag}${originText({ location: kernel.location })}`];
  if (kernel.sizes.length > 0) lines.push(`  sizes  ${kernel.sizes.map(rangeText).join(", ")}`);
  lines.push(...stepLines(kernel.schedule, "  "));
  for (const buffer of kernel.reads) lines.push(`  reads  ${declare(buffer)}${factsText(buffer)}`);
  for (const buffer of kernel.writes) lines.push(`  writes ${declare(buffer)}`);
  const noted = new Map<Statement | null, string[]>();
  for (const { statement, message } of notes) noted.set(statement, [...(noted.get(statement) ?? []), message]);
  for (const message of noted.get(null) ?? []) lines.push(`  ^ ${message}`);
  printBody(kernel, names, lines, noted, "  ");
  for (const variant of kernel.variants ?? []) {
    const other = variantOf(kernel, variant);
    const own = new BufferNames(other);
    for (const buffer of [...kernel.reads, ...kernel.writes]) own.of(buffer);
    lines.push(`  ${variantText(variant)}`, ...stepLines(variant.schedule, "    "));
    printBody(other, own, lines, noted, "    ");
  }
  return `${lines.join("\n")}\n`;
}

function stepLines(schedule: string | undefined, indent: string): readonly string[] {
  return (schedule || null)?.split("; ").map((step) => `${indent}step   ${step}`) ?? [];
}

/** `variant lanes on software where T at most 16`: which devices and which sizes it is for. */
function variantText({ name, device, few }: KernelVariant): string {
  const on = device === null ? "" : ` on ${device}`;
  return `variant ${nameText(name)}${on}${few === null ? "" : ` where ${render(few.size)} at most ${few.most}`}`;
}

function printBody(
  kernel: Kernel,
  names: BufferNames,
  lines: string[],
  notes: ReadonlyMap<Statement | null, readonly string[]>,
  indent: string,
): void {
  for (const statement of allStatements(kernel.body)) if (statement.kind === "alloc") names.of(statement.buffer);
  new StatementPrinter((buffer) => names.of(buffer), new LoopNames(kernel), lines, notes).print(kernel.body, indent);
}

/** One statement without its body, for messages. */
export function statementText(statement: Statement): string {
  const lines: string[] = [];
  const loops = new LoopNames({ sizes: [], body: [] });
  const shallow = statement.kind === "for" || statement.kind === "if" ? { ...statement, body: [] } : statement;
  new StatementPrinter((buffer) => buffer.name, loops, lines).print([shallow], "");
  return lines.join("; ");
}

class StatementPrinter {
  #shared = 0;

  constructor(
    readonly bufferName: (buffer: Buffer) => string,
    readonly loops: LoopNames,
    readonly lines: string[],
    readonly notes: ReadonlyMap<Statement | null, readonly string[]> = new Map(),
  ) {}

  print(statements: readonly Statement[], indent: string): void {
    for (const statement of statements) {
      const text = this.#lets(statement, indent);
      this.lines.push(indent + this.#line(statement, text));
      for (const message of this.notes.get(statement) ?? []) this.lines.push(`${indent}^ ${message}`);
      if (statement.kind === "for" || statement.kind === "if") this.print(statement.body, `${indent}  `);
    }
  }

  #line(statement: Statement, text: (expression: Expression) => string): string {
    switch (statement.kind) {
      case "for": {
        const kind = statement.loop === "serial" ? "" : ` ${statement.loop}`;
        return `for ${this.loops.of(statement.variable)} in 0..${this.loops.text(statement.extent)}${kind}`;
      }
      case "store": {
        const at = statement.index.length === 0 ? "" : `[${statement.index.map(text).join(", ")}]`;
        const update = statement.update === null ? "=" : statement.update === "add" ? "+=" : `${statement.update}=`;
        return `${this.bufferName(statement.buffer)}${at} ${update} ${text(statement.value)}`;
      }
      case "if":
        return `if ${text(statement.condition)}`;
      case "alloc": {
        const { buffer } = statement;
        const type = arrayText(buffer.element, buffer.shape, this.loops.text);
        return `alloc ${this.bufferName(buffer)}: ${type} ${buffer.scope}`;
      }
      case "barrier":
        return "barrier";
      case "meet":
        return `meet ${this.bufferName(statement.buffer)} ${statement.update}`;
    }
  }

  /** Writes the parts that the statement uses more than once; returns how to write an expression of it. */
  #lets(statement: Statement, indent: string): (expression: Expression) => string {
    const names = new Map<Expression, string>();
    const context: ExpressionNames = {
      buffer: this.bufferName,
      size: this.loops.text,
      shared: (expression) => names.get(expression) ?? null,
    };
    for (const expression of repeatedParts(expressionsOf(statement))) {
      const text = expressionText(expression, context);
      const name = `%${++this.#shared}`;
      names.set(expression, name);
      this.lines.push(`${indent}${name} = ${text}`);
    }
    return (expression) => expressionText(expression, context);
  }
}

/** Parts used at more than one place that would be longer than a name, operands first. */
function repeatedParts(roots: readonly Expression[]): readonly Expression[] {
  const all = distinctExpressions(roots);
  const uses = new Map<Expression, number>();
  const count = (expression: Expression): unknown => uses.set(expression, (uses.get(expression) ?? 0) + 1);
  roots.forEach(count);
  for (const expression of all) operandsOf(expression).forEach(count);
  const length = new Map<Expression, number>();
  const repeated: Expression[] = [];
  for (const expression of all) {
    const parts = operandsOf(expression).reduce((sum, operand) => sum + (length.get(operand) ?? 1), 1);
    const isShared = (uses.get(expression) ?? 0) > 1 && parts >= 4 && expression.kind !== "load";
    length.set(expression, isShared ? 1 : parts);
    if (isShared) repeated.push(expression);
  }
  return repeated;
}
