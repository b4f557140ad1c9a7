/**
 * The text of a size, which `parse.ts` reads back to the same size: Python's precedence, a division or remainder in
 * parentheses wherever it is not a whole summand, a positive term first if there is one, the constant last.
 *
 * Remainders are written as such although the normal form has none; each is checked to normalise back.
 */
import { floorDiv } from "./division.js";
import { attempt } from "./errors.js";
import { type Atom, constantOf, type Size, type Term, unitMonomial } from "./form.js";
import { splitModulo } from "./modulo.js";

export function render(a: Size): string {
  a.cache.text ??= renderSum(a);
  return a.cache.text;
}

/** A summand without its sign. */
interface Summand {
  readonly negative: boolean;
  readonly text: string;
  /** Whether it is a division or remainder, which a unary minus in front would change. */
  readonly quotient: boolean;
}

function renderSum(a: Size): string {
  const { remainders, rest } = withoutRemainders(a);
  const constant = rest.terms.at(-1)?.monomial === unitMonomial ? [renderTerm(rest.terms.at(-1)!)] : [];
  const products = rest.terms.filter((term) => term.monomial !== unitMonomial).map(renderTerm);
  const summands = [...positiveFirst([...products, ...remainders]), ...constant];
  let text = "";
  for (const summand of summands) {
    if (text !== "") text += summand.negative ? ` - ${summand.text}` : ` + ${summand.text}`;
    else if (!summand.negative) text = summand.text;
    else text = summand.quotient ? `-(${summand.text})` : `-${summand.text}`;
  }
  return text === "" ? "0" : text;
}

/** A sum does not begin with a minus if it has a term without one. */
function positiveFirst(summands: readonly Summand[]): readonly Summand[] {
  const at = summands.findIndex((summand) => !summand.negative);
  return at <= 0 ? summands : [summands[at]!, ...summands.slice(0, at), ...summands.slice(at + 1)];
}

function withoutRemainders(a: Size): { remainders: Summand[]; rest: Size } {
  const remainders: Summand[] = [];
  let rest = a;
  for (;;) {
    const split = splitModulo(rest);
    const isReadBack = split && attempt(() => floorDiv(split.dividend, split.modulus)) === split.quotient;
    if (split === null || !isReadBack || split.factor.terms.length !== 1) return { remainders, rest };
    remainders.push(renderRemainder(split.factor.terms[0]!, split.dividend, split.modulus));
    rest = split.rest;
  }
}

function renderRemainder(factor: Term, dividend: Size, modulus: Size): Summand {
  const text = `${dividendText(dividend)} % ${operandText(modulus)}`;
  const parts = coefficientParts(factor);
  for (const atom of factor.monomial.factors) parts.push(factorText(atom));
  if (parts.length > 0) parts.push(`(${text})`);
  const negative = factor.coefficient < 0;
  return parts.length > 0 ? { negative, text: parts.join("*"), quotient: false } : { negative, text, quotient: true };
}

function renderTerm(term: Term): Summand {
  const parts = coefficientParts(term);
  const { factors } = term.monomial;
  const negative = term.coefficient < 0;
  if (factors.length === 0) return { negative, text: String(Math.abs(term.coefficient)), quotient: false };
  const single = parts.length === 0 && factors.length === 1 ? factors[0]! : null;
  if (single !== null) return { negative, text: atomText(single), quotient: single.kind === "floorDiv" };
  return { negative, text: [...parts, ...factors.map(factorText)].join("*"), quotient: false };
}

function coefficientParts(term: Term): string[] {
  const magnitude = Math.abs(term.coefficient);
  return magnitude === 1 ? [] : [String(magnitude)];
}

function atomText(atom: Atom): string {
  if (atom.kind === "variable") return atom.variable.name;
  if (atom.kind === "floorDiv") return `${dividendText(atom.dividend)} // ${operandText(atom.divisor)}`;
  return `${atom.kind}(${atom.operands.map(render).join(", ")})`;
}

function factorText(atom: Atom): string {
  return atom.kind === "floorDiv" ? `(${atomText(atom)})` : atomText(atom);
}

/** A product may stand bare left of `//` and `%`, since operators of one precedence group to the left. */
function dividendText(a: Size): string {
  const [term] = a.terms;
  const isProduct = a.terms.length === 1 && term!.coefficient > 0 && !isBareQuotient(a);
  return isProduct || a.terms.length === 0 ? render(a) : `(${render(a)})`;
}

/** Right of an operator only a name, a number that is not negative, or a call may stand bare. */
function operandText(a: Size): string {
  const constant = constantOf(a);
  if (constant !== null) return constant >= 0 ? String(constant) : `(${constant})`;
  return isSingleFactor(a) && !isBareQuotient(a) ? render(a) : `(${render(a)})`;
}

function isSingleFactor(a: Size): boolean {
  const [term] = a.terms;
  return a.terms.length === 1 && term!.coefficient === 1 && term!.monomial.factors.length === 1;
}

function isBareQuotient(a: Size): boolean {
  return isSingleFactor(a) && a.terms[0]!.monomial.factors[0]!.kind === "floorDiv";
}
