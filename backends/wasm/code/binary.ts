/**
 * The bytes of a module, after the WebAssembly Core Specification 2.0, chapter 5.
 *
 * An encoder of our own: emission is what a compiler is for, and one for the instructions that are used here is shorter
 * than the code that would call another.
 */
import { InternalError } from "../../../src/diagnostics/index.js";
import { withSharedLocals } from "./locals.js";
import { kernelSignature, type ModuleCode, mostPages, type Signature, signatureKey, signaturesOf } from "./module.js";
import { operatorOf, unsigned, type ValueType } from "./operators.js";
import { productOfSum } from "./relaxed.js";
import { type Code, type FunctionCode, globalsOf, type Local, localsOf, type PlainCode, sumGlobals } from "./tree.js";

const typeBytes: { readonly [K in ValueType]: number } = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b };

export interface Encoding {
  /** For hosts with relaxed SIMD: with its kernels, and its instruction for products; the length is the same. */
  readonly isRelaxed?: boolean;
  /** Whether locals and instructions are just those of the text; if not given, locals share places. */
  readonly isVerbatim?: boolean;
}

export function encodeModule(
  module: ModuleCode,
  { isRelaxed = false, isVerbatim = false }: Encoding = {},
): Uint8Array<ArrayBuffer> {
  const signatures = signaturesOf(module);
  const typeNumber = (signature: Signature): number =>
    signatures.findIndex((each) => signatureKey(each) === signatureKey(signature));
  const functionNumbers = new Map<string, number>();
  for (const { name } of [...module.imports, ...module.functions]) functionNumbers.set(name, functionNumbers.size);
  const numberOf = (name: string): number => {
    const number = functionNumbers.get(name);
    if (number === undefined) throw new InternalError(`the module has no function ${name}`);
    return number;
  };
  const types = signatures.map(({ parameters, result }) => [
    0x60,
    ...list(parameters.map((each) => [typeBytes[each]])),
    ...list(result === null ? [] : [[typeBytes[result]]]),
  ]);
  const memory = [...text("host"), ...text("memory"), 0x02, 0x01, ...unsigned(1), ...unsigned(mostPages)];
  const imports = module.imports.map((each) => [...text("host"), ...text(each.name), 0x00, typeNumber(each)]);
  const declared = module.functions.map(({ parameters, result }) =>
    unsigned(typeNumber({ parameters: parameters.map(({ type }) => type), result })),
  );
  const exports = module.exports.map((name) => [...text(name), 0x00, ...unsigned(numberOf(name))]);
  const count = module.kernels.length;
  const inTable = (name: string): string => (isRelaxed ? (module.relaxed.get(name) ?? name) : name);
  const elements = list(module.kernels.map((name) => unsigned(numberOf(inTable(name)))));
  const bodies = module.functions.map((each) => {
    const code = isVerbatim ? each : withSharedLocals(each);
    const body = new FunctionEncoder(code, numberOf, typeNumber(kernelSignature), { isRelaxed, isVerbatim }).bytes();
    return [...unsigned(body.length), ...body];
  });
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, list(types)),
    ...section(2, list([memory, ...imports])),
    ...section(3, list(declared)),
    ...section(4, list([[0x70, 0x01, ...unsigned(count), ...unsigned(count)]])),
    ...section(6, list(globalsOf(module.functions).map((name) => globalBytes(sumGlobals.includes(name))))),
    ...section(7, list(exports)),
    ...section(9, list([[0x00, 0x41, 0x00, 0x0b, ...elements]])),
    ...section(10, list(bodies)),
  ]);
}

/**
 * A text that two functions have in common if and only if they do the same, what they are called does not matter; and the
 * bytes of its body, which are longer in numbers of functions only.
 */
export function contentOf(code: FunctionCode): { readonly key: string; readonly bytes: readonly number[] } {
  const callees = new Map<string, number>();
  const numberOf = (name: string): number => {
    if (!callees.has(name)) callees.set(name, callees.size);
    return callees.get(name)!;
  };
  const bytes = new FunctionEncoder(withSharedLocals(code), numberOf, 0, {}).bytes();
  const types = [...code.parameters.map(({ type }) => type), code.result];
  return { key: [types.join(), bytes.join(), ...callees.keys()].join(" "), bytes };
}

/** A global that begins with 0. */
function globalBytes(isVector: boolean): readonly number[] {
  const zero = isVector ? [...operatorOf("v128.const").bytes, ...new Uint8Array(16)] : [0x41, 0x00];
  return [typeBytes[isVector ? "v128" : "i32"], 0x01, ...zero, 0x0b];
}

function section(number: number, content: readonly number[]): number[] {
  return [number, ...unsigned(content.length), ...content];
}

function list(items: readonly (readonly number[])[]): number[] {
  return [...unsigned(items.length), ...items.flat()];
}

function text(value: string): number[] {
  return list([...new TextEncoder().encode(value)].map((byte) => [byte]));
}

/** Signed LEB128 of an i32. */
function signed(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; ) {
    const low = rest & 0x7f;
    rest >>= 7;
    const isLast = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
    bytes.push(isLast ? low : low | 0x80);
    if (isLast) return bytes;
  }
}

function bytesOf(array: Float32Array | Float64Array | Int32Array): number[] {
  return [...new Uint8Array(array.buffer)];
}

const nop = 0x01;
const localTee = 0x22;

/** A `local.set`: which local, and where its bytes begin and end. */
interface SetPlace {
  readonly local: Local | null;
  readonly at: number;
  readonly end: number;
}
const noSet: SetPlace = { local: null, at: -1, end: -1 };

/** Each group of locals begins at a multiple of this; the places before it that are left are declared, and never used. */
const groupStep = 4;

class FunctionEncoder {
  readonly #out: number[] = [];
  readonly #locals = new Map<Local, number>();
  /** Where the last `local.set` stands. */
  #lastSet = noSet;
  /** The names of loops around, and null for an `if`, outermost first. */
  readonly #labels: (string | null)[] = [];

  constructor(
    readonly code: FunctionCode,
    readonly functionNumber: (name: string) => number,
    readonly kernelType: number,
    readonly encoding: Encoding,
  ) {}

  bytes(): readonly number[] {
    const { parameters } = this.code;
    for (const [number, parameter] of parameters.entries()) this.#locals.set(parameter, number);
    const runs: { count: number; type: ValueType }[] = [];
    let count = parameters.length;
    const declare = (type: ValueType, until: number): void => {
      const last = runs.at(-1);
      if (last?.type === type) last.count += until - count;
      else if (until > count) runs.push({ count: until - count, type });
      count = until;
    };
    let before: Local | null = null;
    for (const local of localsOf(this.code)) {
      const isNext = before === null || (before.type === local.type && before.group === local.group);
      if (!isNext && local.group > 0) declare(before!.type, Math.ceil(count / groupStep) * groupStep);
      this.#locals.set(local, count);
      declare(local.type, count + 1);
      before = local;
    }
    this.#out.push(...list(runs.map(({ count, type }) => [...unsigned(count), typeBytes[type]])));
    this.#block(this.code.body);
    this.#out.push(0x0b);
    return this.#out;
  }

  #block(body: readonly Code[]): void {
    for (const each of body) this.#code(each);
  }

  #code(code: Code): void {
    switch (code.kind) {
      case "note":
        return;
      case "plain":
        return this.#plain(code);
      case "loop":
        this.#labels.push(code.name);
        this.#out.push(0x03, 0x40);
        this.#block(code.body);
        this.#out.push(0x0b);
        this.#labels.pop();
        return;
      case "if":
        this.#code(code.condition);
        this.#labels.push(null);
        this.#out.push(0x04, 0x40);
        this.#block(code.body);
        if (code.otherwise.length > 0) this.#out.push(0x05);
        this.#block(code.otherwise);
        this.#out.push(0x0b);
        this.#labels.pop();
        return;
      case "repeat": {
        this.#code(code.condition);
        const depth = this.#labels.length - 1 - this.#labels.lastIndexOf(code.loop);
        this.#out.push(0x0d, ...unsigned(depth));
        return;
      }
      case "call":
        this.#block(code.operands);
        this.#out.push(0x10, ...unsigned(this.functionNumber(code.callee)));
        return;
      case "kernel":
        this.#block(code.operands);
        this.#out.push(0x11, ...unsigned(this.kernelType), 0x00);
    }
  }

  #plain(code: PlainCode): void {
    if (code.name === "local.get" && code.local === this.#justSet()) {
      this.#out[this.#lastSet.at] = localTee;
      this.#lastSet = noSet;
      return;
    }
    const product = this.encoding.isRelaxed ? productOfSum(code) : null;
    if (product !== null) {
      this.#block(product.operands);
      this.#out.push(...operatorOf(product.name).bytes.map(() => nop));
      this.#block(code.operands.slice(1));
      this.#out.push(...operatorOf("f32x4.relaxed_madd").bytes);
      return;
    }
    this.#block(code.operands);
    const { bytes, immediate, align } = operatorOf(code.name);
    const at = this.#out.length;
    this.#out.push(...bytes);
    switch (immediate) {
      case "none":
        return;
      case "memory":
      case "memory lane":
        this.#out.push(align, ...unsigned(code.offset));
        if (immediate === "memory lane") this.#out.push(code.lane);
        return;
      case "lane":
        this.#out.push(code.lane);
        return;
      case "i32":
        this.#out.push(...signed(code.values[0]!));
        return;
      case "f32":
        this.#out.push(...bytesOf(Float32Array.from(code.values)));
        return;
      case "f64":
        this.#out.push(...bytesOf(Float64Array.from(code.values)));
        return;
      case "v128":
        this.#out.push(...bytesOf(code.isFloat ? Float32Array.from(code.values) : Int32Array.from(code.values)));
        return;
      case "shuffle":
        this.#out.push(...code.values);
        return;
      case "global":
        this.#out.push(code.values[0]!);
        return;
      case "local":
        this.#out.push(...unsigned(this.#locals.get(code.local!)!));
        if (code.name === "local.set") this.#lastSet = { local: code.local!, at, end: this.#out.length };
    }
  }

  /** The local that the instruction before sets, so that both can be one. */
  #justSet(): Local | null {
    return this.encoding.isVerbatim !== true && this.#lastSet.end === this.#out.length ? this.#lastSet.local : null;
  }
}
