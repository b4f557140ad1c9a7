/**
 * Minimum, maximum and absolute value. The operands of an atom are flattened, without duplicates, without any that
 * another provably outdoes, and reduced: what all operands have in common is outside, as in max(T + 1, 4) =
 * max(T, 3) + 1 and max(2*T, 4) = 2*max(T, 2). The reductions repeat until none applies, which makes them idempotent.
 */
import { add, directAtoms, exactDivide, greatestCommonDivisor, mul, neg, splitByAtom, sub } from "./arithmetic.js";
import {
  type Atom,
  compareStructure,
  computedOnce,
  constantOf,
  constantPart,
  type ExtremeAtom,
  extremeAtom,
  internSize,
  type Size,
  size,
  sizeOfAtom,
  toSize,
} from "./form.js";
import { isAtMost } from "./proof.js";

type Kind = ExtremeAtom["kind"];

export function minimum(a: Size | number, b: Size | number): Size {
  return extreme("min", [toSize(a), toSize(b)]);
}

export function maximum(a: Size | number, b: Size | number): Size {
  return extreme("max", [toSize(a), toSize(b)]);
}

/** The distance from zero: a, -a, or max(a, -a) where the sign is not known. */
export function absolute(a: Size | number): Size {
  return maximum(a, neg(a));
}

/** The minimum or maximum of one or more sizes. */
export function extreme(kind: Kind, operands: readonly Size[]): Size {
  const distinct = [...new Set(operands)].sort(compareStructure);
  if (distinct.length === 1) return distinct[0]!;
  const key = `${kind}:${distinct.map((operand) => operand.id).join(":")}`;
  return computedOnce(key, distinct, () => reduce(kind, distinct));
}

function reduce(kind: Kind, operands: readonly Size[]): Size {
  const flat = flatten(kind, operands);
  if (flat !== null) return extreme(kind, flat);
  const needed = withoutOutdone(kind, operands);
  if (needed.length < operands.length) return extreme(kind, needed);
  const shift = commonTerms(operands);
  if (shift !== size(0)) {
    return add(
      extreme(
        kind,
        operands.map((operand) => sub(operand, shift)),
      ),
      shift,
    );
  }
  const factor = commonFactor(operands);
  if (factor > 1) {
    return mul(
      extreme(
        kind,
        operands.map((operand) => exactDivide(operand, factor)!),
      ),
      factor,
    );
  }
  return sizeOfAtom(extremeAtom(kind, operands));
}

/**
 * max(k*max(a, b) + r, c) = max(k*a + r, k*b + r, c) for k > 0, and -min(a, b) is a maximum too. An operand with
 * several such atoms is left alone, because it would become as many operands as there are combinations.
 */
function flatten(kind: Kind, operands: readonly Size[]): Size[] | null {
  for (const operand of operands) {
    const [atom, another] = directAtoms(operand).filter(isExtreme);
    if (atom === undefined || another !== undefined) continue;
    const { coefficient, rest } = splitByAtom(operand, atom);
    const factor = constantOf(coefficient);
    if (factor === null || (atom.kind === kind) !== factor > 0) continue;
    const inner = atom.operands.map((each) => add(mul(each, factor), rest));
    return [...operands.filter((other) => other !== operand), ...inner];
  }
  return null;
}

function isExtreme(atom: Atom): atom is ExtremeAtom {
  return atom.kind === "min" || atom.kind === "max";
}

/** Drops each operand that is provably no better than one that stays. */
function withoutOutdone(kind: Kind, operands: readonly Size[]): Size[] {
  const needed = [...operands];
  const outdoes = (a: Size, b: Size): boolean => (kind === "min" ? isAtMost(a, b) : isAtMost(b, a));
  for (let i = 0; i < needed.length; ) {
    if (needed.some((other, at) => at !== i && outdoes(other, needed[i]!))) needed.splice(i, 1);
    else i++;
  }
  return needed;
}

/** The terms that all operands have, and the least of their constants. */
function commonTerms(operands: readonly Size[]): Size {
  const [first, ...others] = operands;
  const shared = first!.terms.filter((term) =>
    others.every((other) =>
      other.terms.some((each) => each.monomial === term.monomial && each.coefficient === term.coefficient),
    ),
  );
  const constant = constantPart(internSize(shared)) === 0 ? Math.min(...operands.map(constantPart)) : 0;
  return add(internSize(shared), constant);
}

function commonFactor(operands: readonly Size[]): number {
  let factor = 0;
  for (const { terms } of operands) {
    for (const { coefficient } of terms) factor = greatestCommonDivisor(factor, coefficient);
  }
  return factor;
}
