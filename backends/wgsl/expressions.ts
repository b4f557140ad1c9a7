/**
 * Expressions of kernels as WGSL. f32 is f32; f16 is kept in f32, rounded where a value is cast to it; i32 wraps around
 * in WGSL as it does in kernels; bool is bool in variables, and 0 and 1 in buffers.
 *
 * Infinities do not occur in shaders: within a kernel the largest number stands for one, as the start of a maximum or
 * under a mask. See helpers.ts for what leaves a kernel.
 */
import { InternalError } from "../../src/diagnostics/index.js";
import { isNarrowFloat } from "../../src/ir/graph/types.js";
import type { Expression, KernelBinary, KernelElement, KernelUnary } from "../../src/ir/kernel/index.js";
import {
  type Code,
  call,
  comparison,
  infix,
  inside,
  level,
  numberCode,
  plus,
  prefix,
  primary,
  shortestFloat,
  times,
} from "../common/code.js";
import { smallPower } from "../common/constants.js";
import { integerRange, isPositive, powerOfTwo, type Shift, shiftOf, signedBitsOf } from "../common/integers.js";
import { type SizeDialect, sizeCode } from "../common/sizes.js";
import type { HelperName } from "./helpers.js";

type Of<K extends Expression["kind"]> = Extract<Expression, { kind: K }>;

export interface ExpressionContext {
  readonly sizes: SizeDialect;
  /** The code of an expression beneath another one: a name where it has one. */
  readonly code: (expression: Expression) => Code;
  /** An element of a buffer, of the type that expressions have. */
  readonly element: (load: Of<"load">) => Code;
  /** Whether f16 is f16, which then is only loaded, multiplied, cast and stored; else it is f32 that is rounded. */
  readonly halves: boolean;
  /** The name of a function that the shader will then carry. */
  readonly helper: (name: HelperName) => string;
}

/** The types of variables. */
export const variableTypes: { readonly [K in KernelElement]: string } = {
  f32: "f32",
  f16: "f32",
  i32: "i32",
  bool: "bool",
  i8: "i32",
  i16: "i32",
  bf16: "f32",
  f16f: "f32",
};

/** The types of elements in memory that is shared. */
export const memoryTypes: { readonly [K in KernelElement]: string } = {
  f32: "f32",
  f16: "f32",
  i32: "i32",
  bool: "u32",
  i8: "i32",
  i16: "i32",
  bf16: "f32",
  f16f: "f32",
};

/** Sizes as i32. */
export function shaderSizes(variable: SizeDialect["variable"], helper: (name: HelperName) => string): SizeDialect {
  return {
    variable,
    floorDiv: (a, b, isNonNegative) => (isNonNegative ? quotient(a, b) : call(helper("floor_divide_i32"), a, b)),
    mod: (a, b, isNonNegative) => (isNonNegative ? remainder(a, b) : call(helper("floor_mod_i32"), a, b)),
    extreme: (kind, operands) => operands.reduce((a, b) => call(kind, a, b)),
  };
}

/** It drops a remainder, so that a product of it cannot be grouped anew: it stands among factors in parentheses. */
export function quotient(a: Code, b: Code): Code {
  return { text: `${inside(a, level.unary)} / ${inside(b, level.unary)}`, level: level.additive };
}

export function remainder(a: Code, b: Code): Code {
  return { text: `${inside(a, level.unary)} % ${inside(b, level.unary)}`, level: level.remainder };
}

/** A number of type f32: with a point or an exponent, or it would be a whole number. */
export function floatCode(value: number, helper: ExpressionContext["helper"]): Code {
  if (Number.isNaN(value)) return primary(`bitcast<f32>(${helper("nan_bits")})`);
  const highest = Math.abs(value) >= 3.4028234663852886e38;
  if (highest) return value < 0 ? prefix("-", primary(helper("highest"))) : primary(helper("highest"));
  const rounded = Math.fround(value);
  const { text, level: at } = numberCode(shortestFloat(rounded));
  return { text: /[.e]/.test(text) ? text : `${text}.0`, level: at };
}

/** The code of an expression, made of those of its operands. */
export function expressionCode(expression: Expression, context: ExpressionContext): Code {
  switch (expression.kind) {
    case "constant":
      if (expression.element === "bool") return primary(expression.value === 0 ? "false" : "true");
      if (expression.element === "f16" && context.halves)
        return primary(`f16(${floatCode(expression.value, context.helper).text})`);
      return floatCode(expression.value, context.helper);
    case "index":
      return sizeCode(expression.value, context.sizes);
    case "load":
      return context.element(expression);
    case "unary":
      return unaryCode(expression, context);
    case "binary":
      return expression.left.element === "i32" ? integerCode(expression, context) : binaryCode(expression, context);
    case "select": {
      const [condition, yes, no] = [expression.condition, expression.yes, expression.no].map(context.code);
      return call("select", no!, yes!, condition!);
    }
    case "cast":
      return castCode(expression, context);
  }
}

const builtins: { readonly [K in KernelUnary]?: string } = {
  abs: "abs",
  sqrt: "sqrt",
  rsqrt: "inverseSqrt",
  floor: "floor",
  ceil: "ceil",
};

/** exp of more is no number of f32. */
export const largestExponent = primary("88.72");

function unaryCode({ operator, operand }: Of<"unary">, context: ExpressionContext): Code {
  const code = context.code(operand);
  switch (operator) {
    case "not":
      return prefix("!", code);
    case "neg":
      return prefix("-", code);
    case "exp":
      return call("exp", call("min", code, largestExponent));
    case "tanh":
      return call(context.helper("hyperbolic_tangent"), code);
    case "sin":
      return call(context.helper("sine"), code);
    case "cos":
      return call(context.helper("cosine"), code);
    case "log":
      return call(context.helper("logarithm"), code);
    case "log2":
      return call(context.helper("logarithm_2"), code);
    case "erf":
      return call(context.helper("erf"), code);
    default: {
      const name = builtins[operator];
      if (name === undefined) throw new InternalError(`${operator} has no function in WGSL`);
      return call(name, code);
    }
  }
}

const comparisons: { readonly [K in KernelBinary]?: string } = { lt: "<", le: "<=", eq: "==", ne: "!=" };

/** Operators on floats and on booleans. */
function binaryCode(expression: Of<"binary">, context: ExpressionContext): Code {
  const { operator, left, right } = expression;
  const [a, b] = [context.code(left), context.code(right)];
  const isTest = left === right && left.element !== "bool" && (operator === "eq" || operator === "ne");
  if (isTest) {
    const isNone = call(context.helper("is_nan"), a);
    return operator === "ne" ? isNone : prefix("!", isNone);
  }
  switch (operator) {
    case "add":
      return infix(a, "+", b, level.additive);
    case "sub":
      return infix(a, "-", b, level.additive);
    case "mul":
      return infix(a, "*", b, level.multiplicative);
    case "div":
      return { text: `${inside(a, level.power)} / ${inside(b, level.power)}`, level: level.multiplicative };
    case "floor_div":
      return call(context.helper("floor_divide"), a, b);
    case "mod":
      return call(context.helper("floor_mod"), a, b);
    case "pow": {
      const power = smallPower(expression);
      if (power === null) return call(context.helper("power"), a, b);
      const factors = Array.from({ length: power.exponent }, () => inside(a, level.power));
      return { text: factors.join(" * "), level: level.multiplicative };
    }
    case "max":
    case "min":
      return call(operator, a, b);
    case "and":
      return logic(a, "&&", b, level.and);
    case "or":
      return logic(a, "||", b, level.or);
    default:
      return ordered(a, operator, b);
  }
}

function ordered(a: Code, operator: KernelBinary, b: Code): Code {
  const text = comparisons[operator];
  if (text === undefined) throw new InternalError(`${operator} is no comparison`);
  return comparison(a, text, b);
}

/** A chain of one operator needs no parentheses; others get them. */
function logic(a: Code, operator: string, b: Code, at: number): Code {
  const side = (code: Code): string => (code.level === at ? code.text : inside(code, level.equality));
  return { text: `${side(a)} ${operator} ${side(b)}`, level: at };
}

/** Operators on i32. */
function integerCode(expression: Of<"binary">, context: ExpressionContext): Code {
  const found = signedBitsOf(expression);
  if (found !== null) {
    const { word, bits, offset } = found;
    return call("extractBits", context.code(word), primary(bitsCode(offset, context)), primary(`${bits}u`));
  }
  const { operator, left, right } = expression;
  const isNonNegative = integerRange(left).min >= 0;
  const shift = isNonNegative ? null : shiftOf(expression);
  if (shift !== null)
    return { text: `${inside(context.code(left), level.power)} >> ${bitsCode(shift, context)}`, level: level.bitwise };
  const exponent = isNonNegative ? null : powerOfTwo(expression);
  if (exponent !== null)
    return { text: `${inside(context.code(left), level.power)} & ${2 ** exponent - 1}`, level: level.bitwise };
  const [a, b] = [context.code(left), context.code(right)];
  switch (operator) {
    case "add":
      return infix(a, "+", b, level.additive);
    case "sub":
      return infix(a, "-", b, level.additive);
    case "mul":
      return infix(a, "*", b, level.multiplicative);
    case "floor_div":
      if (!isPositive(right)) return call(context.helper("floor_divide_i32"), a, b);
      return context.sizes.floorDiv(a, b, isNonNegative);
    case "mod":
      if (!isPositive(right)) return call(context.helper("floor_mod_i32"), a, b);
      return context.sizes.mod(a, b, isNonNegative);
    case "pow":
      return call(context.helper("power_i32"), a, b);
    case "max":
    case "min":
      return call(operator, a, b);
    default:
      return ordered(a, operator, b);
  }
}

/** A number of bits, as u32. */
function bitsCode(shift: Shift, context: ExpressionContext): string {
  if (typeof shift === "number") return `${shift}u`;
  return call("u32", times(context.code(shift.index), primary(String(shift.each)))).text;
}

function castCode({ operand, element }: Of<"cast">, context: ExpressionContext): Code {
  const code = context.code(operand);
  const from = operand.element;
  if (element === "bool") return comparison(code, "!=", primary(from === "i32" ? "0" : "0.0"));
  if (from === "bool") {
    const [zero, one] = element === "i32" ? ["0", "1"] : ["0.0", "1.0"];
    return call("select", primary(zero!), primary(one!), code);
  }
  if (element === "i32") return call(context.helper("to_i32"), code);
  if (context.halves && from === "f16") return element === "f16" ? code : call("f32", code);
  const float = from === "i32" ? call("f32", code) : code;
  if (context.halves && element === "f16") return call(context.helper("to_half"), float);
  return from === element ? float : roundedTo(element, float, context.helper);
}

/** A number as its element type holds it, which is f32 in variables. */
export function roundedTo(element: KernelElement, code: Code, helper: ExpressionContext["helper"]): Code {
  if (!isNarrowFloat(element)) return code;
  return call(element === "f16" ? "quantizeToF16" : helper(element === "bf16" ? "to_bf16" : "to_finite_f16"), code);
}

/** Whole numbers that say where an element lies: buffers are smaller than 2^31, so that nothing wraps. */
export function positionCode(expression: Expression, context: ExpressionContext): Code {
  if (expression.kind === "index") return sizeCode(expression.value, context.sizes);
  if (expression.kind !== "binary") return context.code(expression);
  if (expression.operator !== "add" && expression.operator !== "mul") return context.code(expression);
  const [a, b] = [expression.left, expression.right].map((each) => positionCode(each, context));
  return expression.operator === "add" ? plus(a!, b!) : times(a!, b!);
}
