/**
 * A key that two kernels share exactly if they compute the same in the same way, whatever their buffers and loops are
 * called and wherever they come from. Equal layers share their kernels by it.
 *
 * Loop variables are replaced by canonical ones of the same number and range, buffers by their order. The key holds ids
 * of interned sizes, so that it means something only within one process.
 */
import { constantOf, rangeOf, type Size, SizeVariable, size, substitute } from "../../sizes/index.js";
import type { Buffer, Expression, Kernel, KernelVariant, Statement } from "./kernel.js";
import { layoutText } from "./layout.js";
import { expressionsOf, operandsOf } from "./traversal.js";

/**
 * By the newer bound of their range. They, and all sizes over them, live as long as a kernel whose key was made of them: kernels
 * that live at one time have the same, and a process that compiles on and on keeps none.
 */
const canonicalVariables = new WeakMap<Size, Map<string, WeakRef<SizeVariable>>>();
const ended = new FinalizationRegistry<() => void>((forget) => forget());

function canonicalVariable(number: number, min: Size, max: Size | null, step = 1): SizeVariable {
  const newest = max !== null && max.id > min.id ? max : min;
  const variables = canonicalVariables.get(newest) ?? new Map<string, WeakRef<SizeVariable>>();
  canonicalVariables.set(newest, variables);
  const key = `${number} ${min.id} ${max?.id} ${step}`;
  const known = variables.get(key)?.deref();
  if (known !== undefined) return known;
  const variable = new SizeVariable(`$${number}`, min, max, step);
  const reference = new WeakRef(variable);
  variables.set(key, reference);
  ended.register(variable, () => {
    if (variables.get(key) === reference) variables.delete(key);
  });
  return variable;
}

/** A key, and the variables that it was made of. */
interface Key {
  readonly text: string;
  readonly variables: readonly SizeVariable[];
}

/** Kernels never change, and equal ones of a scheduled graph are one object. */
const keys = new WeakMap<Kernel, Key>();

/** Keys of kernels that live at one time can be compared. */
export function kernelKey(kernel: Kernel): string {
  const known = keys.get(kernel);
  if (known !== undefined) return known.text;
  const key = written(kernel, new KeyWriter());
  keys.set(kernel, key);
  return key.text;
}

const keysOverSizes = new WeakMap<Kernel, Key>();

/** A key that two kernels share exactly if they are equal up to the names and the bounds of their run-time sizes. */
function keyOverSizes(kernel: Kernel): string {
  const known = keysOverSizes.get(kernel);
  if (known !== undefined) return known.text;
  const writer = new KeyWriter();
  for (const variable of kernel.sizes) writer.size(variable);
  const key = written(kernel, writer);
  keysOverSizes.set(kernel, key);
  return key.text;
}

function written({ reads, writes, body, variants = [] }: Kernel, writer: KeyWriter): Key {
  for (const buffer of reads) writer.buffer("reads", buffer);
  for (const buffer of writes) writer.buffer("writes", buffer);
  writer.statements(body);
  for (const variant of variants) writer.variant(variant);
  return { text: writer.parts.join("\n"), variables: writer.variables };
}

/**
 * What is found out about kernels, once for all that are equal up to the names of their sizes: the layers of a model, and
 * those of its steps.
 *
 * What must stay true: what is found for a kernel holds for all values within the bounds of its sizes. So it holds for one
 * over sizes that lie within the same numbers, but not the other way where the bounds of a size are other sizes.
 */
export class KernelMemo<T> {
  /** With its kernel, without which a key means nothing. */
  readonly #exact = new Map<string, { readonly kernel: Kernel; readonly found: T }>();
  readonly #overSizes = new Map<string, { readonly kernel: Kernel; readonly found: T }>();

  /**
   * @param find finds it for a kernel that is not known.
   * @param adapt makes it, from what was found for a kernel over other sizes, in their order.
   */
  of(kernel: Kernel, find: () => T, adapt: (found: T, of: Kernel) => T = (found) => found): T {
    const key = kernelKey(kernel);
    const known = this.#exact.get(key);
    if (known !== undefined) return known.found;
    const general = keyOverSizes(kernel);
    const other = this.#overSizes.get(general);
    const isKnown = other !== undefined && isWithinSizes(kernel, other.kernel);
    const found = isKnown ? adapt(other.found, other.kernel) : find();
    this.#exact.set(key, { kernel, found });
    if (other === undefined && hasNumericBounds(kernel)) this.#overSizes.set(general, { kernel, found });
    return found;
  }
}

function hasNumericBounds({ sizes }: Kernel): boolean {
  return sizes.every(({ min, max }) => constantOf(min) !== null && (max === null || constantOf(max) !== null));
}

/** Whether the sizes of a kernel lie between the numbers that those of another, in their order, do. */
function isWithinSizes({ sizes }: Kernel, other: Kernel): boolean {
  return sizes.every((variable, position) => {
    const [own, others] = [rangeOf(size(variable)), rangeOf(size(other.sizes[position]!))];
    return others.min <= own.min && own.max <= others.max;
  });
}

class KeyWriter {
  readonly parts: string[] = [];
  readonly #buffers = new Map<Buffer, number>();
  readonly #expressions = new Map<Expression, number>();
  readonly #loops = new Map<SizeVariable, Size>();
  /** The canonical ones, in order. */
  readonly variables: SizeVariable[] = [];

  /** A run-time size, of which no more counts than its position and its step. */
  size(variable: SizeVariable): void {
    const { step } = variable;
    this.#canonical(variable, size(0), null, step);
    this.parts.push(`size ${step}`);
  }

  #canonical(variable: SizeVariable, min: Size, max: Size | null, step = 1): void {
    const canonical = canonicalVariable(this.#loops.size, min, max, step);
    this.variables.push(canonical);
    this.#loops.set(variable, size(canonical));
  }

  /** Another body over the same arguments, and when it runs. */
  variant({ device, few, body }: KernelVariant): void {
    this.parts.push(`variant ${device} ${few === null ? null : `${this.#size(few.size)} ${few.most}`}`);
    this.statements(body);
  }

  buffer(role: string, buffer: Buffer): void {
    this.#buffers.set(buffer, this.#buffers.size);
    const shape = buffer.shape.map((each) => this.#size(each)).join();
    const { constant = false, packed } = buffer.facts;
    const facts = [constant ? "constant" : "", packed === undefined ? "" : layoutText(packed.layout)].join(" ");
    this.parts.push(`${role} ${buffer.element} ${buffer.scope} ${shape} ${facts}`);
  }

  statements(statements: readonly Statement[]): void {
    for (const statement of statements) this.#statement(statement);
    this.parts.push("end");
  }

  #statement(statement: Statement): void {
    const expressions = expressionsOf(statement).map((each) => this.#expression(each));
    switch (statement.kind) {
      case "for": {
        const { variable, extent, loop, body } = statement;
        const [min, max] = [this.#renamed(variable.min), variable.max && this.#renamed(variable.max)];
        this.#canonical(variable, min, max);
        this.parts.push(`for ${loop} ${min.id} ${max?.id} ${this.#size(extent)}`);
        this.statements(body);
        break;
      }
      case "store":
        this.parts.push(`store ${this.#buffers.get(statement.buffer)} ${statement.update} ${expressions.join()}`);
        break;
      case "if":
        this.parts.push(`if ${expressions.join()}`);
        this.statements(statement.body);
        break;
      case "alloc":
        this.buffer("alloc", statement.buffer);
        break;
      case "barrier":
        this.parts.push("barrier");
        break;
      case "meet":
        this.parts.push(`meet ${this.#buffers.get(statement.buffer)} ${statement.update}`);
    }
  }

  /** The number of an expression, which is written where it is met first. */
  #expression(expression: Expression): number {
    const known = this.#expressions.get(expression);
    if (known !== undefined) return known;
    const operands = operandsOf(expression).map((each) => this.#expression(each));
    this.parts.push(`${expression.element} ${this.#tag(expression)} ${operands.join()}`);
    const number = this.#expressions.size;
    this.#expressions.set(expression, number);
    return number;
  }

  #tag(expression: Expression): string {
    switch (expression.kind) {
      case "constant":
        return Object.is(expression.value, -0) ? "-0" : String(expression.value);
      case "index":
        return `index ${this.#size(expression.value)}`;
      case "unary":
      case "binary":
        return expression.operator;
      case "select":
      case "cast":
        return expression.kind;
      case "load":
        return `load ${this.#buffers.get(expression.buffer)}`;
    }
  }

  #size(value: Size): number {
    return this.#renamed(value).id;
  }

  #renamed(value: Size): Size {
    return substitute(value, (variable) => this.#loops.get(variable) ?? null);
  }
}
