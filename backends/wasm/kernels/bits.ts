/** Arithmetic of i32 that is shifts and masks: quotients and remainders by powers of two, bits of a word with their sign. */
import type { Expression } from "../../../src/ir/kernel/index.js";
import { powerOfTwo, type Shift, shiftOf, signedBitsOf } from "../../common/integers.js";
import { type Code, i32, i32x4, numberOf, op, times } from "../code/tree.js";

/** How the code of operands is had. */
export interface Operands {
  /** One number, or four in a vector. */
  readonly shape: "i32" | "i32x4";
  /** An operand in that shape. */
  readonly value: (operand: Expression) => Code;
  /** One number that is the same for all lanes; null where it is not. */
  readonly scalar: (operand: Expression) => Code | null;
}

/** The code of shifts and masks that an expression is; null for anything else, and where lanes shift differently. */
export function bitsCode(expression: Extract<Expression, { kind: "binary" }>, operands: Operands): Code | null {
  const { shape, value } = operands;
  const bits = signedBitsOf(expression);
  const from = bits === null ? null : lengthOf(bits.offset, operands);
  if (bits !== null && from !== null) {
    // Moved to the upper end and back.
    const [unused, known] = [i32(32 - bits.bits), numberOf(from)];
    const by = known === null ? op("i32.sub", [unused, from]) : i32(32 - bits.bits - known);
    return op(`${shape}.shr_s`, [op(`${shape}.shl`, [value(bits.word), by]), unused]);
  }
  const shift = shiftOf(expression);
  const length = shift === null ? null : lengthOf(shift, operands);
  if (length !== null) return op(`${shape}.shr_s`, [value(expression.left), length]);
  const exponent = expression.operator === "mod" ? powerOfTwo(expression) : null;
  if (exponent === null) return null;
  const mask = 2 ** exponent - 1;
  return shape === "i32"
    ? op("i32.and", [value(expression.left), i32(mask)])
    : op("v128.and", [value(expression.left), i32x4(mask)]);
}

/** By how many bits is shifted. */
function lengthOf(shift: Shift, { scalar }: Operands): Code | null {
  if (typeof shift === "number") return i32(shift);
  const index = scalar(shift.index);
  return index === null ? null : times(index, i32(shift.each));
}
