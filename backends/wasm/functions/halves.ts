/** f16 as functions of four lanes: rounding to it, its bits, and what they stand for. */
import { call, type FunctionCode, f32x4, get, i32, i32x4, Local, op, set } from "../code/tree.js";
import { add, mul, select, sub } from "./vectors.js";

/** f32 lanes rounded to the nearest f16, ties to even: to 11 binary digits, or to multiples of 2^-24 below 2^-14. */
export function roundToHalf(): FunctionCode {
  const [x, magnitude, scaled, normal] = ["x", "magnitude", "scaled", "normal"].map(
    (name) => new Local(name, "v128"),
  ) as [Local, Local, Local, Local];
  const tiny = sub(add(get(magnitude), f32x4(0.75)), f32x4(0.75));
  const finite = select(op("f32x4.lt", [get(magnitude), f32x4(2 ** -14)]), tiny, get(normal));
  return {
    name: "half4",
    parameters: [x],
    result: "v128",
    comment: "four f32 rounded to f16",
    body: [
      set(magnitude, op("f32x4.abs", [get(x)])),
      // Veltkamp's splitting; what is larger than any f16 is no concern of it.
      set(scaled, mul(op("f32x4.pmin", [get(magnitude), f32x4(65536)]), f32x4(8193))),
      set(normal, sub(get(scaled), sub(get(scaled), op("f32x4.pmin", [get(magnitude), f32x4(65536)])))),
      set(normal, select(op("f32x4.ge", [get(magnitude), f32x4(65520)]), f32x4(Number.POSITIVE_INFINITY), get(normal))),
      op("v128.or", [
        select(op("f32x4.eq", [get(x), get(x)]), finite, get(x)),
        op("v128.and", [get(x), i32x4(-2147483648)]),
      ]),
    ],
  };
}

/** f32 lanes rounded to the nearest f16 that is finite; NaN gives 0. */
export function roundToFiniteHalf(): FunctionCode {
  const x = new Local("x", "v128");
  const clamped = op("f32x4.max", [op("f32x4.min", [get(x), f32x4(65504)]), f32x4(-65504)]);
  return {
    name: "finiteHalf4",
    parameters: [x],
    result: "v128",
    comment: "four f32 rounded to finite f16",
    body: [op("v128.and", [call("half4", clamped), op("f32x4.eq", [get(x), get(x)])])],
  };
}

const infinity = 0x7f800000;
const sign = 0x80000000 | 0;

/**
 * The bits of four numbers that are f16 already, in the lower halves of lanes. Divided by 2^112 a number has the exponent
 * of f16 and its fraction in the upper bits, whether it is normal or not.
 */
export function bitsOfHalf(): FunctionCode {
  const [x, magnitude, bits] = ["x", "magnitude", "bits"].map((name) => new Local(name, "v128")) as [
    Local,
    Local,
    Local,
  ];
  const scaled = mul(get(magnitude), f32x4(2 ** -112));
  const isNumber = op("i32x4.lt_s", [get(magnitude), i32x4(infinity)]);
  const isInfinite = op("i32x4.eq", [get(magnitude), i32x4(infinity)]);
  return {
    name: "halfBits4",
    parameters: [x],
    result: "v128",
    comment: "the bits of four f16",
    body: [
      set(magnitude, op("v128.and", [get(x), i32x4(~sign)])),
      set(bits, op("i32x4.shr_u", [scaled, i32(13)])),
      set(bits, select(isNumber, get(bits), select(isInfinite, i32x4(0x7c00), i32x4(0x7e00)))),
      op("v128.or", [get(bits), op("i32x4.shr_u", [op("v128.and", [get(x), i32x4(sign)]), i32(16)])]),
    ],
  };
}

/** Four f16 from their bits in the lower halves of lanes: the other way round, where the largest exponent stays that. */
export function halfFromBits(): FunctionCode {
  const [bits, magnitude] = ["bits", "magnitude"].map((name) => new Local(name, "v128")) as [Local, Local];
  const isLast = op("i32x4.gt_s", [get(magnitude), i32x4((0x7c00 << 13) - 1)]);
  const exponent = op("v128.and", [isLast, i32x4(infinity)]);
  return {
    name: "fromHalf4",
    parameters: [bits],
    result: "v128",
    comment: "four f16 as f32",
    body: [
      set(magnitude, op("i32x4.shl", [op("v128.and", [get(bits), i32x4(0x7fff)]), i32(13)])),
      op("v128.or", [
        op("v128.or", [mul(get(magnitude), f32x4(2 ** 112)), exponent]),
        op("i32x4.shl", [op("v128.and", [get(bits), i32x4(0x8000)]), i32(16)]),
      ]),
    ],
  };
}
