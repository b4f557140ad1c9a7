/**
 * Floor division and remainder with Python's rounding. A division by something that may be zero stays as it is written;
 * the rules below need a divisor of proven sign, and are applied in this order until none fits:
 *
 * 1. the divisor is made positive: a // -b = -a // b;
 * 2. multiples of the divisor leave the dividend: (u*b + r) // b = u + r // b, constants rounded down;
 * 3. a quotient that is the same for all values is that number, in particular 0 for r in 0..b-1;
 * 4. a quotient inside the dividend joins the divisor: (r + x // n) // m = (n*r + x) // (n*m);
 * 5. the leading coefficient is made positive: -x // b = -((x + b - 1) // b);
 * 6. a common factor cancels, also if the rest of the dividend is too small to matter: (g*u + r) // (g*v) = u // v.
 *
 * Results are remembered, so that one division has one normal form however the search in a proof goes.
 */
import {
  add,
  commonMonomial,
  contentOf,
  directAtoms,
  dividePolynomial,
  exactDivide,
  greatestCommonDivisor,
  mul,
  neg,
  sizeOfTerm,
  splitByAtom,
  sub,
} from "./arithmetic.js";
import { attempt, DivisionByZero } from "./errors.js";
import {
  computedOnce,
  constantOf,
  constantPart,
  floorDivAtom,
  type Size,
  size,
  sizeOfAtom,
  type Term,
  toSize,
  unitMonomial,
} from "./form.js";
import { floorQuotient } from "./numbers.js";
import { isLess, isNonNegative } from "./proof.js";
import { rangeOf } from "./range.js";

/** The largest whole number q with q*b <= a (for b > 0), as in Python. */
export function floorDiv(a: Size | number, b: Size | number): Size {
  const dividend = toSize(a);
  const divisor = toSize(b);
  if (divisor === size(0)) throw new DivisionByZero();
  const key = `div:${dividend.id}:${divisor.id}`;
  return computedOnce(key, [dividend, divisor], () => divide(dividend, divisor));
}

/** a - b*(a // b): of the sign of b, as in Python. */
export function mod(a: Size | number, b: Size | number): Size {
  return sub(a, mul(b, floorDiv(a, b)));
}

function divide(a: Size, b: Size): Size {
  const [dividend, divisor] = [constantOf(a), constantOf(b)];
  if (dividend !== null && divisor !== null) return size(floorQuotient(dividend, divisor));
  if (isLess(b, 0)) return floorDiv(neg(a), neg(b));
  if (!isLess(0, b)) return sizeOfAtom(floorDivAtom(a, b));
  return (
    attempt(() => splitMultiples(a, b)) ??
    constantQuotient(a, b) ??
    attempt(() => joinInnerQuotient(a, b)) ??
    attempt(() => makeLeadPositive(a, b)) ??
    attempt(() => cancelFactor(a, b)) ??
    sizeOfAtom(floorDivAtom(a, b))
  );
}

function splitMultiples(a: Size, b: Size): Size | null {
  if (b === size(1)) return a;
  let { quotient, remainder } = dividePolynomial(a, b);
  const divisor = constantOf(b);
  if (divisor !== null) {
    const whole = floorQuotient(constantPart(remainder), divisor);
    quotient = add(quotient, whole);
    remainder = sub(remainder, whole * divisor);
  }
  return quotient === size(0) ? null : add(quotient, floorDiv(remainder, b));
}

/** The value of a // b if it is one number for all values of the variables. */
function constantQuotient(a: Size, b: Size): Size | null {
  const divisor = constantOf(b);
  const range = rangeOf(a);
  if (divisor !== null && Number.isFinite(range.min) && Number.isFinite(range.max)) {
    const quotient = floorQuotient(range.min, divisor);
    if (quotient === floorQuotient(range.max, divisor)) return size(quotient);
  }
  return attempt(() => {
    if (isNonNegative(a)) return isLess(a, b) ? size(0) : null;
    return isLess(a, 0) && isNonNegative(add(a, b)) ? size(-1) : null;
  });
}

function joinInnerQuotient(a: Size, b: Size): Size | null {
  for (const atom of directAtoms(a)) {
    if (atom.kind !== "floorDiv" || !isLess(0, atom.divisor)) continue;
    const { coefficient, rest } = splitByAtom(a, atom);
    const sign = constantOf(coefficient);
    if (sign !== 1 && sign !== -1) continue;
    const { dividend: x, divisor: n } = atom;
    // -(x // n) = (n - 1 - x) // n
    const inner = sign === 1 ? x : sub(sub(n, 1), x);
    return floorDiv(add(mul(n, rest), inner), mul(n, b));
  }
  return null;
}

/** Only for divisors that lead with a positive coefficient; with others the rule could undo itself. */
function makeLeadPositive(a: Size, b: Size): Size | null {
  const lead = a.terms[0];
  if (b.terms[0]!.coefficient < 0) return null;
  if (lead === undefined || lead.coefficient > 0 || lead.monomial === unitMonomial) return null;
  return neg(floorDiv(add(sub(b, a), -1), b));
}

function cancelFactor(a: Size, b: Size): Size | null {
  for (const factor of sharedFactors(a, b)) {
    if (!isLess(0, factor)) continue;
    const reduced = exactDivide(b, factor);
    if (reduced === null) continue;
    const { quotient, remainder } = dividePolynomial(a, factor);
    const carry = constantQuotient(remainder, factor);
    if (carry !== null) return floorDiv(add(quotient, carry), reduced);
  }
  return null;
}

/** What the divisor has in common with single terms of the dividend: the factors that may cancel. */
function sharedFactors(a: Size, b: Size): ReadonlySet<Size> {
  const content = contentOf(b);
  const found = new Set<Size>();
  for (const term of a.terms) {
    if (term.monomial === unitMonomial) continue;
    const factor = sizeOfTerm(commonTerm(content, term));
    if (factor !== size(1)) found.add(factor);
  }
  return found;
}

function commonTerm(a: Term, b: Term): Term {
  return {
    coefficient: greatestCommonDivisor(a.coefficient, b.coefficient),
    monomial: commonMonomial(a.monomial, b.monomial),
  };
}
