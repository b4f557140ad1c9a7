/**
 * Expressions of kernels as JavaScript. Floats are numbers in f64, rounded where rounding.ts says; i32 are numbers that
 * are whole and wrapped; bool are booleans, and 0 and 1 in arrays.
 *
 * Where elements lie and what has a name already is the business of whoever prints statements: see `ExpressionContext`.
 */
import { InternalError } from "../../src/diagnostics/index.js";
import { integerLimits, isFloat, isNarrowFloat, type NarrowFloat } from "../../src/ir/graph/types.js";
import type { Expression, KernelBinary, KernelUnary } from "../../src/ir/kernel/index.js";
import {
  type Code,
  call,
  comparison,
  conditional,
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
import {
  exactRange,
  fitsInt32,
  integerRange,
  isPositive,
  powerOfTwo,
  type Shift,
  type SignedBits,
  shiftOf,
  signedBitsOf,
} from "../common/integers.js";
import { quotient, remainder } from "../common/javascript.js";
import { type SizeDialect, sizeCode } from "../common/sizes.js";
import type { Rounding } from "./rounding.js";

type Of<K extends Expression["kind"]> = Extract<Expression, { kind: K }>;

export interface ExpressionContext {
  readonly rounding: Rounding;
  readonly sizes: SizeDialect;
  /** The code of an expression beneath another one: a name where it has one. */
  readonly code: (expression: Expression) => Code;
  /** An element of a buffer as its array or variable holds it: a bool in an array is a number. */
  readonly element: (load: Of<"load">) => Code;
  /** The name of a function of the host code, which the module will then carry. */
  readonly helper: (name: HelperName) => string;
}

/** Functions of the host code that kernels call, and what they name the tables of values by their bits. */
export const helperNames = [
  "brainFloats",
  "brainFloatValues",
  "divideIntegers",
  "erf",
  "floorDivide",
  "floorMod",
  "halfValues",
  "halves",
  "moduloIntegers",
  "powerOfIntegers",
  "roundToBrainFloat",
  "roundToFiniteHalf",
  "roundToHalf",
  "toBrainFloat",
  "toFiniteHalf",
  "toHalf",
  "toInt32",
] as const;
export type HelperName = (typeof helperNames)[number];

/** How floats of 16 bits lie in arrays. */
export interface BitsOfFloats {
  /** The function that gives the table of all values, and what a kernel calls the table. */
  readonly values: HelperName;
  readonly table: HelperName;
  /** The function from a number to its bits, and the one that rounds it. */
  readonly encode: HelperName;
  readonly round: HelperName;
}

export const bitsOfFloats: { readonly [K in NarrowFloat]: BitsOfFloats } = {
  f16: { values: "halfValues", table: "halves", encode: "toHalf", round: "roundToHalf" },
  f16f: { values: "halfValues", table: "halves", encode: "toFiniteHalf", round: "roundToFiniteHalf" },
  bf16: { values: "brainFloatValues", table: "brainFloats", encode: "toBrainFloat", round: "roundToBrainFloat" },
};

/** Sizes inside kernels, which are less than 2^31. */
export function kernelSizes(variable: SizeDialect["variable"], helper: (name: HelperName) => string): SizeDialect {
  return {
    variable,
    floorDiv: (a, b, isNonNegative) => (isNonNegative ? truncated(quotient(a, b)) : call("Math.floor", quotient(a, b))),
    mod: (a, b, isNonNegative) => (isNonNegative ? remainder(a, b) : call(helper("floorMod"), a, b)),
    extreme: (kind, operands) => call(`Math.${kind}`, ...operands),
  };
}

/** Cut to a whole number and wrapped to i32. */
function truncated(code: Code): Code {
  return { text: `${inside(code, level.unary)} | 0`, level: level.bitwise };
}

/** The code of an expression, made of those of its operands. */
export function expressionCode(expression: Expression, context: ExpressionContext): Code {
  const code = operatorCode(expression, context);
  if (!context.rounding.needed(expression)) return code;
  const { element } = expression;
  return call(isNarrowFloat(element) ? context.helper(bitsOfFloats[element].round) : "Math.fround", code);
}

/** The value of a bool expression as an array holds it. */
export function storedBool(value: Expression, context: ExpressionContext): Code {
  const known = value.kind === "cast" ? value.operand : value;
  if (known.kind === "constant") return primary(known.value === 0 ? "0" : "1");
  return value.kind === "load" && isInArray(value)
    ? context.element(value)
    : conditional(context.code(value), primary("1"), primary("0"));
}

/** A number of type f32 as it may have been written, rounded where that is not the number itself. */
function floatConstant(value: number): Code {
  const short = Number.isFinite(value) && Math.fround(value) === value ? shortestFloat(value) : value;
  return short === value ? numberCode(value) : call("Math.fround", numberCode(short));
}

function operatorCode(expression: Expression, context: ExpressionContext): Code {
  switch (expression.kind) {
    case "constant":
      return expression.element === "bool"
        ? primary(expression.value === 0 ? "false" : "true")
        : floatConstant(expression.value);
    case "index":
      return sizeCode(expression.value, context.sizes);
    case "load": {
      const element = context.element(expression);
      const isNumber = expression.element === "bool" && isInArray(expression);
      return isNumber ? comparison(element, "!==", primary("0")) : element;
    }
    case "unary":
      return unaryCode(expression, context);
    case "binary":
      return expression.left.element === "i32" ? integerCode(expression, context) : floatCode(expression, context);
    case "select": {
      const [condition, yes, no] = [expression.condition, expression.yes, expression.no].map(context.code);
      return conditional(condition!, yes!, no!);
    }
    case "cast":
      return castCode(expression, context);
  }
}

/** Whether the element lies in an array, and not in a variable. */
export function isInArray({ buffer }: Of<"load">): boolean {
  return buffer.scope === "global" || buffer.shape.length > 0;
}

const functions: { readonly [K in KernelUnary]?: string } = {
  abs: "Math.abs",
  exp: "Math.exp",
  log: "Math.log",
  log2: "Math.log2",
  sqrt: "Math.sqrt",
  sin: "Math.sin",
  cos: "Math.cos",
  tanh: "Math.tanh",
  floor: "Math.floor",
  ceil: "Math.ceil",
};

function unaryCode(expression: Of<"unary">, context: ExpressionContext): Code {
  const { operator, operand } = expression;
  const code = context.code(operand);
  if (operator === "not") return negation(code);
  if (operand.element === "i32") {
    // 0 - x and not -x, which is -0 for x = 0.
    const value = operator === "neg" ? infix(primary("0"), "-", code, level.additive) : call("Math.abs", code);
    return fitsInt32(exactRange(expression)) ? value : truncated(value);
  }
  if (operator === "neg") return prefix("-", code);
  if (operator === "rsqrt") return infix(primary("1"), "/", call("Math.sqrt", code), level.multiplicative);
  if (operator === "erf") return call(context.helper("erf"), code);
  const name = functions[operator];
  if (name === undefined) throw new InternalError(`${operator} has no function in JavaScript`);
  return call(name, code);
}

/** The opposite: of an equality the other one, but of `<` not `>=`, because of NaN. */
function negation(code: Code): Code {
  const sides = code.level === level.equality ? code.text.split(/ ([!=]==) /) : [];
  if (sides.length !== 3) return prefix("!", code);
  const [left, operator, right] = sides;
  return { text: `${left} ${operator === "===" ? "!==" : "==="} ${right}`, level: level.equality };
}

const comparisons: { readonly [K in KernelBinary]?: string } = { lt: "<", le: "<=", eq: "===", ne: "!==" };

/** Operators on floats and on booleans. */
function floatCode(expression: Of<"binary">, context: ExpressionContext): Code {
  const { operator, left, right } = expression;
  const known = knownEquality(expression);
  if (known !== null) return primary(String(known));
  const [a, b] = [context.code(left), context.code(right)];
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
      return call(context.helper("floorDivide"), a, b);
    case "mod":
      return call(context.helper("floorMod"), a, b);
    case "pow": {
      const power = smallPower(expression);
      if (power !== null) return product(Array.from({ length: power.exponent }, () => a));
      return { text: `${inside(a, level.primary)} ** ${inside(b, level.unary)}`, level: level.power };
    }
    case "max":
    case "min":
      return call(`Math.${operator}`, a, b);
    case "and":
      return infixLogic(a, "&&", b, level.and);
    case "or":
      return infixLogic(a, "||", b, level.or);
    case "eq":
      return left === right ? prefix("!", call("Number.isNaN", a)) : comparison(a, "===", b);
    case "ne":
      return left === right ? call("Number.isNaN", a) : comparison(a, "!==", b);
    default:
      return ordered(a, operator, b);
  }
}

/** A comparison; a number stands on its right. */
function ordered(a: Code, operator: KernelBinary, b: Code): Code {
  const isNumber = (code: Code): boolean => /^-?(\d|Infinity)[\w.-]*$/.test(code.text);
  const [opposite] = operator === "lt" ? [">"] : operator === "le" ? [">="] : [];
  if (opposite !== undefined && isNumber(a) && !isNumber(b)) return comparison(b, opposite, a);
  return comparison(a, comparisons[operator]!, b);
}

/** What an equality of known numbers says, which TypeScript would call a mistake. NaN equals nothing. */
function knownEquality({ operator, left, right }: Of<"binary">): boolean | null {
  if (operator !== "eq" && operator !== "ne") return null;
  const [a, b] = [left, right].map((side) => (side.kind === "constant" ? side.value : null));
  const isKnown = (a !== null && b !== null) || Number.isNaN(a) || Number.isNaN(b);
  return isKnown ? (a === b) === (operator === "eq") : null;
}

function product(factors: readonly Code[]): Code {
  return { text: factors.map((factor) => inside(factor, level.power)).join(" * "), level: level.multiplicative };
}

/** A chain of one operator needs no parentheses; `&&` within `||` gets them. */
function infixLogic(a: Code, operator: string, b: Code, at: number): Code {
  const side = (code: Code): string => (code.level === at ? code.text : inside(code, level.equality));
  return { text: `${side(a)} ${operator} ${side(b)}`, level: at };
}

/** Operators on i32, which wraps around where it can leave its range. */
function integerCode(expression: Of<"binary">, context: ExpressionContext): Code {
  const { operator, left, right } = expression;
  const found = signedBitsOf(expression);
  if (found !== null) return signedBits(found, context);
  const [a, b] = [context.code(left), context.code(right)];
  const fits = fitsInt32(exactRange(expression));
  const isNonNegative = integerRange(left).min >= 0;
  const side = inside(a, level.additive);
  const shift = isNonNegative ? null : shiftOf(expression);
  if (shift !== null) return { text: `${side} >> ${bitsCode(shift, context)}`, level: level.bitwise };
  const exponent = isNonNegative ? null : powerOfTwo(expression);
  if (exponent !== null) return { text: `(${side}) & ${2 ** exponent - 1}`, level: level.bitwise };
  switch (operator) {
    case "add":
      return fits ? infix(a, "+", b, level.additive) : truncated(infix(a, "+", b, level.additive));
    case "sub":
      return fits ? infix(a, "-", b, level.additive) : truncated(infix(a, "-", b, level.additive));
    case "mul":
      return fits ? infix(a, "*", b, level.multiplicative) : call("Math.imul", a, b);
    case "floor_div":
      if (!isPositive(right)) return call(context.helper("divideIntegers"), a, b);
      return context.sizes.floorDiv(a, b, isNonNegative);
    case "mod":
      if (!isPositive(right)) return call(context.helper("moduloIntegers"), a, b);
      return context.sizes.mod(a, b, isNonNegative);
    case "pow":
      return call(context.helper("powerOfIntegers"), a, b);
    case "max":
    case "min":
      return call(`Math.${operator}`, a, b);
    default:
      return ordered(a, operator, b);
  }
}

/** Bits of a word, moved to its upper end and back. */
function signedBits({ word, bits, offset }: SignedBits, context: ExpressionContext): Code {
  const unused = 32 - bits;
  const code = inside(context.code(word), level.additive);
  if (typeof offset === "number") return { text: `(${code} << ${unused - offset}) >> ${unused}`, level: level.bitwise };
  return { text: `(${code} << (${unused} - ${bitsCode(offset, context)})) >> ${unused}`, level: level.bitwise };
}

/** A number of bits. */
function bitsCode(shift: Shift, context: ExpressionContext): string {
  if (typeof shift === "number") return String(shift);
  return inside(times(context.code(shift.index), numberCode(shift.each)), level.multiplicative);
}

function castCode({ operand, element }: Of<"cast">, context: ExpressionContext): Code {
  if (operand.element === "bool") return storedBool(operand, context);
  // TypeScript would call the comparison of two numbers a mistake.
  if (element === "bool" && operand.kind === "constant") return primary(String(operand.value !== 0));
  const code = context.code(operand);
  if (element === "bool") return comparison(code, "!==", primary("0"));
  if (element === "i32" || element === "i8" || element === "i16") {
    const whole = isFloat(operand.element) ? call(context.helper("toInt32"), code) : code;
    if (element === "i32") return whole;
    const { min, max } = integerLimits(element);
    return call("Math.max", primary(String(min)), call("Math.min", whole, primary(String(max))));
  }
  // From i32 or from f32; what has 16 bits is exact as f32.
  return isNarrowFloat(element) ? call(context.helper(bitsOfFloats[element].round), code) : code;
}

/** Whole numbers that say where an element lies: buffers are smaller than 2^31, so that nothing wraps. */
export function positionCode(expression: Expression, context: ExpressionContext): Code {
  if (expression.kind === "index") return sizeCode(expression.value, context.sizes);
  if (expression.kind !== "binary") return context.code(expression);
  const [a, b] = [expression.left, expression.right].map((each) => positionCode(each, context));
  if (expression.operator === "add") return plus(a!, b!);
  if (expression.operator === "mul") return times(a!, b!);
  return context.code(expression);
}
