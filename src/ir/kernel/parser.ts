/**
 * Reads the text form of kernels; see printer.ts for what it looks like.
 *
 * Reading gives a kernel that prints as the same text. Blocks are told by their indentation. The first mistake ends the
 * reading, with a UserError of E0690 at its place; then the verifier's rules are checked, each with an error of its own
 * at the statement that breaks it.
 */
import { diagnostic, type SourceFile, type Span, UserError } from "../../diagnostics/index.js";
import { type Size, SizeVariable, sub } from "../../sizes/index.js";
import { readArray, readOrigin, readRange } from "../text/headers.js";
import { DumpReader } from "../text/reader.js";
import { ExpressionParser, type ExpressionScope } from "./expression-parser.js";
import {
  Buffer,
  type BufferFacts,
  bufferScopes,
  type Expression,
  type Kernel,
  type KernelVariant,
  kernelDevices,
  kernelElements,
  type Layout,
  type LayoutPart,
  loopKinds,
  type Statement,
  type UpdateOperator,
  updateOperators,
} from "./kernel.js";
import { kernelsOf } from "./variants.js";
import { kernelViolations } from "./verifier.js";

/** Reads one kernel, which must be all of the text. @throws UserError E0690 */
export function parseKernel(file: SourceFile): Kernel {
  const reader = new DumpReader(file);
  const { kernel } = readKernel(reader);
  if (!reader.sees("end")) reader.fail("text stands after the kernel");
  return kernel;
}

/**
 * Reads a kernel from where the reader stands.
 * @param around the sizes of what the kernel belongs to: where it names one of the same range, it is that one.
 * @throws UserError E0690
 */
export function readKernel(
  reader: DumpReader,
  around: ReadonlyMap<string, SizeVariable> = new Map(),
): { readonly kernel: Kernel; readonly number: number | null } {
  return new KernelParser(reader, around).kernel();
}

/** A line of a statement, read to its end; `body` reads what stands below it, further in. */
interface Line {
  readonly indentation: number;
  readonly body: () => readonly Statement[];
}

/** How each kind of statement is read, and the word that it begins with; a store begins with its buffer. */
const statementForms: {
  readonly [K in Statement["kind"]]: {
    readonly word: string | null;
    read(parser: KernelParser, line: Line): Extract<Statement, { kind: K }>;
  };
} = {
  for: { word: "for", read: (parser, line) => parser.loop(line) },
  if: { word: "if", read: (parser, line) => parser.condition(line) },
  alloc: { word: "alloc", read: (parser) => parser.alloc() },
  barrier: { word: "barrier", read: () => ({ kind: "barrier" }) },
  meet: { word: "meet", read: (parser) => parser.meet() },
  store: { word: null, read: (parser) => parser.store() },
};

/** What stands before the `=` of an update. */
const updates: { readonly [K in UpdateOperator]: string } = { add: "+", max: "max", min: "min" };

/** Reads a layout, such as `1/8 0 1%8`. @throws UserError E0690 */
export function readLayout(reader: DumpReader): Layout {
  const parts: LayoutPart[] = [];
  do {
    const axis = reader.index();
    const inner = reader.accept("value");
    if (inner !== null) parts.push({ axis, part: "inner", factor: Number(inner) });
    else if (reader.accept("mark", "/") !== null) parts.push({ axis, part: "outer", factor: reader.index() });
    else parts.push({ axis, part: "all", factor: 1 });
  } while (reader.indentation === null && reader.sees("number"));
  return parts;
}

class KernelParser implements ExpressionScope {
  readonly #buffers = new Map<string, Buffer>();
  readonly #loops = new Map<string, SizeVariable>();
  readonly #shared = new Map<string, Expression>();
  readonly #places = new Map<Statement, Span>();
  readonly #expressions: ExpressionParser;

  constructor(
    readonly reader: DumpReader,
    readonly around: ReadonlyMap<string, SizeVariable>,
  ) {
    this.#expressions = new ExpressionParser(reader, this);
  }

  variable(name: string): SizeVariable | null {
    return this.#loops.get(name) ?? this.reader.sizes.get(name) ?? null;
  }

  buffer(name: string): Buffer | null {
    return this.#buffers.get(name) ?? null;
  }

  shared(name: string): Expression | null {
    return this.#shared.get(name) ?? null;
  }

  kernel(): { readonly kernel: Kernel; readonly number: number | null } {
    const { reader } = this;
    reader.sizes.clear();
    const indentation = reader.indentation ?? 0;
    reader.expect("word", "`kernel`", "kernel");
    const place = reader.span;
    const name = reader.name();
    const number = reader.accept("scope");
    const { location } = readOrigin(reader);
    const sizes = this.#sizes();
    const schedule = this.#schedule();
    const reads = this.#arguments("reads");
    const writes = this.#arguments("writes");
    const body = this.#block(indentation);
    const variants = this.#variants([...reads, ...writes], indentation);
    const kernel: Kernel = {
      ...{ name, reads, writes, sizes, body, location },
      ...(schedule === null ? {} : { schedule }),
      ...(variants.length === 0 ? {} : { variants }),
    };
    const broken = kernelsOf(kernel).flatMap(kernelViolations);
    if (broken.length === 0) return { kernel, number: number === null ? null : Number(number) };
    throw new UserError(
      broken.map(({ statement, message }) =>
        diagnostic("E0690", (statement && this.#places.get(statement)) ?? place, message),
      ),
    );
  }

  /** The steps of a schedule, or null if none stand here. */
  #schedule(): string | null {
    const steps: string[] = [];
    while (this.reader.accept("word", "step") !== null) steps.push(this.reader.restOfLine());
    return steps.length === 0 ? null : steps.join("; ");
  }

  /** The variants of the kernel, each over its arguments, with arrays and shared parts of its own. */
  #variants(shared: readonly Buffer[], indentation: number): readonly KernelVariant[] {
    const { reader } = this;
    const found: KernelVariant[] = [];
    const named = [...this.#buffers].filter(([, buffer]) => shared.includes(buffer));
    while (this.#isVariant(indentation)) {
      const own = reader.indentation ?? 0;
      reader.expect("word", "`variant`", "variant");
      const name = reader.name();
      const device = reader.accept("word", "on") === null ? null : reader.oneOf("a device", kernelDevices);
      const few = reader.accept("word", "where") === null ? null : this.#few();
      reader.endLine();
      this.#buffers.clear();
      for (const [word, buffer] of named) this.#buffers.set(word, buffer);
      this.#shared.clear();
      const schedule = this.#schedule() ?? "";
      found.push({ name, device, few, body: this.#block(own), schedule });
    }
    return found;
  }

  #isVariant(outer: number): boolean {
    const { indentation } = this.reader;
    return indentation !== null && indentation > outer && this.reader.sees("word", "variant");
  }

  /** `T at most 16`. */
  #few(): NonNullable<KernelVariant["few"]> {
    const value = this.#expressions.size();
    this.reader.expect("word", "`at most`", "at");
    this.reader.expect("word", "`most`", "most");
    return { size: value, most: this.reader.index() };
  }

  #sizes(): readonly SizeVariable[] {
    const { reader } = this;
    const found: SizeVariable[] = [];
    if (reader.accept("word", "sizes") === null) return found;
    do {
      const place = reader.span;
      const own = readRange(reader);
      const same = this.around.get(own.name) ?? own;
      if (same.min !== own.min || same.max !== own.max || same.step !== own.step)
        reader.fail(`${own.name} has another range here than around`, place);
      reader.sizes.set(own.name, same);
      found.push(same);
    } while (reader.accept("mark", ",") !== null);
    reader.endLine();
    return found;
  }

  #arguments(word: string): readonly Buffer[] {
    const found: Buffer[] = [];
    while (this.reader.accept("word", word) !== null) {
      found.push(this.#declared("global", word === "reads"));
      this.reader.endLine();
    }
    return found;
  }

  /** `x: f32[T, 4*D]`, and after it the scope where it is not given. */
  #declared(scope: Buffer["scope"] | null, isRead = false): Buffer {
    const { reader } = this;
    const place = reader.span;
    const name = reader.name();
    if (this.#buffers.has(name)) reader.fail(`two buffers are named ${name}`, place);
    reader.mark(":");
    const { element, shape } = readArray(reader, kernelElements, () => this.#expressions.size());
    const facts = isRead ? this.#facts() : {};
    const buffer = new Buffer(
      this.#nameOf(name),
      element,
      shape,
      scope ?? reader.oneOf("a scope", bufferScopes),
      facts,
    );
    this.#buffers.set(name, buffer);
    return buffer;
  }

  /** `constant 1/8 0 1%8 of [768, 2304]`, as far as it stands here. */
  #facts(): BufferFacts {
    const { reader } = this;
    if (reader.indentation !== null || reader.accept("word", "constant") === null) return {};
    if (reader.indentation !== null || !reader.sees("number")) return { constant: true };
    const layout = readLayout(reader);
    reader.expect("word", "`of`", "of");
    return { constant: true, packed: { from: reader.list(() => this.#expressions.size()), layout } };
  }

  /** The name without the number that the printer gave to one of several of a name: 2 to the second, and so on. */
  #nameOf(name: string): string {
    const [, base = "", number] = /^(.+)\.(\d+)$/.exec(name) ?? [];
    const before = Number(number) === 2 ? base : `${base}.${Number(number) - 1}`;
    return Number(number) >= 2 && this.#buffers.has(base) && this.#buffers.has(before) ? base : name;
  }

  /** The statements that stand further in than what they belong to, all equally far. */
  #block(outer: number): readonly Statement[] {
    const { reader } = this;
    const statements: Statement[] = [];
    const own = reader.indentation ?? 0;
    while (!reader.sees("end") && reader.indentation !== null && reader.indentation > outer) {
      if (reader.sees("word", "variant")) break;
      if (reader.indentation !== own) reader.fail("the statements of a block begin in one column");
      if (this.#isShared()) continue;
      const start = reader.position;
      const made = this.#statement(own);
      statements.push(made);
      if (!this.#places.has(made)) this.#places.set(made, reader.spanFrom(start));
    }
    return statements;
  }

  /** Takes `%1 = exp(x[t])`, a part of the statement that follows. */
  #isShared(): boolean {
    const { reader } = this;
    const place = reader.span;
    const name = reader.accept("value");
    if (name === null) return false;
    if (this.#shared.has(name)) reader.fail(`%${name} is written twice`, place);
    reader.mark("=");
    this.#shared.set(name, this.#expressions.expression());
    reader.endLine();
    return true;
  }

  #statement(indentation: number): Statement {
    const { reader } = this;
    const start = reader.position;
    const body = (): readonly Statement[] => this.#block(indentation);
    for (const form of Object.values(statementForms)) {
      if (form.word === null || reader.accept("word", form.word) === null) continue;
      const made = form.read(this, { indentation, body });
      if (!("body" in made)) reader.endLine();
      else this.#places.set(made, this.#lineSpan(start));
      return made;
    }
    const made = statementForms.store.read(this, { indentation, body });
    reader.endLine();
    return made;
  }

  /** The line that a statement with a body begins with. */
  #lineSpan(start: number): Span {
    const { file, start: from } = this.reader.spanFrom(start);
    const end = file.text.indexOf("\n", from);
    return { file, start: from, end: end < 0 ? file.text.length : end };
  }

  /** `for t in 0..T parallel`, without the first word. */
  loop({ body }: Line): Extract<Statement, { kind: "for" }> {
    const { reader } = this;
    const place = reader.span;
    const name = reader.word();
    if (this.variable(name) !== null) reader.fail(`${name} is the name of a size or of a loop around this one`, place);
    reader.expect("word", "`in`", "in");
    reader.expect("number", "`0`", "0");
    reader.mark("..");
    const extent: Size = this.#expressions.size();
    const loop =
      reader.indentation !== null || reader.sees("end") ? "serial" : reader.oneOf("a kind of loop", loopKinds);
    reader.endLine();
    const variable = new SizeVariable(name, 0, sub(extent, 1));
    this.#loops.set(name, variable);
    const made = { kind: "for", variable, extent, loop, body: body() } as const;
    this.#loops.delete(name);
    return made;
  }

  condition({ body }: Line): Extract<Statement, { kind: "if" }> {
    const condition = this.#expressions.expression();
    this.reader.endLine();
    return { kind: "if", condition, body: body() };
  }

  alloc(): Extract<Statement, { kind: "alloc" }> {
    return { kind: "alloc", buffer: this.#declared(null) };
  }

  /** `meet sum add`. */
  meet(): Extract<Statement, { kind: "meet" }> {
    const { reader } = this;
    const start = reader.position;
    const name = reader.accept("string") ?? reader.expect("word", "a buffer");
    const buffer = this.buffer(name) ?? reader.fail(`there is no buffer ${name}`, reader.spanFrom(start));
    const word = updateOperators.find((each) => reader.accept("word", each) !== null);
    return { kind: "meet", buffer, update: word ?? reader.fail("expected add, max or min") };
  }

  /** `y[t] = x`, `y[t] += x`, `y[t] max= x`. */
  store(): Extract<Statement, { kind: "store" }> {
    const { reader } = this;
    const start = reader.position;
    const name = reader.accept("string") ?? reader.expect("word", "a statement");
    const buffer =
      this.buffer(name) ?? reader.fail(`there is no statement and no buffer ${name}`, reader.spanFrom(start));
    const index = this.#expressions.indices(buffer, start);
    const update = this.#update();
    const from = reader.position;
    const value = this.#expressions.expression();
    if (value.element !== buffer.element)
      reader.fail(`${name} holds ${buffer.element}, and this is ${value.element}`, reader.spanFrom(from));
    return { kind: "store", buffer, index, value, update };
  }

  #update(): UpdateOperator | null {
    const { reader } = this;
    for (const [update, text] of Object.entries(updates) as readonly (readonly [UpdateOperator, string])[]) {
      if (reader.accept("mark", `${text}=`) !== null) return update;
      if (reader.accept("word", text) === null) continue;
      reader.mark("=");
      return update;
    }
    reader.mark("=");
    return null;
  }
}
