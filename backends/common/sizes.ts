/**
 * Sizes as code: sums with the larger strides first and the constant last, `h * 64 + k`, remainders written as such.
 */
import {
  type Atom,
  constantOf,
  greatestCommonDivisor,
  rangeOf,
  type Size,
  type SizeVariable,
  splitModulo,
  type Term,
  type VariableAtom,
  withWholeVariables,
} from "../../src/sizes/index.js";
import { type Code, infix, inside, level, numberCode, plus, primary, times } from "./code.js";

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
    else code = infix(code, "-", magnitude, level.additive);
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
    const { coefficient, factors } = factorCodes(factor, dialect);
    summands.push({ coefficient, product: product([...factors, remainder]), degree: factors.length + 1 });
    rest = split.rest;
  }
  return [...summands, ...rest.terms.map((term) => termSummand(term, dialect))];
}

function termSummand(term: Term, dialect: SizeDialect): Summand {
  const { coefficient, factors } = factorCodes(term, dialect);
  return { coefficient, product: factors.length === 0 ? null : product(factors), degree: factors.length };
}

/** The factors of a term, whose coefficient cancels in quotients of variables by their steps. */
function factorCodes(term: Term, dialect: SizeDialect): { coefficient: number; factors: Code[] } {
  let { coefficient } = term;
  const factors = term.monomial.factors.map((atom) => {
    if (atom.kind !== "variable") return atomCode(atom, dialect);
    const { variable, min } = atom;
    const common = greatestCommonDivisor(coefficient, variable.step);
    coefficient /= common;
    const code = primary(dialect.variable(variable));
    if (common === variable.step) return code;
    return dialect.floorDiv(code, numberCode(variable.step / common), rangeOf(min).min >= 0);
  });
  return { coefficient, factors };
}

function product(factors: readonly Code[]): Code {
  return factors.reduce((all, factor) => times(all, factor), primary("1"));
}

function atomCode(atom: Exclude<Atom, VariableAtom>, dialect: SizeDialect): Code {
  if (atom.kind === "floorDiv") {
    const { dividend, divisor } = withWholeVariables(atom);
    const [a, b] = [sizeCode(dividend, dialect), sizeCode(divisor, dialect)];
    return dialect.floorDiv(a, b, rangeOf(atom.dividend).min >= 0);
  }
  return dialect.extreme(
    atom.kind,
    atom.operands.map((operand) => sizeCode(operand, dialect)),
  );
}
