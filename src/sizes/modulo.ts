/**
 * Recognises remainders in the normal form, which holds `x % m` as `x - m*(x // m)`. Purely structural: the identity
 * whole = factor*(dividend % modulus) + rest is one of polynomials, so that it holds wherever the quotient is defined.
 */
import { add, directAtoms, exactDivide, mul, neg, splitByAtom, sub } from "./arithmetic.js";
import { attempt } from "./errors.js";
import { type Atom, type FloorDivAtom, type Size, size, sizeOfAtom } from "./form.js";

export interface ModuloSplit {
  readonly factor: Size;
  readonly dividend: Size;
  readonly modulus: Size;
  /** dividend // modulus, which is an atom of the whole. */
  readonly quotient: Size;
  readonly rest: Size;
}

/** The first remainder in a sum that makes it shorter; null if there is none. */
export function splitModulo(whole: Size): ModuloSplit | null {
  if (whole.terms.length < 2) return null;
  const atoms = directAtoms(whole);
  for (const atom of atoms) {
    if (atom.kind !== "floorDiv") continue;
    const found = attempt(() => splitAt(whole, atom, atoms));
    if (found !== null) return found;
  }
  return null;
}

function splitAt(whole: Size, atom: FloorDivAtom, atoms: readonly Atom[]): ModuloSplit | null {
  const { coefficient } = splitByAtom(whole, atom);
  const quotient = sizeOfAtom(atom);
  for (const { dividend, modulus } of readings(atom, atoms)) {
    const factor = exactDivide(neg(coefficient), modulus);
    if (factor === null) continue;
    const rest = add(sub(whole, mul(factor, dividend)), mul(mul(factor, modulus), quotient));
    if (rest.terms.length + factor.terms.length < whole.terms.length) {
      return { factor, dividend, modulus, quotient, rest };
    }
  }
  return null;
}

/** x // m is the quotient of x by m, and x // (n*m) is also that of x // n by m. */
function readings(atom: FloorDivAtom, atoms: readonly Atom[]): { dividend: Size; modulus: Size }[] {
  const found = [{ dividend: atom.dividend, modulus: atom.divisor }];
  for (const inner of atoms) {
    if (inner === atom || inner.kind !== "floorDiv" || inner.dividend !== atom.dividend) continue;
    const modulus = exactDivide(atom.divisor, inner.divisor);
    if (modulus !== null && modulus !== size(0)) found.push({ dividend: sizeOfAtom(inner), modulus });
  }
  return found;
}
