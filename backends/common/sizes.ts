/**
 * Sizes as code: sums with the larger strides first and the constant last, `h * 64 + k`, remainders written as such.
 */
import {
  type Atom,
  constantOf,
  rangeOf,
  type Size,
  type SizeVariable,
  splitModulo,
  type Term,
} from "../../src/sizes/index.js";
import { type Code, inside, level, numberCode, plus, primary, times } from "./code.js";

/** What differs between languages. All numbers are whole, and none overflows. */
export interface SizeDialect {
  readonly variable: (variable: SizeVariable) => string;
  /** a // b for b >= 1. */
  readonly floorDiv: (a: Code, b: Code, isNonNegative: boolean) => Code;
  /** a % b with a result in 0 … b - 1, for b >= 1. */
  readonly mod: (a: Code, b: Code, isNonNegative: boolean) => Code;
  readonly extreme: (kind: "min" | "max", operands: readonly Code[]) => Code;
}

interface Summand {
  readonly coefficient: number;
  /** Without the coefficient; null for the constant. */
  readonly product: Code | null;
  readonly degree: number;
}

export function sizeCode(value: Size, dialect: SizeDialect): Code {
  const constant = constantOf(value);
  if (constant !== null) return numberCode(constant);
  const summands = sum(value, dialect).sort(byRank);
  // A sum does not begin with a minus if it has a term without one.
  const first = summands.findIndex((each) => each.coefficient > 0);
  if (first > 0) summands.unshift(...summands.splice(first, 1));
  let code = primary("0");
  for (const summand of summands) {
    const magnitude = scaled(summand, Math.abs(summand.coefficient));
    if (summand.coefficient > 0) code = plus(code, magnitude);
    else if (code.text === "0") code = { text: `-${inside(magnitude, level.multiplicative)}`, level: level.additive };
    else code = { text: `${code.text} - ${inside(magnitude, level.multiplicative)}`, level: level.additive };
  }
  return code;
}

function scaled({ product }: Summand, magnitude: number): Code {
  return product === null ? numberCode(magnitude) : times(product, numberCode(magnitude));
}

/** Higher degrees first, then larger strides; the constant last. */
function byRank(a: Summand, b: Summand): number {
  return b.degree - a.degree || Math.abs(b.coefficient) - Math.abs(a.coefficient);
}

function sum(value: Size, dialect: SizeDialect): Summand[] {
  const summands: Summand[] = [];
  let rest = value;
  for (;;) {
    const split = splitModulo(rest);
    const [factor, ...others] = split?.factor.terms ?? [];
    if (split === null || factor === undefined || others.length > 0) break;
    const { dividend, modulus } = split;
    const remainder = dialect.mod(sizeCode(dividend, dialect), sizeCode(modulus, dialect), rangeOf(dividend).min >= 0);
    summands.push({
      coefficient: factor.coefficient,
      product: product([...factor.monomial.factors.map((atom) => atomCode(atom, dialect)), remainder]),
      degree: factor.monomial.factors.length + 1,
    });
    rest = split.rest;
  }
  return [...summands, ...rest.terms.map((term) => termSummand(term, dialect))];
}

function termSummand({ coefficient, monomial }: Term, dialect: SizeDialect): Summand {
  const factors = monomial.factors.map((atom) => atomCode(atom, dialect));
  return { coefficient, product: factors.length === 0 ? null : product(factors), degree: factors.length };
}

function product(factors: readonly Code[]): Code {
  return factors.reduce((all, factor) => times(all, factor), primary("1"));
}

function atomCode(atom: Atom, dialect: SizeDialect): Code {
  if (atom.kind === "variable") return primary(dialect.variable(atom.variable));
  if (atom.kind === "floorDiv") {
    const [a, b] = [sizeCode(atom.dividend, dialect), sizeCode(atom.divisor, dialect)];
    return dialect.floorDiv(a, b, rangeOf(atom.dividend).min >= 0);
  }
  return dialect.extreme(
    atom.kind,
    atom.operands.map((operand) => sizeCode(operand, dialect)),
  );
}
