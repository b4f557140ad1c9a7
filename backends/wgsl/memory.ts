/**
 * How a shader has the elements of buffers: where they lie, as numbers or as vectors of four, and the vectors that it
 * has loaded.
 */
import {
  type Buffer,
  distinctExpressions,
  type Expression,
  expressionsOf,
  index,
  type Kernel,
  type Statement,
  storedBuffers,
} from "../../src/ir/kernel/index.js";
import { dependsOn, lanes } from "../../src/schedule/legalise/vectors.js";
import { Rewriter } from "../../src/schedule/rewrite.js";
import { constantOf, exactDivide, type Size, type SizeVariable, size } from "../../src/sizes/index.js";
import { type Code, call, plus, primary, times } from "../common/code.js";
import { sizeCode } from "../common/sizes.js";
import { type ExpressionContext, memoryTypes, positionCode, variableTypes } from "./expressions.js";
import { isPacked, packedElement, packedStore, packedType, packedVector } from "./packed.js";
import { component, vectorType } from "./vectors.js";
import { type WidePlace, wideBuffers, widePlace } from "./wide.js";

export class ShaderMemory {
  /** Arrays of vectors. */
  readonly #wide: ReadonlySet<Buffer>;
  readonly #stored: ReadonlySet<Buffer>;
  /** The names of vectors that were loaded, by their places. */
  #loaded = new Map<string, { readonly buffer: Buffer; readonly name: string }>();
  /** The functions that read large arguments. */
  readonly readers = new Map<Buffer, string>();
  /** The variable of the vector loop that is printed. */
  vector: SizeVariable | null = null;

  constructor(
    kernel: Kernel,
    readonly context: ExpressionContext,
    readonly nameOf: (buffer: Buffer) => string,
  ) {
    this.#stored = new Set(storedBuffers(kernel.body));
    this.#wide = wideBuffers(kernel, (buffer) => {
      if (isPacked(buffer)) return !this.#stored.has(buffer);
      return buffer.element === "f32" || (buffer.element === "f16" && context.halves);
    });
  }

  /** The type of an array's elements. */
  elementType(buffer: Buffer): string {
    if (isPacked(buffer)) return packedType(this.#wide.has(buffer), this.#stored.has(buffer));
    if (this.#wide.has(buffer)) return vectorType(buffer.element);
    if (buffer.element === "f16" && this.context.halves) return "f16";
    return buffer.scope === "private" ? variableTypes[buffer.element] : memoryTypes[buffer.element];
  }

  /** The type of a buffer that the kernel allocates. */
  arrayType(buffer: Buffer, elements: number): string {
    if (this.#isOneVector(buffer)) return vectorType(buffer.element);
    return `array<${this.elementType(buffer)}, ${this.#wide.has(buffer) ? elements / 4 : elements}>`;
  }

  #isOneVector(buffer: Buffer): boolean {
    const { scope, shape } = buffer;
    return scope === "private" && shape.length === 1 && shape[0] === size(4) && this.#wide.has(buffer);
  }

  /** What is loaded in a block is gone after it. */
  inBlock<Result>(print: () => Result): Result {
    const before = this.#loaded;
    this.#loaded = new Map(before);
    const result = print();
    this.#loaded = before;
    return result;
  }

  /** What was loaded of buffers that may change from here on is loaded anew. */
  forget(): void {
    for (const [place, { buffer }] of this.#loaded) if (this.#stored.has(buffer)) this.#loaded.delete(place);
  }

  /** Row-major: `x[(b * T + t) * 768 + d]`; of vectors `x[(b * T + t) * 192 + d]`, or a number of one. */
  place(buffer: Buffer, at: readonly Expression[]): Code {
    if (!this.#wide.has(buffer)) return this.#element(buffer, at, buffer.shape);
    const wide = widePlace(at.at(-1)!, this.vector)!;
    const whole = this.#isOneVector(buffer) ? primary(this.nameOf(buffer)) : this.#vector(buffer, at, wide);
    return wide.lane === null ? whole : component(whole, wide.lane);
  }

  /** As `place`, from a vector that was loaded where it was. */
  value(buffer: Buffer, at: readonly Expression[]): Code {
    if (this.#isTakenApart(buffer, at)) {
      const numbers = this.#parts(buffer, at);
      const { text } = call(vectorType(buffer.element), ...numbers);
      return primary(this.#loaded.get(text)?.name ?? text);
    }
    if (!this.#wide.has(buffer) || this.#isOneVector(buffer)) return this.place(buffer, at);
    const wide = widePlace(at.at(-1)!, this.vector)!;
    const { text } = this.#vector(buffer, at, wide);
    const whole = primary(this.#loaded.get(text)?.name ?? text);
    return wide.lane === null ? whole : component(whole, wide.lane);
  }

  /** Whether a vector loop accesses neighbours of an array of numbers. */
  #isTakenApart(buffer: Buffer, at: readonly Expression[]): boolean {
    const { vector } = this;
    return vector !== null && !this.#wide.has(buffer) && at.some((each) => dependsOn(each, vector));
  }

  /** The numbers of a vector that a vector loop stores, where the array is one of numbers; else null. */
  partsStored(buffer: Buffer, at: readonly Expression[]): readonly Code[] | null {
    return this.#isTakenApart(buffer, at) ? this.#parts(buffer, at) : null;
  }

  #parts(buffer: Buffer, at: readonly Expression[]): readonly Code[] {
    return Array.from({ length: lanes }, (_, lane) => {
      const rewriter = new Rewriter().variable(this.vector!, size(lane));
      const place = at.map((each) => rewriter.expression(each));
      return this.#element(buffer, place, buffer.shape);
    });
  }

  #vector(buffer: Buffer, at: readonly Expression[], { vector }: WidePlace): Code {
    const shape = [...buffer.shape.slice(0, -1), exactDivide(buffer.shape.at(-1)!, size(4))!];
    const whole = this.#at(buffer, this.#offset([...at.slice(0, -1), index(vector)], shape));
    return isPacked(buffer) ? packedVector(buffer, whole, this.context.helper) : whole;
  }

  #element(buffer: Buffer, at: readonly Expression[], shape: readonly Size[]): Code {
    const offset = this.#offset(at, shape);
    if (!isPacked(buffer)) return this.#at(buffer, offset);
    return packedElement(buffer, offset, (word) => this.#at(buffer, word), this.context.helper);
  }

  /** The statements that write an element of which two lie in a word. */
  packedStore(buffer: Buffer, at: readonly Expression[], value: Code): string[] {
    const offset = this.#offset(at, buffer.shape);
    return packedStore(buffer, this.nameOf(buffer), offset, value, this.context.helper);
  }

  #offset(at: readonly Expression[], shape: readonly Size[]): Code {
    return at.reduce((offset, position, axis) => {
      const extent = shape[axis]!;
      if (constantOf(extent) === 1 && position.kind === "index" && position.value === size(0)) return offset;
      return plus(times(offset, sizeCode(extent, this.context.sizes)), positionCode(position, this.context));
    }, primary("0"));
  }

  #at(buffer: Buffer, offset: Code): Code {
    const reader = this.readers.get(buffer);
    return reader ? call(reader, offset) : primary(`${this.nameOf(buffer)}[${offset.text}]`);
  }

  /** Loads the vectors that a statement reads, unless they were loaded before. */
  load(statement: Statement, claim: (wanted: string) => string): string[] {
    const lines: string[] = [];
    for (const each of distinctExpressions(expressionsOf(statement))) {
      if (each.kind !== "load" || each.buffer.scope === "private") continue;
      const { buffer, index: at } = each;
      const isTakenApart = this.#isTakenApart(buffer, at);
      if (!isTakenApart && !this.#wide.has(buffer)) continue;
      const { text } = isTakenApart
        ? call(vectorType(buffer.element), ...this.#parts(buffer, at))
        : this.#vector(buffer, at, widePlace(at.at(-1)!, this.vector)!);
      if (this.#loaded.has(text)) continue;
      const name = claim(`${this.nameOf(buffer)}_at`);
      lines.push(`let ${name} = ${text};`);
      this.#loaded.set(text, { buffer, name });
    }
    return lines;
  }
}
