/**
 * The text of a kernel, for people: dumps, error messages, golden files.
 *
 *   kernel softmax                       ; attention.trafo:12:9
 *     reads  x: f32[T, S]
 *     writes y: f32[T, S]
 *     for t in 0..T
 *       alloc m: f32 private
 *       m = -inf
 *       for s in 0..S
 *         m max= x[t, s]
 *
 * What must stay true: two different kernels of the same buffers and loops have different texts, and the text grows no
 * faster than the expressions (a part that a statement uses twice is written once, as `%1 = ...` before it).
 */
import { render, type Size } from "../../sizes/index.js";
import { type ExpressionNames, expressionText } from "./expression-text.js";
import type { Buffer, Expression, Kernel, Statement } from "./kernel.js";
import { allStatements, distinctExpressions, expressionsOf, operandsOf } from "./traversal.js";

/** Buffers of one name are told apart by a number after it. */
class BufferNames {
  readonly #names = new Map<Buffer, string>();
  readonly #taken = new Set<string>();

  of(buffer: Buffer): string {
    const known = this.#names.get(buffer);
    if (known !== undefined) return known;
    let name = buffer.name;
    for (let number = 2; this.#taken.has(name); number++) name = `${buffer.name}.${number}`;
    this.#taken.add(name);
    this.#names.set(buffer, name);
    return name;
  }
}

/** `f32[T, 4*D]`; `f32` for rank 0. */
export function bufferType(buffer: Pick<Buffer, "element" | "shape">): string {
  const shape = buffer.shape.map((each: Size) => render(each)).join(", ");
  return buffer.shape.length === 0 ? buffer.element : `${buffer.element}[${shape}]`;
}

/** The whole kernel, as in the header of this file. */
export function printKernel(kernel: Kernel): string {
  return annotatedKernel(kernel, []);
}

/** The kernel with notes below the lines of statements, or, for notes of no statement, below its head. */
export function annotatedKernel(
  kernel: Kernel,
  notes: readonly { readonly statement: Statement | null; readonly message: string }[],
): string {
  const names = new BufferNames();
  const declare = (buffer: Buffer): string => `${names.of(buffer)}: ${bufferType(buffer)}`;
  const { location } = kernel;
  const place = location === null ? "" : ` ; ${location.file}:${location.line}:${location.column}`;
  const lines = [`kernel ${kernel.name}${place}`];
  if (kernel.sizes.length > 0) lines.push(`  sizes  ${kernel.sizes.map((each) => each.name).join(", ")}`);
  for (const buffer of kernel.reads) lines.push(`  reads  ${declare(buffer)}`);
  for (const buffer of kernel.writes) lines.push(`  writes ${declare(buffer)}`);
  for (const statement of allStatements(kernel.body)) if (statement.kind === "alloc") names.of(statement.buffer);
  const noted = new Map<Statement | null, string[]>();
  for (const { statement, message } of notes) noted.set(statement, [...(noted.get(statement) ?? []), message]);
  for (const message of noted.get(null) ?? []) lines.push(`  ^ ${message}`);
  new StatementPrinter((buffer) => names.of(buffer), lines, noted).print(kernel.body, "  ");
  return `${lines.join("\n")}\n`;
}

/** One statement without its body, for messages. */
export function statementText(statement: Statement): string {
  const lines: string[] = [];
  const shallow = statement.kind === "for" || statement.kind === "if" ? { ...statement, body: [] } : statement;
  new StatementPrinter((buffer) => buffer.name, lines).print([shallow], "");
  return lines.join("; ");
}

class StatementPrinter {
  #shared = 0;

  constructor(
    readonly bufferName: (buffer: Buffer) => string,
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
        return `for ${statement.variable.name} in 0..${render(statement.extent)}${kind}`;
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
        return `alloc ${this.bufferName(buffer)}: ${bufferType(buffer)} ${buffer.scope}`;
      }
      case "barrier":
        return "barrier";
    }
  }

  /** Writes the parts that the statement uses more than once; returns how to write an expression of it. */
  #lets(statement: Statement, indent: string): (expression: Expression) => string {
    const names = new Map<Expression, string>();
    const context: ExpressionNames = { buffer: this.bufferName, shared: (expression) => names.get(expression) ?? null };
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
