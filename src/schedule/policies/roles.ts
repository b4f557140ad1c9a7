/** What policies ask of a contraction: how much work it is, and which loops are rows and columns of a product. */
import { distinctExpressions, type Expression } from "../../ir/kernel/index.js";
import { type Atom, constantOf, type Size, type SizeVariable, size } from "../../sizes/index.js";
import type { Loop } from "../rewrite.js";
import { type Contraction, dependenciesOf, type Sum } from "./contraction.js";

/** The number of multiplications; infinite where a size is not known. */
export function workOf({ nest, sums }: Contraction): number {
  const count = (loops: readonly Loop[]): number =>
    loops.reduce((product, loop) => product * (constantOf(loop.extent) ?? Number.POSITIVE_INFINITY), 1);
  return count(nest) * sums.reduce((total, { reduction }) => total + count(reduction), 0);
}

/** The loops of a nest by the factor that they belong to. */
export interface Roles {
  /** Both factors depend on them, or neither. */
  readonly batch: readonly Loop[];
  /** Only the one factor, or only the other. The last of each is tiled. */
  readonly rows: readonly Loop[];
  readonly columns: readonly Loop[];
}

/** The roles of loops in all sums; a loop that is of rows in one and of columns in another is of neither. */
export function rolesOf({ nest, sums }: Contraction): Roles {
  const [first, ...others] = sums.map((sum) => rolesIn(sum, nest));
  const { rows, columns } = others.reduce(
    (common, { rows: ofRows, columns: ofColumns }) => ({
      rows: common.rows.filter((loop) => ofRows.includes(loop)),
      columns: common.columns.filter((loop) => ofColumns.includes(loop)),
    }),
    first!,
  );
  return { batch: nest.filter((loop) => !rows.includes(loop) && !columns.includes(loop)), rows, columns };
}

/** Columns are those whose last loop is the inner one. */
function rolesIn({ factors }: Sum, nest: readonly Loop[]): Omit<Roles, "batch"> {
  const [a, b] = factors.map(dependenciesOf);
  const ofA = nest.filter(({ variable }) => a!.has(variable) && !b!.has(variable));
  const ofB = nest.filter(({ variable }) => b!.has(variable) && !a!.has(variable));
  const last = (loops: readonly Loop[]): number => Math.max(-1, ...loops.map((loop) => nest.indexOf(loop)));
  return last(ofA) > last(ofB) ? { rows: ofB, columns: ofA } : { rows: ofA, columns: ofB };
}

export function namesOf(loops: readonly Loop[]): readonly string[] {
  return loops.map((loop) => loop.variable.name);
}

/** Whether neighbours along a variable lie side by side in memory. */
export function runsAlong(factor: Expression, variable: SizeVariable): boolean {
  return [...distinctExpressions([factor])].some(
    (each) => each.kind === "load" && each.index.length > 0 && dependenciesOf(each.index.at(-1)!).has(variable),
  );
}

/** The constant that indices divide a variable by, if they divide it by one. */
export function divisorOf(variable: SizeVariable, expressions: readonly Expression[]): number | null {
  const found = new Set<number | null>();
  const visit = (value: Size): void => {
    for (const { monomial } of value.terms) for (const atom of monomial.factors) ofAtom(atom);
  };
  const ofAtom = (atom: Atom): void => {
    if (atom.kind === "floorDiv" && atom.dividend === size(variable)) found.add(constantOf(atom.divisor));
    else if (atom.kind === "floorDiv") [atom.dividend, atom.divisor].forEach(visit);
    else if (atom.kind !== "variable") atom.operands.forEach(visit);
  };
  for (const each of distinctExpressions(expressions)) if (each.kind === "index") visit(each.value);
  const [only = null, ...others] = found;
  return others.length === 0 ? only : null;
}
