/**
 * Pieces of code in a language of C's family, with the level of their outermost operator, so that parentheses stand
 * where they are needed and nowhere else. The levels are JavaScript's, which WGSL shares.
 *
 * Where precedence is not common knowledge, the level is set lower than the language has it, as formatters do: a
 * remainder among sums and a bitwise operator among anything get parentheses.
 */

/** Text and how tightly its outermost operator binds. */
export interface Code {
  readonly text: string;
  readonly level: number;
}

export const level = {
  conditional: 1,
  or: 2,
  and: 3,
  bitwise: 4,
  equality: 5,
  relational: 6,
  remainder: 7,
  additive: 8,
  multiplicative: 9,
  power: 10,
  unary: 11,
  primary: 12,
} as const;

/** A name, a number that is not negative, a call, an element of an array. */
export function primary(text: string): Code {
  return { text, level: level.primary };
}

/** The text, in parentheses if its operator binds less tightly than `least`. */
export function inside(code: Code, least: number): string {
  return code.level >= least ? code.text : `(${code.text})`;
}

/** A number; negative ones are a sign and a number. */
export function numberCode(value: number): Code {
  if (Number.isNaN(value)) return primary("NaN");
  const magnitude = Math.abs(value);
  const isTiny = magnitude > 0 && magnitude < 1e-4;
  const text = magnitude === Infinity ? "Infinity" : isTiny ? magnitude.toExponential() : String(magnitude);
  return value < 0 || Object.is(value, -0) ? { text: `-${text}`, level: level.unary } : primary(text);
}

/**
 * The shortest decimal number that rounds to an f32, as a person would have written it: 1e-5, where the f32 itself is
 * 0.000009999999747378752.
 */
export function shortestFloat(value: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}

/** A function's call. */
export function call(name: string, ...operands: readonly Code[]): Code {
  return primary(`${name}(${operands.map((operand) => operand.text).join(", ")})`);
}

/** A binary operator that groups to the left and keeps the order of its operands. */
export function infix(left: Code, operator: string, right: Code, at: number): Code {
  return { text: `${inside(left, at)} ${operator} ${inside(right, at + 1)}`, level: at };
}

/** A comparison: neither side may be one itself. */
export function comparison(left: Code, operator: string, right: Code): Code {
  const at = operator.startsWith("=") || operator.startsWith("!") ? level.equality : level.relational;
  return { text: `${inside(left, level.remainder)} ${operator} ${inside(right, level.remainder)}`, level: at };
}

/** A sign or `!` in front. A sign before a sign gets parentheses. */
export function prefix(operator: string, operand: Code): Code {
  const text = inside(operand, operand.text.startsWith(operator) ? level.primary : level.unary);
  return { text: operator + text, level: level.unary };
}

export function conditional(condition: Code, yes: Code, no: Code): Code {
  const text = `${inside(condition, level.or)} ? ${inside(yes, level.or)} : ${inside(no, level.conditional)}`;
  return { text, level: level.conditional };
}

/** The sum of whole numbers that do not overflow: how they are grouped does not matter. */
export function plus(a: Code, b: Code): Code {
  if (a.text === "0") return b;
  if (b.text === "0") return a;
  // What begins with a minus goes on as it is, or comes second.
  if (b.level >= level.additive && b.text.startsWith("-")) {
    return { text: `${inside(a, level.additive)} - ${b.text.slice(1)}`, level: level.additive };
  }
  if (a.level >= level.additive && a.text.startsWith("-")) return plus(b, a);
  return { text: `${inside(a, level.additive)} + ${inside(b, level.additive)}`, level: level.additive };
}

/** The product of whole numbers that do not overflow. */
export function times(a: Code, b: Code): Code {
  if (a.text === "0" || b.text === "0") return primary("0");
  if (a.text === "1") return b;
  if (b.text === "1") return a;
  return {
    text: `${inside(a, level.multiplicative)} * ${inside(b, level.multiplicative)}`,
    level: level.multiplicative,
  };
}
