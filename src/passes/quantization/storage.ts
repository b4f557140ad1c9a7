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
  /** What numbers lie in: bytes, or words of 32 bits. */
  readonly unit: "byte" | "word";
  /** Whether products are computed in integers: what weights are multiplied by is then quantized too, row by row. */
  readonly integers: boolean;
}

/** The least and the greatest quantized number. Of 8 bits the least is left out, so that numbers are symmetric. */
export function limitsOf({ bits }: Pick<IntegerStorage, "bits">): { readonly least: number; readonly most: number } {
  return bits === 8 ? { least: -127, most: 127 } : { least: -8, most: 7 };
}

/** How many numbers lie in one byte or word. */
export function countOf({ bits, unit }: Pick<IntegerStorage, "bits" | "unit">): number {
  return (unit === "byte" ? 8 : 32) / bits;
}

/** A matrix that is quantized. */
export interface Quantized {
  /** Whole numbers in i8 or i32, in the shape of the weight but for `axis`, which is shorter if several lie in one. */
  readonly codes: ValueId;
  /** In the shape of the weight: 1 along axes that have one scale, the number of groups along `axis`. */
  readonly scale: ValueId;
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
 * has: so all 16 numbers are used. As this is how the blocks Q8_0 and Q4_0 of llama.cpp are made, numbers that come from such
 * blocks are held exactly, where groups are those blocks.
 */
export function quantize(builder: GraphBuilder, weight: ValueId, cut: Cut, storage: IntegerStorage): Quantized {
  const limits = limitsOf(storage);
  const { shape } = builder.typeOf(weight);
  const parted = grouped(builder, weight, cut);
  const axes = cut.group === null ? cut.axes : [cut.axis + 1];
  const scale = storage.bits === 8 ? scaleOf8(builder, parted, axes) : scaleOf4(builder, parted, axes);
  const whole = rounded(builder, builder.emit("div", [parted, scale], {}), limits);
  const codes = packed(builder, builder.emit("reshape", [whole], { shape }), cut.axis, storage);
  if (cut.group === null) return { codes, scale };
  const flat = builder.typeOf(scale).shape.toSpliced(cut.axis + 1, 1);
  return { codes, scale: builder.emit("reshape", [scale], { shape: flat }) };
}

/** Divided, not multiplied by 1/127: of a whole number times 127 the quotient is exact. */
function scaleOf8(builder: GraphBuilder, parted: ValueId, axes: readonly number[]): ValueId {
  const largest = reduce(builder, "max", builder.emit("abs", [parted], {}), axes);
  return builder.emit("div", [largest, scalar(builder, 127, "f32")], {});
}

function scaleOf4(builder: GraphBuilder, parted: ValueId, axes: readonly number[]): ValueId {
  const [most, least] = (["max", "min"] as const).map((each) => reduce(builder, each, parted, axes)) as [
    ValueId,
    ValueId,
  ];
  const isPositive = builder.emit("lt", [builder.emit("neg", [least], {}), most], {});
  const extreme = builder.emit("where", [isPositive, most, least], {});
  return builder.emit("mul", [extreme, scalar(builder, -1 / 8, "f32")], {});
}

/**
 * A weight as f16, with scales that are 1 for all columns whose numbers f16 has room for. It holds finite numbers only, which
 * targets turn into f32 faster: a NaN or an infinity makes the scale one, as it does where numbers are whole.
 */
export function halved(builder: GraphBuilder, weight: ValueId, axes: readonly number[]): Quantized {
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
  { codes, scale }: Quantized,
  cut: Cut,
  storage: IntegerStorage,
): ValueId {
  const numbers = builder.emit("cast", [unpacked(builder, codes, cut.axis, storage)], { to: "f32" });
  const { shape } = builder.typeOf(numbers);
  if (cut.group === null) return builder.emit("mul", [numbers, scale], {});
  const each = builder.typeOf(scale).shape.toSpliced(cut.axis + 1, 0, size(1));
  const factor = builder.emit("reshape", [scale], { shape: each });
  return builder.emit("reshape", [builder.emit("mul", [grouped(builder, numbers, cut), factor], {})], { shape });
}

/** The whole numbers, as i8 or i32, in the shape of the weight. */
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
  const half = integer(2 ** (bits - 1));
  const shifted = builder.emit("add", [builder.emit("floor_div", [apart, divisor], {}), half], {});
  const numbers = builder.emit("sub", [builder.emit("mod", [shifted, integer(2 ** bits)], {}), half], {});
  return builder.emit("reshape", [numbers], { shape: shape.with(axis, size(extentOf(shape, axis) * count)) });
}

/** Whole numbers of f32 as they are held. */
function packed(builder: GraphBuilder, numbers: ValueId, axis: number, storage: IntegerStorage): ValueId {
  const count = countOf(storage);
  const element = storage.unit === "byte" ? "i8" : "i32";
  if (count === 1) return builder.emit("cast", [numbers], { to: element });
  const { bits } = storage;
  const whole = builder.emit("cast", [numbers], { to: "i32" });
  const { shape } = builder.typeOf(whole);
  const short = shape.with(axis, size(extentOf(shape, axis) / count));
  const parted = builder.emit("reshape", [whole], { shape: short.toSpliced(axis + 1, 0, size(count)) });
  const integer = (value: number): ValueId => scalar(builder, value, "i32");
  const parts = Array.from({ length: count }, (_, position): ValueId => {
    const part = builder.emit("slice", [parted], { axis: axis + 1, start: size(position), length: size(1) });
    const own = builder.emit("reshape", [part], { shape: short });
    const low = position === count - 1 ? own : builder.emit("mod", [own, integer(2 ** bits)], {});
    return position === 0 ? low : builder.emit("mul", [low, integer(2 ** (bits * position))], {});
  });
  const word = parts.reduce((sum, part) => builder.emit("add", [sum, part], {}));
  return builder.emit("cast", [word], { to: element });
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
