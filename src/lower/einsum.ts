/** Lowering of einsum: for an element of the output, a sum in one loop per label that is not in the output. */
import { contractionOrder } from "../ir/graph/index.js";
import { type Buffer, binary, cast, constant, type Expression, load } from "../ir/kernel/index.js";
import { type Size, size } from "../sizes/index.js";
import { type Index, isSingle, zero } from "./addresses.js";
import { accumulatorOf } from "./rows.js";
import type { Operation, Share, StagedRule } from "./rules.js";
import { type KernelWriter, store } from "./writer.js";

export const einsumOrder = ({ attributes, isRow }: Operation<"einsum">): readonly number[] =>
  contractionOrder(attributes, isRow);

/**
 * What a softmax divides by is one number per row: where the kernel computes the softmax, its numerators are summed, and
 * the sum is divided.
 */
export const einsumElement: StagedRule<"einsum"> = (operation, result, writer) => {
  const { attributes, operands, type, at, share } = operation;
  const { inputs, output } = attributes;
  const extents = new Map<number, Size>();
  for (const [operand, labels] of inputs.entries()) {
    for (const [axis, label] of labels.entries()) {
      const extent = operands[operand]!.shape[axis]!;
      // An axis of size 1 repeats along what the others have for the label.
      if (!extents.has(label) || isSingle(extents.get(label)!)) extents.set(label, extent);
    }
  }
  const summed = [...extents.keys()].filter((label) => !output.includes(label));
  const element = accumulatorOf(type.element);

  const shares = new Set<Share>();
  const numeratorOf = (factor: Expression, depth: number): Expression => {
    const found = share(factor);
    if (found === null || writer.depthOf(found.row, found.rows) > depth) return factor;
    shares.add(found);
    return found.numerator;
  };
  const product = (
    depth: number,
    positions: ReadonlyMap<number, Expression>,
    rows: readonly (Buffer | null)[] = [],
  ): Expression => {
    const factors = inputs.map((labels, operand) => {
      const row = rows[operand] ?? null;
      if (row !== null) return load(row, [positions.get(labels.find((label) => summed.includes(label))!)!]);
      const { shape } = operands[operand]!;
      const from: Index = labels.map((label, axis) => (isSingle(shape[axis]!) ? zero : positions.get(label)!));
      return cast(numeratorOf(at(operand, from), depth), element);
    });
    return factors.reduce((left, right) => binary("mul", left, right));
  };

  const outer = output.map((label, axis): [number, Expression] => [label, result[axis]!]);
  if (summed.length === 0) return cast(product(-1, new Map(outer)), type.element);
  const sum = writer.stage(result, type.shape, () => {
    const rows = inputs.map((_, operand) => rowAhead(operation, operand, { places: new Map(outer), summed }, writer));
    const sum = writer.scalar("sum", constant(0, element));
    const { depth } = writer;
    const terms = writer.nest(
      summed.map((label) => extents.get(label)!),
      (inner) => {
        const places = summed.map((label, i): [number, Expression] => [label, inner[i]!]);
        return [sum.update("add", product(depth, new Map([...outer, ...places]), rows))];
      },
    );
    return [sum, terms];
  });
  const finished = [...shares].reduce((value, { finish }) => finish(value), sum.value);
  return cast(finished, type.element);
};

/**
 * A factor that is itself a sum of products, as a row along what is summed, computed ahead of the loops that it does not
 * depend on: a query, which all keys are compared with. Null where the factor is read where it is used.
 */
function rowAhead(
  { attributes: { inputs }, operands, type, at, isSum }: Operation<"einsum">,
  operand: number,
  { places, summed }: { readonly places: ReadonlyMap<number, Expression>; readonly summed: readonly number[] },
  writer: KernelWriter,
): Buffer | null {
  const [labels, { shape }] = [inputs[operand]!, operands[operand]!];
  const axes = [...labels.keys()].filter((axis) => summed.includes(labels[axis]!));
  const [along] = axes;
  if (along === undefined || axes.length > 1 || isSingle(shape[along]!) || !isSum(operand)) return null;
  const start: Index = labels.map((label, axis) => (isSingle(shape[axis]!) ? zero : (places.get(label) ?? zero)));
  return writer.stageBlock(start, shape.with(along, size(1)), () => {
    const row = writer.row("query", accumulatorOf(type.element), shape[along]!);
    const fill = writer.loop(shape[along]!, (i) => [
      store(row, [i], cast(at(operand, start.with(along, i)), row.element)),
    ]);
    return [row, [{ kind: "alloc", buffer: row }, ...fill]];
  });
}
