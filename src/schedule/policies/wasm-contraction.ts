/**
 * Matrix products as WebAssembly: a tile of rows by columns of results in vector registers, over weights that are packed
 * into panels of as many columns.
 *
 * An engine has some 15 vector registers for a function; with more, it spills, and speed halves. A tile of 2 by 16 takes
 * 8 for sums, 4 for columns and 1 for a row's element, as many loads per multiplication as one of 4 by 8, and serves a
 * single row well. The panel of columns is the outermost loop: it stays near while all rows pass.
 *
 * Where one instruction multiplies and adds, a tile of 6 by 8 fits as well: 12 sums, whose instructions hide each other's
 * time, two columns and an element. It takes half of a panel at a time, so that the layout of weights is the same. V8 13
 * with it reaches 0.97 of the peak, and 0.91 with 2 by 16; without, 0.50.
 *
 * One row by 16 columns needs 9 registers. Its 4 sums wait for each other; added to each other first, the products of two
 * elements make them wait half as often, and take no register for long. An element is loaded for every 16 columns, which
 * are as many loads as the processor makes: two panels at once share them, and take a twelfth less time. Every other
 * panel does so for the one behind it, so that threads still share panels one by one. Shuffling elements out of vectors
 * in place of loading them saves as much on V8 13 and half of it on V8 11.
 */
import type { Expression, LayoutPart } from "../../ir/kernel/index.js";
import { constantOf, exactDivide, size } from "../../sizes/index.js";
import type { Draft } from "../draft.js";
import type { Loop } from "../rewrite.js";
import { type Contraction, dependenciesOf, type Sum } from "./contraction.js";
import { divisorOf, namesOf, rolesOf } from "./roles.js";

export interface VectorTile {
  readonly rows: number;
  /** A multiple of the lanes of a vector. */
  readonly columns: number;
  /** The columns of a panel of weights, a multiple of the tile's; the tile's if not given. */
  readonly panel?: number;
  /** Whether a single row takes two elements of the sum at once, and two panels. */
  readonly hasPairs?: boolean;
}

/** A loop over panels that are taken at once, and the loops over rows in it. */
interface Panels {
  readonly loop: string;
  readonly rows: readonly string[];
}

export const lanes = 4;

/**
 * Whether a contraction of one sum has the rows of a tile and the columns of a panel, as far as it is known. What takes
 * one position of each sequence, as the last layer of a step does, has only few rows.
 */
export function fillsTile(contraction: Contraction, { rows, columns, panel = columns }: VectorTile): boolean {
  const isAtLeast = (loop: Loop | undefined, least: number): boolean =>
    loop !== undefined && (constantOf(loop.extent) ?? least) >= least;
  const isOne = (factor: Expression): boolean =>
    factor.kind === "load" && factor.buffer.shape.some((extent) => constantOf(extent) === 1);
  const [sum, ...others] = contraction.sums;
  const roles = rolesOf(contraction);
  return (
    others.length === 0 &&
    !sum!.factors.some(isOne) &&
    isAtLeast(roles.rows.at(-1), rows) &&
    isAtLeast(roles.columns.at(-1), panel)
  );
}

/** Takes the steps for one contraction. @throws ScheduleError where one of them must not be taken. */
export function tileForWasm(draft: Draft, contraction: Contraction, tile: VectorTile): void {
  const { nest, sums } = contraction;
  const { batch, rows, columns } = rolesOf(contraction);
  const column = columns.at(-1);
  if (column === undefined) return;
  const count = constantOf(column.extent);
  // What has few columns has panels of its own width.
  const panelColumns = tile.panel ?? tile.columns;
  const factor = count === null ? panelColumns : Math.min(panelColumns, lanes * Math.ceil(count / lanes));
  const isPacked = pack(draft, contraction, column, factor);
  const reduction = splitReductions(draft, contraction);
  foldPairs(draft, contraction, column);
  reorder(draft, namesOf(nest), namesOf([...batch, ...columns, ...rows]));
  const shape = {
    rows: sums.length > 1 ? 1 : tile.rows,
    columns: Math.min(tile.columns, factor),
    panel: factor,
    // What is made of fewer bytes as it is read needs registers too.
    hasPairs: sums.length === 1 && sums[0]!.factors.every(isFloatLoad),
  };
  for (const panel of panelsOf(draft, column, factor, isPacked)) {
    const inside = draft.inside(panel).map(({ variable }) => variable.name);
    const names = inside.slice(0, rows.length);
    tileRows(draft, panel, names, inside.slice(rows.length), rows.at(-1) ?? null, shape);
  }
  void reduction;
}

function isFloatLoad(factor: Expression): boolean {
  return factor.kind === "load" && factor.buffer.element === "f32";
}

/** The factor of a sum that columns are read from, as it is loaded: what is held in fewer bytes is cast where it is read. */
function weightOf({ factors }: Sum, column: Loop): Extract<Expression, { kind: "load" }> | null {
  const ofColumn = factors.find((each) => dependenciesOf(each).has(column.variable));
  const weight = ofColumn?.kind === "cast" ? ofColumn.operand : ofColumn;
  return weight?.kind === "load" ? weight : null;
}

/** The only axis of a load whose index depends on a loop; null if there is none or there are more. */
function axisOf({ index }: Extract<Expression, { kind: "load" }>, { variable }: Loop): number | null {
  const axes = [...index.keys()].filter((axis) => dependenciesOf(index[axis]!).has(variable));
  return axes.length === 1 ? axes[0]! : null;
}

/**
 * The axis of a weight in floats of 16 bits along which two numbers may lie side by side, as those that are added to one
 * sum one after the other: a vector then holds eight, the lower and the upper halves of its lanes. Null for other weights.
 */
function pairedAxisOf(sum: Sum, column: Loop): number | null {
  const weight = weightOf(sum, column);
  const inner = sum.reduction.at(-1)!;
  if (weight === null || (weight.element !== "f16f" && weight.element !== "bf16")) return null;
  const axis = axisOf(weight, inner);
  if (axis === null || axis === axisOf(weight, column) || divisorOf(inner.variable, sum.factors) !== null) return null;
  const at = weight.index[axis]!;
  const isPlain = at.kind === "index" && at.value === size(inner.variable);
  return isPlain && weight.buffer.facts.constant === true && exactDivide(inner.extent, size(2)) !== null ? axis : null;
}

/** Packs the weights that columns are read from; whether all of them are. */
function pack(draft: Draft, { sums }: Contraction, column: Loop, factor: number): boolean {
  const packed = sums.map((sum) => {
    const weight = weightOf(sum, column);
    const axis = weight === null ? null : axisOf(weight, column);
    if (weight === null || axis === null) return false;
    const pair = pairedAxisOf(sum, column);
    const part = (of: number, way: LayoutPart["part"], by: number): LayoutPart => ({ axis: of, part: way, factor: by });
    const others = [...weight.index.keys()].filter((at) => at !== axis);
    const rest = others.map((at) => (at === pair ? part(at, "outer", 2) : part(at, "all", 1)));
    const inner = [part(axis, "inner", factor), ...(pair === null ? [] : [part(pair, "inner", 2)])];
    const layout = [part(axis, "outer", factor), ...rest, ...inner];
    return draft.try(() => draft.take({ step: "packWeight", buffer: weight.buffer.name, layout }), true);
  });
  return packed.every((each) => each);
}

/** Adds two products at a time where their weights lie side by side. */
function foldPairs(draft: Draft, { sums }: Contraction, column: Loop): void {
  for (const sum of sums) {
    if (pairedAxisOf(sum, column) === null) continue;
    const { name } = sum.reduction.at(-1)!.variable;
    const names = [draft.fresh(`${name}o`), draft.fresh(`${name}i`)] as const;
    draft.take({ step: "split", loop: name, factor: 2, tail: "exact", names, copies: [] });
    draft.take({ step: "fold", loop: names[1] });
  }
}

/** Splits loops that are summed over where factors are read by quotient and remainder, as merged heads are. */
function splitReductions(draft: Draft, { sums }: Contraction): readonly string[] {
  return sums.flatMap(({ reduction, factors }) =>
    reduction.flatMap((loop) => {
      const { name } = loop.variable;
      const factor = divisorOf(loop.variable, factors as readonly Expression[]);
      if (factor === null || exactDivide(loop.extent, size(factor)) === null) return [name];
      const names = [draft.fresh(`${name}o`), draft.fresh(`${name}i`)];
      draft.take({ step: "split", loop: name, factor, tail: "exact", names, copies: [] });
      return names;
    }),
  );
}

/** Splits the columns; the names of the loops over the columns of a panel. */
export function panelsOf(draft: Draft, column: Loop, factor: number, isPacked: boolean): readonly string[] {
  const { name } = column.variable;
  const names = [draft.fresh(`${name}o`), draft.fresh(`${name}i`)] as const;
  if (exactDivide(column.extent, size(factor)) !== null) {
    draft.take({ step: "split", loop: name, factor, tail: "exact", names, copies: [] });
    return [names[1]];
  }
  const isRound =
    isPacked &&
    draft.try(() => draft.take({ step: "split", loop: name, factor, tail: "round", names, copies: [] }), true);
  const fresh = (each: string): string => draft.fresh(each);
  if (isRound) {
    const inside = draft.inside(names[0]).map(({ variable }) => variable.name);
    const copies = inside.map(fresh);
    const rest = draft.fresh(`${name}r`);
    const isPeeled = draft.try(() => draft.take({ step: "peelGuard", loop: names[0], name: rest, copies }));
    return isPeeled ? [names[1], copies[0]!] : [names[1]];
  }
  const rest = draft.fresh(`${name}r`);
  const copies = draft.inside(name).map(({ variable }) => fresh(variable.name));
  draft.take({ step: "split", loop: name, factor, tail: "peel", names: [...names, rest], copies });
  return constantOf(column.extent) === null ? [names[1]] : [names[1], rest];
}

/** Tiles the rows of a panel, whose columns are the loop `columns` around them. */
export function tileRows(
  draft: Draft,
  columns: string,
  rows: readonly string[],
  reduction: readonly string[],
  row: Loop | null,
  tile: VectorTile,
): void {
  // Elements that are not in pairs leave no registers for a second panel; sums of several loops do not stay in them.
  const summed = reduction.length === 1 ? draft.loop(reduction[0]!) : null;
  const hasPanels = tile.hasPairs === true && summed !== null && exactDivide(summed.extent, size(2)) !== null;
  const panel = hasPanels ? draft.around(columns) : null;
  reorder(draft, [columns, ...rows], [...rows, columns]);
  const name = rows.at(-1);
  const count = row === null ? 1 : constantOf(row.extent);
  const isPart = tile.panel !== undefined && tile.columns < tile.panel;
  if (name === undefined || row === null || count === 1 || (tile.rows === 1 && !isPart)) {
    return singleRow(draft, columns, reduction, tile, panel === null ? null : pairOf(draft, panel, rows));
  }
  if (!isPart && count !== null && count <= tile.rows) return tileOf(draft, [name, columns], reduction);
  if (tile.rows === 1) return singleRow(draft, columns, reduction, tile);
  const isExact = exactDivide(row.extent, size(tile.rows)) !== null;
  const names = [`${name}o`, `${name}i`, ...(isExact ? [] : [`${name}r`])].map((each) => draft.fresh(each));
  const copies = isExact ? [] : [columns, ...reduction].map((each) => draft.fresh(each));
  const tail = isExact ? "exact" : "peel";
  const split = { step: "split", loop: name, factor: tile.rows, tail, names, copies } as const;
  const [outer, inner, rest] = names as [string, string, string | undefined];
  const hasSingles = rest !== undefined && (count === null || isPart);
  const gather = hasSingles && panel !== null ? { loop: panel, factor: 2, as: draft.fresh(panel) } : null;
  const isGathered = gather !== null && draft.try(() => draft.take({ ...split, gather }));
  if (!isGathered) draft.take(split);
  tileOf(draft, [inner, isPart ? partOf(draft, columns, [outer, inner], tile.columns) : columns], reduction);
  if (rest === undefined) return;
  const left = copies.slice(1);
  if (hasSingles) singleRow(draft, copies[0]!, left, tile, isGathered ? { loop: gather.as, rows: [rest] } : null);
  else tileOf(draft, [rest, copies[0]!], left);
}

/** Two panels of a loop over them, within each of which all rows pass; null where their number is odd. */
function pairOf(draft: Draft, panel: string, rows: readonly string[]): Panels | null {
  const names = [`${panel}o`, `${panel}i`].map((each) => draft.fresh(each)) as [string, string];
  const isSplit = draft.try(() =>
    draft.take({ step: "split", loop: panel, factor: 2, tail: "exact", names, copies: [] }),
  );
  return isSplit ? { loop: names[1], rows } : null;
}

function singleRow(
  draft: Draft,
  columns: string,
  reduction: readonly string[],
  { hasPairs }: VectorTile,
  panels: Panels | null = null,
): void {
  const inner = reduction.at(-1);
  const names = [`${inner}o`, `${inner}i`].map((each) => draft.fresh(each)) as [string, string];
  const isFolded =
    hasPairs === true &&
    inner !== undefined &&
    draft.try(() => {
      draft.take({ step: "split", loop: inner, factor: 2, tail: "exact", names, copies: [] });
      draft.take({ step: "fold", loop: names[1] });
    });
  const into = isFolded ? [...reduction.slice(0, -1), names[0]] : reduction;
  tileOf(draft, [columns], into);
  if (panels === null) return;
  draft.take({ step: "sink", loop: panels.loop, into: [...panels.rows, ...into] });
  draft.take({ step: "mark", loop: panels.loop, kind: "unroll" });
}

/** Splits the columns of a panel into parts, each of which all rows pass; the loop over the columns of a part. */
function partOf(draft: Draft, columns: string, rows: readonly string[], factor: number): string {
  const [part, inner] = [draft.fresh(`${columns}o`), draft.fresh(`${columns}i`)];
  draft.take({ step: "split", loop: columns, factor, tail: "exact", names: [part, inner], copies: [] });
  draft.take({ step: "reorder", loops: [part, ...rows, inner] });
  return inner;
}

/** Makes a tile of loops around the sums: the last one vectors, those before written out. */
function tileOf(draft: Draft, loops: readonly string[], reduction: readonly string[]): void {
  const into = [...new Set(reduction)];
  for (const loop of loops.toReversed()) draft.take({ step: "sink", loop, into });
  for (const loop of loops.slice(0, -1)) draft.take({ step: "mark", loop, kind: "unroll" });
  draft.take({ step: "mark", loop: loops.at(-1)!, kind: "vector" });
}

export function reorder(draft: Draft, now: readonly string[], wanted: readonly string[]): void {
  // Loops that stand where they should, at the outside, need not be named.
  const first = now.findIndex((name, at) => name !== wanted[at]);
  if (first >= 0) draft.take({ step: "reorder", loops: wanted.slice(first) });
}
