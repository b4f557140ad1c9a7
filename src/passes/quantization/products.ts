/**
 * Products with a weight, recognised, and computed of its quantized numbers.
 *
 * In floats, numbers are made of whole ones where they are multiplied. In integers, what they are multiplied by is
 * quantized row by row, to as many bits as sums of 32 bits have room for: whatever the numbers, no sum overflows.
 */
import {
  elementBytes,
  type Graph,
  type GraphBuilder,
  type NodeOf,
  reduce,
  scalar,
  type ValueId,
} from "../../ir/graph/index.js";
import { constantOf, type Size, size } from "../../sizes/index.js";
import {
  type Cut,
  countIn,
  dequantize,
  extentOf,
  float,
  type IntegerStorage,
  limitsOf,
  multipleOf,
  numbersOf,
  type Quantized,
  rounded,
  unpacked,
  zeroOf,
} from "./storage.js";

/** A product of something with what is known at load. */
export interface Product {
  /** Which operand is the weight: 0 or 1. */
  readonly position: number;
  /** The labels of the weight's axes, of the other operand's, and of the result's. */
  readonly ofWeight: readonly number[];
  readonly ofOther: readonly number[];
  readonly output: readonly number[];
  /** The axes of the weight that are summed over. */
  readonly summed: readonly number[];
}

/** Fewer numbers in a sum, and fewer columns, are not worth a scale: they stay as they are. */
export const fewest = 16;

/** The product that a node is, or why it is none that could be quantized; null where it has nothing to do with weights. */
export function productOf(
  graph: Graph,
  node: NodeOf<"einsum">,
  isLoadTime: readonly boolean[],
): Product | string | null {
  const { operands, attributes } = node;
  if (operands.length !== 2 || isLoadTime[operands[0]!] === isLoadTime[operands[1]!]) return null;
  const position = isLoadTime[operands[0]!] ? 0 : 1;
  const [weight, other] = [operands[position]!, operands[1 - position]!].map((each) => graph.types[each]!);
  if (weight!.element !== "f32" || weight!.shape.length < 2) return null;
  const [ofWeight, ofOther] = [attributes.inputs[position]!, attributes.inputs[1 - position]!];
  const { output } = attributes;
  const axes = [...ofWeight.keys()];
  const summed = axes.filter((axis) => !output.includes(ofWeight[axis]!));
  const columns = axes.filter((axis) => output.includes(ofWeight[axis]!) && !ofOther.includes(ofWeight[axis]!));
  const isPlain =
    summed.length > 0 &&
    ofOther.every((label) => output.includes(label) || ofWeight.includes(label)) &&
    summed.every((axis) => other!.shape[ofOther.indexOf(ofWeight[axis]!)] === weight!.shape[axis]);
  if (!isPlain) return "its sums are not over what both have";
  const count = (of: readonly number[]): number =>
    of.reduce((product, axis) => product * extentOf(weight!.shape, axis), 1);
  if (count(summed) < fewest) return `it sums ${count(summed)} numbers, too few for a scale`;
  if (count(columns) < fewest) return `it has ${count(columns)} columns, too few`;
  return { position, ofWeight, ofOther, output, summed };
}

/**
 * How the weight of a product is cut; null where its numbers cannot be put side by side.
 * @param wanted how many numbers should have one scale; null for all of a column
 */
export function cutOf(
  { summed }: Pick<Product, "summed">,
  shape: readonly Size[],
  wanted: number | null,
  storage: IntegerStorage,
): Cut | null {
  const count = multipleOf(storage);
  // The longest axis is cut: with several, as of heads, what is summed over the others has scales of its own.
  const axis = summed.reduce((best, each) => (extentOf(shape, each) > extentOf(shape, best) ? each : best));
  const extent = extentOf(shape, axis);
  if (extent % count !== 0) return null;
  if (wanted === null) return { axes: summed, axis, group: null };
  for (let group = Math.min(wanted, extent); group >= Math.min(8, wanted); group--) {
    if (extent % group === 0 && group % count === 0) return { axes: [axis], axis, group };
  }
  return null;
}

/** The product of quantized numbers, and whether it is one of integers. */
export function emitProduct(
  builder: GraphBuilder,
  product: Product,
  other: ValueId,
  quantized: Quantized,
  cut: Cut,
  storage: IntegerStorage,
): { readonly value: ValueId; readonly integers: boolean } {
  const most = mostOfRows(builder, product, other, cut, storage);
  if (most !== null)
    return { value: inIntegers(builder, product, other, quantized, cut, storage, most), integers: true };
  return { value: inFloats(builder, product, other, quantized, cut, storage), integers: false };
}

/** The smallest range that a row is quantized to: less would be felt. */
const leastRange = 255;

/** The greatest magnitude that the other operand's numbers may have; null where sums of integers are not computed. */
export function mostOfRows(
  builder: GraphBuilder,
  { ofWeight, ofOther, summed }: Product,
  other: ValueId,
  { axis, group }: Cut,
  storage: IntegerStorage,
): number | null {
  if (!storage.integers) return null;
  const { shape } = builder.typeOf(other);
  const extents = summed.map((each) => constantOf(shape[ofOther.indexOf(ofWeight[each]!)]!)!);
  const count = group ?? extents.reduce((a, b) => a * b, 1);
  // Products are computed in pairs.
  const along = group ?? extents[summed.indexOf(axis)]!;
  if (along % 2 !== 0) return null;
  const most = Math.min(2 ** 15 - 1, Math.floor((2 ** 31 - 1) / (limitsOf(storage).most * count)));
  return most >= leastRange ? most : null;
}

function inFloats(
  builder: GraphBuilder,
  product: Product,
  other: ValueId,
  quantized: Quantized,
  cut: Cut,
  storage: IntegerStorage,
): ValueId {
  if (cut.group !== null)
    return inFloatsOf(builder, product, other, dequantize(builder, quantized, cut, storage), null);
  const numbers = numbersOf(builder, quantized.codes, cut.axis, storage);
  return inFloatsOf(builder, product, other, numbers, float(builder, quantized.scale));
}

/** The product of numbers of a weight in f32, with a scale for each of its columns, if there are any. */
export function inFloatsOf(
  builder: GraphBuilder,
  { position, ofWeight, ofOther, output }: Product,
  other: ValueId,
  weight: ValueId,
  scale: ValueId | null,
): ValueId {
  const [operands, inputs] = [[other], [ofOther]];
  operands.splice(position, 0, weight);
  inputs.splice(position, 0, ofWeight);
  const value = builder.emit("einsum", operands, { inputs, output });
  return scale === null ? value : builder.emit("mul", [value, alongside(builder, scale, ofWeight, output)], {});
}

function inIntegers(
  builder: GraphBuilder,
  product: Product,
  other: ValueId,
  { codes, scale, least }: Quantized,
  { axis, group }: Cut,
  storage: IntegerStorage,
  most: number,
): ValueId {
  const { position, ofWeight, ofOther, output, summed } = product;
  const axes = summed.map((each) => ofOther.indexOf(ofWeight[each]!));
  const largest = reduce(builder, "max", builder.emit("abs", [other], {}), axes);
  const step = builder.emit("mul", [largest, scalar(builder, Math.fround(1 / most), "f32")], {});
  const whole = rounded(builder, builder.emit("div", [other, step], {}), { least: -most, most });
  const rows = builder.emit("cast", [whole], { to: "i16" });
  const words = (value: ValueId): ValueId => builder.emit("cast", [value], { to: "i32" });
  const numbers = unpacked(builder, codes, axis, storage);
  const ofRows = alongside(builder, step, ofOther, output);
  const einsum = (a: ValueId, ofA: readonly number[], b: ValueId, ofB: readonly number[], to: readonly number[]) =>
    position === 0
      ? builder.emit("einsum", [b, a], { inputs: [ofB, ofA], output: to })
      : builder.emit("einsum", [a, b], { inputs: [ofA, ofB], output: to });
  if (group === null) {
    const sums = einsum(words(rows), ofOther, words(numbers), ofWeight, output);
    const scaled = builder.emit("mul", [builder.emit("cast", [sums], { to: "f32" }), ofRows], {});
    return builder.emit("mul", [scaled, float(builder, alongside(builder, scale, ofWeight, output))], {});
  }
  // A label more: which group. Sums over what is in a group are integers, those over groups have their scales.
  const [inside, groups] = [ofWeight[axis]!, 1 + Math.max(...ofWeight, ...ofOther, ...output)];
  const parted = (value: ValueId, labels: readonly number[]): { value: ValueId; labels: readonly number[] } => {
    const at = labels.indexOf(inside);
    const { shape } = builder.typeOf(value);
    const parts = [size(extentOf(shape, at) / group), size(group)];
    const made = builder.emit("reshape", [value], { shape: shape.toSpliced(at, 1, ...parts) });
    return { value: made, labels: labels.toSpliced(at, 1, groups, inside) };
  };
  const [a, b] = [parted(rows, ofOther), parted(numbers, ofWeight)];
  const others = summed.flatMap((each) => (each === axis ? [] : [ofWeight[each]!]));
  const partial = [...output, ...others, groups];
  const sums = einsum(words(a.value), a.labels, words(b.value), b.labels, partial);
  // What codes are above the numbers, and what groups have at least, is the same for all of a group: it counts for the sum
  // of the row there.
  const zero = zeroOf(storage);
  const ofSums = a.labels.filter((label) => label !== inside);
  const ofGroups = (times: (sum: ValueId) => ValueId): ValueId => {
    const sum = builder.emit("einsum", [words(a.value)], { inputs: [a.labels], output: ofSums });
    return alongside(builder, times(sum), ofSums, partial);
  };
  const byZero = (sum: ValueId): ValueId => builder.emit("mul", [sum, scalar(builder, zero, "i32")], {});
  const above = zero === 0 ? sums : builder.emit("sub", [sums, ofGroups(byZero)], {});
  const ofWeights = (value: ValueId): ValueId =>
    float(builder, alongside(builder, value, ofWeight.with(axis, groups), partial));
  const scaled = builder.emit("mul", [float(builder, above), ofWeights(scale)], {});
  const inFloat = (sum: ValueId): ValueId => float(builder, sum);
  const added = least === null ? null : builder.emit("mul", [ofGroups(inFloat), ofWeights(least)], {});
  const parts = added === null ? scaled : builder.emit("add", [scaled, added], {});
  const total = builder.emit("einsum", [parts], { inputs: [partial], output });
  return builder.emit("mul", [total, ofRows], {});
}

/** What has axes of some labels, some of size 1, in the order of others, so that it broadcasts to them. */
function alongside(
  builder: GraphBuilder,
  value: ValueId,
  labels: readonly number[],
  output: readonly number[],
): ValueId {
  const { shape } = builder.typeOf(value);
  const kept = output.filter((label) => labels.includes(label));
  const axes = kept.map((label) => labels.indexOf(label));
  const dropped = [...labels.keys()].filter((axis) => !axes.includes(axis));
  const moved = builder.emit("transpose", [value], { permutation: [...dropped, ...axes] });
  const extents = output.map((label) => (labels.includes(label) ? shape[labels.indexOf(label)]! : size(1)));
  return builder.emit("reshape", [moved], { shape: extents });
}

/** How much memory quantized numbers take, in bytes. */
export function bytesOfQuantized(builder: GraphBuilder, { codes, scale, least }: Quantized): number {
  const bytes = (value: ValueId): number => {
    const { element, shape } = builder.typeOf(value);
    return (countIn(shape) ?? 0) * elementBytes[element];
  };
  return bytes(codes) + bytes(scale) + (least === null ? 0 : bytes(least));
}
