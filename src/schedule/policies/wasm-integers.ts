/**
 * Products of quantized numbers as WebAssembly: sums of integers, of which one instruction adds the products of two pairs.
 *
 * Numbers of a weight are packed into panels of columns, in which those that are multiplied together lie side by side: two
 * integers for each column, which are two numbers of a byte, or eight of half a byte. Tiles are those of products of floats. Where
 * groups of numbers have scales of their own, a sum of integers stands within one of floats.
 */
import type { Buffer, Expression, Kernel, LayoutPart, Statement } from "../../ir/kernel/index.js";
import { distinctExpressions } from "../../ir/kernel/index.js";
import { constantOf } from "../../sizes/index.js";
import type { Draft } from "../draft.js";
import { loopsIn } from "../loops.js";
import type { Loop } from "../rewrite.js";
import { type Contraction, dependenciesOf, perfectNest, type Sum } from "./contraction.js";
import { namesOf, rolesOf } from "./roles.js";
import { lanes, panelsOf, reorder, tileRows, type VectorTile } from "./wasm-contraction.js";

/** A sum of integers, perhaps within a sum of floats. */
export interface IntegerSum extends Sum {
  /** The weight as it is read, and how many numbers along the innermost loop lie in one of its integers. */
  readonly weight: Extract<Expression, { kind: "load" }>;
  readonly count: 1 | 4;
  /** What is read of scales, where there are some for each group. */
  readonly scales: readonly Extract<Expression, { kind: "load" }>[];
}

export interface IntegerContraction extends Contraction {
  readonly sums: readonly IntegerSum[];
}

/** The products of integers in a kernel. */
export function integerContractionsOf(kernel: Kernel): readonly IntegerContraction[] {
  return kernel.body.flatMap((statement): readonly IntegerContraction[] => {
    if (statement.kind !== "for" || statement.loop !== "serial") return [];
    const nest = perfectNest(statement);
    const loops = nest.at(-1)!.body.filter((each) => each.kind === "for");
    const isPlain = nest.at(-1)!.body.every(({ kind }) => kind === "for" || kind === "store" || kind === "alloc");
    const sums = loops.map(integerSumOf);
    return isPlain && sums.length > 0 && sums.every((each) => each !== null) ? [{ nest, sums }] : [];
  });
}

/** The sum of integers that a loop computes; null if it does anything else. */
function integerSumOf(loop: Loop): IntegerSum | null {
  const reduction = loopsIn([loop]);
  if (reduction.some((each) => each.loop !== "serial")) return null;
  const inner = reduction.at(-1)!;
  const [only, ...others] = inner.body;
  if (only?.kind !== "store" || others.length > 0 || only.update !== "add" || only.buffer.element !== "i32")
    return null;
  if (only.value.kind !== "binary" || only.value.operator !== "mul") return null;
  const factors = [only.value.left, only.value.right] as const;
  const weights = factors.map((each) => integersIn(each));
  const [weight] = weights.filter((each) => each !== null);
  if (weight === undefined || weights.every((each) => each !== null)) return null;
  const count = factors.some((each) => each.kind === "cast" && each.operand === weight) ? 1 : 4;
  return { reduction, factors, weight, count, scales: scalesIn(loop, only) };
}

/** The only load of an expression, of small integers that are known at load. */
function integersIn(expression: Expression): Extract<Expression, { kind: "load" }> | null {
  const loads = [...distinctExpressions([expression])].filter((each) => each.kind === "load");
  const [only, ...others] = loads;
  const isSmall = only?.buffer.element === "i8" || only?.buffer.element === "i16";
  return isSmall && only.buffer.facts.constant === true && others.length === 0 ? only : null;
}

/** What the stores in a loop, but the sum's own, read of what is known at load. */
function scalesIn(loop: Loop, own: Statement): readonly Extract<Expression, { kind: "load" }>[] {
  const stores = loopsIn([loop]).flatMap(({ body }) => body.filter((each) => each.kind === "store" && each !== own));
  const values = stores.flatMap((each) => (each.kind === "store" ? [each.value] : []));
  return [...distinctExpressions(values)].filter(
    (each) => each.kind === "load" && each.buffer.facts.constant === true,
  ) as readonly Extract<Expression, { kind: "load" }>[];
}

/** Takes the steps for one contraction. @throws ScheduleError where one of them must not be taken. */
export function tileIntegersForWasm(draft: Draft, contraction: IntegerContraction, tile: VectorTile): void {
  const { nest, sums } = contraction;
  const { batch, rows, columns } = rolesOf(contraction);
  const column = columns.at(-1);
  if (column === undefined) return;
  const count = constantOf(column.extent);
  const factor = count === null ? tile.columns : Math.min(tile.columns, lanes * Math.ceil(count / lanes));
  for (const sum of sums) foldInner(draft, sum);
  for (const { weight, reduction, scales } of sums) {
    packPanels(draft, weight, column, factor, reduction.at(-1)!);
    for (const scale of scales) packPanels(draft, scale, column, factor, null);
  }
  reorder(draft, namesOf(nest), namesOf([...batch, ...columns, ...rows]));
  const shape = { rows: sums.length > 1 ? 1 : tile.rows, columns: factor };
  for (const panel of panelsOf(draft, column, factor, true)) {
    const inside = draft.inside(panel).map(({ variable }) => variable.name);
    tileRows(draft, panel, inside.slice(0, rows.length), inside.slice(rows.length), rows.at(-1) ?? null, shape);
  }
}

/** How many integers of a column lie side by side. */
const together = 2;

/** Adds as many products at once as numbers lie side by side. */
function foldInner(draft: Draft, { reduction, count }: IntegerSum): void {
  const { name } = reduction.at(-1)!.variable;
  const names = [draft.fresh(`${name}o`), draft.fresh(`${name}i`)] as const;
  draft.take({ step: "split", loop: name, factor: together * count, tail: "exact", names, copies: [] });
  draft.take({ step: "fold", loop: names[1] });
}

/**
 * Packs what columns are read from into panels of columns.
 * @param along the loop whose integers lie side by side; null for none
 */
function packPanels(
  draft: Draft,
  { buffer, index }: Extract<Expression, { kind: "load" }>,
  column: Loop,
  factor: number,
  along: Loop | null,
): void {
  const axisOf = ({ variable }: Loop): number => index.findIndex((each) => dependenciesOf(each).has(variable));
  const ofColumn = axisOf(column);
  if (ofColumn < 0 || isPacked(draft, buffer)) return;
  const pair = along === null ? -1 : axisOf(along);
  const part = (axis: number, way: LayoutPart["part"], of: number): LayoutPart => ({ axis, part: way, factor: of });
  const others = index.flatMap((_, axis) => {
    if (axis === ofColumn) return [];
    return [axis === pair ? part(axis, "outer", together) : part(axis, "all", 1)];
  });
  const inner = [part(ofColumn, "inner", factor), ...(pair < 0 ? [] : [part(pair, "inner", together)])];
  draft.take({
    step: "packWeight",
    buffer: buffer.name,
    layout: [part(ofColumn, "outer", factor), ...others, ...inner],
  });
}

/** Whether an argument of this name is packed already, as one that two sums read. */
function isPacked({ kernel }: Draft, { name }: Buffer): boolean {
  return kernel.reads.some((each) => each.name === name && each.facts.packed !== undefined);
}
