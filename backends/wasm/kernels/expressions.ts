/** Expressions of kernels as code: scalars, and vectors of four where they depend on the lane. */
import { InternalError } from "../../../src/diagnostics/index.js";
import { integerLimits } from "../../../src/ir/graph/types.js";
import {
  distinctExpressions,
  type Expression,
  index as indexExpression,
  type KernelElement,
  type KernelUnary,
} from "../../../src/ir/kernel/index.js";
import { Rewriter } from "../../../src/schedule/rewrite.js";
import { constantOf, type SizeVariable, size, sub, substitute, variablesOf } from "../../../src/sizes/index.js";
import { smallPower } from "../../common/constants.js";
import { integerRange, isPositive } from "../../common/integers.js";
import { type Code, call, f32, f32x4, get, i32, i32x4, Local, op } from "../code/tree.js";
import type { Addresses } from "./addresses.js";
import { bitsCode } from "./bits.js";
import type { Blocks } from "./blocks.js";
import { Dots, dotOf } from "./dots.js";
import { isFloat, loadOf, narrowFloatIn, valueType } from "./elements.js";
import { roundingOf, WordsOfFloats } from "./narrow-floats.js";
import type { Registers } from "./registers.js";
import type { SizeCode } from "./sizes.js";

type Of<K extends Expression["kind"]> = Extract<Expression, { kind: K }>;

const vectorCalls: { readonly [K in KernelUnary]?: string } = { exp: "exp4", tanh: "tanh4", erf: "erf4" };
const scalarCalls: { readonly [K in KernelUnary]?: string } = { log: "log", log2: "log2", sin: "sin", cos: "cos" };
const instructions: { readonly [K in KernelUnary]?: string } = {
  neg: "neg",
  abs: "abs",
  sqrt: "sqrt",
  floor: "floor",
  ceil: "ceil",
};

export class Expressions {
  readonly #wide = new Map<Expression, boolean>();
  readonly #dots: Dots;
  readonly #words: WordsOfFloats;

  constructor(
    readonly blocks: Blocks,
    readonly sizes: SizeCode,
    readonly addresses: Addresses,
    readonly registers: Registers,
    readonly lane: SizeVariable,
    /** Names a function that the module must have. */
    readonly helper: (name: string) => string,
  ) {
    this.#dots = new Dots(blocks, addresses);
    this.#words = new WordsOfFloats(blocks, addresses);
  }

  /** Whether the lanes of an expression differ. */
  isWide(expression: Expression): boolean {
    let wide = this.#wide.get(expression);
    if (wide === undefined) {
      const lane = this.lane;
      wide = [...distinctExpressions([expression])].some(
        (each) => each.kind === "index" && variablesOf(each.value).includes(lane),
      );
      this.#wide.set(expression, wide);
    }
    return wide;
  }

  /** The expression at one lane. */
  atLane(expression: Expression, lane: number): Expression {
    return new Rewriter().variable(this.lane, size(lane)).expression(expression);
  }

  /** A vector of four, of an expression whose lanes may be equal. */
  vector(expression: Expression, level = this.blocks.current): Code {
    if (this.isWide(expression)) return this.value(expression, level);
    if (expression.kind === "constant" && expression.element !== "bool") return f32x4(expression.value);
    if (expression.kind === "load" && isFloat(expression.element) && this.#isPlain(expression)) {
      // One instruction; as a scalar it may be in a local already.
      const known = this.blocks.held(expression);
      if (known === null) return this.#splatOfLoad(expression, level);
    }
    const scalar = this.value(expression, level);
    return this.#splat(expression, scalar);
  }

  /** Whether an element lies in memory as it is in registers. */
  #isPlain({ buffer }: Of<"load">): boolean {
    return !this.registers.has(buffer) && narrowFloatIn(buffer) === null;
  }

  #splat(expression: Expression, scalar: Code): Code {
    if (expression.element === "bool") return op("i32x4.ne", [op("i32x4.splat", [scalar]), i32x4(0)]);
    return op(isFloat(expression.element) ? "f32x4.splat" : "i32x4.splat", [scalar]);
  }

  #splatOfLoad(expression: Of<"load">, level: number): Code {
    const key = `splat ${this.#number(expression)}`;
    const known = this.blocks.held(key);
    if (known !== null) return known;
    const { pointer, offset } = this.addresses.of(expression.buffer, expression.index);
    const code = op("v128.load32_splat", [pointer], { offset });
    const outermost = Math.min(level, this.blocks.levelOf(expression));
    const uses = this.blocks.all[level]!.uses.get(expression) ?? 0;
    if (outermost === level && uses < 2) return code;
    const local = new Local(expression.buffer.name, "v128");
    return this.blocks.hold(key, outermost, local, code, expression);
  }

  readonly #numbers = new Map<Expression, number>();

  #number(expression: Expression): number {
    const number = this.#numbers.get(expression) ?? this.#numbers.size;
    this.#numbers.set(expression, number);
    return number;
  }

  /** The value of an expression for the block of a level; a vector where its lanes differ. */
  value(expression: Expression, level = this.blocks.current): Code {
    if (this.#isTrivial(expression)) return this.#computed(expression, level);
    const known = this.blocks.held(expression);
    if (known !== null) return known;
    const outermost = Math.min(level, this.blocks.levelOf(expression));
    const uses = this.blocks.all[level]!.uses.get(expression) ?? 0;
    if (outermost === level && uses < 2) return this.#computed(expression, level);
    const type = this.isWide(expression) ? "v128" : valueType(expression.element);
    return this.blocks.hold(
      expression,
      outermost,
      this.#local(expression, type),
      this.#computed(expression, outermost),
      expression,
    );
  }

  #local(expression: Expression, type: "v128" | "i32" | "f32" | "i64" | "f64"): Local {
    const name =
      expression.kind === "load" ? expression.buffer.name : "operator" in expression ? expression.operator : "value";
    return new Local(name, type);
  }

  #isTrivial(expression: Expression): boolean {
    if (expression.kind === "constant") return true;
    if (expression.kind === "index") return !this.isWide(expression);
    return expression.kind === "load" && this.registers.has(expression.buffer);
  }

  #computed(expression: Expression, level: number): Code {
    return this.isWide(expression) ? this.#wideCode(expression, level) : this.#scalarCode(expression, level);
  }

  /** The four lanes one by one, as a vector. */
  #packed(expression: Expression, level: number): Code {
    const lanes = [0, 1, 2, 3].map((lane) => this.value(this.atLane(expression, lane), level));
    const shape = isFloat(expression.element) ? "f32x4" : "i32x4";
    const packed = lanes
      .slice(1)
      .reduce(
        (vector, each, i) => op(`${shape}.replace_lane`, [vector, each], { lane: i + 1 }),
        op(`${shape}.splat`, [lanes[0]!]),
      );
    return expression.element === "bool" ? op("i32x4.ne", [packed, i32x4(0)]) : packed;
  }

  #wideCode(expression: Expression, level: number): Code {
    switch (expression.kind) {
      case "constant":
        throw new InternalError("a constant has no lanes");
      case "index": {
        const at = (lane: number) => substitute(expression.value, (each) => (each === this.lane ? size(lane) : null));
        const step = constantOf(sub(at(1), at(0)));
        const isRamp = step !== null && [2, 3].every((lane) => sub(at(lane), at(0)) === size(lane * step));
        if (!isRamp) return this.#packed(expression, level);
        const start = op("i32x4.splat", [this.value(indexExpression(at(0)), level)]);
        return op("i32x4.add", [start, i32x4(0, step, 2 * step, 3 * step)]);
      }
      case "load":
        return this.#wideLoad(expression, level);
      case "unary":
        return this.#wideUnary(expression, level);
      case "binary":
        return this.#wideBinary(expression, level);
      case "select": {
        const [yes, no] = [this.vector(expression.yes, level), this.vector(expression.no, level)];
        return op("v128.bitselect", [yes, no, this.vector(expression.condition, level)]);
      }
      case "cast": {
        const { operand, element } = expression;
        const value = this.vector(operand, level);
        if (element === operand.element) return value;
        if (element === "bool") return op(isFloat(operand.element) ? "f32x4.ne" : "i32x4.ne", [value, i32x4(0)]);
        if (operand.element === "bool") return op("v128.and", [value, isFloat(element) ? f32x4(1) : i32x4(1)]);
        if (!isFloat(element)) {
          const whole = isFloat(operand.element) ? op("i32x4.trunc_sat_f32x4_s", [value]) : value;
          if (element === "i32") return whole;
          const { min, max } = integerLimits(element);
          return op("i32x4.max_s", [op("i32x4.min_s", [whole, i32x4(max)]), i32x4(min)]);
        }
        const float = isFloat(operand.element) ? value : op("f32x4.convert_i32x4_s", [value]);
        const rounding = roundingOf(element);
        return rounding === null ? float : call(this.helper(rounding), float);
      }
    }
  }

  #wideLoad(expression: Of<"load">, level: number): Code {
    const { buffer, index } = expression;
    if (this.registers.has(buffer)) return get(this.registers.of(buffer, index).local);
    const stride = buffer.element === "bool" ? null : this.addresses.strideOf(buffer, index);
    if (stride === null) return this.#packed(expression, level);
    const { pointer, offset } = this.addresses.of(buffer, index);
    const narrow = narrowFloatIn(buffer);
    if (narrow !== null) {
      if (stride === 2) return this.#words.lanes(expression, narrow, level) ?? this.#packed(expression, level);
      if (stride !== 1) return this.#packed(expression, level);
      return this.#words.numbers(narrow, op("v128.load16x4_s", [pointer], { offset }), this.helper);
    }
    if (buffer.element === "i8" || buffer.element === "i16") {
      if (stride !== 1) return this.#packed(expression, level);
      if (buffer.element === "i16") return op("v128.load16x4_s", [pointer], { offset });
      const words = op("i16x8.extend_low_i8x16_s", [op("v128.load32_zero", [pointer], { offset })]);
      return op("i32x4.extend_low_i16x8_s", [words]);
    }
    if (stride === 1) return op("v128.load", [pointer], { offset });
    // Lanes apart: three are loaded into the vector that the first one fills.
    const first = op("v128.load32_splat", [pointer], { offset });
    if (stride < 0) return this.#packed(expression, level);
    return [1, 2, 3].reduce(
      (vector, lane) => op("v128.load32_lane", [pointer, vector], { offset: offset + 4 * lane * stride, lane }),
      first,
    );
  }

  #wideUnary(expression: Of<"unary">, level: number): Code {
    const { operator, operand } = expression;
    const float = isFloat(operand.element);
    if (scalarCalls[operator] !== undefined) return this.#packed(expression, level);
    const value = this.vector(operand, level);
    if (operator === "not") return op("v128.not", [value]);
    if (operator === "rsqrt") return op("f32x4.div", [f32x4(1), op("f32x4.sqrt", [value])]);
    const callee = vectorCalls[operator];
    if (callee !== undefined) return call(this.helper(callee), value);
    return op(`${float ? "f32x4" : "i32x4"}.${instructions[operator]}`, [value]);
  }

  #wideBinary(expression: Of<"binary">, level: number): Code {
    const { operator, left, right } = expression;
    const float = isFloat(left.element);
    const power = smallPower(expression);
    if (power !== null) {
      const base = this.#shared(power.base, level);
      return Array.from({ length: power.exponent }, () => base).reduce((a, b) => op("f32x4.mul", [a, b]));
    }
    const dot = operator === "add" && !float ? dotOf(expression, this.addresses, (each) => this.isWide(each)) : null;
    if (dot !== null) return this.#dots.code(dot, level);
    const value = (each: Expression): Code => this.vector(each, level);
    const bits = float ? null : bitsCode(expression, { shape: "i32x4", value, scalar: this.#scalarAt(level) });
    if (bits !== null) return bits;
    if (operator === "pow" || operator === "floor_div" || operator === "mod") return this.#packed(expression, level);
    const operands = [this.vector(left, level), this.vector(right, level)];
    if (operator === "and" || operator === "or") return op(`v128.${operator}`, operands);
    const sign = !float && (operator === "lt" || operator === "le" || operator === "max" || operator === "min");
    return op(`${float ? "f32x4" : "i32x4"}.${operator}${sign ? "_s" : ""}`, operands);
  }

  /** The code of what is the same for all lanes; null for anything else. */
  #scalarAt(level: number): (expression: Expression) => Code | null {
    return (expression) => (this.isWide(expression) ? null : this.value(expression, level));
  }

  /** An operand that is used more than once, in a local. */
  #shared(expression: Expression, level: number): Code {
    const code = this.value(expression, level);
    if (code.kind === "plain" && (code.name === "local.get" || code.name.endsWith(".const"))) return code;
    const type = this.isWide(expression) ? "v128" : valueType(expression.element);
    return this.blocks.hold(expression, level, this.#local(expression, type), code, expression);
  }

  #scalarCode(expression: Expression, level: number): Code {
    switch (expression.kind) {
      case "constant":
        return expression.element === "bool" ? i32(expression.value) : f32(expression.value);
      case "index":
        return this.sizes.at(expression.value, level);
      case "load": {
        const { buffer, index } = expression;
        if (this.registers.has(buffer)) {
          const { local, lane } = this.registers.of(buffer, index);
          const shape = isFloat(buffer.element) ? "f32x4" : "i32x4";
          return lane === null ? get(local) : op(`${shape}.extract_lane`, [get(local)], { lane });
        }
        const { pointer, offset } = this.addresses.of(buffer, index);
        const narrow = narrowFloatIn(buffer);
        if (narrow === null) return op(loadOf(buffer.element), [pointer], { offset });
        const bits = op("i32x4.splat", [op("i32.load16_s", [pointer], { offset })]);
        return op("f32x4.extract_lane", [this.#words.numbers(narrow, bits, this.helper)]);
      }
      case "unary":
        return this.#scalarUnary(expression, level);
      case "binary":
        return this.#scalarBinary(expression, level);
      case "select": {
        const [yes, no] = [this.value(expression.yes, level), this.value(expression.no, level)];
        return op("select", [yes, no, this.value(expression.condition, level)]);
      }
      case "cast": {
        const { operand, element } = expression;
        const value = this.value(operand, level);
        if (element === operand.element) return value;
        if (element === "bool")
          return isFloat(operand.element) ? op("f32.ne", [value, f32(0)]) : op("i32.ne", [value, i32(0)]);
        if (!isFloat(element)) {
          const whole = isFloat(operand.element) ? op("i32.trunc_sat_f32_s", [value]) : value;
          if (element === "i32" || operand.element === "bool") return whole;
          return this.#clamped(whole, element);
        }
        const float = isFloat(operand.element) ? value : op("f32.convert_i32_s", [value]);
        const rounding = roundingOf(element);
        return rounding === null ? float : this.#byLane(rounding, float);
      }
    }
  }

  /** A whole number within the limits of its type. */
  #clamped(value: Code, element: KernelElement): Code {
    const { min, max } = integerLimits(element);
    const vector = op("i32x4.min_s", [op("i32x4.splat", [value]), i32x4(max)]);
    return op("i32x4.extract_lane", [op("i32x4.max_s", [vector, i32x4(min)])], { lane: 0 });
  }

  /** A function of vectors for one number. */
  #byLane(callee: string, value: Code): Code {
    return op("f32x4.extract_lane", [call(this.helper(callee), op("f32x4.splat", [value]))]);
  }

  #scalarUnary(expression: Of<"unary">, level: number): Code {
    const { operator, operand } = expression;
    if (operator === "not") return op("i32.eqz", [this.value(operand, level)]);
    if (operand.element === "i32") {
      if (operator === "neg") return op("i32.sub", [i32(0), this.value(operand, level)]);
      const value = this.#shared(operand, level);
      return op("select", [value, op("i32.sub", [i32(0), value]), op("i32.ge_s", [value, i32(0)])]);
    }
    const value = this.value(operand, level);
    if (operator === "rsqrt") return op("f32.div", [f32(1), op("f32.sqrt", [value])]);
    const vectorCall = vectorCalls[operator];
    if (vectorCall !== undefined) return this.#byLane(vectorCall, value);
    const scalarCall = scalarCalls[operator];
    if (scalarCall !== undefined) return call(this.helper(scalarCall), value);
    return op(`f32.${instructions[operator]}`, [value]);
  }

  #scalarBinary(expression: Of<"binary">, level: number): Code {
    const { operator, left, right } = expression;
    const float = isFloat(left.element);
    const power = smallPower(expression);
    if (power !== null) {
      const base = this.#shared(power.base, level);
      return Array.from({ length: power.exponent }, () => base).reduce((a, b) => op("f32.mul", [a, b]));
    }
    if (!float && (operator === "max" || operator === "min")) {
      const [a, b] = [this.#shared(left, level), this.#shared(right, level)];
      return op("select", [a, b, op(operator === "max" ? "i32.gt_s" : "i32.lt_s", [a, b])]);
    }
    const value = (each: Expression): Code => this.value(each, level);
    const bits = float ? null : bitsCode(expression, { shape: "i32", value, scalar: this.#scalarAt(level) });
    if (bits !== null) return bits;
    const [a, b] = [this.value(left, level), this.value(right, level)];
    if (operator === "pow") return call(this.helper(float ? "pow" : "pow_i32"), a, b);
    if (operator === "floor_div" || operator === "mod") {
      const isQuotient = operator === "floor_div";
      if (float) return call(this.helper(isQuotient ? "floorDivide" : "floorMod"), a, b);
      const isPlain = integerRange(left).min >= 0 && isPositive(right);
      if (isPlain) return op(isQuotient ? "i32.div_u" : "i32.rem_u", [a, b]);
      return call(this.helper(isQuotient ? "floor_div" : "floor_mod"), a, b);
    }
    const sign = !float && (operator === "lt" || operator === "le");
    return op(`${float ? "f32" : "i32"}.${operator}${sign ? "_s" : ""}`, [a, b]);
  }
}
