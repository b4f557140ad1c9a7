/** Sizes as code of JavaScript, where all numbers are f64. */
import { type Code, call, infix, inside, level, times } from "./code.js";
import type { SizeDialect } from "./sizes.js";

/** Sizes outside of kernels, such as bytes of memory, which may be larger. */
export function largeSizes(variable: SizeDialect["variable"]): SizeDialect {
  const floorDiv = (a: Code, b: Code): Code => call("Math.floor", quotient(a, b));
  return {
    variable,
    floorDiv,
    mod: (a, b, isNonNegative) =>
      isNonNegative ? remainder(a, b) : infix(a, "-", times(floorDiv(a, b), b), level.additive),
    extreme: (kind, operands) => call(`Math.${kind}`, ...operands),
  };
}

/** A quotient's operands get parentheses wherever they are not plain. */
export function quotient(a: Code, b: Code): Code {
  return { text: `${inside(a, level.unary)} / ${inside(b, level.unary)}`, level: level.multiplicative };
}

export function remainder(a: Code, b: Code): Code {
  return { text: `${inside(a, level.unary)} % ${inside(b, level.unary)}`, level: level.remainder };
}
