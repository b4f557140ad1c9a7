/**
 * A kernel as a compute shader: its statements as they stand, under the names of the kernel.
 *
 * The number of an invocation or of a workgroup is taken apart into the variables of the loops that are spread over them
 * (sections.ts). All that lives between kernels is bound as an array of its element type; the run-time sizes come in one
 * uniform, which all shaders of a model share.
 */
import { InternalError } from "../../src/diagnostics/index.js";
import {
  allStatements,
  type Buffer,
  type Expression,
  expressionsOf,
  isShared,
  type Kernel,
  type Statement,
} from "../../src/ir/kernel/index.js";
import { dependsOn } from "../../src/schedule/legalise/vectors.js";
import { identityOf } from "../../src/schedule/steps/rfactor.js";
import { constantOf } from "../../src/sizes/index.js";
import { type Code, call, comparison, infix, inside, level, primary } from "../common/code.js";
import { constantName, countUses, isWorthNaming } from "../common/constants.js";
import { argumentName } from "../common/kernel-names.js";
import { Names } from "../common/names.js";
import { type SizeDialect, sizeCode } from "../common/sizes.js";
import { type ExpressionContext, expressionCode, roundedTo, shaderSizes, variableTypes } from "./expressions.js";
import { type HelperName, helperNames, helperText } from "./helpers.js";
import { mayBeUnbounded, unboundedScalars } from "./infinities.js";
import { wgslWords } from "./keywords.js";
import { alwaysBound, largeReads, readerText } from "./large.js";
import { meetingText } from "./meetings.js";
import { ShaderMemory } from "./memory.js";
import { isPacked } from "./packed.js";
import { isLane, iterationOf, type Loop, laneCount, type Nest, nestOf, type Sections, sectionsOf } from "./sections.js";
import { type Binding, mentionsHalves, type PrintedShader, type ShaderOptions } from "./shader.js";
import { quadText, sharedLoopText } from "./shared-loops.js";
import { compound, firstValue, indented, isVariable, plainName, shaderText, uniformText } from "./text.js";
import { component, vectorCode, vectorType } from "./vectors.js";

type Load = Extract<Expression, { kind: "load" }>;
type Store = Extract<Statement, { kind: "store" }>;

/**
 * @param sizes the fields of all run-time sizes of the model by their names, in the order of the uniform.
 * @param access how each buffer is bound: for reading only where no call binds a buffer there that is written.
 */
export function printShader(
  kernel: Kernel,
  sizes: ReadonlyMap<string, string>,
  access: readonly ("read" | "read_write")[],
  { whole = alwaysBound, halves = false }: ShaderOptions = {},
): PrintedShader {
  return new ShaderPrinter(kernel, sizes, access, halves).print(whole);
}

class ShaderPrinter {
  readonly #names = new Names(new Set([...wgslWords, ...helperNames]));
  readonly #variables = new Map<object, string>();
  readonly #helpers = new Set<HelperName>();
  readonly #sizes: SizeDialect;
  readonly #context: ExpressionContext;
  readonly #storeCounts = new Map<Buffer, number>();
  readonly #unbounded: ReadonlySet<Buffer>;
  readonly #shared: string[] = [];
  readonly #sections: Sections;
  readonly #extensions = new Set<string>();
  #sharedBytes = 0;
  /** Names of expressions in the statement that is printed. */
  #lets = new Map<Expression, string>();
  readonly #memory: ShaderMemory;
  readonly #quad: string;
  /** How many loops are open. */
  #depth = 0;
  /** What is claimed in the open block, to be released at its end. */
  #claimed: string[] = [];

  constructor(
    readonly kernel: Kernel,
    readonly fields: ReadonlyMap<string, string>,
    readonly access: readonly ("read" | "read_write")[],
    readonly halves: boolean,
  ) {
    for (const statement of allStatements(kernel.body)) {
      if (statement.kind !== "store" && statement.kind !== "meet") continue;
      this.#storeCounts.set(statement.buffer, (this.#storeCounts.get(statement.buffer) ?? 0) + 1);
    }
    this.#unbounded = unboundedScalars(kernel);
    this.#sections = sectionsOf(kernel);
    this.#quad = this.#names.claim("of_quad");
    const helper = (name: HelperName): string => {
      this.#helpers.add(name);
      return name;
    };
    this.#sizes = shaderSizes((variable) => this.#nameOf(variable, variable.name), helper);
    this.#context = {
      sizes: this.#sizes,
      code: (expression) => this.#code(expression),
      element: (load) => this.#element(load),
      halves,
      helper,
    };
    this.#memory = new ShaderMemory(kernel, this.#context, (buffer) => this.#nameOf(buffer, buffer.name));
  }

  print(whole: number): PrintedShader {
    const { kernel } = this;
    const { lanes, workgroups } = this.#sections;
    for (const variable of kernel.sizes) this.#variables.set(variable, this.#names.claim(variable.name));
    const bindings = [...kernel.reads, ...kernel.writes].map((buffer): Binding => {
      const name = this.#names.claim(argumentName(kernel, buffer));
      this.#variables.set(buffer, name);
      return { name, buffer };
    });
    const large = largeReads(bindings, this.access, whole, this.#memory, (wanted) => this.#names.claim(wanted));
    for (const { buffer, reader } of large) this.#memory.readers.set(buffer, reader);
    const body = this.#entry();
    const globals = bindings.map(({ name, buffer }, at) => {
      return `@group(0) @binding(${at + 1}) var<storage, ${this.access[at]}> ${name}: array<${this.#memory.elementType(buffer)}>;`;
    });
    const declarations = [
      ...(kernel.sizes.length > 0 ? uniformText(this.fields.values()) : []),
      ...globals,
      ...large.flatMap(readerText),
      ...this.#shared,
    ];
    const extensions = [...(this.halves && mentionsHalves(kernel) ? ["f16"] : []), ...this.#extensions];
    const code = shaderText({ extensions, declarations, helpers: helperText(this.#helpers), lanes, body });
    return { kernel, code, bindings, lanes, workgroups, sharedBytes: this.#sharedBytes, large, extensions };
  }

  /** The body of the entry point. */
  #entry(): string[] {
    const { kind, nests, lanes } = this.#sections;
    const sizes = this.kernel.sizes.map((variable) => {
      return `let ${this.#nameOf(variable, variable.name)} = sizes.${this.fields.get(variable.name)};`;
    });
    sizes.push(...quadText(this.kernel.body, this.#quad));
    if (kind === "single") return [...sizes, ...this.#block(nests[0]!.body)];
    const group = "i32(workgroup.y * workgroups.x + workgroup.x)";
    const own = kind === "grid" ? group : `${group} * ${lanes} + i32(lane)`;
    const name = this.#names.claim(kind === "grid" ? "group" : "at");
    const only = nests.length === 1;
    const lines = [...sizes, `${only || kind === "parallel" ? "let" : "var"} ${name} = ${own};`];
    for (const [number, nest] of nests.entries()) {
      const count = sizeCode(nest.count, this.#sizes);
      // A loop of no iterations has no variable to be taken apart into.
      if (count.text === "0") continue;
      const inner = [...this.#decoded(nest.loops, primary(name)), ...this.#block(nest.body)];
      this.#releaseLoops(nest.loops);
      if (only) lines.push(`if (${name} >= ${inside(count, level.additive)}) {`, "  return;", "}", ...inner);
      else {
        lines.push(`if (${name} < ${inside(count, level.additive)}) {`, ...indented(inner));
        if (kind === "grid") lines.push("  return;");
        lines.push("}");
        if (kind === "grid" && number < nests.length - 1) lines.push(`${name} -= ${count.text};`);
      }
    }
    return lines;
  }

  /** The variables of nested loops, from the number of an iteration of all of them. */
  #decoded(loops: readonly Loop[], number: Code): string[] {
    return iterationOf(loops, number, this.#sizes).map(({ variable, code }) => {
      const name = this.#names.claim(plainName(variable));
      this.#variables.set(variable, name);
      return `let ${name} = ${code.text};`;
    });
  }

  #releaseLoops(loops: readonly Loop[]): void {
    for (const { variable } of loops) this.#names.release(this.#variables.get(variable)!);
  }

  #nameOf(thing: object, wanted: string): string {
    const known = this.#variables.get(thing);
    if (known === undefined) throw new InternalError(`${wanted} is not bound in kernel ${this.kernel.name}`);
    return known;
  }

  #block(body: readonly Statement[]): string[] {
    return this.#memory.inBlock(() => this.#statements(body));
  }

  #statements(body: readonly Statement[]): string[] {
    const outer = this.#claimed;
    this.#claimed = [];
    const lines: string[] = [];
    for (let at = 0; at < body.length; at++) {
      const statement = body[at]!;
      const next = body[at + 1];
      const first = next && statement.kind === "alloc" ? firstValue(statement.buffer, next) : null;
      if (statement.kind === "alloc" && first !== null) {
        lines.push(...this.#declare(statement.buffer, first));
        at++;
      } else lines.push(...this.#statement(statement));
    }
    for (const name of this.#claimed) this.#names.release(name);
    this.#claimed = outer;
    return lines;
  }

  #claim(wanted: string): string {
    const name = this.#names.claim(wanted);
    this.#claimed.push(name);
    return name;
  }

  #statement(statement: Statement): string[] {
    switch (statement.kind) {
      case "for":
        if (statement.loop === "vector") return this.#vectors(statement);
        this.#memory.forget();
        if (isShared(statement.loop)) return this.#sharedLoop(statement);
        return isLane(statement) ? this.#lanes(nestOf(statement, isLane)) : this.#loop(statement);
      case "if": {
        const lines = this.#prepare(statement);
        const condition = this.#code(statement.condition).text;
        return [...lines, `if (${condition}) {`, ...indented(this.#block(statement.body)), "}"];
      }
      case "store":
        return this.#store(statement);
      case "alloc":
        return this.#declare(statement.buffer, null);
      case "barrier":
        this.#memory.forget();
        return ["workgroupBarrier();"];
      case "meet":
        return this.#meet(statement);
    }
  }

  #loop({ variable, extent, body }: Loop): string[] {
    const end = sizeCode(extent, this.#sizes);
    const name = this.#names.claim(plainName(variable));
    this.#variables.set(variable, name);
    this.#depth++;
    const lines = this.#block(body);
    this.#depth--;
    this.#names.release(name);
    if (lines.length === 0) return [];
    return [`for (var ${name} = 0; ${name} < ${inside(end, level.additive)}; ${name}++) {`, ...indented(lines), "}"];
  }

  /** A loop that lanes share which run together. */
  #sharedLoop(loop: Loop): string[] {
    this.#extensions.add("subgroups");
    return sharedLoopText(loop, {
      names: this.#names,
      variables: this.#variables,
      memory: this.#memory,
      quad: this.#quad,
      end: inside(sizeCode(loop.extent, this.#sizes), level.additive),
      code: (expression) => this.#code(expression).text,
      block: (body) => this.#block(body),
      prepare: (store) => this.#prepare(store),
    });
  }

  /** A vector loop: what its statements do, to four numbers at once. */
  #vectors({ variable, body }: Loop): string[] {
    this.#memory.vector = variable;
    const lines = body.flatMap((each) => this.#statement(each));
    this.#memory.vector = null;
    return lines;
  }

  /** Loops over lanes: what each invocation of the workgroup does. */
  #lanes(nest: Nest): string[] {
    const count = laneCount(nest);
    const lines = [...this.#decoded(nest.loops, call("i32", primary("lane"))), ...this.#block(nest.body)];
    this.#releaseLoops(nest.loops);
    if (count === this.#sections.lanes) return ["{", ...indented(lines), "}"];
    return [`if (lane < ${count}u) {`, ...indented(lines), "}"];
  }

  #declare(buffer: Buffer, first: Store | null): string[] {
    const count = buffer.shape.map(
      (extent) => constantOf(extent) ?? this.#fail(`${buffer.name} has no constant shape`),
    );
    const elements = count.reduce((product, extent) => product * extent, 1);
    if (buffer.scope === "workgroup") {
      const name = this.#names.claim(buffer.name);
      this.#variables.set(buffer, name);
      this.#shared.push(`var<workgroup> ${name}: ${this.#memory.arrayType(buffer, elements)};`);
      this.#sharedBytes += 16 * Math.ceil(elements / (buffer.element === "f16" && this.halves ? 8 : 4));
      return [];
    }
    if (buffer.shape.length > 0) {
      const name = this.#claim(buffer.name);
      this.#variables.set(buffer, name);
      const type = this.#memory.arrayType(buffer, elements);
      if (!type.startsWith("vec4") || first === null) return [`var ${name}: ${type};`];
      const lines = this.#prepare(first);
      return [...lines, `var ${name} = ${call(type, this.#code(first.value)).text};`];
    }
    const lines = first ? this.#prepare(first) : [];
    const value = first ? this.#code(first.value).text : null;
    const name = this.#claim(buffer.name);
    this.#variables.set(buffer, name);
    this.#lets.clear();
    const changes = !first || this.#storeCounts.get(buffer) !== 1;
    return [
      ...lines,
      `${changes ? "var" : "let"} ${name}: ${this.#memory.elementType(buffer)}${value === null ? "" : ` = ${value}`};`,
    ];
  }

  #meet({ buffer, update }: Extract<Statement, { kind: "meet" }>): string[] {
    this.#memory.forget();
    this.#extensions.add("subgroups");
    const [{ lanes }, name] = [this.#sections, this.#nameOf(buffer, buffer.name)];
    const memory = this.#names.claim(`${buffer.name}_lanes`);
    this.#shared.push(`var<workgroup> ${memory}: array<${variableTypes[buffer.element]}, ${lanes}>;`);
    this.#sharedBytes += 4 * lanes;
    const identity = this.#code(identityOf(update, buffer.element)).text;
    return meetingText({ name, update, identity, memory, lanes, isRepeated: this.#depth > 0 }, this.#names);
  }

  #fail(message: string): never {
    throw new InternalError(`kernel ${this.kernel.name}: ${message}`);
  }

  #store(statement: Store): string[] {
    const { buffer, index, value, update } = statement;
    const lines = this.#prepare(statement);
    if (this.#memory.vector !== null) return [...lines, ...this.#vectorStore(statement)];
    const target = isVariable(buffer) ? primary(this.#nameOf(buffer, buffer.name)) : this.#memory.place(buffer, index);
    const [isMemory, isBool] = [buffer.scope !== "private", buffer.element === "bool"];
    let code = this.#code(value);
    const current = isMemory && isBool ? comparison(target, "!=", primary("0u")) : target;
    if (update !== null) code = this.#updated(buffer, current, code, update);
    if (buffer.scope === "global") {
      if (buffer.element === "f32" && mayBeUnbounded(value, this.#unbounded)) {
        code = call(this.#context.helper("with_infinities"), code);
      }
      if (buffer.element !== "f16" || !this.halves) code = roundedTo(buffer.element, code, this.#context.helper);
    }
    if (isMemory && isBool) code = call("select", primary("0u"), primary("1u"), code);
    const packed = isPacked(buffer) ? this.#memory.packedStore(buffer, index, code) : null;
    this.#lets.clear();
    if (isMemory) this.#memory.forget();
    return [...lines, ...(packed ?? [compound(`${target.text} = ${code.text};`)])];
  }

  #vectorStore({ buffer, index, value, update }: Store): string[] {
    const parts = this.#memory.partsStored(buffer, index);
    const target = parts === null ? this.#memory.place(buffer, index) : call(vectorType(buffer.element), ...parts);
    const vector = this.#memory.vector!;
    let code = vectorCode(value, {
      vector,
      scalar: (expression) => this.#code(expression),
      load: (load) => this.#element(load),
      helper: this.#context.helper,
    });
    if (update !== null) code = this.#updated(buffer, target, code, update);
    if (buffer.scope === "global" && buffer.element === "f32" && mayBeUnbounded(value, this.#unbounded)) {
      code = call(this.#context.helper("with_infinities_4"), code);
    }
    this.#lets.clear();
    if (buffer.scope !== "private") this.#memory.forget();
    if (parts === null) return [compound(`${target.text} = ${code.text};`)];
    const name = this.#claim(`${this.#nameOf(buffer, buffer.name)}_new`);
    const stores = parts.map(({ text }, lane) => `${text} = ${component(primary(name), lane).text};`);
    return [`let ${name} = ${code.text};`, ...stores];
  }

  #updated({ element }: Buffer, current: Code, code: Code, update: NonNullable<Store["update"]>): Code {
    if (element === "bool") return infix(current, update === "max" ? "||" : "&&", code, level.and);
    return update === "add" ? infix(current, "+", code, level.additive) : call(update, current, code);
  }

  /** The code of an expression: its name where a constant holds it. */
  #code(expression: Expression): Code {
    const name = this.#lets.get(expression);
    return name === undefined ? expressionCode(expression, this.#context) : primary(name);
  }

  #element({ buffer, index }: Load): Code {
    if (isVariable(buffer)) return primary(this.#nameOf(buffer, buffer.name));
    const value = this.#memory.value(buffer, index);
    return buffer.element === "bool" && buffer.scope !== "private" ? comparison(value, "!=", primary("0u")) : value;
  }

  /** Names what a statement uses twice. */
  #prepare(statement: Statement): string[] {
    this.#lets.clear();
    const { vector } = this.#memory;
    const lines = statement.kind === "store" ? this.#memory.load(statement, (wanted) => this.#claim(wanted)) : [];
    const uses = countUses(expressionsOf(statement), () => false);
    // Operands were counted after what uses them; they are named before.
    for (const [expression, count] of [...uses].reverse()) {
      if (count < 2 || !isWorthNaming(expression) || (vector !== null && dependsOn(expression, vector))) continue;
      const { text } = this.#code(expression);
      const name = this.#claim(constantName(expression, (buffer) => this.#nameOf(buffer, buffer.name)));
      lines.push(`let ${name} = ${text};`);
      this.#lets.set(expression, name);
    }
    return lines;
  }
}
