/**
 * Sums, products and exact quotients of sizes, as polynomials over atoms. Nothing here looks inside an atom or at the
 * range of a variable, so that these identities hold for all values.
 */
import { attempt, exact } from "./errors.js";
import {
  type Atom,
  compareAtoms,
  compareMonomials,
  internSize,
  type Monomial,
  monomialOf,
  type Size,
  size,
  type Term,
  toSize,
  unitMonomial,
} from "./form.js";

export function add(a: Size | number, b: Size | number): Size {
  const [left, right] = [toSize(a), toSize(b)];
  if (left.terms.length === 0) return right;
  return right.terms.length === 0 ? left : combined(left.terms, right.terms, 1);
}

/** The sum of terms and of others times a sign. Nothing but the result is interned. */
function combined(left: readonly Term[], right: readonly Term[], sign: 1 | -1): Size {
  const sum: Term[] = [];
  const push = (term: Term): void => {
    sum.push(sign === 1 ? term : { coefficient: -term.coefficient, monomial: term.monomial });
  };
  let i = 0;
  let j = 0;
  while (i < left.length && j < right.length) {
    const x = left[i]!;
    const y = right[j]!;
    const order = compareMonomials(x.monomial, y.monomial);
    if (order < 0) {
      sum.push(x);
      i++;
    } else if (order > 0) {
      push(y);
      j++;
    } else {
      const coefficient = exact(x.coefficient + sign * y.coefficient);
      if (coefficient !== 0) sum.push({ coefficient, monomial: x.monomial });
      i++;
      j++;
    }
  }
  while (i < left.length) sum.push(left[i++]!);
  while (j < right.length) push(right[j++]!);
  return internSize(sum);
}

export function neg(a: Size | number): Size {
  return internSize(toSize(a).terms.map((term) => ({ coefficient: -term.coefficient, monomial: term.monomial })));
}

export function sub(a: Size | number, b: Size | number): Size {
  const [left, right] = [toSize(a), toSize(b)];
  if (left === right) return size(0);
  return right.terms.length === 0 ? left : combined(left.terms, right.terms, -1);
}

export function mul(a: Size | number, b: Size | number): Size {
  const left = toSize(a).terms;
  const right = toSize(b).terms;
  if (left.length === 1) return scale(right, left[0]!);
  if (right.length === 1) return scale(left, right[0]!);
  let sum = size(0);
  for (const term of left) sum = add(sum, scale(right, term));
  return sum;
}

/** The product with one term. The order of monomials is kept, so that nothing has to be sorted. */
function scale(terms: readonly Term[], by: Term): Size {
  return internSize(
    terms.map((term) => ({
      coefficient: exact(term.coefficient * by.coefficient),
      monomial: multiplyMonomials(term.monomial, by.monomial),
    })),
  );
}

export function sizeOfTerm(term: Term): Size {
  return internSize([term]);
}

export function multiplyMonomials(a: Monomial, b: Monomial): Monomial {
  if (a === unitMonomial) return b;
  if (b === unitMonomial) return a;
  return monomialOf([...a.factors, ...b.factors].sort(compareAtoms));
}

/** a / b as a product of atoms, or null if b does not divide a. */
export function divideMonomials(a: Monomial, b: Monomial): Monomial | null {
  if (b === unitMonomial) return a;
  const rest = [...a.factors];
  for (const factor of b.factors) {
    const at = rest.indexOf(factor);
    if (at < 0) return null;
    rest.splice(at, 1);
  }
  return monomialOf(rest);
}

/** The atoms that both products contain, with multiplicity. */
export function commonMonomial(a: Monomial, b: Monomial): Monomial {
  const rest = [...b.factors];
  const common = a.factors.filter((factor) => {
    const at = rest.indexOf(factor);
    if (at >= 0) rest.splice(at, 1);
    return at >= 0;
  });
  return monomialOf(common);
}

export function greatestCommonDivisor(a: number, b: number): number {
  let [x, y] = [Math.abs(a), Math.abs(b)];
  while (y !== 0) [x, y] = [y, x % y];
  return x;
}

export function leastCommonMultiple(a: number, b: number): number {
  return exact((a / greatestCommonDivisor(a, b)) * b);
}

/** The largest term (positive coefficient) that divides every term of a sum that is not zero. */
export function contentOf(a: Size): Term {
  let coefficient = 0;
  let monomial: Monomial | null = null;
  for (const term of a.terms) {
    coefficient = greatestCommonDivisor(coefficient, term.coefficient);
    monomial = monomial === null ? term.monomial : commonMonomial(monomial, term.monomial);
  }
  return { coefficient, monomial: monomial ?? unitMonomial };
}

/**
 * Polynomial division: a = quotient*b + remainder for all values, where no term of the remainder is a multiple of the
 * leading term of b. It terminates because each step replaces a monomial by smaller ones.
 */
export function dividePolynomial(a: Size, b: Size): { quotient: Size; remainder: Size } {
  const lead = b.terms[0];
  let quotient = size(0);
  let remainder = a;
  if (lead === undefined) return { quotient, remainder };
  for (;;) {
    const step = firstMultiple(remainder, lead);
    if (step === null) return { quotient, remainder };
    quotient = add(quotient, step);
    remainder = sub(remainder, mul(step, b));
  }
}

function firstMultiple(a: Size, of: Term): Size | null {
  for (const term of a.terms) {
    if (term.coefficient % of.coefficient !== 0) continue;
    const monomial = divideMonomials(term.monomial, of.monomial);
    if (monomial !== null) return internSize([{ coefficient: term.coefficient / of.coefficient, monomial }]);
  }
  return null;
}

/** The q with q*b = a for all values, if there is one as a normal form; null otherwise. */
export function exactDivide(a: Size | number, b: Size | number): Size | null {
  const dividend = toSize(a);
  if (dividend.terms.length === 0) return dividend;
  const division = attempt(() => dividePolynomial(dividend, toSize(b)));
  return division !== null && division.remainder.terms.length === 0 ? division.quotient : null;
}

/** a = coefficient*atom + rest, where the rest has no term with the atom as a factor (it may have it inside others). */
export function splitByAtom(a: Size, atom: Atom): { coefficient: Size; rest: Size } {
  const unit = monomialOf([atom]);
  const coefficient: Term[] = [];
  const rest: Term[] = [];
  for (const term of a.terms) {
    const monomial = divideMonomials(term.monomial, unit);
    if (monomial === null) rest.push(term);
    else coefficient.push({ coefficient: term.coefficient, monomial });
  }
  return { coefficient: internSize(coefficient), rest: internSize(rest) };
}

/** The atoms that are factors of terms, in order of first occurrence. */
export function directAtoms(a: Size): readonly Atom[] {
  const found = new Set<Atom>();
  for (const term of a.terms) for (const factor of term.monomial.factors) found.add(factor);
  return [...found];
}
