/**
 * The text of a size, which `parse.ts` reads back to the same size: Python's precedence, a division or remainder in
 * parentheses wherever it is not a whole summand, a positive term first if there is one, the constant last.
 *
 * Remainders are written as such although the normal form has none; each is checked to normalise back. So are
 * variables with a step: of a T that 4 divides, the atom is T // 4, twice that T // 2, and half of it T // 8.
 */
import { greatestCommonDivisor } from "./arithmetic.js";
import { floorDiv } from "./division.js";
import { attempt } from "./errors.js";
import { type Atom, constantOf, type Size, type Term, unitMonomial, type VariableAtom } from "./form.js";
import { splitModulo } from "./modulo.js";
import { withWholeVariables } from "./whole.js";

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
  const parts = productParts(factor);
  const negative = factor.coefficient < 0;
  if (parts.length === 0) return { negative, text, quotient: true };
  return { negative, text: [...parts.map(partText), `(${text})`].join("*"), quotient: false };
}

function renderTerm(term: Term): Summand {
  const parts = productParts(term);
  const negative = term.coefficient < 0;
  const [only, ...others] = parts;
  if (only === undefined) return { negative, text: "1", quotient: false };
  if (others.length === 0) return { negative, ...only };
  return { negative, text: parts.map(partText).join("*"), quotient: false };
}

/** A factor of a product; a quotient needs parentheses among others. */
interface Part {
  readonly text: string;
  readonly quotient: boolean;
}

/** The factors of a term without its sign. The coefficient cancels in quotients of variables by their steps. */
function productParts({ coefficient, monomial }: Term): Part[] {
  let rest = Math.abs(coefficient);
  const parts = monomial.factors.map((atom): Part => {
    if (atom.kind !== "variable") return atomPart(atom);
    const { name, step } = atom.variable;
    const common = greatestCommonDivisor(rest, step);
    rest /= common;
    return common === step ? { text: name, quotient: false } : { text: `${name} // ${step / common}`, quotient: true };
  });
  return rest === 1 ? parts : [{ text: String(rest), quotient: false }, ...parts];
}

function partText({ text, quotient }: Part): string {
  return quotient ? `(${text})` : text;
}

function atomPart(atom: Exclude<Atom, VariableAtom>): Part {
  if (atom.kind === "floorDiv") {
    const { dividend, divisor } = withWholeVariables(atom);
    return { text: `${dividendText(dividend)} // ${operandText(divisor)}`, quotient: true };
  }
  return { text: `${atom.kind}(${atom.operands.map(render).join(", ")})`, quotient: false };
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
  return singleFactor(a)?.quotient === false ? render(a) : `(${render(a)})`;
}

/** The one factor that a size is, if it is one. */
function singleFactor(a: Size): Part | null {
  const [term] = a.terms;
  if (a.terms.length !== 1 || term!.coefficient < 0) return null;
  const [only, ...others] = productParts(term!);
  return others.length === 0 ? only! : null;
}

function isBareQuotient(a: Size): boolean {
  return singleFactor(a)?.quotient === true;
}
