/**
 * Weights as they are held: whole numbers with a scale for each column of a matrix, or for each group of numbers along it.
 *
 * All of it is operators of the Graph, so that every rung of the ladder computes the same: the largest magnitude, a scale,
 * rounding, and bits put side by side. What depends on weights alone runs once, at load.
 *
 * Symmetric quantization after Jacob et al., "Quantization and Training of Neural Networks for Efficient
 * Integer-Arithmetic-Only Inference" (2018), with a zero point of 0.
 */

import { type GraphBuilder, reduce, scalar, type ValueId } from "../../ir/graph/index.js";
import { elementCount } from "../../ir/graph/infer-shapes.js";
import { largestHalf } from "../../ir/graph/rounding.js";
import { constantOf, type Size, size } from "../../sizes/index.js";

/** How weights are held: as floats of 16 bits, or as whole numbers with scales. */
export type WeightStorage = "f16" | "bf16" | IntegerStorage;

/** How weights are held as whole numbers. */
export interface IntegerStorage {
  /** The bits of a number. */
  readonly bits: 8 | 4;
  /** How many numbers along a column have one scale; null for all of them. */
  readonly group: number | null;
  /** Whether a group has a least number beside its scale, or else its numbers are as far below 0 as above. */
  readonly hasLeast: boolean;
  /** Whether a group need not use the ends of its numbers, as in files that say so: then its scale is searched for. */
  readonly isSearched: boolean;
  /** What scales and least numbers are held in. */
  readonly scales: "f32" | "f16f";
  /** What numbers lie in: integers as small as can be, i8 or four halves of bytes in i16, or words of 32 bits. */
  readonly unit: "small" | "word";
  /** Whether products are computed in integers: what weights are multiplied by is then quantized too, row by row. */
  readonly integers: boolean;
}

/** The least and the greatest quantized number. Of 8 bits the least is left out, so that numbers are symmetric. */
export function limitsOf({ bits }: Pick<IntegerStorage, "bits">): { readonly least: number; readonly most: number } {
  return bits === 8 ? { least: -127, most: 127 } : { least: 0, most: 15 };
}

/** The code that stands for 0 where groups have no least number. */
export function zeroOf({ bits, hasLeast }: Pick<IntegerStorage, "bits" | "hasLeast">): number {
  return bits === 8 || hasLeast ? 0 : 8;
}

/** How many numbers lie in one integer. */
export function countOf({ bits, unit }: Pick<IntegerStorage, "bits" | "unit">): number {
  return unit === "word" ? 32 / bits : bits === 8 ? 1 : 4;
}

/**
 * How many integers are filled together: two of four numbers each have every second pair of eight, so that two numbers that
 * one instruction multiplies and adds are at the same place of both.
 */
function togetherOf({ bits, unit }: Pick<IntegerStorage, "bits" | "unit">): number {
  return unit === "small" && bits === 4 ? 2 : 1;
}

/** What an axis along which numbers are put side by side must be a multiple of. */
export function multipleOf(storage: Pick<IntegerStorage, "bits" | "unit">): number {
  return countOf(storage) * togetherOf(storage);
}

/** A matrix that is quantized. */
export interface Quantized {
  /** Whole numbers in i8, i16 or i32, in the shape of the weight but for `axis`, shorter if several lie in one. */
  readonly codes: ValueId;
  /** In the shape of the weight: 1 along axes that have one scale, the number of groups along `axis`. As they are held. */
  readonly scale: ValueId;
  /** The least number of each group, in the shape of the scale; null where there is none. */
  readonly least: ValueId | null;
}

/** How a weight is cut. */
export interface Cut {
  /** The axes along which numbers have one scale. */
  readonly axes: readonly number[];
  /** That of them along which groups are cut, and numbers put side by side. */
  readonly axis: number;
  /** How many numbers along `axis` have one scale; null for all of them. */
  readonly group: number | null;
}

/**
 * A weight as whole numbers and scales. Rows of zeros have the scale 0; a NaN or an infinity makes its scale one.
 *
 * Of 8 bits, the number of the largest magnitude is 127 or -127. Of 4 bits it is -8, whatever its sign, which the scale then
 * has: so all 16 numbers are used; and with a least number, that is 0 and the largest 15. As this is how the blocks Q8_0, Q4_0
 * and Q4_1 of llama.cpp are made, numbers that come from such blocks are held exactly, where groups are those blocks. Groups of
 * Q4_K and Q6_K, and blocks that were made with an importance matrix, need not use the ends: they keep the whole numbers of the
 * file.
 */
export function quantize(builder: GraphBuilder, weight: ValueId, cut: Cut, storage: IntegerStorage): Quantized {
  const { shape } = builder.typeOf(weight);
  const parted = grouped(builder, weight, cut);
  const axes = cut.group === null ? cut.axes : [cut.axis + 1];
  const made = storage.hasLeast
    ? scaleAndLeast(builder, parted, axes, storage)
    : { scale: (storage.bits === 8 ? scaleOf8 : scaleOf4)(builder, parted, axes, storage), least: null };
  const { scale, least } = {
    scale: inStorage(builder, made.scale, storage),
    least: made.least === null ? null : inStorage(builder, made.least, storage),
  };
  const above = least === null ? parted : builder.emit("sub", [parted, float(builder, least)], {});
  const parts = builder.emit("div", [above, float(builder, scale)], {});
  const zero = zeroOf(storage);
  const codes = zero === 0 ? parts : builder.emit("add", [parts, scalar(builder, zero, "f32")], {});
  const whole = builder.emit("reshape", [rounded(builder, codes, limitsOf(storage))], { shape });
  const held = packed(builder, whole, cut.axis, storage);
  if (cut.group === null) return { codes: held, scale, least };
  const flat = builder.typeOf(scale).shape.toSpliced(cut.axis + 1, 1);
  const ofGroups = (each: ValueId): ValueId => builder.emit("reshape", [each], { shape: flat });
  return { codes: held, scale: ofGroups(scale), least: least === null ? null : ofGroups(least) };
}

function inStorage(builder: GraphBuilder, value: ValueId, { scales }: IntegerStorage): ValueId {
  return scales === "f32" ? value : builder.emit("cast", [value], { to: scales });
}

/** What is held, as numbers to compute with. */
export function float(builder: GraphBuilder, value: ValueId): ValueId {
  return builder.typeOf(value).element === "f32" ? value : builder.emit("cast", [value], { to: "f32" });
}

/** The whole number that stands for the largest magnitude is searched for among those that others divide. */
const searched = { 8: { from: 17, to: 32 }, 4: { from: 4, to: 8 }, least: { from: 8, to: 15 } } as const;

/** Divided, not multiplied by 1/127: of a whole number times 127 the quotient is exact. */
function scaleOf8(
  builder: GraphBuilder,
  parted: ValueId,
  axes: readonly number[],
  { isSearched }: IntegerStorage,
): ValueId {
  const largest = reduce(builder, "max", builder.emit("abs", [parted], {}), axes);
  const steps = isSearched
    ? stepsBetween(builder, parted, largest, null, axes, searched[8])
    : scalar(builder, 127, "f32");
  return builder.emit("div", [largest, steps], {});
}

function scaleOf4(
  builder: GraphBuilder,
  parted: ValueId,
  axes: readonly number[],
  { isSearched }: IntegerStorage,
): ValueId {
  const [most, least] = [reduce(builder, "max", parted, axes), reduce(builder, "min", parted, axes)];
  const isPositive = builder.emit("lt", [builder.emit("neg", [least], {}), most], {});
  const extreme = builder.emit("where", [isPositive, most, least], {});
  if (!isSearched) return builder.emit("mul", [extreme, scalar(builder, -1 / 8, "f32")], {});
  const steps = stepsBetween(builder, parted, builder.emit("abs", [extreme], {}), null, axes, searched[4]);
  // There is -8, but no 8: what is 4 of both signs is not taken twice, as the least count that will do is chosen.
  const isLess = builder.emit("lt", [steps, scalar(builder, 8, "f32")], {});
  const divisor = builder.emit("where", [isLess, steps, scalar(builder, -8, "f32")], {});
  return builder.emit("div", [extreme, divisor], {});
}

/** Of a file, scales are f16, and rounding to that undoes what rounding of the largest number did to the difference. */
function scaleAndLeast(
  builder: GraphBuilder,
  parted: ValueId,
  axes: readonly number[],
  { isSearched }: IntegerStorage,
): Pick<Quantized, "scale" | "least"> {
  const [most, least] = [reduce(builder, "max", parted, axes), reduce(builder, "min", parted, axes)];
  const range = builder.emit("sub", [most, least], {});
  const steps = isSearched
    ? stepsBetween(builder, parted, range, least, axes, searched.least)
    : scalar(builder, 15, "f32");
  return { scale: builder.emit("div", [range, steps], {}), least };
}

/**
 * How many equal steps lie between the least of a group, or 0, and the largest: as many as make all of it whole numbers, or
 * nearly. Of numbers that are whole multiples of something, a count that they are not in other units of leaves one at least
 * 1/`to` away from a whole number. A count that divides another of the range need not be tried.
 */
function stepsBetween(
  builder: GraphBuilder,
  parted: ValueId,
  range: ValueId,
  least: ValueId | null,
  axes: readonly number[],
  { from, to }: { readonly from: number; readonly to: number },
): ValueId {
  const { shape } = builder.typeOf(range);
  const byCount = (value: ValueId): ValueId =>
    builder.emit("reshape", [value], { shape: [...builder.typeOf(value).shape, size(1)] });
  const row = [...shape.map(() => size(1)), size(to - from + 1)];
  const offsets = builder.emit("cast", [builder.emit("iota", [], { axis: shape.length, shape: row })], { to: "f32" });
  const counts = builder.emit("add", [offsets, scalar(builder, from, "f32")], {});
  // Multiplied by what there is for each group, so that nothing as large as the weight is made on the way.
  const perUnit = builder.emit("div", [counts, byCount(range)], {});
  const all = builder.emit("mul", [byCount(parted), perUnit], {});
  const parts =
    least === null ? all : builder.emit("sub", [all, builder.emit("mul", [byCount(least), perUnit], {})], {});
  const half = scalar(builder, 0.5, "f32");
  const whole = builder.emit("floor", [builder.emit("add", [parts, half], {})], {});
  const worst = reduce(builder, "max", builder.emit("abs", [builder.emit("sub", [parts, whole], {})], {}), axes);
  const best = reduce(builder, "min", worst, [shape.length]);
  const isBest = builder.emit("le", [worst, best], {});
  // Where all of a group is one number, none is best, and any will do.
  const chosen = builder.emit("where", [isBest, counts, scalar(builder, to, "f32")], {});
  return builder.emit("reshape", [reduce(builder, "min", chosen, [shape.length])], { shape });
}

/**
 * A weight as f16, with scales that are 1 for all columns whose numbers f16 has room for. It holds finite numbers only, which
 * targets turn into f32 faster: a NaN or an infinity makes the scale one, as it does where numbers are whole.
 */
export function halved(
  builder: GraphBuilder,
  weight: ValueId,
  axes: readonly number[],
): Pick<Quantized, "codes" | "scale"> {
  const number = (value: number): ValueId => scalar(builder, value, "f32");
  const largest = reduce(builder, "max", builder.emit("abs", [weight], {}), axes);
  const fits = builder.emit("le", [largest, number(largestHalf)], {});
  const part = builder.emit("mul", [largest, number(Math.fround(1 / largestHalf))], {});
  const one = builder.emit("broadcast", [number(1)], { shape: builder.typeOf(part).shape });
  const scale = builder.emit("where", [fits, one, part], {});
  const codes = builder.emit("cast", [builder.emit("div", [weight, scale], {})], { to: "f16f" });
  return { codes, scale };
}

/** The weight as f32, in its own shape. */
export function dequantize(
  builder: GraphBuilder,
  { codes, scale, least }: Quantized,
  cut: Cut,
  storage: IntegerStorage,
): ValueId {
  const numbers = numbersOf(builder, codes, cut.axis, storage);
  const { shape } = builder.typeOf(numbers);
  if (cut.group === null) return builder.emit("mul", [numbers, float(builder, scale)], {});
  const each = builder.typeOf(scale).shape.toSpliced(cut.axis + 1, 0, size(1));
  const alike = (ofGroups: ValueId): ValueId => float(builder, builder.emit("reshape", [ofGroups], { shape: each }));
  const scaled = builder.emit("mul", [grouped(builder, numbers, cut), alike(scale)], {});
  const whole = least === null ? scaled : builder.emit("add", [scaled, alike(least)], {});
  return builder.emit("reshape", [whole], { shape });
}

/** The whole numbers that are scaled, as f32, in the shape of the weight. */
export function numbersOf(builder: GraphBuilder, codes: ValueId, axis: number, storage: IntegerStorage): ValueId {
  const numbers = builder.emit("cast", [unpacked(builder, codes, axis, storage)], { to: "f32" });
  const zero = zeroOf(storage);
  return zero === 0 ? numbers : builder.emit("sub", [numbers, scalar(builder, zero, "f32")], {});
}

/** The codes, as i8 or i32, in the shape of the weight. */
export function unpacked(builder: GraphBuilder, codes: ValueId, axis: number, storage: IntegerStorage): ValueId {
  const count = countOf(storage);
  if (count === 1) return codes;
  const { bits } = storage;
  const integer = (value: number): ValueId => scalar(builder, value, "i32");
  const words = builder.emit("cast", [codes], { to: "i32" });
  const { shape } = builder.typeOf(words);
  const apart = builder.emit("reshape", [words], { shape: shape.toSpliced(axis + 1, 0, size(1)) });
  // Which of those in a word: shifted to its lower end, and its sign after it.
  const places = shape.map(() => size(1)).toSpliced(axis + 1, 0, size(count));
  const place = builder.emit("iota", [], { axis: axis + 1, shape: places });
  const divisor = builder.emit("pow", [integer(2 ** bits), place], {});
  const shifted = builder.emit("floor_div", [apart, divisor], {});
  const lowest = (value: ValueId): ValueId => builder.emit("mod", [value, integer(2 ** bits)], {});
  const half = integer(2 ** (bits - 1));
  const numbers =
    bits === 4 ? lowest(shifted) : builder.emit("sub", [lowest(builder.emit("add", [shifted, half], {})), half], {});
  const extent = extentOf(shape, axis);
  const together = togetherOf(storage);
  const parted = shape.toSpliced(axis, 1, size(extent / together), size(together), size(count));
  const order = [...parted.keys()].with(axis + 1, axis + 2).with(axis + 2, axis + 1);
  const inOrder =
    together === 1
      ? numbers
      : builder.emit("transpose", [builder.emit("reshape", [numbers], { shape: parted })], { permutation: order });
  return builder.emit("reshape", [inOrder], { shape: shape.with(axis, size(extent * count)) });
}

/** Whole numbers of f32 as they are held. */
function packed(builder: GraphBuilder, numbers: ValueId, axis: number, storage: IntegerStorage): ValueId {
  const count = countOf(storage);
  const element = storage.unit === "word" ? "i32" : storage.bits === 8 ? "i8" : "i16";
  if (count === 1) return builder.emit("cast", [numbers], { to: element });
  const { bits } = storage;
  const together = togetherOf(storage);
  const whole = builder.emit("cast", [numbers], { to: "i32" });
  const { shape } = builder.typeOf(whole);
  const short = shape.with(axis, size(extentOf(shape, axis) / count));
  const parted = builder.emit("reshape", [whole], {
    shape: shape.toSpliced(axis, 1, size(extentOf(shape, axis) / count / together), size(count), size(together)),
  });
  const integer = (value: number): ValueId => scalar(builder, value, "i32");
  const parts = Array.from({ length: count }, (_, position): ValueId => {
    const part = builder.emit("slice", [parted], { axis: axis + 1, start: size(position), length: size(1) });
    const own = builder.emit("reshape", [part], { shape: short });
    // The last ones have the sign of the integer, which has no more bits.
    const low = bits === 8 && position < count - 1 ? builder.emit("mod", [own, integer(2 ** bits)], {}) : own;
    const last = bits === 4 && position === count - 1 ? signed(builder, own, integer) : low;
    return position === 0 ? last : builder.emit("mul", [last, integer(2 ** (bits * position))], {});
  });
  const word = parts.reduce((sum, part) => builder.emit("add", [sum, part], {}));
  return builder.emit("cast", [word], { to: element });
}

/** The number of 4 bits with a sign that has the bits of one without. */
function signed(builder: GraphBuilder, code: ValueId, integer: (value: number) => ValueId): ValueId {
  const shifted = builder.emit("add", [code, integer(8)], {});
  return builder.emit("sub", [builder.emit("mod", [shifted, integer(16)], {}), integer(8)], {});
}

/** Numbers rounded to whole ones within limits. What is NaN stays that, and is 0 as an integer. */
export function rounded(
  builder: GraphBuilder,
  value: ValueId,
  { least, most }: { readonly least: number; readonly most: number },
): ValueId {
  const number = (of: number): ValueId => scalar(builder, of, "f32");
  const whole = builder.emit("floor", [builder.emit("add", [value, number(0.5)], {})], {});
  return builder.emit("minimum", [builder.emit("maximum", [whole, number(least)], {}), number(most)], {});
}

/** With the axis of groups as two: which group, and where in it. */
function grouped(builder: GraphBuilder, value: ValueId, { axis, group }: Cut): ValueId {
  if (group === null) return value;
  const { shape } = builder.typeOf(value);
  const parts = [size(extentOf(shape, axis) / group), size(group)];
  return builder.emit("reshape", [value], { shape: shape.toSpliced(axis, 1, ...parts) });
}

/** The number that an axis of a weight has. */
export function extentOf(shape: readonly Size[], axis: number): number {
  return constantOf(shape[axis]!)!;
}

/** How many numbers a shape has, where it is known. */
export function countIn(shape: readonly Size[]): number | null {
  return constantOf(elementCount(shape));
}
